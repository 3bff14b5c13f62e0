//! The mapper: from decoded columns to the rows of a table.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, RecordBatchOptions,
    TimestampMicrosecondArray,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, filter_record_batch, is_not_null};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use chrono_tz::Tz;
use egret_format::{Block, Decoded, RecordPlan, Span};
use egret_model::schema::{EXTRA, common_columns};
use egret_model::{ColumnType, Expression, Quarantined, Stage, TableSchema, Timestamp};

use crate::check::{Required, check_rows};
use crate::coerce::coerce;
use crate::collect::Collector;
use crate::constant::{constant_text, record_bytes, record_ids};
use crate::context::{Mapped, RowOrigin};
use crate::definition::ColumnDefinition;
use crate::extract::{CompiledExtract, extract_columns};
use crate::observable::ObservableKind;
use crate::transform::Transform;

/// `tp_index` of rows for which nobody says anything else.
const DEFAULT_INDEX: &str = "default";

/// A table compiled for a partition: what a decoder is to read, and what is left to do with the columns then.
#[derive(Debug)]
pub struct TableMapper {
    pub(crate) schema: TableSchema,
    pub(crate) arrow_schema: SchemaRef,
    pub(crate) channel: String,
    pub(crate) plan: Arc<RecordPlan>,
    /// The decoded columns that are no mapped fields.
    pub(crate) planned: HashSet<String>,
    /// What fills each column that the table defines, in its order.
    pub(crate) steps: Vec<Step>,
    pub(crate) extracts: Vec<CompiledExtract>,
    pub(crate) collector: Collector,
    pub(crate) index: Option<Arc<dyn Expression>>,
    pub(crate) partition: String,
    pub(crate) timezone: Tz,
}

/// What fills one column.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) column_type: ColumnType,
    pub(crate) value: StepValue,
    pub(crate) required: bool,
}

#[derive(Debug)]
pub(crate) enum StepValue {
    /// A decoded column as it is.
    Planned(String),
    Computed(Transform),
    /// Another column of the table, which patterns fill.
    Column(String),
}

impl Step {
    pub(crate) fn new(column: &ColumnDefinition, column_type: ColumnType, value: StepValue) -> Self {
        // Common columns are spelled as they are everywhere.
        let written = &column.name.value;
        let lower = written.to_lowercase();
        let name = if lower.starts_with("tp_") { lower } else { written.clone() };
        let required = column.required.unwrap_or(false) || name == "tp_timestamp";
        Self { name, column_type, value, required }
    }
}

impl TableMapper {
    /// The table's schema: its own columns, then the common ones.
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// The schema as Arrow has it.
    pub fn arrow_schema(&self) -> &SchemaRef {
        &self.arrow_schema
    }

    /// The channel of the rows.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// Where a decoder is to put each field.
    pub fn plan(&self) -> &Arc<RecordPlan> {
        &self.plan
    }

    /// The columns that hold the hashes of files, which no common column collects.
    pub fn hash_columns(&self) -> impl Iterator<Item = &str> {
        self.collector.hash_columns()
    }

    /// Makes rows of what was decoded from `block` by [`TableMapper::plan`].
    pub fn map(&self, decoded: Decoded, block: &Block, origin: &RowOrigin) -> Mapped {
        let Decoded { rows: decoded, mut spans, mut quarantined, mut misfits, unknown_fields } = decoded;
        let mut rows = self.own_columns(&decoded, &mut misfits);
        if let Some((keep, refused)) = self.check(&rows, origin.ingest_timestamp) {
            for (row, reason) in refused {
                let raw = record_bytes(block, spans[row]);
                quarantined.push(Quarantined::new(Stage::Map, reason, spans[row].offset, raw));
            }
            quarantined.sort_by_key(|record| record.offset);
            rows = keep_rows(&rows, &keep);
            let mut kept = keep.values().iter();
            spans.retain(|_| kept.next().unwrap_or(false));
        }
        Mapped { rows: self.common(rows, &spans, block, origin), quarantined, misfits, unknown_fields }
    }

    /// The columns that the table defines, the mapped fields, and `extra`.
    fn own_columns(&self, decoded: &RecordBatch, misfits: &mut u64) -> RecordBatch {
        let mut columns = Columns::new(decoded.num_rows());
        for step in &self.steps {
            let column = match &step.value {
                StepValue::Planned(planned) => decoded.column_by_name(planned).cloned(),
                StepValue::Computed(transform) => {
                    let coerced = transform.evaluate(decoded, &step.column_type, self.timezone);
                    *misfits += coerced.misfits;
                    (coerced.array.null_count() < coerced.array.len()).then_some(coerced.array)
                }
                StepValue::Column(_) => None,
            };
            if let Some(column) = column {
                columns.set(&step.name, column);
            }
        }
        for (field, column) in decoded.schema_ref().fields().iter().zip(decoded.columns()) {
            if !self.planned.contains(field.name()) {
                columns.set(field.name(), Arc::clone(column));
            }
        }
        let rows = columns.finish();
        if self.extracts.is_empty() {
            return rows;
        }
        self.extracted(decoded, rows, misfits)
    }

    /// Adds the columns that patterns fill, and those that are copies of them.
    fn extracted(&self, decoded: &RecordBatch, rows: RecordBatch, misfits: &mut u64) -> RecordBatch {
        let type_of = |name: &str| {
            let step = self.steps.iter().find(|step| step.name == name);
            step.map_or(ColumnType::Varchar, |step| step.column_type.clone())
        };
        let (extracted, extracted_misfits) =
            extract_columns(&self.extracts, decoded, &rows, type_of, self.timezone);
        *misfits += extracted_misfits;
        let mut columns = Columns::from(rows);
        for (name, column) in extracted {
            columns.set(&name, column);
        }
        for step in &self.steps {
            let StepValue::Column(other) = &step.value else { continue };
            if let Some(at) = columns.position(other) {
                let coerced = coerce(&columns.arrays[at], &step.column_type, self.timezone);
                columns.set(&step.name, coerced.array);
            }
        }
        columns.finish()
    }

    fn check(&self, rows: &RecordBatch, ingest: Timestamp) -> Option<(BooleanArray, Vec<(usize, String)>)> {
        let required: Vec<Required<'_>> = self
            .steps
            .iter()
            .filter(|step| step.required)
            .map(|step| Required { name: &step.name, column: rows.column_by_name(&step.name) })
            .collect();
        check_rows(rows.num_rows(), &required, rows.column_by_name("tp_timestamp"), ingest)
    }

    /// Adds the common columns, and puts all in the order of the schema.
    fn common(&self, rows: RecordBatch, spans: &[Span], block: &Block, origin: &RowOrigin) -> RecordBatch {
        let count = rows.num_rows();
        let collected = self.collector.collect(&rows);
        let index = self.index_column(&rows);
        let text = |text: &str| constant_text(text, count);
        let ingest = TimestampMicrosecondArray::from_value(origin.ingest_timestamp.micros(), count);
        let date = rows.column_by_name("tp_timestamp").and_then(dates);
        let mut columns = Columns::from(rows);
        for kind in ObservableKind::ALL {
            // What a list column was mapped to has been collected.
            kind.column().into_iter().for_each(|name| columns.remove(name));
        }
        columns.set("tp_id", record_ids(&origin.ids, block, spans));
        columns.set("tp_ingest_timestamp", Arc::new(ingest));
        columns.set("tp_table", text(&self.schema.name));
        columns.set("tp_partition", text(&self.partition));
        columns.set("tp_index", index);
        if let Some(date) = date {
            columns.set("tp_date", date);
        }
        columns.set("tp_source_type", text(&origin.source_type));
        columns.set("tp_source_name", text(&origin.source_name));
        columns.set("tp_source_location", text(&origin.source_location));
        for (name, column) in collected {
            columns.set(name, column);
        }
        columns.finish_with_common_last()
    }

    fn index_column(&self, rows: &RecordBatch) -> ArrayRef {
        let default = || constant_text(DEFAULT_INDEX, rows.num_rows());
        let index = match &self.index {
            Some(expression) => expression.evaluate(rows).ok(),
            None => rows.column_by_name("tp_index").cloned(),
        };
        let Some(index) = index.and_then(|index| cast(&index, &DataType::Utf8View).ok()) else {
            return default();
        };
        if index.null_count() == 0 {
            return index;
        }
        let filled = is_not_null(&index).and_then(|present| zip(&present, &index, &default()));
        filled.unwrap_or_else(|_| default())
    }
}

/// The day of each time.
fn dates(times: &ArrayRef) -> Option<ArrayRef> {
    let times = times.as_primitive_opt::<TimestampMicrosecondType>()?;
    let dates: Date32Array = times.unary(|micros| Timestamp::from_micros(micros).days());
    Some(Arc::new(dates))
}

fn keep_rows(rows: &RecordBatch, keep: &BooleanArray) -> RecordBatch {
    // The mask has one bit a row.
    filter_record_batch(rows, keep).unwrap_or_else(|_| RecordBatch::new_empty(rows.schema()))
}

/// Columns of one length by name.
struct Columns {
    rows: usize,
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn new(rows: usize) -> Self {
        Self { rows, fields: Vec::new(), arrays: Vec::new() }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name() == name)
    }

    /// Puts a column in the place of the one with this name, else at the end.
    fn set(&mut self, name: &str, array: ArrayRef) {
        let field = Field::new(name, array.data_type().clone(), true);
        match self.position(name) {
            Some(at) => {
                self.fields[at] = field;
                self.arrays[at] = array;
            }
            None => {
                self.fields.push(field);
                self.arrays.push(array);
            }
        }
    }

    fn remove(&mut self, name: &str) {
        if let Some(at) = self.position(name) {
            self.fields.remove(at);
            self.arrays.remove(at);
        }
    }

    fn finish(self) -> RecordBatch {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        let schema = Arc::new(Schema::new(self.fields));
        // Every column has been made for these rows.
        RecordBatch::try_new_with_options(schema.clone(), self.arrays, &options)
            .unwrap_or_else(|_| RecordBatch::new_empty(schema))
    }

    /// The table's own columns and mapped fields as they stand, then the common ones in their order.
    fn finish_with_common_last(self) -> RecordBatch {
        let common = common_columns();
        let is_common = |name: &str| common.iter().any(|column| column.name == name);
        let mut sorted = Self::new(self.rows);
        for (field, array) in self.fields.iter().zip(&self.arrays) {
            if !is_common(field.name()) {
                sorted.set(field.name(), Arc::clone(array));
            }
        }
        for column in &common {
            if let Some(at) = self.position(&column.name) {
                sorted.set(&column.name, Arc::clone(&self.arrays[at]));
            }
        }
        debug_assert!(common.last().is_some_and(|column| column.name == EXTRA));
        sorted.finish()
    }
}

impl From<RecordBatch> for Columns {
    fn from(batch: RecordBatch) -> Self {
        let fields = batch.schema_ref().fields().iter().map(|field| field.as_ref().clone()).collect();
        Self { rows: batch.num_rows(), fields, arrays: batch.columns().to_vec() }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
