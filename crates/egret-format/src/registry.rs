//! The formats that exist: what a configuration may name, what `egret format list | show` tells, and the presets.
//!
//! A format is one module and one line in [`FORMAT_TYPES`]. Its documentation stands beside its code, and a test
//! compares the attributes it documents with those it reads.

mod json;
mod recognise;

use std::str::FromStr;
use std::sync::Arc;

use egret_config::{Block, BlockReader, Decode, Diagnostic, Diagnostics, Located};
use egret_model::suggest;

use crate::decoder::Format;
use crate::layout_error::LayoutError;
use crate::{access_log, aws_vpc_flow_log, delimited, kv, regex, syslog};

pub use recognise::{RECOGNISE_BYTES, Recognised, first_records, recognise};

/// Every type of format, by name.
pub const FORMAT_TYPES: &[&FormatType] = &[
    &access_log::APACHE_ACCESS_LOG,
    &aws_vpc_flow_log::AWS_VPC_FLOW_LOG,
    &delimited::DELIMITED,
    &json::JSON,
    &json::JSON_LINES,
    &kv::KV,
    &access_log::NGINX_ACCESS_LOG,
    &regex::REGEX,
    &syslog::SYSLOG,
];

/// A type of format: what `format "TYPE" "NAME" { … }` may be.
#[derive(Debug)]
pub struct FormatType {
    /// Its name in configuration: `delimited`.
    pub name: &'static str,
    /// What it reads, for people.
    pub description: &'static str,
    /// What may stand in its block, besides `description`.
    pub attributes: &'static [AttributeDocumentation],
    /// The formats of this type that are there without configuration.
    pub presets: &'static [Preset],
    /// A block of this type, as HCL.
    pub example: &'static str,
    /// Reads the block.
    pub(crate) decode: fn(&mut BlockReader<'_>) -> Option<Arc<dyn Format>>,
}

/// What an attribute means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeDocumentation {
    /// Its name.
    pub name: &'static str,
    /// Its type: `string`, `bool`, `list of strings`.
    pub value_type: &'static str,
    /// What it is if it is not written; `None` if it must be written.
    pub default: Option<&'static str>,
    /// What it does, for people.
    pub description: &'static str,
}

/// A format that is there without configuration: `format.nginx_access_log.combined`.
#[derive(Debug)]
pub struct Preset {
    /// Its name: `combined`.
    pub name: &'static str,
    /// What it reads, for people.
    pub description: &'static str,
    /// Its layout, of those that have one.
    pub layout: Option<&'static str>,
    pub(crate) make: fn() -> Option<Arc<dyn Format>>,
}

impl FormatType {
    /// The preset called `name`.
    pub fn preset(&self, name: &str) -> Option<&'static Preset> {
        self.presets.iter().find(|preset| preset.name == name)
    }
}

impl Preset {
    /// The format itself.
    pub fn format(&self) -> Option<Arc<dyn Format>> {
        (self.make)()
    }
}

/// The type of format called `kind`.
pub fn format_type(kind: &str) -> Option<&'static FormatType> {
    FORMAT_TYPES.iter().find(|format_type| format_type.name == kind).copied()
}

/// The format that a reference such as `format.nginx_access_log.combined` means, if it is a preset.
pub fn preset(kind: &str, name: &str) -> Option<Arc<dyn Format>> {
    format_type(kind)?.preset(name)?.format()
}

/// Reads a block `format "KIND" "NAME" { … }`. `None` after a mistake, which was reported.
pub fn decode_format(kind: &str, block: &Block, diagnostics: &mut Diagnostics) -> Option<Arc<dyn Format>> {
    let Some(format_type) = format_type(kind) else {
        diagnostics.push(unknown_type(kind, block));
        return None;
    };
    let mut reader = BlockReader::new(block, diagnostics);
    for label in 0..block.labels.len() {
        reader.label(label);
    }
    reader.optional::<String>("description");
    let format = (format_type.decode)(&mut reader);
    reader.finish();
    format
}

fn unknown_type(kind: &str, block: &Block) -> Diagnostic {
    let names = || FORMAT_TYPES.iter().map(|format_type| format_type.name);
    let hint = match suggest::nearest(kind, names()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the types of format are {}", names().collect::<Vec<_>>().join(", ")),
    };
    let label = block.labels.iter().find(|label| label.value == kind);
    Diagnostic::error(format!("there is no format of type `{kind}`"))
        .at(label.map_or(&block.location, |label| &label.location))
        .hint(hint)
}

/// Reads a block as the format `F`: what most types give as [`FormatType::decode`].
pub(crate) fn decode_as<F: Format + Decode + 'static>(
    reader: &mut BlockReader<'_>,
) -> Option<Arc<dyn Format>> {
    Some(Arc::new(F::decode(reader)?))
}

/// The attribute `layout`, which types with a layout must have.
pub(crate) const fn layout_attribute(description: &'static str) -> AttributeDocumentation {
    AttributeDocumentation { name: "layout", value_type: "string", default: None, description }
}

/// Reads a block whose only attribute is `layout`. A mistake in the layout is shown at its own place.
pub(crate) fn decode_layout<F: FromStr<Err = LayoutError>>(reader: &mut BlockReader<'_>) -> Option<F> {
    let layout: Located<String> = reader.required("layout")?;
    match layout.value.parse() {
        Ok(format) => Some(format),
        Err(LayoutError { message, hint, span }) => {
            reader.diagnostics().push(Diagnostic::error(message).at(&layout.inside(span)).hint(hint));
            None
        }
    }
}

/// An attribute of one ASCII character, or of none at all. `None` after a mistake, which was reported.
pub(crate) fn one_character(
    reader: &mut BlockReader<'_>,
    name: &'static str,
    default: Option<u8>,
) -> Option<Option<u8>> {
    let written: Option<Located<String>> = reader.optional_or(name, None)?;
    let Some(written) = written else { return Some(default) };
    match *written.value.as_bytes() {
        [] => Some(None),
        // Older configurations write a tab with its backslash escaped.
        [b'\\', b't'] => Some(Some(b'\t')),
        [character] if character.is_ascii() => Some(Some(character)),
        _ => {
            let mistake =
                Diagnostic::error(format!("`{name}` must be one ASCII character")).at(&written.location);
            reader.diagnostics().push(mistake.hint("write one character, or \"\" for none"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::formats_of;
