//! Alerts.

use std::collections::BTreeMap;

use egret_model::{Alert, AlertStatus, Severity, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row};

use crate::body::{read_body, write_body};
use crate::change::{Change, ROWS, json_list, number_list};
use crate::error::StoreError;
use crate::store::Store;
use crate::stored_id::{ReadId, STORED_IDS, StoredId};

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
        let sql = format!(
            "SELECT body, merge_key, routes, number FROM alert WHERE merge_key IN {STORED_IDS} \
             AND time_last >= $2 AND time_first < $3 ORDER BY time_first DESC, alert_id"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(json_list(merge_keys.iter().copied()))
            .bind(since.micros())
            .bind(until.micros())
            .fetch_all(&mut *self.transaction)
            .await?;
        let mut alerts = Vec::with_capacity(rows.len());
        for row in rows {
            let stored = stored(&row)?;
            self.remember(&stored.alert.alert_id, row.try_get(3)?);
            alerts.push(stored);
        }
        Ok(alerts)
    }

    /// The alert with this id.
    ///
    /// # Errors
    /// As [`Change::alerts_by_key`].
    pub async fn alert(&mut self, alert_id: &str) -> Result<Option<StoredAlert>, StoreError> {
        let sql = "SELECT body, merge_key, routes FROM alert WHERE alert_id = $1";
        let row = sqlx::query(sql).bind(StoredId(alert_id)).fetch_optional(&mut *self.transaction).await?;
        row.as_ref().map(stored).transpose()
    }

    /// Writes alerts, new ones and changed ones. What deliveries of earlier revisions still need is kept. What else is
    /// said of a new alert is said after this.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn put_alerts(&mut self, alerts: &[&StoredAlert]) -> Result<(), StoreError> {
        self.look_up(alerts.iter().map(|stored| stored.alert.alert_id.as_str())).await?;
        self.keep_revisions(alerts).await?;
        let sql = "SELECT coalesce(max(number), 0) FROM alert";
        let mut last: i64 = sqlx::query_scalar(sql).fetch_one(&mut *self.transaction).await?;
        for chunk in alerts.chunks(ROWS) {
            let mut rows = Vec::with_capacity(chunk.len());
            for stored in chunk {
                let alert_id = stored.alert.alert_id.as_str();
                let number = self.number(alert_id).unwrap_or_else(|| {
                    last += 1;
                    self.remember(alert_id, last);
                    last
                });
                rows.push((number, stored, write_body(&stored.alert)?));
            }
            let mut insert = QueryBuilder::new(
                "INSERT INTO alert (number, alert_id, merge_key, detection_id, status, severity, channel, \
                 time_first, time_last, updated_at, revision, routes, body) ",
            );
            insert.push_values(rows, |mut row, (number, stored, body)| {
                let alert = &stored.alert;
                row.push_bind(number)
                    .push_bind(StoredId(&alert.alert_id))
                    .push_bind(StoredId(&stored.merge_key))
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
                " ON CONFLICT (number) DO UPDATE SET status = excluded.status, severity = excluded.severity, \
                 time_first = excluded.time_first, time_last = excluded.time_last, \
                 updated_at = excluded.updated_at, revision = excluded.revision, routes = excluded.routes, body = excluded.body",
            );
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Keeps alerts as they are for deliveries that tell of them.
    async fn keep_revisions(&mut self, alerts: &[&StoredAlert]) -> Result<(), StoreError> {
        let changed = alerts.iter().filter(|stored| stored.alert.revision > 1);
        let changed: Vec<i64> = changed.filter_map(|stored| self.number(&stored.alert.alert_id)).collect();
        if changed.is_empty() {
            return Ok(());
        }
        let sql = "INSERT OR IGNORE INTO alert_revision SELECT number, revision, body FROM alert a \
                   WHERE number IN (SELECT value FROM json_each($1)) AND EXISTS (SELECT 1 FROM delivery d \
                   WHERE d.alert = a.number AND d.revision = a.revision AND d.state <> 'delivered')";
        sqlx::query(sql).bind(number_list(changed)).execute(&mut *self.transaction).await?;
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
        // The ids are between the prefix with the least and with the greatest digits after it.
        let bound = |digit: char| {
            format!("{prefix}{}", digit.to_string().repeat(32_usize.saturating_sub(prefix.len())))
        };
        let sql = "SELECT body, merge_key, routes FROM alert WHERE alert_id BETWEEN $1 AND $2 LIMIT $3";
        let (least, greatest) = (bound('0'), bound('f'));
        let query = sqlx::query(sql).bind(StoredId(&least)).bind(StoredId(&greatest)).bind(limit);
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(|row| stored(row).map(|stored| stored.alert)).collect()
    }
}

pub(crate) fn stored(row: &SqliteRow) -> Result<StoredAlert, StoreError> {
    let routes = serde_json::from_str(row.try_get(2)?)
        .map_err(|error| StoreError::Broken { what: "the routes of an alert".to_owned(), error })?;
    let merge_key = row.try_get::<ReadId, _>(1)?.0;
    Ok(StoredAlert { alert: read_body(row.try_get(0)?)?, merge_key, routes })
}
