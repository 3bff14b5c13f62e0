//! Detections: rule front ends, evaluation on record batches, findings, and the rule tester.
//!
//! A [`DetectionDefinition`] is what a `detection` block says. [`Detector::compile`] takes all that apply to
//! one table and [`Detector::detect`] evaluates them on its rows, a batch at a time: only rows that match
//! cost anything beyond the expressions. SQL is compiled by whoever is handed in as an
//! [`ExpressionCompiler`](egret_model::ExpressionCompiler); nothing here knows an engine, a clock or a lake.

mod alert_policy;
mod definition;
mod message;
mod remember;
mod test_definition;
mod version;

mod detector;
mod event;
mod field_rules;
mod targets;

pub mod row_json;

pub mod library;
pub mod logsource;
pub mod sigma;

pub mod builtin;
pub mod test_file;
mod test_rows;
pub mod tester;

#[cfg(test)]
mod testing;

pub use alert_policy::{ALERT_BLOCK, AlertPolicy};
pub use definition::{DETECTION, DetectionDefinition, FieldRule, Rule, Target};
pub use detector::{DetectContext, Detected, Detector, Failure};
pub use egret_match::RuleStatistics;
pub use message::{Message, MessageTemplate};
pub use remember::{LookupName, RememberDefinition};
pub use targets::{Inapplicable, Places, check_targets};
pub use test_definition::{States, TestDefinition, TestInput};
pub use tester::{CaseResult, ChangeRecords, CompareStates, RuleTester, TestSummary, Verdict};
