//! `egret partition`: partitions, with what the lake holds of them.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_lake::PartitionInfo;
use egret_model::finding::FINDING_TABLE;
use egret_model::quarantine::QUARANTINE_TABLE;
use serde_json::{Value, json};

use super::range::RangeOptions;
use super::{Outcome, block_on, unknown};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_all, print_one};
use crate::project::Project;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List partitions: the configuration's, and those that only the lake has
    List,
    /// Show one
    Show {
        /// As TABLE.NAME
        partition: String,
    },
    /// Delete rows and findings of a partition. Without a range all, and it is collected anew
    Delete(Delete),
}

/// What to delete.
#[derive(Debug, Args)]
pub struct Delete {
    /// As TABLE.NAME
    partition: String,
    /// The range of event time.
    #[command(flatten)]
    range: RangeOptions,
    /// Do it: without this it is only said what would be deleted from
    #[arg(long)]
    force: bool,
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let project = Project::load(global)?;
    let infos = block_on(async {
        match project.open_lake().await? {
            Some(lake) => Ok(lake.partitions().await?),
            None => Ok(Vec::new()),
        }
    })?;
    let partitions = partitions(&project, &infos);
    match command {
        Command::List => {
            let partitions = partitions.into_iter().map(|(_, partition)| partition);
            print_all(partitions, OutputFormat::of_many(global.output))?;
        }
        Command::Show { partition } => {
            let (_, found) = find(&partitions, partition)?;
            print_one(found, OutputFormat::of_one(global.output))?;
        }
        Command::Delete(options) => {
            delete(&project, options, &partitions, OutputFormat::of_one(global.output))?
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Every partition with its path, configured or not.
fn partitions(project: &Project, infos: &[PartitionInfo]) -> Vec<(String, Value)> {
    let mut partitions = Vec::new();
    for partition in &project.partitions {
        let is_own = |info: &&PartitionInfo| {
            info.table == partition.table.value && info.partition == partition.name.value
        };
        let source = Some((partition.source.kind(), partition.source.name()));
        let describe =
            describe(&partition.table.value, &partition.name.value, infos.iter().find(is_own), source);
        partitions.push((partition.path(), describe));
    }
    for info in infos.iter().filter(|info| info.table != FINDING_TABLE && info.table != QUARANTINE_TABLE) {
        let path = format!("{}.{}", info.table, info.partition);
        if !partitions.iter().any(|(known, _)| *known == path) {
            partitions.push((path, describe(&info.table, &info.partition, Some(info), None)));
        }
    }
    partitions
}

fn describe(table: &str, name: &str, info: Option<&PartitionInfo>, source: Option<(&str, String)>) -> Value {
    let time = |time: Option<egret_model::Timestamp>| time.map(|time| time.to_string());
    json!({
        "table": table,
        "partition": name,
        "source": source.as_ref().map(|(kind, _)| kind),
        "source_name": source.as_ref().map(|(_, name)| name),
        "rows": info.map_or(0, |info| info.rows),
        "files": info.map_or(0, |info| info.files),
        "bytes": info.map_or(0, |info| info.bytes),
        "first": time(info.and_then(|info| info.first)),
        "last": time(info.and_then(|info| info.last)),
    })
}

fn find<'p>(partitions: &'p [(String, Value)], path: &str) -> Result<&'p (String, Value), Failure> {
    partitions
        .iter()
        .find(|(known, _)| known == path)
        .ok_or_else(|| unknown("partition", path, partitions.iter().map(|(known, _)| known.as_str())))
}

fn delete(
    project: &Project,
    options: &Delete,
    partitions: &[(String, Value)],
    format: OutputFormat,
) -> Result<(), Failure> {
    let (path, partition) = find(partitions, &options.partition)?;
    let Some((table, name)) = path.split_once('.') else { return Ok(()) };
    if !options.force {
        return Err(Failure::usage(format!("{path} has {} rows; nothing was deleted", partition["rows"]))
            .hint("add --force to delete them"));
    }
    let outcome = block_on(async {
        let lake = project.existing_lake().await?;
        // Held until the rows are gone.
        let Some(_lock) = lake.lock_partition(path)? else {
            return Err(
                Failure::outside(format!("{path} is being collected")).hint("try again when it is done")
            );
        };
        Ok(lake.delete_rows(table, name, &options.range.range()?).await?)
    })?;
    let object = json!({
        "table": table,
        "partition": name,
        "rows": outcome.rows,
        "findings": outcome.findings,
        "snapshot": outcome.snapshot,
    });
    print_one(object, format)
}
