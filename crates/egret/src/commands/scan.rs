//! `egret scan`: rules over files, without a lake or configuration.

mod findings;

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use egret_config::Diagnostics;
use egret_detect::{DetectionDefinition, Detector, Rule, builtin};
use egret_format::registry::RECOGNISE_BYTES;
use egret_format::{Format, first_records, preset, recognise};
use egret_model::{Severity, Source, SourceContext, SystemClock};
use egret_pipeline::{CollectOptions, PartitionPlan, ScanReport, StopSignal, scan};
use egret_source::FileSource;
use egret_table::PartitionContext;

use self::findings::Findings;
use super::metrics::MetricsOptions;
use super::range::RangeOptions;
use super::{Outcome, runtime, unknown};
use crate::arguments::Global;
use crate::failure::{Failure, INCOMPLETE, INTERRUPTED};
use crate::interrupt::{StandardInput, stop_on_ctrl_c};
use crate::output::{OutputFormat, printable, style};
use crate::progress::Progress;
use crate::project::{Project, environment, surroundings};

/// What to scan, and what for.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret scan /var/log/nginx\n  egret scan logs/ --rules rules/ --fail-on high\n  zcat trail.json.gz | egret scan - --table aws_cloudtrail_log"
)]
pub struct Options {
    /// Files, folders, globs, or - for standard input
    #[arg(required = true)]
    paths: Vec<String>,
    /// Files or folders with detections [default: the built-in ones]
    #[arg(long, value_name = "PATH")]
    rules: Vec<PathBuf>,
    /// The format, as TYPE or TYPE.PRESET, if it is not to be recognised
    #[arg(long)]
    format: Option<String>,
    /// The table, if it is not to be recognised
    #[arg(long)]
    table: Option<String>,
    /// The range of event time.
    #[command(flatten)]
    range: RangeOptions,
    /// Say at the end what ran and what could not
    #[arg(long)]
    stats: bool,
    /// Exit with 1 if there is a finding at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Where counters go.
    #[command(flatten)]
    metrics: MetricsOptions,
}

/// Scans.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let mut project = Project::of_files(&options.rules)?;
    if options.rules.is_empty() {
        project.detections = builtin::definitions(&mut Diagnostics::new());
    } else {
        let (_, diagnostics) = project.check();
        if diagnostics.has_errors() {
            return Err(Failure::configuration(&diagnostics));
        }
    }
    let runtime = runtime()?;
    let stop = StopSignal::default();
    stop_on_ctrl_c(runtime.handle(), &stop, "showing what was found");
    let (plans, unrecognised) = plans(&project, options, &stop)?;
    let progress = Progress::new(global, false);
    let limits = CollectOptions {
        memory: global.memory / 2,
        range: options.range.range()?,
        ..CollectOptions::default()
    };
    let mut findings = Findings::new(OutputFormat::of_many(global.output));
    let mut shown = Ok(());
    let report = scan(&plans, &project.clock, &limits, &progress, &stop, &mut |found| {
        if shown.is_ok() {
            shown = progress.suspend(|| findings.extend(found));
            if shown.is_err() {
                stop.stop();
            }
        }
    });
    progress.finish();
    let report = report?;
    shown?;
    for warning in unrecognised.iter().chain(&report.warnings) {
        eprintln!("{} {}", style::warning("warning:"), printable(warning));
    }
    let worst = findings.finish()?;
    options.metrics.write(&report.partitions, None)?;
    if !project.unused_rules.is_empty() {
        eprintln!("{}; `egret rule list` says which", super::rule::counts(&project));
    }
    let unread = report.partitions.iter().map(|partition| partition.quarantined).sum::<u64>();
    if unread > 0 {
        eprintln!("records that could not be read: {unread}");
    }
    if options.stats {
        print_stats(&report, &plans, &project);
    }
    if stop.is_stopped() {
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let is_bad = options.fail_on.is_some_and(|least| worst >= Some(least));
    let failures = report.partitions.iter().map(|partition| partition.failures).sum::<u64>();
    let is_incomplete = failures > 0 || !unrecognised.is_empty();
    Ok(if is_bad || is_incomplete { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

/// A format and its preset.
type FormatName = (String, String);

/// A format, and the tables that a file written in it may be for.
type Candidates = (FormatName, Vec<String>);

/// What a file is: its table, and how its records are written.
type Kind = (String, String, Option<String>);

/// A plan for each kind of file, and the files of which nobody knows what they are.
fn plans(
    project: &Project,
    options: &Options,
    stop: &StopSignal,
) -> Result<(Vec<PartitionPlan>, Vec<String>), Failure> {
    if let (Some(_), Some((kind, name))) = (&options.format, format_of(options, &[]))
        && project.formats.find(&kind, &name).or_else(|| preset(&kind, &name)).is_none()
    {
        return Err(unknown_format(options));
    }
    let surroundings = surroundings(&environment());
    let mut unrecognised = Vec::new();
    let mut kinds: BTreeMap<Kind, Vec<String>> = BTreeMap::new();
    let mut known: BTreeMap<Option<Candidates>, Vec<Kind>> = BTreeMap::new();
    let (streams, paths): (Vec<_>, Vec<_>) = options.paths.iter().partition(|path| *path == "-");
    if let (Some(table), true) = (&options.table, options.format.is_none()) {
        kinds
            .entry((table.clone(), String::new(), None))
            .or_default()
            .extend(paths.iter().map(|path| (*path).clone()));
    } else if !paths.is_empty() {
        let source = file_source(&paths, &surroundings)?;
        let context = SourceContext { clock: Arc::new(SystemClock), checkpoints: Arc::default() };
        let listing = source.list(&context)?;
        unrecognised.extend(listing.failures.iter().map(ToString::to_string));
        for object in listing.objects {
            let mut head = Vec::new();
            let read =
                source.open(&object).map(|reader| reader.take(RECOGNISE_BYTES as u64).read_to_end(&mut head));
            match read {
                Ok(Ok(_)) => {
                    let candidates = candidates(project, options, &head);
                    let found = known
                        .entry(candidates)
                        .or_insert_with_key(|candidates| kinds_of(project, options, candidates));
                    if found.is_empty() {
                        let hint = "not recognised; name it with --table or --format";
                        unrecognised.push(format!("{}: {hint}", object.location));
                    }
                    for kind in found {
                        kinds.entry(kind.clone()).or_default().push(object.location.clone());
                    }
                }
                Ok(Err(error)) => unrecognised.push(format!("{}: {error}", object.location)),
                Err(error) => unrecognised.push(error.to_string()),
            }
        }
    }
    let mut plans = Vec::new();
    for (kind, paths) in kinds {
        let source = file_source(&paths.iter().collect::<Vec<_>>(), &surroundings)?;
        plans.push(plan(project, options, &kind, source)?);
    }
    if !streams.is_empty() {
        plans.push(stream_plan(project, options, stop)?);
    }
    Ok((plans, unrecognised))
}

fn file_source(
    paths: &[&String],
    surroundings: &egret_source::Surroundings,
) -> Result<Arc<dyn Source>, Failure> {
    let source = FileSource::from_paths(paths.iter().map(|path| path.as_str()), surroundings);
    source
        .map(|source| Arc::new(source) as Arc<dyn Source>)
        .map_err(|error| Failure::usage(error.to_string()))
}

/// Standard input is read once: what was looked at to recognise it is put in front again.
fn stream_plan(project: &Project, options: &Options, stop: &StopSignal) -> Result<PartitionPlan, Failure> {
    let mut head = Vec::new();
    let mut input = StandardInput::new(stop)?;
    let read = input.by_ref().take(RECOGNISE_BYTES as u64).read_to_end(&mut head);
    read.map_err(|error| Failure::outside(format!("cannot read standard input: {error}")))?;
    let candidates = candidates(project, options, &decompressed(&head)?);
    let kind = kinds_of(project, options, &candidates).into_iter().next().ok_or_else(|| {
        Failure::usage("standard input is not recognised").hint("name it with --table or --format")
    })?;
    let surroundings = surroundings(&environment()).with_standard_input(Cursor::new(head).chain(input));
    plan(project, options, &kind, file_source(&[&"-".to_owned()], &surroundings)?)
}

/// What the beginning of a stream says, as far as it goes, whether it is compressed or not.
fn decompressed(head: &[u8]) -> Result<Vec<u8>, Failure> {
    let surroundings = surroundings(&environment()).with_standard_input(Cursor::new(head.to_vec()));
    let source = file_source(&[&"-".to_owned()], &surroundings)?;
    let context = SourceContext { clock: Arc::new(SystemClock), checkpoints: Arc::default() };
    let mut text = Vec::new();
    for object in source.list(&context)?.objects {
        // It is cut, so reading it ends with an error, after all that there is.
        let reader = source.open(&object)?;
        let _ = reader.take(RECOGNISE_BYTES as u64).read_to_end(&mut text);
    }
    Ok(text)
}

/// How a file is written, as said or recognised, and which tables its first records may be for.
fn candidates(project: &Project, options: &Options, head: &[u8]) -> Option<Candidates> {
    let (kind, name) = format_of(options, head)?;
    let tables = match &options.table {
        Some(table) => vec![table.clone()],
        None => {
            let format = project.formats.find(&kind, &name).or_else(|| preset(&kind, &name));
            let records = format.map(|format| first_records(format.as_ref(), head)).unwrap_or_default();
            let tables = project.tables.recognise(&kind, &name, &records);
            tables.into_iter().map(|table| table.name.value.clone()).collect()
        }
    };
    Some(((kind, name), tables))
}

/// What a file with these candidates is: of several tables those that rules look at.
fn kinds_of(project: &Project, options: &Options, candidates: &Option<Candidates>) -> Vec<Kind> {
    let Some(((format, preset_name), tables)) = candidates else { return Vec::new() };
    let kind = |table: &String| (table.clone(), format.clone(), Some(preset_name.clone()));
    if options.table.is_some() {
        return tables.iter().map(kind).collect();
    }
    let has_rules = |table: &&String| {
        let Ok(table) = project.tables.get(table) else { return false };
        let (schema, channel) = (table.schema(), table.channel());
        let is_for = |detection: &DetectionDefinition| {
            detection.enabled && detection.target.value.covers(&table.name.value, &channel)
        };
        let mut meant = project.detections.iter().filter(|detection| is_for(detection));
        if meant.any(|detection| matches!(detection.rule, Rule::Fields(_))) {
            return true;
        }
        let compiled = Detector::compile_valid(&project.detections, &schema, &channel, &project.compiler);
        !compiled.0.is_empty()
    };
    let wanted: Vec<Kind> = tables.iter().filter(has_rules).map(kind).collect();
    if wanted.is_empty() { tables.first().map(kind).into_iter().collect() } else { wanted }
}

/// The format and its preset, as said or recognised; nothing if the table says it.
fn format_of(options: &Options, head: &[u8]) -> Option<FormatName> {
    Some(match &options.format {
        Some(name) => match name.split_once('.') {
            Some((kind, preset)) => (kind.to_owned(), preset.to_owned()),
            None => (name.clone(), "default".to_owned()),
        },
        None if options.table.is_some() => (String::new(), String::new()),
        None => {
            let recognised = recognise(head)?;
            (recognised.kind.to_owned(), recognised.preset.to_owned())
        }
    })
}

fn plan(
    project: &Project,
    options: &Options,
    kind: &Kind,
    source: Arc<dyn Source>,
) -> Result<PartitionPlan, Failure> {
    let (table, format, preset_name) = kind;
    let Ok(definition) = project.tables.get(table) else {
        return Err(unknown("table", table, project.tables.names()));
    };
    let mut diagnostics = Diagnostics::new();
    let format: Option<Arc<dyn Format>> = match (format.as_str(), preset_name) {
        ("", _) => definition.format.as_ref().and_then(|choice| {
            choice.resolve(|kind, name| project.formats.find(kind, name), &mut diagnostics)
        }),
        (kind, Some(name)) => project.formats.find(kind, name).or_else(|| preset(kind, name)),
        (kind, None) => preset(kind, "default"),
    };
    let Some(format) = format else {
        return Err(unknown_format(options));
    };
    let context = PartitionContext { format_fields: format.fields(), ..PartitionContext::new("scan") };
    let timezone = context.timezone;
    let mapper = definition
        .compile(&project.compiler, context)
        .map_err(|mistakes| Failure::configuration(&mistakes))?;
    let channel = mapper.channel().to_owned();
    let (detector, _) =
        Detector::compile_valid(&project.detections, mapper.schema(), &channel, &project.compiler);
    Ok(PartitionPlan {
        table: table.clone(),
        name: "scan".to_owned(),
        channel,
        timezone,
        source,
        format,
        mapper,
        filters: Vec::new(),
        detector,
        states: std::collections::HashMap::new(),
    })
}

fn unknown_format(options: &Options) -> Failure {
    let names: Vec<&str> = egret_format::registry::FORMAT_TYPES.iter().map(|format| format.name).collect();
    unknown("format", options.format.as_deref().unwrap_or_default(), names)
}

fn print_stats(report: &ScanReport, plans: &[PartitionPlan], project: &Project) {
    for (partition, plan) in report.partitions.iter().zip(plans) {
        let rules = plan.detector.definitions().count();
        eprintln!(
            "{}: {} files, {} bytes, {} rows, {} quarantined, {} findings, {rules} of {} rules",
            partition.table,
            partition.files,
            partition.bytes_read,
            partition.rows,
            partition.quarantined,
            partition.findings,
            project.detections.len()
        );
        for inapplicable in plan.detector.inapplicable() {
            eprintln!("  {}: does not apply to {}", inapplicable.detection_id, inapplicable.table);
        }
        let mut statistics: Vec<_> =
            plan.detector.statistics().filter(|(_, statistics)| statistics.evaluations > 0).collect();
        statistics.sort_by_key(|(_, statistics)| std::cmp::Reverse(statistics.time()));
        for (rule, statistics) in statistics {
            eprintln!(
                "  {} ({}): {} candidates, {} evaluations, {} hits, {:.1} ms",
                rule.id.value,
                printable(&rule.title),
                statistics.candidates,
                statistics.evaluations,
                statistics.hits,
                statistics.time().as_secs_f64() * 1_000.0
            );
        }
    }
}
