//! Alerts and lookups as rows: the views `alert` and `lookup` in SQL, beside the table `finding`.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringViewArray, TimestampMicrosecondArray};
use egret_model::alert::{ALERT_TABLE, Remark};
use egret_model::finding::list_array;
use egret_model::lookup::LOOKUP;
use egret_model::{Alert, Column, ColumnType, TableSchema, Timestamp};
use serde::Serialize;

use crate::lookup::LookupRow;

/// The columns of the view.
pub fn alert_schema() -> TableSchema {
    let strings = || ColumnType::List(Box::new(ColumnType::Varchar));
    let columns = [
        ("alert_id", ColumnType::Varchar, "Its id."),
        ("status", ColumnType::Varchar, "gathering, open, acknowledged or closed."),
        ("severity", ColumnType::Varchar, "The worst of its findings'."),
        ("title", ColumnType::Varchar, "The rule's title."),
        ("message", ColumnType::Varchar, "The message of the first finding."),
        ("detection_id", ColumnType::Varchar, "The rule's id."),
        ("tags", strings(), "The rule's tags."),
        ("channel", ColumnType::Varchar, "The channel of the first finding."),
        ("tp_table", ColumnType::Varchar, "The table of the first finding."),
        ("tp_partition", ColumnType::Varchar, "The partition of the first finding."),
        ("findings", ColumnType::BigInt, "How many findings it has."),
        ("time_first", ColumnType::Timestamp, "When the first event happened (UTC)."),
        ("time_last", ColumnType::Timestamp, "When the last event happened (UTC)."),
        ("opened_at", ColumnType::Timestamp, "When it was made (UTC)."),
        ("updated_at", ColumnType::Timestamp, "When it last changed (UTC)."),
        ("merged_by", ColumnType::Json, "The values that its findings were merged by."),
        ("common", ColumnType::Json, "What the events of all findings share."),
        ("differences", ColumnType::Json, "Where the first findings differ."),
        ("event", ColumnType::Json, "The event of the first finding."),
        ("finding_ids", strings(), "The first findings; `finding.finding_id` joins with them."),
        ("outputs", strings(), "The outputs that it goes to."),
        ("acknowledged_by", ColumnType::Varchar, "Who looks at it."),
        ("acknowledged_at", ColumnType::Timestamp, "Since when (UTC)."),
        ("closed_by", ColumnType::Varchar, "Who closed it."),
        ("closed_at", ColumnType::Timestamp, "When (UTC)."),
        ("closed_reason", ColumnType::Varchar, "Why."),
        ("comments", ColumnType::Json, "What people said about it."),
        ("revision", ColumnType::BigInt, "Counts its changes."),
    ];
    TableSchema {
        name: ALERT_TABLE.to_owned(),
        description: "Findings of one detection that belong together.".to_owned(),
        channel: "egret.alert".to_owned(),
        columns: columns.into_iter().map(|(name, kind, text)| Column::new(name, kind, text)).collect(),
        roots: Vec::new(),
    }
}

/// Alerts as rows of [`alert_schema`].
///
/// # Errors
/// Never in practice: only if the columns below and the schema disagree.
pub fn alert_rows(alerts: &[Alert]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |get: fn(&Alert) -> &str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(alerts.iter().map(get)))
    };
    let list = |get: fn(&Alert) -> &[String]| -> ArrayRef { Arc::new(list_array(alerts.iter().map(get))) };
    let time = |get: fn(&Alert) -> Option<Timestamp>| -> ArrayRef {
        let micros = alerts.iter().map(|alert| get(alert).map(Timestamp::micros));
        Arc::new(micros.collect::<TimestampMicrosecondArray>())
    };
    let number = |get: fn(&Alert) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(alerts.iter().map(|alert| get(alert) as i64)))
    };
    let remark = |get: fn(&Alert) -> Option<&str>| -> ArrayRef {
        Arc::new(alerts.iter().map(get).collect::<StringViewArray>())
    };
    let columns = vec![
        text(|alert| &alert.alert_id),
        text(|alert| alert.status.as_str()),
        text(|alert| alert.severity.as_str()),
        text(|alert| &alert.title),
        text(|alert| &alert.message),
        text(|alert| &alert.detection_id),
        list(|alert| &alert.tags),
        text(|alert| &alert.channel),
        text(|alert| &alert.table),
        text(|alert| &alert.partition),
        number(|alert| alert.count),
        time(|alert| Some(alert.time_first)),
        time(|alert| Some(alert.time_last)),
        time(|alert| Some(alert.opened_at)),
        time(|alert| Some(alert.updated_at)),
        json(alerts, |alert| &alert.merged_by),
        json(alerts, |alert| &alert.common),
        json(alerts, |alert| &alert.differences),
        json(alerts, |alert| &alert.event),
        list(|alert| &alert.finding_ids),
        list(|alert| &alert.outputs),
        remark(|alert| Some(alert.acknowledged.as_ref()?.by.as_str())),
        time(|alert| Some(alert.acknowledged.as_ref()?.at)),
        remark(|alert| Some(alert.closed.as_ref()?.by.as_str())),
        time(|alert| Some(alert.closed.as_ref()?.at)),
        remark(|alert| alert.closed.as_ref().map(|closed: &Remark| closed.text.as_str())),
        json(alerts, |alert| &alert.comments),
        number(|alert| u64::from(alert.revision)),
    ];
    RecordBatch::try_new(alert_schema().to_arrow(), columns)
}

/// The columns of the view of lookups.
pub fn lookup_schema() -> TableSchema {
    let columns = [
        ("name", ColumnType::Varchar, "The lookup."),
        ("key", ColumnType::Varchar, "What is looked up."),
        ("value", ColumnType::Varchar, "What is known about it."),
        ("at", ColumnType::Timestamp, "When the event that wrote it happened (UTC)."),
        ("source", ColumnType::Varchar, "configuration or remembered."),
    ];
    TableSchema {
        name: LOOKUP.to_owned(),
        description: "What detections share.".to_owned(),
        channel: "egret.lookup".to_owned(),
        columns: columns.into_iter().map(|(name, kind, text)| Column::new(name, kind, text)).collect(),
        roots: Vec::new(),
    }
}

/// Entries of lookups as rows of [`lookup_schema`].
///
/// # Errors
/// Never in practice: only if the columns below and the schema disagree.
pub fn lookup_rows(entries: &[LookupRow]) -> Result<RecordBatch, arrow::error::ArrowError> {
    let text = |get: fn(&LookupRow) -> &str| -> ArrayRef {
        Arc::new(StringViewArray::from_iter_values(entries.iter().map(get)))
    };
    let at = entries.iter().map(|entry| entry.at.map(Timestamp::micros));
    let columns = vec![
        text(|entry| &entry.name),
        text(|entry| &entry.key),
        text(|entry| &entry.value),
        Arc::new(at.collect::<TimestampMicrosecondArray>()),
        text(|entry| entry.source),
    ];
    RecordBatch::try_new(lookup_schema().to_arrow(), columns)
}

fn json<T: Serialize>(alerts: &[Alert], get: fn(&Alert) -> &T) -> ArrayRef {
    let texts = alerts.iter().map(|alert| serde_json::to_string(get(alert)).ok());
    Arc::new(texts.collect::<StringViewArray>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::merge;
    use crate::testing::finding;

    #[test]
    fn rows_fit_the_schema() {
        let alert =
            merge::open(&finding("d", 0), serde_json::Map::new(), Vec::new(), Timestamp::from_seconds(1));
        let rows = alert_rows(&[alert]).unwrap();
        assert_eq!(rows.num_rows(), 1);
        assert!(rows.column_by_name("closed_by").unwrap().is_null(0));
        let (name, key, value) = ("known".into(), "ada".into(), "head of IT".into());
        let entry = LookupRow { name, key, value, at: None, source: "configuration" };
        assert!(lookup_rows(&[entry]).unwrap().column_by_name("at").unwrap().is_null(0));
    }
}
