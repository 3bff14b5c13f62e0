//! `egret state diff`: what became different from one state to another, as people or programs want to see it.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use egret_model::Timestamp;
use egret_model::channel::wildcard_matches;
use egret_state::{
    DifferenceLine, LineRole, ObjectDifference, RunFilter, RunRecord, Shape, StateStore, compare_states,
    operations, patch, run_at, tree, unified,
};
use serde_json::json;

use super::history::{no_state_of, user_time};
use crate::arguments::Global;
use crate::commands::{Outcome, block_on};
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, style};
use crate::project::Project;

/// Between which states, and how it is shown.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret state diff people\n  egret state diff aws.iam --from '2 days ago' --format operations\n  egret state diff people --format patch | jq ."
)]
pub struct Options {
    /// A generator by name or type, or a channel
    name: String,
    /// From the state of then [default: the last one that was another]
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    from: Option<Timestamp>,
    /// To the state of then [default: now]
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    to: Option<Timestamp>,
    /// Only objects with this key, `*` for any characters
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// How it is shown; with --output it is objects with before, after and patch
    #[arg(long, value_enum, default_value_t = Form::Unified)]
    format: Form,
}

/// How differences are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// As `diff -u` shows files.
    Unified,
    /// A line for each change.
    Operations,
    /// What changed within what it is part of.
    Tree,
    /// A JSON Patch (RFC 6902) for each object, one a line.
    Patch,
}

/// Shows what became different.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let project = Project::load_valid(global)?;
    let mut page = Page::new(global.output, options.format);
    block_on(async {
        let store = project.existing_state_store().await?;
        for generator in project.states_named(&*store, &options.name).await? {
            show(&project, &*store, &generator, options, &mut page).await?;
        }
        Ok(())
    })?;
    page.finish()?;
    Ok(ExitCode::SUCCESS)
}

async fn show(
    project: &Project,
    store: &dyn StateStore,
    generator: &str,
    options: &Options,
    page: &mut Page,
) -> Result<(), Failure> {
    let to = run_at(store, generator, options.to).await?;
    let to = to.ok_or_else(|| no_state_of(generator, options.to))?;
    let from = match options.from {
        Some(from) => Some(
            run_at(store, generator, Some(from)).await?.ok_or_else(|| no_state_of(generator, Some(from)))?,
        ),
        None => last_other(store, &to).await?,
    };
    let (Some(from), Some(root)) = (from, to.root) else {
        eprintln!("{generator}: there is no other state before the one of {}", to.started_at);
        return Ok(());
    };
    eprintln!("{generator}: from the state of {} to that of {}", from.started_at, to.started_at);
    let configured = project.generators.iter().find(|one| one.name.value == generator);
    let shape = configured.map_or_else(Shape::default, |one| one.shape.clone());
    let mut shown = Ok(());
    compare_states(store, from.root, root, &shape, |difference| {
        let is_wanted = options.key.as_deref().is_none_or(|key| wildcard_matches(key, &difference.key));
        if shown.is_ok() && is_wanted {
            shown = page.push(generator, &difference);
        }
    })
    .await?;
    shown
}

/// The newest run before this one that left another state.
async fn last_other(store: &dyn StateStore, to: &RunRecord) -> Result<Option<RunRecord>, Failure> {
    let mut until = to.started_at;
    loop {
        let filter = RunFilter {
            generator: Some(to.generator.clone()),
            until: Some(until),
            with_state: true,
            limit: Some(100),
            ..RunFilter::default()
        };
        let runs = store.runs(&filter).await?;
        let Some(oldest) = runs.last().map(|run| run.started_at) else { return Ok(None) };
        if let Some(other) = runs.into_iter().find(|run| run.root != to.root) {
            return Ok(Some(other));
        }
        if oldest >= until {
            return Ok(None);
        }
        until = oldest;
    }
}

/// Where differences are printed: as lines, or as objects.
enum Page {
    Lines { out: BufWriter<Stdout>, form: Form },
    Objects(Objects),
}

impl Page {
    fn new(asked: Option<OutputFormat>, form: Form) -> Self {
        match asked.filter(|format| *format != OutputFormat::Table) {
            None if form == Form::Patch => Self::Objects(Objects::new(OutputFormat::Ndjson)),
            None => Self::Lines { out: BufWriter::new(io::stdout()), form },
            Some(format) => Self::Objects(Objects::new(format)),
        }
    }

    fn push(&mut self, generator: &str, difference: &ObjectDifference) -> Result<(), Failure> {
        match self {
            Self::Objects(objects) => objects.push(json!({
                "generator": generator,
                "key": difference.key,
                "part": difference.part,
                "before": difference.before,
                "after": difference.after,
                "patch": patch(&difference.changes),
            })),
            Self::Lines { out, form } => {
                let lines = match form {
                    Form::Unified | Form::Patch => unified(difference),
                    Form::Operations => operations(difference),
                    Form::Tree => tree(difference),
                };
                lines.iter().try_for_each(|line| writeln!(out, "{}", painted(line)))?;
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        match self {
            Self::Objects(objects) => objects.finish(),
            Self::Lines { mut out, .. } => Ok(out.flush()?),
        }
    }
}

/// A line in the colour of what it shows.
fn painted(line: &DifferenceLine) -> String {
    let code = match line.role {
        LineRole::Added => "32",
        LineRole::Removed => "31",
        LineRole::Changed => "33",
        LineRole::Moved => "36",
        LineRole::Heading => "1",
        LineRole::Context => return line.text.clone(),
    };
    style::on_stdout(code, &line.text)
}
