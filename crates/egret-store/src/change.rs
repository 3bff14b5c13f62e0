//! A change of the store: a transaction, with what belongs together in it.

use egret_model::Timestamp;
use sqlx::{Sqlite, Transaction};

use crate::error::StoreError;

/// Rows of one statement: SQLite takes at most 32,766 values in it.
pub(crate) const ROWS: usize = 500;

/// A change that nobody sees before [`Change::commit`]; dropped without, it never was.
#[derive(Debug)]
pub struct Change {
    pub(crate) transaction: Transaction<'static, Sqlite>,
}

impl Change {
    pub(crate) fn new(transaction: Transaction<'static, Sqlite>) -> Self {
        Self { transaction }
    }

    /// Makes it visible, and durable.
    ///
    /// # Errors
    /// If the disk fails; then it never was.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    /// The newest snapshot of the lake that the reader `name` is done with; zero if none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn position(&mut self, name: &str) -> Result<i64, StoreError> {
        let sql = "SELECT snapshot FROM position WHERE name = $1";
        let found: Option<i64> =
            sqlx::query_scalar(sql).bind(name).fetch_optional(&mut *self.transaction).await?;
        Ok(found.unwrap_or(0))
    }

    /// Moves it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn set_position(&mut self, name: &str, snapshot: i64) -> Result<(), StoreError> {
        let sql = "INSERT INTO position VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET snapshot = excluded.snapshot";
        sqlx::query(sql).bind(name).bind(snapshot).execute(&mut *self.transaction).await?;
        Ok(())
    }
}

/// A list of texts as SQLite's `json_each` takes it.
pub(crate) fn json_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}

/// An instant that comes from the database.
pub(crate) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
