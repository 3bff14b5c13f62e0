//! Collecting: what is new in the partitions' sources becomes rows and findings in the lake.
//!
//! ```text
//! source ─ list ─→ objects ─ workers ─→ chunks ─ committer ─→ lake
//!                            decode, map, filter, detect      rows + findings + quarantine + positions
//! ```
//!
//! Each object is read by one worker, in order; different objects are read at the same time. The committer
//! runs on the calling thread. It commits when enough has come together, so a run that is killed loses at
//! most the work since its last commit, and never a row.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use egret_lake::{Lake, LakeError, PartitionLock};
use egret_model::{Checkpoint, Clock, Object, Origin, SourceContext, SourceError, TimeRange};
use tokio::runtime::Handle;

use crate::budget::{Budget, CloseOnDrop};
use crate::commit::{Committer, CommitterError};
use crate::drift::Drift;
use crate::observer::{CollectReport, Observer, PartitionReport, StopSignal};
use crate::partition::PartitionPlan;
use crate::read::{Chunk, ObjectEnd, ReadContext, block_pool};
use crate::state::ObjectState;
use crate::workers::{Delivery, Job, read_all};

/// How long to wait for the next chunk before looking whether the budget is exhausted.
const TICK: Duration = Duration::from_millis(20);

/// What a run may use, and what it is to collect.
#[derive(Debug, Clone)]
pub struct CollectOptions {
    /// Threads that read and decode.
    pub threads: usize,
    /// Bytes of rows in flight.
    pub memory: u64,
    /// Only rows of this range of event time. No object counts as done then.
    pub range: TimeRange,
    /// Collect again what was collected before: the rows and findings of the range are replaced in one commit.
    pub overwrite: bool,
    /// Commit everything at once at the end, or nothing if something could not be read: half of a state is none.
    pub one_commit: bool,
    /// Stop once so many records were quarantined.
    pub max_errors: Option<u64>,
    /// Read and detect, but store nothing.
    pub dry_run: bool,
}

impl Default for CollectOptions {
    fn default() -> Self {
        let threads = thread::available_parallelism().map_or(2, usize::from);
        Self {
            threads,
            memory: 256 << 20,
            range: TimeRange::default(),
            overwrite: false,
            one_commit: false,
            max_errors: None,
            dry_run: false,
        }
    }
}

/// Why a run ended before it was done. What was committed before stays; the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The lake cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// A commit did not happen.
    #[error(transparent)]
    Commit(#[from] CommitterError),
    /// A partition's source cannot be listed at all.
    #[error("partition {partition}: {error}")]
    Source {
        /// The partition.
        partition: String,
        /// Why.
        #[source]
        error: SourceError,
    },
    /// Something could not be read, so what is to be replaced would be lost.
    #[error("nothing was replaced: {failures} files could not be read to their end")]
    NotReplaced {
        /// So many.
        failures: u64,
    },
    /// More records were quarantined than was allowed. What was collected until then is stored.
    #[error("{quarantined} records were quarantined, more than the {allowed} that --max-errors allows")]
    TooManyErrors {
        /// So many.
        quarantined: u64,
        /// Instead of at most so many.
        allowed: u64,
    },
}

/// Collects partitions into a lake.
pub struct Collector<'l> {
    /// The lake.
    pub lake: &'l Lake,
    /// Runs what the lake does asynchronously. The caller must not be one of its threads.
    pub runtime: &'l Handle,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What it may use.
    pub options: CollectOptions,
    /// Who watches.
    pub observer: &'l dyn Observer,
    /// Asks to stop.
    pub stop: &'l StopSignal,
}

/// What is known of the partitions before reading begins.
struct Prepared {
    plans: Vec<PartitionPlan>,
    reports: Vec<PartitionReport>,
    sequences: Vec<u64>,
    jobs: Vec<Job>,
    /// By partition, the checkpoints that earlier runs left, by object.
    known: Vec<HashMap<String, Checkpoint>>,
    drifts: Vec<Drift>,
    /// Held until the run ends.
    _locks: Vec<PartitionLock>,
    skipped: Vec<String>,
}

impl Collector<'_> {
    /// Collects what is new.
    ///
    /// # Errors
    /// If the lake fails. A partition whose objects cannot be read is reported instead, and the others are
    /// collected.
    pub fn collect(&self, plans: Vec<PartitionPlan>) -> Result<CollectReport, CollectError> {
        let started = self.clock.now();
        let mut prepared = self.prepare(plans)?;
        let jobs = std::mem::take(&mut prepared.jobs);
        let budget = Budget::new(self.options.memory);
        let blocks = block_pool();
        let context = ReadContext {
            clock: &*self.clock,
            budget: &budget,
            blocks: &blocks,
            observer: self.observer,
            stop: self.stop,
            range: self.options.range,
            origin: if self.options.overwrite { Origin::Replay } else { Origin::Stream },
            decoders: 1,
        };
        let sequences = prepared.sequences.clone();
        let mut run = Run {
            collector: self,
            plans: &prepared.plans,
            reports: prepared.reports,
            committer: Committer::new(self.lake, self.runtime, &*self.clock, sequences),
            known: prepared.known,
            drifts: prepared.drifts,
            budget: &budget,
            snapshot: None,
            started,
        };
        thread::scope(|scope| {
            // Whatever happens, even a panic, the readers must not wait for a committer that is gone.
            let _closed_at_the_end = CloseOnDrop(&budget);
            let deliveries = read_all(scope, self.options.threads, context, &prepared.plans, jobs);
            run.commit_all(&deliveries)
        })?;
        let mut partitions = run.reports;
        for (partition, plan) in partitions.iter_mut().zip(&prepared.plans) {
            partition.note_rules(&plan.detector);
        }
        Ok(CollectReport {
            partitions,
            snapshot: run.snapshot,
            skipped: prepared.skipped,
            interrupted: self.stop.is_stopped(),
        })
    }

    /// Locks the partitions, reads their positions and lists their sources.
    fn prepare(&self, plans: Vec<PartitionPlan>) -> Result<Prepared, CollectError> {
        let mut prepared = Prepared {
            plans: Vec::new(),
            reports: Vec::new(),
            sequences: Vec::new(),
            jobs: Vec::new(),
            known: Vec::new(),
            drifts: Vec::new(),
            _locks: Vec::new(),
            skipped: Vec::new(),
        };
        let tables = self.runtime.block_on(self.lake.tables())?;
        for mut plan in plans {
            let path = plan.path();
            let Some(lock) = self.lake.lock_partition(&path)? else {
                self.observer.warning(&format!("{path} is being collected by another process; skipped"));
                prepared.skipped.push(path);
                continue;
            };
            let mut checkpoints = self.runtime.block_on(self.lake.checkpoints(&path))?;
            prepared.drifts.push(Drift::new(&mut checkpoints, plan.format.fields()));
            prepared.known.push(checkpoints.clone());
            if self.options.overwrite {
                // Files keep the names that they had when they were first seen, and so do rows their ids; but
                // nothing of them counts as stored.
                for checkpoint in checkpoints.values_mut() {
                    let state = ObjectState { ranges: Vec::new(), ..ObjectState::of(checkpoint) }.to_text();
                    *checkpoint = Checkpoint { offset: 0, finished: false, state, ..checkpoint.clone() };
                }
            }
            prepared.sequences.push(self.runtime.block_on(self.lake.sequence(&path))?);
            plan.states = states(&checkpoints);
            if let Some(table) = tables.iter().find(|table| table.name() == plan.table) {
                let columns = table.columns();
                plan.mapper.plan().mapped_fields().note(columns.iter().map(|column| column.name.as_str()));
            }
            let index = prepared.plans.len();
            let mut report = PartitionReport {
                table: plan.table.clone(),
                partition: plan.name.clone(),
                ..Default::default()
            };
            let objects = self.list(&plan, checkpoints, &mut report)?;
            prepared.jobs.extend(objects.into_iter().map(|object| Job { partition: index, object }));
            prepared.plans.push(plan);
            prepared.reports.push(report);
            prepared._locks.push(lock);
        }
        Ok(prepared)
    }

    fn list(
        &self,
        plan: &PartitionPlan,
        checkpoints: HashMap<String, Checkpoint>,
        report: &mut PartitionReport,
    ) -> Result<Vec<Object>, CollectError> {
        let own_states = checkpoints
            .into_iter()
            .map(|(object, checkpoint)| {
                let state = ObjectState::of(&checkpoint).source;
                (object, Checkpoint { state, ..checkpoint })
            })
            .collect();
        let context = SourceContext { clock: Arc::clone(&self.clock), checkpoints: Arc::new(own_states) };
        let listing = plan
            .source
            .list(&context)
            .map_err(|error| CollectError::Source { partition: plan.path(), error })?;
        for failure in &listing.failures {
            self.observer.warning(&format!("{}: {failure}", plan.path()));
        }
        report.failures = listing.failures.len() as u64;
        report.unchanged = listing.unchanged;
        let stored_bytes = listing.objects.iter().filter_map(|object| object.size).sum();
        self.observer.listed(&plan.path(), listing.objects.len() as u64, stored_bytes);
        Ok(listing.objects)
    }
}

/// What earlier runs left about each object, where it is more than a position.
fn states(checkpoints: &HashMap<String, Checkpoint>) -> HashMap<String, ObjectState> {
    checkpoints
        .iter()
        .map(|(object, checkpoint)| (object.clone(), ObjectState::of(checkpoint)))
        .filter(|(_, state)| !state.ranges.is_empty())
        .collect()
}

/// The checkpoint of an object of which a range was replaced: it is collected as far as it was. Where the run came
/// further, the rows of the range are there too. `None` if nothing changes.
fn replaced_in(known: &Checkpoint, moved: &Checkpoint) -> Option<Checkpoint> {
    let mut state = ObjectState::of(known);
    let further = ObjectState::of(moved).ranges.into_iter().filter(|range| range.until > known.offset);
    let before = state.ranges.len();
    state.ranges.extend(further);
    (state.ranges.len() > before).then(|| Checkpoint {
        finished: false,
        state: state.to_text(),
        ..known.clone()
    })
}

/// One run, while it works.
struct Run<'r, 'b> {
    collector: &'r Collector<'r>,
    plans: &'r [PartitionPlan],
    reports: Vec<PartitionReport>,
    committer: Committer<'r, 'b>,
    known: Vec<HashMap<String, Checkpoint>>,
    drifts: Vec<Drift>,
    budget: &'b Budget,
    snapshot: Option<i64>,
    started: egret_model::Timestamp,
}

impl<'b> Run<'_, 'b> {
    /// Commits everything that readers deliver.
    fn commit_all(
        &mut self,
        deliveries: &crossbeam_channel::Receiver<Delivery<'b>>,
    ) -> Result<(), CollectError> {
        loop {
            match deliveries.recv_timeout(TICK) {
                Ok(Delivery::Chunk(chunk)) => self.take(*chunk)?,
                Ok(Delivery::End(end)) => self.end(&end),
                // Every byte of the budget waits for a commit, so nobody can go on without one.
                Err(RecvTimeoutError::Timeout) if self.budget.is_exhausted() => self.commit()?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Half of the budget: readers fill the other half meanwhile.
            if self.committer.pending_bytes() >= self.collector.options.memory / 2 {
                self.commit()?;
            }
        }
        if self.collector.options.overwrite {
            return self.replace();
        }
        if self.collector.options.one_commit {
            return self.commit_whole();
        }
        self.commit()
    }

    fn take(&mut self, mut chunk: Chunk<'b>) -> Result<(), CollectError> {
        let options = &self.collector.options;
        if !options.range.is_open() {
            // A record without a time is in no range: it is kept when the object is collected as a whole.
            chunk.quarantined.clear();
            if let (true, Some(known)) = (options.overwrite, self.known[chunk.partition].get(&*chunk.object))
            {
                chunk.checkpoint = chunk.checkpoint.and_then(|moved| replaced_in(known, &moved));
            }
        }
        self.reports[chunk.partition].count(&chunk);
        self.drifts[chunk.partition].note(std::mem::take(&mut chunk.unknown_fields));
        chunk.detection_warnings().for_each(|warning| self.collector.observer.warning(&warning));
        if options.dry_run {
            chunk.reservation = None;
        } else {
            self.committer.add(chunk);
        }
        let quarantined = self.reports.iter().map(|report| report.quarantined).sum();
        match self.collector.options.max_errors {
            Some(allowed) if quarantined > allowed => {
                if !self.collector.options.overwrite {
                    self.commit()?;
                }
                Err(CollectError::TooManyErrors { quarantined, allowed })
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self, end: &ObjectEnd) {
        let report = &mut self.reports[end.partition];
        report.files += 1;
        report.held_back += u64::from(end.held_back);
        if let Some(failure) = &end.failure {
            report.failures += 1;
            self.collector.observer.warning(&format!("{}: {failure}", end.location));
        }
    }

    /// Replaces what the range held before by what was collected, in one commit. A run that was asked to stop
    /// before it had everything, or that could not read everything, changes nothing.
    fn replace(&mut self) -> Result<(), CollectError> {
        if self.collector.options.dry_run || self.collector.stop.is_stopped() {
            return Ok(());
        }
        let failures = self.reports.iter().map(|report| report.failures).sum();
        if failures > 0 {
            return Err(CollectError::NotReplaced { failures });
        }
        self.note_drift();
        let snapshot = self.committer.replace(self.plans, &self.collector.options.range)?;
        self.done(snapshot);
        Ok(())
    }

    /// Commits everything, unless it is not everything: then the next run begins anew.
    fn commit_whole(&mut self) -> Result<(), CollectError> {
        let is_whole = self.reports.iter().all(|report| report.failures == 0);
        if is_whole && !self.collector.stop.is_stopped() { self.commit_now() } else { Ok(()) }
    }

    fn commit(&mut self) -> Result<(), CollectError> {
        if self.collector.options.overwrite || self.collector.options.one_commit {
            return Ok(self.committer.write_ahead(self.plans)?);
        }
        self.commit_now()
    }

    fn commit_now(&mut self) -> Result<(), CollectError> {
        if !self.committer.is_empty() {
            self.note_drift();
        }
        if let Some(snapshot) = self.committer.commit(self.plans)? {
            self.done(snapshot);
        }
        Ok(())
    }

    fn note_drift(&mut self) {
        for (partition, drift) in self.drifts.iter().enumerate() {
            if let Some(checkpoint) = drift.checkpoint() {
                self.committer.note(partition, checkpoint);
            }
        }
    }

    fn done(&mut self, snapshot: i64) {
        self.snapshot = Some(snapshot);
        self.collector.observer.committed(snapshot);
        for (plan, drift) in self.plans.iter().zip(&mut self.drifts) {
            if let Some(message) = drift.tell() {
                self.collector.observer.warning(&format!("{}: {message}", plan.path()));
            }
        }
        let micros = self.collector.clock.now().micros() - self.started.micros();
        for report in &mut self.reports {
            report.seconds = micros as f64 / 1e6;
        }
    }
}
