//! Adding files: their rows in the catalog, and what their statistics mean for the table's.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::catalog::{NextSnapshot, tables};
use crate::column::{self, LiveColumn};
use crate::error::{CommitError, Conflict, LakeError};
use crate::hive;
use crate::statistics::{ColumnStatistics, TableStatistics};
use crate::write::DataFile;

/// Rows of one INSERT: SQLite takes at most 32,766 values in a statement.
const INSERT_ROWS: usize = 1_000;

/// Checks that the files' columns still mean what they meant when the files were written. Columns added
/// since then are null in them; a wider type reads them as well. Returns the columns that have one.
pub(super) async fn check_columns(
    connection: &mut SqliteConnection,
    next: &NextSnapshot,
    files: &[&DataFile],
) -> Result<HashSet<i64>, CommitError> {
    let mut widened = HashSet::new();
    let mut checked = HashSet::new();
    for file in files {
        let table = &file.table;
        let version = table.parts().schema_version;
        // Tables change rarely: the same schema version means that nothing did.
        if version == next.schema_version() || !checked.insert(version) {
            continue;
        }
        let conflict = |reason: String| Conflict::Schema { table: table.name().to_owned(), reason };
        let newest = next.id() - 1;
        let sql = "SELECT count(*) FROM ducklake_table WHERE table_id = $1 AND end_snapshot IS NULL";
        let tables: i64 = sqlx::query_scalar(sql).bind(table.id()).fetch_one(&mut *connection).await?;
        if tables == 0 {
            return Err(conflict("it was dropped".to_owned()).into());
        }
        let live = tables::columns(connection, newest, table.id()).await?;
        let mut types = HashMap::new();
        collect_types(&live, &mut types);
        for statistics in &file.statistics {
            let Some((name, now)) = types.get(&statistics.column_id) else {
                // Dropped: nobody sees its values any more.
                continue;
            };
            let then = &statistics.type_name;
            if column::same(then, now) {
                continue;
            }
            widened.insert(statistics.column_id);
            if !column::widens(then, now) {
                return Err(conflict(format!("column `{name}` was {then} and is {now}")).into());
            }
        }
    }
    Ok(widened)
}

fn collect_types<'a>(columns: &'a [LiveColumn], types: &mut HashMap<i64, (&'a str, &'a str)>) {
    for column in columns {
        types.insert(column.id, (&column.name, &column.type_name));
        collect_types(&column.children, types);
    }
}

/// Adds files to a table. The texts of bounds of `widened` columns are those of the narrower type: `0.1` of
/// a float is a little more as a double. So they are left out.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    table: i64,
    files: &[&DataFile],
    widened: &HashSet<i64>,
) -> Result<(), LakeError> {
    next.note(format!("inserted_into_table:{table}"));
    let partition_id = live_partition_id(connection, table).await?;
    let totals = totals(connection, table).await?;
    let mut row_id = totals.next_row_id;
    let mut numbered = Vec::with_capacity(files.len());
    for file in files {
        numbered.push((next.file_id(), row_id, *file));
        row_id += file.rows as i64;
    }
    let bytes: i64 = files.iter().map(|file| file.bytes as i64).sum();
    insert_files(connection, next.id(), table, partition_id, &numbered).await?;
    let mut statistics: Vec<(i64, Cow<'_, ColumnStatistics>)> = Vec::new();
    for (id, _, file) in &numbered {
        let columns = file.statistics.iter().map(|column| {
            let unbounded = || ColumnStatistics { min: None, max: None, ..column.clone() };
            if widened.contains(&column.column_id) { Cow::Owned(unbounded()) } else { Cow::Borrowed(column) }
        });
        statistics.extend(columns.map(|column| (*id, column)));
    }
    insert_statistics(connection, table, &statistics).await?;
    let added = row_id - totals.next_row_id;
    sqlx::query(
        "UPDATE ducklake_table_stats SET record_count = record_count + $1, next_row_id = $2, \
         file_size_bytes = file_size_bytes + $3 WHERE table_id = $4",
    )
    .bind(added)
    .bind(row_id)
    .bind(bytes)
    .bind(table)
    .execute(&mut *connection)
    .await?;
    merge_statistics(
        connection,
        table,
        totals.next_row_id == 0,
        statistics.iter().map(|(_, column)| &**column),
    )
    .await
}

/// The partition spec that the table has now, if it is the one that files are written by.
async fn live_partition_id(connection: &mut SqliteConnection, table: i64) -> Result<Option<i64>, LakeError> {
    let sql = r#"SELECT i.partition_id FROM ducklake_partition_info i
                 JOIN ducklake_partition_column p
                   ON p.partition_id = i.partition_id AND p.table_id = i.table_id
                 JOIN ducklake_column c
                   ON c.table_id = i.table_id AND c.column_id = p.column_id AND c.end_snapshot IS NULL
                 WHERE i.table_id = $1 AND i.end_snapshot IS NULL
                 GROUP BY i.partition_id
                 HAVING count(*) = 2 AND sum(CASE WHEN p."transform" = 'identity' AND (
                     (p.partition_key_index = 0 AND c.column_name = 'tp_partition') OR
                     (p.partition_key_index = 1 AND c.column_name = 'tp_date')) THEN 1 ELSE 0 END) = 2"#;
    Ok(sqlx::query_scalar(sql).bind(table).fetch_optional(connection).await?)
}

/// A table's totals.
struct Totals {
    next_row_id: i64,
}

async fn totals(connection: &mut SqliteConnection, table: i64) -> Result<Totals, LakeError> {
    let sql = "SELECT next_row_id FROM ducklake_table_stats WHERE table_id = $1";
    let next_row_id: Option<i64> =
        sqlx::query_scalar(sql).bind(table).fetch_optional(&mut *connection).await?;
    if next_row_id.is_none() {
        sqlx::query("INSERT INTO ducklake_table_stats VALUES ($1, 0, 0, 0)")
            .bind(table)
            .execute(connection)
            .await?;
    }
    Ok(Totals { next_row_id: next_row_id.unwrap_or(0) })
}

/// A file with its number and the number of its first row.
type Numbered<'a> = (i64, i64, &'a DataFile);

async fn insert_files(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: i64,
    partition_id: Option<i64>,
    files: &[Numbered<'_>],
) -> Result<(), LakeError> {
    for files in files.chunks(INSERT_ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO ducklake_data_file(data_file_id, table_id, begin_snapshot, path, path_is_relative, \
             file_format, record_count, file_size_bytes, footer_size, row_id_start, partition_id) ",
        );
        insert.push_values(files, |mut row, (id, row_id, file)| {
            row.push_bind(*id)
                .push_bind(table)
                .push_bind(snapshot)
                .push_bind(file.relative.as_str())
                .push_bind(true)
                .push_bind("parquet")
                .push_bind(file.rows as i64)
                .push_bind(file.bytes as i64)
                .push_bind(file.footer_bytes as i64)
                .push_bind(*row_id)
                .push_bind(partition_id);
        });
        insert.build().execute(&mut *connection).await?;
        if partition_id.is_none() {
            continue;
        }
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO ducklake_file_partition_value(data_file_id, table_id, partition_key_index, \
             partition_value) ",
        );
        let values = files
            .iter()
            .flat_map(|(id, _, file)| [(*id, 0, file.partition.clone()), (*id, 1, hive::day(file.date))]);
        insert.push_values(values, |mut row, (id, index, value)| {
            row.push_bind(id).push_bind(table).push_bind(index).push_bind(value);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_statistics(
    connection: &mut SqliteConnection,
    table: i64,
    statistics: &[(i64, Cow<'_, ColumnStatistics>)],
) -> Result<(), LakeError> {
    for rows in statistics.chunks(INSERT_ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO ducklake_file_column_stats(data_file_id, table_id, column_id, column_size_bytes, \
             value_count, null_count, min_value, max_value, contains_nan) ",
        );
        insert.push_values(rows, |mut row, (file, statistics)| {
            row.push_bind(*file)
                .push_bind(table)
                .push_bind(statistics.column_id)
                .push_bind(statistics.bytes)
                .push_bind(statistics.values)
                .push_bind(statistics.nulls)
                .push_bind(statistics.min.as_deref())
                .push_bind(statistics.max.as_deref())
                .push_bind(statistics.nan);
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// Merges the files' statistics into the table's. A column without a row there is one of which nothing is
/// known, and stays so: other files may hold any value. `empty` says that there are no other files.
async fn merge_statistics(
    connection: &mut SqliteConnection,
    table: i64,
    empty: bool,
    files: impl Iterator<Item = &ColumnStatistics>,
) -> Result<(), LakeError> {
    let known = table_statistics(connection, table).await?;
    let mut merged: HashMap<i64, TableStatistics> = HashMap::new();
    let mut unknown: HashSet<i64> = HashSet::new();
    for file in files {
        let id = file.column_id;
        if unknown.contains(&id) {
            continue;
        }
        let before = merged.remove(&id).or_else(|| known.get(&id).cloned());
        match (before, TableStatistics::of_file(file)) {
            (Some(mut before), Some(file_statistics)) => {
                before.merge(file_statistics, &file.type_name);
                merged.insert(id, before);
            }
            (None, Some(file_statistics)) if empty => {
                merged.insert(id, file_statistics);
            }
            _ => {
                unknown.insert(id);
            }
        }
    }
    let changed: Vec<&TableStatistics> =
        merged.values().filter(|statistics| known.get(&statistics.column_id) != Some(*statistics)).collect();
    let outdated = changed.iter().map(|statistics| statistics.column_id).chain(unknown);
    let outdated: Vec<i64> = outdated.filter(|id| known.contains_key(id)).collect();
    for columns in outdated.chunks(INSERT_ROWS) {
        let mut delete =
            QueryBuilder::<Sqlite>::new("DELETE FROM ducklake_table_column_stats WHERE table_id = ");
        delete.push_bind(table).push(" AND column_id IN (");
        let mut list = delete.separated(", ");
        for column in columns {
            list.push_bind(*column);
        }
        delete.push(")");
        delete.build().execute(&mut *connection).await?;
    }
    for rows in changed.chunks(INSERT_ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "INSERT INTO ducklake_table_column_stats(table_id, column_id, contains_null, contains_nan, \
             min_value, max_value) ",
        );
        insert.push_values(rows, |mut row, statistics| {
            row.push_bind(table)
                .push_bind(statistics.column_id)
                .push_bind(statistics.nulls)
                .push_bind(statistics.nan)
                .push_bind(statistics.min.as_deref())
                .push_bind(statistics.max.as_deref());
        });
        insert.build().execute(&mut *connection).await?;
    }
    Ok(())
}

async fn table_statistics(
    connection: &mut SqliteConnection,
    table: i64,
) -> Result<HashMap<i64, TableStatistics>, LakeError> {
    let sql = "SELECT column_id, contains_null, contains_nan, min_value, max_value \
               FROM ducklake_table_column_stats WHERE table_id = $1";
    let rows = sqlx::query(sql).bind(table).fetch_all(connection).await?;
    let mut known = HashMap::with_capacity(rows.len());
    for row in rows {
        let column_id = row.try_get(0)?;
        let statistics = TableStatistics {
            column_id,
            nulls: row.try_get::<Option<bool>, _>(1)?.unwrap_or(true),
            nan: row.try_get(2)?,
            min: row.try_get(3)?,
            max: row.try_get(4)?,
        };
        known.insert(column_id, statistics);
    }
    Ok(known)
}
