//! One run of one generator, from its source to the lake.

use std::sync::Arc;

use egret_lake::Lake;
use egret_model::Timestamp;
use egret_pipeline::{CollectOptions, CollectReport, Collector, Observer, StopSignal};
use egret_state::{GeneratorDefinition, RunOptions, RunOutcome, RunRecord, StateSource, StateStore};
use serde::Serialize;
use tokio::runtime::Handle;

use crate::project::Project;

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The generator.
    pub generator: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The channel of its changes.
    pub channel: String,
    /// The run's id.
    pub run: String,
    /// When it began.
    pub started_at: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// Objects in the state.
    pub objects: u64,
    /// What became different.
    pub changes: u64,
    /// What was found in that.
    pub findings: u64,
    /// Parts that could not be looked at.
    pub failed_parts: u64,
    /// What went wrong, or is worth knowing.
    pub notes: Vec<String>,
}

impl RunReport {
    fn new(kind: &'static str, record: RunRecord, findings: u64) -> Self {
        Self {
            generator: record.generator,
            kind,
            channel: record.channel,
            run: record.run,
            started_at: record.started_at,
            seconds: record.took as f64 / 1e6,
            outcome: record.outcome,
            objects: record.objects,
            changes: record.changes,
            findings,
            failed_parts: record.failed_parts,
            notes: record.notes,
        }
    }

    /// Of a run that broke down: a mistake in Egret, which must not take other generators with it.
    pub fn broken(generator: &GeneratorDefinition, now: Timestamp) -> Self {
        let mut record = RunRecord::new(&generator.name.value, &generator.channel, now);
        record.notes.push("it broke down, a mistake in Egret: please report it".to_owned());
        Self::new(generator.kind, record, 0)
    }

    /// Whether the generator did not give all that there is.
    pub fn is_incomplete(&self) -> bool {
        matches!(self.outcome, RunOutcome::Failed | RunOutcome::HeldBack) || self.failed_parts > 0
    }
}

/// What runs work with.
#[derive(Clone, Copy)]
pub struct RunContext<'r> {
    /// The configuration.
    pub project: &'r Project,
    /// Where changes go.
    pub lake: &'r Lake,
    /// Where states are kept.
    pub store: &'r Arc<dyn StateStore>,
    /// Runs what waits.
    pub runtime: &'r Handle,
    /// Bytes of rows in flight, of each run.
    pub memory: u64,
    /// What is done other than usual.
    pub options: RunOptions,
    /// Who watches.
    pub observer: &'r dyn Observer,
    /// Asks to stop.
    pub stop: &'r StopSignal,
}

impl RunContext<'_> {
    /// Runs a generator. `None` if another process is at it, or it was stopped. Whatever goes wrong is in the report.
    pub fn run(&self, generator: &GeneratorDefinition) -> Option<RunReport> {
        let started = self.project.clock.now();
        let source =
            StateSource::new(generator.clone(), Arc::clone(self.store), self.runtime.clone(), self.options);
        let source = Arc::new(source.stopped_by(self.stop.shared_flag()));
        let collected = self.collect(generator, &source);
        let is_committed = collected.as_ref().is_ok_and(|report| report.snapshot.is_some());
        if self.stop.is_stopped() && !is_committed {
            return None;
        }
        let new = || RunRecord::new(&generator.name.value, &generator.channel, started);
        let (record, findings) = match (collected, source.record()) {
            (Ok(report), _) if !report.skipped.is_empty() => return None,
            (Ok(_), None) => return None,
            (Ok(_), Some(record)) if record.is_new_state() && !is_committed => {
                (uncommitted(record, "what changed could not be read to its end"), 0)
            }
            (Ok(report), Some(record)) => (record, report.partitions.iter().map(|part| part.findings).sum()),
            // It says why.
            (Err(_), Some(record)) if record.outcome == RunOutcome::Failed => (record, 0),
            (Err(why), record) => (uncommitted(record.unwrap_or_else(new), &why), 0),
        };
        Some(self.note(generator, record, findings))
    }

    /// Notes a run. If that fails, what was committed is in the lake all the same, and the next run notes it.
    fn note(&self, generator: &GeneratorDefinition, record: RunRecord, findings: u64) -> RunReport {
        let noted = self.runtime.block_on(self.store.put_run(&record));
        let mut report = RunReport::new(generator.kind, record, findings);
        if let Err(error) = noted {
            report.outcome = RunOutcome::Failed;
            report.notes.push(format!("the run cannot be noted: {error}"));
        }
        report
    }

    fn collect(
        &self,
        generator: &GeneratorDefinition,
        source: &Arc<StateSource>,
    ) -> Result<CollectReport, String> {
        let plan = self.project.plan_of_changes(generator, Arc::clone(source) as _);
        let collector = Collector {
            lake: self.lake,
            runtime: self.runtime,
            clock: Arc::clone(&self.project.clock),
            options: CollectOptions {
                // There is one object.
                threads: 1,
                memory: self.memory,
                one_commit: true,
                ..CollectOptions::default()
            },
            observer: self.observer,
            stop: self.stop,
        };
        collector
            .collect(vec![plan.map_err(|failure| failure.to_string())?])
            .map_err(|error| error.to_string())
    }
}

/// What it saw did not come into the lake, so the state before stays; the next run sees it again.
fn uncommitted(record: RunRecord, why: &str) -> RunRecord {
    let mut notes = record.notes;
    notes.push(why.to_owned());
    RunRecord { outcome: RunOutcome::Failed, root: None, changes: 0, notes, ..record }
}
