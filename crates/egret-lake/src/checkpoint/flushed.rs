//! Checkpoints that somebody moved from the catalog to Parquet files.

use egret_model::{Checkpoint, Timestamp};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{CHECKPOINT_TABLE, InlinedRows, create_inlined, find};
use crate::catalog::{self, NextSnapshot, quote, tables};
use crate::error::LakeError;
use crate::lake::Lake;
use crate::read;
use crate::table::Table;

/// How often they are read again because other processes committed in between.
const BRING_BACK_ATTEMPTS: usize = 5;

/// Takes checkpoints back into the catalog that somebody moved to Parquet files, as DuckDB's
/// `ducklake_flush_inlined_data` does. Losing sight of them would collect everything a second time.
pub(crate) async fn bring_back(lake: &Lake) -> Result<(), LakeError> {
    for _ in 0..BRING_BACK_ATTEMPTS {
        let sql = "SELECT count(*) FROM ducklake_data_file f JOIN ducklake_table t ON t.table_id = f.table_id \
                   WHERE t.table_name = $1 AND t.schema_id = 0 AND t.end_snapshot IS NULL \
                     AND f.end_snapshot IS NULL";
        let files: i64 =
            sqlx::query_scalar(sql).bind(CHECKPOINT_TABLE).fetch_one(lake.catalog().pool()).await?;
        if files == 0 {
            return Ok(());
        }
        tracing::warn!(
            "the table `checkpoint` was flushed to Parquet files; taking it back into the catalog"
        );
        let read = read::current_checkpoints(lake).await?;
        if put_back(lake, &read).await? {
            return Ok(());
        }
    }
    Err(LakeError::Contended { action: "take back the checkpoints in", table: CHECKPOINT_TABLE.to_owned() })
}

/// Replaces the files of the table by inlined rows, unless the lake has changed since they were read.
async fn put_back(lake: &Lake, read: &CheckpointRows) -> Result<bool, LakeError> {
    let mut transaction = lake.catalog().write().await?;
    let mut next = NextSnapshot::begin(&mut transaction, lake.clock().now()).await?;
    if next.id() != read.snapshot + 1 {
        return Ok(false);
    }
    let snapshot = catalog::latest(&mut transaction).await?;
    let Some(table) = tables::by_name(&mut transaction, &snapshot, CHECKPOINT_TABLE).await? else {
        return Ok(false);
    };
    end_rows(&mut transaction, &mut next, &table).await?;
    if find(&mut transaction).await?.is_some_and(|found| found.names.is_empty()) {
        create_inlined(&mut transaction, table.id()).await?;
    }
    let mut rows = InlinedRows::begin(&mut transaction, &mut next).await?;
    for row in &read.rows {
        rows.put(&mut transaction, &mut next, &row.partition, &row.checkpoint, row.sequence, row.updated_at)
            .await?;
    }
    rows.added = 0;
    rows.finish(&mut transaction).await?;
    next.insert(&mut transaction, None).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Ends every row and file of the table.
async fn end_rows(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    table: &Table,
) -> Result<(), LakeError> {
    next.note(format!("deleted_from_table:{}", table.id()));
    for sql in [
        "UPDATE ducklake_delete_file SET end_snapshot = $1 WHERE table_id = $2 AND end_snapshot IS NULL",
        "UPDATE ducklake_data_file SET end_snapshot = $1 WHERE table_id = $2 AND end_snapshot IS NULL",
    ] {
        sqlx::query(sql).bind(next.id()).bind(table.id()).execute(&mut *connection).await?;
    }
    let names = find(connection).await?.map(|found| found.names).unwrap_or_default();
    for name in names {
        let sql = format!("UPDATE {} SET end_snapshot = $1 WHERE end_snapshot IS NULL", quote(&name));
        sqlx::query(AssertSqlSafe(sql)).bind(next.id()).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A row of the table.
#[derive(Debug)]
pub(crate) struct CheckpointRow {
    pub partition: String,
    pub checkpoint: Checkpoint,
    pub sequence: u64,
    pub updated_at: Timestamp,
}

/// The table's rows at a snapshot.
#[derive(Debug)]
pub(crate) struct CheckpointRows {
    pub snapshot: i64,
    pub rows: Vec<CheckpointRow>,
}
