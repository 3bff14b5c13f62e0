//! `egret completion`: shell completion.

use std::io::Write;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Outcome;
use crate::arguments::Arguments;

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  egret completion bash > /etc/bash_completion.d/egret")]
pub struct Options {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub fn run(options: &Options) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "egret", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
