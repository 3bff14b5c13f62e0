//! Runs decoders in tests: over blocks of many sizes, with the rows as JSON.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::json::writer::LineDelimitedWriter;
use chrono_tz::Tz;
use egret_model::schema::EXTRA;
use egret_model::{ColumnType, Quarantined, Timestamp};
use serde_json::Value;

use crate::block::Block;
use crate::decoder::{Format, ObjectContext};
use crate::plan::{PlanColumn, RecordPlan};
use crate::rows::{RowBuilder, Span};

/// What came of an object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// Each row as a JSON object without nulls; `extra` is an object in it.
    pub(crate) rows: Vec<Value>,
    /// Where each row's record lies.
    pub(crate) spans: Vec<Span>,
    /// What was no record.
    pub(crate) quarantined: Vec<Quarantined>,
    /// Values that did not fit their column.
    pub(crate) misfits: u64,
}

impl Outcome {
    /// The reasons of what was no record.
    pub(crate) fn reasons(&self) -> Vec<&str> {
        self.quarantined.iter().map(|quarantined| quarantined.reason.as_str()).collect()
    }

    /// What `extra` holds of each row: with a plan without columns, the whole record.
    pub(crate) fn extras(&self) -> Vec<Value> {
        self.rows.iter().map(|row| row.get(EXTRA).cloned().unwrap_or(Value::Null)).collect()
    }
}

/// A plan of columns written as `name type, name type`, each from the field of its name.
pub(crate) fn plan(columns: &str) -> Arc<RecordPlan> {
    plan_in(columns, Tz::UTC)
}

/// As [`plan`], for times of `timezone`.
pub(crate) fn plan_in(columns: &str, timezone: Tz) -> Arc<RecordPlan> {
    let fields = match format!("struct({columns})").parse() {
        _ if columns.is_empty() => vec![],
        Ok(ColumnType::Struct(fields)) => fields,
        other => panic!("{columns}: {other:?}"),
    };
    let columns: Vec<PlanColumn> = fields
        .into_iter()
        .map(|(name, column_type)| PlanColumn {
            sources: vec![name.clone()],
            name,
            column_type,
            null_if: vec![],
        })
        .collect();
    Arc::new(RecordPlan::new(&columns, vec![], &[], timezone).unwrap())
}

/// An object last modified on 2024-03-01, whose times without a zone are UTC.
pub(crate) fn object() -> ObjectContext {
    ObjectContext { modified: Timestamp::parse("2024-03-01T00:00:00Z").unwrap(), timezone: Tz::UTC }
}

/// Decodes `bytes` and asserts that it makes no difference how they are cut into blocks.
pub(crate) fn decode(format: &dyn Format, plan: &Arc<RecordPlan>, bytes: impl AsRef<[u8]>) -> Outcome {
    decode_object(format, plan, &object(), bytes.as_ref())
}

/// As [`decode`], for what is known of the object.
pub(crate) fn decode_object(
    format: &dyn Format,
    plan: &Arc<RecordPlan>,
    object: &ObjectContext,
    bytes: &[u8],
) -> Outcome {
    let whole = decode_cut(format, plan, object, bytes, 0, &mut |left| left);
    for seed in 1..=4_u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random_size = |left: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            1 + state as usize % left.min(8 * seed.pow(3) as usize)
        };
        let cut = decode_cut(format, plan, object, bytes, 0, &mut random_size);
        assert_eq!(cut, whole, "other blocks, other rows (seed {seed})");
    }
    whole
}

/// As [`decode`], for an object of which the records before `skip_before` are stored already.
pub(crate) fn decode_after(
    format: &dyn Format,
    plan: &Arc<RecordPlan>,
    bytes: impl AsRef<[u8]>,
    skip_before: u64,
) -> Outcome {
    decode_cut(format, plan, &object(), bytes.as_ref(), skip_before, &mut |left| left)
}

/// Decodes `bytes` in blocks of the sizes that `next_size` gives for the number of bytes left.
fn decode_cut(
    format: &dyn Format,
    plan: &Arc<RecordPlan>,
    object: &ObjectContext,
    bytes: &[u8],
    skip_before: u64,
    next_size: &mut dyn FnMut(usize) -> usize,
) -> Outcome {
    let mut decoder = format.decoder(plan, object);
    let mut outcome = Outcome { rows: vec![], spans: vec![], quarantined: vec![], misfits: 0 };
    let (mut at, mut left_over) = (0, 0);
    while at < bytes.len() {
        let left = bytes.len() - at;
        let size = (left_over + next_size(left)).min(left);
        let block = Block::new(bytes[at..at + size].to_vec(), at as u64, size == left);
        let mut rows = RowBuilder::new(plan, &block, skip_before);
        let used = decoder.decode(&block, &mut rows);
        assert!(used <= size, "used {used} of {size} bytes");
        assert!(!block.last || used == size, "left {} bytes of the last block", size - used);
        let decoded = rows.finish();
        assert_eq!(decoded.rows.num_rows(), decoded.spans.len());
        outcome.rows.extend(to_json(&decoded.rows));
        outcome.spans.extend(decoded.spans);
        outcome.quarantined.extend(decoded.quarantined);
        outcome.misfits += decoded.misfits;
        at += used;
        // Twice as much once nothing fits, or a long record would be looked at for each of its bytes.
        left_over = if used == 0 { size * 2 } else { size - used };
    }
    outcome
}

fn to_json(rows: &RecordBatch) -> Vec<Value> {
    if rows.num_rows() == 0 {
        return vec![];
    }
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    let lines = String::from_utf8(writer.into_inner()).unwrap();
    let parse = |line: &str| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        if let Some(extra) = row.get_mut(EXTRA) {
            *extra = serde_json::from_str(extra.as_str().unwrap()).unwrap();
        }
        row
    };
    // The writer leaves out rows without columns.
    if rows.num_columns() == 0 {
        return vec![Value::Object(serde_json::Map::new()); rows.num_rows()];
    }
    lines.lines().map(parse).collect()
}

#[test]
fn rows_come_out_as_json() {
    let outcome =
        decode(&crate::json::JsonLinesFormat, &plan("a integer, b varchar"), "{\"a\":1,\"c\":[2]}\nx\n{}\n");
    assert_eq!(outcome.rows, [serde_json::json!({"a": 1, "extra": {"c": [2]}}), serde_json::json!({})]);
    assert_eq!(outcome.quarantined.len(), 1);
    assert_eq!(outcome.spans[0], Span { offset: 0, length: 15 });
}
