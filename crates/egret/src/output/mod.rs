//! Results on stdout: objects and rows in the format that was asked for.

mod objects;
mod printer;
mod rows;
pub mod style;

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;

pub use objects::{Objects, print_all, print_one};
pub use rows::RowPrinter;

use crate::failure::Failure;

/// How to show results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table for people.
    Table,
    /// One JSON object a line.
    Ndjson,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// One value a line.
    Line,
}

impl OutputFormat {
    /// What to use for many objects: a table on a terminal, else one JSON object a line.
    pub fn of_many(asked: Option<Self>) -> Self {
        asked.unwrap_or_else(|| if io::stdout().is_terminal() { Self::Table } else { Self::Ndjson })
    }

    /// What to use for one object: a table on a terminal, else JSON.
    pub fn of_one(asked: Option<Self>) -> Self {
        asked.unwrap_or_else(|| if io::stdout().is_terminal() { Self::Table } else { Self::Json })
    }
}

/// Prints a line to stdout.
pub fn say(line: &str) -> Result<(), Failure> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// A value as a cell shows it: text without quotes, nothing for null, other values as JSON.
pub fn cell_text(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `text` with control characters written out: a log line must not command the terminal it is shown on.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The width of a terminal that does not say its own.
const DEFAULT_WIDTH: u16 = 80;

/// A column of a table is readable if it has so many characters, with its border.
const MIN_COLUMN_WIDTH: usize = 8;

/// A table for a terminal, as wide as the terminal allows.
pub fn terminal_table(header: impl IntoIterator<Item = String>) -> comfy_table::Table {
    let mut table = comfy_table::Table::new();
    table.load_preset(comfy_table::presets::UTF8_FULL_CONDENSED);
    if io::stdout().is_terminal() {
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        if table.width().is_none_or(|width| width == 0) {
            table.set_width(DEFAULT_WIDTH);
        }
    }
    table.set_header(header);
    table
}

/// Whether a terminal is too narrow to show so many columns side by side; then each row is shown as lines.
pub fn is_too_narrow_for(columns: usize) -> bool {
    let width = terminal_table([]).width();
    io::stdout().is_terminal() && width.is_some_and(|width| columns * MIN_COLUMN_WIDTH > usize::from(width))
}
