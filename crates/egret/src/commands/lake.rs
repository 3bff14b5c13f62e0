//! `egret lake`: its size, compaction, and how to attach DuckDB.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_alert::Intake;
use egret_lake::{CompactOptions, LakeInfo};
use serde_json::json;

use super::{Outcome, block_on};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_all, print_one, say};
use crate::project::Project;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show tables, rows, files and bytes
    Info,
    /// Merge small files, expire old snapshots, delete what nothing needs
    Compact(Compact),
    /// Print the path of a script that opens the lake in DuckDB
    #[command(after_help = "Example:\n  duckdb -init \"$(egret lake connect)\"")]
    Connect,
}

/// How to compact.
#[derive(Debug, Args)]
pub struct Compact {
    /// Delete superseded files at once, also those that a query that runs now may read: then plain globs over
    /// the folder agree with the catalog
    #[arg(long)]
    now: bool,
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let project = Project::load(global)?;
    let format = OutputFormat::of_one(global.output);
    match command {
        Command::Info => {
            let info = block_on(async { Ok(project.existing_lake().await?.info().await?) })?;
            print_info(&info, format)?;
        }
        Command::Compact(options) => {
            let outcome = block_on(async {
                let lake = project.existing_lake().await?;
                let follower = match project.open_store().await? {
                    Some(store) => Some(Intake::follower(&store, &lake).await?),
                    None => None,
                };
                let compact = CompactOptions { now: options.now, follower, ..CompactOptions::default() };
                Ok(lake.compact(&compact).await?)
            })?;
            let object = json!({
                "merged_files": outcome.merged,
                "written_files": outcome.written,
                "skipped": outcome.skipped,
                "expired_snapshots": outcome.expired,
                "deleted_files": outcome.deleted,
                "orphans": outcome.orphans,
                "freed_bytes": outcome.freed_bytes,
            });
            print_one(object, format)?;
        }
        Command::Connect => {
            let path = block_on(async { Ok(project.existing_lake().await?.connect().await?) })?;
            match global.output {
                Some(format) => print_one(json!({"init_script_path": path}), format)?,
                None => say(&format!("{}", path.display()))?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_info(info: &LakeInfo, format: OutputFormat) -> Result<(), Failure> {
    let tables = info.tables.iter().map(|table| {
        json!({
            "name": table.name,
            "columns": table.columns,
            "partitions": table.partitions,
            "rows": table.rows,
            "files": table.files,
            "bytes": table.bytes,
        })
    });
    if format == OutputFormat::Table {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        say(&format!(
            "{}: snapshot {}, {} rows in {} files, {:.1} MB, catalog {:.1} MB\n",
            info.folder.display(),
            info.snapshot,
            info.rows,
            info.files,
            megabytes(info.bytes),
            megabytes(info.catalog_bytes)
        ))?;
        return print_all(tables, format);
    }
    let object = json!({
        "folder": info.folder,
        "snapshot": info.snapshot,
        "snapshots": info.snapshots,
        "rows": info.rows,
        "files": info.files,
        "bytes": info.bytes,
        "catalog_bytes": info.catalog_bytes,
        "tables": tables.collect::<Vec<_>>(),
    });
    print_one(object, format)
}
