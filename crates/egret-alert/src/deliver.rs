//! Working the queue off: each output on its own, as fast as it takes.

mod line;
mod pace;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use egret_model::{Clock, Timestamp};
use egret_output::{Delivery, Letter, Message, OutputDefinition, Receipt, SendError};
use egret_store::{Change, DueDelivery, Outcome, QueueCount, Store};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde::Serialize;

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::own::{self, DELIVERY_FAILED};

use self::line::Line;
use self::pace::Pace;

/// Deliveries that are read from the queue at a time. An alert may carry an event of 256 KiB.
const PAGE: usize = 512;

/// While waiting, the queue is looked at so often: another process may put something into it.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How tries ended is written down after so many of them, or after this time: what is not written down when the process
/// dies is sent again.
const SETTLE: usize = 128;
/// See [`SETTLE`].
const SETTLE_AFTER: Duration = Duration::from_millis(100);

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliverUntil {
    /// Everything that is due is tried once.
    TriedOnce,
    /// Until the queue is empty: everything is delivered or a dead letter.
    Empty,
}

/// Who delivers.
#[derive(Debug, Clone, Copy)]
pub struct Deliverer<'a> {
    /// What the configuration says.
    pub settings: &'a AlertSettings,
    /// Where the queue is.
    pub store: &'a Store,
    /// The present.
    pub clock: &'a dyn Clock,
    /// Becomes true when somebody wants it to end.
    pub stop: &'a AtomicBool,
}

/// What became of deliveries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DeliveryReport {
    /// What each output with something in its queue did.
    pub outputs: Vec<OutputReport>,
}

/// What became of the deliveries to an output.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct OutputReport {
    /// The output.
    pub output: String,
    /// Taken.
    pub delivered: u64,
    /// Failed, to be tried again.
    pub failed: u64,
    /// Given up.
    pub dead: u64,
    /// Still in the queue.
    pub pending: u64,
    /// What went wrong last.
    pub error: Option<String>,
}

impl Deliverer<'_> {
    /// Delivers.
    ///
    /// # Errors
    /// If the store fails. What an output says is in the report.
    pub async fn run(&self, until: DeliverUntil) -> Result<DeliveryReport, AlertError> {
        let mut reports: Vec<OutputReport> = Vec::new();
        // Dead letters make alerts for other outputs, which may be through with their queues by then.
        loop {
            let had_dead = |output: &OutputDefinition| {
                let address = output.address();
                reports.iter().any(|report| report.output == address && report.dead > 0)
            };
            let enabled = self.settings.outputs().iter().filter(|output| output.enabled);
            let outputs = enabled.filter(|output| until == DeliverUntil::Empty || !had_dead(output));
            let runs = outputs.map(|output| self.work_off(output, until));
            let pass: Vec<OutputReport> = join_all(runs).await.into_iter().collect::<Result<_, _>>()?;
            let has_dead = pass.iter().any(|report| report.dead > 0);
            reports.extend(pass);
            if !has_dead || self.is_stopped() {
                break;
            }
        }
        let counts = self.store.queue_counts().await?;
        Ok(DeliveryReport { outputs: combine(reports, counts) })
    }

    /// Works off the queue of one output. Only one process at a time does: else alerts would overtake each other.
    async fn work_off(
        &self,
        definition: &OutputDefinition,
        until: DeliverUntil,
    ) -> Result<OutputReport, AlertError> {
        let address = definition.address();
        let Some(_lock) = self.store.try_lock(&format!("deliver-{address}"))? else {
            let error = Some("another process is delivering there".to_owned());
            return Ok(OutputReport { output: address, error, ..OutputReport::default() });
        };
        let started = self.clock.now();
        let pace = Pace::new(definition.rate, self.store.pace(&address).await?, started);
        let mut line = Line::new(definition, address, pace);
        while !self.is_stopped() {
            // What fails now is due later: with one look at the clock each is tried once.
            let now = if until == DeliverUntil::TriedOnce { started } else { self.clock.now() };
            let mut is_empty = true;
            if !line.is_held(now) {
                let page = self.store.due(&line.address, now, PAGE).await?;
                is_empty = page.is_empty();
                self.send_page(&mut line, page, until).await?;
            }
            let is_down = line.is_down(self.clock.now());
            match until {
                DeliverUntil::TriedOnce if is_empty || is_down || line.throttled_until.is_some() => break,
                DeliverUntil::TriedOnce => {}
                DeliverUntil::Empty => {
                    let Some(next) = self.store.next_due(&[&line.address]).await? else { break };
                    if is_empty || is_down {
                        self.pause(next, is_down).await;
                        line.failures_in_a_row = 0;
                    }
                }
            }
        }
        Ok(line.report)
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits until something is due, somebody wants an end, or it is time to look again.
    async fn pause(&self, next: Timestamp, is_down: bool) {
        let micros = next.micros().saturating_sub(self.clock.now().micros());
        let until_due = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let least = if is_down { LOOK_AGAIN } else { Duration::from_millis(10) };
        tokio::time::sleep(until_due.clamp(least, LOOK_AGAIN)).await;
    }

    /// Sends a page in batches, several at once, and writes down how that went, as it goes.
    async fn send_page(
        &self,
        line: &mut Line<'_>,
        page: Vec<DueDelivery>,
        until: DeliverUntil,
    ) -> Result<(), AlertError> {
        let definition = line.definition;
        let mut waiting = VecDeque::from(page);
        let mut sending = FuturesUnordered::new();
        let mut sent = Vec::new();
        let mut settled_at = Instant::now();
        loop {
            while sending.len() < definition.output.concurrency().max(1)
                && !line.is_down(self.clock.now())
                && !self.is_stopped()
            {
                let batch = line.take_batch(&mut waiting, self.clock.now());
                if batch.is_empty() {
                    break;
                }
                sending.push(self.send_batch(definition, batch));
            }
            match sending.next().await {
                Some(answers) => {
                    line.take_notice(&answers, self.clock.now());
                    sent.extend(answers);
                }
                // Its rate holds it up: whoever waits for an empty queue waits for that too.
                None => match line.throttled_until.filter(|_| until == DeliverUntil::Empty) {
                    Some(next) if !self.is_stopped() => {
                        // What was sent is written down before, for others to see.
                        self.settle(line, &std::mem::take(&mut sent)).await?;
                        self.pause(next, false).await;
                        line.throttled_until = None;
                        continue;
                    }
                    _ => break,
                },
            }
            if sent.len() >= SETTLE || settled_at.elapsed() >= SETTLE_AFTER {
                self.settle(line, &std::mem::take(&mut sent)).await?;
                settled_at = Instant::now();
            }
        }
        self.settle(line, &sent).await
    }

    /// Sends a batch in a task of its own: an answer that comes while others are written down is not too late for that.
    async fn send_batch(
        &self,
        definition: &OutputDefinition,
        batch: Vec<DueDelivery>,
    ) -> Vec<(DueDelivery, Result<Receipt, SendError>)> {
        let letters: Vec<Letter> = batch.iter().map(|due| self.letter(definition, due)).collect();
        let output = Arc::clone(&definition.output);
        let answers = match tokio::spawn(async move { output.send(&letters).await }).await {
            Ok(answers) => answers,
            Err(error) => vec![Err(SendError::retry(format!("sending ended early: {error}"))); batch.len()],
        };
        batch.into_iter().zip(answers).collect()
    }

    fn letter(&self, definition: &OutputDefinition, due: &DueDelivery) -> Letter {
        let delivery = Delivery {
            delivery_id: due.delivery_id.clone(),
            action: due.delivery.action,
            by: due.delivery.by.clone(),
            remark: due.delivery.remark.clone(),
            alert: due.alert.clone(),
            reference: due.reference.clone(),
        };
        let route = due.delivery.route.as_ref();
        let route = route.and_then(|key| self.settings.routes.iter().find(|route| route.key == *key));
        let route = route.and_then(|route| route.definition.templates.as_ref());
        let templates: Vec<_> = route.into_iter().chain([&definition.templates]).collect();
        let message = Message::of(&delivery, definition.output.escape(), &templates);
        Letter { delivery, message }
    }

    /// Writes down how tries ended. Dead letters and the alert about them are one change.
    async fn settle(
        &self,
        line: &mut Line<'_>,
        sent: &[(DueDelivery, Result<Receipt, SendError>)],
    ) -> Result<(), AlertError> {
        if sent.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let outcomes: Vec<(&DueDelivery, Outcome)> =
            sent.iter().map(|(due, answer)| (due, line.judge(due, answer, now))).collect();
        let mut change = self.store.change().await?;
        change.settle(&outcomes, now).await?;
        if let Some(pace) = line.pace.changed() {
            change.put_pace(&line.address, pace).await?;
        }
        self.tell_of_dead_letters(&mut change, line, &outcomes, now).await?;
        Ok(change.commit().await?)
    }

    async fn tell_of_dead_letters(
        &self,
        change: &mut Change,
        line: &Line<'_>,
        outcomes: &[(&DueDelivery, Outcome)],
        now: Timestamp,
    ) -> Result<(), AlertError> {
        let dead = outcomes.iter().filter_map(|(due, outcome)| match outcome {
            // An alert about dead letters that is one itself would go round in circles.
            Outcome::Dead { error } if due.alert.detection_id != DELIVERY_FAILED => Some(error),
            _ => None,
        });
        let dead: Vec<&String> = dead.collect();
        let Some(error) = dead.last() else { return Ok(()) };
        own::raise_dead_letters(change, self.settings, &line.address, dead.len() as u64, error, now).await
    }
}

/// One report for each output that did something or has something in its queue, configured or not.
fn combine(reports: Vec<OutputReport>, counts: Vec<QueueCount>) -> Vec<OutputReport> {
    let mut combined: Vec<OutputReport> = Vec::new();
    for report in reports {
        match combined.iter_mut().find(|known| known.output == report.output) {
            Some(known) => {
                known.delivered += report.delivered;
                known.failed += report.failed;
                known.dead += report.dead;
                known.error = report.error.or(known.error.take());
            }
            None => combined.push(report),
        }
    }
    for count in counts {
        match combined.iter_mut().find(|report| report.output == count.output) {
            Some(report) => {
                report.pending = count.pending;
                report.error = report.error.take().or(count.error.filter(|_| count.pending > 0));
            }
            None => combined.push(OutputReport {
                output: count.output,
                pending: count.pending,
                error: Some("it is not configured, or not enabled".to_owned()),
                ..OutputReport::default()
            }),
        }
    }
    combined.retain(|report| report.delivered + report.failed + report.dead + report.pending > 0);
    combined
}
