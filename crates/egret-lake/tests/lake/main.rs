//! The lake as others use it, against the real engine, SQLite and DuckDB.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod checkpoints;
mod commits;
mod duckdb;
mod evolution;
mod faults;
mod maintenance;
mod reading;
mod support;
