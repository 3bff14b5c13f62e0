//! Letting old snapshots go, and with them the files and rows that only they need.

use std::fs;
use std::path::{Component, Path};

use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use super::{CompactOptions, CompactOutcome, Follower};
use crate::catalog::{self, snapshot_time};
use crate::checkpoint::CHECKPOINT_TABLE;
use crate::error::LakeError;
use crate::lake::Lake;
use crate::read::parse_snapshot_time;

/// Removes snapshots older than the options keep, never the newest. Returns how many.
pub(super) async fn expire(lake: &Lake, options: &CompactOptions) -> Result<u64, LakeError> {
    let now = lake.clock().now();
    let mut transaction = lake.catalog().write().await?;
    let newest = catalog::latest(&mut transaction).await?.id;
    let mut oldest_kept = newest;
    if !options.now {
        let cutoff = now.plus_micros(-options.keep);
        let sql = "SELECT snapshot_id, snapshot_time FROM ducklake_snapshot ORDER BY snapshot_id DESC";
        for row in sqlx::query(sql).fetch_all(&mut *transaction).await? {
            let time: String = row.try_get(1)?;
            // The first one before the cutoff still tells what the lake was like at the cutoff.
            oldest_kept = row.try_get(0)?;
            if parse_snapshot_time(&time).is_some_and(|time| time <= cutoff) {
                break;
            }
        }
    }
    let expired = sqlx::query("DELETE FROM ducklake_snapshot WHERE snapshot_id < $1")
        .bind(oldest_kept)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    sqlx::query("DELETE FROM ducklake_snapshot_changes WHERE snapshot_id < $1")
        .bind(oldest_kept)
        .execute(&mut *transaction)
        .await?;
    let unread = unread(&mut transaction, options.follower).await?;
    forget(&mut transaction, oldest_kept, &unread, &snapshot_time(now)).await?;
    transaction.commit().await?;
    Ok(expired)
}

/// The numbers of the files that a follower has not read, as a list in SQL.
async fn unread(connection: &mut SqliteConnection, follower: Option<Follower>) -> Result<String, LakeError> {
    let Some(follower) = follower else { return Ok("()".to_owned()) };
    let sql = "SELECT data_file_id FROM ducklake_data_file WHERE begin_snapshot > $1 AND table_id IN \
               (SELECT table_id FROM ducklake_table WHERE table_name = $2)";
    let files: Vec<i64> =
        sqlx::query_scalar(sql).bind(follower.snapshot).bind(follower.table).fetch_all(connection).await?;
    let numbers: Vec<String> = files.iter().map(i64::to_string).collect();
    Ok(format!("({})", numbers.join(", ")))
}

/// Deletes what ended before the oldest snapshot that is kept, but for the data files that are unread. Files are scheduled for deletion, the way
/// DuckDB does it, so that a process that dies in between loses none of them.
async fn forget(
    connection: &mut SqliteConnection,
    oldest: i64,
    unread: &str,
    now: &str,
) -> Result<(), LakeError> {
    for (table, id) in [("ducklake_data_file", "data_file_id"), ("ducklake_delete_file", "delete_file_id")] {
        // A file's path is below its table's, that one's below its schema's, that one's below the data folder.
        let sql = format!(
            "INSERT INTO ducklake_files_scheduled_for_deletion \
             SELECT f.{id}, CASE WHEN f.path_is_relative AND t.path_is_relative AND s.path_is_relative \
                 THEN s.path || t.path || f.path \
                 WHEN f.path_is_relative THEN t.path || f.path ELSE f.path END, \
               f.path_is_relative AND t.path_is_relative AND s.path_is_relative, $2 \
             FROM {table} f \
             JOIN (SELECT table_id, max(path) AS path, max(path_is_relative) AS path_is_relative, \
                   max(schema_id) AS schema_id FROM ducklake_table GROUP BY table_id) t ON t.table_id = f.table_id \
             JOIN ducklake_schema s ON s.schema_id = t.schema_id \
             WHERE f.end_snapshot <= $1 AND f.data_file_id NOT IN {unread}"
        );
        sqlx::query(AssertSqlSafe(sql)).bind(oldest).bind(now).execute(&mut *connection).await?;
    }
    let dead = format!(
        "(SELECT data_file_id FROM ducklake_data_file WHERE end_snapshot <= $1 AND data_file_id NOT IN {unread})"
    );
    let mut statements = Vec::new();
    for table in
        ["ducklake_file_column_stats", "ducklake_file_variant_stats", "ducklake_file_partition_value"]
    {
        statements.push(format!("DELETE FROM {table} WHERE data_file_id IN {dead}"));
    }
    for name in tables_named(connection, "ducklake_inlined_delete_%").await? {
        statements.push(format!("DELETE FROM {name} WHERE file_id IN {dead}"));
    }
    for name in tables_named(connection, "ducklake_inlined_data_%_%").await? {
        if name != "ducklake_inlined_data_tables" {
            statements.push(format!("DELETE FROM {name} WHERE end_snapshot <= $1"));
        }
    }
    statements.push(
        "DELETE FROM ducklake_partition_column WHERE partition_id IN \
         (SELECT partition_id FROM ducklake_partition_info WHERE end_snapshot <= $1)"
            .to_owned(),
    );
    for table in ["ducklake_data_file", "ducklake_delete_file"] {
        statements
            .push(format!("DELETE FROM {table} WHERE end_snapshot <= $1 AND data_file_id NOT IN {unread}"));
    }
    for table in [
        "ducklake_column",
        "ducklake_column_tag",
        "ducklake_tag",
        "ducklake_view",
        "ducklake_partition_info",
        "ducklake_sort_info",
        "ducklake_macro",
    ] {
        statements.push(format!("DELETE FROM {table} WHERE end_snapshot <= $1"));
    }
    // That there were checkpoints is remembered for good: see `checkpoint::ensure_table`.
    statements.push(format!(
        "DELETE FROM ducklake_table WHERE end_snapshot <= $1 AND table_name <> '{CHECKPOINT_TABLE}'"
    ));
    for sql in statements {
        sqlx::query(AssertSqlSafe(sql)).bind(oldest).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn tables_named(connection: &mut SqliteConnection, pattern: &str) -> Result<Vec<String>, LakeError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE $1";
    Ok(sqlx::query_scalar(sql).bind(pattern).fetch_all(connection).await?)
}

/// Deletes the files that are scheduled for it, from the folder first and then from the schedule.
pub(super) async fn delete_files(
    lake: &Lake,
    options: &CompactOptions,
    outcome: &mut CompactOutcome,
) -> Result<(), LakeError> {
    let cutoff = lake.clock().now().plus_micros(-options.grace);
    let sql = "SELECT data_file_id, path, path_is_relative, schedule_start FROM ducklake_files_scheduled_for_deletion";
    for row in sqlx::query(sql).fetch_all(lake.catalog().pool()).await? {
        let path: String = row.try_get(1)?;
        let since: String = row.try_get(3)?;
        let due = options.now || parse_snapshot_time(&since).is_some_and(|since| since <= cutoff);
        // Files elsewhere are not ours to delete: DuckDB's `ducklake_cleanup_old_files` does it.
        if !due || !row.try_get::<bool, _>(2)? || !stays_below(&path) {
            continue;
        }
        if let Some(bytes) = remove(&lake.data_folder().join(&path))? {
            outcome.deleted += 1;
            outcome.freed_bytes += bytes;
        }
        sqlx::query(
            "DELETE FROM ducklake_files_scheduled_for_deletion WHERE data_file_id = $1 AND path = $2",
        )
        .bind(row.try_get::<i64, _>(0)?)
        .bind(path)
        .execute(lake.catalog().pool())
        .await?;
    }
    Ok(())
}

/// Whether a relative path leads to something below its start.
fn stays_below(path: &str) -> bool {
    Path::new(path).components().all(|component| matches!(component, Component::Normal(_)))
}

/// Removes a file and gives its size; `None` if it is gone already.
pub(super) fn remove(path: &Path) -> Result<Option<u64>, LakeError> {
    let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    match fs::remove_file(path) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LakeError::io("remove", path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduled_path_leads_nowhere_else() {
        assert!(stays_below("main/t/tp_partition=p/x.parquet"));
        for path in ["/etc/passwd", "../x", "main/../../x"] {
            assert!(!stays_below(path), "{path}");
        }
    }
}
