//! `egret lookup`: what detections share, and changing it by hand.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_alert::LookupDefinition;
use egret_model::lookup::{LOOKUP, MAX_ENTRIES, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use egret_store::{AuditEntry, LookupEntry};
use serde_json::{Value, json};

use super::alert::who;
use super::{Outcome, block_on};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, print_all, print_one};
use crate::project::Project;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the lookups of the configuration, with how much they hold
    List,
    /// Show the entries of one
    Show {
        /// Its name
        name: String,
    },
    /// Write an entry, whatever is there
    #[command(after_help = "Example:\n  egret lookup set known_admins ada 'head of IT'")]
    Set(Set),
    /// Remove an entry that was remembered
    Forget(Forget),
}

/// What to write.
#[derive(Debug, Args)]
pub struct Set {
    /// The lookup
    name: String,
    /// What is looked up
    key: String,
    /// What is known about it
    value: String,
    /// Who you are [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// What to remove.
#[derive(Debug, Args)]
pub struct Forget {
    /// The lookup
    name: String,
    /// What is looked up
    key: String,
    /// Who you are [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let project = Project::load_valid(global)?;
    match command {
        Command::List => list(global, &project),
        Command::Show { name } => show(global, &project, name),
        Command::Set(options) => set(global, &project, options),
        Command::Forget(options) => forget(&project, options),
    }
}

fn list(global: &Global, project: &Project) -> Outcome {
    let rows = block_on(project.lookup_rows(&project.lookups))?;
    let summary = |lookup: &LookupDefinition| -> Value {
        let count = |source: &str| {
            rows.iter().filter(|row| row.name == lookup.name.value && row.source == source).count()
        };
        json!({
            "name": lookup.name.value,
            "configured": count("configuration"),
            "remembered": count("remembered"),
            "keep_days": lookup.keep.map(|keep| keep.as_secs_f64() / 86_400.0),
        })
    };
    print_all(project.lookups.iter().map(summary), OutputFormat::of_many(global.output))?;
    Ok(ExitCode::SUCCESS)
}

fn show(global: &Global, project: &Project, name: &str) -> Outcome {
    let lookup = project.lookup_named(name)?;
    let rows = block_on(project.lookup_rows(std::slice::from_ref(lookup)))?;
    let columns = &["key", "value", "at", "source"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    rows.iter().try_for_each(|row| objects.push(row))?;
    objects.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn set(global: &Global, project: &Project, options: &Set) -> Outcome {
    let lookup = project.lookup_named(&options.name)?;
    refuse_configured(lookup, &options.key)?;
    for (what, text, most) in
        [("key", &options.key, MAX_KEY_BYTES), ("value", &options.value, MAX_VALUE_BYTES)]
    {
        if text.len() > most {
            let found = text.len();
            return Err(Failure::usage(format!("the {what} has {found} bytes, and may have {most}")));
        }
    }
    let at = project.clock.now();
    let entry = LookupEntry { key: options.key.clone(), value: options.value.clone(), at };
    block_on(async {
        let mut change = project.create_store().await?.change().await?;
        // Whoever says it now is right, even if an event claims to be of tomorrow.
        change.remove_from_lookup(&options.name, &options.key).await?;
        let refused = change.put_lookup(&options.name, std::slice::from_ref(&entry), MAX_ENTRIES).await?;
        if refused > 0 {
            return Err(Failure::usage(format!("`{}` has {MAX_ENTRIES} entries already", options.name))
                .hint("give it a shorter `keep`, or forget some"));
        }
        let detail = format!("{} = {}", options.key, options.value);
        change.audit(&[audited(project, &options.name, options.by.as_deref(), "set", detail)]).await?;
        Ok(change.commit().await?)
    })?;
    print_one(&entry, OutputFormat::of_one(global.output))?;
    Ok(ExitCode::SUCCESS)
}

fn forget(project: &Project, options: &Forget) -> Outcome {
    let lookup = project.lookup_named(&options.name)?;
    refuse_configured(lookup, &options.key)?;
    let was_there = block_on(async {
        let Some(store) = project.open_store().await? else { return Ok(false) };
        let mut change = store.change().await?;
        let was_there = change.remove_from_lookup(&options.name, &options.key).await?;
        if was_there {
            let by = options.by.as_deref();
            change.audit(&[audited(project, &options.name, by, "forgotten", options.key.clone())]).await?;
            change.commit().await?;
        }
        Ok(was_there)
    })?;
    if !was_there {
        return Err(Failure::usage(format!("`{}` does not remember `{}`", options.name, options.key))
            .hint(format!("`egret lookup show {}` shows what it does", options.name)));
    }
    Ok(ExitCode::SUCCESS)
}

/// What the configuration says is changed there.
fn refuse_configured(lookup: &LookupDefinition, key: &str) -> Result<(), Failure> {
    if !lookup.values.contains_key(key) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{key}` is an entry of the configuration, which always wins"))
        .hint(format!("change it in the block at {}", lookup.name.location)))
}

fn audited(project: &Project, name: &str, by: Option<&str>, action: &str, detail: String) -> AuditEntry {
    AuditEntry {
        at: project.clock.now(),
        by: who(by),
        subject: format!("{LOOKUP}:{name}"),
        action: action.to_owned(),
        detail,
    }
}
