//! Deleting rows: files wholly inside the range go, those partly inside are written anew without them.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, col, lit};
use egret_model::finding::FINDING_TABLE;
use egret_model::quarantine::QUARANTINE_TABLE;
use egret_model::{TimeRange, Timestamp};

use crate::commit::{Commit, FileRef, PartitionCommit};
use crate::error::{CommitError, LakeError};
use crate::lake::Lake;
use crate::rewrite::{self, Group};
use crate::table::TableHandle;
use crate::write::DataFile;

/// How often a delete starts over because other processes committed in between.
const ATTEMPTS: usize = 5;

/// What a commit must remove and add so that rows are gone.
#[derive(Debug, Clone, Default)]
pub struct Removal {
    /// For [`Commit::remove`].
    pub remove: Vec<FileRef>,
    /// For [`Commit::files`]: the rows of the removed files that stay.
    pub files: Vec<DataFile>,
    /// How many rows go.
    pub rows: u64,
}

/// What a delete did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeleteOutcome {
    /// The snapshot without the rows.
    pub snapshot: i64,
    /// How many rows are gone.
    pub rows: u64,
    /// How many of them were findings.
    pub findings: u64,
}

impl Lake {
    /// Deletes the rows of a partition whose `tp_timestamp` is in the range, and the findings on them, in
    /// one commit. With an open range the partition's quarantined records and checkpoints go too, so that it is
    /// collected anew. The rows stay in older snapshots, and on the disk, until [`Lake::compact`] lets those expire.
    ///
    /// # Errors
    /// If there is no such table, or other processes keep changing it.
    pub async fn delete_rows(
        &self,
        table: &str,
        partition: &str,
        range: &TimeRange,
    ) -> Result<DeleteOutcome, LakeError> {
        let name = format!("{table}.{partition}");
        for _ in 0..ATTEMPTS {
            let expected_sequence = self.sequence(&name).await?;
            let rows = self.prepare_delete(table, partition, range).await?;
            let findings = self.prepare_delete_about(FINDING_TABLE, table, partition, range).await?;
            let quarantined = match range.is_open() {
                true => self.prepare_delete_about(QUARANTINE_TABLE, table, partition, range).await?,
                false => Removal::default(),
            };
            let mut outcome =
                DeleteOutcome { snapshot: 0, rows: rows.rows + findings.rows, findings: findings.rows };
            let mut commit = Commit {
                remove: [rows.remove, findings.remove, quarantined.remove].concat(),
                files: [rows.files, findings.files, quarantined.files].concat(),
                message: Some(format!("delete rows of {name}")),
                ..Commit::default()
            };
            if range.is_open() {
                let reset = PartitionCommit {
                    partition: name.clone(),
                    expected_sequence,
                    reset: true,
                    ..Default::default()
                };
                commit.partitions.push(reset);
            }
            match self.commit(&commit).await {
                Ok(committed) => {
                    outcome.snapshot = committed.snapshot;
                    return Ok(outcome);
                }
                Err(CommitError::Conflict(_)) => discard(commit.files),
                Err(CommitError::Lake(error)) => return Err(error),
            }
        }
        Err(LakeError::Contended { action: "delete rows of", table: table.to_owned() })
    }

    /// Prepares to delete the rows of a partition in a range, as part of a larger commit.
    ///
    /// # Errors
    /// If there is no such table, or its files cannot be read or written.
    pub async fn prepare_delete(
        &self,
        table: &str,
        partition: &str,
        range: &TimeRange,
    ) -> Result<Removal, LakeError> {
        let table = self.table(table).await?;
        self.prepare(&table, &Doomed { partition, table: None, range }).await
    }

    /// Prepares to delete what the table `about` (of findings, or of quarantined records) says about a partition
    /// in a range, as part of a larger commit.
    ///
    /// # Errors
    /// If its files cannot be read or written.
    pub async fn prepare_delete_about(
        &self,
        about: &str,
        table: &str,
        partition: &str,
        range: &TimeRange,
    ) -> Result<Removal, LakeError> {
        let about = match self.table(about).await {
            Ok(about) => about,
            Err(LakeError::UnknownTable { .. }) => return Ok(Removal::default()),
            Err(error) => return Err(error),
        };
        self.prepare(&about, &Doomed { partition, table: Some(table), range }).await
    }

    async fn prepare(&self, table: &TableHandle, doomed: &Doomed<'_>) -> Result<Removal, LakeError> {
        let snapshot = self.snapshot().await?;
        let mut removal = Removal::default();
        for group in rewrite::groups(self, snapshot, table).await? {
            if !doomed.touches(&group) {
                continue;
            }
            let before: u64 = group.files.iter().map(|file| file.rows).sum::<u64>()
                + group.inlined.iter().map(|rows| rows.rows).sum::<u64>();
            if doomed.covers(&group) {
                removal.remove.extend(group.references(table, snapshot));
                removal.rows += before;
                continue;
            }
            let keep = doomed.survivors();
            let kept = match rewrite::rewrite(self, snapshot, table, &group, Some(keep)).await {
                Ok(kept) => kept,
                Err(error) => {
                    discard(removal.files);
                    return Err(error);
                }
            };
            let after: u64 = kept.iter().map(DataFile::rows).sum();
            if after == before {
                // Nothing of it is in the range: leave it as it is.
                discard(kept);
                continue;
            }
            removal.remove.extend(group.references(table, snapshot));
            removal.rows += before - after;
            removal.files.extend(kept);
        }
        Ok(removal)
    }
}

/// Removes files that will not be committed. What cannot be removed is an orphan for compaction.
pub(crate) fn discard(files: Vec<DataFile>) {
    for file in files {
        let _ = file.discard();
    }
}

/// Which rows go.
struct Doomed<'a> {
    partition: &'a str,
    /// The table that rows of a shared table are about.
    table: Option<&'a str>,
    range: &'a TimeRange,
}

impl Doomed<'_> {
    /// Whether rows of the group may go.
    fn touches(&self, group: &Group) -> bool {
        let partition = group.key.as_ref().is_none_or(|(partition, _)| partition == self.partition);
        partition && (!group.inlined.is_empty() || group.files.iter().any(|file| file.may_hold(self.range)))
    }

    /// Whether all rows of the group go, as far as the catalog knows.
    fn covers(&self, group: &Group) -> bool {
        let known = group.key.is_some() && self.table.is_none();
        let inlined = group.inlined.is_empty() || self.range.is_open();
        known && inlined && group.files.iter().all(|file| file.lies_inside(self.range))
    }

    /// The predicate of the rows that stay: all for which it is not sure that they go.
    fn survivors(&self) -> Expr {
        let time = |time: Timestamp| lit(ScalarValue::TimestampMicrosecond(Some(time.micros()), None));
        let text = |value: &str| lit(ScalarValue::Utf8View(Some(value.to_owned())));
        let mut goes = col("tp_partition").eq(text(self.partition));
        if let Some(table) = self.table {
            goes = goes.and(col("tp_table").eq(text(table)));
        }
        if let Some(from) = self.range.from {
            goes = goes.and(col("tp_timestamp").gt_eq(time(from)));
        }
        if let Some(to) = self.range.to {
            goes = goes.and(col("tp_timestamp").lt(time(to)));
        }
        goes.is_not_true()
    }
}
