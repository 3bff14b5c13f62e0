//! Rows of a query, as they are computed.

use std::io::{self, BufWriter, StdoutLock, Write};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use egret_detect::row_json::{Cell, JsonRows};
use serde_json::Value;

use super::{OutputFormat, cell_text, is_too_narrow_for, printable, terminal_table};
use crate::failure::Failure;

/// Prints batches one by one. Only a table needs them all before it can be shown.
pub struct RowPrinter {
    format: OutputFormat,
    out: BufWriter<StdoutLock<'static>>,
    names: Vec<String>,
    rows: u64,
    table: Vec<Vec<String>>,
}

impl RowPrinter {
    /// Prints rows of `schema` to stdout.
    pub fn new(format: OutputFormat, schema: &SchemaRef) -> Result<Self, Failure> {
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let format = match format {
            OutputFormat::Table if is_too_narrow_for(names.len()) => OutputFormat::Line,
            format => format,
        };
        let mut printer =
            Self { format, out: BufWriter::new(io::stdout().lock()), names, rows: 0, table: Vec::new() };
        match format {
            OutputFormat::Json => printer.out.write_all(b"[")?,
            OutputFormat::Csv => printer.write_csv(&printer.names.clone())?,
            OutputFormat::Table | OutputFormat::Ndjson | OutputFormat::Line => {}
        }
        Ok(printer)
    }

    /// Prints the rows of a batch, at most `limit` of them.
    pub fn print(&mut self, batch: &RecordBatch, limit: usize) -> Result<(), Failure> {
        let json = JsonRows::new(batch);
        for row in 0..batch.num_rows().min(limit) {
            match self.format {
                OutputFormat::Ndjson => {
                    serde_json::to_writer(&mut self.out, &json.row(row)).map_err(io::Error::from)?;
                    self.out.write_all(b"\n")?;
                }
                OutputFormat::Json => {
                    self.out.write_all(if self.rows == 0 { b"\n  " } else { b",\n  " })?;
                    serde_json::to_writer(&mut self.out, &json.row(row)).map_err(io::Error::from)?;
                }
                OutputFormat::Csv => self.write_csv(&cells(batch, row))?,
                OutputFormat::Line => self.write_line(&cells(batch, row))?,
                OutputFormat::Table => self.table.push(cells(batch, row)),
            }
            self.rows += 1;
        }
        Ok(())
    }

    fn write_csv(&mut self, record: &[String]) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(&mut self.out);
        writer.write_record(record).map_err(io::Error::other)?;
        Ok(writer.flush()?)
    }

    fn write_line(&mut self, cells: &[String]) -> io::Result<()> {
        if self.rows > 0 {
            writeln!(self.out)?;
        }
        let width = self.names.iter().map(String::len).max().unwrap_or(0);
        for (name, cell) in self.names.iter().zip(cells) {
            writeln!(self.out, "{name:width$}  {}", printable(cell))?;
        }
        Ok(())
    }

    /// Prints what comes last; says how many rows there were.
    pub fn finish(mut self) -> Result<u64, Failure> {
        match self.format {
            OutputFormat::Json => {
                let end: &[u8] = if self.rows == 0 { b"]\n" } else { b"\n]\n" };
                self.out.write_all(end)?;
            }
            OutputFormat::Table => {
                let mut table = terminal_table(self.names.clone());
                for cells in &self.table {
                    table.add_row(cells.iter().map(|cell| printable(cell)));
                }
                writeln!(self.out, "{table}")?;
            }
            OutputFormat::Ndjson | OutputFormat::Csv | OutputFormat::Line => {}
        }
        self.out.flush()?;
        Ok(self.rows)
    }
}

fn cells(batch: &RecordBatch, row: usize) -> Vec<String> {
    let value = |cell: Cell<'_>| serde_json::to_value(cell).unwrap_or(Value::Null);
    batch.columns().iter().map(|column| cell_text(&value(Cell::new(column.as_ref(), row)))).collect()
}
