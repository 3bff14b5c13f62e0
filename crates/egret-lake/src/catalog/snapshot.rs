//! Snapshots: the versions of the lake, one for each commit.

use egret_model::Timestamp;
use sqlx::{Row, SqliteConnection};

use crate::error::LakeError;

/// A version of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Its number.
    pub id: i64,
    /// Goes up when a table or column changes.
    pub schema_version: i64,
    next_catalog_id: i64,
    next_file_id: i64,
}

/// The newest snapshot.
pub(crate) async fn latest(connection: &mut SqliteConnection) -> Result<Snapshot, LakeError> {
    let sql = "SELECT snapshot_id, schema_version, next_catalog_id, next_file_id FROM ducklake_snapshot \
               ORDER BY snapshot_id DESC LIMIT 1";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    Ok(Snapshot {
        id: row.try_get(0)?,
        schema_version: row.try_get(1)?,
        next_catalog_id: row.try_get(2)?,
        next_file_id: row.try_get(3)?,
    })
}

/// Who commits, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub author: Option<&'a str>,
    pub text: Option<&'a str>,
    pub extra: Option<&'a str>,
}

/// The snapshot that a transaction is making.
#[derive(Debug)]
pub(crate) struct NextSnapshot {
    snapshot: Snapshot,
    time: String,
    schema_changed: bool,
    changes: Vec<String>,
}

impl NextSnapshot {
    /// Snapshot 0.
    pub(super) fn first(time: String) -> Self {
        let snapshot = Snapshot { id: 0, schema_version: 0, next_catalog_id: 1, next_file_id: 0 };
        Self { snapshot, time, schema_changed: false, changes: vec!["created_schema:\"main\"".to_owned()] }
    }

    /// The one after the newest. The transaction holds the write lock.
    pub(crate) async fn begin(connection: &mut SqliteConnection, now: Timestamp) -> Result<Self, LakeError> {
        let mut snapshot = latest(connection).await?;
        snapshot.id += 1;
        Ok(Self { snapshot, time: snapshot_time(now), schema_changed: false, changes: Vec::new() })
    }

    /// Its number.
    pub(crate) fn id(&self) -> i64 {
        self.snapshot.id
    }

    /// Its schema version.
    pub(crate) fn schema_version(&self) -> i64 {
        self.snapshot.schema_version
    }

    /// The next number for a table or a partition spec.
    pub(crate) fn catalog_id(&mut self) -> i64 {
        self.snapshot.next_catalog_id += 1;
        self.snapshot.next_catalog_id - 1
    }

    /// The next number for a file.
    pub(crate) fn file_id(&mut self) -> i64 {
        self.snapshot.next_file_id += 1;
        self.snapshot.next_file_id - 1
    }

    /// Says that a table's columns change, once for all of them in this snapshot.
    pub(crate) fn change_schema(&mut self) {
        if !self.schema_changed {
            self.schema_changed = true;
            self.snapshot.schema_version += 1;
        }
    }

    /// Notes what is done, in DuckLake's words.
    pub(crate) fn note(&mut self, change: String) {
        if !self.changes.contains(&change) {
            self.changes.push(change);
        }
    }

    /// Whether nothing was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Writes it. What follows is the transaction's commit.
    pub(crate) async fn insert(
        self,
        connection: &mut SqliteConnection,
        message: Option<Message<'_>>,
    ) -> Result<(), LakeError> {
        sqlx::query("INSERT INTO ducklake_snapshot VALUES ($1, $2, $3, $4, $5)")
            .bind(self.snapshot.id)
            .bind(self.time)
            .bind(self.snapshot.schema_version)
            .bind(self.snapshot.next_catalog_id)
            .bind(self.snapshot.next_file_id)
            .execute(&mut *connection)
            .await?;
        sqlx::query("INSERT INTO ducklake_snapshot_changes VALUES ($1, $2, $3, $4, $5)")
            .bind(self.snapshot.id)
            .bind(self.changes.join(","))
            .bind(message.and_then(|message| message.author))
            .bind(message.and_then(|message| message.text))
            .bind(message.and_then(|message| message.extra))
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// An instant as the catalog's columns hold it: `2024-02-01 10:00:00.25+00`.
pub(crate) fn snapshot_time(time: Timestamp) -> String {
    format!("{}+00", timestamp(time))
}

/// An instant without a zone, as in statistics and inlined rows: `2024-02-01 10:00:00.25`.
pub(crate) fn timestamp(time: Timestamp) -> String {
    let Some(datetime) = time.to_datetime() else {
        return time.micros().to_string();
    };
    let text = datetime.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_digits_they_need() {
        let time = |text: &str| timestamp(Timestamp::parse(text).unwrap());
        assert_eq!(time("2024-02-01T10:00:00.25Z"), "2024-02-01 10:00:00.25");
        assert_eq!(time("2024-02-10T10:10:00Z"), "2024-02-10 10:10:00");
        assert_eq!(snapshot_time(Timestamp::from_micros(0)), "1970-01-01 00:00:00+00");
    }
}
