//! What a `test` block in a detection says.

use egret_config::{BlockReader, Decode, Diagnostic, Diagnostics, Location, Number, Value, ValueKind};
use serde_json::{Map, Value as Json};

/// Lists and maps in a test may be nested so deep, as deep as a JSON record may be.
const MAX_DEPTH: usize = 64;

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
    /// The message that a finding must have.
    pub message: Option<String>,
    /// So many findings there must be.
    pub count: Option<u64>,
    /// The keys of the objects that the findings must be about, and no others.
    pub keys: Option<Vec<String>>,
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
    /// Two states, which are compared: the changes go through the mapping of table `change`.
    States(States),
}

/// Two states of what a generator looks at.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// The generator's type: `aws_iam`.
    pub generator: String,
    /// The channel of its changes, if its block says another than its type.
    pub channel: Option<String>,
    /// The documents before.
    pub before: Vec<Json>,
    /// The documents after.
    pub after: Vec<Json>,
}

impl Decode for TestDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.label(0);
        let expect = reader.required("expect");
        let event = reader.optional_or("event", None::<Value>);
        let record = reader.optional_or("record", None::<String>);
        let row = reader.optional_or("row", None::<Value>);
        let states = decode_states(reader);
        let table = reader.optional_or("table", None);
        let message = reader.optional_or("message", None);
        let count = reader.optional_or("count", None);
        let keys = reader.optional_or("keys", None);
        let input = match (event?, record?, row?, states?) {
            (Some(event), None, None, None) => TestInput::Event(json_object(&event, reader.diagnostics())?),
            (None, Some(record), None, None) => TestInput::Record(record),
            (None, None, Some(row), None) => TestInput::Row(json_object(&row, reader.diagnostics())?),
            (None, None, None, Some(states)) => TestInput::States(states),
            _ => {
                let mistake = Diagnostic::error(
                    "`test` needs exactly one of `event`, `record`, `row` and `generator`",
                )
                .at(reader.location())
                .hint(
                    "`event = {…}` is the vendor's record as JSON, `record = \"…\"` as text, `row = {…}` \
                             gives columns; `generator = \"…\"` compares the states `before` and `after`",
                );
                reader.diagnostics().push(mistake);
                return None;
            }
        };
        Some(Self {
            name: name?,
            location: Some(reader.location().clone()),
            expect: expect?,
            input,
            table: table?,
            message: message?,
            count: count?,
            keys: keys?,
        })
    }
}

/// `None` after a mistake, `Some(None)` if the test gives no states.
fn decode_states(reader: &mut BlockReader<'_>) -> Option<Option<States>> {
    let generator = reader.optional_or("generator", None::<String>);
    let channel = reader.optional_or("channel", None::<String>);
    let before = reader.optional_or("before", None::<Vec<Value>>);
    let after = reader.optional_or("after", None::<Vec<Value>>);
    let (generator, channel, before, after) = (generator?, channel?, before?, after?);
    let Some(generator) = generator else {
        if channel.is_none() && before.is_none() && after.is_none() {
            return Some(None);
        }
        let mistake = Diagnostic::error("`test` has states, and no `generator` that they are of")
            .at(reader.location())
            .hint("add `generator = \"…\"` with the type of the generator, such as aws_iam");
        reader.diagnostics().push(mistake);
        return None;
    };
    let before = json_list(before.unwrap_or_default(), reader.diagnostics());
    let after = json_list(after.unwrap_or_default(), reader.diagnostics());
    Some(Some(States { generator, channel, before: before?, after: after? }))
}

fn json_list(values: Vec<Value>, diagnostics: &mut Diagnostics) -> Option<Vec<Json>> {
    values.iter().map(|value| to_json(value, MAX_DEPTH, diagnostics)).collect()
}

fn json_object(value: &Value, diagnostics: &mut Diagnostics) -> Option<Map<String, Json>> {
    match to_json(value, MAX_DEPTH, diagnostics)? {
        Json::Object(object) => Some(object),
        _ => {
            diagnostics.push(value.wrong_type("a map such as { name = \"value\" }"));
            None
        }
    }
}

fn to_json(value: &Value, depth: usize, diagnostics: &mut Diagnostics) -> Option<Json> {
    let Some(depth) = depth.checked_sub(1) else {
        diagnostics.error(&value.location, format!("this is nested deeper than {MAX_DEPTH} levels"));
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
