//! PostgreSQL. Values come as the text that the server writes: it is exact, and every type has it.

use std::collections::HashMap;
use std::fmt::Write as _;

use futures_util::StreamExt as _;
use serde_json::Value as Json;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgValueRef};
use sqlx::{AssertSqlSafe, Column as _, Connection as _, Row as _, ValueRef as _};
use tokio::time::Instant;

use crate::documents::Documents;
use crate::generator::GenerateError;

use super::connection::Connection;
use super::row::{Row, array, base64, float, integer, json, timestamp};

/// What makes the server write values in one way, whatever its settings.
const SETTINGS: &str = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; \
    SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL cursor_tuple_fraction = 1";

/// The cursor of the query.
const CURSOR: &str = "egret_rows";

/// How a type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Bool,
    Integer,
    Float,
    Json,
    Bytes,
    Moment { utc: bool },
    Text,
}

/// The types of the columns that the server knows as arrays, by number, with how their items are written and set apart.
type Arrays = HashMap<u32, (Writing, char)>;

/// Gives the rows of a query.
pub(super) async fn read(
    options: &PgConnectOptions,
    connection: &Connection,
    query: &str,
    deadline: Instant,
    documents: &mut Documents,
) -> Result<(), GenerateError> {
    let failed = |error| connection.failed(error);
    let mut server = connection.connect(PgConnection::connect_with(options)).await?;
    let left = deadline.saturating_duration_since(Instant::now()).as_millis().clamp(1, i32::MAX as u128);
    let begin = format!("BEGIN TRANSACTION READ ONLY; SET LOCAL statement_timeout = {left}; {SETTINGS}");
    sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut server).await.map_err(failed)?;
    // A cursor takes nothing but queries, and a prepared statement is one statement.
    let declare = format!("DECLARE {CURSOR} NO SCROLL CURSOR FOR {query}");
    sqlx::query(AssertSqlSafe(declare)).persistent(false).execute(&mut server).await.map_err(failed)?;
    let first = sqlx::raw_sql(AssertSqlSafe(format!("FETCH 1 FROM {CURSOR}")));
    let Some(first) = first.fetch_optional(&mut server).await.map_err(failed)? else { return Ok(()) };
    let arrays = arrays_of(&first, &mut server).await.map_err(failed)?;
    documents.push(document(&first, &arrays)?)?;
    {
        let mut rows = sqlx::raw_sql(AssertSqlSafe(format!("FETCH ALL FROM {CURSOR}"))).fetch(&mut server);
        while let Some(row) = rows.next().await {
            documents.push(document(&row.map_err(failed)?, &arrays)?)?;
        }
    }
    // There is nothing to be committed; that the server hears of the end is a courtesy.
    let _ = server.close().await;
    Ok(())
}

/// Which columns are arrays, and of what. The server knows them by number only, and those of the user's own types have
/// other numbers in each database.
async fn arrays_of(row: &PgRow, server: &mut PgConnection) -> Result<Arrays, sqlx::Error> {
    let mut numbers = String::new();
    for column in row.columns() {
        let number = column.type_info().oid().map_or(0, |oid| oid.0);
        let _ = write!(numbers, "{}{number}", if numbers.is_empty() { "" } else { "," });
    }
    if numbers.is_empty() {
        return Ok(Arrays::new());
    }
    // int2vector and oidvector are arrays that are written otherwise.
    let query = format!(
        "SELECT a.oid::int8, e.typdelim::text, COALESCE(NULLIF(e.typbasetype, 0), e.oid)::int8 FROM pg_catalog.pg_type a \
         JOIN pg_catalog.pg_type e ON e.oid = a.typelem WHERE a.typcategory = 'A' AND a.typlen = -1 AND a.oid NOT IN (22, 30) AND a.oid IN ({numbers})"
    );
    let mut arrays = Arrays::new();
    for row in sqlx::raw_sql(AssertSqlSafe(query)).fetch_all(server).await? {
        let (array, delimiter, item): (i64, String, i64) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let number = |number: i64| u32::try_from(number).unwrap_or(0);
        let delimiter = delimiter.chars().next().unwrap_or(',');
        arrays.insert(number(array), (writing(number(item)), delimiter));
    }
    Ok(arrays)
}

fn document(row: &PgRow, arrays: &Arrays) -> Result<Json, GenerateError> {
    let mut document = Row::default();
    for (index, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| error.to_string());
        let number = column.type_info().oid().map_or(0, |oid| oid.0);
        document.put(column.name(), value.and_then(|value| read_value(&value, number, arrays)))?;
    }
    Ok(document.document())
}

fn read_value(value: &PgValueRef<'_>, number: u32, arrays: &Arrays) -> Result<Json, String> {
    if value.is_null() {
        return Ok(Json::Null);
    }
    let text = value.as_str().map_err(|_| "has text that is not in UTF-8".to_owned())?;
    match arrays.get(&number) {
        Some((writing, delimiter)) => array(text, *delimiter, &|text| written(text, *writing)),
        None => written(text, writing(number)),
    }
}

fn written(text: &str, writing: Writing) -> Result<Json, String> {
    Ok(match writing {
        Writing::Bool => Json::from(text == "t"),
        Writing::Integer => integer(text),
        Writing::Float => float(text),
        Writing::Json => return json(text),
        Writing::Bytes => base64(&unhex(text).ok_or("has bytes that cannot be read")?),
        Writing::Moment { utc } => timestamp(text, utc),
        Writing::Text => Json::from(text),
    })
}

/// How a type is written, by its number in `pg_type.dat`, which never changes. All others are text.
fn writing(number: u32) -> Writing {
    match number {
        16 => Writing::Bool,
        17 => Writing::Bytes,
        // int8, int2, int4, oid, xid, cid, xid8.
        20 | 21 | 23 | 26 | 28 | 29 | 5069 => Writing::Integer,
        700 | 701 => Writing::Float,
        114 | 3802 => Writing::Json,
        1114 => Writing::Moment { utc: false },
        1184 => Writing::Moment { utc: true },
        _ => Writing::Text,
    }
}

/// The bytes of `\x0aff`.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}
