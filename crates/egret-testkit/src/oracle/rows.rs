//! Records as rows: what columns take, they take; what they cannot give back is in `extra`, as everywhere in Egret.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, NullArray, RecordBatch, StringViewArray, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use egret_match::FieldMap;
use serde_json::{Map, Value};

fn user_fields() -> Fields {
    Fields::from(vec![Field::new("type", DataType::Utf8View, true), Field::new("id", DataType::Int64, true)])
}

/// Where the fields of these records are.
pub fn field_map() -> FieldMap {
    FieldMap::new::<&str>([])
        .with_column("name", &["name"], &DataType::Utf8View)
        .with_column("name_", &["Name"], &DataType::Utf8View)
        .with_column("number", &["number"], &DataType::Int64)
        .with_column("flag", &["flag"], &DataType::Boolean)
        .with_column("user", &["user"], &DataType::Struct(user_fields()))
        .with_json_column("params", &["params"])
        .with_column("threat_name", &["Threat Name"], &DataType::Utf8View)
}

fn take_text(record: &mut Map<String, Value>, name: &str) -> Option<String> {
    match record.get(name)? {
        Value::String(text) => {
            let text = text.clone();
            record.remove(name);
            Some(text)
        }
        _ => None,
    }
}

fn take_number(record: &mut Map<String, Value>, name: &str) -> Option<i64> {
    let number = record.get(name)?.as_i64()?;
    record.remove(name);
    Some(number)
}

fn take_flag(record: &mut Map<String, Value>, name: &str) -> Option<bool> {
    let flag = record.get(name)?.as_bool()?;
    record.remove(name);
    Some(flag)
}

/// The rows of these records.
pub fn batch(records: &[Value]) -> RecordBatch {
    let mut names = Vec::new();
    let mut upper_names = Vec::new();
    let mut numbers = Vec::new();
    let mut flags = Vec::new();
    let mut users = Vec::new();
    let mut params = Vec::new();
    let mut threats = Vec::new();
    let mut extras = Vec::new();
    for record in records {
        let mut left = record.as_object().unwrap().clone();
        names.push(take_text(&mut left, "name"));
        upper_names.push(take_text(&mut left, "Name"));
        numbers.push(take_number(&mut left, "number"));
        flags.push(take_flag(&mut left, "flag"));
        users.push(take_user(&mut left));
        params.push(left.get("params").filter(|value| !value.is_null()).map(Value::to_string));
        if params.last().unwrap().is_some() {
            left.remove("params");
        }
        threats.push(take_text(&mut left, "Threat Name"));
        extras.push((!left.is_empty()).then(|| Value::Object(left).to_string()));
    }
    let types: StringViewArray =
        users.iter().map(|user| user.as_ref().and_then(|user| user.0.clone())).collect();
    let ids: Int64Array = users.iter().map(|user| user.as_ref().and_then(|user| user.1)).collect();
    let present = NullBuffer::from_iter(users.iter().map(Option::is_some));
    let user = StructArray::new(user_fields(), vec![Arc::new(types), Arc::new(ids)], Some(present));
    let text = |values: Vec<Option<String>>| Arc::new(StringViewArray::from_iter(values)) as ArrayRef;
    RecordBatch::try_from_iter_with_nullable([
        ("name", text(names), true),
        ("name_", text(upper_names), true),
        ("number", Arc::new(Int64Array::from(numbers)) as ArrayRef, true),
        ("flag", Arc::new(BooleanArray::from(flags)) as ArrayRef, true),
        ("user", Arc::new(user) as ArrayRef, true),
        ("params", text(params), true),
        ("threat_name", text(threats), true),
        ("unknown", Arc::new(NullArray::new(records.len())) as ArrayRef, true),
        ("extra", text(extras), true),
    ])
    .unwrap()
}

/// A struct column takes the members that it knows; the others, and what is no object, stay.
fn take_user(record: &mut Map<String, Value>) -> Option<(Option<String>, Option<i64>)> {
    let user = record.get_mut("user")?.as_object_mut()?;
    let taken = (take_text(user, "type"), take_number(user, "id"));
    if user.is_empty() {
        record.remove("user");
    }
    Some(taken)
}
