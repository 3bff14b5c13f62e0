//! A change of the store: a transaction, with what belongs together in it.

use std::collections::HashMap;

use egret_model::Timestamp;
use sqlx::{AssertSqlSafe, Row, Sqlite, Transaction};

use crate::error::StoreError;
use crate::stored_id::{ReadId, STORED_IDS};

/// Rows of one statement: SQLite takes at most 32,766 values in it.
pub(crate) const ROWS: usize = 500;

/// A change that nobody sees before [`Change::commit`]; dropped without, it never was.
#[derive(Debug)]
pub struct Change {
    pub(crate) transaction: Transaction<'static, Sqlite>,
    /// The numbers of alerts that were looked up, by id.
    numbers: HashMap<String, i64>,
}

impl Change {
    pub(crate) fn new(transaction: Transaction<'static, Sqlite>) -> Self {
        Self { transaction, numbers: HashMap::new() }
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

    /// The number of an alert, by which other tables know it; it was looked up before.
    pub(crate) fn number(&self, alert_id: &str) -> Option<i64> {
        self.numbers.get(alert_id).copied()
    }

    /// Remembers the number of an alert.
    pub(crate) fn remember(&mut self, alert_id: &str, number: i64) {
        self.numbers.insert(alert_id.to_owned(), number);
    }

    /// Looks up the numbers of those alerts that are stored.
    pub(crate) async fn look_up<'a>(
        &mut self,
        alert_ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let unknown: Vec<&str> =
            alert_ids.into_iter().filter(|alert_id| !self.numbers.contains_key(*alert_id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let sql = format!("SELECT alert_id, number FROM alert WHERE alert_id IN {STORED_IDS}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(json_list(unknown));
        for row in query.fetch_all(&mut *self.transaction).await? {
            self.numbers.insert(row.try_get::<ReadId, _>(0)?.0, row.try_get(1)?);
        }
        Ok(())
    }
}

/// A list of texts as SQLite's `json_each` takes it.
pub(crate) fn json_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts).to_string()
}

/// A list of numbers as SQLite's `json_each` takes it.
pub(crate) fn number_list(numbers: impl IntoIterator<Item = i64>) -> String {
    serde_json::Value::from_iter(numbers).to_string()
}

/// An instant that comes from the database.
pub(crate) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}
