//! `egret state diff`: what became different from one state to another, as people or programs want to see it.

use std::io::{self, BufWriter, Stdout, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use egret_detect::row_json::JsonRows;
use egret_lake::ReadOptions;
use egret_model::Timestamp;
use egret_model::channel::wildcard_matches;
use egret_state::{
    CHANGE_TABLE, DifferenceLine, LineRole, ObjectDifference, RunFilter, RunRecord, Shape, StateStore,
    compare_states, diff, operations, patch, run_at, tree, unified,
};
use serde_json::{Value, json};

use super::history::{no_state_of, user_time};
use crate::arguments::Global;
use crate::commands::finding::has_table;
use crate::commands::{Outcome, block_on, session};
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, style};
use crate::project::Project;

/// Between which states, and how it is shown.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret state diff people\n  egret state diff aws.iam --from '2 days ago' --format operations\n  egret state diff people --format patch | jq .\n  egret state diff people --each --from T-7d"
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
    /// Each change as it was told at its time, from table `change`, and not what they come to together
    #[arg(long)]
    each: bool,
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
            let Some(between) = Between::find(&*store, &generator, options).await? else { continue };
            if options.each {
                show_each(global, &project, &between, options, &mut page).await?;
            } else {
                show_sum(&project, &*store, &between, options, &mut page).await?;
            }
        }
        Ok(())
    })?;
    page.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Two states of a generator.
struct Between {
    generator: String,
    from: RunRecord,
    to: RunRecord,
}

impl Between {
    /// Those that are meant; `None` if there is only one, which is told.
    async fn find(
        store: &dyn StateStore,
        generator: &str,
        options: &Options,
    ) -> Result<Option<Self>, Failure> {
        let at = async |time| {
            let run = run_at(store, generator, time).await?;
            run.ok_or_else(|| no_state_of(generator, time))
        };
        let to = at(options.to).await?;
        let from = match options.from {
            Some(from) => Some(at(Some(from)).await?),
            None => last_other(store, &to).await?,
        };
        let Some(from) = from else {
            eprintln!("{generator}: there is no other state before the one of {}", to.started_at);
            return Ok(None);
        };
        eprintln!("{generator}: from the state of {} to that of {}", from.started_at, to.started_at);
        Ok(Some(Self { generator: generator.to_owned(), from, to }))
    }
}

/// What a generator's documents are like now.
fn shape_of(project: &Project, generator: &str) -> Shape {
    let configured = project.generators.iter().find(|one| one.name.value == generator);
    configured.map_or_else(Shape::default, |one| one.shape.clone())
}

fn is_wanted(options: &Options, difference: &ObjectDifference) -> bool {
    options.key.as_deref().is_none_or(|key| wildcard_matches(key, &difference.key))
}

/// What became different between the states, whatever was in between.
async fn show_sum(
    project: &Project,
    store: &dyn StateStore,
    Between { generator, from, to }: &Between,
    options: &Options,
    page: &mut Page,
) -> Result<(), Failure> {
    let Some(root) = to.root else { return Ok(()) };
    let shape = shape_of(project, generator);
    let mut shown = Ok(());
    compare_states(store, from.root, root, &shape, |difference| {
        if shown.is_ok() && is_wanted(options, &difference) {
            shown = page.push(generator, &difference);
        }
    })
    .await?;
    shown
}

/// The rows of table `change` after the first state, up to the last, run by run.
async fn show_each(
    global: &Global,
    project: &Project,
    Between { generator, from, to }: &Between,
    options: &Options,
    page: &mut Page,
) -> Result<(), Failure> {
    let lake = project.existing_lake().await?;
    if !has_table(&lake, CHANGE_TABLE).await? {
        return Ok(());
    }
    let schema = project.tables.get(CHANGE_TABLE).map(egret_table::TableDefinition::schema);
    let schema = schema.map_err(|error| Failure::outside(error.to_string()))?;
    let shape = shape_of(project, generator);
    let session = session(global, project)?;
    let read =
        ReadOptions { partitions: vec![format!("{CHANGE_TABLE}.{generator}")], ..ReadOptions::default() };
    lake.register(session.context(), &read).await?;
    let sql = format!(
        "select * from {CHANGE_TABLE} where tp_timestamp > '{}'::timestamp and tp_timestamp <= '{}'::timestamp \
         order by tp_timestamp, run, part, key, path",
        from.started_at, to.started_at
    );
    let mut rows = session.query(&sql).await?;
    let mut of_run: Vec<Value> = Vec::new();
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        let json = JsonRows::new(&batch).with_types(&schema);
        for index in 0..batch.num_rows() {
            let row = serde_json::to_value(json.row(index)).map_err(io::Error::from)?;
            if of_run.last().is_some_and(|last| last["run"] != row["run"]) {
                show_run(generator, &of_run, &shape, options, page)?;
                of_run.clear();
            }
            of_run.push(row);
        }
    }
    show_run(generator, &of_run, &shape, options, page)
}

/// What a run told.
fn show_run(
    generator: &str,
    rows: &[Value],
    shape: &Shape,
    options: &Options,
    page: &mut Page,
) -> Result<(), Failure> {
    let Some(first) = rows.first() else { return Ok(()) };
    let mut differences =
        ObjectDifference::from_rows(rows).map_err(|error| Failure::outside(error.to_string()))?;
    for difference in &mut differences {
        // Rows have no order, and a patch needs one.
        if let (Some(before), Some(after)) = (&difference.before, &difference.after) {
            difference.changes = diff(before, after, shape);
        }
    }
    let wanted: Vec<_> = differences.iter().filter(|difference| is_wanted(options, difference)).collect();
    if !wanted.is_empty() {
        page.begin(first["tp_timestamp"].as_str().unwrap_or_default())?;
    }
    wanted.into_iter().try_for_each(|difference| page.push(generator, difference))
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

    /// What follows was told at this time.
    fn begin(&mut self, time: &str) -> Result<(), Failure> {
        match self {
            Self::Objects(_) => Ok(()),
            Self::Lines { out, .. } => Ok(writeln!(out, "{}", style::on_stdout("1;36", time))?),
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
