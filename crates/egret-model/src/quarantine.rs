//! Quarantine: where a record that could not be parsed or mapped goes, with the reason; never dropped.

use std::fmt;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, Date32Array, Int64Array, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};

use crate::id::RecordIds;
use crate::schema::{Column, TableSchema};
use crate::time::Timestamp;
use crate::types::ColumnType;

/// The name of the lake's table of quarantined records.
pub const QUARANTINE_TABLE: &str = "quarantine";

/// At most so many bytes of a quarantined record are kept; of a longer one only where it lies.
pub const MAX_RAW_BYTES: usize = 1 << 20;

/// The step that could not go on with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The source could not give the bytes: broken compression, an unreadable file.
    Read,
    /// The format could not make a record of the bytes.
    Parse,
    /// The table could not make a row of the record.
    Map,
}

impl Stage {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Map => "map",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One record that did not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The step that gave up.
    pub stage: Stage,
    /// Why, for people: what was expected, what was there.
    pub reason: String,
    /// Where the record starts in the decompressed object.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes, if there are at most [`MAX_RAW_BYTES`].
    pub raw: Option<Vec<u8>>,
}

impl Quarantined {
    /// Quarantines the record `raw` that starts at `offset`.
    pub fn new(stage: Stage, reason: impl Into<String>, offset: u64, raw: &[u8]) -> Self {
        Self {
            stage,
            reason: reason.into(),
            offset,
            length: raw.len() as u64,
            raw: (raw.len() <= MAX_RAW_BYTES).then(|| raw.to_vec()),
        }
    }
}

/// Where quarantined records come from.
#[derive(Debug, Clone)]
pub struct QuarantineOrigin<'a> {
    /// The table that they were meant for.
    pub table: &'a str,
    /// The partition.
    pub partition: &'a str,
    /// The object's canonical name.
    pub object: &'a str,
    /// Its path or URL.
    pub location: &'a str,
    /// When it was read.
    pub now: Timestamp,
}

/// The lake's table `quarantine`.
pub fn quarantine_schema() -> TableSchema {
    let columns = [
        ("quarantine_id", ColumnType::Varchar, "Id: the same record always has the same one."),
        ("stage", ColumnType::Varchar, "The step that gave up: read, parse or map."),
        ("reason", ColumnType::Varchar, "What was expected, and what was there."),
        ("record_offset", ColumnType::BigInt, "Where the record starts in the decompressed object."),
        ("record_length", ColumnType::BigInt, "Its length in bytes."),
        ("raw", ColumnType::Blob, "Its bytes, if there are at most 1 MiB; null if there are more."),
        ("tp_timestamp", ColumnType::Timestamp, "When it was read (UTC)."),
        ("tp_table", ColumnType::Varchar, "The table that it was meant for."),
        ("tp_partition", ColumnType::Varchar, "The partition."),
        ("tp_date", ColumnType::Date, "The day of `tp_timestamp`."),
        ("tp_source_location", ColumnType::Varchar, "The path or URL of the object."),
    ];
    TableSchema {
        name: QUARANTINE_TABLE.to_owned(),
        description: "Records that could not be parsed or mapped, with the reason.".to_owned(),
        channel: "egret.quarantine".to_owned(),
        columns: columns.into_iter().map(|(name, kind, text)| Column::new(name, kind, text)).collect(),
        roots: Vec::new(),
    }
}

impl Quarantined {
    /// The records as rows of [`quarantine_schema`].
    ///
    /// # Errors
    /// Never in practice: only if the columns below and the schema disagree.
    pub fn to_rows(
        records: &[Self],
        origin: &QuarantineOrigin<'_>,
    ) -> Result<RecordBatch, arrow::error::ArrowError> {
        let ids = RecordIds::new(origin.table, origin.object);
        let id = |record: &Self| ids.id(record.offset, record.stage.as_str().as_bytes()).to_string();
        let constant = |text: &str| -> ArrayRef {
            Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(text, records.len())))
        };
        let number = |get: fn(&Self) -> u64| -> ArrayRef {
            Arc::new(Int64Array::from_iter_values(records.iter().map(|record| get(record) as i64)))
        };
        let now = vec![origin.now.micros(); records.len()];
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringViewArray::from_iter_values(records.iter().map(id))),
            Arc::new(StringViewArray::from_iter_values(records.iter().map(|record| record.stage.as_str()))),
            Arc::new(StringViewArray::from_iter_values(records.iter().map(|record| record.reason.as_str()))),
            number(|record| record.offset),
            number(|record| record.length),
            Arc::new(BinaryViewArray::from_iter(records.iter().map(|record| record.raw.as_deref()))),
            Arc::new(TimestampMicrosecondArray::from(now)),
            constant(origin.table),
            constant(origin.partition),
            Arc::new(Date32Array::from(vec![origin.now.days(); records.len()])),
            constant(origin.location),
        ];
        RecordBatch::try_new(quarantine_schema().to_arrow(), columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_leaves_only_its_place() {
        let long = Quarantined::new(Stage::Parse, "too long", 7, &vec![b'x'; MAX_RAW_BYTES + 1]);
        assert_eq!((long.raw.as_ref(), long.length), (None, MAX_RAW_BYTES as u64 + 1));
        let short = Quarantined::new(Stage::Map, "no time", 0, b"{}");
        let now = Timestamp::from_seconds(0);
        let origin = QuarantineOrigin { table: "t", partition: "p", object: "o", location: "o", now };
        let rows = Quarantined::to_rows(&[long, short], &origin).unwrap();
        assert_eq!(rows.num_rows(), 2);
        assert_eq!(rows.schema(), quarantine_schema().to_arrow());
    }
}
