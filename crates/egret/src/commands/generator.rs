//! `egret generator`: where states come from.

use std::process::ExitCode;

use clap::Subcommand;
use egret_state::{COMMON_ATTRIBUTES, GeneratorType, generator_types};
use serde_json::json;

use super::{Outcome, attributes_of, unknown};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, print_all, print_one, say};
use crate::project::Project;

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the types of generators, and which are configured
    List,
    /// Show a type with its attributes, what its documents are, and what it must be allowed
    Show {
        /// Its type
        name: String,
    },
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List => list(global),
        Command::Show { name } => {
            let names = generator_types().iter().map(|generator| generator.name);
            let generator = generator_types().iter().find(|generator| generator.name == name);
            let Some(generator) = generator else { return Err(unknown("generator type", name, names)) };
            show(generator, OutputFormat::of_one(global.output))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn list(global: &Global) -> Outcome {
    let project = Project::load_valid(global)?;
    let columns = &["name", "channel", "description", "configured"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    for generator_type in generator_types() {
        let of_type = project.generators.iter().filter(|generator| generator.kind == generator_type.name);
        let names: Vec<&str> = of_type.map(|generator| generator.name.value.as_str()).collect();
        objects.push(json!({
            "name": generator_type.name,
            "channel": generator_type.channel,
            "description": generator_type.description,
            "configured": names,
        }))?;
    }
    objects.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn show(generator: &GeneratorType, format: OutputFormat) -> Result<(), Failure> {
    let attributes = attributes_of(generator.attributes().chain(COMMON_ATTRIBUTES));
    if format == OutputFormat::Table {
        say(&format!("{}: {}\n", generator.name, generator.description))?;
        print_all(attributes, format)?;
        return say(&format!(
            "\n{}\nDocuments, on channel {}\n\n{}\n\nPermissions\n\n{}",
            generator.example, generator.channel, generator.documents, generator.permissions
        ));
    }
    let object = json!({
        "name": generator.name,
        "channel": generator.channel,
        "description": generator.description,
        "key": generator.key,
        "ignore": generator.ignore,
        "attributes": attributes,
        "example": generator.example,
        "documents": generator.documents,
        "permissions": generator.permissions,
    });
    print_one(object, format)
}
