//! Reading blocks into a component's own struct: what is missing, wrong or unknown is reported at its place.

use egret_model::suggest;

use crate::block::{Attribute, Block};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::from_value::FromValue;
use crate::place::{Located, Location};
use crate::value::{Value, ValueKind};

/// A struct that is read from a block.
///
/// Read everything first and unwrap afterwards, so that one block's mistakes are all reported:
///
/// ```
/// # use egret_config::{BlockReader, Decode};
/// # struct Column { name: String, required: bool }
/// impl Decode for Column {
///     fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
///         let name = reader.label(0);
///         let required = reader.optional_or("required", false);
///         Some(Self { name: name?, required: required? })
///     }
/// }
/// ```
pub trait Decode: Sized {
    /// Reads the block; `None` if it has a mistake, which was reported.
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self>;
}

/// Reads `block` as a `T`. Reports attributes and blocks in it that `T` did not ask for.
pub fn decode_block<T: Decode>(block: &Block, diagnostics: &mut Diagnostics) -> Option<T> {
    let mut reader = BlockReader::new(block, diagnostics);
    let decoded = T::decode(&mut reader);
    reader.finish();
    decoded
}

/// Reads one block. Whatever is asked for counts as known; [`BlockReader::finish`] reports the rest.
#[derive(Debug)]
pub struct BlockReader<'a> {
    block: &'a Block,
    diagnostics: &'a mut Diagnostics,
    known_attributes: Vec<&'static str>,
    known_blocks: Vec<&'static str>,
    labels_read: usize,
    any_attribute: bool,
    any_block: bool,
}

impl<'a> BlockReader<'a> {
    /// Reads `block`. Most callers want [`decode_block`], which also finishes.
    pub fn new(block: &'a Block, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            block,
            diagnostics,
            known_attributes: Vec::new(),
            known_blocks: Vec::new(),
            labels_read: 0,
            any_attribute: false,
            any_block: false,
        }
    }

    /// The block itself.
    pub fn block(&self) -> &'a Block {
        self.block
    }

    /// The block's header, for mistakes of the block as a whole.
    pub fn location(&self) -> &'a Location {
        &self.block.location
    }

    /// Where mistakes go, for checks of one's own.
    pub fn diagnostics(&mut self) -> &mut Diagnostics {
        self.diagnostics
    }

    /// The text of a label that the block must have.
    pub fn label(&mut self, index: usize) -> Option<String> {
        self.located_label(index).map(|label| label.value)
    }

    /// As [`BlockReader::label`], with its place.
    pub fn located_label(&mut self, index: usize) -> Option<Located<String>> {
        self.labels_read = self.labels_read.max(index + 1);
        let label = self.block.labels.get(index).cloned();
        if label.is_none() {
            let kind = &self.block.kind.value;
            let labels = if index == 0 { "label" } else { "further label" };
            let mistake = Diagnostic::error(format!("`{kind}` needs a {labels}"))
                .at(&self.block.location)
                .hint(format!("write {}, with a name of your own", header(kind, index + 1)));
            self.diagnostics.push(mistake);
        }
        label
    }

    /// The value of an attribute that must be there.
    pub fn required<T: FromValue>(&mut self, name: &'static str) -> Option<T> {
        let Some(attribute) = self.find(name) else {
            let message = format!("`{}` needs the attribute `{name}`", self.block.kind.value);
            let mistake = Diagnostic::error(message)
                .at(&self.block.location)
                .hint(format!("add `{name} = …`, {}", T::EXPECTED));
            self.diagnostics.push(mistake);
            return None;
        };
        self.convert(attribute)
    }

    /// The value of an attribute that may be there. Also `None` if it is there with a mistake, which was
    /// reported.
    pub fn optional<T: FromValue>(&mut self, name: &'static str) -> Option<T> {
        let attribute = self.find(name)?;
        self.convert(attribute)
    }

    /// As [`BlockReader::optional`], with a value for when it is not there; `None` only after a mistake.
    pub fn optional_or<T: FromValue>(&mut self, name: &'static str, default: T) -> Option<T> {
        match self.find(name) {
            Some(attribute) => self.convert(attribute),
            None => Some(default),
        }
    }

    /// The blocks of a kind in this one, in the order written.
    pub fn blocks(&mut self, kind: &'static str) -> Vec<&'a Block> {
        self.known_blocks.push(kind);
        self.block.blocks_of(kind).collect()
    }

    /// The block of a kind of which there may be one.
    pub fn nested_block(&mut self, kind: &'static str) -> Option<&'a Block> {
        let blocks = self.blocks(kind);
        let (first, rest) = blocks.split_first()?;
        for second in rest {
            let message = format!("`{}` takes one `{kind}`", self.block.kind.value);
            let note = format!("the first is at {}", first.location);
            self.diagnostics.push(Diagnostic::error(message).at(&second.location).note(note));
        }
        Some(first)
    }

    /// The block of a kind of which there must be one.
    pub fn required_block(&mut self, kind: &'static str) -> Option<&'a Block> {
        let block = self.nested_block(kind);
        if block.is_none() {
            let message = format!("`{}` needs a `{kind}` block", self.block.kind.value);
            let mistake = Diagnostic::error(message)
                .at(&self.block.location)
                .hint(format!("add `{kind} {{ … }}` inside it"));
            self.diagnostics.push(mistake);
        }
        block
    }

    /// Every block of a kind in this one, read as `T`; those with a mistake are left out.
    pub fn decode_blocks<T: Decode>(&mut self, kind: &'static str) -> Vec<T> {
        let blocks = self.blocks(kind);
        blocks.into_iter().filter_map(|block| decode_block(block, self.diagnostics)).collect()
    }

    /// All attributes, for a block whose names are not fixed. None of them is unknown then.
    pub fn attributes(&mut self) -> &'a [Attribute] {
        self.any_attribute = true;
        &self.block.attributes
    }

    /// All blocks in this one, for a block that takes any. None of them is unknown then.
    pub fn any_blocks(&mut self) -> &'a [Block] {
        self.any_block = true;
        &self.block.blocks
    }

    /// Reports what nobody asked for: attributes, blocks and labels.
    pub fn finish(self) {
        let kind = &self.block.kind.value;
        for attribute in &self.block.attributes {
            let name = attribute.name.value.as_str();
            if self.any_attribute || self.known_attributes.contains(&name) {
                continue;
            }
            let mistake = Diagnostic::error(format!("`{kind}` has no attribute `{name}`"))
                .at(&attribute.name.location)
                .hint(self.hint_for_attribute(name));
            self.diagnostics.push(mistake);
        }
        for block in &self.block.blocks {
            let name = block.kind.value.as_str();
            if self.any_block || self.known_blocks.contains(&name) {
                continue;
            }
            let mistake = Diagnostic::error(format!("`{kind}` has no block `{name}`"))
                .at(&block.kind.location)
                .hint(self.hint_for_block(name));
            self.diagnostics.push(mistake);
        }
        if let Some(label) = self.block.labels.get(self.labels_read) {
            let message = match self.labels_read {
                0 => format!("`{kind}` takes no label"),
                1 => format!("`{kind}` takes one label"),
                count => format!("`{kind}` takes {count} labels"),
            };
            self.diagnostics.push(Diagnostic::error(message).at(&label.location).hint("remove it"));
        }
    }

    fn hint_for_attribute(&self, name: &str) -> String {
        if self.known_blocks.contains(&name) {
            return format!("`{name}` is a block: write `{name} {{ … }}` without `=`");
        }
        valid_names(name, &self.known_attributes, "attribute")
    }

    fn hint_for_block(&self, name: &str) -> String {
        if self.known_attributes.contains(&name) {
            return format!("`{name}` is an attribute: write `{name} = …`");
        }
        valid_names(name, &self.known_blocks, "block")
    }

    /// The attribute, unless it is not there or null.
    fn find(&mut self, name: &'static str) -> Option<&'a Attribute> {
        self.known_attributes.push(name);
        let attribute = self.block.attribute(name)?;
        let is_null = attribute.value.as_ref().is_some_and(|value| value.kind == ValueKind::Null);
        (!is_null).then_some(attribute)
    }

    fn convert<T: FromValue>(&mut self, attribute: &'a Attribute) -> Option<T> {
        if T::SECRET {
            attribute.mark_as_secret();
            attribute.value.iter().for_each(hide);
        }
        T::from_value(attribute.value.as_ref()?, self.diagnostics)
    }
}

/// Keeps texts that are written out from being shown with a mistake on the same line. What stands for one, such as
/// `env("TOKEN")`, is no secret.
fn hide(value: &Value) {
    match &value.kind {
        ValueKind::String(_) if value.location.text().starts_with(['"', '`', '<']) => {
            let span = &value.location.span;
            value.location.file.hide(span.start + 1..span.end.saturating_sub(1));
        }
        ValueKind::List(items) => items.iter().for_each(hide),
        ValueKind::Map(entries) => entries.iter().for_each(|(_, entry)| hide(entry)),
        _ => {}
    }
}

/// The name that was probably meant, or all that are valid.
pub(crate) fn valid_names(name: &str, known: &[&str], what: &str) -> String {
    if let Some(nearest) = suggest::nearest(name, known.iter().copied()) {
        return format!("did you mean `{nearest}`?");
    }
    let mut names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    match names.len() {
        0 => format!("it takes no {what}"),
        1 => format!("the only {what} is {}", names.concat()),
        _ => format!("the {what}s are {}", names.join(", ")),
    }
}

/// `partition "…" "…" { … }`
pub(crate) fn header(kind: &str, labels: usize) -> String {
    format!("`{kind}{} {{ … }}`", " \"…\"".repeat(labels))
}
