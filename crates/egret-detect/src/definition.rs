//! What a `detection` block says, and the `test` blocks in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use egret_config::{
    BlockKind, BlockReader, Decode, Diagnostic, Diagnostics, Located, Location, Number, Value, ValueKind,
    decode_block,
};
use egret_match::Condition;
use egret_model::channel::wildcard_matches;
use egret_model::{ChannelPattern, Severity};
use serde_json::{Map, Value as Json};

use crate::alert_policy::{ALERT_BLOCK, AlertPolicy};
use crate::message::MessageTemplate;
use crate::version::detection_version;

/// The block `detection "name" { … }` at the top of a file.
pub const DETECTION: BlockKind = BlockKind::new("detection", &["name"]);

/// Lists and maps in a test's event may be nested so deep, as deep as a JSON record may be.
const MAX_EVENT_DEPTH: usize = 64;

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
    /// Those of these tables, which have the rule's log source.
    LogSource(Vec<String>),
}

impl Target {
    /// Whether rows of `table` on `channel` are meant.
    pub fn covers(&self, table: &str, channel: &str) -> bool {
        match self {
            Self::Table(name) => name == table,
            Self::Channel(pattern) => pattern.matches(channel),
            Self::LogSource(tables) => tables.iter().any(|name| name == table),
        }
    }
}

/// One case that a detection must decide as said.
#[derive(Debug, Clone, PartialEq)]
pub struct TestDefinition {
    /// What it is about.
    pub name: String,
    /// Where it is written, if in a configuration file.
    pub location: Option<Location>,
    /// Whether the detection must match.
    pub expect: bool,
    /// What it looks at.
    pub input: TestInput,
    /// The table, for a detection on a channel that several tables have.
    pub table: Option<String>,
    /// The message that the finding must have.
    pub message: Option<String>,
}

/// What a test gives to the detection.
#[derive(Debug, Clone, PartialEq)]
pub enum TestInput {
    /// The vendor's record as a JSON object: goes through the table's mapping.
    Event(Map<String, Json>),
    /// The vendor's record as text: goes through the table's format and mapping.
    Record(String),
    /// The columns of a row that are not null, as the detection sees them.
    Row(Map<String, Json>),
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
        (Some(_), Some(channel)) => {
            let mistake = Diagnostic::error("`detection` takes `table` or `channel`, not both")
                .at(&channel.location)
                .hint("remove one of them; a table's rows are on the channel that its definition names");
            reader.diagnostics().push(mistake);
            None
        }
        (None, None) => {
            let mistake = Diagnostic::error("`detection` needs the attribute `table` or `channel`")
                .at(reader.location())
                .hint("add `table = \"…\"` with the name of a table, or `channel = \"…\"` with a pattern such as aws.*");
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

impl Decode for TestDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.label(0);
        let expect = reader.required("expect");
        let event = reader.optional_or("event", None::<Value>);
        let record = reader.optional_or("record", None::<String>);
        let row = reader.optional_or("row", None::<Value>);
        let table = reader.optional_or("table", None);
        let message = reader.optional_or("message", None);
        let input = match (event?, record?, row?) {
            (Some(event), None, None) => TestInput::Event(json_object(&event, reader.diagnostics())?),
            (None, Some(record), None) => TestInput::Record(record),
            (None, None, Some(row)) => TestInput::Row(json_object(&row, reader.diagnostics())?),
            _ => {
                let mistake = Diagnostic::error("`test` needs exactly one of `event`, `record` and `row`")
                    .at(reader.location())
                    .hint(
                        "`event = {…}` is the vendor's record as JSON, `record = \"…\"` as text, \
                         `row = {…}` gives columns",
                    );
                reader.diagnostics().push(mistake);
                return None;
            }
        };
        let location = Some(reader.location().clone());
        Some(Self { name: name?, location, expect: expect?, input, table: table?, message: message? })
    }
}

fn json_object(value: &Value, diagnostics: &mut Diagnostics) -> Option<Map<String, Json>> {
    match to_json(value, MAX_EVENT_DEPTH, diagnostics)? {
        Json::Object(object) => Some(object),
        _ => {
            diagnostics.push(value.wrong_type("a map such as { name = \"value\" }"));
            None
        }
    }
}

fn to_json(value: &Value, depth: usize, diagnostics: &mut Diagnostics) -> Option<Json> {
    let Some(depth) = depth.checked_sub(1) else {
        diagnostics.error(&value.location, format!("this is nested deeper than {MAX_EVENT_DEPTH} levels"));
        return None;
    };
    Some(match &value.kind {
        ValueKind::Null => Json::Null,
        ValueKind::Bool(value) => Json::Bool(*value),
        ValueKind::Number(number) => json_number(*number),
        ValueKind::String(text) => Json::String(text.clone()),
        ValueKind::List(items) => {
            let items: Option<Vec<Json>> =
                items.iter().map(|item| to_json(item, depth, diagnostics)).collect();
            Json::Array(items?)
        }
        ValueKind::Map(entries) => {
            let mut object = Map::new();
            for (key, entry) in entries {
                object.insert(key.value.clone(), to_json(entry, depth, diagnostics)?);
            }
            Json::Object(object)
        }
        ValueKind::Reference(_) => {
            diagnostics.push(value.wrong_type("a string, number, boolean, list or map"));
            return None;
        }
    })
}

fn json_number(number: Number) -> Json {
    let whole = match number {
        Number::Integer(integer) => serde_json::Number::from_i128(integer),
        Number::Float(_) => None,
    };
    whole.or_else(|| serde_json::Number::from_f64(number.to_f64())).map_or(Json::Null, Json::Number)
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
