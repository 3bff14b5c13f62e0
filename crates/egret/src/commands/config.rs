//! `egret config`: check or show the configuration.

use std::io::Write;
use std::process::ExitCode;

use clap::Subcommand;
use egret_config::Diagnostics;

use super::Outcome;
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::style;
use crate::project::Project;

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say everything that is wrong with it, each with its place and a hint
    Check,
    /// Print it, with expressions instead of secrets
    Show,
}

/// Checks or shows.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let project = Project::load(global)?;
    match command {
        Command::Check => check(&project),
        Command::Show => {
            // Outputs know what of theirs is secret once they are read; their mistakes are for `check`.
            project.read_alert_settings(&mut Diagnostics::new());
            let mut out = std::io::stdout().lock();
            out.write_all(egret_config::show(&project.configuration).as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn check(project: &Project) -> Outcome {
    let (_, diagnostics) = project.check();
    if diagnostics.has_errors() {
        return Err(Failure::configuration(&diagnostics));
    }
    if !diagnostics.is_empty() {
        eprint!("{}", diagnostics.render(style::stderr_has_colour()));
    }
    let files = project.configuration.files.len();
    if files == 0 {
        eprintln!("there is no configuration here; `egret init` writes one to start from");
        return Ok(ExitCode::SUCCESS);
    }
    let mut counts = vec![
        counted(files, "file"),
        counted(project.partitions.len(), "partition"),
        counted(project.detections.len(), "detection"),
    ];
    if !project.generators.is_empty() {
        counts.push(counted(project.generators.len(), "generator"));
    }
    if !project.lookups.is_empty() {
        counts.push(counted(project.lookups.len(), "lookup"));
    }
    eprintln!("the configuration is good: {}", counts.join(", "));
    Ok(ExitCode::SUCCESS)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
