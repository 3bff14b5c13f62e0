//! How fast an output may be told, across processes.

use egret_model::Timestamp;
use sqlx::Row;

use crate::change::{Change, instant};
use crate::error::StoreError;
use crate::store::Store;

/// What an output asked for, and what was taken of its rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoredPace {
    /// It asked to be left alone until then.
    pub held_until: Option<Timestamp>,
    /// When all of its rate is there again.
    pub free_at: Option<Timestamp>,
}

impl Change {
    /// Writes down the pace of an output.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_pace(&mut self, output: &str, pace: StoredPace) -> Result<(), StoreError> {
        let sql = "INSERT INTO pace VALUES ($1, $2, $3) ON CONFLICT (output) DO UPDATE \
                   SET held_until = excluded.held_until, free_at = excluded.free_at";
        sqlx::query(sql)
            .bind(output)
            .bind(pace.held_until.map(Timestamp::micros))
            .bind(pace.free_at.map(Timestamp::micros))
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

impl Store {
    /// The pace of an output.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn pace(&self, output: &str) -> Result<StoredPace, StoreError> {
        let sql = "SELECT held_until, free_at FROM pace WHERE output = $1";
        let row = sqlx::query(sql).bind(output).fetch_optional(&self.pool).await?;
        let Some(row) = row else { return Ok(StoredPace::default()) };
        Ok(StoredPace {
            held_until: row.try_get::<Option<i64>, _>(0)?.map(instant),
            free_at: row.try_get::<Option<i64>, _>(1)?.map(instant),
        })
    }
}
