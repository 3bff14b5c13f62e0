//! The command line: what `egret --help` says.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use egret_config::ByteSize;

use crate::commands::{
    alert, collect, completion, config, finding, format, generator, hunt, init, lake, lookup, output,
    partition, quarantine, query, route, rule, scan, source, state, table, test,
};
use crate::output::OutputFormat;

/// Collect any log into an open lake, detect on the way, query with SQL.
#[derive(Debug, Parser)]
#[command(
    name = "egret",
    version,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
#[command(after_help = "Start with `egret init`, then `egret collect`.")]
pub struct Arguments {
    /// What every command takes.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration: a file or folder; may be given several times [default: ./egret.hcl, ./config/, ~/.config/egret/]
    #[arg(long, global = true, value_name = "PATH", env = "EGRET_CONFIG", value_delimiter = ':')]
    pub config: Vec<PathBuf>,
    /// Bytes of memory to use for rows
    #[arg(long, global = true, value_name = "SIZE", default_value = "384MiB", value_parser = byte_size)]
    pub memory: u64,
    /// How much to log: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "warn")]
    pub log_level: String,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Show no progress
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// How to show results [default: table on a terminal, else ndjson or json]
    #[arg(long, short, global = true, value_name = "FORMAT")]
    pub output: Option<OutputFormat>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

fn byte_size(text: &str) -> Result<u64, String> {
    ByteSize::parse(text).map(|size| size.0)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented configuration to start from
    Init(init::Options),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(config::Command),
    /// Collect what is new from the partitions' sources, detecting on the way
    Collect(collect::Options),
    /// Run rules over files, without a lake or configuration
    Scan(scan::Options),
    /// Ask the lake in SQL
    Query(query::Options),
    /// Run detections over what the lake holds
    Hunt(hunt::Options),
    /// Run the tests of detections
    Test(test::Options),
    /// Findings in the lake
    #[command(subcommand)]
    Finding(finding::Command),
    /// Alerts: findings that belong together, and who was told
    #[command(subcommand)]
    Alert(alert::Command),
    /// Routes: where alerts would go, and why
    #[command(subcommand)]
    Route(route::Command),
    /// Outputs: where alerts go
    #[command(subcommand)]
    Output(output::Command),
    /// Lookups: what detections remember and share
    #[command(subcommand)]
    Lookup(lookup::Command),
    /// States: what generators see, and what became different
    #[command(subcommand)]
    State(state::Command),
    /// Generators: where states come from
    #[command(subcommand)]
    Generator(generator::Command),
    /// Tables: log types and their columns
    #[command(subcommand)]
    Table(table::Command),
    /// Sources: where bytes come from
    #[command(subcommand)]
    Source(source::Command),
    /// Rules: those that run, those that do not, and why
    #[command(subcommand)]
    Rule(rule::Command),
    /// Formats: how bytes become records
    #[command(subcommand)]
    Format(format::Command),
    /// Partitions, with what the lake holds of them
    #[command(subcommand)]
    Partition(partition::Command),
    /// Records that could not be parsed or mapped
    #[command(subcommand)]
    Quarantine(quarantine::Command),
    /// The lake: its size, compaction, and how to attach DuckDB
    #[command(subcommand)]
    Lake(lake::Command),
    /// Print a script that completes commands in a shell
    Completion(completion::Options),
}
