//! The `egret` binary: command line, progress, wiring. No logic.

#![allow(clippy::print_stderr, reason = "the one crate that talks to people; stdout goes through `output`")]

mod alerting;
mod allocator;
mod arguments;
mod commands;
mod failure;
mod interrupt;
mod lake_queries;
mod logging;
mod lookups;
mod output;
mod progress;
mod project;
mod states;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    allocator::keep_free_memory();
    allocator::take_small_pages();
    let arguments = Arguments::parse();
    logging::start(&arguments.global);
    match commands::run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
