//! `cargo xtask`: the checks of this repository that no other tool makes, and the generated reference.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool prints")]

mod edges;
mod reference;
mod tidy;
mod workspace;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask TASK

  deps           every dependency is in the table of allowed edges (xtask/src/edges.rs)
  tidy           file heads, sizes, names, printing, links, the map of the crates
  gen            writes docs/src/reference/ from what the built `egret` says of itself
  gen --check    fails if that would change anything";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["deps"] => edges::run(),
        ["tidy"] => tidy::run(),
        ["gen"] => reference::run(reference::Mode::Write),
        ["gen", "--check"] => reference::run(reference::Mode::Check),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(report) => report.print(),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// What a task found. Warnings are shown and change nothing.
#[derive(Debug, Default)]
struct Report {
    errors: Vec<String>,
    warnings: Vec<String>,
    /// One line that says what was looked at, for when nothing is wrong.
    summary: String,
}

impl Report {
    fn print(&self) -> ExitCode {
        for warning in &self.warnings {
            eprintln!("warning: {warning}");
        }
        for error in &self.errors {
            eprintln!("error: {error}");
        }
        if self.errors.is_empty() {
            println!("{}", self.summary);
            return ExitCode::SUCCESS;
        }
        eprintln!("{} to mend", self.errors.len());
        ExitCode::FAILURE
    }
}
