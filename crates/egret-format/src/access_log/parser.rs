//! Cuts a line by its layout and puts its values.

use std::sync::Arc;

use super::layout::{Layout, Separator, TIMESTAMP, Value};
use super::request::split_request;
use super::strftime::TimeParts;
use super::unescape::unescape;
use crate::decoder::ObjectContext;
use crate::lines::{LineParser, Reject};
use crate::plan::RecordPlan;
use crate::rows::{FieldId, RowBuilder};
use crate::time::{parse_common_log, parse_iso};
use crate::time_field::TimeField;

/// The field of what stands behind the layout's end.
const REST: &str = "_rest";

/// Reads the lines of an access log.
#[derive(Debug)]
pub(crate) struct AccessLogParser {
    start: String,
    values: Vec<(Target, Separator)>,
    time_parts: Option<TimeParts>,
    rest: FieldId,
}

/// Where a value goes.
#[derive(Debug)]
enum Target {
    Text(FieldId),
    Request(RequestFields),
    PathAndQuery(FieldId, FieldId),
    CommonLogTime(TimeField),
    IsoTime(TimeField),
    TimePart,
}

#[derive(Debug)]
struct RequestFields {
    method: FieldId,
    uri: FieldId,
    protocol: FieldId,
    whole: FieldId,
    /// Whether the parts are wanted: always, unless a table asks for the whole and for none of them.
    splits: bool,
    /// Whether a table asks for the whole.
    keeps_whole: bool,
}

impl AccessLogParser {
    pub(crate) fn new(layout: &Layout, plan: &Arc<RecordPlan>, object: &ObjectContext) -> Self {
        let target = |value: &Value| match value {
            Value::Text(name) => Target::Text(FieldId::new(plan, name)),
            Value::Request => Target::Request(RequestFields::new(plan)),
            Value::PathAndQuery(path, query) => {
                Target::PathAndQuery(FieldId::new(plan, path), FieldId::new(plan, query))
            }
            Value::CommonLogTime(name) => Target::CommonLogTime(TimeField::new(plan, name)),
            Value::IsoTime(name) => Target::IsoTime(TimeField::new(plan, name)),
            Value::TimePart(_) => Target::TimePart,
        };
        let formats: Vec<&str> = layout
            .values
            .iter()
            .filter_map(|(value, _)| match value {
                Value::TimePart(format) => Some(format.as_str()),
                _ => None,
            })
            .collect();
        let time_parts = (!formats.is_empty())
            .then(|| TimeParts::new(&formats, object.timezone, TimeField::new(plan, TIMESTAMP)));
        Self {
            start: layout.start.clone(),
            values: layout
                .values
                .iter()
                .map(|(value, separator)| (target(value), separator.clone()))
                .collect(),
            time_parts,
            rest: FieldId::new(plan, REST),
        }
    }
}

impl LineParser for AccessLogParser {
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        if let Some(parts) = &mut self.time_parts {
            parts.begin();
        }
        let Some(mut rest) = line.strip_prefix(self.start.as_str()) else {
            return Err(Reject(format!("the line does not start with `{}` as the layout says", self.start)));
        };
        for (number, (target, separator)) in self.values.iter_mut().enumerate() {
            let Some(end) = separator.find(rest) else {
                let text = &separator.text;
                let number = number + 1;
                return Err(Reject(format!(
                    "the line does not have the layout: no `{text}` after value {number}"
                )));
            };
            target.put(&rest[..end], &mut self.time_parts, rows);
            rest = &rest[end + separator.text.len()..];
        }
        if !rest.is_empty() {
            rows.text(&self.rest, rest);
        }
        Ok(())
    }
}

impl Target {
    fn put(&mut self, text: &str, time_parts: &mut Option<TimeParts>, rows: &mut RowBuilder<'_>) {
        if text == "-" {
            return;
        }
        match self {
            Self::Text(field) => put_text(field, text, rows),
            Self::Request(fields) => fields.put(text, rows),
            Self::PathAndQuery(path, query) => {
                let end = memchr::memchr(b'?', text.as_bytes()).unwrap_or(text.len());
                put_text(path, &text[..end], rows);
                if end < text.len() {
                    put_text(query, &text[end..], rows);
                }
            }
            Self::CommonLogTime(field) => field.put_zoned(rows, text, parse_common_log),
            Self::IsoTime(field) => field.put_zoned(rows, text, parse_iso),
            Self::TimePart => {
                if let Some(parts) = time_parts {
                    parts.put(text, rows);
                }
            }
        }
    }
}

fn put_text(field: &FieldId, text: &str, rows: &mut RowBuilder<'_>) {
    match unescape(text) {
        Some(plain) => rows.text(field, &plain),
        None => rows.text(field, text),
    }
}

impl RequestFields {
    fn new(plan: &RecordPlan) -> Self {
        let [method, uri, protocol] = super::layout::REQUEST_FIELDS;
        let knows = |name: &str| plan.root.find(name).is_some();
        let keeps_whole = knows("request");
        Self {
            method: FieldId::new(plan, method),
            uri: FieldId::new(plan, uri),
            protocol: FieldId::new(plan, protocol),
            whole: FieldId::new(plan, "request"),
            splits: !keeps_whole || knows(method) || knows(uri) || knows(protocol),
            keeps_whole,
        }
    }

    fn put(&self, text: &str, rows: &mut RowBuilder<'_>) {
        let unescaped = unescape(text);
        let line = unescaped.as_deref().unwrap_or(text);
        let request = if self.splits { split_request(line) } else { None };
        if self.keeps_whole || request.is_none() {
            rows.text(&self.whole, line);
        }
        let Some(request) = request else { return };
        rows.text(&self.method, request.method);
        rows.text(&self.uri, request.uri);
        if let Some(protocol) = request.protocol {
            rows.text(&self.protocol, protocol);
        }
    }
}
