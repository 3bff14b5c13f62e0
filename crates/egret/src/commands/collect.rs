//! `egret collect`: what is new becomes rows and findings in the lake.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use egret_alert::DeliverUntil;
use egret_lake::Lake;
use egret_model::channel::wildcard_matches;
use egret_pipeline::{CollectOptions, CollectReport, Collector, PartitionDefinition, StopSignal};

use serde::Serialize;

use super::metrics::MetricsOptions;
use super::range::RangeOptions;
use super::{Outcome, runtime};
use crate::alerting::{AlertReport, count_of, tell};
use crate::arguments::Global;
use crate::failure::{Failure, INCOMPLETE, INTERRUPTED};
use crate::interrupt::stop_on_ctrl_c;
use crate::output::{OutputFormat, print_all, print_one};
use crate::progress::Progress;
use crate::project::Project;

/// What to collect.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret collect\n  egret collect aws_cloudtrail_log\n  egret collect 'aws_*.prod' --from yesterday"
)]
pub struct Options {
    /// Tables or partitions, as TABLE or TABLE.PARTITION, `*` for any characters [default: all]
    partitions: Vec<String>,
    /// The range of event time. Nothing counts as done then.
    #[command(flatten)]
    range: RangeOptions,
    /// Collect again, replacing the rows and findings of the range
    #[arg(long)]
    overwrite: bool,
    /// Stop once more than N records could not be parsed or mapped
    #[arg(long, value_name = "N")]
    max_errors: Option<u64>,
    /// Read and detect, but store nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with 1 if records could not be parsed or mapped
    #[arg(long)]
    strict: bool,
    /// Queue alerts, but deliver nothing: `egret alert deliver` does
    #[arg(long)]
    no_deliver: bool,
    /// Where counters go.
    #[command(flatten)]
    metrics: MetricsOptions,
}

/// Collects.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let runtime = runtime()?;
    let stop = StopSignal::default();
    stop_on_ctrl_c(runtime.handle(), &stop, "storing what was read");
    let project = Project::load(global)?;
    if project.configuration.files.is_empty() {
        return Err(Failure::usage("there is no configuration, so there is nothing to collect")
            .hint("`egret init` writes one to start from; `egret scan PATH` needs none"));
    }
    let plans = project.plans(|partition| is_wanted(options, partition))?;
    for pattern in &options.partitions {
        if !project.partitions.iter().any(|partition| names(pattern, partition)) {
            let paths: Vec<String> = project.partitions.iter().map(PartitionDefinition::path).collect();
            return Err(super::unknown("partition", pattern, paths.iter().map(String::as_str)));
        }
    }
    // Gone when the run ends: one that stores nothing makes no lake either.
    let scratch = options.dry_run.then(tempfile::tempdir).transpose();
    let scratch = scratch.map_err(|error| Failure::outside(format!("cannot make a folder: {error}")))?;
    let lake = runtime.block_on(async {
        project.load_lookups().await?;
        match (&scratch, project.open_lake().await?) {
            (_, Some(lake)) => Ok(lake),
            (Some(scratch), None) => project.create_lake_in(scratch.path()).await,
            (None, None) => project.create_lake().await,
        }
    })?;
    let progress = Progress::new(global, true);
    let collector = Collector {
        lake: &lake,
        runtime: runtime.handle(),
        clock: Arc::clone(&project.clock),
        options: CollectOptions {
            memory: global.memory / 2,
            range: options.range.range()?,
            overwrite: options.overwrite,
            max_errors: options.max_errors,
            dry_run: options.dry_run,
            ..CollectOptions::default()
        },
        observer: &progress,
        stop: &stop,
    };
    let outcome = collector.collect(plans);
    progress.finish();
    let report = outcome?;
    // What was interrupted is taken in by the next run.
    let alerts = if options.dry_run || report.interrupted {
        Ok(AlertReport::default())
    } else {
        runtime.block_on(alert(&project, &lake, options, &stop))
    };
    options.metrics.write(&report.partitions, alerts.as_ref().ok())?;
    let none = AlertReport::default();
    print_report(
        &report,
        alerts.as_ref().unwrap_or(&none),
        options.dry_run,
        OutputFormat::of_one(global.output),
    )?;
    tell(&alerts?);
    Ok(exit_code(&report, options))
}

/// Makes alerts of the findings, and delivers what is due.
async fn alert(
    project: &Project,
    lake: &Lake,
    options: &Options,
    stop: &StopSignal,
) -> Result<AlertReport, Failure> {
    let settings = project.alert_settings_with_warnings()?;
    let store = project.create_store().await?;
    let until = (!options.no_deliver).then_some(DeliverUntil::TriedOnce);
    project.alert(&settings, &store, lake, until, stop).await
}

fn is_wanted(options: &Options, partition: &PartitionDefinition) -> bool {
    options.partitions.is_empty() || options.partitions.iter().any(|pattern| names(pattern, partition))
}

fn names(pattern: &str, partition: &PartitionDefinition) -> bool {
    let (pattern, path) = (pattern.to_lowercase(), partition.path().to_lowercase());
    wildcard_matches(&pattern, &path) || wildcard_matches(&pattern, &partition.table.value.to_lowercase())
}

fn print_report(
    report: &CollectReport,
    alerts: &AlertReport,
    is_dry_run: bool,
    format: OutputFormat,
) -> Result<(), Failure> {
    match format {
        OutputFormat::Table => print_all(&report.partitions, format)?,
        _ => print_one(Whole { report, alerts }, format)?,
    }
    let total =
        |get: fn(&egret_pipeline::PartitionReport) -> u64| report.partitions.iter().map(get).sum::<u64>();
    let (quarantined, findings) =
        (total(|partition| partition.quarantined), total(|partition| partition.findings));
    match quarantined {
        0 => {}
        count if is_dry_run => {
            eprintln!("{} would be in quarantine", count_of(count, "record", "records"));
        }
        count => {
            let records = count_of(count, "record is", "records are");
            eprintln!("{records} in quarantine: egret quarantine list");
        }
    }
    if total(|partition| partition.held_back) > 0 {
        eprintln!(
            "a last line without an end was left for the next run, since somebody may still be writing it"
        );
    }
    if findings > 0 && !is_dry_run {
        eprintln!("{findings} findings: egret finding list");
    }
    Ok(())
}

/// Everything that the run did, as one object.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    report: &'a CollectReport,
    #[serde(flatten)]
    alerts: &'a AlertReport,
}

fn exit_code(report: &CollectReport, options: &Options) -> ExitCode {
    if report.interrupted {
        return ExitCode::from(INTERRUPTED);
    }
    let quarantined = report.partitions.iter().any(|partition| partition.quarantined > 0);
    if report.is_incomplete() || (options.strict && quarantined) {
        return ExitCode::from(INCOMPLETE);
    }
    ExitCode::SUCCESS
}
