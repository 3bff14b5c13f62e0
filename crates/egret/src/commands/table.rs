//! `egret table`: log types and their columns.

use std::process::ExitCode;

use clap::Subcommand;
use egret_table::{FormatChoice, TableDefinition};
use serde_json::{Value, json};

use super::{Outcome, unknown};
use crate::arguments::Global;
use crate::output::{Objects, OutputFormat, print_all, print_one, printable, say};
use crate::project::Project;

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the tables, built-in ones and the configuration's
    List,
    /// Show one with its columns
    Show {
        /// Its name
        name: String,
    },
}

/// Shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let project = Project::load(global)?;
    match command {
        Command::List => {
            let format = OutputFormat::of_many(global.output);
            let mut objects = Objects::new(format).columns(&["name", "channel", "description"]);
            for table in project.tables.iter() {
                objects.push(summary(table))?;
            }
            objects.finish()?;
        }
        Command::Show { name } => {
            let Ok(table) = project.tables.get(name) else {
                return Err(unknown("table", name, project.tables.names()));
            };
            show(table, OutputFormat::of_one(global.output))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn summary(table: &TableDefinition) -> Value {
    let format = match &table.format {
        Some(FormatChoice::Reference(reference)) => reference.to_string(),
        Some(FormatChoice::Inline(format)) => format.kind().to_owned(),
        None => String::new(),
    };
    let description = table.description.clone().unwrap_or_default();
    json!({"name": table.name.value, "description": description, "channel": table.channel(), "format": format})
}

fn show(table: &TableDefinition, format: OutputFormat) -> Result<(), crate::failure::Failure> {
    let column = |column: &egret_model::Column| json!({"name": column.name, "type": column.column_type.to_string(), "description": column.description});
    let columns: Vec<Value> = table.schema().columns.iter().map(column).collect();
    if format == OutputFormat::Table {
        say(&format!(
            "{}: {}\n",
            table.name.value,
            printable(table.description.as_deref().unwrap_or_default())
        ))?;
        return print_all(columns, format);
    }
    let mut object = summary(table);
    object["columns"] = Value::Array(columns);
    object["example"] = Value::String(format!(
        "partition \"{}\" \"my_logs\" {{\n  source \"file\" {{\n    paths = [\"/path/to/logs\"]\n  }}\n}}",
        table.name.value
    ));
    print_one(object, format)
}
