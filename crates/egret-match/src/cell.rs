//! The value of a field in a row.

use std::borrow::Cow;
use std::fmt;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use egret_model::Timestamp;
use serde_json::Value;

/// The value of a field in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// The record does not have the field.
    Missing,
    /// The record says null.
    Null,
    /// A text, or what JSON writes for a number or a truth value.
    Text(Cow<'a, str>),
    /// A list or an object, as JSON.
    Nested(Cow<'a, str>),
}

impl<'a> Cell<'a> {
    /// A JSON value as it is written.
    pub(crate) fn from_json(raw: &'a str) -> Self {
        match raw.as_bytes().first() {
            None => Self::Missing,
            Some(b'n') => Self::Null,
            Some(b'[' | b'{') => Self::Nested(Cow::Borrowed(raw)),
            Some(b'"') => Self::Text(unescape(raw)),
            Some(_) => Self::Text(Cow::Borrowed(raw)),
        }
    }

    /// The value of a column, which knows no difference between null and missing.
    pub(crate) fn from_column(column: &'a dyn Array, row: usize) -> Self {
        if column.data_type().is_null() || column.is_null(row) {
            return Self::Missing;
        }
        Self::Text(match column.data_type() {
            DataType::Utf8View => Cow::Borrowed(column.as_string_view().value(row)),
            DataType::Utf8 => Cow::Borrowed(column.as_string::<i32>().value(row)),
            DataType::LargeUtf8 => Cow::Borrowed(column.as_string::<i64>().value(row)),
            DataType::Boolean => Cow::Borrowed(if column.as_boolean().value(row) { "true" } else { "false" }),
            DataType::Int8 => column.as_primitive::<Int8Type>().value(row).to_string().into(),
            DataType::Int16 => column.as_primitive::<Int16Type>().value(row).to_string().into(),
            DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string().into(),
            DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string().into(),
            DataType::UInt8 => column.as_primitive::<UInt8Type>().value(row).to_string().into(),
            DataType::UInt16 => column.as_primitive::<UInt16Type>().value(row).to_string().into(),
            DataType::UInt32 => column.as_primitive::<UInt32Type>().value(row).to_string().into(),
            DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).to_string().into(),
            DataType::Float32 => column.as_primitive::<Float32Type>().value(row).to_string().into(),
            DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string().into(),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
                Timestamp::from_micros(micros).to_string().into()
            }
            DataType::List(_) => {
                let elements = column.as_list::<i32>().value(row);
                let values: Vec<Value> =
                    (0..elements.len()).map(|at| Cell::from_column(&elements, at).into_value()).collect();
                return Self::Nested(Value::Array(values).to_string().into());
            }
            DataType::Struct(fields) => {
                let column = column.as_struct();
                let members = fields.iter().zip(column.columns()).filter_map(|(field, member)| {
                    let value = Cell::from_column(member, row).into_value();
                    (!value.is_null()).then(|| (field.name().clone(), value))
                });
                return Self::Nested(Value::Object(members.collect()).to_string().into());
            }
            _ => match ArrayFormatter::try_new(column, &FormatOptions::default()) {
                Ok(formatter) => formatter.value(row).to_string().into(),
                Err(_) => return Self::Missing,
            },
        })
    }

    /// A list of these; null if all are.
    pub(crate) fn list(cells: Vec<Cell<'_>>) -> Cell<'static> {
        if cells.iter().all(|cell| *cell == Cell::Null) {
            return Cell::Null;
        }
        Cell::Nested(Value::Array(cells.into_iter().map(Cell::into_value).collect()).to_string().into())
    }

    /// The same, on its own.
    pub(crate) fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Missing => Cell::Missing,
            Self::Null => Cell::Null,
            Self::Text(text) => Cell::Text(text.into_owned().into()),
            Self::Nested(json) => Cell::Nested(json.into_owned().into()),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Missing | Self::Null => Value::Null,
            Self::Text(text) => Value::String(text.into_owned()),
            Self::Nested(json) => serde_json::from_str(&json).unwrap_or(Value::String(json.into_owned())),
        }
    }

    /// Calls `look` for each value that a test may hold for: the elements of a list, else the value itself.
    pub(crate) fn each_value(&self, look: &mut dyn FnMut(&str)) {
        match self {
            Self::Missing | Self::Null => {}
            Self::Text(text) => look(text),
            Self::Nested(json) if json.starts_with('[') => match serde_json::from_str::<Value>(json) {
                Ok(Value::Array(elements)) => elements.iter().for_each(|element| each_element(element, look)),
                _ => look(json),
            },
            Self::Nested(json) => look(json),
        }
    }

    /// Calls `look` for each text, number and truth value, however deep.
    pub(crate) fn each_leaf(&self, look: &mut dyn FnMut(&str)) {
        match self {
            Self::Missing | Self::Null => {}
            Self::Text(text) => look(text),
            Self::Nested(json) => match serde_json::from_str::<Value>(json) {
                Ok(value) => each_leaf(&value, look),
                Err(_) => look(json),
            },
        }
    }
}

/// For people.
impl fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(""),
            Self::Null => f.write_str("null"),
            Self::Text(text) | Self::Nested(text) => f.write_str(text),
        }
    }
}

fn each_element(value: &Value, look: &mut dyn FnMut(&str)) {
    match value {
        Value::Null => {}
        Value::String(text) => look(text),
        Value::Array(elements) => elements.iter().for_each(|element| each_element(element, look)),
        other => look(&other.to_string()),
    }
}

fn each_leaf(value: &Value, look: &mut dyn FnMut(&str)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| each_leaf(element, look)),
        Value::Object(members) => members.values().for_each(|member| each_leaf(member, look)),
        scalar => each_element(scalar, look),
    }
}

/// The text of a JSON string as it is written. One with lone surrogates stays as it is written.
fn unescape(raw: &str) -> Cow<'_, str> {
    let inner = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw);
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str::<String>(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
}
