//! Making tables, and letting them grow: what differs between the wanted columns and the live ones.

use egret_model::{ColumnType, TableSchema};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::catalog::{NextSnapshot, quote};
use crate::column::{self, LiveColumn};
use crate::error::LakeError;
use crate::table::Table;

/// One difference between a table and what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// A column or a field of a struct is missing.
    Add { parent: Option<i64>, name: &'a str, kind: &'a ColumnType },
    /// A column must hold larger numbers.
    Widen { column: &'a LiveColumn, to: &'static str },
}

/// What must happen so that `live` holds everything of `wanted`. What only `live` has stays.
pub(crate) fn steps<'a>(live: &'a Table, wanted: &'a TableSchema) -> Result<Vec<Step<'a>>, LakeError> {
    let mut steps = Vec::new();
    let wanted_columns: Vec<(&str, &ColumnType)> =
        wanted.columns.iter().map(|column| (column.name.as_str(), &column.column_type)).collect();
    compare(&wanted.name, "", None, &live.parts().columns, &wanted_columns, &mut steps)?;
    Ok(steps)
}

/// Compares the columns below `parent`; `path` is its name with a dot, for errors.
fn compare<'a>(
    table: &str,
    path: &str,
    parent: Option<i64>,
    live: &'a [LiveColumn],
    wanted: &[(&'a str, &'a ColumnType)],
    steps: &mut Vec<Step<'a>>,
) -> Result<(), LakeError> {
    for (name, kind) in wanted {
        let Some(found) = live.iter().find(|column| column.name.eq_ignore_ascii_case(name)) else {
            steps.push(Step::Add { parent, name, kind });
            continue;
        };
        if found.name != *name {
            return Err(LakeError::ColumnCase {
                table: table.to_owned(),
                column: format!("{path}{name}"),
                live: found.name.clone(),
            });
        }
        let to = column::type_name(kind);
        let nested = column::children(kind);
        if column::same(&found.type_name, to) {
            let path = format!("{path}{name}.");
            compare(table, &path, Some(found.id), &found.children, &nested, steps)?;
        } else if column::widens(&found.type_name, to) {
            steps.push(Step::Widen { column: found, to });
        } else if !column::widens(to, &found.type_name) {
            return Err(LakeError::TypeChange {
                table: table.to_owned(),
                column: format!("{path}{name}"),
                live: found.describe(),
                wanted: kind.to_string(),
            });
        }
    }
    Ok(())
}

/// Checks a table's name: it becomes a folder and stands in SQL without quotes.
pub(crate) fn check_name(name: &str) -> Result<(), LakeError> {
    let mut characters = name.chars();
    let starts = characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    if starts && name.len() <= 128 && characters.all(|rest| rest.is_ascii_alphanumeric() || rest == '_') {
        return Ok(());
    }
    Err(LakeError::TableName { name: name.to_owned() })
}

/// Makes a table, by hive directories if it has the columns for it. Returns its number.
pub(crate) async fn create(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    wanted: &TableSchema,
) -> Result<i64, LakeError> {
    next.change_schema();
    let table = next.catalog_id();
    next.note(format!("created_table:\"main\".{}", quote(&wanted.name)));
    sqlx::query("INSERT INTO ducklake_table VALUES ($1, $2, $3, NULL, 0, $4, $5, $6)")
        .bind(table)
        .bind(Uuid::now_v7().to_string())
        .bind(next.id())
        .bind(&wanted.name)
        .bind(format!("{}/", wanted.name))
        .bind(true)
        .execute(&mut *connection)
        .await?;
    let mut next_column = 1;
    let mut keys = [None, None];
    for column in &wanted.columns {
        match column.name.as_str() {
            "tp_partition" => keys[0] = Some(next_column),
            "tp_date" => keys[1] = Some(next_column),
            _ => {}
        }
        let place = Place { table, parent: None };
        next_column =
            insert_column(connection, next.id(), place, next_column, &column.name, &column.column_type)
                .await?;
    }
    if let [Some(partition), Some(date)] = keys {
        let spec = next.catalog_id();
        next.note(format!("altered_table:{table}"));
        sqlx::query("INSERT INTO ducklake_partition_info VALUES ($1, $2, $3, NULL)")
            .bind(spec)
            .bind(table)
            .bind(next.id())
            .execute(&mut *connection)
            .await?;
        for (index, column) in [partition, date].into_iter().enumerate() {
            sqlx::query("INSERT INTO ducklake_partition_column VALUES ($1, $2, $3, $4, 'identity')")
                .bind(spec)
                .bind(table)
                .bind(index as i64)
                .bind(column)
                .execute(&mut *connection)
                .await?;
        }
    }
    record_schema_version(connection, next, table).await?;
    Ok(table)
}

/// Takes the steps for a table that exists.
pub(crate) async fn evolve(
    connection: &mut SqliteConnection,
    next: &mut NextSnapshot,
    table: i64,
    steps: Vec<Step<'_>>,
) -> Result<(), LakeError> {
    next.change_schema();
    next.note(format!("altered_table:{table}"));
    let newest = "SELECT coalesce(max(column_id), 0) FROM ducklake_column WHERE table_id = $1";
    let newest: i64 = sqlx::query_scalar(newest).bind(table).fetch_one(&mut *connection).await?;
    let mut next_column = newest + 1;
    for step in steps {
        match step {
            Step::Add { parent, name, kind } => {
                let place = Place { table, parent };
                next_column = insert_column(connection, next.id(), place, next_column, name, kind).await?;
            }
            Step::Widen { column, to } => widen(connection, next.id(), table, column, to).await?,
        }
    }
    record_schema_version(connection, next, table).await
}

async fn record_schema_version(
    connection: &mut SqliteConnection,
    next: &NextSnapshot,
    table: i64,
) -> Result<(), LakeError> {
    sqlx::query("INSERT INTO ducklake_schema_versions VALUES ($1, $2, $3)")
        .bind(next.id())
        .bind(next.schema_version())
        .bind(table)
        .execute(connection)
        .await?;
    Ok(())
}

/// Where a column goes.
#[derive(Debug, Clone, Copy)]
struct Place {
    table: i64,
    parent: Option<i64>,
}

/// Inserts a column and what is nested in it, numbered from `id` on. Returns the next free number.
async fn insert_column(
    connection: &mut SqliteConnection,
    snapshot: i64,
    place: Place,
    id: i64,
    name: &str,
    kind: &ColumnType,
) -> Result<i64, LakeError> {
    let nested = column::children(kind);
    sqlx::query("INSERT INTO ducklake_column VALUES ($1, $2, NULL, $3, $1, $4, $5, NULL, 'NULL', $6, $7, $8, 'duckdb')")
        .bind(id)
        .bind(snapshot)
        .bind(place.table)
        .bind(name)
        .bind(column::type_name(kind))
        .bind(true)
        .bind(place.parent)
        .bind(if nested.is_empty() { "literal" } else { "" })
        .execute(&mut *connection)
        .await?;
    let mut next = id + 1;
    for (name, kind) in nested {
        let place = Place { table: place.table, parent: Some(id) };
        next = Box::pin(insert_column(connection, snapshot, place, next, name, kind)).await?;
    }
    Ok(next)
}

/// Gives a column a wider type: the old row ends, a new one with the same number begins.
async fn widen(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: i64,
    column: &LiveColumn,
    to: &str,
) -> Result<(), LakeError> {
    sqlx::query(
        "INSERT INTO ducklake_column SELECT column_id, $1, NULL, table_id, column_order, column_name, $2, \
         initial_default, default_value, nulls_allowed, parent_column, default_value_type, default_value_dialect \
         FROM ducklake_column WHERE table_id = $3 AND column_id = $4 AND end_snapshot IS NULL",
    )
    .bind(snapshot)
    .bind(to)
    .bind(table)
    .bind(column.id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE ducklake_column SET end_snapshot = $1 \
         WHERE table_id = $2 AND column_id = $3 AND end_snapshot IS NULL AND begin_snapshot < $1",
    )
    .bind(snapshot)
    .bind(table)
    .bind(column.id)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE ducklake_table_column_stats SET min_value = NULL, max_value = NULL \
         WHERE table_id = $1 AND column_id = $2",
    )
    .bind(table)
    .bind(column.id)
    .execute(&mut *connection)
    .await?;
    if to == "float64" {
        // `0.1` was the bound of a float, which as a double is a little more: the file would be pruned.
        sqlx::query(
            "UPDATE ducklake_file_column_stats SET min_value = NULL, max_value = NULL \
             WHERE table_id = $1 AND column_id = $2",
        )
        .bind(table)
        .bind(column.id)
        .execute(connection)
        .await?;
    }
    Ok(())
}
