//! What is in the lake, from the catalog alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use egret_model::Timestamp;

use crate::catalog::{self, tables};
use crate::checkpoint::CHECKPOINT_TABLE;
use crate::error::LakeError;
use crate::files;
use crate::lake::Lake;

/// The lake as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LakeInfo {
    /// Its folder.
    pub folder: PathBuf,
    /// The newest snapshot.
    pub snapshot: i64,
    /// How many snapshots are kept.
    pub snapshots: u64,
    /// The event tables, findings and others, by name; not the checkpoints.
    pub tables: Vec<TableInfo>,
    /// Rows of all tables.
    pub rows: u64,
    /// Live files of all tables.
    pub files: u64,
    /// Bytes of the live files.
    pub bytes: u64,
    /// Size of the catalog.
    pub catalog_bytes: u64,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name.
    pub name: String,
    /// How many columns it has.
    pub columns: usize,
    /// How many partitions it has rows of.
    pub partitions: usize,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// One partition of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionInfo {
    /// The table.
    pub table: String,
    /// The partition; empty for rows that others wrote without one.
    pub partition: String,
    /// Its rows.
    pub rows: u64,
    /// Its files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The time of its first event, where known.
    pub first: Option<Timestamp>,
    /// The time of its last event, where known.
    pub last: Option<Timestamp>,
}

impl Lake {
    /// What is in the lake.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn info(&self) -> Result<LakeInfo, LakeError> {
        let partitions = self.partitions().await?;
        let mut tables: Vec<TableInfo> = Vec::new();
        for table in self.tables().await? {
            if table.name() == CHECKPOINT_TABLE {
                continue;
            }
            let mut info = TableInfo {
                name: table.name().to_owned(),
                columns: table.columns().len(),
                partitions: 0,
                rows: 0,
                files: 0,
                bytes: 0,
            };
            for partition in partitions.iter().filter(|partition| partition.table == info.name) {
                info.partitions += 1;
                info.rows += partition.rows;
                info.files += partition.files;
                info.bytes += partition.bytes;
            }
            tables.push(info);
        }
        let sql = "SELECT count(*) FROM ducklake_snapshot";
        let snapshots: i64 = sqlx::query_scalar(sql).fetch_one(self.catalog().pool()).await?;
        // The write-ahead log is a part of the catalog until it is folded in.
        let path = self.catalog().path();
        let log = path.with_extension("sqlite-wal");
        let size = |path: &std::path::Path| fs::metadata(path).map_or(0, |metadata| metadata.len());
        Ok(LakeInfo {
            folder: self.folder().to_owned(),
            snapshot: self.snapshot().await?,
            snapshots: u64::try_from(snapshots).unwrap_or(0),
            rows: tables.iter().map(|table| table.rows).sum(),
            files: tables.iter().map(|table| table.files).sum(),
            bytes: tables.iter().map(|table| table.bytes).sum(),
            tables,
            catalog_bytes: size(path) + size(&log),
        })
    }

    /// The partitions of all tables, by table and name.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn partitions(&self) -> Result<Vec<PartitionInfo>, LakeError> {
        let mut transaction = self.catalog().read().await?;
        let snapshot = catalog::latest(&mut transaction).await?;
        let mut found = Vec::new();
        for table in tables::all(&mut transaction, &snapshot).await? {
            if table.name() == CHECKPOINT_TABLE {
                continue;
            }
            let mut partitions: BTreeMap<String, PartitionInfo> = BTreeMap::new();
            let empty = |name: &String| PartitionInfo {
                table: table.name().to_owned(),
                partition: name.clone(),
                rows: 0,
                files: 0,
                bytes: 0,
                first: None,
                last: None,
            };
            for file in files::list(&mut transaction, snapshot.id, &table).await? {
                let name = file.partition.unwrap_or_default();
                let partition = partitions.entry(name).or_insert_with_key(empty);
                partition.files += 1;
                partition.bytes += file.bytes;
                partition.add(file.rows, file.first, file.last);
            }
            for rows in files::inlined_rows(&mut transaction, snapshot.id, &table).await? {
                let partition = partitions.entry(rows.partition).or_insert_with_key(empty);
                partition.add(rows.rows, rows.first, rows.last);
            }
            found.extend(partitions.into_values());
        }
        Ok(found)
    }
}

impl PartitionInfo {
    fn add(&mut self, rows: u64, first: Option<Timestamp>, last: Option<Timestamp>) {
        self.rows += rows;
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = [self.last, last].into_iter().flatten().max();
    }
}
