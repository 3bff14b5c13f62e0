//! What became of findings.

use std::collections::HashSet;

use egret_model::Timestamp;
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, instant, json_list};
use crate::error::StoreError;
use crate::store::Store;

/// What became of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingOutcome {
    /// It is part of this alert.
    Alert(String),
    /// This `suppress` block took it out.
    Suppressed(String),
    /// Its detection is staged: it is stored and delivered to nobody.
    Staged,
    /// It is of a hunt, whose findings are delivered only if asked.
    Hunt,
}

impl FindingOutcome {
    fn columns(&self) -> (&'static str, &str) {
        match self {
            Self::Alert(alert) => ("alert", alert),
            Self::Suppressed(name) => ("suppressed", name),
            Self::Staged => ("staged", ""),
            Self::Hunt => ("hunt", ""),
        }
    }
}

/// How many findings a `suppress` block took out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuppressionCount {
    /// The block's name.
    pub name: String,
    /// How many findings.
    pub findings: u64,
    /// When the last one was read.
    pub last_at: Timestamp,
}

impl Change {
    /// Those of `finding_ids` that were read before. What a hunt found first may still be found in the stream.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn known_findings(&mut self, finding_ids: &[&str]) -> Result<HashSet<String>, StoreError> {
        let sql = "SELECT finding_id FROM finding WHERE finding_id IN (SELECT value FROM json_each($1)) \
                   AND outcome <> 'hunt'";
        let list = json_list(finding_ids.iter().copied());
        let known: Vec<String> = sqlx::query_scalar(sql).bind(list).fetch_all(&mut *self.transaction).await?;
        Ok(known.into_iter().collect())
    }

    /// Says what became of findings that are new.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn add_findings(&mut self, findings: &[(String, FindingOutcome)]) -> Result<(), StoreError> {
        for chunk in findings.chunks(ROWS) {
            let mut insert = QueryBuilder::new("INSERT INTO finding (finding_id, outcome, about) ");
            insert.push_values(chunk, |mut row, (id, outcome)| {
                let (outcome, about) = outcome.columns();
                row.push_bind(id).push_bind(outcome).push_bind(about);
            });
            insert.push(
                " ON CONFLICT (finding_id) DO UPDATE SET outcome = excluded.outcome, about = excluded.about",
            );
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Counts findings that a `suppress` block took out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count_suppressed(
        &mut self,
        name: &str,
        findings: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO suppression VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE \
                   SET findings = findings + excluded.findings, last_at = excluded.last_at";
        sqlx::query(sql)
            .bind(name)
            .bind(findings as i64)
            .bind(now.micros())
            .execute(&mut *self.transaction)
            .await?;
        Ok(())
    }
}

impl Store {
    /// How many findings each `suppress` block took out so far.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn suppressions(&self) -> Result<Vec<SuppressionCount>, StoreError> {
        let sql = "SELECT name, findings, last_at FROM suppression ORDER BY name";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        let count = |row: &sqlx::sqlite::SqliteRow| -> Result<SuppressionCount, sqlx::Error> {
            Ok(SuppressionCount {
                name: row.try_get(0)?,
                findings: row.try_get::<i64, _>(1)?.unsigned_abs(),
                last_at: instant(row.try_get(2)?),
            })
        };
        Ok(rows.iter().map(count).collect::<Result<_, _>>()?)
    }

    /// The ids of the findings of an alert.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn findings_of(&self, alert_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT finding_id FROM finding WHERE about = $1 AND outcome = 'alert' ORDER BY finding_id";
        Ok(sqlx::query_scalar(sql).bind(alert_id).fetch_all(&self.pool).await?)
    }

    /// The newest snapshot of the lake that the reader `name` is done with; zero if none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn position(&self, name: &str) -> Result<i64, StoreError> {
        let sql = "SELECT snapshot FROM position WHERE name = $1";
        let found: Option<i64> = sqlx::query_scalar(sql).bind(name).fetch_optional(&self.pool).await?;
        Ok(found.unwrap_or(0))
    }
}
