//! Messages: text with `{column}` in it, filled with a row's values.

use std::borrow::Cow;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_model::{ColumnType, TableSchema, suggest};
use serde_json::Value as Json;

use crate::row_json::{Cell, text_value};

/// What stands for null.
const NULL: &str = "-";

/// At most so many bytes of one value are shown; the event has all of it.
const MAX_VALUE_BYTES: usize = 512;

/// A message as written: text, and in braces the paths of values. `{{` and `}}` are braces themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageTemplate {
    text: String,
    parts: Vec<TemplatePart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TemplatePart {
    Text(String),
    Path(Located<String>),
}

impl MessageTemplate {
    /// Reads a template; `None` after a mistake, which was reported.
    pub fn parse(text: Located<String>, diagnostics: &mut Diagnostics) -> Option<Self> {
        match split_template(&text) {
            Ok(parts) => Some(Self { parts, text: text.value.trim().to_owned() }),
            Err((span, message)) => {
                let mistake = Diagnostic::error(message)
                    .at(&text.inside(span))
                    .hint("write {column} for a value, and {{ or }} for a brace");
                diagnostics.push(mistake);
                None
            }
        }
    }

    /// The template as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Finds the columns in `table`; every one that it lacks is reported.
    pub fn bind(&self, table: &TableSchema, diagnostics: &mut Diagnostics) -> Option<Message> {
        let mut parts = Some(Vec::with_capacity(self.parts.len()));
        for part in &self.parts {
            let bound = match part {
                TemplatePart::Text(text) => Some(MessagePart::Text(text.clone())),
                TemplatePart::Path(path) => bind_path(path, table, diagnostics).map(MessagePart::Value),
            };
            match (bound, &mut parts) {
                (Some(bound), Some(parts)) => parts.push(bound),
                _ => parts = None,
            }
        }
        parts.map(|parts| Message { parts })
    }
}

fn split_template(text: &Located<String>) -> Result<Vec<TemplatePart>, (Range<usize>, String)> {
    let template = text.value.trim_end();
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(found) = template[at..].find(['{', '}']) {
        let brace = at + found;
        plain.push_str(&template[at..brace]);
        let rest = &template[brace..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            plain.push_str(&rest[..1]);
            at = brace + 2;
            continue;
        }
        if rest.starts_with('}') {
            return Err((brace..brace + 1, "this `}` closes nothing".to_owned()));
        }
        let Some(end) = rest.find('}') else {
            return Err((brace..template.len(), "this `{` is never closed".to_owned()));
        };
        let inner = &rest[1..end];
        let path = inner.trim();
        if path.is_empty() || path.contains('{') {
            return Err((brace..brace + end + 1, format!("`{{{inner}}}` names no column")));
        }
        if !plain.is_empty() {
            parts.push(TemplatePart::Text(std::mem::take(&mut plain)));
        }
        let start = brace + 1 + (inner.len() - inner.trim_start().len());
        parts.push(TemplatePart::Path(Located::new(path.to_owned(), text.inside(start..start + path.len()))));
        at = brace + end + 1;
    }
    plain.push_str(&template[at..]);
    if !plain.is_empty() {
        parts.push(TemplatePart::Text(plain));
    }
    Ok(parts)
}

/// Where in a row a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ValuePath {
    column: String,
    /// Names of fields, through structs.
    fields: Vec<String>,
    /// Names of members, through the JSON that the column or its field holds.
    members: Vec<String>,
    /// The type of the column or its field.
    column_type: ColumnType,
}

fn bind_path(
    path: &Located<String>,
    table: &TableSchema,
    diagnostics: &mut Diagnostics,
) -> Option<ValuePath> {
    let mut names = path.value.split('.');
    let first = names.next().unwrap_or_default();
    let columns = table.columns.iter().map(|column| (column.name.as_str(), &column.column_type));
    let Some((column, mut column_type)) = find(first, columns.clone()) else {
        let message = format!("table `{}` has no column `{first}`", table.name);
        report(path, message, first, columns.map(|(name, _)| name), diagnostics);
        return None;
    };
    let mut bound = ValuePath {
        column: column.to_owned(),
        fields: Vec::new(),
        members: Vec::new(),
        column_type: ColumnType::Json,
    };
    for name in names {
        match column_type {
            ColumnType::Json => bound.members.push(name.to_owned()),
            ColumnType::Struct(fields) => {
                let fields = fields.iter().map(|(name, field)| (name.as_str(), field));
                let Some((field, field_type)) = find(name, fields.clone()) else {
                    let message = format!("column `{column}` has no field `{name}`");
                    report(path, message, name, fields.map(|(name, _)| name), diagnostics);
                    return None;
                };
                bound.fields.push(field.to_owned());
                column_type = field_type;
            }
            plain => {
                let message = format!("column `{column}` has no field `{name}`: it is {plain}");
                diagnostics.error(&path.location, message);
                return None;
            }
        }
    }
    bound.column_type = column_type.clone();
    Some(bound)
}

/// The name as the table has it: SQL does not tell case apart, and neither does a message.
fn find<'a>(
    name: &str,
    mut candidates: impl Iterator<Item = (&'a str, &'a ColumnType)> + Clone,
) -> Option<(&'a str, &'a ColumnType)> {
    let exact = candidates.clone().find(|(candidate, _)| *candidate == name);
    exact.or_else(|| candidates.find(|(candidate, _)| candidate.eq_ignore_ascii_case(name)))
}

fn report<'a>(
    path: &Located<String>,
    message: String,
    name: &str,
    candidates: impl Iterator<Item = &'a str> + Clone,
    diagnostics: &mut Diagnostics,
) {
    let hint = match suggest::nearest(name, candidates.clone()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("there are {}", candidates.collect::<Vec<_>>().join(", ")),
    };
    diagnostics.push(Diagnostic::error(message).at(&path.location).hint(hint));
}

/// A message whose columns were found in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    parts: Vec<MessagePart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum MessagePart {
    Text(String),
    Value(ValuePath),
}

impl Message {
    /// The message for one row. Null is `-`; control characters in values, which a terminal would obey, are
    /// escaped; long values are cut.
    pub fn render(&self, rows: &RecordBatch, row: usize) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                MessagePart::Text(plain) => text.push_str(plain),
                MessagePart::Value(path) => {
                    push_escaped(&path.read(rows, row).unwrap_or(NULL.into()), &mut text)
                }
            }
        }
        text
    }
}

impl ValuePath {
    /// The value as text, `None` for null.
    fn read<'a>(&self, rows: &'a RecordBatch, row: usize) -> Option<Cow<'a, str>> {
        let mut array: &ArrayRef = rows.column_by_name(&self.column)?;
        for field in &self.fields {
            if array.is_null(row) {
                return None;
            }
            array = array.as_struct_opt()?.column_by_name(field)?;
        }
        if array.is_null(row) {
            return None;
        }
        if self.column_type == ColumnType::Json {
            let json = text_value(array.as_ref(), row)?;
            return self.read_member(json);
        }
        if let DataType::List(_) = array.data_type() {
            let items = array.as_list_opt::<i32>()?.value(row);
            let texts: Vec<Cow<'_, str>> =
                (0..items.len()).filter_map(|item| plain_text(&items, item)).collect();
            return Some(Cow::Owned(texts.join(", ")));
        }
        match text_value(array.as_ref(), row) {
            Some(text) => Some(Cow::Borrowed(text)),
            None => Some(Cow::Owned(plain_text(array, row)?.into_owned())),
        }
    }

    fn read_member<'a>(&self, json: &'a str) -> Option<Cow<'a, str>> {
        let Ok(document) = serde_json::from_str::<Json>(json) else {
            return self.members.is_empty().then_some(Cow::Borrowed(json));
        };
        let mut value = &document;
        for name in &self.members {
            value = match value {
                Json::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                other => other.get(name)?,
            };
        }
        match value {
            Json::Null => None,
            Json::String(text) => Some(Cow::Owned(text.clone())),
            other => Some(Cow::Owned(other.to_string())),
        }
    }
}

/// One value as people write it: text without quotes, everything else as JSON.
fn plain_text(array: &ArrayRef, row: usize) -> Option<Cow<'_, str>> {
    if array.is_null(row) {
        return None;
    }
    if let Some(text) = text_value(array.as_ref(), row) {
        return Some(Cow::Borrowed(text));
    }
    let json = serde_json::to_string(&Cell::new(array.as_ref(), row).without_nulls()).ok()?;
    // Times are JSON strings, which need no quotes here.
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) => Some(Cow::Owned(inner.to_owned())),
        None => Some(Cow::Owned(json)),
    }
}

fn push_escaped(value: &str, text: &mut String) {
    let limit = text.len() + MAX_VALUE_BYTES;
    for c in value.chars() {
        if text.len() >= limit {
            text.push('…');
            return;
        }
        match c {
            _ if c.is_control() || is_layout(c) => text.extend(c.escape_default()),
            _ => text.push(c),
        }
    }
}

/// Characters that break lines or turn the direction of writing, and so could disguise what a log says.
fn is_layout(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests;
