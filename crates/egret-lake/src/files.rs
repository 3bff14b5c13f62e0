//! The data files of a table at a snapshot, with what the catalog knows of each.

use egret_model::{TimeRange, Timestamp};
use sqlx::{AssertSqlSafe, Row, SqliteConnection};

use crate::commit::{FileRef, StoredRows};
use crate::error::LakeError;
use crate::table::Table;

/// A committed file.
#[derive(Debug, Clone)]
pub(crate) struct CommittedFile {
    pub reference: FileRef,
    /// The snapshot that added it.
    pub begin_snapshot: i64,
    /// Rows that are not deleted.
    pub rows: u64,
    pub bytes: u64,
    /// Whether it is written by the table's partition spec.
    pub partitioned: bool,
    /// The partition, where the file has one.
    pub partition: Option<String>,
    /// The day as the catalog writes it.
    pub date: Option<String>,
    /// The first and last `tp_timestamp`, where known.
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Whether rows in it are deleted.
    pub has_deletes: bool,
    /// How many of the table's columns it has statistics of: a file written before the table grew has fewer.
    pub columns: i64,
}

impl CommittedFile {
    /// Whether rows with a time in the range may be in it.
    pub(crate) fn may_hold(&self, range: &TimeRange) -> bool {
        let before = range.from.zip(self.last).is_some_and(|(from, last)| last < from);
        let after = range.to.zip(self.first).is_some_and(|(to, first)| first >= to);
        !before && !after
    }

    /// Whether all its rows have a time in the range.
    pub(crate) fn lies_inside(&self, range: &TimeRange) -> bool {
        let known = self.first.zip(self.last);
        range.is_open() || known.is_some_and(|(first, last)| range.contains(first) && range.contains(last))
    }
}

/// The files of a table that are live at a snapshot, oldest first.
pub(crate) async fn list(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: &Table,
) -> Result<Vec<CommittedFile>, LakeError> {
    let deleted = deleted_rows_sql(connection, table.id()).await?;
    let sql = format!(
        "SELECT f.data_file_id, f.begin_snapshot, coalesce(f.partition_id = $3, FALSE), f.record_count, f.file_size_bytes, \
         p.partition_value, d.partition_value, s.min_value, s.max_value, {deleted}, \
         (SELECT count(*) FROM ducklake_file_column_stats c WHERE c.data_file_id = f.data_file_id), \
         s.null_count \
         FROM ducklake_data_file f \
         LEFT JOIN ducklake_file_partition_value p \
           ON p.data_file_id = f.data_file_id AND p.partition_key_index = 0 AND f.partition_id = $3 \
         LEFT JOIN ducklake_file_partition_value d \
           ON d.data_file_id = f.data_file_id AND d.partition_key_index = 1 AND f.partition_id = $3 \
         LEFT JOIN ducklake_file_column_stats s ON s.data_file_id = f.data_file_id AND s.column_id = $4 \
         WHERE f.table_id = $1 AND f.begin_snapshot <= $2 \
           AND (f.end_snapshot IS NULL OR f.end_snapshot > $2) ORDER BY f.data_file_id"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(table.id())
        .bind(snapshot)
        .bind(table.parts().partition_id)
        .bind(table.column("tp_timestamp").map(|column| column.id))
        .fetch_all(connection)
        .await?;
    let mut files = Vec::with_capacity(rows.len());
    for row in rows {
        let deleted: i64 = row.try_get(9)?;
        let rows: i64 = row.try_get(3)?;
        // A row without a time is outside every range: bounds say nothing about it.
        let timeless = row.try_get::<Option<i64>, _>(11)?.unwrap_or(0) > 0;
        let time = |column: usize| -> Result<Option<Timestamp>, sqlx::Error> {
            let text: Option<String> = row.try_get(column)?;
            Ok(text.filter(|_| !timeless).and_then(|text| Timestamp::parse(&text)))
        };
        files.push(CommittedFile {
            reference: FileRef {
                table: table.name().to_owned(),
                table_id: table.id(),
                rows: StoredRows::File(row.try_get(0)?),
                snapshot,
            },
            begin_snapshot: row.try_get(1)?,
            partitioned: row.try_get(2)?,
            rows: u64::try_from(rows - deleted).unwrap_or(0),
            bytes: u64::try_from(row.try_get::<i64, _>(4)?).unwrap_or(0),
            partition: row.try_get(5)?,
            date: row.try_get(6)?,
            first: time(7)?,
            last: time(8)?,
            has_deletes: deleted > 0,
            columns: row.try_get(10)?,
        });
    }
    Ok(files)
}

/// SQL for the number of deleted rows of file `f` at snapshot `$2`: DuckDB keeps them in delete files, or
/// inlined in the catalog while they are few.
async fn deleted_rows_sql(connection: &mut SqliteConnection, table: i64) -> Result<String, LakeError> {
    let in_files = "coalesce((SELECT sum(x.delete_count) FROM ducklake_delete_file x \
         WHERE x.data_file_id = f.data_file_id AND x.begin_snapshot <= $2 \
         AND (x.end_snapshot IS NULL OR x.end_snapshot > $2)), 0)";
    let name = format!("ducklake_inlined_delete_{table}");
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1";
    let tables: i64 = sqlx::query_scalar(sql).bind(&name).fetch_one(connection).await?;
    if tables == 0 {
        return Ok(in_files.to_owned());
    }
    let inlined = format!(
        "(SELECT count(*) FROM {name} x WHERE x.file_id = f.data_file_id AND x.begin_snapshot <= $2)"
    );
    Ok(format!("{in_files} + {inlined}"))
}

/// Rows of one partition and day of a table that lie in the catalog itself: DuckDB inlines small inserts.
#[derive(Debug, Clone)]
pub(crate) struct InlinedRows {
    pub partition: String,
    pub date: String,
    pub rows: u64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// The inlined rows of a table that is kept by partition and day.
pub(crate) async fn inlined_rows(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: &Table,
) -> Result<Vec<InlinedRows>, LakeError> {
    let mut found = Vec::new();
    if table.parts().partition_id.is_none() {
        return Ok(found);
    }
    let time = if table.column("tp_timestamp").is_some() { "tp_timestamp" } else { "NULL" };
    for name in inlined_tables(connection, table.id()).await? {
        let sql = format!(
            "SELECT tp_partition, tp_date, count(*), min({time}), max({time}) FROM {name} \
             WHERE begin_snapshot <= $1 AND (end_snapshot IS NULL OR end_snapshot > $1) \
             AND tp_partition IS NOT NULL AND tp_date IS NOT NULL GROUP BY tp_partition, tp_date"
        );
        for row in sqlx::query(AssertSqlSafe(sql)).bind(snapshot).fetch_all(&mut *connection).await? {
            let time = |column: usize| -> Result<Option<Timestamp>, sqlx::Error> {
                Ok(row.try_get::<Option<String>, _>(column)?.and_then(|text| Timestamp::parse(&text)))
            };
            found.push(InlinedRows {
                partition: row.try_get(0)?,
                date: row.try_get(1)?,
                rows: u64::try_from(row.try_get::<i64, _>(2)?).unwrap_or(0),
                first: time(3)?,
                last: time(4)?,
            });
        }
    }
    Ok(found)
}

/// The catalog's tables that hold inlined rows of a table.
pub(crate) async fn inlined_tables(
    connection: &mut SqliteConnection,
    table: i64,
) -> Result<Vec<String>, LakeError> {
    let sql =
        "SELECT table_name FROM ducklake_inlined_data_tables WHERE table_id = $1 ORDER BY schema_version";
    let names: Vec<String> = sqlx::query_scalar(sql).bind(table).fetch_all(connection).await?;
    Ok(names.iter().map(|name| crate::catalog::quote(name)).collect())
}
