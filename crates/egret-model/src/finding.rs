//! Findings: the immutable record of one match of a detection. A row of table `finding`.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, ListArray, ListBuilder, RecordBatch, StringViewArray,
    StringViewBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, TimestampMicrosecondType};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::schema::{Column, TableSchema};
use crate::severity::Severity;
use crate::time::Timestamp;
use crate::types::ColumnType;

/// The name of the lake's table of findings.
pub const FINDING_TABLE: &str = "finding";

/// At most so many bytes of the event's JSON are kept in a finding.
pub const MAX_EVENT_BYTES: usize = 256 << 10;

/// How a finding came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// While collecting.
    Stream,
    /// While collecting again what was collected before.
    Replay,
    /// By a scheduled query.
    Schedule,
    /// By a hunt over history; never delivered unless asked.
    Hunt,
}

impl Origin {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Replay => "replay",
            Self::Schedule => "schedule",
            Self::Hunt => "hunt",
        }
    }
}

/// The addresses, names and accounts in the event.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Observables {
    /// IP addresses.
    pub ips: Vec<String>,
    /// Domain names.
    pub domains: Vec<String>,
    /// E-mail addresses.
    pub emails: Vec<String>,
    /// User names.
    pub usernames: Vec<String>,
    /// Resource names such as ARNs.
    pub akas: Vec<String>,
    /// File hashes.
    pub hashes: Vec<String>,
}

/// A test of a rule that held for the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The part of the rule that the test is in, if the rule has a name for it: a selection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection: Option<String>,
    /// The field, as the log source calls it; nothing for a keyword.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value of the field, or the one with the keyword; shortened if it is long.
    pub value: String,
    /// The test, for people.
    pub test: String,
}

/// One match of one detection, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Hash of the detection's id and the ids of the events: the same match always has the same id.
    pub finding_id: String,
    /// When the event happened.
    pub time: Timestamp,
    /// When the detection saw it.
    pub detected_at: Timestamp,
    /// The rule's own id.
    pub detection_id: String,
    /// `sql`, `sigma`, `python` or `falco`.
    pub detection_kind: String,
    /// BLAKE3 of the normalised rule.
    pub detection_version: String,
    /// The rule's title.
    pub title: String,
    /// What happened, with the event's values in it.
    pub message: String,
    /// What the rule is about.
    pub description: String,
    /// How bad it is.
    pub severity: Severity,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// The channel of the event.
    pub channel: String,
    /// The table of the event.
    pub table: String,
    /// The partition of the event.
    pub partition: String,
    /// How the finding came about.
    pub origin: Origin,
    /// Addresses, names and accounts in the event.
    pub observables: Observables,
    /// `tp_id` of the events.
    pub event_ids: Vec<String>,
    /// The event as a JSON object without nulls.
    pub event: String,
    /// Which tests of the rule held, on which values; empty for rules that are not made of tests.
    pub evidence: Vec<Evidence>,
    /// The object that the event was read from.
    pub source_location: String,
}

/// The shape that the command line promises: one JSON object.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let event: Box<RawValue> =
            RawValue::from_string(self.event.clone()).map_err(serde::ser::Error::custom)?;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("finding_id", &self.finding_id)?;
        map.serialize_entry("time", &self.time.to_string())?;
        map.serialize_entry("detected_at", &self.detected_at.to_string())?;
        map.serialize_entry("detection_id", &self.detection_id)?;
        map.serialize_entry("detection_kind", &self.detection_kind)?;
        map.serialize_entry("detection_version", &self.detection_version)?;
        map.serialize_entry("title", &self.title)?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("description", &self.description)?;
        map.serialize_entry("severity", &self.severity)?;
        map.serialize_entry("tags", &self.tags)?;
        map.serialize_entry("channel", &self.channel)?;
        map.serialize_entry("table", &self.table)?;
        map.serialize_entry("partition", &self.partition)?;
        map.serialize_entry("origin", self.origin.as_str())?;
        map.serialize_entry("observables", &self.observables)?;
        map.serialize_entry("event_ids", &self.event_ids)?;
        map.serialize_entry("event", &event)?;
        if !self.evidence.is_empty() {
            map.serialize_entry("evidence", &self.evidence)?;
        }
        map.serialize_entry("source_location", &self.source_location)?;
        map.end()
    }
}

/// The lake's table `finding`. Time, table, partition and observables have the names they have everywhere.
pub fn finding_schema() -> TableSchema {
    let strings = || ColumnType::List(Box::new(ColumnType::Varchar));
    let columns = [
        ("finding_id", ColumnType::Varchar, "Id: the same match always has the same one."),
        ("detection_id", ColumnType::Varchar, "The rule's own id."),
        ("detection_kind", ColumnType::Varchar, "`sql`, `sigma`, `python` or `falco`."),
        ("detection_version", ColumnType::Varchar, "BLAKE3 of the normalised rule."),
        ("title", ColumnType::Varchar, "The rule's title."),
        ("message", ColumnType::Varchar, "What happened, with the event's values in it."),
        ("description", ColumnType::Varchar, "What the rule is about."),
        ("severity", ColumnType::Varchar, "informational, low, medium, high or critical."),
        ("tags", strings(), "The rule's tags."),
        ("channel", ColumnType::Varchar, "The channel of the event."),
        ("origin", ColumnType::Varchar, "stream, replay, schedule or hunt."),
        ("event_ids", strings(), "`tp_id` of the events."),
        ("event", ColumnType::Json, "The event as JSON without nulls."),
        ("evidence", ColumnType::Json, "Which tests of the rule held, on which values, as JSON."),
        ("detected_at", ColumnType::Timestamp, "When the detection saw it (UTC)."),
        ("tp_timestamp", ColumnType::Timestamp, "When the event happened (UTC)."),
        ("tp_table", ColumnType::Varchar, "The table of the event."),
        ("tp_partition", ColumnType::Varchar, "The partition of the event."),
        ("tp_date", ColumnType::Date, "The day of `tp_timestamp`."),
        ("tp_source_location", ColumnType::Varchar, "The object that the event was read from."),
        ("tp_ips", strings(), "IP addresses in the event."),
        ("tp_domains", strings(), "Domain names in the event."),
        ("tp_emails", strings(), "E-mail addresses in the event."),
        ("tp_usernames", strings(), "User names in the event."),
        ("tp_akas", strings(), "Resource names in the event."),
        ("hashes", strings(), "File hashes in the event."),
    ];
    TableSchema {
        name: FINDING_TABLE.to_owned(),
        description: "What detections found: one row for each match.".to_owned(),
        channel: "egret.finding".to_owned(),
        columns: columns.into_iter().map(|(name, kind, text)| Column::new(name, kind, text)).collect(),
        roots: Vec::new(),
    }
}

impl Finding {
    /// The findings as rows of [`finding_schema`].
    ///
    /// # Errors
    /// Never in practice: only if the columns below and the schema disagree.
    pub fn to_rows(findings: &[Self]) -> Result<RecordBatch, arrow::error::ArrowError> {
        let text = |get: fn(&Self) -> &str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(findings.iter().map(get)))
        };
        let list =
            |get: fn(&Self) -> &[String]| -> ArrayRef { Arc::new(list_array(findings.iter().map(get))) };
        let time = |get: fn(&Self) -> Timestamp| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from_iter_values(findings.iter().map(|f| get(f).micros())))
        };
        let columns = vec![
            text(|f| &f.finding_id),
            text(|f| &f.detection_id),
            text(|f| &f.detection_kind),
            text(|f| &f.detection_version),
            text(|f| &f.title),
            text(|f| &f.message),
            text(|f| &f.description),
            text(|f| f.severity.as_str()),
            list(|f| &f.tags),
            text(|f| &f.channel),
            text(|f| f.origin.as_str()),
            list(|f| &f.event_ids),
            text(|f| &f.event),
            Arc::new(
                findings.iter().map(|finding| evidence_json(&finding.evidence)).collect::<StringViewArray>(),
            ),
            time(|f| f.detected_at),
            time(|f| f.time),
            text(|f| &f.table),
            text(|f| &f.partition),
            Arc::new(Date32Array::from_iter_values(findings.iter().map(|f| f.time.days()))),
            text(|f| &f.source_location),
            list(|f| &f.observables.ips),
            list(|f| &f.observables.domains),
            list(|f| &f.observables.emails),
            list(|f| &f.observables.usernames),
            list(|f| &f.observables.akas),
            list(|f| &f.observables.hashes),
        ];
        RecordBatch::try_new(finding_schema().to_arrow(), columns)
    }

    /// Reads rows of [`finding_schema`] back; the order and presence of columns do not matter.
    pub fn from_rows(rows: &RecordBatch) -> Vec<Self> {
        let text = |name: &str, row: usize| text_at(rows, name, row);
        let list = |name: &str, row: usize| list_at(rows, name, row);
        let time = |name: &str, row: usize| {
            let column = rows.column_by_name(name);
            let micros = column.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
            Timestamp::from_micros(micros.map_or(0, |micros| micros.value(row)))
        };
        (0..rows.num_rows())
            .map(|row| Self {
                finding_id: text("finding_id", row),
                time: time("tp_timestamp", row),
                detected_at: time("detected_at", row),
                detection_id: text("detection_id", row),
                detection_kind: text("detection_kind", row),
                detection_version: text("detection_version", row),
                title: text("title", row),
                message: text("message", row),
                description: text("description", row),
                severity: text("severity", row).parse().unwrap_or(Severity::Informational),
                tags: list("tags", row),
                channel: text("channel", row),
                table: text("tp_table", row),
                partition: text("tp_partition", row),
                origin: origin_of(&text("origin", row)),
                observables: Observables {
                    ips: list("tp_ips", row),
                    domains: list("tp_domains", row),
                    emails: list("tp_emails", row),
                    usernames: list("tp_usernames", row),
                    akas: list("tp_akas", row),
                    hashes: list("hashes", row),
                },
                event_ids: list("event_ids", row),
                event: text("event", row),
                evidence: serde_json::from_str(&text("evidence", row)).unwrap_or_default(),
                source_location: text("tp_source_location", row),
            })
            .collect()
    }
}

/// Null where there is none, as for every rule in SQL.
fn evidence_json(evidence: &[Evidence]) -> Option<String> {
    if evidence.is_empty() { None } else { serde_json::to_string(evidence).ok() }
}

fn origin_of(word: &str) -> Origin {
    let all = [Origin::Stream, Origin::Replay, Origin::Schedule, Origin::Hunt];
    all.into_iter().find(|origin| origin.as_str() == word).unwrap_or(Origin::Stream)
}

/// Lists of texts as a column, one list a row.
pub fn list_array<'a>(rows: impl Iterator<Item = &'a [String]>) -> ListArray {
    let element = Arc::new(Field::new("element", DataType::Utf8View, true));
    let mut builder = ListBuilder::new(StringViewBuilder::new()).with_field(element);
    for row in rows {
        for value in row {
            builder.values().append_value(value);
        }
        builder.append(true);
    }
    builder.finish()
}

/// The text in `column` of `row`; empty if the column is missing, null or no text.
pub fn text_at(rows: &RecordBatch, column: &str, row: usize) -> String {
    let Some(column) = rows.column_by_name(column).filter(|column| column.is_valid(row)) else {
        return String::new();
    };
    match column.data_type() {
        DataType::Utf8View => column.as_string_view().value(row).to_owned(),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::LargeUtf8 => column.as_string::<i64>().value(row).to_owned(),
        _ => String::new(),
    }
}

/// The texts in the list `column` of `row`; none if the column is missing or null.
pub fn list_at(rows: &RecordBatch, column: &str, row: usize) -> Vec<String> {
    let list = rows.column_by_name(column).and_then(|column| column.as_list_opt::<i32>());
    let Some(list) = list.filter(|list| list.is_valid(row)) else { return Vec::new() };
    let values = list.value(row);
    if let Some(values) = values.as_string_view_opt() {
        return values.iter().flatten().map(str::to_owned).collect();
    }
    let values = values.as_string_opt::<i32>();
    values.map_or_else(Vec::new, |values| values.iter().flatten().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding() -> Finding {
        Finding {
            finding_id: "f".into(),
            time: Timestamp::from_seconds(1_700_000_000),
            detected_at: Timestamp::from_seconds(1_700_000_001),
            detection_id: "root_login".into(),
            detection_kind: "sql".into(),
            detection_version: "v".into(),
            title: "Root login".into(),
            message: "root logged in".into(),
            description: String::new(),
            severity: Severity::High,
            tags: vec!["attack.t1078".into()],
            channel: "aws.cloudtrail".into(),
            table: "aws_cloudtrail_log".into(),
            partition: "prod".into(),
            origin: Origin::Hunt,
            observables: Observables { ips: vec!["10.0.0.1".into()], ..Observables::default() },
            event_ids: vec!["e".into()],
            event: r#"{"event_name":"ConsoleLogin"}"#.into(),
            evidence: vec![Evidence {
                selection: Some("selection".into()),
                field: None,
                value: "ConsoleLogin".into(),
                test: "is like *login*".into(),
            }],
            source_location: "/logs/a.json".into(),
        }
    }

    #[test]
    fn rows_give_back_the_finding() {
        let findings = [finding(), Finding { tags: vec![], ..finding() }];
        assert_eq!(Finding::from_rows(&Finding::to_rows(&findings).unwrap()), findings);
    }

    #[test]
    fn json_has_the_promised_shape() {
        let json: serde_json::Value = serde_json::to_value(finding()).unwrap();
        assert_eq!(json["event"]["event_name"], "ConsoleLogin");
        assert_eq!(json["time"], "2023-11-14T22:13:20Z");
        assert_eq!(json["observables"]["ips"][0], "10.0.0.1");
        assert_eq!(json["severity"], "high");
        assert_eq!(json["origin"], "hunt");
    }
}
