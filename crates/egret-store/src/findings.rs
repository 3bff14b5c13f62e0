//! What became of findings.

use std::collections::HashSet;

use egret_model::Timestamp;
use sqlx::{AssertSqlSafe, QueryBuilder, Row};

use crate::change::{Change, ROWS, instant, json_list};
use crate::error::StoreError;
use crate::store::Store;
use crate::stored_id::{ReadId, STORED_IDS, StoredId};

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

/// A finding that was read for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFinding {
    /// Its id.
    pub finding_id: String,
    /// What became of it.
    pub outcome: FindingOutcome,
    /// The day of its event or the one on which it was read, whichever is later, in days since 1970.
    pub day: i64,
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
        let sql = format!(
            "SELECT finding_id FROM finding WHERE finding_id IN {STORED_IDS} AND outcome IS NOT 'hunt'"
        );
        let list = json_list(finding_ids.iter().copied());
        let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(list);
        let known: Vec<ReadId> = query.fetch_all(&mut *self.transaction).await?;
        Ok(known.into_iter().map(|id| id.0).collect())
    }

    /// Says what became of findings that are new; their alerts were written before.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn add_findings(&mut self, findings: &[NewFinding]) -> Result<(), StoreError> {
        self.look_up(findings.iter().filter_map(|finding| match &finding.outcome {
            FindingOutcome::Alert(alert) => Some(alert.as_str()),
            _ => None,
        }))
        .await?;
        // In the order in which they are stored.
        let mut sorted: Vec<&NewFinding> = findings.iter().collect();
        sorted.sort_unstable_by(|one, other| one.finding_id.cmp(&other.finding_id));
        for chunk in sorted.chunks(ROWS) {
            let mut insert =
                QueryBuilder::new("INSERT INTO finding (finding_id, alert, outcome, about, day) ");
            insert.push_values(chunk, |mut row, finding| {
                let (alert, outcome, about) = match &finding.outcome {
                    FindingOutcome::Alert(alert) => (self.number(alert), None, None),
                    FindingOutcome::Suppressed(name) => (None, Some("suppressed"), Some(name.as_str())),
                    FindingOutcome::Staged => (None, Some("staged"), None),
                    FindingOutcome::Hunt => (None, Some("hunt"), None),
                };
                let day = alert.is_none().then_some(finding.day);
                row.push_bind(StoredId(&finding.finding_id))
                    .push_bind(alert)
                    .push_bind(outcome)
                    .push_bind(about)
                    .push_bind(day);
            });
            insert.push(
                " ON CONFLICT (finding_id) DO UPDATE SET alert = excluded.alert, outcome = excluded.outcome, \
                 about = excluded.about, day = excluded.day",
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
        let sql = "SELECT finding_id FROM finding WHERE alert = (SELECT number FROM alert WHERE alert_id = $1) \
                   ORDER BY finding_id";
        let ids: Vec<ReadId> = sqlx::query_scalar(sql).bind(StoredId(alert_id)).fetch_all(&self.pool).await?;
        Ok(ids.into_iter().map(|id| id.0).collect())
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
