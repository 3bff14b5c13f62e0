//! The audit trail: who changed what, when.

use egret_model::Timestamp;
use serde::Serialize;
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, instant};
use crate::error::StoreError;
use crate::store::Store;
use crate::stored_id::StoredId;

/// What the subjects of alerts begin with.
const ALERT: &str = "alert:";

/// One change that somebody, or Egret itself, made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who; `egret` for what happens by itself.
    pub by: String,
    /// What was changed: `alert:ID`, `detection:ID`, `output:TYPE.NAME`, `lookup:NAME`.
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
        self.look_up(entries.iter().filter_map(|entry| entry.subject.strip_prefix(ALERT))).await?;
        for chunk in entries.chunks(ROWS) {
            let mut insert =
                QueryBuilder::new("INSERT INTO audit (at, by_whom, alert, subject, action, detail) ");
            insert.push_values(chunk, |mut row, entry| {
                let alert = entry.subject.strip_prefix(ALERT).and_then(|alert_id| self.number(alert_id));
                row.push_bind(entry.at.micros())
                    .push_bind(&entry.by)
                    .push_bind(alert)
                    .push_bind(alert.is_none().then_some(&entry.subject))
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
        let rows = match subject.strip_prefix(ALERT) {
            Some(alert_id) => {
                let sql = "SELECT at, by_whom, action, detail FROM audit \
                           WHERE alert = (SELECT number FROM alert WHERE alert_id = $1) ORDER BY sequence";
                sqlx::query(sql).bind(StoredId(alert_id)).fetch_all(&self.pool).await?
            }
            None => {
                let sql = "SELECT at, by_whom, action, detail FROM audit WHERE alert IS NULL AND subject = $1 \
                           ORDER BY sequence";
                sqlx::query(sql).bind(subject).fetch_all(&self.pool).await?
            }
        };
        let entry = |row: &sqlx::sqlite::SqliteRow| -> Result<AuditEntry, sqlx::Error> {
            Ok(AuditEntry {
                at: instant(row.try_get(0)?),
                by: row.try_get(1)?,
                subject: subject.to_owned(),
                action: row.try_get(2)?,
                detail: row.try_get(3)?,
            })
        };
        Ok(rows.iter().map(entry).collect::<Result<_, _>>()?)
    }
}
