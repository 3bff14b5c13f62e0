//! What an `output` block says beside what its type needs: pace, patience, which actions, templates.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use egret_config::{
    Block, BlockKind, BlockReader, Diagnostic, Diagnostics, FromValue, Located, Value, decode_block,
};
use egret_model::time::parse_duration;
use egret_model::{AlertAction, suggest};

use crate::delivery::Output;
use crate::registry::{OutputContext, OutputType, output_types};
use crate::template::{TEMPLATE_BLOCK, Templates};

/// `output "TYPE" "NAME" { … }` at the top of a file.
pub const OUTPUT_BLOCK: BlockKind = BlockKind::new("output", &["type", "name"]);

/// How long one try may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long a delivery is tried.
const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Most deliveries in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// So many …
    pub count: NonZeroU32,
    /// … in this time.
    pub period: Duration,
}

impl FromValue for Rate {
    const EXPECTED: &'static str = "a string with a rate such as \"30/m\"";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = value.expect_text(Self::EXPECTED, diagnostics)?;
        let parsed = text.split_once('/').and_then(|(count, period)| {
            let period = period.trim();
            let period = if period.starts_with(|c: char| c.is_ascii_digit()) {
                period.to_owned()
            } else {
                format!("1{period}")
            };
            let micros = parse_duration(&period).ok().filter(|micros| *micros > 0)?;
            let period = Duration::from_micros(micros.unsigned_abs());
            Some(Self { count: count.trim().parse().ok()?, period })
        });
        if parsed.is_none() {
            let mistake = Diagnostic::error(format!("expected {}", Self::EXPECTED)).at(&value.location);
            diagnostics.push(mistake.hint("write a number and a time, like 5/s, 30/m or 100/10s"));
        }
        parsed
    }
}

/// A configured output.
#[derive(Debug, Clone)]
pub struct OutputDefinition {
    /// Its type: `slack`.
    pub kind: &'static str,
    /// Its name: `soc`.
    pub name: Located<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// What it is told of.
    pub actions: Vec<AlertAction>,
    /// Most deliveries in a time.
    pub rate: Option<Rate>,
    /// How long a delivery is tried before it goes to the dead letters.
    pub give_up_after: Duration,
    /// Parts of its messages.
    pub templates: Templates,
    /// The output itself.
    pub output: Arc<dyn Output>,
}

impl OutputDefinition {
    /// As routes and queues name it: `slack.soc`.
    pub fn address(&self) -> String {
        format!("{}.{}", self.kind, self.name.value)
    }

    /// Reads an `output` block; `None` after a mistake, which was reported.
    pub fn read(block: &Block, context: &OutputContext, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut reader = BlockReader::new(block, diagnostics);
        let kind = reader.located_label(0);
        let name = reader.located_label(1);
        let output_type = find_type(&kind?, reader.diagnostics())?;
        let enabled = reader.optional_or("enabled", true);
        let actions = reader.optional_or("actions", None::<Vec<Located<String>>>);
        let rate = reader.optional_or("rate", None::<Rate>);
        let timeout = reader.optional_or("timeout", TIMEOUT);
        let give_up_after = reader.optional_or("give_up_after", GIVE_UP_AFTER);
        let template = reader.nested_block(TEMPLATE_BLOCK);
        let templates = template.map(|block| decode_block::<Templates>(block, reader.diagnostics()));
        let service = context.for_block(block, timeout.unwrap_or(TIMEOUT));
        let context = OutputContext { service, stdout: Arc::clone(&context.stdout) };
        let output = (output_type.decode)(&mut reader, &context);
        let actions = actions.and_then(|words| match words {
            None => Some(None),
            Some(words) => read_actions(&words, reader.diagnostics()).map(Some),
        });
        reader.finish();
        let output = output?;
        Some(Self {
            kind: output_type.name,
            name: name?,
            enabled: enabled?,
            actions: actions?.unwrap_or_else(|| output.actions().to_vec()),
            rate: rate?,
            give_up_after: give_up_after?,
            templates: templates.unwrap_or(Some(Templates::default()))?,
            output,
        })
    }
}

fn find_type(kind: &Located<String>, diagnostics: &mut Diagnostics) -> Option<&'static OutputType> {
    let names = || output_types().iter().map(|output_type| output_type.name);
    let found = output_types().iter().find(|output_type| output_type.name == kind.value);
    if found.is_none() {
        let hint = suggest::nearest(&kind.value, names()).map_or_else(
            || format!("the output types are {}", names().collect::<Vec<_>>().join(", ")),
            |name| format!("did you mean `{name}`?"),
        );
        let mistake = Diagnostic::error(format!("there is no output type `{}`", kind.value));
        diagnostics.push(mistake.at(&kind.location).hint(hint));
    }
    found
}

fn read_actions(words: &[Located<String>], diagnostics: &mut Diagnostics) -> Option<Vec<AlertAction>> {
    let mut actions = Some(Vec::new());
    for word in words {
        match (AlertAction::from_word(&word.value), &mut actions) {
            (Some(action), Some(actions)) => actions.push(action),
            (Some(_), None) => {}
            (None, _) => {
                let all: Vec<&str> = AlertAction::ALL.iter().map(|action| action.as_str()).collect();
                let mistake =
                    Diagnostic::error(format!("`{}` is nothing that happens to an alert", word.value));
                diagnostics
                    .push(mistake.at(&word.location).hint(format!("the actions are {}", all.join(", "))));
                actions = None;
            }
        }
    }
    actions
}

#[cfg(test)]
mod tests;
