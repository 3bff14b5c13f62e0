//! MySQL and MariaDB. Values come as the text that the server writes.

use futures_util::StreamExt as _;
use serde_json::Value as Json;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlTypeInfo, MySqlValueRef};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Decode, Executor as _, MySql, Row as _, SqlSafeStr as _,
    Statement as _, Type, TypeInfo as _, ValueRef as _,
};
use tokio::time::Instant;

use crate::documents::Documents;
use crate::generator::GenerateError;

use super::connection::Connection;
use super::row::{Row, base64, float, integer, json, timestamp};

/// Gives the rows of a query.
pub(super) async fn read(
    options: &MySqlConnectOptions,
    connection: &Connection,
    query: &str,
    deadline: Instant,
    documents: &mut Documents,
) -> Result<(), GenerateError> {
    let failed = |error| connection.failed(error);
    let mut server = connection.connect(MySqlConnection::connect_with(options)).await?;
    // Only a prepared statement is sure to be one statement; and what gives no rows may end the transaction to do its work.
    let statement = server.prepare(AssertSqlSafe(query).into_sql_str()).await.map_err(failed)?;
    if statement.columns().is_empty() {
        return Err(GenerateError::refused("the query is a statement that gives no rows"));
    }
    let left = deadline.saturating_duration_since(Instant::now());
    let version: String =
        sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut server).await.map_err(failed)?;
    let limit = if version.contains("MariaDB") {
        format!("SET SESSION max_statement_time = {}", left.as_secs_f64().max(0.001))
    } else {
        format!("SET SESSION max_execution_time = {}", left.as_millis().clamp(1, u128::from(u32::MAX)))
    };
    // Servers of long ago know no limit; the run has one all the same.
    let _ = sqlx::raw_sql(AssertSqlSafe(limit)).execute(&mut server).await;
    for statement in ["SET SESSION TRANSACTION READ ONLY", "START TRANSACTION READ ONLY"] {
        sqlx::raw_sql(statement).execute(&mut server).await.map_err(failed)?;
    }
    {
        let mut rows = sqlx::raw_sql(AssertSqlSafe(query)).fetch(&mut server);
        while let Some(row) = rows.next().await {
            documents.push(document(&row.map_err(failed)?)?)?;
        }
    }
    // There is nothing to be committed; that the server hears of the end is a courtesy.
    let _ = server.close().await;
    Ok(())
}

fn document(row: &MySqlRow) -> Result<Json, GenerateError> {
    let mut document = Row::default();
    for (index, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| error.to_string());
        document.put(column.name(), value.and_then(|value| read_value(value, column.type_info())))?;
    }
    Ok(document.document())
}

fn read_value(value: MySqlValueRef<'_>, kind: &MySqlTypeInfo) -> Result<Json, String> {
    if value.is_null() {
        return Ok(Json::Null);
    }
    let bytes = <&[u8] as Decode<MySql>>::decode(value).map_err(|error| error.to_string())?;
    let name = kind.name();
    let is_text = <str as Type<MySql>>::compatible(kind);
    let is_bytes = matches!(name, "BINARY" | "VARBINARY" | "GEOMETRY")
        || name.ends_with("BLOB")
        || name.ends_with("TEXT");
    match name {
        // Its bytes are a number, the highest first.
        "BIT" if bytes.len() <= 8 => {
            return Ok(Json::from(bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))));
        }
        "BIT" => return Ok(base64(bytes)),
        _ if is_bytes && !is_text => return Ok(base64(bytes)),
        _ => {}
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "has text that is not in UTF-8".to_owned())?;
    Ok(match (name, text) {
        ("BOOLEAN", "0") => Json::from(false),
        ("BOOLEAN", "1") => Json::from(true),
        ("FLOAT" | "DOUBLE", text) => float(text),
        ("JSON", text) => return json(text),
        ("DATETIME", text) => timestamp(text, false),
        ("TIMESTAMP", text) => timestamp(text, true),
        ("BOOLEAN" | "YEAR", text) => integer(text),
        (name, text) if name.contains("INT") => integer(text),
        (_, text) => Json::from(text),
    })
}
