//! What a `detection` block says.

use std::collections::BTreeMap;
use std::sync::Arc;

use egret_config::{BlockKind, BlockReader, Decode, Diagnostic, Located, decode_block};
use egret_match::Condition;
use egret_model::channel::wildcard_matches;
use egret_model::{ChannelPattern, Severity};

use crate::alert_policy::{ALERT_BLOCK, AlertPolicy};
use crate::message::MessageTemplate;
use crate::remember::{REMEMBER_BLOCK, RememberDefinition};
use crate::test_definition::TestDefinition;
use crate::version::detection_version;

/// The block `detection "name" { … }` at the top of a file.
pub const DETECTION: BlockKind = BlockKind::new("detection", &["name"]);

/// A rule over rows: what to look for, where, and what to say when it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct DetectionDefinition {
    /// Its name, and the `detection_id` of its findings.
    pub id: Located<String>,
    /// The rows it looks at.
    pub target: Located<Target>,
    /// What a row must be like.
    pub rule: Rule,
    /// How bad a match is.
    pub severity: Severity,
    /// A few words for lists.
    pub title: String,
    /// Why a match matters, and what else it may be.
    pub description: String,
    /// Words to find and route it by, such as `attack.t1078`.
    pub tags: Vec<String>,
    /// What to say of one match, with values of the row; without it, the title.
    pub message: Option<MessageTemplate>,
    /// Where to read more.
    pub references: Vec<String>,
    /// What matches without being bad.
    pub falsepositives: Vec<String>,
    /// Whether it runs.
    pub enabled: bool,
    /// How its findings become alerts.
    pub alert: AlertPolicy,
    /// What its findings write into lookups.
    pub remember: Vec<RememberDefinition>,
    /// The rows that must and must not match.
    pub tests: Vec<TestDefinition>,
}

/// What a row must be like for a detection to match.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// SQL that is true for it.
    Sql(Located<String>),
    /// Tests of fields.
    Fields(FieldRule),
}

/// A rule in a language that is made of tests of fields.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRule {
    /// `sigma` or `falco`.
    pub language: &'static str,
    /// What must hold, for each table whose rows the rule means.
    pub conditions: BTreeMap<String, Arc<Condition>>,
}

impl Rule {
    /// The rule's language, which findings say as `detection_kind`.
    pub fn language(&self) -> &'static str {
        match self {
            Self::Sql(_) => "sql",
            Self::Fields(rule) => rule.language,
        }
    }
}

/// The rows that a detection looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Those of one table.
    Table(String),
    /// Those of all tables and partitions whose channel matches.
    Channel(ChannelPattern),
    /// Those of one table whose channel matches.
    OnChannel {
        /// The table, which has the columns whatever the channel.
        table: Located<String>,
        /// The channels.
        pattern: ChannelPattern,
    },
    /// Those of these tables, which have the rule's log source.
    LogSource(Vec<String>),
}

impl Target {
    /// Whether rows of `table` on `channel` are meant.
    pub fn covers(&self, table: &str, channel: &str) -> bool {
        match self {
            Self::Table(name) => name == table,
            Self::Channel(pattern) => pattern.matches(channel),
            Self::OnChannel { table: name, pattern } => name.value == table && pattern.matches(channel),
            Self::LogSource(tables) => tables.iter().any(|name| name == table),
        }
    }
}

impl DetectionDefinition {
    /// Whether `pattern` is its id or its title; `*` stands for any characters.
    pub fn is_called(&self, pattern: &str) -> bool {
        wildcard_matches(pattern, &self.id.value) || wildcard_matches(pattern, &self.title)
    }

    /// BLAKE3 of what the rule means: the same however its file is laid out, another one as soon as it would
    /// match or say something else.
    pub fn version(&self) -> String {
        detection_version(self)
    }
}

impl Decode for DetectionDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let id = reader.located_label(0);
        let target = decode_target(reader);
        let condition = reader.required::<Located<String>>("where");
        let severity = reader.optional_or("severity", Severity::Medium);
        let title = reader.optional_or("title", None::<String>);
        let description = reader.optional_or("description", String::new());
        let tags = reader.optional_or("tags", Vec::new());
        let message = decode_message(reader);
        let references = reader.optional_or("references", Vec::new());
        let falsepositives = reader.optional_or("falsepositives", Vec::new());
        let enabled = reader.optional_or("enabled", true);
        let alert = reader.nested_block(ALERT_BLOCK);
        let alert = alert.and_then(|block| decode_block(block, reader.diagnostics()));
        let remember = reader.decode_blocks(REMEMBER_BLOCK);
        let tests = reader.decode_blocks("test");
        let id = id?;
        // What is wrong so far was reported. The rest goes on, so that mistakes in the SQL are reported too.
        Some(Self {
            target: target?,
            rule: Rule::Sql(condition?),
            severity: severity.unwrap_or(Severity::Medium),
            title: title.flatten().unwrap_or_else(|| readable(&id.value)),
            description: description.unwrap_or_default().trim().to_owned(),
            tags: tags.unwrap_or_default(),
            message: message.flatten(),
            references: references.unwrap_or_default(),
            falsepositives: falsepositives.unwrap_or_default(),
            enabled: enabled.unwrap_or(true),
            alert: alert.unwrap_or_default(),
            remember,
            tests,
            id,
        })
    }
}

fn decode_target(reader: &mut BlockReader<'_>) -> Option<Located<Target>> {
    let table = reader.optional_or("table", None::<Located<String>>)?;
    let channel = reader.optional_or("channel", None::<Located<String>>)?;
    match (table, channel) {
        (Some(table), None) => Some(table.map(Target::Table)),
        (None, Some(channel)) => Some(channel.map(|pattern| Target::Channel(ChannelPattern::new(pattern)))),
        (Some(table), Some(channel)) => {
            Some(channel.map(|pattern| Target::OnChannel { table, pattern: ChannelPattern::new(pattern) }))
        }
        (None, None) => {
            let mistake = Diagnostic::error("`detection` needs the attribute `table` or `channel`")
                .at(reader.location())
                .hint(
                    "add `table = \"…\"` with the name of a table, or `channel = \"…\"` with a pattern such as aws.*, or \
                     both",
                );
            reader.diagnostics().push(mistake);
            None
        }
    }
}

/// `None` after a mistake, `Some(None)` if there is no message.
fn decode_message(reader: &mut BlockReader<'_>) -> Option<Option<MessageTemplate>> {
    let Some(text) = reader.optional_or("message", None::<Located<String>>)? else { return Some(None) };
    MessageTemplate::parse(text, reader.diagnostics()).map(Some)
}

/// `root_console_login` as `Root console login`.
fn readable(id: &str) -> String {
    let words = id.replace(['_', '-', '.'], " ");
    let words = words.trim();
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests;
