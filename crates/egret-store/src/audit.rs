//! The audit trail: who changed what, when.

use egret_model::Timestamp;
use serde::Serialize;
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, instant};
use crate::error::StoreError;
use crate::store::Store;

/// One change that somebody, or Egret itself, made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who; `egret` for what happens by itself.
    pub by: String,
    /// What was changed: `alert:ID`, `detection:ID`, `delivery:ID`.
    pub subject: String,
    /// What was done: `raised`, `acknowledged`, `closed`, `promoted`.
    pub action: String,
    /// What there is to say about it: a reason, a comment.
    pub detail: String,
}

impl Change {
    /// Writes entries.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn audit(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        for chunk in entries.chunks(ROWS) {
            let mut insert = QueryBuilder::new("INSERT INTO audit (at, by_whom, subject, action, detail) ");
            insert.push_values(chunk, |mut row, entry| {
                row.push_bind(entry.at.micros())
                    .push_bind(&entry.by)
                    .push_bind(&entry.subject)
                    .push_bind(&entry.action)
                    .push_bind(&entry.detail);
            });
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// What happened to a subject, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn audit_of(&self, subject: &str) -> Result<Vec<AuditEntry>, StoreError> {
        let sql =
            "SELECT at, by_whom, subject, action, detail FROM audit WHERE subject = $1 ORDER BY sequence";
        let rows = sqlx::query(sql).bind(subject).fetch_all(&self.pool).await?;
        let entry = |row: &sqlx::sqlite::SqliteRow| -> Result<AuditEntry, sqlx::Error> {
            Ok(AuditEntry {
                at: instant(row.try_get(0)?),
                by: row.try_get(1)?,
                subject: row.try_get(2)?,
                action: row.try_get(3)?,
                detail: row.try_get(4)?,
            })
        };
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }
}
