//! `egret state list` and `egret state show`: runs, and states as they are or were.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use egret_model::channel::wildcard_matches;
use egret_model::time::parse_user_time;
use egret_model::{Clock, SystemClock, Timestamp};
use egret_state::{GeneratorDefinition, RunFilter, RunRecord, StateStore, due_at, read_state, run_at};
use serde::Serialize;
use serde_json::{Value, json};

use crate::arguments::Global;
use crate::commands::{Outcome, block_on};
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat};
use crate::project::Project;

/// Which generators.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  egret state list\n  egret state list people --limit 10")]
pub struct List {
    /// Show the runs of these, the newest first: by name or type, or a pattern of channels [default: each generator with
    /// its last run]
    names: Vec<String>,
    /// At most N runs
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u32,
}

/// Which state.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret state show people\n  egret state show aws.iam --at '2 days ago'\n  egret state show people --key 'a*'"
)]
pub struct Show {
    /// A generator by name or type, or a channel
    name: String,
    /// As it was then: 2024-02-01T10:00:00Z, yesterday, '2 days ago' [default: now]
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    at: Option<Timestamp>,
    /// Only objects with this key, `*` for any characters
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub(super) fn user_time(text: &str) -> Result<Timestamp, String> {
    parse_user_time(text, SystemClock.now())
}

/// Lists generators or runs.
pub fn list(global: &Global, options: &List) -> Outcome {
    let project = Project::load_valid(global)?;
    block_on(async {
        let store = project.open_state_store().await?;
        let format = OutputFormat::of_many(global.output);
        match (&store, options.names.as_slice()) {
            (None, []) => list_generators(&project, None, format).await,
            (Some(store), []) => list_generators(&project, Some(&**store), format).await,
            (None, _) => Err(project.no_state()),
            (Some(store), names) => list_runs(&project, &**store, names, options.limit, format).await,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Each generator with its last run, those too that are not configured any more.
async fn list_generators(
    project: &Project,
    store: Option<&dyn StateStore>,
    format: OutputFormat,
) -> Result<(), Failure> {
    let columns =
        &["generator", "type", "channel", "every_seconds", "outcome", "objects", "last_run", "next_run"];
    let mut objects = Objects::new(format).columns(columns);
    let now = project.clock.now();
    for generator in &project.generators {
        let last = match store {
            Some(store) => last_run(store, &generator.name.value).await?,
            None => None,
        };
        objects.push(summary(generator, last.as_ref(), now))?;
    }
    let configured: BTreeSet<&str> =
        project.generators.iter().map(|generator| generator.name.value.as_str()).collect();
    if let Some(store) = store {
        for name in store.generators().await? {
            if !configured.contains(name.as_str())
                && let Some(last) = last_run(store, &name).await?
            {
                objects.push(gone(&last))?;
            }
        }
    }
    objects.finish()
}

async fn last_run(store: &dyn StateStore, generator: &str) -> Result<Option<RunRecord>, Failure> {
    let filter = RunFilter { generator: Some(generator.to_owned()), limit: Some(1), ..RunFilter::default() };
    Ok(store.runs(&filter).await?.pop())
}

fn summary(generator: &GeneratorDefinition, last: Option<&RunRecord>, now: Timestamp) -> Value {
    let next = due_at(generator, last.map(|run| run.started_at), now);
    json!({
        "generator": generator.name.value,
        "type": generator.kind,
        "channel": generator.channel,
        "every_seconds": generator.every.as_secs(),
        "enabled": generator.enabled,
        "outcome": last.map(|run| run.outcome),
        "objects": last.map(|run| run.objects),
        "last_run": last.map(|run| run.started_at),
        "next_run": generator.enabled.then_some(next),
        "notes": last.map(|run| &run.notes),
    })
}

/// A generator that is not configured any more.
fn gone(last: &RunRecord) -> Value {
    json!({
        "generator": last.generator,
        "type": null,
        "channel": last.channel,
        "every_seconds": null,
        "enabled": false,
        "outcome": last.outcome,
        "objects": last.objects,
        "last_run": last.started_at,
        "next_run": null,
        "notes": last.notes,
    })
}

async fn list_runs(
    project: &Project,
    store: &dyn StateStore,
    names: &[String],
    limit: u32,
    format: OutputFormat,
) -> Result<(), Failure> {
    let mut meant = BTreeSet::new();
    for name in names {
        meant.extend(project.states_named(store, name).await?);
    }
    let columns = &["started_at", "generator", "outcome", "objects", "changes", "seconds", "notes"];
    let mut objects = Objects::new(format).columns(columns);
    for name in meant {
        let filter = RunFilter { generator: Some(name), limit: Some(limit), ..RunFilter::default() };
        for run in store.runs(&filter).await? {
            objects.push(json!({
                "started_at": run.started_at,
                "generator": run.generator,
                "channel": run.channel,
                "run": run.run,
                "outcome": run.outcome,
                "objects": run.objects,
                "changes": run.changes,
                "failed_parts": run.failed_parts,
                "seconds": run.took as f64 / 1e6,
                "notes": run.notes,
            }))?;
        }
    }
    objects.finish()
}

/// An object, and whose it is.
#[derive(Serialize)]
struct Shown<'s> {
    generator: &'s str,
    #[serde(flatten)]
    object: egret_state::StateObject,
}

/// Shows the objects of states.
pub fn show(global: &Global, options: &Show) -> Outcome {
    let project = Project::load_valid(global)?;
    block_on(async {
        let store = project.existing_state_store().await?;
        let names = project.states_named(&*store, &options.name).await?;
        let columns = &["key", "part", "first_seen", "object"];
        let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
        let mut shown = Ok(());
        for generator in &names {
            let run = run_at(&*store, generator, options.at).await?;
            let Some((run, root)) = run.and_then(|run| run.root.map(|root| (run, root))) else {
                return Err(no_state_of(generator, options.at));
            };
            let time = run.started_at;
            eprintln!("{generator}: the state of {time}, {} objects", run.objects);
            read_state(&*store, root, |object| {
                let is_wanted = options.key.as_deref().is_none_or(|key| wildcard_matches(key, &object.key));
                if shown.is_ok() && is_wanted {
                    shown = objects.push(Shown { generator, object });
                }
            })
            .await?;
        }
        shown?;
        objects.finish()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// There is no state of a generator, or there was none.
pub(super) fn no_state_of(generator: &str, at: Option<Timestamp>) -> Failure {
    let hint = format!("`egret state list {generator}` shows its runs");
    match at {
        Some(at) => {
            Failure::usage(format!("there is no state of {generator} from {at} or before")).hint(hint)
        }
        None => Failure::usage(format!("there is no state of {generator} yet")).hint(hint),
    }
}
