//! `egret format`: how bytes become records.

use std::process::ExitCode;

use clap::Subcommand;
use egret_format::FormatType;
use egret_format::registry::{FORMAT_TYPES, format_type};
use serde_json::{Value, json};

use super::{Outcome, unknown};
use crate::arguments::Global;
use crate::output::{Objects, OutputFormat, print_all, print_one, say};
use crate::project::Project;

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the types of formats, with their presets and the configuration's own
    List,
    /// Show one with its attributes, presets and an example
    Show {
        /// Its type
        name: String,
    },
}

/// Shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List => {
            let project = Project::load(global)?;
            let mut objects = Objects::new(OutputFormat::of_many(global.output));
            for format in FORMAT_TYPES {
                let own = project.formats.names().into_iter().filter(|(kind, _)| *kind == format.name);
                let names = format.presets.iter().map(|preset| preset.name).chain(own.map(|(_, name)| name));
                let names: Vec<String> = names.map(|name| format!("format.{}.{name}", format.name)).collect();
                objects.push(
                    json!({"name": format.name, "description": format.description, "formats": names}),
                )?;
            }
            objects.finish()?;
        }
        Command::Show { name } => {
            let Some(format) = format_type(name) else {
                return Err(unknown("format", name, FORMAT_TYPES.iter().map(|format| format.name)));
            };
            print(format, OutputFormat::of_one(global.output))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print(format: &FormatType, output: OutputFormat) -> Result<(), crate::failure::Failure> {
    let attribute = |attribute: &egret_format::registry::AttributeDocumentation| {
        json!({
            "name": attribute.name,
            "type": attribute.value_type,
            "default": attribute.default,
            "description": attribute.description,
        })
    };
    let attributes: Vec<Value> = format.attributes.iter().map(attribute).collect();
    let preset = |preset: &egret_format::registry::Preset| {
        json!({
            "name": format!("format.{}.{}", format.name, preset.name),
            "description": preset.description,
            "layout": preset.layout,
            "fields": preset.format().and_then(|format| format.fields()),
        })
    };
    let presets: Vec<Value> = format.presets.iter().map(preset).collect();
    if output == OutputFormat::Table {
        say(&format!("{}: {}\n", format.name, format.description))?;
        print_all(attributes, output)?;
        print_all(presets, output)?;
        say(&format!("\n{}", format.example))?;
        return Ok(());
    }
    let object = json!({
        "name": format.name,
        "description": format.description,
        "attributes": attributes,
        "presets": presets,
        "example": format.example,
    });
    print_one(object, output)
}
