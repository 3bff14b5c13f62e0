//! Files that nobody committed: left by a process that died between writing and committing.
//!
//! A file of a commit in flight looks the same as an orphan. What tells them apart:
//!
//! - A process of ours holds a shared lock as long as it has uncommitted files. If we get that lock for
//!   ourselves, nobody has any, and whatever the catalog does not name is an orphan. New files wait until
//!   the search is over.
//! - If somebody writes, only a file that is a day old is one: commits follow their files within seconds.
//! - DuckDB knows nothing of our lock; of its files (`ducklake-….parquet`) only the age counts.
//!
//! The folder is listed before the catalog is read: a file committed in between is found in the catalog.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use egret_model::Timestamp;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::{CompactOptions, CompactOutcome, expire};
use crate::error::LakeError;
use crate::lake::Lake;

/// Deletes orphans below the data folder.
pub(super) async fn delete(
    lake: &Lake,
    options: &CompactOptions,
    outcome: &mut CompactOutcome,
) -> Result<(), LakeError> {
    let nobody_writes = lake.locks().nothing_uncommitted()?;
    let mut found = Vec::new();
    list(lake.data_folder(), &mut found)?;
    let mut connection = lake.catalog().pool().acquire().await?;
    let known = known_files(&mut connection).await?;
    drop(connection);
    let oldest = lake.clock().now().plus_micros(-options.orphan_age);
    for file in found {
        let relative = file.path.strip_prefix(lake.data_folder()).unwrap_or(&file.path);
        if known.contains(relative) {
            continue;
        }
        let ours = nobody_writes.is_some() && is_ours(&file.path);
        if ours || file.modified <= oldest {
            tracing::info!(path = %file.path.display(), "deleting a file that was never committed");
            if let Some(bytes) = expire::remove(&file.path)? {
                outcome.orphans += 1;
                outcome.freed_bytes += bytes;
            }
        }
    }
    Ok(())
}

/// A data file in the folder.
struct FoundFile {
    path: PathBuf,
    modified: Timestamp,
}

/// Lists data files and unfinished ones. Whatever else lies there is somebody's own.
fn list(folder: &Path, found: &mut Vec<FoundFile>) -> Result<(), LakeError> {
    for entry in fs::read_dir(folder).map_err(LakeError::io("list", folder))? {
        let entry = entry.map_err(LakeError::io("list", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(LakeError::io("read", &path))?;
        if kind.is_dir() {
            list(&path, found)?;
            continue;
        }
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !kind.is_file() || !(name.ends_with(".parquet") || name.ends_with(".parquet.tmp")) {
            continue;
        }
        // A file that vanishes while we look needs no deleting.
        let Ok(modified) = entry.metadata().and_then(|metadata| metadata.modified()) else {
            continue;
        };
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        found.push(FoundFile { path, modified: Timestamp::from_micros(micros) });
    }
    Ok(())
}

/// Whether the file is named as we name them.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.split_once('.').is_some_and(|(stem, _)| Uuid::parse_str(stem).is_ok())
}

/// Every file that the catalog names, live or not, below the data folder.
async fn known_files(connection: &mut SqliteConnection) -> Result<HashSet<PathBuf>, LakeError> {
    let sql = "SELECT s.path || t.path || f.path FROM ducklake_data_file f \
               JOIN ducklake_table t ON t.table_id = f.table_id \
               JOIN ducklake_schema s ON s.schema_id = t.schema_id WHERE f.path_is_relative \
               UNION SELECT s.path || t.path || f.path FROM ducklake_delete_file f \
               JOIN ducklake_table t ON t.table_id = f.table_id \
               JOIN ducklake_schema s ON s.schema_id = t.schema_id WHERE f.path_is_relative \
               UNION SELECT path FROM ducklake_files_scheduled_for_deletion WHERE path_is_relative";
    let paths: Vec<String> = sqlx::query_scalar(sql).fetch_all(connection).await?;
    Ok(paths.into_iter().map(PathBuf::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_files_are_known_by_their_name() {
        let ours = Uuid::now_v7();
        assert!(is_ours(Path::new(&format!("a/{ours}.parquet"))));
        assert!(is_ours(Path::new(&format!("a/{ours}.parquet.tmp"))));
        assert!(!is_ours(Path::new(&format!("a/ducklake-{ours}.parquet"))));
        assert!(!is_ours(Path::new("a/mine.parquet")));
    }
}
