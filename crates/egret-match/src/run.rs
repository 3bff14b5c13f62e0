//! Running a program over a batch of rows.

mod evaluate;
mod fields;

use std::ops::AddAssign;
use std::time::Duration;

use arrow::array::RecordBatch;

use crate::bits::Bits;
use crate::graph::NodeId;
use crate::memo::{Memo, SetId, Sets};
use crate::prefilter::Haystack;
use crate::program::Program;
use crate::scanner::Scratch;

pub(crate) use fields::{column, texts};

/// Values remembered for longer than a batch take at most so much memory for each thread.
const MAX_MEMO_BYTES: usize = 32 << 20;

/// So many different sets of hits are remembered; where values are all different, that they were alike is no help.
const MAX_SETS: usize = 1 << 20;

/// No field found yet.
const NOT_FOUND: SetId = SetId::MAX;

/// The match of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The row of the batch.
    pub row: usize,
    /// The rule, by its place among those that were compiled.
    pub rule: usize,
}

/// What running a rule took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleStatistics {
    /// Rows for which a test held that the rule needs.
    pub candidates: u64,
    /// Batches on which the rule was evaluated.
    pub evaluations: u64,
    /// Rows that match.
    pub hits: u64,
    /// Evaluations that were timed.
    timed: u64,
    /// What those took.
    timed_for: Duration,
}

impl RuleStatistics {
    /// The time of evaluating it, once the tests of fields are done: one evaluation in 64 is measured, and stands for
    /// the others.
    pub fn time(&self) -> Duration {
        let share = self.evaluations as f64 / self.timed.max(1) as f64;
        self.timed_for.mul_f64(share)
    }
}

impl AddAssign for RuleStatistics {
    fn add_assign(&mut self, other: Self) {
        self.candidates += other.candidates;
        self.evaluations += other.evaluations;
        self.hits += other.hits;
        self.timed += other.timed;
        self.timed_for += other.timed_for;
    }
}

/// What a thread needs to run a program: memory used again, values known from before, and statistics.
#[derive(Default)]
pub struct Memory {
    scratch: Scratch,
    hits: Vec<u32>,
    sets: Sets,
    /// For each field, and behind them for keywords.
    memos: Vec<Memo>,
    /// For each field, the set of predicates that hold for each row. None of a field that was not looked at.
    found: Vec<Vec<SetId>>,
    /// For each row, the keywords that are in one of its values, where that was asked.
    keywords: Vec<SetId>,
    /// For each predicate that held for some row of the batch.
    holds: Vec<Option<Bits>>,
    held: Vec<u32>,
    values: Vec<Option<Bits>>,
    valued: Vec<NodeId>,
    statistics: Vec<RuleStatistics>,
}

impl Memory {
    /// For running `program`.
    pub fn new(program: &Program) -> Self {
        Self {
            memos: (0..=program.fields.len()).map(|_| Memo::default()).collect(),
            found: vec![Vec::new(); program.fields.len()],
            holds: vec![None; program.predicates.len()],
            values: vec![None; program.nodes.len()],
            statistics: vec![RuleStatistics::default(); program.rules.len()],
            ..Self::default()
        }
    }

    /// For each rule, what running it took so far.
    pub fn statistics(&self) -> &[RuleStatistics] {
        &self.statistics
    }

    fn begin_batch(&mut self) {
        let bytes: usize = self.memos.iter().map(Memo::bytes).sum();
        if bytes > MAX_MEMO_BYTES || self.sets.len() > MAX_SETS {
            self.memos.iter_mut().for_each(Memo::clear);
            self.sets = Sets::default();
        }
        for predicate in self.held.drain(..) {
            self.holds[predicate as usize] = None;
        }
        for node in self.valued.drain(..) {
            self.values[node as usize] = None;
        }
    }
}

impl Program {
    /// The matches among the rows of `batch`, by row.
    pub fn run(&self, batch: &RecordBatch, memory: &mut Memory) -> Vec<Match> {
        let mut matches = Vec::new();
        if self.is_empty() || batch.num_rows() == 0 {
            return matches;
        }
        memory.begin_batch();
        let mut run = Run { program: self, batch, rows: batch.num_rows(), haystack: None, memory };
        run.find_fields();
        for rule in run.candidates() {
            run.evaluate(rule as usize, &mut matches);
        }
        matches.sort_unstable();
        matches
    }
}

struct Run<'r> {
    program: &'r Program,
    batch: &'r RecordBatch,
    rows: usize,
    /// All texts, once they were asked for.
    haystack: Option<Haystack>,
    memory: &'r mut Memory,
}
