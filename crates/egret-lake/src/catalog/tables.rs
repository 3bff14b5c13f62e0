//! Reading tables and their columns out of the catalog.

use std::collections::BTreeMap;

use sqlx::{Row, SqliteConnection};

use super::snapshot::Snapshot;
use crate::column::LiveColumn;
use crate::error::LakeError;
use crate::table::{Table, TableParts};

/// The live tables, by name.
pub(crate) async fn all(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
) -> Result<Vec<Table>, LakeError> {
    let sql = format!("{SELECT_TABLE} ORDER BY t.table_name");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(snapshot.id).fetch_all(&mut *connection).await?;
    let mut tables = Vec::with_capacity(rows.len());
    for row in rows {
        tables.push(load(connection, snapshot, &row).await?);
    }
    Ok(tables)
}

/// The live table called `name`. SQL's names do not distinguish case.
pub(crate) async fn by_name(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    name: &str,
) -> Result<Option<Table>, LakeError> {
    let sql = format!("{SELECT_TABLE} AND lower(t.table_name) = lower($2)");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(snapshot.id)
        .bind(name)
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(load(connection, snapshot, &row).await?)),
        None => Ok(None),
    }
}

/// Tables of schema `main` that are live in snapshot `$1`, with the path of their files below the data
/// folder, if that is relative.
const SELECT_TABLE: &str = "SELECT t.table_id, t.table_name, t.path, t.path_is_relative, \
    s.path, s.path_is_relative FROM ducklake_table t JOIN ducklake_schema s ON s.schema_id = t.schema_id \
    WHERE t.begin_snapshot <= $1 AND (t.end_snapshot IS NULL OR t.end_snapshot > $1) \
    AND s.schema_name = 'main' AND s.begin_snapshot <= $1 AND (s.end_snapshot IS NULL OR s.end_snapshot > $1)";

async fn load(
    connection: &mut SqliteConnection,
    snapshot: &Snapshot,
    row: &sqlx::sqlite::SqliteRow,
) -> Result<Table, LakeError> {
    let id: i64 = row.try_get(0)?;
    let path: String = row.try_get(2)?;
    let schema_path: String = row.try_get(4)?;
    let path = match (row.try_get(3)?, row.try_get(5)?) {
        (true, true) => Some(format!("{schema_path}{path}")),
        // Somebody gave the table a place of its own, outside the lake's data folder.
        _ => None,
    };
    let columns = columns(connection, snapshot.id, id).await?;
    Ok(Table::new(TableParts {
        id,
        name: row.try_get(1)?,
        path,
        schema_version: snapshot.schema_version,
        partition_id: partition_id(connection, snapshot.id, id, &columns).await?,
        columns,
    }))
}

/// The live columns of a table, nested, in order.
pub(crate) async fn columns(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: i64,
) -> Result<Vec<LiveColumn>, LakeError> {
    let sql = "SELECT column_id, column_name, column_type, parent_column, begin_snapshot FROM ducklake_column \
               WHERE table_id = $1 AND begin_snapshot <= $2 AND (end_snapshot IS NULL OR end_snapshot > $2) \
               ORDER BY column_order";
    let rows = sqlx::query(sql).bind(table).bind(snapshot).fetch_all(connection).await?;
    let mut by_parent: BTreeMap<Option<i64>, Vec<LiveColumn>> = BTreeMap::new();
    for row in rows {
        let column = LiveColumn {
            id: row.try_get(0)?,
            name: row.try_get(1)?,
            type_name: row.try_get(2)?,
            begin_snapshot: row.try_get(4)?,
            children: Vec::new(),
        };
        by_parent.entry(row.try_get(3)?).or_default().push(column);
    }
    let mut top = by_parent.remove(&None).unwrap_or_default();
    for column in &mut top {
        adopt(column, &mut by_parent);
    }
    Ok(top)
}

/// Gives `column` its children. Each is taken out of the map, so this ends even if the catalog has a cycle.
fn adopt(column: &mut LiveColumn, by_parent: &mut BTreeMap<Option<i64>, Vec<LiveColumn>>) {
    column.children = by_parent.remove(&Some(column.id)).unwrap_or_default();
    for child in &mut column.children {
        adopt(child, by_parent);
    }
}

/// The table's partition spec if it is ours: by `tp_partition` and `tp_date`, both as they are.
async fn partition_id(
    connection: &mut SqliteConnection,
    snapshot: i64,
    table: i64,
    columns: &[LiveColumn],
) -> Result<Option<i64>, LakeError> {
    let sql = r#"SELECT i.partition_id, c.column_id, c."transform" FROM ducklake_partition_info i
                 JOIN ducklake_partition_column c ON c.partition_id = i.partition_id AND c.table_id = i.table_id
                 WHERE i.table_id = $1 AND i.begin_snapshot <= $2
                   AND (i.end_snapshot IS NULL OR i.end_snapshot > $2)
                 ORDER BY c.partition_key_index"#;
    let rows = sqlx::query(sql).bind(table).bind(snapshot).fetch_all(connection).await?;
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        let column: i64 = row.try_get(1)?;
        let transform: String = row.try_get(2)?;
        let name = columns.iter().find(|candidate| candidate.id == column).map(|column| column.name.clone());
        keys.push((name.unwrap_or_default(), transform));
    }
    let ours = keys
        .iter()
        .map(|(name, transform)| (name.as_str(), transform.as_str()))
        .eq([("tp_partition", "identity"), ("tp_date", "identity")]);
    match rows.first() {
        Some(row) if ours => Ok(Some(row.try_get(0)?)),
        _ => Ok(None),
    }
}
