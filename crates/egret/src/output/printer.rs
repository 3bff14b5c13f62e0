//! Prints one object after the other in the format that was asked for, and keeps none of them.

use std::io::{self, BufWriter, Stdout, Write};

use serde::Serialize;

use super::{OutputFormat, printable, terminal_table};
use crate::failure::Failure;

/// All rows of a table must be known before it can be drawn. More than so many are drawn as several tables, since a
/// result may be larger than memory.
const TABLE_ROWS: usize = 10_000;

/// Prints objects to stdout.
pub struct Printer {
    format: OutputFormat,
    out: BufWriter<Stdout>,
    header: Option<Vec<String>>,
    count: u64,
    /// The rows of the table that is drawn next.
    table: Vec<Vec<String>>,
}

impl Printer {
    /// Prints objects in this format.
    pub fn new(format: OutputFormat) -> Self {
        let out = BufWriter::new(io::stdout());
        Self { format, out, header: None, count: 0, table: Vec::new() }
    }

    /// How it prints.
    pub fn format(&self) -> OutputFormat {
        self.format
    }

    /// Names the columns of a table, of CSV, of lines.
    pub fn set_header(&mut self, names: Vec<String>) -> Result<(), Failure> {
        if self.format == OutputFormat::Csv {
            self.csv(&names)?;
        }
        self.header = Some(names);
        Ok(())
    }

    /// Whether the columns have names.
    pub fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Prints an object that shows as `json`, or as `cells` below the header.
    pub fn print(
        &mut self,
        json: impl Serialize,
        cells: impl FnOnce() -> Vec<String>,
    ) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Ndjson => {
                serde_json::to_writer(&mut self.out, &json).map_err(io::Error::from)?;
                self.out.write_all(b"\n")?;
            }
            OutputFormat::Json => {
                self.out.write_all(if self.count == 0 { b"[\n  " } else { b",\n  " })?;
                serde_json::to_writer(&mut self.out, &json).map_err(io::Error::from)?;
            }
            OutputFormat::Csv => self.csv(&cells())?,
            OutputFormat::Line => self.lines(&cells())?,
            OutputFormat::Table => self.table.push(cells()),
        }
        self.count += 1;
        if self.table.len() == TABLE_ROWS {
            self.draw_table()?;
        }
        Ok(())
    }

    /// Prints what comes last.
    pub fn finish(mut self) -> Result<(), Failure> {
        match self.format {
            OutputFormat::Json => self.out.write_all(if self.count == 0 { b"[]\n" } else { b"\n]\n" })?,
            OutputFormat::Table if self.header.is_none() => writeln!(self.out, "(none)")?,
            OutputFormat::Table if self.count == 0 || !self.table.is_empty() => self.draw_table()?,
            _ => {}
        }
        Ok(self.out.flush()?)
    }

    fn csv(&mut self, cells: &[String]) -> Result<(), Failure> {
        let mut writer = csv::Writer::from_writer(&mut self.out);
        writer.write_record(cells).map_err(io::Error::other)?;
        Ok(writer.flush()?)
    }

    fn lines(&mut self, cells: &[String]) -> io::Result<()> {
        if self.count > 0 {
            writeln!(self.out)?;
        }
        let names = self.header.as_deref().unwrap_or_default();
        let width = names.iter().map(String::len).max().unwrap_or(0);
        for (name, cell) in names.iter().zip(cells) {
            writeln!(self.out, "{name:width$}  {}", printable(cell))?;
        }
        Ok(())
    }

    fn draw_table(&mut self) -> io::Result<()> {
        let mut table = terminal_table(self.header.clone().unwrap_or_default());
        for cells in self.table.drain(..) {
            table.add_row(cells.iter().map(|cell| printable(cell)));
        }
        writeln!(self.out, "{table}")
    }
}
