//! What a `generator` block says beside what its type needs.

use std::sync::Arc;
use std::time::Duration;

use egret_config::{Block, BlockKind, BlockReader, Configuration, Diagnostic, Diagnostics, Located};
use egret_model::suggest;

use crate::generator::{Generator, GeneratorContext};
use crate::registry::{GeneratorType, generator_types};
use crate::shape::{DocumentPath, Shape};

/// `generator "TYPE" "NAME" { … }` at the top of a file.
pub const GENERATOR_BLOCK: BlockKind = BlockKind::new("generator", &["type", "name"]);

const EVERY: Duration = Duration::from_secs(3600);
const TIMEOUT: Duration = Duration::from_secs(600);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);
const MAX_SHRINK: f64 = 0.5;
const MAX_OBJECTS: u64 = 10_000_000;
const RETRIES: u32 = 2;

/// What becomes of the first state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// Later states are compared with it; it is no change itself.
    Baseline,
    /// Everything in it was added.
    Changes,
}

/// A configured generator.
#[derive(Debug, Clone)]
pub struct GeneratorDefinition {
    /// Its type: `aws_iam`.
    pub kind: &'static str,
    /// Its name: `prod`. No other generator has it.
    pub name: Located<String>,
    /// Whether it runs.
    pub enabled: bool,
    /// The channel of its changes.
    pub channel: String,
    /// How often it runs.
    pub every: Duration,
    /// It starts up to so much later.
    pub jitter: Duration,
    /// The fields that tell its documents from each other.
    pub key: Vec<String>,
    /// What its documents are like.
    pub shape: Shape,
    /// The share of objects that may be gone at once.
    pub max_shrink: f64,
    /// A run with more objects is refused.
    pub max_objects: u64,
    /// What becomes of the first state.
    pub first_run: FirstRun,
    /// How long a run may take.
    pub timeout: Duration,
    /// How often a run that failed is tried again.
    pub retries: u32,
    /// How long its states are kept.
    pub keep: Duration,
    /// The generator itself.
    pub generator: Arc<dyn Generator>,
}

impl GeneratorDefinition {
    /// Reads all `generator` blocks. Two with one name are a mistake.
    pub fn read_all(
        configuration: &Configuration,
        context: &GeneratorContext,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Self> {
        let mut definitions: Vec<Self> = Vec::new();
        for block in configuration.blocks_of(GENERATOR_BLOCK.name) {
            let Some(definition) = Self::read(block, context, diagnostics) else { continue };
            let same = definitions.iter().find(|other| other.name.value == definition.name.value);
            if let Some(other) = same {
                let mistake =
                    Diagnostic::error(format!("there are two generators `{}`", definition.name.value))
                        .at(&definition.name.location)
                        .note(format!("the first is at {}", other.name.location))
                        .hint("give one of them another name: its states and changes are kept under it");
                diagnostics.push(mistake);
                continue;
            }
            definitions.push(definition);
        }
        definitions
    }

    /// Reads a `generator` block; `None` after a mistake, which was reported.
    pub fn read(block: &Block, context: &GeneratorContext, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut reader = BlockReader::new(block, diagnostics);
        let kind = reader.located_label(0);
        let name = reader.located_label(1).and_then(|name| check_name(name, reader.diagnostics()));
        let generator_type = find_type(&kind?, reader.diagnostics())?;
        let enabled = reader.optional_or("enabled", true);
        let channel = reader.optional_or("channel", generator_type.channel.to_owned());
        let every = read_every(&mut reader);
        let jitter = reader.optional_or("jitter", None::<Duration>);
        let key = reader.optional_or("key", None::<Vec<String>>);
        let shape = read_shape(&mut reader, generator_type);
        let max_shrink = read_share(&mut reader);
        let max_objects = reader.optional_or("max_objects", MAX_OBJECTS);
        let first_run = read_first_run(&mut reader);
        let timeout = reader.optional_or("timeout", TIMEOUT);
        let request_timeout = reader.optional_or("request_timeout", REQUEST_TIMEOUT);
        let retries = reader.optional_or("retries", RETRIES);
        let keep = reader.optional_or("keep", KEEP);
        let service = context.service.for_block(block, request_timeout.unwrap_or(REQUEST_TIMEOUT));
        let run_timeout = timeout.unwrap_or(TIMEOUT);
        let context = GeneratorContext { service, run_timeout, ..context.clone() };
        let generator = (generator_type.decode)(&mut reader, &context);
        reader.finish();
        let every = every?;
        let default_key = || generator_type.key.iter().map(|field| (*field).to_owned()).collect();
        Some(Self {
            kind: generator_type.name,
            name: name?,
            enabled: enabled?,
            channel: channel?,
            every,
            jitter: jitter?.unwrap_or(every / 10),
            key: key?.unwrap_or_else(default_key),
            shape: shape?,
            max_shrink: max_shrink?,
            max_objects: max_objects?,
            first_run: first_run?,
            timeout: timeout?,
            retries: retries?,
            keep: keep?,
            generator: generator?,
        })
    }

    /// As people name it: `aws_iam.prod`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind, self.name.value)
    }
}

/// The name is a partition of the lake: part of paths.
fn check_name(name: Located<String>, diagnostics: &mut Diagnostics) -> Option<Located<String>> {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if !name.value.is_empty() && name.value.chars().all(is_plain) {
        return Some(name);
    }
    let mistake = Diagnostic::error(format!("`{}` cannot be the name of a generator", name.value));
    diagnostics.push(mistake.at(&name.location).hint("use letters, digits, `_` and `-`"));
    None
}

fn find_type(kind: &Located<String>, diagnostics: &mut Diagnostics) -> Option<&'static GeneratorType> {
    let names = || generator_types().iter().map(|generator_type| generator_type.name);
    let found = generator_types().iter().find(|generator_type| generator_type.name == kind.value);
    if found.is_none() {
        let hint = suggest::nearest(&kind.value, names()).map_or_else(
            || format!("the generator types are {}", names().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean `{name}`?"),
        );
        let mistake = Diagnostic::error(format!("there is no generator type `{}`", kind.value));
        diagnostics.push(mistake.at(&kind.location).hint(hint));
    }
    found
}

fn read_shape(reader: &mut BlockReader<'_>, generator_type: &GeneratorType) -> Option<Shape> {
    let ignore = reader.optional_or("ignore", Vec::<Located<String>>::new());
    let ordered = reader.optional_or("ordered", Vec::<Located<String>>::new());
    let identity = reader.optional_or("identity", Vec::<(Located<String>, String)>::new());
    let paths = |paths: Vec<Located<String>>, reader: &mut BlockReader<'_>| -> Option<Vec<DocumentPath>> {
        let read: Vec<_> = paths.iter().map(|path| read_path(path, reader.diagnostics())).collect();
        read.into_iter().collect()
    };
    let own_ignore = paths(ignore?, reader);
    let own_ordered = paths(ordered?, reader);
    let identity: Vec<_> = identity?
        .into_iter()
        .map(|(path, field)| Some((read_path(&path, reader.diagnostics())?, field)))
        .collect();
    let mut shape = generator_type.shape();
    shape.ignore.extend(own_ignore?);
    shape.ordered.extend(own_ordered?);
    shape.identity = identity.into_iter().collect::<Option<_>>()?;
    Some(shape)
}

/// Reads a JSONPath.
pub(crate) fn read_path(path: &Located<String>, diagnostics: &mut Diagnostics) -> Option<DocumentPath> {
    let parsed = DocumentPath::parse(&path.value);
    let wrong =
        |error: String| {
            // The parser draws the place with lines of its own; the last one says what it wanted.
            let wanted = error.lines().last().unwrap_or_default().trim().trim_start_matches("= ").to_owned();
            let mistake = Diagnostic::error(format!("this is no JSONPath: {wanted}")).at(&path.location);
            diagnostics.push(mistake.hint(
                "write a path from the document down, such as \"$.last_seen\" or \"$.keys[*].last_used\"",
            ));
        };
    parsed.map_err(wrong).ok()
}

/// Less than a second would be a run after the other, each with a record.
fn read_every(reader: &mut BlockReader<'_>) -> Option<Duration> {
    let Some(every) = reader.optional_or("every", None::<Located<Duration>>)? else { return Some(EVERY) };
    if every.value >= Duration::from_secs(1) {
        return Some(every.value);
    }
    let mistake = Diagnostic::error("`every` is at least a second").at(&every.location);
    reader.diagnostics().push(mistake.hint("write \"1s\", \"5m\" or \"1h\""));
    None
}

fn read_share(reader: &mut BlockReader<'_>) -> Option<f64> {
    let share = reader.optional_or("max_shrink", None::<Located<f64>>)?;
    let Some(share) = share else { return Some(MAX_SHRINK) };
    if (0.0..=1.0).contains(&share.value) {
        return Some(share.value);
    }
    let mistake = Diagnostic::error("`max_shrink` is a share from 0 to 1").at(&share.location);
    reader.diagnostics().push(mistake.hint("write 0.5 for a half, or 1 to take whatever comes"));
    None
}

fn read_first_run(reader: &mut BlockReader<'_>) -> Option<FirstRun> {
    let Some(word) = reader.optional_or("first_run", None::<Located<String>>)? else {
        return Some(FirstRun::Baseline);
    };
    match word.value.as_str() {
        "baseline" => Some(FirstRun::Baseline),
        "changes" => Some(FirstRun::Changes),
        other => {
            let mistake = Diagnostic::error(format!("`{other}` is nothing that a first state can be"));
            reader.diagnostics().push(mistake.at(&word.location).hint("write \"baseline\" or \"changes\""));
            None
        }
    }
}

#[cfg(test)]
mod tests;
