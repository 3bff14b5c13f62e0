//! Detections in real SQL: the built-in ones, the rule tester, and what mistakes look like.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside of the test functions")]

mod built_in;
mod errors;
mod fields;
mod real_events;
mod slices;
mod tester;

use std::sync::Arc;

use egret_config::{BlockKind, Configuration, Diagnostics, Environment, decode_block};
use egret_detect::{DETECTION, DetectionDefinition};
use egret_model::{Clock, Timestamp};
use egret_sql::SqlCompiler;
use egret_table::Tables;

/// The present of all tests: after everything that rules are tested with.
#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::parse("2026-04-01T00:00:00Z").unwrap()
    }
}

fn compiler() -> SqlCompiler {
    SqlCompiler::new(Arc::new(FixedClock))
}

/// The tables and detections in `text`; it must be right as HCL.
fn load(text: &str) -> (Tables, Vec<DetectionDefinition>) {
    let mut diagnostics = Diagnostics::new();
    let kinds = [DETECTION, BlockKind::new("table", &["name"])];
    let configuration =
        Configuration::parse("rules.hcl", text, &kinds, &Environment::default(), &mut diagnostics);
    let tables = Tables::new(&configuration, &mut diagnostics);
    let blocks = configuration.blocks_of(DETECTION.name);
    let definitions = blocks.filter_map(|block| decode_block(block, &mut diagnostics)).collect();
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    (tables, definitions)
}
