//! `egret quarantine`: records that could not be parsed or mapped.

use std::process::ExitCode;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use clap::{Args, Subcommand};
use egret_model::finding::text_at;
use egret_model::quarantine::QUARANTINE_TABLE;
use serde_json::{Value, json};

use super::finding::has_table;
use super::range::ReadArguments;
use super::{Outcome, block_on, session};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, print_one};
use crate::project::Project;

/// What to show.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the records with the reasons
    List(List),
    /// Show one with its text
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
}

/// Which records.
#[derive(Debug, Args)]
pub struct List {
    /// Which rows, by when they were read.
    #[command(flatten)]
    read: ReadArguments,
    /// At most N
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// Shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List(options) => {
            let sql = format!(
                "select * from {QUARANTINE_TABLE} order by tp_source_location, record_offset limit {}",
                options.limit
            );
            let format = OutputFormat::of_many(global.output);
            let columns = &["stage", "reason", "location", "offset", "raw", "quarantine_id"];
            let mut objects = Objects::new(format).columns(columns);
            for batch in read(global, Some(&options.read), &sql)? {
                for row in 0..batch.num_rows() {
                    objects.push(record(&batch, row, 120))?;
                }
            }
            objects.finish()?;
        }
        Command::Show { id } => {
            if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(Failure::usage(format!("`{id}` is no id of a record"))
                    .hint("`egret quarantine list` shows them"));
            }
            let id = id.to_ascii_lowercase();
            let sql = format!("select * from {QUARANTINE_TABLE} where starts_with(quarantine_id, '{id}')");
            let batches = read(global, None, &sql)?;
            let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else {
                return Err(Failure::usage(format!("there is no record `{id}`"))
                    .hint("`egret quarantine list` shows them"));
            };
            print_one(record(batch, 0, usize::MAX), OutputFormat::of_one(global.output))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(global: &Global, arguments: Option<&ReadArguments>, sql: &str) -> Result<Vec<RecordBatch>, Failure> {
    let options = arguments.map(ReadArguments::options).transpose()?.unwrap_or_default();
    let project = Project::load(global)?;
    block_on(async {
        let lake = project.existing_lake().await?;
        if !has_table(&lake, QUARANTINE_TABLE).await? {
            return Ok(Vec::new());
        }
        let session = session(global, &project)?;
        lake.register(session.context(), &options).await?;
        Ok(session.query(sql).await?.collect().await?)
    })
}

/// A record as an object, with at most `limit` characters of its text.
fn record(batch: &RecordBatch, row: usize, limit: usize) -> Value {
    let number = |name: &str| {
        let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
        column.map(|column| column.value(row))
    };
    let raw = raw_text(batch, row).map(|text| text.chars().take(limit).collect::<String>());
    json!({
        "quarantine_id": text_at(batch, "quarantine_id", row),
        "stage": text_at(batch, "stage", row),
        "reason": text_at(batch, "reason", row),
        "table": text_at(batch, "tp_table", row),
        "partition": text_at(batch, "tp_partition", row),
        "location": text_at(batch, "tp_source_location", row),
        "offset": number("record_offset"),
        "length": number("record_length"),
        "raw": raw,
    })
}

fn raw_text(batch: &RecordBatch, row: usize) -> Option<String> {
    let column = batch.column_by_name("raw").filter(|column| column.is_valid(row))?;
    let bytes = match column.data_type() {
        DataType::BinaryView => column.as_binary_view().value(row),
        DataType::Binary => column.as_binary::<i32>().value(row),
        _ => return None,
    };
    Some(String::from_utf8_lossy(bytes).into_owned())
}
