//! What is not kept for ever: alerts that were done with long ago, the ids of findings, and what lookups remember.
//!
//! A finding may be read again: after a crash, when compaction has put it into another file, when logs are collected anew
//! (`--overwrite`), when a hunt goes over history. Its id says that it was counted. Where ids went, nobody could tell; so
//! the store remembers up to which time of events they went, and what happened before that and is not known becomes no
//! alert: either it was one, or it comes later than alerts are kept.

use egret_model::{Finding, Origin, Timestamp};
use egret_store::Change;

use super::{Intake, IntakeReport};
use crate::error::AlertError;

/// Up to which time of events ids went, among the store's positions.
const FORGOTTEN: &str = "findings that are forgotten";

/// So many rows of a kind go in one change: others want to write as well.
const ROWS: u32 = 10_000;

/// So many changes a run, and one for each so many findings that came: more has to go than comes.
const CHANGES: u64 = 5;
const FINDINGS: u64 = 5_000;

/// Since when everything that was read is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    since: Timestamp,
}

impl Memory {
    pub(super) async fn read(change: &mut Change) -> Result<Self, AlertError> {
        let micros = change.position(FORGOTTEN).await?;
        // Zero if none went.
        let since = if micros == 0 { i64::MIN } else { micros };
        Ok(Self { since: Timestamp::from_micros(since) })
    }

    /// Whether a finding whose id is not known may have been read before. Those that nobody is told of anyway are none of
    /// these.
    pub(super) fn may_have_known(self, finding: &Finding, are_hunts_told: bool) -> bool {
        finding.time < self.since && (finding.origin != Origin::Hunt || are_hunts_told)
    }

    /// Whether such a finding was surely read before: it was made when none of what is known now was. It is no news that
    /// it comes again.
    pub(super) fn has_known(self, finding: &Finding) -> bool {
        finding.detected_at < self.since
    }
}

impl Intake<'_> {
    /// Lets go of what is older than is kept; a bounded part of it.
    pub(super) async fn forget(&self, report: &mut IntakeReport) -> Result<(), AlertError> {
        let before = self.clock.now().plus_micros(-self.settings.keep());
        for _ in 0..CHANGES + report.findings / FINDINGS {
            let mut change = self.store.change().await?;
            let thinned = change.thin(before, ROWS).await?;
            if thinned.is_empty() {
                break;
            }
            report.forgotten_alerts += thinned.alerts;
            report.forgotten_findings += thinned.findings;
            // The events' time, not ours: a clock that was a year ahead for a day must not keep what comes after it
            // from becoming alerts.
            if let Some(events_before) = thinned.events_before {
                let forgotten = change.position(FORGOTTEN).await?.max(events_before.micros());
                change.set_position(FORGOTTEN, forgotten).await?;
            }
            change.commit().await?;
        }
        self.forget_entries(report).await
    }

    /// The same for what lookups remember.
    async fn forget_entries(&self, report: &mut IntakeReport) -> Result<(), AlertError> {
        let now = self.clock.now();
        let kept = || self.settings.lookups.iter().filter_map(|lookup| Some((lookup, lookup.since(now)?)));
        for _ in 0..CHANGES + report.findings / FINDINGS {
            if kept().next().is_none() {
                break;
            }
            let mut change = self.store.change().await?;
            let mut gone = 0;
            for (lookup, since) in kept() {
                gone += change.thin_lookup(&lookup.name.value, since, ROWS).await?;
            }
            change.commit().await?;
            report.forgotten_entries += gone;
            if gone == 0 {
                break;
            }
        }
        Ok(())
    }
}
