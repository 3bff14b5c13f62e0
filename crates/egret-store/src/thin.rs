//! Letting go of what nobody will ask for any more.

use egret_model::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use crate::change::{Change, instant, json_list, number_list};
use crate::error::StoreError;
use crate::stored_id::{ReadId, STORED_IDS};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// What went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Thinned {
    /// Alerts, with their deliveries, references and history.
    pub alerts: u64,
    /// Ids of findings: of those alerts, and of findings that became part of none.
    pub findings: u64,
    /// Entries of the audit trail that were about no alert.
    pub entries: u64,
    /// The events of all findings whose ids went happened before.
    pub events_before: Option<Timestamp>,
}

impl Thinned {
    /// Whether nothing went.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Change {
    /// Lets go of alerts that are closed, or were never raised, and neither changed nor had an event since `before`; of the
    /// ids of findings that are part of no alert, and happened and were read on days before that; and of old entries of
    /// the audit trail. An alert of which something waits in the queue stays. At most so many of each go, and one with
    /// more findings than that goes in several times.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn thin(&mut self, before: Timestamp, most: u32) -> Result<Thinned, StoreError> {
        let sql = "SELECT number, time_last FROM alert WHERE status IN ('closed', 'gathering') AND updated_at < $1 \
                   AND time_last < $1 AND NOT EXISTS \
                   (SELECT 1 FROM delivery d WHERE d.alert = alert.number AND +d.state = 'pending') \
                   ORDER BY updated_at LIMIT $2";
        let rows =
            sqlx::query(sql).bind(before.micros()).bind(most).fetch_all(&mut *self.transaction).await?;
        let done: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let last = rows.iter().map(|row| row.try_get(1)).collect::<Result<Vec<i64>, _>>()?.into_iter().max();
        let mut thinned = Thinned::default();
        if !done.is_empty() {
            let done = number_list(done);
            let sql = "DELETE FROM finding WHERE finding_id IN (SELECT finding_id FROM finding \
                       WHERE alert IN (SELECT value FROM json_each($1)) LIMIT $2)";
            let gone = sqlx::query(sql).bind(&done).bind(most).execute(&mut *self.transaction).await?;
            thinned.findings = gone.rows_affected();
            thinned.events_before = last.map(|last| instant(last.saturating_add(1)));
            thinned.alerts = self.remove_alerts(&done).await?;
        }
        self.remove_findings_of_no_alert(before, most, &mut thinned).await?;
        let sql = "DELETE FROM audit WHERE sequence IN \
                   (SELECT sequence FROM audit WHERE alert IS NULL AND at < $1 LIMIT $2)";
        let gone = sqlx::query(sql).bind(before.micros()).bind(most).execute(&mut *self.transaction).await?;
        thinned.entries = gone.rows_affected();
        Ok(thinned)
    }

    async fn remove_findings_of_no_alert(
        &mut self,
        before: Timestamp,
        most: u32,
        thinned: &mut Thinned,
    ) -> Result<(), StoreError> {
        let sql =
            "SELECT finding_id, day FROM finding WHERE alert IS NULL AND day < $1 ORDER BY day LIMIT $2";
        let rows = sqlx::query(sql).bind(before.days()).bind(most).fetch_all(&mut *self.transaction).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        let next_day = last.try_get::<i64, _>(1)?.saturating_add(1).saturating_mul(MICROS_PER_DAY);
        let ids: Vec<ReadId> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let sql = format!("DELETE FROM finding WHERE finding_id IN {STORED_IDS}");
        let list = json_list(ids.iter().map(|id| id.0.as_str()));
        let gone = sqlx::query(AssertSqlSafe(sql)).bind(list).execute(&mut *self.transaction).await?;
        thinned.findings += gone.rows_affected();
        thinned.events_before = thinned.events_before.max(Some(instant(next_day)));
        Ok(())
    }

    /// Removes those of these alerts that have no findings any more, with all that belongs to them.
    async fn remove_alerts(&mut self, numbers: &str) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM json_each($1) \
                   WHERE NOT EXISTS (SELECT 1 FROM finding f WHERE f.alert = value)";
        let rows = sqlx::query(sql).bind(numbers).fetch_all(&mut *self.transaction).await?;
        let gone: Vec<i64> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        let count = gone.len() as u64;
        let gone = number_list(gone);
        for (table, column) in [
            ("delivery", "alert"),
            ("alert_revision", "alert"),
            ("reference", "alert"),
            ("audit", "alert"),
            ("alert", "number"),
        ] {
            let sql = format!("DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each($1))");
            sqlx::query(AssertSqlSafe(sql)).bind(&gone).execute(&mut *self.transaction).await?;
        }
        Ok(count)
    }
}
