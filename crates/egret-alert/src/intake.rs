//! From findings to alerts: what was added to the lake since the last time, merged, and queued for outputs.

mod batch;
mod forget;
mod reading;

use egret_detect::DetectionDefinition;
use egret_lake::{Follower, Lake};
use egret_model::Clock;
use egret_model::finding::FINDING_TABLE;
use egret_store::Store;
use serde::Serialize;

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::own;
use crate::staging::Staging;

use self::batch::Batch;
use self::reading::Reading;

/// The name of our position in a lake. One that is made anew beside an old store is another lake.
fn position_in(lake: &Lake) -> String {
    format!("finding of {}", lake.id())
}

/// Who makes alerts of findings.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a> {
    /// What the configuration says.
    pub settings: &'a AlertSettings,
    /// The detections of the configuration.
    pub detections: &'a [DetectionDefinition],
    /// Where alerts go.
    pub store: &'a Store,
    /// The present.
    pub clock: &'a dyn Clock,
}

/// What became of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct IntakeReport {
    /// Findings that were read for the first time.
    pub findings: u64,
    /// Of them, those that `suppress` blocks took out.
    pub suppressed: u64,
    /// Of them, those of staged detections.
    pub staged: u64,
    /// Of them, those of hunts, which become no alerts.
    pub hunted: u64,
    /// Findings of events that are older than the store knows: nobody can tell whether they were read before, and they
    /// become no alerts.
    pub too_old: u64,
    /// Alerts that were raised.
    pub raised: u64,
    /// Alerts that got more findings.
    pub updated: u64,
    /// Alerts that were reopened.
    pub reopened: u64,
    /// Deliveries that were queued.
    pub queued: u64,
    /// Entries of lookups that findings would have written, and that are too long or one too many.
    pub not_remembered: u64,
    /// Alerts that were done with for longer than they are kept, and went.
    pub forgotten_alerts: u64,
    /// Ids of findings that went.
    pub forgotten_findings: u64,
    /// Entries of lookups that went.
    pub forgotten_entries: u64,
}

impl Intake<'_> {
    /// Reads all findings that were added since the last time. Several processes may do it at once.
    ///
    /// # Errors
    /// If the lake or the store fails; the next run goes on from there, and counts no finding twice.
    pub async fn run(&self, lake: &Lake) -> Result<IntakeReport, AlertError> {
        let mut report = IntakeReport::default();
        self.notice_detections().await?;
        let position = position_in(lake);
        let from = self.store.position(&position).await?;
        let added = lake.added_files(FINDING_TABLE, from).await?;
        let mut reading = Reading::begin(added.files);
        loop {
            let findings = reading.next().await?;
            if findings.is_empty() {
                break;
            }
            let mut change = self.store.change().await?;
            let mut batch = Batch::new(self.settings, self.clock.now());
            batch.take(&mut change, findings).await?;
            batch.write(&mut change, &mut report).await?;
            change.commit().await?;
        }
        if added.upto > from {
            let mut change = self.store.change().await?;
            // Another process may have got further.
            let now = change.position(&position).await?;
            change.set_position(&position, added.upto.max(now)).await?;
            change.commit().await?;
        }
        self.look_after_stages(&mut report).await?;
        // Only now: what was not read yet may be what an id is needed for.
        self.forget(&mut report).await?;
        Ok(report)
    }

    /// How far findings were read: the lake keeps what was added after that.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn follower(store: &Store, lake: &Lake) -> Result<Follower, AlertError> {
        Ok(Follower { table: FINDING_TABLE, snapshot: store.position(&position_in(lake)).await? })
    }

    /// New detections are noticed before a finding of theirs is looked at.
    async fn notice_detections(&self) -> Result<(), AlertError> {
        if self.settings.staging.is_none() {
            return Ok(());
        }
        let mut change = self.store.change().await?;
        let mut staging = Staging::read(&mut change).await?;
        let entries = staging.notice(self.settings.staging.as_ref(), self.detections, self.clock.now());
        staging.write(&mut change).await?;
        change.audit(&entries).await?;
        Ok(change.commit().await?)
    }

    /// Those that were silent long enough are promoted, once all that they found is counted.
    async fn look_after_stages(&self, report: &mut IntakeReport) -> Result<(), AlertError> {
        let now = self.clock.now();
        let mut change = self.store.change().await?;
        let mut staging = Staging::read(&mut change).await?;
        let entries = staging.promote(self.settings.staging.as_ref(), now);
        if own::raise_digest(&mut change, self.settings, &staging.staged(), now).await? {
            report.raised += 1;
        }
        staging.write(&mut change).await?;
        change.audit(&entries).await?;
        Ok(change.commit().await?)
    }
}
