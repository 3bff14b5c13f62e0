//! Stages of detections: which are live, and which are watched before they may deliver.

use egret_model::Timestamp;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, instant};
use crate::error::StoreError;
use crate::store::Store;

/// What may become of a detection's findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// They are stored, and delivered to nobody.
    Staged,
    /// They become alerts.
    Live,
}

impl Stage {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Live => "live",
        }
    }
}

/// One version of a detection, and its stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StagedDetection {
    /// The rule's id.
    pub detection_id: String,
    /// BLAKE3 of the normalised rule.
    pub version: String,
    /// Its stage.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
    /// When a staged one is looked at for promotion.
    pub until: Timestamp,
    /// How many findings it made while it was staged.
    pub findings: u64,
}

impl Change {
    /// All that are known.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn stages(&mut self) -> Result<Vec<StagedDetection>, StoreError> {
        let rows = sqlx::query(SELECT).fetch_all(&mut *self.transaction).await?;
        Ok(rows.iter().map(staged).collect::<Result<_, _>>()?)
    }

    /// Forgets versions of detections.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_stages(&mut self, versions: &[(String, String)]) -> Result<(), StoreError> {
        for (detection_id, version) in versions {
            let sql = "DELETE FROM stage WHERE detection_id = $1 AND version = $2";
            sqlx::query(sql).bind(detection_id).bind(version).execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Writes stages, new ones and changed ones.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_stages(&mut self, stages: &[StagedDetection]) -> Result<(), StoreError> {
        for chunk in stages.chunks(ROWS) {
            let mut insert = QueryBuilder::new(
                "INSERT INTO stage (detection_id, version, stage, since, until, findings) ",
            );
            insert.push_values(chunk, |mut row, staged| {
                row.push_bind(&staged.detection_id)
                    .push_bind(&staged.version)
                    .push_bind(staged.stage.as_str())
                    .push_bind(staged.since.micros())
                    .push_bind(staged.until.micros())
                    .push_bind(staged.findings as i64);
            });
            insert.push(
                " ON CONFLICT (detection_id, version) DO UPDATE SET stage = excluded.stage, since = excluded.since, \
                 until = excluded.until, findings = excluded.findings",
            );
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// All stages that are known.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn stages(&self) -> Result<Vec<StagedDetection>, StoreError> {
        let rows = sqlx::query(SELECT).fetch_all(&self.pool).await?;
        Ok(rows.iter().map(staged).collect::<Result<_, _>>()?)
    }
}

const SELECT: &str =
    "SELECT detection_id, version, stage, since, until, findings FROM stage ORDER BY detection_id, since";

fn staged(row: &SqliteRow) -> Result<StagedDetection, sqlx::Error> {
    let stage: &str = row.try_get(2)?;
    Ok(StagedDetection {
        detection_id: row.try_get(0)?,
        version: row.try_get(1)?,
        stage: if stage == Stage::Staged.as_str() { Stage::Staged } else { Stage::Live },
        since: instant(row.try_get(3)?),
        until: instant(row.try_get(4)?),
        findings: row.try_get::<i64, _>(5)?.unsigned_abs(),
    })
}
