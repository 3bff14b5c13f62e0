//! An output while its queue is worked off: what it answered, and what that means.

use std::collections::VecDeque;

use egret_model::Timestamp;
use egret_output::{OutputDefinition, Receipt, SendError};
use egret_store::{DueDelivery, Outcome};

use super::OutputReport;
use super::pace::Pace;
use crate::backoff::next_try;

/// An output that fails or refuses so often in a row is down: the rest of its queue is not tried before a pause.
const DOWN: usize = 8;

/// An output while its queue is worked off.
pub(super) struct Line<'a> {
    pub definition: &'a OutputDefinition,
    pub address: String,
    pub pace: Pace,
    pub report: OutputReport,
    pub failures_in_a_row: usize,
    /// Its rate allows no more before.
    pub throttled_until: Option<Timestamp>,
}

impl<'a> Line<'a> {
    pub(super) fn new(definition: &'a OutputDefinition, address: String, pace: Pace) -> Self {
        let report = OutputReport { output: address.clone(), ..OutputReport::default() };
        Self { definition, address, pace, report, failures_in_a_row: 0, throttled_until: None }
    }

    /// Whether the service asked to be left alone; says so in the report.
    pub(super) fn is_held(&mut self, now: Timestamp) -> bool {
        let held_until = self.pace.held_until(now);
        if let Some(until) = held_until {
            self.report.error.get_or_insert_with(|| format!("it asked for patience until {until}"));
        }
        held_until.is_some()
    }

    /// The next batch, as large as the output takes and its rate allows.
    pub(super) fn take_batch(
        &mut self,
        waiting: &mut VecDeque<DueDelivery>,
        now: Timestamp,
    ) -> Vec<DueDelivery> {
        let mut batch = Vec::new();
        while batch.len() < self.definition.output.batch_size().max(1) && !waiting.is_empty() {
            if let Err(until) = self.pace.take(now) {
                self.throttled_until = Some(until);
                self.report.error = Some("its rate allows no more at present".to_owned());
                break;
            }
            batch.extend(waiting.pop_front());
        }
        batch
    }

    /// Whether the output seems to be down, from the answers that came last. One that refuses everything is as good as
    /// down: its token may be wrong, and the rest of the queue need not die of it.
    pub(super) fn take_notice(
        &mut self,
        answers: &[(DueDelivery, Result<Receipt, SendError>)],
        now: Timestamp,
    ) {
        for (_, answer) in answers {
            match answer {
                Ok(_) => self.failures_in_a_row = 0,
                Err(SendError::Refused { .. }) => self.failures_in_a_row += 1,
                Err(SendError::Retry { after, .. }) => {
                    self.failures_in_a_row += 1;
                    if let Some(after) = after {
                        self.pace.hold(*after, now);
                    }
                }
            }
        }
    }

    pub(super) fn is_down(&self, now: Timestamp) -> bool {
        self.failures_in_a_row >= DOWN || self.pace.held_until(now).is_some()
    }

    /// What an answer means for the queue.
    pub(super) fn judge(
        &mut self,
        due: &DueDelivery,
        answer: &Result<Receipt, SendError>,
        now: Timestamp,
    ) -> Outcome {
        match answer {
            Ok(receipt) => {
                self.report.delivered += 1;
                Outcome::Delivered(receipt.reference.clone())
            }
            Err(SendError::Refused { message }) => self.give_up(message.clone()),
            Err(SendError::Retry { message, after }) => {
                let due_at = next_try(&due.delivery_id, due.attempts + 1, *after, now);
                let patience = i64::try_from(self.definition.give_up_after.as_micros()).unwrap_or(i64::MAX);
                // From the first try on: nobody is to blame for the time before.
                let since = due.tried_at.unwrap_or(now);
                if due_at.micros() > since.micros().saturating_add(patience) {
                    let tries = due.attempts + 1;
                    return self.give_up(format!("{message} (tried {tries} times since {since})"));
                }
                self.report.failed += 1;
                self.report.error = Some(message.clone());
                Outcome::Later { due_at, error: message.clone() }
            }
        }
    }

    fn give_up(&mut self, error: String) -> Outcome {
        self.report.dead += 1;
        self.report.error = Some(error.clone());
        Outcome::Dead { error }
    }
}
