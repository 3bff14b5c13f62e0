//! The commands, one module each.

pub mod alert;
pub mod collect;
pub mod completion;
pub mod config;
pub mod finding;
pub mod format;
pub mod generator;
pub mod hunt;
pub mod init;
pub mod lake;
pub mod lookup;
mod metrics;
pub mod output;
pub mod partition;
pub mod quarantine;
pub mod query;
mod range;
pub mod route;
pub mod rule;
pub mod scan;
pub mod source;
pub mod state;
pub mod table;
pub mod test;

use std::future::Future;
use std::process::ExitCode;

use egret_config::AttributeDocumentation;
use serde_json::{Value, json};
use std::sync::Arc;

use crate::arguments::{Arguments, Command, Global};
use crate::failure::Failure;
use crate::output::style;
use crate::project::Project;

/// A hint names at most so many of what there is.
const MAX_NAMES_SHOWN: usize = 20;

/// What a command gives.
pub type Outcome = Result<ExitCode, Failure>;

/// Runs the command.
pub fn run(arguments: Arguments) -> Outcome {
    let global = &arguments.global;
    style::choose(global.color);
    match arguments.command {
        Command::Init(options) => init::run(&options),
        Command::Config(command) => config::run(global, &command),
        Command::Collect(options) => collect::run(global, &options),
        Command::Scan(options) => scan::run(global, &options),
        Command::Query(options) => query::run(global, &options),
        Command::Hunt(options) => hunt::run(global, &options),
        Command::Test(options) => test::run(global, &options),
        Command::Finding(command) => finding::run(global, &command),
        Command::Alert(command) => alert::run(global, &command),
        Command::Route(command) => route::run(global, &command),
        Command::Output(command) => output::run(global, &command),
        Command::State(command) => state::run(global, &command),
        Command::Generator(command) => generator::run(global, &command),
        Command::Table(command) => table::run(global, &command),
        Command::Source(command) => source::run(global, &command),
        Command::Rule(command) => rule::run(global, &command),
        Command::Format(command) => format::run(global, &command),
        Command::Partition(command) => partition::run(global, &command),
        Command::Quarantine(command) => quarantine::run(global, &command),
        Command::Lake(command) => lake::run(global, &command),
        Command::Lookup(command) => lookup::run(global, &command),
        Command::Completion(options) => completion::run(&options),
    }
}

/// Threads for work that waits, such as the lake's catalog; work that computes has threads of its own.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(threads).enable_all();
    builder.build().map_err(|error| Failure::outside(format!("cannot start threads: {error}")))
}

/// Runs `work` to its end; Ctrl-C ends it early.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    runtime()?.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
        }
    })
}

/// The error for a name that does not exist, with the nearest one that does.
pub fn unknown<'n>(what: &str, name: &str, names: impl IntoIterator<Item = &'n str> + Clone) -> Failure {
    let hint = match egret_model::suggest::nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let mut all: Vec<&str> = names.into_iter().collect();
            let more = all.len().saturating_sub(MAX_NAMES_SHOWN);
            all.truncate(MAX_NAMES_SHOWN);
            let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("there are {}{rest}", all.join(", "))
        }
    };
    Failure::usage(format!("there is no {what} `{name}`")).hint(hint)
}

/// What can be configured, as objects to show.
fn attributes_of<'a>(attributes: impl IntoIterator<Item = &'a AttributeDocumentation>) -> Vec<Value> {
    let described = |attribute: &AttributeDocumentation| {
        json!({
            "name": attribute.name,
            "type": attribute.value,
            "required": attribute.required,
            "description": attribute.description,
        })
    };
    attributes.into_iter().map(described).collect()
}

/// Where queries run.
fn session(global: &Global, project: &Project) -> Result<egret_sql::Session, Failure> {
    Ok(egret_sql::Session::new(session_options(global, project))?)
}

/// What a query may use.
fn session_options(global: &Global, project: &Project) -> egret_sql::SessionOptions {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    egret_sql::SessionOptions {
        memory_bytes: usize::try_from(global.memory).unwrap_or(usize::MAX),
        threads,
        spill_dir: None,
        clock: Arc::clone(&project.clock),
        lookups: Arc::clone(&project.lookup_entries),
    }
}
