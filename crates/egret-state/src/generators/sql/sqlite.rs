//! SQLite. A file is opened for reading only; what a value is, the value says itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use serde_json::{Number, Value as Json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow, SqliteValueRef};
use sqlx::{
    AssertSqlSafe, Column as _, Connection as _, Decode, Either, Executor as _, Row as _, Sqlite,
    TypeInfo as _, ValueRef as _,
};
use tokio::time::Instant;

use crate::documents::Documents;
use crate::generator::GenerateError;

use super::connection::Connection;
use super::row::{Row, base64};

/// After so many steps of a query it is asked whether it may go on.
const STEPS: i32 = 10_000;

/// Says that nobody waits for a query any more, when the run is given up.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Gives the rows of a query.
pub(super) async fn read(
    options: &SqliteConnectOptions,
    connection: &Connection,
    query: &str,
    deadline: Instant,
    documents: &mut Documents,
) -> Result<(), GenerateError> {
    let failed = |error| connection.failed(error);
    let mut file = connection.connect(SqliteConnection::connect_with(options)).await?;
    let is_waited_for = Arc::new(AtomicBool::new(true));
    let _waiting = Waiting(Arc::clone(&is_waited_for));
    // The query runs on a thread of its own, which would go on whatever becomes of the run.
    file.lock_handle().await.map_err(failed)?.set_progress_handler(STEPS, move || {
        is_waited_for.load(Ordering::Relaxed) && Instant::now() < deadline
    });
    let mut results = file.fetch_many(sqlx::query(AssertSqlSafe(query)).persistent(false));
    let mut is_over = false;
    while let Some(result) = results.next().await {
        let result = match result {
            Err(_) if Instant::now() >= deadline => return Err(connection.too_long()),
            result => result.map_err(failed)?,
        };
        if is_over {
            return Err(GenerateError::refused("the query is more than one statement"));
        }
        match result {
            Either::Left(_) => is_over = true,
            Either::Right(row) => documents.push(document(&row)?)?,
        }
    }
    Ok(())
}

fn document(row: &SqliteRow) -> Result<Json, GenerateError> {
    let mut document = Row::default();
    for (index, column) in row.columns().iter().enumerate() {
        let value = row.try_get_raw(index).map_err(|error| error.to_string());
        let is_bool = column.type_info().name() == "BOOLEAN";
        document.put(column.name(), value.and_then(|value| read_value(value, is_bool)))?;
    }
    Ok(document.document())
}

fn read_value(value: SqliteValueRef<'_>, is_bool: bool) -> Result<Json, String> {
    if value.is_null() {
        return Ok(Json::Null);
    }
    let kind = value.type_info().name().to_owned();
    match kind.as_str() {
        "INTEGER" => {
            let number = <i64 as Decode<Sqlite>>::decode(value).map_err(|error| error.to_string())?;
            Ok(match number {
                0 | 1 if is_bool => Json::from(number == 1),
                number => Json::from(number),
            })
        }
        "REAL" => {
            let number = <f64 as Decode<Sqlite>>::decode(value).map_err(|error| error.to_string())?;
            Ok(Number::from_f64(number).map_or_else(|| Json::from(number.to_string()), Json::Number))
        }
        "BLOB" => <&[u8] as Decode<Sqlite>>::decode(value).map(base64).map_err(|error| error.to_string()),
        _ => {
            let text = <&str as Decode<Sqlite>>::decode(value)
                .map_err(|_| "has text that is not in UTF-8".to_owned())?;
            Ok(Json::from(text))
        }
    }
}
