//! `--from`, `--to` and the like, which several commands take.

use clap::Args;
use egret_lake::{At, ReadOptions};
use egret_model::time::parse_user_time;
use egret_model::{Clock, SystemClock, TimeRange, Timestamp};

use crate::failure::Failure;

fn user_time(text: &str) -> Result<Timestamp, String> {
    parse_user_time(text, SystemClock.now())
}

/// A range of event time.
#[derive(Debug, Clone, Copy, Args)]
pub struct RangeOptions {
    /// Only events from this time on: 2024-02-01T10:00:00Z, 2024-02-01, yesterday, T-2h
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    pub from: Option<Timestamp>,
    /// Only events before this time
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    pub to: Option<Timestamp>,
}

impl RangeOptions {
    /// The range, if any time is in it.
    pub fn range(self) -> Result<TimeRange, Failure> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from >= to
        {
            return Err(Failure::usage(format!("no time is from {from} on and before {to}"))
                .hint("--from is the earlier one, --to the later"));
        }
        Ok(TimeRange { from: self.from, to: self.to })
    }
}

/// Which rows of the lake are looked at.
#[derive(Debug, Clone, Args)]
pub struct ReadArguments {
    /// The range of event time.
    #[command(flatten)]
    pub range: RangeOptions,
    /// Only rows of this partition: NAME or TABLE.NAME, `*` for any characters; may be given several times
    #[arg(long, value_name = "PARTITION")]
    pub partition: Vec<String>,
    /// Only rows with this `tp_index`, `*` for any characters; may be given several times
    #[arg(long, value_name = "INDEX")]
    pub index: Vec<String>,
    /// The lake as it was: a snapshot's number or a time
    #[arg(long, value_name = "SNAPSHOT|TIME", value_parser = at, allow_hyphen_values = true)]
    pub at: Option<At>,
}

fn at(text: &str) -> Result<At, String> {
    match text.parse() {
        Ok(snapshot) => Ok(At::Snapshot(snapshot)),
        Err(_) => user_time(text).map(At::Time),
    }
}

impl ReadArguments {
    /// What the lake is to show.
    pub fn options(&self) -> Result<ReadOptions, Failure> {
        Ok(ReadOptions {
            at: self.at,
            range: self.range.range()?,
            partitions: self.partition.clone(),
            indexes: self.index.clone(),
        })
    }
}
