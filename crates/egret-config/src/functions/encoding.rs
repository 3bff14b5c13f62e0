//! Functions that encode and decode: JSON and Base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::{Call, Function, Mistake, Outcome, string};
use crate::value::{Number, Value, ValueKind};

pub(super) const FUNCTIONS: [Function; 4] = [
    Function::new("jsonencode(value)", "`value` as JSON", |call| {
        Ok(string(to_json(call.value(0)?)?.to_string()))
    }),
    Function::new("jsondecode(text)", "the value that the JSON `text` holds", |call| {
        let parsed: Json = serde_json::from_str(&call.text(0)?).map_err(|error| {
            Mistake::new(format!("not JSON (line {}, column {})", error.line(), error.column())).at(0)
        })?;
        Ok(from_json(call, parsed))
    }),
    Function::new("base64encode(text)", "`text` as Base64", |call| {
        Ok(string(STANDARD.encode(call.text(0)?.as_bytes())))
    }),
    Function::new("base64decode(text)", "the text that the Base64 `text` holds", base64decode),
];

fn base64decode(call: &Call<'_>) -> Outcome {
    let bytes = STANDARD.decode(call.text(0)?.trim()).map_err(|_| Mistake::new("not Base64").at(0))?;
    String::from_utf8(bytes).map(string).map_err(|_| Mistake::new("the decoded bytes are not UTF-8").at(0))
}

/// A value as JSON. The depth of values is bounded where they are made.
pub(super) fn to_json(value: &Value) -> Result<Json, Mistake> {
    Ok(match &value.kind {
        ValueKind::Null => Json::Null,
        ValueKind::Bool(bool) => Json::Bool(*bool),
        ValueKind::String(text) => Json::String(text.clone()),
        ValueKind::Number(number) => number_to_json(*number),
        ValueKind::List(items) => Json::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        ValueKind::Map(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| Ok((key.value.clone(), to_json(value)?)))
                .collect::<Result<_, Mistake>>()?,
        ),
        ValueKind::Reference(_) => {
            return Err(Mistake::new(format!("{} has no value of its own", value.describe())));
        }
    })
}

/// `text` as a JSON string, quotes included.
pub(super) fn to_json_text(text: &str) -> String {
    Json::from(text).to_string()
}

fn number_to_json(number: Number) -> Json {
    match number {
        Number::Integer(integer) => i64::try_from(integer)
            .map(Json::from)
            .or_else(|_| u64::try_from(integer).map(Json::from))
            .unwrap_or_else(|_| Json::from(integer as f64)),
        Number::Float(float) => Json::from(float),
    }
}

/// JSON as a value; its parser bounds the depth.
fn from_json(call: &Call<'_>, json: Json) -> ValueKind {
    match json {
        Json::Null => ValueKind::Null,
        Json::Bool(bool) => ValueKind::Bool(bool),
        Json::String(text) => ValueKind::String(text),
        Json::Number(number) => {
            let float = || number.as_f64().and_then(Number::from_f64);
            // The parser has refused what is not finite.
            number.as_i128().map(Number::Integer).or_else(float).map_or(ValueKind::Null, ValueKind::Number)
        }
        Json::Array(items) => call.make_list(items.into_iter().map(|item| from_json(call, item))),
        Json::Object(entries) => ValueKind::Map(
            entries
                .into_iter()
                .map(|(key, item)| (call.key(key), call.make(from_json(call, item))))
                .collect(),
        ),
    }
}
