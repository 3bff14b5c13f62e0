//! `egret query`: ask the lake in SQL.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use egret_alert::view;
use egret_lake::{Lake, ReadOptions};
use egret_model::alert::ALERT_TABLE;
use egret_model::finding::finding_schema;
use egret_model::lookup::LOOKUP;
use egret_model::quarantine::quarantine_schema;
use egret_model::time::parse_duration;
use egret_model::{AlertStatus, TableSchema};
use egret_sql::{Session, SqlError};
use egret_state::CHANGE_TABLE;
use egret_store::AlertFilter;

use super::range::ReadArguments;
use super::{Outcome, block_on, session};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::lake_queries::register_empty_tables;
use crate::output::{OutputFormat, RowPrinter, say, style};
use crate::project::Project;

/// SQL of at most so many bytes is read.
const MAX_SQL_BYTES: u64 = 1 << 20;

/// What to ask.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret query \"select event_name, count(*) from aws_cloudtrail_log group by all\"\n  egret query top.sql --from T-1d --output csv\n  echo 'from finding' | egret query -"
)]
pub struct Options {
    /// SQL, a file that ends in .sql, or - for standard input
    sql: String,
    /// Which rows.
    #[command(flatten)]
    read: ReadArguments,
    /// Show how it would run, and how many files it would read
    #[arg(long)]
    explain: bool,
    /// Give up after this time, such as 30s
    #[arg(long, value_name = "DURATION", value_parser = timeout)]
    timeout: Option<Duration>,
    /// Stop after N rows
    #[arg(long, value_name = "N")]
    max_rows: Option<usize>,
}

fn timeout(text: &str) -> Result<Duration, String> {
    parse_duration(text).map(|micros| Duration::from_micros(micros.unsigned_abs()))
}

/// Asks.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let sql = read_sql(&options.sql)?;
    let read = options.read.options()?;
    let project = Project::load(global)?;
    let work = async {
        if names(&sql, LOOKUP) {
            project.load_lookups().await?;
        }
        let session = session(global, &project)?;
        let lake = project.open_lake().await?;
        if let Some(lake) = &lake {
            lake.register(session.context(), &read).await?;
        }
        register_empty_tables(&session, known_tables(&project), lake.as_ref()).await?;
        register_alerts(&session, &project, &sql).await?;
        register_lookups(&session, &project, &sql).await?;
        if options.explain {
            let plan = session.explain(&sql).await.map_err(|error| in_sql(error, &sql))?;
            say(plan.trim_end())?;
            if let Some(lake) = &lake {
                print_file_counts(lake, &sql, &read).await?;
            }
            return Ok(());
        }
        print_rows(&session, &sql, options, OutputFormat::of_many(global.output)).await
    };
    block_on(async {
        match options.timeout {
            None => work.await,
            Some(limit) => tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
                Err(Failure::outside(format!("the query took longer than {limit:?}"))
                    .hint("narrow it with --from, --to or --partition, or raise --timeout"))
            }),
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The tables of the configuration, and Egret's own.
fn known_tables(project: &Project) -> Vec<TableSchema> {
    let configured = project.partitions.iter().map(|partition| partition.table.value.as_str());
    let changes = project.generators.iter().map(|_| CHANGE_TABLE).take(1);
    let schemas =
        configured.chain(changes).filter_map(|table| Some(project.tables.get(table).ok()?.schema()));
    schemas.chain([finding_schema(), quarantine_schema()]).collect()
}

/// The view of alerts. They are read only if the query names it.
async fn register_alerts(session: &Session, project: &Project, sql: &str) -> Result<(), Failure> {
    let store = if names(sql, ALERT_TABLE) { project.open_store().await? } else { None };
    let alerts = match store {
        Some(store) => {
            store
                .alerts(&AlertFilter { statuses: AlertStatus::ALL.to_vec(), ..AlertFilter::default() })
                .await?
        }
        None => Vec::new(),
    };
    let rows = view::alert_rows(&alerts)
        .map_err(|error| Failure::outside(format!("cannot show alerts as rows: {error}")))?;
    session.register_batches(ALERT_TABLE, rows.schema(), vec![rows])?;
    Ok(())
}

/// The view of the entries of lookups. They are read only if the query names it.
async fn register_lookups(session: &Session, project: &Project, sql: &str) -> Result<(), Failure> {
    let lookups = if names(sql, LOOKUP) { project.lookups.as_slice() } else { &[] };
    let rows = view::lookup_rows(&project.lookup_rows(lookups).await?)
        .map_err(|error| Failure::outside(format!("cannot show lookups as rows: {error}")))?;
    session.register_batches(LOOKUP, rows.schema(), vec![rows])?;
    Ok(())
}

/// Whether a query may be about a table.
fn names(sql: &str, table: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    sql.to_lowercase().split(|c| !is_word(c)).any(|word| word == table)
}

/// How many files of each table that the query names --from, --to and --partition leave. The query's own conditions
/// leave out more: the plan shows which files are opened.
async fn print_file_counts(lake: &Lake, sql: &str, read: &ReadOptions) -> Result<(), Failure> {
    for table in lake.tables().await? {
        if names(sql, table.name()) {
            let count = lake.files_matching(table.name(), read).await?;
            say(&format!(
                "{}: {} of {} files, {} of {} bytes",
                table.name(),
                count.matching,
                count.total,
                count.matching_bytes,
                count.total_bytes
            ))?;
        }
    }
    Ok(())
}

async fn print_rows(
    session: &Session,
    sql: &str,
    options: &Options,
    format: OutputFormat,
) -> Result<(), Failure> {
    let mut result = session.query(sql).await.map_err(|error| in_sql(error, sql))?;
    let mut printer = RowPrinter::new(format, result.schema())?;
    let mut left = options.max_rows.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(batch) = result.next().await else { break };
        let batch = batch.map_err(|error| in_sql(error, sql))?;
        printer.print(&batch, left)?;
        left = left.saturating_sub(batch.num_rows());
    }
    printer.finish()?;
    Ok(())
}

fn read_sql(argument: &str) -> Result<String, Failure> {
    let refused = |error: std::io::Error| Failure::usage(format!("cannot read {argument}: {error}"));
    let mut sql = String::new();
    if argument == "-" {
        std::io::stdin().take(MAX_SQL_BYTES).read_to_string(&mut sql).map_err(refused)?;
        return Ok(sql);
    }
    let path = Path::new(argument);
    if path.extension().is_some_and(|extension| extension == "sql") {
        let file = std::fs::File::open(path).map_err(refused)?;
        file.take(MAX_SQL_BYTES).read_to_string(&mut sql).map_err(refused)?;
        return Ok(sql);
    }
    Ok(argument.to_owned())
}

/// A mistake in SQL with the line it is in and a mark below.
fn in_sql(error: SqlError, sql: &str) -> Failure {
    let Some(span) = error.span.clone() else { return error.into() };
    let start = sql[..span.start.min(sql.len())].rfind('\n').map_or(0, |newline| newline + 1);
    let line = sql[start..].lines().next().unwrap_or_default();
    let indent: String =
        sql[start..span.start.min(sql.len())].chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let length =
        sql.get(span).map_or(1, |text| text.lines().next().unwrap_or_default().chars().count().max(1));
    let mark = style::error(&"^".repeat(length));
    Failure::usage(format!("  {line}\n  {indent}{mark}\n\n{}", error.message)).hint_if(error.hint)
}
