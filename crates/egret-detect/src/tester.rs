//! The rule tester: each case goes the way that a record goes, and the detection must decide as said.

mod decision;

use std::collections::HashMap;
use std::sync::Arc;

use egret_config::Diagnostics;
use egret_format::Format;
use egret_model::channel::ChannelPattern;
use egret_model::{ExpressionCompiler, Origin, Timestamp};
use egret_table::{PartitionContext, TableMapper, Tables};
use serde::Serialize;

use self::decision::{Decision, seen};
use crate::definition::{DetectionDefinition, Target};
use crate::detector::{DetectContext, Detector};
use crate::test_definition::{States, TestDefinition, TestInput};
use crate::test_rows::rows_of;

/// The partition that tested rows are of.
const PARTITION: &str = "test";

/// Finds the `format` blocks of a configuration by type and name.
pub type FindFormat<'a> = &'a dyn Fn(&str, &str) -> Option<Arc<dyn Format>>;

/// Compares states as a run of their generator does; says why it cannot.
pub type CompareStates<'a> = &'a dyn Fn(&States) -> Result<ChangeRecords, String>;

/// What became different between two states, as the pipeline gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRecords {
    /// The table of the changes.
    pub table: String,
    /// The channel of the generator.
    pub channel: String,
    /// The records, one JSON object a line.
    pub lines: String,
}

/// Runs the tests of detections.
pub struct RuleTester<'a> {
    tables: &'a Tables,
    find_format: FindFormat<'a>,
    compare_states: Option<CompareStates<'a>>,
    compiler: &'a dyn ExpressionCompiler,
    now: Timestamp,
    /// By table, and the channel that is meant instead of the table's.
    mappers: HashMap<(String, Option<String>), Result<Arc<TableMapper>, String>>,
    /// The channels of partitions, each with its table.
    channels: Vec<(String, String)>,
}

/// What came of one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// The detection.
    pub rule: String,
    /// The case's name.
    pub case: String,
    /// Whether it must match.
    pub expected: bool,
    /// Whether it did; `None` if that could not be told.
    pub got: Option<bool>,
    /// Why the case did not pass, with what the detection saw.
    pub reason: String,
    /// How it ended.
    #[serde(skip)]
    pub verdict: Verdict,
}

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As expected.
    Passed,
    /// The detection decided otherwise, or says something else.
    Failed,
    /// The detection could not be asked.
    Errored,
    /// The detection is not enabled.
    Skipped,
}

/// How many cases ended how, of how many rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct TestSummary {
    /// Cases that passed.
    pub passed: u64,
    /// Cases that the detection decided otherwise.
    pub failed: u64,
    /// Cases that could not be run.
    pub errored: u64,
    /// Cases of detections that are not enabled.
    pub skipped: u64,
    /// Detections, also those without tests.
    pub rules: u64,
}

impl TestSummary {
    /// Counts what came of one rule's cases.
    pub fn add(&mut self, results: &[CaseResult]) {
        self.rules += 1;
        for result in results {
            match result.verdict {
                Verdict::Passed => self.passed += 1,
                Verdict::Failed => self.failed += 1,
                Verdict::Errored => self.errored += 1,
                Verdict::Skipped => self.skipped += 1,
            }
        }
    }

    /// Whether nothing went wrong.
    pub fn is_success(&self) -> bool {
        self.failed == 0 && self.errored == 0
    }
}

impl<'a> RuleTester<'a> {
    /// A tester for rules over `tables`. `now` is when tested records are collected: a record from further
    /// ahead than a day is refused, as always.
    pub fn new(
        tables: &'a Tables,
        find_format: FindFormat<'a>,
        compiler: &'a dyn ExpressionCompiler,
        now: Timestamp,
    ) -> Self {
        Self {
            tables,
            find_format,
            compare_states: None,
            compiler,
            now,
            mappers: HashMap::new(),
            channels: Vec::new(),
        }
    }

    /// Who compares the states that tests give.
    #[must_use]
    pub fn with_states(self, compare_states: CompareStates<'a>) -> Self {
        Self { compare_states: Some(compare_states), ..self }
    }

    /// Partitions, each as its table and the channel that it says instead of the table's.
    #[must_use]
    pub fn with_channels(self, channels: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { channels: channels.into_iter().collect(), ..self }
    }

    /// Runs all cases of a detection, in their order.
    pub fn run(&mut self, definition: &DetectionDefinition) -> Vec<CaseResult> {
        definition.tests.iter().map(|test| self.run_case(definition, test)).collect()
    }

    fn run_case(&mut self, definition: &DetectionDefinition, test: &TestDefinition) -> CaseResult {
        let (verdict, got, reason) = match definition.enabled {
            false => (Verdict::Skipped, None, "the detection is not enabled".to_owned()),
            true => match self.decide(definition, test) {
                Err(reason) => (Verdict::Errored, None, reason),
                Ok(decision) => decision.verdict(test),
            },
        };
        CaseResult {
            rule: definition.id.value.clone(),
            case: test.name.clone(),
            expected: test.expect,
            got,
            reason,
            verdict,
        }
    }

    fn decide(
        &mut self,
        definition: &DetectionDefinition,
        test: &TestDefinition,
    ) -> Result<Decision, String> {
        let (table, channel, changes) = match (&test.input, self.compare_states) {
            (TestInput::States(states), Some(compare)) => {
                let ChangeRecords { table, channel, lines } = changes_for(definition, compare(states)?)?;
                (table, Some(channel), Some(TestInput::Record(lines)))
            }
            _ => {
                let table = self.table_of(definition, test)?;
                let channel = self.channel_for(definition, &table);
                (table, channel, None)
            }
        };
        let mapper = self.mapper(&table, channel)?;
        let detector = Detector::compile(
            std::slice::from_ref(definition),
            mapper.schema(),
            mapper.channel(),
            self.compiler,
        )
        .map_err(|mistakes| first_message(&mistakes))?;
        if let Some(left_out) = detector.inapplicable().first() {
            return Err(first_message(&left_out.mistakes));
        }
        let table_definition = self.tables.get(&table).map_err(|error| error.to_string())?;
        let input = changes.as_ref().unwrap_or(&test.input);
        let tested = rows_of(input, table_definition, &mapper, self.find_format, self.now)?;
        let context = DetectContext {
            channel: mapper.channel(),
            table: &table,
            partition: PARTITION,
            origin: Origin::Stream,
            now: self.now,
        };
        let detected = detector.detect(&tested.rows, &context);
        if let Some(failure) = detected.failures.first() {
            return Err(format!("{}; {}", failure.error, seen(&detector, definition, &tested)));
        }
        let seen = seen(&detector, definition, &tested);
        Ok(Decision::new(detected.findings, seen))
    }

    /// The one table that a case is about.
    fn table_of(&self, definition: &DetectionDefinition, test: &TestDefinition) -> Result<String, String> {
        let unknown =
            |name: &str| self.tables.get(name).err().map(|error| format!("{error}; {}", error.hint));
        let pattern = match (&definition.target.value, &test.table) {
            (Target::Table(name), _) => return unknown(name).map_or(Ok(name.clone()), Err),
            (Target::OnChannel { table, .. }, _) => {
                return unknown(&table.value).map_or(Ok(table.value.clone()), Err);
            }
            (Target::Channel(pattern), Some(name)) => {
                if let Some(reason) = unknown(name) {
                    return Err(reason);
                }
                let channel = self.tables.get(name).map(|table| table.channel()).unwrap_or_default();
                return match self.channel_of(name, pattern) {
                    Some(_) => Ok(name.clone()),
                    None => {
                        Err(format!("table `{name}` is on channel {channel}, which {pattern} does not cover"))
                    }
                };
            }
            (Target::Channel(pattern), None) => pattern,
            (Target::LogSource(tables), Some(name)) if tables.contains(name) => return Ok(name.clone()),
            (Target::LogSource(tables), Some(name)) => {
                return Err(format!(
                    "table `{name}` has no rows of the rule's log source, only {}",
                    tables.join(", ")
                ));
            }
            (Target::LogSource(tables), None) => return one_of(tables.iter().map(String::as_str).collect()),
        };
        let covered: Vec<&str> = self
            .tables
            .iter()
            .map(|table| table.name.value.as_str())
            .filter(|table| self.channel_of(table, pattern).is_some())
            .collect();
        match covered.as_slice() {
            [] => Err(format!("no table is on a channel that {pattern} covers")),
            _ => one_of(covered),
        }
    }

    /// The channel that rows of the table are to be on for the detection, if not on the table's.
    fn channel_for(&self, definition: &DetectionDefinition, table: &str) -> Option<String> {
        match &definition.target.value {
            Target::Channel(pattern) => self.channel_of(table, pattern),
            // Rows of a table may be on a channel that only a partition elsewhere has.
            Target::OnChannel { pattern, .. } => {
                Some(self.channel_of(table, pattern).unwrap_or_else(|| pattern.example()))
            }
            Target::Table(_) | Target::LogSource(_) => None,
        }
    }

    /// The channel of the table, or of one of its partitions, that the pattern covers.
    fn channel_of(&self, table: &str, pattern: &ChannelPattern) -> Option<String> {
        let own = self.tables.get(table).ok()?.channel();
        let of_partitions = self.channels.iter().filter(|(of, _)| of == table).map(|(_, channel)| channel);
        std::iter::once(&own).chain(of_partitions).find(|channel| pattern.matches(channel)).cloned()
    }

    fn mapper(&mut self, table: &str, channel: Option<String>) -> Result<Arc<TableMapper>, String> {
        let key = (table.to_owned(), channel.clone());
        if let Some(known) = self.mappers.get(&key) {
            return known.clone();
        }
        let definition = self.tables.get(table).map_err(|error| error.to_string())?;
        let context = PartitionContext { channel, ..PartitionContext::new(PARTITION) };
        let mapper = definition
            .compile(self.compiler, context)
            .map(Arc::new)
            .map_err(|mistakes| format!("table `{table}` has a mistake: {}", first_message(&mistakes)));
        self.mappers.insert(key, mapper.clone());
        mapper
    }
}

fn one_of(tables: Vec<&str>) -> Result<String, String> {
    match tables.as_slice() {
        [one] => Ok((*one).to_owned()),
        several => Err(format!("say by `table` which is meant: {}", several.join(", "))),
    }
}

/// The changes, if the detection looks at them and there is one.
fn changes_for(definition: &DetectionDefinition, changes: ChangeRecords) -> Result<ChangeRecords, String> {
    let ChangeRecords { table, channel, lines } = &changes;
    if !definition.target.value.covers(table, channel) {
        return Err(format!(
            "the changes are on channel {channel} of table `{table}`, where the detection does not look"
        ));
    }
    if lines.is_empty() {
        return Err("`before` and `after` are the same state, so there is no change to look at".to_owned());
    }
    Ok(changes)
}

/// The first mistake in one line.
pub(crate) fn first_message(mistakes: &Diagnostics) -> String {
    let Some(first) = mistakes.iter().next() else { return "it cannot be compiled".to_owned() };
    let place = first.location.as_ref().map(|location| format!("{location}: ")).unwrap_or_default();
    let hint = first.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{place}{}{hint}", first.message)
}
