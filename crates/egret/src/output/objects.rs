//! Objects to show: tables, partitions, findings.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::printer::Printer;
use super::{OutputFormat, cell_text};
use crate::failure::Failure;

/// Prints objects one by one. Tables and CSV have the members of the first one as columns, a table perhaps fewer.
pub struct Objects {
    printer: Printer,
    names: Vec<String>,
    columns: &'static [&'static str],
}

impl Objects {
    /// None yet.
    pub fn new(format: OutputFormat) -> Self {
        Self { printer: Printer::new(format), names: Vec::new(), columns: &[] }
    }

    /// The members that a table shows, where they are not all.
    pub fn columns(mut self, columns: &'static [&'static str]) -> Self {
        self.columns = columns;
        self
    }

    /// Shows one more.
    pub fn push(&mut self, object: impl Serialize) -> Result<(), Failure> {
        let object = serde_json::to_value(object).map_err(io::Error::from)?;
        let format = self.printer.format();
        if !self.printer.has_header() || format == OutputFormat::Line {
            self.names = match &object {
                _ if format == OutputFormat::Table && !self.columns.is_empty() => {
                    self.columns.iter().map(|name| (*name).to_owned()).collect()
                }
                Value::Object(members) => members.keys().cloned().collect(),
                _ => Vec::new(),
            };
            self.printer.set_header(self.names.clone())?;
        }
        let cells = || self.names.iter().map(|name| object.get(name).map(cell_text).unwrap_or_default());
        self.printer.print(&object, || cells().collect())
    }

    /// Shows what comes last.
    pub fn finish(self) -> Result<(), Failure> {
        self.printer.finish()
    }
}

/// Shows all of `objects`.
pub fn print_all(
    objects: impl IntoIterator<Item = impl Serialize>,
    format: OutputFormat,
) -> Result<(), Failure> {
    let mut shown = Objects::new(format);
    for object in objects {
        shown.push(object)?;
    }
    shown.finish()
}

/// Shows one object.
pub fn print_one(object: impl Serialize, format: OutputFormat) -> Result<(), Failure> {
    if format == OutputFormat::Json {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &object).map_err(io::Error::from)?;
        return Ok(out.write_all(b"\n")?);
    }
    print_all([object], if format == OutputFormat::Table { OutputFormat::Line } else { format })
}
