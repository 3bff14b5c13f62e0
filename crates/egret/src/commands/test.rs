//! `egret test`: the tests of detections.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use egret_config::Diagnostics;
use egret_detect::{RuleTester, TestSummary, Verdict, builtin};

use super::Outcome;
use crate::arguments::Global;
use crate::failure::{Failure, INCOMPLETE};
use crate::output::{Objects, OutputFormat, print_all, style};
use crate::project::Project;
use crate::states::StateTests;

/// Which tests to run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  egret test\n  egret test rules/\n  egret test --built-in")]
pub struct Options {
    /// Files or folders with detections [default: the configuration's]
    paths: Vec<PathBuf>,
    /// Test the built-in detections
    #[arg(long)]
    built_in: bool,
}

/// Tests.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let mut project =
        if options.paths.is_empty() { Project::load(global)? } else { Project::of_files(&options.paths)? };
    if options.built_in {
        let mut diagnostics = Diagnostics::new();
        project.detections = builtin::definitions(&mut diagnostics);
    } else {
        let (_, diagnostics) = project.check();
        if diagnostics.has_errors() {
            return Err(Failure::configuration(&diagnostics));
        }
    }
    let find_format = |kind: &str, name: &str| project.formats.find(kind, name);
    let channels = project.partitions.iter().filter_map(|partition| {
        let channel = partition.channel.clone()?;
        Some((partition.table.value.clone(), channel))
    });
    let tester = RuleTester::new(&project.tables, &find_format, &project.compiler, project.clock.now());
    let states = StateTests::new(project.clock.now());
    let compare_states = |given: &egret_detect::States| states.compare(given);
    let mut tester = tester.with_channels(channels).with_states(&compare_states);
    let mut summary = TestSummary::default();
    let format = OutputFormat::of_many(global.output);
    let mut failed = Vec::new();
    for definition in &project.detections {
        let results = tester.run(definition);
        summary.add(&results);
        let wrong =
            |result: &egret_detect::CaseResult| matches!(result.verdict, Verdict::Failed | Verdict::Errored);
        failed.extend(results.into_iter().filter(wrong));
    }
    if format == OutputFormat::Table {
        if !summary.is_success() {
            print_all(&failed, format)?;
        }
        let verdict = if summary.is_success() { style::good("passed") } else { style::error("failed") };
        eprintln!(
            "{verdict}: {} passed, {} failed, {} errored, {} skipped, {} rules",
            summary.passed, summary.failed, summary.errored, summary.skipped, summary.rules
        );
    } else {
        let mut objects = Objects::new(format);
        for result in &failed {
            objects.push(result)?;
        }
        objects.push(summary)?;
        objects.finish()?;
    }
    Ok(if summary.is_success() { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}
