//! The delivery queue.

use std::collections::BTreeMap;

use egret_model::{Alert, AlertAction, Timestamp, id};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, QueryBuilder, Row};

use crate::body::read_body;
use crate::change::{Change, ROWS, instant, json_list, number_list};
use crate::error::StoreError;
use crate::store::Store;
use crate::stored_id::{ReadId, StoredId};

/// Deliveries are read until their alerts have so many bytes.
const MAX_PAGE_BYTES: usize = 16 << 20;

/// Where a delivery is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryState {
    /// It is to be made, now or when it is due.
    Pending,
    /// The service took it.
    Delivered,
    /// It was refused, or tried for too long: a dead letter.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    fn from_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Pending)
    }
}

/// A delivery to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The alert.
    pub alert_id: String,
    /// Its revision.
    pub revision: u32,
    /// The output, as `type.name`.
    pub output: String,
    /// The route that led there, if it has templates.
    pub route: Option<String>,
    /// What happened.
    pub action: AlertAction,
    /// Who did it, if a person.
    pub by: Option<String>,
    /// What they said.
    pub remark: Option<String>,
}

/// A delivery that may be tried now, with all that it needs.
#[derive(Debug, Clone, PartialEq)]
pub struct DueDelivery {
    /// Hash of alert, revision and output.
    pub delivery_id: String,
    /// What was queued.
    pub delivery: NewDelivery,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was tried first.
    pub tried_at: Option<Timestamp>,
    /// The alert as it was then.
    pub alert: Alert,
    /// What the service called what an earlier delivery of the alert made there.
    pub reference: Option<String>,
    /// Where it is in the queue.
    sequence: i64,
    /// The number of its alert.
    number: i64,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service took it, and may have named what it made.
    Delivered(Option<String>),
    /// To be tried again then.
    Later {
        /// When.
        due_at: Timestamp,
        /// What went wrong.
        error: String,
    },
    /// A dead letter.
    Dead {
        /// What went wrong.
        error: String,
    },
}

/// A delivery, to be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredDelivery {
    /// Hash of alert, revision and output.
    pub delivery_id: String,
    /// The alert.
    pub alert_id: String,
    /// Its revision.
    pub revision: u32,
    /// The output.
    pub output: String,
    /// What happened.
    pub action: String,
    /// Where it is in its life.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it may be tried next.
    pub due_at: Timestamp,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// Only of this alert.
    pub alert_id: Option<String>,
    /// Only to this output.
    pub output: Option<String>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// At most so many, the oldest first; all if `None`.
    pub limit: Option<usize>,
}

/// How many deliveries of an output are in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueueCount {
    /// The output.
    pub output: String,
    /// To be made.
    pub pending: u64,
    /// Dead letters.
    pub dead: u64,
    /// What went wrong with one of them.
    pub error: Option<String>,
}

impl Change {
    /// Queues deliveries; one that was queued before stays as it is.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queue(&mut self, deliveries: &[NewDelivery], now: Timestamp) -> Result<(), StoreError> {
        self.look_up(deliveries.iter().map(|delivery| delivery.alert_id.as_str())).await?;
        for chunk in deliveries.chunks(ROWS) {
            let mut insert = QueryBuilder::new(
                "INSERT OR IGNORE INTO delivery (alert, revision, output, route, action, by_whom, \
                 remark, state, attempts, due_at, created_at) ",
            );
            insert.push_values(chunk, |mut row, delivery| {
                row.push_bind(self.number(&delivery.alert_id))
                    .push_bind(i64::from(delivery.revision))
                    .push_bind(&delivery.output)
                    .push_bind(&delivery.route)
                    .push_bind(delivery.action.as_str())
                    .push_bind(&delivery.by)
                    .push_bind(&delivery.remark)
                    .push_bind(DeliveryState::Pending.as_str())
                    .push_bind(0_i64)
                    .push_bind(now.micros())
                    .push_bind(now.micros());
            });
            insert.build().execute(&mut *self.transaction).await?;
        }
        Ok(())
    }

    /// Takes updates of these alerts out of the queue that nobody has tried yet: a newer one says more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_untried_updates(&mut self, alert_ids: &[&str]) -> Result<(), StoreError> {
        self.look_up(alert_ids.iter().copied()).await?;
        let numbers = alert_ids.iter().filter_map(|alert_id| self.number(alert_id));
        let list = number_list(numbers);
        let sql = "DELETE FROM delivery WHERE alert IN (SELECT value FROM json_each($1)) \
                   AND +state = 'pending' AND attempts = 0 AND action = 'update'";
        sqlx::query(sql).bind(list).execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Says how tries ended.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn settle(
        &mut self,
        outcomes: &[(&DueDelivery, Outcome)],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        for (due, outcome) in outcomes {
            let (state, due_at, finished_at, error) = match outcome {
                Outcome::Delivered(_) => (DeliveryState::Delivered, now, Some(now.micros()), None),
                Outcome::Later { due_at, error } => (DeliveryState::Pending, *due_at, None, Some(error)),
                Outcome::Dead { error } => (DeliveryState::Dead, now, Some(now.micros()), Some(error)),
            };
            // An update that was replaced while it was sent is not there any more.
            let sql = "UPDATE delivery SET state = $1, due_at = $2, finished_at = $3, error = $4, \
                       attempts = attempts + 1, tried_at = coalesce(tried_at, $6) WHERE sequence = $5";
            sqlx::query(sql)
                .bind(state.as_str())
                .bind(due_at.micros())
                .bind(finished_at)
                .bind(error)
                .bind(due.sequence)
                .bind(now.micros())
                .execute(&mut *self.transaction)
                .await?;
            if let Outcome::Delivered(Some(reference)) = outcome {
                let sql = "INSERT INTO reference VALUES ($1, $2, $3) ON CONFLICT (alert, output) \
                           DO UPDATE SET reference = excluded.reference";
                sqlx::query(sql)
                    .bind(due.number)
                    .bind(&due.delivery.output)
                    .bind(reference)
                    .execute(&mut *self.transaction)
                    .await?;
            }
        }
        let alerts = number_list(outcomes.iter().map(|(due, _)| due.number));
        let sql = "DELETE FROM alert_revision WHERE alert IN (SELECT value FROM json_each($1)) AND NOT EXISTS \
                   (SELECT 1 FROM delivery d WHERE d.alert = alert_revision.alert \
                   AND d.revision = alert_revision.revision AND d.state <> 'delivered')";
        sqlx::query(sql).bind(alerts).execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Takes what waits for an output out of the queue, its dead letters included. Returns how many deliveries.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_queued(&mut self, output: &str) -> Result<u64, StoreError> {
        let mut dropped = 0;
        for state in ["pending", "dead"] {
            // In the text, so that the index of that state serves.
            let sql = format!("DELETE FROM delivery WHERE state = '{state}' AND output = $1");
            let done = sqlx::query(AssertSqlSafe(sql)).bind(output).execute(&mut *self.transaction).await?;
            dropped += done.rows_affected();
        }
        let sql = "DELETE FROM alert_revision WHERE NOT EXISTS (SELECT 1 FROM delivery d \
                   WHERE d.alert = alert_revision.alert AND d.revision = alert_revision.revision \
                   AND d.state <> 'delivered')";
        sqlx::query(sql).execute(&mut *self.transaction).await?;
        Ok(dropped)
    }

    /// Queues dead letters again; those of one output, or all. What was overtaken by later news of the same alert stays
    /// where it is. Returns how many are queued.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn revive(&mut self, output: Option<&str>, now: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE delivery SET state = 'pending', due_at = $1, created_at = $1, attempts = 0, \
                   tried_at = NULL, finished_at = NULL WHERE state = 'dead' AND ($2 IS NULL OR output = $2) \
                   AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.alert = delivery.alert \
                   AND e.output = delivery.output AND e.revision > delivery.revision AND +e.state = 'delivered')";
        let done = sqlx::query(sql).bind(now.micros()).bind(output).execute(&mut *self.transaction).await?;
        Ok(done.rows_affected())
    }
}

impl Store {
    /// Deliveries to an output that may be tried now, at most `limit`, in the order queued. Of one alert only the
    /// first: the next may be tried when that one has ended.
    ///
    /// # Errors
    /// If the database fails, or holds what cannot be read.
    pub async fn due(
        &self,
        output: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let sql = "SELECT d.sequence, a.alert_id, d.revision, d.output, d.route, d.action, \
                   d.by_whom, d.remark, d.attempts, d.tried_at, \
                   coalesce(v.body, a.body), r.reference, d.alert \
                   FROM delivery d JOIN alert a ON a.number = d.alert \
                   LEFT JOIN alert_revision v ON v.alert = d.alert AND v.revision = d.revision \
                   LEFT JOIN reference r ON r.alert = d.alert AND r.output = d.output \
                   WHERE d.output = $1 AND d.state = 'pending' AND d.due_at <= $2 \
                   AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.alert = d.alert AND e.output = d.output \
                   AND e.revision < d.revision AND +e.state = 'pending') \
                   ORDER BY d.due_at, d.sequence LIMIT $3";
        let mut rows = sqlx::query(sql)
            .bind(output)
            .bind(now.micros())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch(&self.pool);
        let (mut found, mut bytes) = (Vec::new(), 0);
        while bytes < MAX_PAGE_BYTES
            && let Some(row) = rows.try_next().await?
        {
            bytes += row.try_get::<&[u8], _>(10)?.len();
            found.push(due(&row)?);
        }
        Ok(found)
    }

    /// When the next delivery to one of `outputs` may be tried; `None` if there is none.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_due(&self, outputs: &[&str]) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT min(due_at) FROM delivery WHERE state = 'pending' \
                   AND output IN (SELECT value FROM json_each($1))";
        let list = json_list(outputs.iter().copied());
        let next: Option<i64> = sqlx::query_scalar(sql).bind(list).fetch_one(&self.pool).await?;
        Ok(next.map(instant))
    }

    /// Deliveries, the oldest first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn deliveries(&self, filter: &DeliveryFilter) -> Result<Vec<StoredDelivery>, StoreError> {
        let mut select = QueryBuilder::new(
            "SELECT d.sequence, a.alert_id, d.revision, d.output, d.action, d.state, d.attempts, d.due_at, \
             d.created_at, d.finished_at, d.error FROM delivery d JOIN alert a ON a.number = d.alert WHERE ",
        );
        let limit = filter.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        match (&filter.alert_id, filter.state) {
            (Some(alert_id), _) => {
                select.push("d.alert = (SELECT number FROM alert WHERE alert_id = ");
                select.push_bind(StoredId(alert_id)).push(")");
            }
            // Those that wait are found by their index: what was delivered is most of the table.
            (None, Some(state @ (DeliveryState::Pending | DeliveryState::Dead))) => {
                select.push(format!(
                    "d.sequence IN (SELECT sequence FROM delivery WHERE state = '{}'",
                    state.as_str()
                ));
                if let Some(output) = &filter.output {
                    select.push(" AND output = ").push_bind(output);
                }
                select.push(" ORDER BY sequence LIMIT ").push_bind(limit).push(")");
            }
            (None, _) => {
                select.push("true");
            }
        }
        if let Some(output) = &filter.output {
            select.push(" AND +d.output = ").push_bind(output);
        }
        if let Some(state) = filter.state {
            select.push(" AND +d.state = ").push_bind(state.as_str());
        }
        select.push(" ORDER BY d.sequence LIMIT ").push_bind(limit);
        let rows = select.build().fetch_all(&self.pool).await?;
        Ok(rows.iter().map(delivery).collect::<Result<_, _>>()?)
    }

    /// What is not delivered, output by output; those with nothing left are not in it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn queue_counts(&self) -> Result<Vec<QueueCount>, StoreError> {
        // What was delivered is most of the table, and is not looked at.
        let sql = "SELECT output, 'pending', count(*) FROM delivery WHERE state = 'pending' GROUP BY output \
                   UNION ALL SELECT output, 'dead', count(*) FROM delivery WHERE state = 'dead' GROUP BY output";
        let mut counts: BTreeMap<String, QueueCount> = BTreeMap::new();
        for row in sqlx::query(sql).fetch_all(&self.pool).await? {
            let output: String = row.try_get(0)?;
            let state = DeliveryState::from_word(row.try_get(1)?);
            let number = row.try_get::<i64, _>(2)?.unsigned_abs();
            let error = self.some_error(&output, state).await?;
            let count = counts.entry(output.clone()).or_insert_with(|| QueueCount {
                output,
                pending: 0,
                dead: 0,
                error: None,
            });
            match state {
                DeliveryState::Dead => count.dead = number,
                _ => count.pending = number,
            }
            count.error = count.error.take().or(error);
        }
        Ok(counts.into_values().collect())
    }

    /// What went wrong with one of the deliveries of an output in a state.
    async fn some_error(&self, output: &str, state: DeliveryState) -> Result<Option<String>, StoreError> {
        // The one that was queued first was tried if any was.
        let of = match state {
            DeliveryState::Dead => "state = 'dead'",
            _ => "state = 'pending'",
        };
        let sql = format!(
            "SELECT error FROM delivery WHERE sequence = \
             (SELECT min(sequence) FROM delivery WHERE {of} AND output = $1)"
        );
        let query = sqlx::query_scalar(AssertSqlSafe(sql)).bind(output);
        let error: Option<Option<String>> = query.fetch_optional(&self.pool).await?;
        Ok(error.flatten())
    }
}

fn due(row: &SqliteRow) -> Result<DueDelivery, StoreError> {
    let action: &str = row.try_get(5)?;
    let delivery = NewDelivery {
        alert_id: row.try_get::<ReadId, _>(1)?.0,
        revision: row.try_get(2)?,
        output: row.try_get(3)?,
        route: row.try_get(4)?,
        action: AlertAction::from_word(action).unwrap_or(AlertAction::Update),
        by: row.try_get(6)?,
        remark: row.try_get(7)?,
    };
    Ok(DueDelivery {
        delivery_id: id::delivery_id(&delivery.alert_id, delivery.revision, &delivery.output).to_string(),
        delivery,
        attempts: row.try_get(8)?,
        tried_at: row.try_get::<Option<i64>, _>(9)?.map(instant),
        alert: read_body(row.try_get(10)?)?,
        reference: row.try_get(11)?,
        sequence: row.try_get(0)?,
        number: row.try_get(12)?,
    })
}

fn delivery(row: &SqliteRow) -> Result<StoredDelivery, sqlx::Error> {
    let alert_id = row.try_get::<ReadId, _>(1)?.0;
    let (revision, output): (u32, String) = (row.try_get(2)?, row.try_get(3)?);
    let state: &str = row.try_get(5)?;
    Ok(StoredDelivery {
        delivery_id: id::delivery_id(&alert_id, revision, &output).to_string(),
        alert_id,
        revision,
        output,
        action: row.try_get(4)?,
        state: DeliveryState::from_word(state),
        attempts: row.try_get(6)?,
        due_at: instant(row.try_get(7)?),
        created_at: instant(row.try_get(8)?),
        finished_at: row.try_get::<Option<i64>, _>(9)?.map(instant),
        error: row.try_get(10)?,
    })
}

#[cfg(test)]
mod tests;
