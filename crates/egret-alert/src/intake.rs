//! From findings to alerts: what was added to the lake since the last time, merged, and queued for outputs.

mod batch;

use egret_detect::DetectionDefinition;
use egret_lake::{AddedFile, AddedRows, Follower, Lake};
use egret_model::finding::FINDING_TABLE;
use egret_model::{Clock, Finding};
use egret_store::Store;
use serde::Serialize;

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::own;
use crate::staging::Staging;

use self::batch::Batch;

/// The name of our position in a lake. One that is made anew beside an old store is another lake.
fn position_in(lake: &Lake) -> String {
    format!("finding of {}", lake.id())
}

/// Findings that are read at a time. One may carry an event of 256 KiB.
const READ_ROWS: usize = 256;

/// Findings that are merged in one change of the store: so many, or so many bytes of events. An alert is read and
/// written once in a change, however many of its findings are new.
const BATCH_FINDINGS: usize = 8_192;
const BATCH_BYTES: usize = 16 << 20;

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
    /// Alerts that were raised.
    pub raised: u64,
    /// Alerts that got more findings.
    pub updated: u64,
    /// Alerts that were reopened.
    pub reopened: u64,
    /// Deliveries that were queued.
    pub queued: u64,
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
        for file in &added.files {
            self.read_file(file, &mut report).await?;
        }
        if added.upto > from {
            let mut change = self.store.change().await?;
            // Another process may have got further.
            let now = change.position(&position).await?;
            change.set_position(&position, added.upto.max(now)).await?;
            change.commit().await?;
        }
        self.look_after_stages(&mut report).await?;
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

    async fn read_file(&self, file: &AddedFile, report: &mut IntakeReport) -> Result<(), AlertError> {
        let mut rows = file.open(READ_ROWS)?;
        loop {
            // Decoding computes, so it is not for the threads that wait.
            let (rest, read) = tokio::task::spawn_blocking(move || {
                let read = read_batch(&mut rows);
                (rows, read)
            })
            .await?;
            rows = rest;
            let findings = read?;
            if findings.is_empty() {
                return Ok(());
            }
            let mut change = self.store.change().await?;
            let mut batch = Batch::new(self.settings, self.clock.now());
            batch.take(&mut change, findings).await?;
            batch.write(&mut change, report).await?;
            change.commit().await?;
        }
    }
}

/// The findings of the next change; none at the end.
fn read_batch(rows: &mut AddedRows) -> Result<Vec<Finding>, AlertError> {
    let (mut findings, mut bytes) = (Vec::new(), 0);
    while findings.len() < BATCH_FINDINGS && bytes < BATCH_BYTES {
        let Some(batch) = rows.next().transpose()? else { break };
        let more = Finding::from_rows(&batch);
        bytes += more.iter().map(|finding| finding.event.len()).sum::<usize>();
        findings.extend(more);
    }
    Ok(findings)
}
