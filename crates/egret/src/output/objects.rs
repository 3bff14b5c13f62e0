//! Lists of objects: tables, partitions, findings.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{OutputFormat, cell_text, printable, terminal_table};
use crate::failure::Failure;

/// Objects to show. The columns of a table are the members of the first object, unless they are named.
#[derive(Debug, Default)]
pub struct Objects {
    objects: Vec<Map<String, Value>>,
    columns: Option<Vec<&'static str>>,
}

impl Objects {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, object: impl Serialize) {
        if let Ok(Value::Object(object)) = serde_json::to_value(object) {
            self.objects.push(object);
        }
    }

    /// The members that a table shows, where they are not all.
    pub fn columns(mut self, columns: &[&'static str]) -> Self {
        self.columns = Some(columns.to_vec());
        self
    }

    /// Shows them.
    pub fn print(self, format: OutputFormat) -> Result<(), Failure> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        match format {
            OutputFormat::Ndjson => {
                for object in &self.objects {
                    serde_json::to_writer(&mut out, object).map_err(io::Error::from)?;
                    out.write_all(b"\n")?;
                }
            }
            OutputFormat::Json => {
                serde_json::to_writer_pretty(&mut out, &self.objects).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            OutputFormat::Csv => self.print_csv(&mut out)?,
            OutputFormat::Line => self.print_lines(&mut out)?,
            OutputFormat::Table => self.print_table(&mut out)?,
        }
        Ok(out.flush()?)
    }

    fn names(&self) -> Vec<String> {
        match (&self.columns, self.objects.first()) {
            (Some(columns), _) => columns.iter().map(|name| (*name).to_owned()).collect(),
            (None, Some(first)) => first.keys().cloned().collect(),
            (None, None) => Vec::new(),
        }
    }

    fn print_csv(&self, out: &mut impl Write) -> Result<(), Failure> {
        let Some(first) = self.objects.first() else { return Ok(()) };
        let mut writer = csv::Writer::from_writer(out);
        let failed = |error: csv::Error| Failure::from(io::Error::other(error));
        writer.write_record(first.keys()).map_err(failed)?;
        for object in &self.objects {
            writer.write_record(object.values().map(cell_text)).map_err(failed)?;
        }
        Ok(writer.flush()?)
    }

    fn print_lines(&self, out: &mut impl Write) -> io::Result<()> {
        for (index, object) in self.objects.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            let width = object.keys().map(String::len).max().unwrap_or(0);
            for (name, value) in object {
                writeln!(out, "{name:width$}  {}", printable(&cell_text(value)))?;
            }
        }
        Ok(())
    }

    fn print_table(&self, out: &mut impl Write) -> io::Result<()> {
        if self.objects.is_empty() {
            return writeln!(out, "(none)");
        }
        let names = self.names();
        let mut table = terminal_table(names.clone());
        for object in &self.objects {
            let value = |name: &String| object.get(name).map(cell_text).unwrap_or_default();
            table.add_row(names.iter().map(|name| printable(&value(name))));
        }
        writeln!(out, "{table}")
    }
}

/// Shows one object.
pub fn print_one(object: impl Serialize, format: OutputFormat) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match format {
        OutputFormat::Json => serde_json::to_writer_pretty(&mut out, &object).map_err(io::Error::from)?,
        OutputFormat::Ndjson => serde_json::to_writer(&mut out, &object).map_err(io::Error::from)?,
        OutputFormat::Csv | OutputFormat::Line | OutputFormat::Table => {
            drop(out);
            let mut objects = Objects::new();
            objects.push(object);
            let format = if format == OutputFormat::Table { OutputFormat::Line } else { format };
            return objects.print(format);
        }
    }
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
