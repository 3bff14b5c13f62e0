//! Alerts.

use std::collections::BTreeMap;

use egret_model::{Alert, AlertStatus, Severity, Timestamp};
use sqlx::{QueryBuilder, Row};

use crate::change::{Change, ROWS, json_list};
use crate::error::StoreError;
use crate::store::Store;

/// An alert with what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAlert {
    /// The alert.
    pub alert: Alert,
    /// A hash of the detection and of what its findings are merged by.
    pub merge_key: String,
    /// The route that leads to an output, for those whose route has templates.
    pub routes: BTreeMap<String, String>,
}

/// Which alerts.
#[derive(Debug, Clone, Default)]
pub struct AlertFilter {
    /// Only with one of these statuses; all but gathering if empty.
    pub statuses: Vec<AlertStatus>,
    /// Only at least this severe.
    pub severity: Option<Severity>,
    /// Only of this detection, `*` for any characters.
    pub detection: Option<String>,
    /// Only those that changed since then.
    pub since: Option<Timestamp>,
    /// At most so many, the newest first; all if `None`.
    pub limit: Option<usize>,
}

impl Change {
    /// The alerts with one of `merge_keys` that have findings from `since` on and begin before `until`, the newest first:
    /// others are too old or too new to take one more.
    ///
    /// # Errors
    /// If the database fails, or holds what cannot be read.
    pub async fn alerts_by_key(
        &mut self,
        merge_keys: &[&str],
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<StoredAlert>, StoreError> {
        let sql = "SELECT body, merge_key, routes FROM alert WHERE merge_key IN (SELECT value FROM json_each($1)) \
                   AND time_last >= $2 AND time_first < $3 ORDER BY time_first DESC, alert_id";
        let rows = sqlx::query(sql)
            .bind(json_list(merge_keys.iter().copied()))
            .bind(since.micros())
            .bind(until.micros())
            .fetch_all(&mut *self.transaction)
            .await?;
        rows.iter().map(stored).collect()
    }

    /// The alert with this id.
    ///
    /// # Errors
    /// As [`Change::alerts_by_key`].
    pub async fn alert(&mut self, alert_id: &str) -> Result<Option<StoredAlert>, StoreError> {
        let sql = "SELECT body, merge_key, routes FROM alert WHERE alert_id = $1";
        let row = sqlx::query(sql).bind(alert_id).fetch_optional(&mut *self.transaction).await?;
        row.as_ref().map(stored).transpose()
    }

    /// Writes alerts, new ones and changed ones. What deliveries of earlier revisions still need is kept.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_alerts(&mut self, alerts: &[&StoredAlert]) -> Result<(), StoreError> {
        let changed: Vec<&str> = alerts
            .iter()
            .filter(|stored| stored.alert.revision > 1)
            .map(|stored| stored.alert.alert_id.as_str())
            .collect();
        if !changed.is_empty() {
            let sql = "INSERT OR IGNORE INTO alert_revision SELECT alert_id, revision, body FROM alert a \
                       WHERE alert_id IN (SELECT value FROM json_each($1)) AND EXISTS (SELECT 1 FROM delivery d \
                       WHERE d.alert_id = a.alert_id AND d.revision = a.revision AND d.state <> 'delivered')";
            sqlx::query(sql).bind(json_list(changed)).execute(&mut *self.transaction).await?;
        }
        for chunk in alerts.chunks(ROWS) {
            let mut rows = Vec::with_capacity(chunk.len());
            for stored in chunk {
                let body = serde_json::to_string(&stored.alert).map_err(|error| StoreError::Broken {
                    what: format!("alert {}", stored.alert.alert_id),
                    error,
                })?;
                rows.push((stored, body));
            }
            let mut insert = QueryBuilder::new(
                "INSERT INTO alert (alert_id, merge_key, detection_id, status, severity, channel, time_first, \
                 time_last, updated_at, revision, routes, body) ",
            );
            insert.push_values(rows, |mut row, (stored, body)| {
                let alert = &stored.alert;
                row.push_bind(&alert.alert_id)
                    .push_bind(&stored.merge_key)
                    .push_bind(&alert.detection_id)
                    .push_bind(alert.status.as_str())
                    .push_bind(alert.severity as i64)
                    .push_bind(&alert.channel)
                    .push_bind(alert.time_first.micros())
                    .push_bind(alert.time_last.micros())
                    .push_bind(alert.updated_at.micros())
                    .push_bind(i64::from(alert.revision))
                    .push_bind(serde_json::json!(stored.routes).to_string())
                    .push_bind(body);
            });
            insert.push(
                " ON CONFLICT (alert_id) DO UPDATE SET status = excluded.status, severity = excluded.severity, \
                 time_first = excluded.time_first, time_last = excluded.time_last, \
                 updated_at = excluded.updated_at, revision = excluded.revision, routes = excluded.routes, body = excluded.body",
            );
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Alerts, the last changed first.
    ///
    /// # Errors
    /// If the database fails, or holds what cannot be read.
    pub async fn alerts(&self, filter: &AlertFilter) -> Result<Vec<Alert>, StoreError> {
        let mut select = QueryBuilder::new("SELECT body, merge_key, routes FROM alert WHERE ");
        match filter.statuses.as_slice() {
            [] => {
                select.push("status <> 'gathering'");
            }
            statuses => {
                select.push("status IN (SELECT value FROM json_each(");
                select.push_bind(json_list(statuses.iter().map(|status| status.as_str())));
                select.push("))");
            }
        }
        if let Some(severity) = filter.severity {
            select.push(" AND severity >= ").push_bind(severity as i64);
        }
        if let Some(detection) = &filter.detection {
            // GLOB has `?` and `[` beside `*`.
            let glob = detection.replace('[', "[[]").replace('?', "[?]");
            select.push(" AND detection_id GLOB ").push_bind(glob);
        }
        if let Some(since) = filter.since {
            select.push(" AND updated_at >= ").push_bind(since.micros());
        }
        select.push(" ORDER BY updated_at DESC, alert_id");
        if let Some(limit) = filter.limit {
            select.push(" LIMIT ").push_bind(i64::try_from(limit).unwrap_or(i64::MAX));
        }
        let rows = select.build().fetch_all(&self.pool).await?;
        rows.iter().map(|row| stored(row).map(|stored| stored.alert)).collect()
    }

    /// The alerts whose id begins with `prefix`, at most `limit` of them.
    ///
    /// # Errors
    /// As [`Store::alerts`].
    pub async fn alerts_beginning(&self, prefix: &str, limit: u32) -> Result<Vec<Alert>, StoreError> {
        let sql =
            "SELECT body, merge_key, routes FROM alert WHERE substr(alert_id, 1, length($1)) = $1 LIMIT $2";
        let rows = sqlx::query(sql).bind(prefix).bind(limit).fetch_all(&self.pool).await?;
        rows.iter().map(|row| stored(row).map(|stored| stored.alert)).collect()
    }
}

pub(crate) fn stored(row: &sqlx::sqlite::SqliteRow) -> Result<StoredAlert, StoreError> {
    let routes = serde_json::from_str(row.try_get(2)?)
        .map_err(|error| StoreError::Broken { what: "the routes of an alert".to_owned(), error })?;
    Ok(StoredAlert { alert: parse(row.try_get(0)?)?, merge_key: row.try_get(1)?, routes })
}

/// An alert from its stored body.
pub(crate) fn parse(body: &str) -> Result<Alert, StoreError> {
    serde_json::from_str(body).map_err(|error| StoreError::Broken { what: "an alert".to_owned(), error })
}
