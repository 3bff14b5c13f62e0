//! Maintenance: small files merged, old snapshots let go, and nothing left lying about.

mod expire;
mod orphans;

use crate::checkpoint::CHECKPOINT_TABLE;
use crate::commit::Commit;
use crate::delete::discard;
use crate::error::{CommitError, LakeError};
use crate::files::CommittedFile;
use crate::lake::Lake;
use crate::rewrite::{self, Group};
use crate::table::{Table, TableHandle};

/// Files smaller than this are worth merging.
const SMALL_BYTES: u64 = 64 << 20;
/// So many small files of a day are worth the work when nobody asks for it.
const SMALL_FILES: usize = 8;
/// How often merging a day starts over because other processes changed it.
const ATTEMPTS: usize = 3;
const DAY: i64 = 86_400_000_000;

/// How thorough to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactOptions {
    /// Merge all that can be merged, keep the newest snapshot only, and delete at once what nothing needs:
    /// then the files in the folder are exactly the lake. Queries that run meanwhile may fail.
    pub now: bool,
    /// How long older snapshots are kept without `now`, in microseconds: seven days by default.
    pub keep: i64,
    /// How long after a file was given up it is deleted without `now`, in microseconds: an hour by default,
    /// so that queries end that read it.
    pub grace: i64,
    /// From what age on an uncommitted file is an orphan while other processes write, in microseconds: a day
    /// by default. While nobody writes, every uncommitted file of ours is one.
    pub orphan_age: i64,
    /// Who follows what is added to a table: what it has not read is kept in any case.
    pub follower: Option<Follower>,
}

/// A reader that follows what is added to a table, with [`Lake::added_files`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follower {
    /// The table.
    pub table: &'static str,
    /// The newest snapshot that it has read.
    pub snapshot: i64,
}

impl Default for CompactOptions {
    fn default() -> Self {
        Self { now: false, keep: 7 * DAY, grace: DAY / 24, orphan_age: DAY, follower: None }
    }
}

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompactOutcome {
    /// Files that were merged.
    pub merged: u64,
    /// Files that hold their rows now.
    pub written: u64,
    /// Days of partitions left alone because other processes kept changing them.
    pub skipped: u64,
    /// Snapshots that are gone.
    pub expired: u64,
    /// Files deleted that no snapshot needs any more.
    pub deleted: u64,
    /// Files deleted that were never committed.
    pub orphans: u64,
    /// Bytes of the deleted files.
    pub freed_bytes: u64,
}

impl Lake {
    /// Merges small files of the same table, partition and day, lets old snapshots expire, deletes the files
    /// that nothing needs any more, and those that were never committed. Sorts on the calling thread, with
    /// bounded memory. Collectors may go on meanwhile.
    ///
    /// # Errors
    /// If the catalog fails or files cannot be read, written or deleted. What was done until then stays.
    pub async fn compact(&self, options: &CompactOptions) -> Result<CompactOutcome, LakeError> {
        let mut outcome = CompactOutcome::default();
        for table in self.tables().await? {
            if table.name() != CHECKPOINT_TABLE && table.parts().partition_id.is_some() {
                self.merge(&table, options, &mut outcome).await?;
            }
        }
        outcome.expired = expire::expire(self, options).await?;
        expire::delete_files(self, options, &mut outcome).await?;
        orphans::delete(self, options, &mut outcome).await?;
        if options.now {
            // Folds the log in as far as no reader needs it, without waiting for one.
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_all(self.catalog().pool()).await?;
        }
        tracing::info!(?outcome, "compacted the lake");
        Ok(outcome)
    }

    async fn merge(
        &self,
        table: &TableHandle,
        options: &CompactOptions,
        outcome: &mut CompactOutcome,
    ) -> Result<(), LakeError> {
        let snapshot = self.snapshot().await?;
        for group in rewrite::groups(self, snapshot, table).await? {
            if !is_worth_it(&group, table, options.now) {
                continue;
            }
            match self.merge_group(table, group, options, snapshot).await? {
                Some((merged, written)) => {
                    outcome.merged += merged;
                    outcome.written += written;
                }
                None => outcome.skipped += 1,
            }
        }
        Ok(())
    }

    /// Merges the files of a group. `None` if others keep changing it.
    async fn merge_group(
        &self,
        table: &TableHandle,
        mut group: Group,
        options: &CompactOptions,
        mut snapshot: i64,
    ) -> Result<Option<(u64, u64)>, LakeError> {
        for _ in 0..ATTEMPTS {
            let files = rewrite::rewrite(self, snapshot, table, &group, None).await?;
            let commit = Commit {
                remove: group.references(table, snapshot),
                files,
                message: Some("compact".to_owned()),
                ..Commit::default()
            };
            match self.commit(&commit).await {
                Ok(_) => return Ok(Some((group.files.len() as u64, commit.files.len() as u64))),
                Err(CommitError::Lake(error)) => return Err(error),
                Err(CommitError::Conflict(conflict)) => {
                    tracing::debug!(%conflict, table = table.name(), "compaction starts over");
                    discard(commit.files);
                }
            }
            snapshot = self.snapshot().await?;
            let key = group.key;
            let again = rewrite::groups(self, snapshot, table).await?;
            match again.into_iter().find(|group| group.key == key) {
                Some(found) if is_worth_it(&found, table, options.now) => group = found,
                _ => return Ok(Some((0, 0))),
            }
        }
        Ok(None)
    }
}

/// Whether a group's files should be written anew.
fn is_worth_it(group: &Group, table: &Table, now: bool) -> bool {
    if group.files.is_empty() && group.inlined.is_empty() {
        return false;
    }
    let small = group.files.iter().filter(|file| file.bytes < SMALL_BYTES).count();
    if !now {
        return small >= SMALL_FILES;
    }
    // Who reads the files without the catalog sees neither deletes, nor rows in the catalog, nor the type
    // and columns that a table has got since a file was written.
    let columns_since = table.parts().columns_since();
    let outdated = |file: &CommittedFile| {
        file.has_deletes
            || !file.partitioned
            || file.begin_snapshot < columns_since
            || file.columns < leaves(table)
    };
    small >= 2 || !group.inlined.is_empty() || group.files.iter().any(outdated)
}

/// The number of columns that files have statistics of.
fn leaves(table: &Table) -> i64 {
    let mut leaves = Vec::new();
    for column in table.written_columns() {
        crate::statistics::leaves(column, &mut leaves);
    }
    leaves.len() as i64
}
