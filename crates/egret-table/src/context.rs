//! What a table is compiled and run with: the partition, and where the rows come from.

use arrow::array::RecordBatch;
use chrono_tz::Tz;
use egret_config::Located;
use egret_model::{Quarantined, RecordIds, Timestamp};

/// What a partition says about its rows.
#[derive(Debug, Clone)]
pub struct PartitionContext {
    /// Its name, for `tp_partition`.
    pub partition: String,
    /// Its `tp_index`: SQL over the table's columns, most often just a column. Without it `tp_index` is what
    /// the table maps it to, else `default`.
    pub index: Option<Located<String>>,
    /// The zone for timestamps that name none.
    pub timezone: Tz,
    /// Its channel, if it is not the table's.
    pub channel: Option<String>,
    /// The fields that its format yields, where the format knows ([`egret_format::Format::fields`]): then a
    /// transform that names another one is a mistake.
    pub format_fields: Option<Vec<String>>,
}

impl PartitionContext {
    /// A partition that says nothing but its name.
    pub fn new(partition: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            index: None,
            timezone: Tz::UTC,
            channel: None,
            format_fields: None,
        }
    }
}

/// Where the rows of one object come from.
#[derive(Debug, Clone)]
pub struct RowOrigin {
    /// Gives each row its `tp_id`.
    pub ids: RecordIds,
    /// The type of the source, such as `file`.
    pub source_type: String,
    /// The name of the source, such as a bucket.
    pub source_name: String,
    /// The path or URL of the object.
    pub source_location: String,
    /// When it is collected.
    pub ingest_timestamp: Timestamp,
}

/// What became of the decoded records of a block.
#[derive(Debug)]
pub struct Mapped {
    /// The rows: columns of the table that hold any value, mapped fields as `varchar`, and `tp_*`.
    pub rows: RecordBatch,
    /// What did not become a row, the format's and the table's, in the order of the object.
    pub quarantined: Vec<Quarantined>,
    /// Values that did not fit their column: it is null there, and the original is in `extra`.
    pub misfits: u64,
    /// As [`egret_format::Decoded::unknown_fields`].
    pub unknown_fields: Vec<String>,
}
