//! Removing rows: files end with the snapshot, if they still are what was read.

use sqlx::{Row, SqliteConnection};

use super::{FileRef, StoredRows};
use crate::catalog::NextSnapshot;
use crate::error::{CommitError, Conflict, LakeError};
use crate::files;

/// Removes rows from a table, after a check that they are as they were read.
pub(super) async fn remove(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    table: i64,
    references: &[&FileRef],
) -> Result<(), CommitError> {
    let inlined_deletes = inlined_deletes(connection, table).await?;
    for reference in references {
        match &reference.rows {
            StoredRows::File(file) => {
                next.note(format!("deleted_from_table:{table}"));
                remove_file(connection, next, reference, *file, inlined_deletes.as_deref()).await?;
            }
            StoredRows::Inlined { partition, date } => {
                next.note(format!("inlined_delete:{table}"));
                remove_inlined(connection, next, reference, partition, date).await?;
            }
        }
    }
    Ok(())
}

async fn remove_file(
    connection: &mut SqliteConnection,
    next: &NextSnapshot,
    reference: &FileRef,
    file: i64,
    inlined_deletes: Option<&str>,
) -> Result<(), CommitError> {
    let conflict = || Conflict::File { table: reference.table.clone(), file };
    let sql = "UPDATE ducklake_data_file SET end_snapshot = $1 \
               WHERE data_file_id = $2 AND table_id = $3 AND end_snapshot IS NULL \
               RETURNING record_count, file_size_bytes";
    let ended = sqlx::query(sql)
        .bind(next.id())
        .bind(file)
        .bind(reference.table_id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(ended) = ended else {
        return Err(conflict().into());
    };
    let sql = "SELECT count(*) FROM ducklake_delete_file WHERE data_file_id = $1 \
               AND (begin_snapshot > $2 OR partial_max > $2)";
    let mut newer: i64 =
        sqlx::query_scalar(sql).bind(file).bind(reference.snapshot).fetch_one(&mut *connection).await?;
    if let Some(sql) = inlined_deletes {
        newer += sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql.to_owned()))
            .bind(file)
            .bind(reference.snapshot)
            .fetch_one(&mut *connection)
            .await?;
    }
    if newer > 0 {
        return Err(conflict().into());
    }
    sqlx::query(
        "UPDATE ducklake_delete_file SET end_snapshot = $1 WHERE data_file_id = $2 AND end_snapshot IS NULL",
    )
    .bind(next.id())
    .bind(file)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE ducklake_table_stats SET record_count = max(record_count - $1, 0), \
         file_size_bytes = max(file_size_bytes - $2, 0) WHERE table_id = $3",
    )
    .bind(ended.try_get::<i64, _>(0)?)
    .bind(ended.try_get::<i64, _>(1)?)
    .bind(reference.table_id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove_inlined(
    connection: &mut SqliteConnection,
    next: &NextSnapshot,
    reference: &FileRef,
    partition: &str,
    date: &str,
) -> Result<(), CommitError> {
    for name in files::inlined_tables(connection, reference.table_id).await? {
        // Rows that were read may have been deleted or changed since; rows that came later stay.
        let sql = format!(
            "SELECT count(*) FROM {name} WHERE tp_partition = $1 AND tp_date = $2 \
             AND begin_snapshot <= $3 AND end_snapshot > $3"
        );
        let changed: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(partition)
            .bind(date)
            .bind(reference.snapshot)
            .fetch_one(&mut *connection)
            .await?;
        if changed > 0 {
            let reason = "rows in its catalog were deleted".to_owned();
            return Err(Conflict::Schema { table: reference.table.clone(), reason }.into());
        }
        let sql = format!(
            "UPDATE {name} SET end_snapshot = $1 WHERE tp_partition = $2 AND tp_date = $3 \
             AND begin_snapshot <= $4 AND end_snapshot IS NULL"
        );
        let ended = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(next.id())
            .bind(partition)
            .bind(date)
            .bind(reference.snapshot)
            .execute(&mut *connection)
            .await?
            .rows_affected();
        sqlx::query(
            "UPDATE ducklake_table_stats SET record_count = max(record_count - $1, 0) WHERE table_id = $2",
        )
        .bind(i64::try_from(ended).unwrap_or(0))
        .bind(reference.table_id)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// SQL that counts a file's rows deleted after a snapshot, if DuckDB keeps deletes of the table inlined.
async fn inlined_deletes(connection: &mut SqliteConnection, table: i64) -> Result<Option<String>, LakeError> {
    let name = format!("ducklake_inlined_delete_{table}");
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
    let tables: i64 = sqlx::query_scalar(sql).bind(&name).fetch_one(connection).await?;
    let sql = format!("SELECT count(*) FROM {name} WHERE file_id = $1 AND begin_snapshot > $2");
    Ok((tables > 0).then_some(sql))
}
