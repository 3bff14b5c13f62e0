//! `egret source`: where bytes come from.

use std::process::ExitCode;

use clap::Subcommand;
use egret_source::{SourceType, source_types};
use serde_json::json;

use super::{Outcome, attributes_of, unknown};
use crate::arguments::Global;
use crate::output::{OutputFormat, print_all, print_one, say};

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the types of sources
    List,
    /// Show one with its attributes and an example
    Show {
        /// Its type
        name: String,
    },
}

/// Shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List => {
            let summary =
                |source: &SourceType| json!({"name": source.name, "description": source.description});
            print_all(source_types().iter().map(summary), OutputFormat::of_many(global.output))?;
        }
        Command::Show { name } => {
            let names = source_types().iter().map(|source| source.name);
            let source = source_types().iter().find(|source| source.name == name);
            let Some(source) = source else { return Err(unknown("source type", name, names)) };
            print(source, OutputFormat::of_one(global.output))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(source: &SourceType, format: OutputFormat) -> Result<(), crate::failure::Failure> {
    let attributes = attributes_of(source.attributes);
    if format == OutputFormat::Table {
        say(&format!("{}: {}\n", source.name, source.description))?;
        print_all(attributes, format)?;
        say(&format!("\n{}", source.example))?;
        return Ok(());
    }
    let object = json!({
        "name": source.name,
        "description": source.description,
        "attributes": attributes,
        "example": source.example,
    });
    print_one(object, format)
}
