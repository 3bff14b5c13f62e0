//! The committer: chunks in, commits out. Rows, findings, quarantined records and positions become visible
//! together.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use arrow::array::RecordBatch;
use egret_lake::{Commit, CommitError, DataFile, Lake, LakeError, PartitionCommit, Removal, TableHandle};
use egret_model::finding::{FINDING_TABLE, finding_schema};
use egret_model::quarantine::{QUARANTINE_TABLE, QuarantineOrigin, quarantine_schema};
use egret_model::{Checkpoint, Clock, Column, ColumnType, Finding, Quarantined, TableSchema, TimeRange};
use tokio::runtime::Handle;

use crate::partition::PartitionPlan;
use crate::read::Chunk;

/// How often a commit is tried again after an error that may pass.
const ATTEMPTS: u32 = 5;

/// Why a commit did not happen.
#[derive(Debug, thiserror::Error)]
pub enum CommitterError {
    /// The lake refused.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// Somebody else has changed what the commit builds on.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// Rows could not be put together.
    #[error("cannot put rows together: {0}")]
    Rows(#[from] arrow::error::ArrowError),
    /// A thread that writes files died.
    #[error("a writer failed unexpectedly; this is a bug in Egret")]
    Writer,
}

/// Collects chunks and commits them.
pub struct Committer<'l, 'b> {
    lake: &'l Lake,
    runtime: &'l Handle,
    clock: &'l dyn Clock,
    tables: HashMap<String, TableHandle>,
    sequences: Vec<u64>,
    pending: Vec<Chunk<'b>>,
    /// For runs that commit once: files written but not committed, and the positions that they cover.
    written: Vec<DataFile>,
    moved: Vec<(usize, Checkpoint)>,
}

/// Rows of one table and partition that go to the lake together.
struct Group {
    table: String,
    partition: String,
    rows: Vec<RecordBatch>,
}

impl<'l, 'b> Committer<'l, 'b> {
    /// A committer for partitions that stand at these sequences.
    pub fn new(lake: &'l Lake, runtime: &'l Handle, clock: &'l dyn Clock, sequences: Vec<u64>) -> Self {
        Self {
            lake,
            runtime,
            clock,
            tables: HashMap::new(),
            sequences,
            pending: Vec::new(),
            written: Vec::new(),
            moved: Vec::new(),
        }
    }

    /// Takes a chunk into the next commit.
    pub fn add(&mut self, chunk: Chunk<'b>) {
        self.pending.push(chunk);
    }

    /// Takes a position into the next commit.
    pub fn note(&mut self, partition: usize, checkpoint: Checkpoint) {
        self.moved.push((partition, checkpoint));
    }

    /// Bytes that wait for the next commit.
    pub fn pending_bytes(&self) -> u64 {
        self.pending.iter().filter_map(|chunk| chunk.reservation.as_ref()).map(|part| part.bytes()).sum()
    }

    /// Whether nothing waits for the next commit.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.written.is_empty()
    }

    /// Writes and commits what waits. `None` if that is nothing.
    ///
    /// # Errors
    /// If it cannot; nothing of it is visible then, and no position has moved.
    pub fn commit(&mut self, plans: &[PartitionPlan]) -> Result<Option<i64>, CommitterError> {
        if self.is_empty() {
            return Ok(None);
        }
        self.write_ahead(plans)?;
        let commit = self.commit_of_written(plans);
        Ok(Some(self.commit_with_retries(plans, &commit)?))
    }

    /// Writes the files of what waits, without making them visible. Their bytes are given back to the budget.
    ///
    /// # Errors
    /// If it cannot; the files are orphans then, which compaction removes.
    pub fn write_ahead(&mut self, plans: &[PartitionPlan]) -> Result<(), CommitterError> {
        let chunks = std::mem::take(&mut self.pending);
        let groups = self.groups(plans, &chunks)?;
        self.written.extend(self.write(groups)?);
        for chunk in chunks {
            self.moved.extend(chunk.checkpoint.map(|checkpoint| (chunk.partition, checkpoint)));
        }
        Ok(())
    }

    /// Commits everything that was written ahead and removes what the partitions held of `range` before, in one
    /// commit.
    ///
    /// # Errors
    /// As [`Committer::commit`].
    pub fn replace(&mut self, plans: &[PartitionPlan], range: &TimeRange) -> Result<i64, CommitterError> {
        self.write_ahead(plans)?;
        let mut commit = self.commit_of_written(plans);
        for (plan, partition) in plans.iter().zip(&mut commit.partitions) {
            partition.reset = range.is_open();
            for removal in self.runtime.block_on(self.removals(plan, range))? {
                commit.remove.extend(removal.remove);
                commit.files.extend(removal.files);
            }
        }
        self.commit_with_retries(plans, &commit)
    }

    async fn removals(&self, plan: &PartitionPlan, range: &TimeRange) -> Result<Vec<Removal>, LakeError> {
        let rows = match self.lake.prepare_delete(&plan.table, &plan.name, range).await {
            Err(LakeError::UnknownTable { .. }) => Removal::default(),
            other => other?,
        };
        let about = |about| self.lake.prepare_delete_about(about, &plan.table, &plan.name, range);
        let mut removals = vec![rows, about(FINDING_TABLE).await?];
        if range.is_open() {
            removals.push(about(QUARANTINE_TABLE).await?);
        }
        Ok(removals)
    }

    fn commit_of_written(&mut self, plans: &[PartitionPlan]) -> Commit {
        let files = std::mem::take(&mut self.written);
        let moved = std::mem::take(&mut self.moved);
        Commit {
            message: Some(format!("collected {} files", files.len())),
            files,
            partitions: self.partition_commits(plans, moved),
            author: Some("egret collect".to_owned()),
            ..Commit::default()
        }
    }

    /// Commits; after an error that leaves it unclear whether the commit happened, looks before trying again.
    fn commit_with_retries(
        &mut self,
        plans: &[PartitionPlan],
        commit: &Commit,
    ) -> Result<i64, CommitterError> {
        let mut attempt = 1;
        loop {
            match self.runtime.block_on(self.lake.commit(commit)) {
                Ok(outcome) => {
                    for (plan, sequence) in plans.iter().zip(&mut self.sequences) {
                        if let Some(new) = outcome.sequences.get(&plan.path()) {
                            *sequence = *new;
                        }
                    }
                    return Ok(outcome.snapshot);
                }
                Err(CommitError::Lake(error)) if error.may_retry() && attempt < ATTEMPTS => {
                    tracing::warn!(%error, attempt, "the commit failed; trying again");
                    if let Some(snapshot) = self.happened_after_all(commit)? {
                        return Ok(snapshot);
                    }
                    thread::sleep(std::time::Duration::from_millis(50 << attempt));
                    attempt += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Whether a commit that reported an error is visible: the sequences have moved as it would have moved them.
    /// Nobody else moves them, since this process holds the partitions' locks.
    fn happened_after_all(&mut self, commit: &Commit) -> Result<Option<i64>, CommitterError> {
        let Some(first) = commit.partitions.first() else { return Ok(None) };
        let sequence = self.runtime.block_on(self.lake.sequence(&first.partition))?;
        if sequence == first.expected_sequence {
            return Ok(None);
        }
        for sequence in &mut self.sequences {
            *sequence += 1;
        }
        Ok(Some(self.runtime.block_on(self.lake.snapshot())?))
    }

    /// Each partition's part of the commit: the newest checkpoint of each of its objects.
    fn partition_commits(
        &self,
        plans: &[PartitionPlan],
        moved: Vec<(usize, Checkpoint)>,
    ) -> Vec<PartitionCommit> {
        let mut newest: Vec<HashMap<String, Checkpoint>> = plans.iter().map(|_| HashMap::new()).collect();
        for (partition, checkpoint) in moved {
            newest[partition].insert(checkpoint.object.clone(), checkpoint);
        }
        let with_checkpoints = plans.iter().zip(&self.sequences).zip(newest);
        with_checkpoints
            .map(|((plan, sequence), checkpoints)| PartitionCommit {
                partition: plan.path(),
                expected_sequence: *sequence,
                checkpoints: checkpoints.into_values().collect(),
                reset: false,
            })
            .collect()
    }

    /// Sorts the chunks' rows, findings and quarantined records by table and partition, and sees to it that the
    /// lake has their columns.
    fn groups(
        &mut self,
        plans: &[PartitionPlan],
        chunks: &[Chunk<'_>],
    ) -> Result<Vec<Group>, CommitterError> {
        let mut groups = Vec::new();
        for (index, plan) in plans.iter().enumerate() {
            let own: Vec<&Chunk<'_>> = chunks.iter().filter(|chunk| chunk.partition == index).collect();
            let rows: Vec<RecordBatch> = own
                .iter()
                .filter(|chunk| chunk.rows.num_rows() > 0)
                .map(|chunk| chunk.rows.clone())
                .collect();
            let findings: Vec<Finding> =
                own.iter().flat_map(|chunk| chunk.findings.iter().cloned()).collect();
            let quarantined = self.quarantined(plan, &own)?;
            if !rows.is_empty() {
                self.ensure(&with_mapped_columns(plan.mapper.schema(), &rows))?;
                groups.push(Group { table: plan.table.clone(), partition: plan.name.clone(), rows });
            }
            if !findings.is_empty() {
                self.ensure(&finding_schema())?;
                let rows = vec![Finding::to_rows(&findings)?];
                groups.push(Group { table: FINDING_TABLE.to_owned(), partition: plan.name.clone(), rows });
            }
            if !quarantined.is_empty() {
                self.ensure(&quarantine_schema())?;
                let table = QUARANTINE_TABLE.to_owned();
                groups.push(Group { table, partition: plan.name.clone(), rows: quarantined });
            }
        }
        Ok(groups)
    }

    fn quarantined(
        &self,
        plan: &PartitionPlan,
        chunks: &[&Chunk<'_>],
    ) -> Result<Vec<RecordBatch>, CommitterError> {
        let now = self.clock.now();
        let mut batches = Vec::new();
        for chunk in chunks.iter().filter(|chunk| !chunk.quarantined.is_empty()) {
            let origin = QuarantineOrigin {
                table: &plan.table,
                partition: &plan.name,
                object: &chunk.object,
                location: &chunk.location,
                now,
            };
            batches.push(Quarantined::to_rows(&chunk.quarantined, &origin)?);
        }
        Ok(batches)
    }

    /// Makes or extends the lake's table, unless it is known to have these columns.
    fn ensure(&mut self, schema: &TableSchema) -> Result<(), CommitterError> {
        let known = self.tables.get(&schema.name);
        let has_all = known.is_some_and(|table| {
            schema.columns.iter().all(|column| table.schema().column_with_name(&column.name).is_some())
        });
        if !has_all {
            let table = self.runtime.block_on(self.lake.ensure_table(schema))?;
            self.tables.insert(schema.name.clone(), table);
        }
        Ok(())
    }

    /// Writes the files of all groups, each group on a thread of its own.
    fn write(&self, groups: Vec<Group>) -> Result<Vec<DataFile>, CommitterError> {
        thread::scope(|scope| {
            let writers: Vec<_> = groups
                .iter()
                .filter_map(|group| Some((group, self.tables.get(&group.table)?)))
                .map(|(group, table)| {
                    let table = Arc::clone(table);
                    scope.spawn(move || self.lake.write_files(&table, &group.partition, &group.rows))
                })
                .collect();
            let mut files = Vec::new();
            for writer in writers {
                files.extend(writer.join().map_err(|_| CommitterError::Writer)??);
            }
            Ok(files)
        })
    }
}

/// The table's columns and those that mapped fields added to the rows, as text.
fn with_mapped_columns(schema: &TableSchema, rows: &[RecordBatch]) -> TableSchema {
    let mut schema = schema.clone();
    for field in rows.iter().flat_map(|batch| batch.schema().fields().to_vec()) {
        if schema.column(field.name()).is_none() {
            schema.columns.push(Column::new(field.name(), ColumnType::Varchar, "A field of the record."));
        }
    }
    schema
}
