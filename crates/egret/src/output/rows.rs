//! Rows of a query, as they are computed.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use egret_detect::row_json::{Cell, JsonRows};
use serde_json::Value;

use super::printer::Printer;
use super::{OutputFormat, cell_text, is_too_narrow_for};
use crate::failure::Failure;

/// Prints the rows of batches.
pub struct RowPrinter {
    printer: Printer,
}

impl RowPrinter {
    /// Prints rows of `schema` to stdout.
    pub fn new(format: OutputFormat, schema: &SchemaRef) -> Result<Self, Failure> {
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut printer = Printer::new(match format {
            OutputFormat::Table if is_too_narrow_for(names.len()) => OutputFormat::Line,
            format => format,
        });
        printer.set_header(names)?;
        Ok(Self { printer })
    }

    /// Prints the rows of a batch, at most `limit` of them.
    pub fn print(&mut self, batch: &RecordBatch, limit: usize) -> Result<(), Failure> {
        let json = JsonRows::new(batch);
        for row in 0..batch.num_rows().min(limit) {
            self.printer.print(json.row(row), || cells(batch, row))?;
        }
        Ok(())
    }

    /// Prints what comes last.
    pub fn finish(self) -> Result<(), Failure> {
        self.printer.finish()
    }
}

fn cells(batch: &RecordBatch, row: usize) -> Vec<String> {
    let value = |cell: Cell<'_>| serde_json::to_value(cell).unwrap_or(Value::Null);
    batch.columns().iter().map(|column| cell_text(&value(Cell::new(column.as_ref(), row)))).collect()
}
