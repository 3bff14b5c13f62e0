//! `egret hunt`: detections over what the lake holds.

use std::process::ExitCode;

use clap::Args;
use egret_config::Diagnostics;
use egret_detect::{DetectionDefinition, builtin};
use egret_pipeline::HuntOptions;

use super::range::ReadArguments;
use super::{Outcome, block_on, session, session_options, unknown};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{Objects, OutputFormat, printable, style};
use crate::project::Project;

/// What to hunt for.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret hunt root_login --from T-30d\n  egret hunt 'aws_*' --partition prod --output table"
)]
pub struct Options {
    /// Detections of the configuration, or built-in ones; `*` for any characters
    #[arg(required = true)]
    rules: Vec<String>,
    /// Which rows.
    #[command(flatten)]
    read: ReadArguments,
    /// Store the findings that the lake does not have
    #[arg(long)]
    save: bool,
}

/// Hunts.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let read = options.read.options()?;
    let project = Project::load(global)?;
    let (_, diagnostics) = project.check();
    if diagnostics.has_errors() {
        return Err(Failure::configuration(&diagnostics));
    }
    let detections = chosen(&project, &options.rules)?;
    let format = OutputFormat::of_many(global.output);
    let mut objects = Objects::new(format).columns(&["time", "severity", "title", "message", "partition"]);
    let mut shown = Ok(());
    let report = block_on(async {
        let lake = project.existing_lake().await?;
        project.load_lookups().await?;
        let session = session(global, &project)?;
        lake.register(session.context(), &read).await?;
        let hunt = HuntOptions {
            detections: &detections,
            channels: &project.partition_channels(),
            tables: &project.table_schemas(),
            compiler: &project.compiler,
            clock: &*project.clock,
            session: session_options(global, &project),
            save: options.save,
        };
        let mut warn = |message: &str| eprintln!("{} {}", style::warning("warning:"), printable(message));
        let mut found = |finding: &egret_model::Finding| {
            shown = objects.push(finding);
            shown.is_ok()
        };
        Ok(egret_pipeline::hunt(&lake, &session, &hunt, &mut found, &mut warn).await?)
    })?;
    shown?;
    objects.finish()?;
    if options.save {
        eprintln!("{} findings, {} of them new and stored", report.findings, report.saved);
    }
    Ok(ExitCode::SUCCESS)
}

/// The detections that the command line names: the configuration's, and built-in ones that it does not replace.
fn chosen(project: &Project, names: &[String]) -> Result<Vec<DetectionDefinition>, Failure> {
    let mut all = project.detections.clone();
    for definition in builtin::definitions(&mut Diagnostics::new()) {
        if !all.iter().any(|own| own.id.value == definition.id.value) {
            all.push(definition);
        }
    }
    for name in names {
        if !all.iter().any(|definition| definition.is_called(name)) {
            return Err(unknown(
                "detection",
                name,
                all.iter().map(|definition| definition.id.value.as_str()),
            ));
        }
    }
    for definition in &mut all {
        // Whoever names it wants it.
        definition.enabled |= names.contains(&definition.id.value);
    }
    all.retain(|definition| names.iter().any(|name| definition.is_called(name)));
    Ok(all)
}
