//! The table `checkpoint`: how far each object of each partition is collected.
//!
//! It is a lake table like any other, except that its rows lie in the catalog itself (DuckLake's data
//! inlining): moving a position costs no file, and is in the same transaction as the rows it speaks of. An
//! update ends the old row and adds a new one, so that time travel shows the positions of then. For each
//! partition one more row, with an empty object, carries the sequence: the number of its last commit.

mod flushed;

use std::collections::HashMap;

pub(crate) use flushed::{CheckpointRow, CheckpointRows, bring_back};

use egret_model::{Checkpoint, Column, ColumnType, TableSchema, Timestamp};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::catalog::{self, NextSnapshot, quote, tables, timestamp};
use crate::commit::PartitionCommit;
use crate::error::{CommitError, Conflict, LakeError};
use crate::evolve;
use crate::lake::Lake;

/// Its name.
pub const CHECKPOINT_TABLE: &str = "checkpoint";

/// Its columns.
pub fn checkpoint_schema() -> TableSchema {
    let columns = [
        ("partition", ColumnType::Varchar, "The partition, as `table.partition`."),
        ("object", ColumnType::Varchar, "The object's name; empty in the row that carries the sequence."),
        ("byte_offset", ColumnType::BigInt, "Bytes of the decompressed object that are done with."),
        ("finished", ColumnType::Boolean, "Whether all that the object held when listed is done with."),
        ("state", ColumnType::Varchar, "What the source knows the object by."),
        ("sequence", ColumnType::BigInt, "The number of the partition's commit that moved it."),
        ("updated_at", ColumnType::Timestamp, "When it was moved (UTC)."),
    ];
    TableSchema {
        name: CHECKPOINT_TABLE.to_owned(),
        description: "How far each object of each partition is collected.".to_owned(),
        channel: "egret.checkpoint".to_owned(),
        columns: columns.into_iter().map(|(name, kind, text)| Column::new(name, kind, text)).collect(),
        roots: Vec::new(),
    }
}

/// The catalog's tables that hold the rows, the newest last: there is one for each set of columns.
#[derive(Debug)]
struct InlinedTables {
    table: i64,
    names: Vec<String>,
}

/// Makes the table in a new lake. If it was there once and somebody dropped it, the lake is refused: to
/// start over without being told would collect everything a second time.
pub(crate) async fn ensure_table(lake: &Lake) -> Result<(), LakeError> {
    let mut connection = lake.catalog().pool().acquire().await?;
    if find(&mut connection).await?.is_some_and(|found| !found.names.is_empty()) {
        return Ok(());
    }
    drop(connection);
    let mut transaction = lake.catalog().write().await?;
    if find(&mut transaction).await?.is_none() {
        let sql = "SELECT count(*) FROM ducklake_table WHERE table_name = $1";
        let dropped: i64 =
            sqlx::query_scalar(sql).bind(CHECKPOINT_TABLE).fetch_one(&mut *transaction).await?;
        if dropped > 0 {
            return Err(dropped_table(lake));
        }
        let mut next = NextSnapshot::begin(&mut transaction, lake.clock().now()).await?;
        evolve::create(&mut transaction, &mut next, &checkpoint_schema()).await?;
        next.insert(&mut transaction, None).await?;
    }
    let Some(found) = find(&mut transaction).await? else {
        return Err(LakeError::Read("table `checkpoint` vanished while it was made".to_owned()));
    };
    if found.names.is_empty() {
        create_inlined(&mut transaction, found.table).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn find(connection: &mut SqliteConnection) -> Result<Option<InlinedTables>, LakeError> {
    let sql = "SELECT table_id FROM ducklake_table WHERE table_name = $1 AND schema_id = 0 AND end_snapshot IS NULL";
    let table: Option<i64> =
        sqlx::query_scalar(sql).bind(CHECKPOINT_TABLE).fetch_optional(&mut *connection).await?;
    let Some(table) = table else {
        return Ok(None);
    };
    let sql =
        "SELECT table_name FROM ducklake_inlined_data_tables WHERE table_id = $1 ORDER BY schema_version";
    let names = sqlx::query_scalar(sql).bind(table).fetch_all(connection).await?;
    Ok(Some(InlinedTables { table, names }))
}

fn dropped_table(lake: &Lake) -> LakeError {
    LakeError::Unusable {
        path: lake.catalog().path().to_owned(),
        reason: "its table `checkpoint` was dropped or renamed, so what is collected already is not known; \
                 give the table its name back, or collect into another folder"
            .to_owned(),
    }
}

async fn inlined(connection: &mut SqliteConnection) -> Result<InlinedTables, LakeError> {
    match find(connection).await? {
        Some(found) if !found.names.is_empty() => Ok(found),
        _ => Err(LakeError::Read(
            "its table `checkpoint` was dropped or renamed while the lake was open".to_owned(),
        )),
    }
}

/// Makes the table that holds the rows in the catalog, for the columns that `checkpoint` has now.
async fn create_inlined(connection: &mut SqliteConnection, table: i64) -> Result<(), LakeError> {
    let sql = "SELECT max(schema_version) FROM ducklake_schema_versions WHERE table_id = $1";
    let version: Option<i64> = sqlx::query_scalar(sql).bind(table).fetch_one(&mut *connection).await?;
    let version = version.unwrap_or(0);
    let name = format!("ducklake_inlined_data_{table}_{version}");
    let snapshot = catalog::latest(connection).await?;
    let mut columns = String::from("row_id BIGINT, begin_snapshot BIGINT, end_snapshot BIGINT");
    for column in tables::columns(connection, snapshot.id, table).await? {
        // What SQLite holds as a number is one there; all else is the text that DuckDB prints.
        let number = column.type_name == "boolean" || column.type_name.starts_with("int");
        let kind = if number { "BIGINT" } else { "VARCHAR" };
        columns.push_str(&format!(", {} {kind}", quote(&column.name)));
    }
    for sql in [
        format!("CREATE TABLE IF NOT EXISTS {name}({columns})"),
        format!(
            "CREATE INDEX IF NOT EXISTS egret_{name} ON {name}(\"partition\", \"object\") WHERE end_snapshot IS NULL"
        ),
    ] {
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *connection).await?;
    }
    sqlx::query("INSERT INTO ducklake_inlined_data_tables VALUES ($1, $2, $3)")
        .bind(table)
        .bind(name)
        .bind(version)
        .execute(connection)
        .await?;
    Ok(())
}

/// The number of the partition's last commit.
pub(crate) async fn sequence(connection: &mut SqliteConnection, partition: &str) -> Result<u64, LakeError> {
    let tables = inlined(connection).await?;
    let mut newest = 0;
    for name in &tables.names {
        let sql = format!(
            "SELECT max(sequence) FROM {} WHERE \"partition\" = $1 AND end_snapshot IS NULL",
            quote(name)
        );
        let found: Option<i64> =
            sqlx::query_scalar(AssertSqlSafe(sql)).bind(partition).fetch_one(&mut *connection).await?;
        newest = newest.max(found.unwrap_or(0));
    }
    Ok(u64::try_from(newest).unwrap_or(0))
}

/// The checkpoints of a partition's objects.
pub(crate) async fn all(
    connection: &mut SqliteConnection,
    partition: &str,
) -> Result<HashMap<String, Checkpoint>, LakeError> {
    let tables = inlined(connection).await?;
    let mut checkpoints = HashMap::new();
    for name in &tables.names {
        let sql = format!(
            "SELECT \"object\", byte_offset, finished, state FROM {} \
             WHERE \"partition\" = $1 AND end_snapshot IS NULL AND \"object\" <> ''",
            quote(name)
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(partition).fetch_all(&mut *connection).await?;
        for row in rows {
            let object: String = row.try_get(0)?;
            let offset: i64 = row.try_get(1)?;
            let checkpoint = Checkpoint {
                object: object.clone(),
                offset: u64::try_from(offset).unwrap_or(0),
                finished: row.try_get(2)?,
                state: row.try_get::<Option<String>, _>(3)?.unwrap_or_default(),
            };
            checkpoints.insert(object, checkpoint);
        }
    }
    Ok(checkpoints)
}

/// Moves a partition's checkpoints, if its sequence is the expected one. Returns the new sequence.
pub(crate) async fn advance(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    commit: &PartitionCommit,
    now: Timestamp,
) -> Result<u64, CommitError> {
    let found = sequence(connection, &commit.partition).await?;
    if found != commit.expected_sequence {
        return Err(CommitError::Conflict(Conflict::Sequence {
            partition: commit.partition.clone(),
            expected: commit.expected_sequence,
            found,
        }));
    }
    let sequence = found + 1;
    let mut rows = InlinedRows::begin(connection, next).await?;
    if commit.reset {
        rows.end_all(connection, next, &commit.partition).await?;
    }
    let mut last: HashMap<&str, &Checkpoint> = HashMap::with_capacity(commit.checkpoints.len());
    for checkpoint in &commit.checkpoints {
        last.insert(&checkpoint.object, checkpoint);
    }
    let mut moved: Vec<&Checkpoint> = last.into_values().collect();
    moved.sort_by(|left, right| left.object.cmp(&right.object));
    let own = Checkpoint { object: String::new(), offset: 0, finished: false, state: String::new() };
    for checkpoint in moved.into_iter().chain([&own]) {
        rows.put(connection, next, &commit.partition, checkpoint, sequence, now).await?;
    }
    rows.finish(connection).await?;
    Ok(sequence)
}

/// Rows of `checkpoint` that a transaction changes.
#[derive(Debug)]
struct InlinedRows {
    tables: InlinedTables,
    newest: String,
    next_row_id: i64,
    added: i64,
}

impl InlinedRows {
    async fn begin(connection: &mut SqliteConnection, next: &mut NextSnapshot) -> Result<Self, LakeError> {
        let tables = inlined(connection).await?;
        next.note(format!("inlined_insert:{}", tables.table));
        let sql = "SELECT next_row_id FROM ducklake_table_stats WHERE table_id = $1";
        let next_row_id: Option<i64> =
            sqlx::query_scalar(sql).bind(tables.table).fetch_optional(&mut *connection).await?;
        if next_row_id.is_none() {
            sqlx::query("INSERT INTO ducklake_table_stats VALUES ($1, 0, 0, 0)")
                .bind(tables.table)
                .execute(connection)
                .await?;
        }
        let newest = tables.names.last().map(|name| quote(name)).unwrap_or_default();
        Ok(Self { tables, newest, next_row_id: next_row_id.unwrap_or(0), added: 0 })
    }

    /// Writes a checkpoint: a new version of the object's row, or its first.
    async fn put(
        &mut self,
        connection: &mut SqliteConnection,
        next: &mut NextSnapshot,
        partition: &str,
        checkpoint: &Checkpoint,
        sequence: u64,
        now: Timestamp,
    ) -> Result<(), LakeError> {
        let mut row_id: Option<i64> = None;
        for name in &self.tables.names {
            let sql = format!(
                "UPDATE {} SET end_snapshot = $1 WHERE \"partition\" = $2 AND \"object\" = $3 \
                 AND end_snapshot IS NULL RETURNING row_id",
                quote(name)
            );
            let ended: Option<i64> = sqlx::query_scalar(AssertSqlSafe(sql))
                .bind(next.id())
                .bind(partition)
                .bind(&checkpoint.object)
                .fetch_optional(&mut *connection)
                .await?;
            row_id = row_id.or(ended);
        }
        let row_id = match row_id {
            Some(row_id) => {
                next.note(format!("inlined_delete:{}", self.tables.table));
                row_id
            }
            None => {
                self.next_row_id += 1;
                self.added += 1;
                self.next_row_id - 1
            }
        };
        let sql = format!(
            "INSERT INTO {}(row_id, begin_snapshot, end_snapshot, \"partition\", \"object\", byte_offset, \
             finished, state, sequence, updated_at) VALUES ($1, $2, NULL, $3, $4, $5, $6, $7, $8, $9)",
            self.newest
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(row_id)
            .bind(next.id())
            .bind(partition)
            .bind(&checkpoint.object)
            .bind(i64::try_from(checkpoint.offset).unwrap_or(i64::MAX))
            .bind(checkpoint.finished)
            .bind(&checkpoint.state)
            .bind(i64::try_from(sequence).unwrap_or(i64::MAX))
            .bind(timestamp(now))
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Forgets the objects of a partition. Its sequence stays.
    async fn end_all(
        &mut self,
        connection: &mut SqliteConnection,
        next: &mut NextSnapshot,
        partition: &str,
    ) -> Result<(), LakeError> {
        for name in &self.tables.names {
            let sql = format!(
                "UPDATE {} SET end_snapshot = $1 WHERE \"partition\" = $2 AND \"object\" <> '' \
                 AND end_snapshot IS NULL",
                quote(name)
            );
            let ended = sqlx::query(AssertSqlSafe(sql))
                .bind(next.id())
                .bind(partition)
                .execute(&mut *connection)
                .await?
                .rows_affected();
            if ended > 0 {
                next.note(format!("inlined_delete:{}", self.tables.table));
                self.added -= i64::try_from(ended).unwrap_or(0);
            }
        }
        Ok(())
    }

    async fn finish(self, connection: &mut SqliteConnection) -> Result<(), LakeError> {
        sqlx::query(
            "UPDATE ducklake_table_stats SET record_count = max(record_count + $1, 0), next_row_id = $2 \
             WHERE table_id = $3",
        )
        .bind(self.added)
        .bind(self.next_row_id)
        .bind(self.tables.table)
        .execute(&mut *connection)
        .await?;
        // Bounds would have to be kept up for rows that change with every commit, and nobody needs them.
        sqlx::query("DELETE FROM ducklake_table_column_stats WHERE table_id = $1")
            .bind(self.tables.table)
            .execute(connection)
            .await?;
        Ok(())
    }
}
