//! The commit: files in, files out, checkpoints moved, over any number of tables, in one transaction.
//!
//! Who reads the lake sees all of a commit or nothing of it. It takes the catalog's write lock, checks that
//! nothing it builds on has changed, and only then writes.

mod add;
mod remove;

use std::collections::HashMap;

use egret_model::Checkpoint;

use crate::catalog::{Message, NextSnapshot, Transaction};
use crate::checkpoint;
use crate::error::{CommitError, LakeError};
use crate::lake::Lake;
use crate::write::DataFile;

/// What becomes visible at once.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// Files to add.
    pub files: Vec<DataFile>,
    /// Files to remove.
    pub remove: Vec<FileRef>,
    /// The partitions that this commit collects, with the checkpoints that move.
    pub partitions: Vec<PartitionCommit>,
    /// Who commits, for the lake's history.
    pub author: Option<String>,
    /// Why, for the lake's history.
    pub message: Option<String>,
    /// More about it, as JSON, for the lake's history.
    pub extra_info: Option<String>,
}

/// One partition's part of a commit.
#[derive(Debug, Clone, Default)]
pub struct PartitionCommit {
    /// The partition, as `table.partition`.
    pub partition: String,
    /// The partition's sequence that this commit builds on: the last commit's, or [`Lake::sequence`].
    pub expected_sequence: u64,
    /// The objects whose position moves. If an object occurs twice, the last one counts.
    pub checkpoints: Vec<Checkpoint>,
    /// Whether all other checkpoints of the partition are forgotten, so that it is collected anew.
    pub reset: bool,
}

/// Committed rows that a commit removes: a file, as it was at some snapshot. [`Lake::prepare_delete`] gives
/// them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileRef {
    pub(crate) table: String,
    pub(crate) table_id: i64,
    pub(crate) rows: StoredRows,
    /// The snapshot at which they were read.
    pub(crate) snapshot: i64,
}

/// Where rows are stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum StoredRows {
    /// In a data file, by its number.
    File(i64),
    /// In the catalog itself, where DuckDB keeps small inserts: those of one partition and day.
    Inlined { partition: String, date: String },
}

/// What a commit made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommitOutcome {
    /// The snapshot that has it.
    pub snapshot: i64,
    /// The new sequence of each partition in the commit.
    pub sequences: HashMap<String, u64>,
}

impl Lake {
    /// Commits. All of it becomes visible, or nothing.
    ///
    /// When it fails for another reason than a conflict, the commit may still have happened: ask
    /// [`Self::sequence`] of its partitions before trying again.
    ///
    /// # Errors
    /// [`CommitError::Conflict`] if another process has changed what this commit builds on.
    pub async fn commit(&self, commit: &Commit) -> Result<CommitOutcome, CommitError> {
        checkpoint::bring_back(self).await?;
        let mut transaction = self.catalog().write().await?;
        let mut next = NextSnapshot::begin(&mut transaction, self.clock().now()).await?;
        let mut outcome = CommitOutcome::default();
        self.apply(&mut transaction, &mut next, commit, &mut outcome).await?;
        if next.is_empty() {
            outcome.snapshot = next.id() - 1;
            return Ok(outcome);
        }
        outcome.snapshot = next.id();
        let message = Message {
            author: commit.author.as_deref(),
            text: commit.message.as_deref(),
            extra: commit.extra_info.as_deref(),
        };
        next.insert(&mut transaction, Some(message)).await?;
        transaction.commit().await?;
        Ok(outcome)
    }

    async fn apply(
        &self,
        transaction: &mut Transaction,
        next: &mut NextSnapshot,
        commit: &Commit,
        outcome: &mut CommitOutcome,
    ) -> Result<(), CommitError> {
        for partition in &commit.partitions {
            let sequence = checkpoint::advance(transaction, next, partition, self.clock().now()).await?;
            outcome.sequences.insert(partition.partition.clone(), sequence);
        }
        for (table, files) in by_table(&commit.remove, |file| file.table_id) {
            remove::remove(transaction, next, table, &files).await?;
        }
        for (table, files) in by_table(&commit.files, |file| file.table.id()) {
            let widened = add::check_columns(transaction, next, &files).await?;
            add::add(transaction, next, table, &files, &widened).await?;
        }
        Ok(())
    }

    /// The sequence of the partition `table.partition`: how often it was committed. Zero if never.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn sequence(&self, partition: &str) -> Result<u64, LakeError> {
        checkpoint::bring_back(self).await?;
        let mut transaction = self.catalog().read().await?;
        checkpoint::sequence(&mut transaction, partition).await
    }

    /// The newest checkpoint of each object of the partition `table.partition`.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn checkpoints(&self, partition: &str) -> Result<HashMap<String, Checkpoint>, LakeError> {
        checkpoint::bring_back(self).await?;
        let mut transaction = self.catalog().read().await?;
        checkpoint::all(&mut transaction, partition).await
    }
}

/// Groups by table, tables in the order of their first item.
fn by_table<T>(items: &[T], table: impl Fn(&T) -> i64) -> Vec<(i64, Vec<&T>)> {
    let mut groups: Vec<(i64, Vec<&T>)> = Vec::new();
    for item in items {
        match groups.iter_mut().find(|(id, _)| *id == table(item)) {
            Some((_, group)) => group.push(item),
            None => groups.push((table(item), vec![item])),
        }
    }
    groups
}
