//! `egret finding`: findings in the lake.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_lake::{Lake, ReadOptions};
use egret_model::finding::FINDING_TABLE;
use egret_model::{Finding, Severity};

use super::range::ReadArguments;
use super::{Outcome, block_on, session};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, print_one};
use crate::project::Project;

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List findings, the newest first
    List(List),
    /// Show one with its event
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
}

/// Which findings.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  egret finding list --severity high --from yesterday")]
pub struct List {
    /// Which rows.
    #[command(flatten)]
    read: ReadArguments,
    /// Only findings at least this severe
    #[arg(long)]
    severity: Option<Severity>,
    /// Only findings of this detection, `*` for any characters
    #[arg(long)]
    detection: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// Shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List(options) => list(global, options),
        Command::Show { id } => show(global, id),
    }
}

fn list(global: &Global, options: &List) -> Outcome {
    let sql = format!(
        "select * from {FINDING_TABLE} where {} order by tp_timestamp desc, finding_id limit {}",
        condition(options),
        options.limit.saturating_add(1)
    );
    let read_options = options.read.options()?;
    let project = Project::load(global)?;
    let findings = block_on(read(global, &project, &read_options, &sql))?;
    let format = OutputFormat::of_many(global.output);
    let mut objects = Objects::new(format).columns(&["time", "severity", "title", "message", "finding_id"]);
    for finding in findings.iter().take(options.limit) {
        objects.push(finding)?;
    }
    objects.finish()?;
    if findings.len() > options.limit {
        eprintln!("the newest {} findings; --limit shows more", options.limit);
    }
    Ok(ExitCode::SUCCESS)
}

/// What to select in SQL.
fn condition(options: &List) -> String {
    let mut conditions = vec!["true".to_owned()];
    if let Some(least) = options.severity {
        let severe = Severity::ALL.iter().filter(|severity| **severity >= least);
        let literals: Vec<String> = severe.map(|severity| format!("'{severity}'")).collect();
        conditions.push(format!("severity in ({})", literals.join(", ")));
    }
    if let Some(pattern) = &options.detection {
        let like = pattern.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_").replace('*', "%");
        conditions.push(format!("detection_id like '{}'", like.replace('\'', "''")));
    }
    conditions.join(" and ")
}

fn show(global: &Global, id: &str) -> Outcome {
    let project = Project::load(global)?;
    let finding = block_on(find_one(global, &project, id))?;
    print_one(&finding, OutputFormat::of_one(global.output))?;
    Ok(ExitCode::SUCCESS)
}

/// The one finding whose id begins with `id`.
pub(super) async fn find_one(global: &Global, project: &Project, id: &str) -> Result<Finding, Failure> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(format!("`{id}` is no id of a finding"))
            .hint("an id is 32 hexadecimal digits, or the first of them; `egret finding list` shows them"));
    }
    let sql =
        format!("select * from {FINDING_TABLE} where starts_with(finding_id, '{}')", id.to_ascii_lowercase());
    let mut findings = read(global, project, &ReadOptions::default(), &sql).await?;
    match (findings.pop(), findings.len()) {
        (Some(finding), 0) => Ok(finding),
        (None, _) => {
            Err(Failure::usage(format!("there is no finding `{id}`")).hint("`egret finding list` shows them"))
        }
        (_, others) => {
            Err(Failure::usage(format!("{} findings begin with `{id}`", others + 1)).hint("write more of it"))
        }
    }
}

async fn read(
    global: &Global,
    project: &Project,
    options: &ReadOptions,
    sql: &str,
) -> Result<Vec<Finding>, Failure> {
    let lake = project.existing_lake().await?;
    if !has_table(&lake, FINDING_TABLE).await? {
        return Ok(Vec::new());
    }
    let session = session(global, project)?;
    lake.register(session.context(), options).await?;
    let batches = session.query(sql).await?.collect().await?;
    Ok(batches.iter().flat_map(Finding::from_rows).collect())
}

/// Whether the lake has a table; those of findings and quarantine come with the first row.
pub(super) async fn has_table(lake: &Lake, name: &str) -> Result<bool, Failure> {
    Ok(lake.tables().await?.iter().any(|table| table.name() == name))
}
