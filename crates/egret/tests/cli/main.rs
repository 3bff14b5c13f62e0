//! The `egret` binary from outside: what it promises to keep, and what it says.
//!
//! `EGRET_TEST_KILLS` sets how often a real `egret collect` is killed (default 50), `EGRET_TEST_PYTHON` the
//! Python that has DuckDB. `SNAPSHOTS=overwrite` rewrites what the binary is expected to say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where it fails")]

mod logs;
mod place;

mod agreement;
mod alerts;
mod analyzers;
mod disturbed;
mod kill;
mod lookups;
mod messages;
mod ranges;
mod sigma;
mod states;
