//! What a run tells while it works, and at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egret_detect::{Detector, RuleStatistics};
use egret_model::Finding;
use serde::Serialize;

use crate::read::Chunk;

/// Watches a run: the binary draws progress bars and prints findings. Called from several threads; nothing
/// waits for it, so it must be quick.
pub trait Observer: Send + Sync {
    /// A partition's source was listed: so many objects of so many stored bytes may hold something new.
    fn listed(&self, _partition: &str, _objects: u64, _stored_bytes: u64) {}
    /// So many more stored bytes were read.
    fn read(&self, _stored_bytes: u64) {}
    /// An object is done with.
    fn object_done(&self) {}
    /// Rows have passed the filter, with what was found in them.
    fn rows(&self, _rows: u64, _findings: &[Finding]) {}
    /// A commit became visible.
    fn committed(&self, _snapshot: i64) {}
    /// Something did not work, and the run went on without it.
    fn warning(&self, _message: &str) {}
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}

/// Asks a run to stop soon, in a state that the next run resumes from.
#[derive(Debug, Clone, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Asks.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// The flag itself, for those who only look at it.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }

    /// The flag, for those who look at it for longer than this value may live.
    pub fn shared_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether somebody has asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a run did to one partition.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PartitionReport {
    /// The table.
    pub table: String,
    /// The partition.
    pub partition: String,
    /// Objects that were read.
    pub files: u64,
    /// Bytes that were read, decompressed.
    pub bytes_read: u64,
    /// Rows that were stored.
    pub rows: u64,
    /// Rows that the filter or the time range left out.
    pub filtered: u64,
    /// Records that could not become rows.
    pub quarantined: u64,
    /// Findings that were made.
    pub findings: u64,
    /// Time from the start of the run to the partition's last commit.
    pub seconds: f64,
    /// Objects that had not changed and were not opened.
    #[serde(skip)]
    pub unchanged: u64,
    /// Values that did not fit their column; the originals are in `extra`.
    #[serde(skip)]
    pub misfits: u64,
    /// Objects that could not be read to the end.
    #[serde(skip)]
    pub failures: u64,
    /// Objects whose last line somebody may still be writing; it is left for the next run.
    #[serde(skip)]
    pub held_back: u64,
    /// What each rule took that is made of tests of fields, if it was evaluated at all.
    #[serde(skip)]
    pub rules: Vec<RuleReport>,
}

/// What a rule took in a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleReport {
    /// The rule's id.
    pub detection_id: String,
    /// How often it was evaluated, and what came of it.
    pub statistics: RuleStatistics,
}

impl PartitionReport {
    /// Adds what a chunk of the partition holds.
    pub(crate) fn count(&mut self, chunk: &Chunk<'_>) {
        self.bytes_read += chunk.bytes;
        self.rows += chunk.rows.num_rows() as u64;
        self.filtered += chunk.filtered;
        self.quarantined += chunk.quarantined.len() as u64;
        self.findings += chunk.findings.len() as u64;
        self.misfits += chunk.misfits;
    }

    /// Says what the rules took so far.
    pub(crate) fn note_rules(&mut self, detector: &Detector) {
        let evaluated = detector.statistics().filter(|(_, statistics)| statistics.evaluations > 0);
        self.rules = evaluated
            .map(|(rule, statistics)| RuleReport { detection_id: rule.id.value.clone(), statistics })
            .collect();
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct CollectReport {
    /// One for each partition, in the order of the configuration.
    pub partitions: Vec<PartitionReport>,
    /// The lake's snapshot after the last commit; `null` if there was none.
    pub snapshot: Option<i64>,
    /// Partitions that another process is collecting.
    #[serde(skip)]
    pub skipped: Vec<String>,
    /// Whether the run was asked to stop before it was done.
    #[serde(skip)]
    pub interrupted: bool,
}

impl CollectReport {
    /// Whether something could not be done.
    pub fn is_incomplete(&self) -> bool {
        !self.skipped.is_empty() || self.partitions.iter().any(|partition| partition.failures > 0)
    }
}
