//! `egret state`: what is, at intervals, and what became different.

mod diff;
mod history;
mod run;

use clap::Subcommand;

use super::Outcome;
use crate::arguments::Global;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run generators: what became different since the last run goes the way of logs, to detections and alerts
    Run(run::Options),
    /// List the generators with their last run, or the runs of those that are named
    List(history::List),
    /// Show the objects of a state, as it is or was
    Show(history::Show),
    /// Show what became different from one state to another
    Diff(diff::Options),
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::Run(options) => run::run(global, options),
        Command::List(options) => history::list(global, options),
        Command::Show(options) => history::show(global, options),
        Command::Diff(options) => diff::run(global, options),
    }
}
