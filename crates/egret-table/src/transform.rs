//! Transforms: columns computed by SQL from fields of the record.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema};
use chrono_tz::Tz;
use egret_model::{ColumnType, Expression};

use crate::coerce::{Coerced, coerce};

/// SQL and what it reads.
#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) expression: Arc<dyn Expression>,
    /// The names that the SQL uses, each with the decoded column that holds the field as text.
    pub(crate) inputs: Vec<(String, String)>,
}

impl Transform {
    /// One value a row, as a column of `column_type`. A row for which there is none gets null.
    pub(crate) fn evaluate(&self, decoded: &RecordBatch, column_type: &ColumnType, timezone: Tz) -> Coerced {
        let rows = decoded.num_rows();
        let nothing = || Coerced { array: new_null_array(&column_type.to_arrow(), rows), misfits: 0 };
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (field, planned) in &self.inputs {
            if let Some(column) = decoded.column_by_name(planned) {
                fields.push(Field::new(field, column.data_type().clone(), true));
                columns.push(Arc::clone(column));
            }
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::new(Schema::new(fields));
        // Columns of one batch have one length, so this never fails.
        let Ok(input) = RecordBatch::try_new_with_options(schema, columns, &options) else {
            return nothing();
        };
        let (array, failed) = self.values(&input);
        let mut coerced = coerce(&array, column_type, timezone);
        coerced.misfits += failed;
        coerced
    }

    /// The values, and for how many rows there is none. A row that cannot be computed must not take the others
    /// with it, so a batch that fails is tried again in halves.
    fn values(&self, input: &RecordBatch) -> (ArrayRef, u64) {
        if let Ok(array) = self.expression.evaluate(input) {
            return (array, 0);
        }
        let rows = input.num_rows();
        if rows <= 1 {
            return (new_null_array(self.expression.data_type(), rows), rows as u64);
        }
        let half = rows / 2;
        let (left, left_failed) = self.values(&input.slice(0, half));
        let (right, right_failed) = self.values(&input.slice(half, rows - half));
        match concat(&[left.as_ref(), right.as_ref()]) {
            Ok(array) => (array, left_failed + right_failed),
            // Parts of one expression have one type; only 2 GiB of text could get here.
            Err(_) => (new_null_array(&DataType::Null, rows), rows as u64),
        }
    }
}
