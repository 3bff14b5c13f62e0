//! `egret rule`: the rules that are loaded, those that do not run, and why.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_alert::set_stage;
use egret_config::{Diagnostics, Location};
use egret_detect::library::{UnusedReason, UnusedRule, is_sigma_file};
use egret_detect::sigma::{Rejection, ShownCondition};
use egret_detect::{DetectionDefinition, Detector, Rule, Target, builtin};
use egret_model::Timestamp;
use egret_store::{Stage, StagedDetection};
use serde_json::{Value, json};

use super::alert::who;
use super::{Outcome, block_on, unknown};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, print_one, style};
use crate::project::Project;

/// What to show or check.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List rules: those of the configuration, else the built-in ones, or those in files and folders
    List(Paths),
    /// Show one with what it looks for in each table
    Show {
        /// Its id, or its title; `*` for any characters
        rule: String,
        /// Where to look for it.
        #[command(flatten)]
        paths: Paths,
    },
    /// Read and compile rules, and say what is wrong with them
    Check(Paths),
    /// Stage detections: they find, and tell nobody until they are promoted
    Stage(Stages),
    /// Promote staged detections: their findings become alerts from now on
    Promote(Stages),
}

/// Which detections.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  egret rule promote 'aws_*'")]
pub struct Stages {
    /// Their ids or titles; `*` for any characters
    #[arg(required = true, value_name = "RULE")]
    rules: Vec<String>,
    /// Who you are [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Where rules are.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret rule list rules/ --output table\n  egret rule check rules/windows"
)]
pub struct Paths {
    /// Files or folders with rules [default: those of the configuration, else the built-in ones]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Shows or checks.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List(paths) => list(&load_good(global, paths)?, OutputFormat::of_many(global.output)),
        Command::Show { rule, paths } => {
            show(&load_good(global, paths)?, rule, OutputFormat::of_one(global.output))
        }
        Command::Check(paths) => check(&load(global, paths)?),
        Command::Stage(stages) => set_stages(global, stages, Stage::Staged),
        Command::Promote(stages) => set_stages(global, stages, Stage::Live),
    }
}

fn set_stages(global: &Global, options: &Stages, stage: Stage) -> Outcome {
    let project = load_good(global, &Paths { paths: Vec::new() })?;
    let by = who(options.by.as_deref());
    let mut meant: Vec<&DetectionDefinition> = Vec::new();
    for rule in &options.rules {
        let before = meant.len();
        meant.extend(project.detections.iter().filter(|detection| detection.is_called(rule)));
        if meant.len() == before {
            let ids = project.detections.iter().map(|detection| detection.id.value.as_str());
            return Err(unknown("rule", rule, ids));
        }
    }
    block_on(async {
        let store = project.create_store().await?;
        let now = project.clock.now();
        for detection in &meant {
            set_stage(&store, &detection.id.value, &detection.version(), stage, &by, now).await?;
        }
        Ok(())
    })?;
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(&["id", "title", "stage"]);
    for detection in meant {
        objects.push(json!({"id": detection.id.value, "title": detection.title, "stage": stage}))?;
    }
    objects.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// As [`load`], if nothing is wrong with how the configuration is written.
fn load_good(global: &Global, paths: &Paths) -> Result<Project, Failure> {
    let project = load(global, paths)?;
    if project.mistakes().has_errors() {
        return Err(Failure::configuration(project.mistakes()));
    }
    Ok(project)
}

fn load(global: &Global, Paths { paths }: &Paths) -> Result<Project, Failure> {
    if !paths.is_empty() {
        return Project::of_files(paths);
    }
    let mut project = Project::load(global)?;
    if project.detections.is_empty() && project.unused_rules.is_empty() {
        project.detections = builtin::definitions(&mut Diagnostics::new());
    }
    Ok(project)
}

fn list(project: &Project, format: OutputFormat) -> Outcome {
    let stages = block_on(async {
        match project.open_store().await? {
            Some(store) => Ok(store.stages().await?),
            None => Ok(Vec::new()),
        }
    })?;
    let columns: &[&str] = if stages.is_empty() {
        &["id", "title", "severity", "language", "from", "state", "reason"]
    } else {
        &["id", "title", "severity", "from", "state", "stage", "stage_left", "stage_findings"]
    };
    let mut objects = Objects::new(format).columns(columns);
    for detection in &project.detections {
        let mut object = summary(detection);
        add_stage(&mut object, detection, &stages, project.clock.now());
        objects.push(object)?;
    }
    for unused in &project.unused_rules {
        objects.push(summary_of_unused(unused))?;
    }
    objects.finish()?;
    eprintln!("{}", counts(project));
    Ok(ExitCode::SUCCESS)
}

/// The stage of a detection's present version, how long it is staged still, and what it found meanwhile.
fn add_stage(
    object: &mut Value,
    detection: &DetectionDefinition,
    stages: &[StagedDetection],
    now: Timestamp,
) {
    let of_id = |staged: &&StagedDetection| staged.detection_id == detection.id.value;
    if !stages.iter().any(|staged| of_id(&staged)) {
        return;
    }
    let version = detection.version();
    let staged = stages.iter().filter(of_id).find(|staged| staged.version == version);
    // A version that was not noticed yet will be when findings are read the next time.
    let Some(staged) = staged else { return };
    object["stage"] = json!(staged.stage);
    if staged.stage == Stage::Staged {
        let left = staged.until.micros().saturating_sub(now.micros());
        let is_by_hand = staged.until.to_datetime().is_none();
        object["stage_until"] = if is_by_hand { Value::Null } else { json!(staged.until) };
        object["stage_left"] = json!(if is_by_hand { "until promoted".to_owned() } else { readable(left) });
        object["stage_findings"] = json!(staged.findings);
    }
}

/// A time in hours and minutes.
fn readable(micros: i64) -> String {
    let minutes = (micros / 60_000_000).max(0);
    format!("{}h{:02}m", minutes / 60, minutes % 60)
}

fn summary(detection: &DetectionDefinition) -> Value {
    json!({
        "id": detection.id.value,
        "title": detection.title,
        "severity": detection.severity,
        "language": detection.rule.language(),
        "target": target(&detection.target.value),
        "tags": detection.tags,
        "state": if detection.enabled { "enabled" } else { "disabled" },
        "reason": null,
        "from": from(&detection.id.location),
        "location": place(&detection.id.location),
    })
}

fn summary_of_unused(unused: &UnusedRule) -> Value {
    json!({
        "id": unused.id,
        "title": unused.title,
        "severity": unused.severity,
        "language": if is_sigma_file(&unused.location.file.path) { "sigma" } else { "sql" },
        "target": null,
        "tags": [],
        "state": "unused",
        "reason": unused.reason.to_string(),
        "from": from(&unused.location),
        "location": place(&unused.location),
    })
}

fn target(target: &Target) -> String {
    match target {
        Target::Table(table) => table.clone(),
        Target::Channel(pattern) => format!("channel {pattern}"),
        Target::OnChannel { table, pattern } => format!("{} on channel {pattern}", table.value),
        Target::LogSource(tables) => tables.join(", "),
    }
}

/// The file that a rule comes from, or that it is a built-in one.
fn from(location: &Location) -> String {
    match builtin::is_built_in_file(&location.file.path) {
        true => "built-in".to_owned(),
        false => location.file.path.display().to_string(),
    }
}

fn place(location: &Location) -> String {
    location.to_string()
}

fn show(project: &Project, rule: &str, format: OutputFormat) -> Outcome {
    let is_meant = |detection: &&DetectionDefinition| detection.is_called(rule);
    let Some(detection) = project.detections.iter().find(is_meant) else {
        if let Some(unused) = project.unused_rules.iter().find(|unused| unused.id.as_deref() == Some(rule)) {
            return Err(Failure::usage(format!("the rule `{rule}` does not run: {}", unused.reason)));
        }
        let ids = project.detections.iter().map(|detection| detection.id.value.as_str());
        return Err(unknown("rule", rule, ids));
    };
    let mut object = summary(detection);
    object["description"] = json!(detection.description);
    object["references"] = json!(detection.references);
    object["falsepositives"] = json!(detection.falsepositives);
    object["version"] = json!(detection.version());
    object["looks_for"] = match &detection.rule {
        Rule::Sql(condition) => json!(condition.value.trim()),
        Rule::Fields(rule) => {
            let conditions = rule.conditions.iter();
            Value::Object(
                conditions
                    .map(|(table, condition)| (table.clone(), json!(ShownCondition(condition).to_string())))
                    .collect(),
            )
        }
    };
    print_one(object, format)?;
    Ok(ExitCode::SUCCESS)
}

fn check(project: &Project) -> Outcome {
    let (_, mut diagnostics) = project.check();
    let is_made_of_tests = |detection: &&DetectionDefinition| matches!(detection.rule, Rule::Fields(_));
    let rules: Vec<DetectionDefinition> =
        project.detections.iter().filter(is_made_of_tests).cloned().collect();
    for table in project.tables.iter() {
        let (schema, channel) = (table.schema(), table.channel());
        diagnostics.extend(Detector::compile_valid(&rules, &schema, &channel, &project.compiler).1);
    }
    for unused in &project.unused_rules {
        diagnostics.extend(unused.diagnostics());
    }
    if diagnostics.has_errors() {
        eprintln!("{}\n", counts(project));
        return Err(Failure::configuration(&diagnostics));
    }
    eprint!("{}", diagnostics.render(style::stderr_has_colour()));
    eprintln!("{}", counts(project));
    Ok(ExitCode::SUCCESS)
}

/// How many rules run, and why others do not.
pub fn counts(project: &Project) -> String {
    let enabled = project.detections.iter().filter(|detection| detection.enabled).count();
    let unused =
        |is: fn(&UnusedReason) -> bool| project.unused_rules.iter().filter(|rule| is(&rule.reason)).count();
    let others = [
        (project.detections.len() - enabled, "disabled"),
        (
            unused(|reason| matches!(reason, UnusedReason::NoTable(_))),
            "without a table that has their log source",
        ),
        (
            unused(|reason| matches!(reason, UnusedReason::Rejected(Rejection::MissingPlaceholders(_)))),
            "without values for a placeholder",
        ),
        (unused(|reason| matches!(reason, UnusedReason::Rejected(Rejection::NotYet(_)))), "not possible yet"),
        (unused(|reason| matches!(reason, UnusedReason::Rejected(Rejection::Mistakes(_)))), "with mistakes"),
        (unused(|reason| matches!(reason, UnusedReason::SameId(_))), "with the id of another"),
    ];
    let total = project.detections.len() + project.unused_rules.len();
    let mut text = format!("rules: {total}, of which run {enabled}");
    for (count, what) in others.into_iter().filter(|(count, _)| *count > 0) {
        text.push_str(&format!(", {what} {count}"));
    }
    text
}
