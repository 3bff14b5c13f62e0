//! Staging: a new or changed detection is watched before its findings become alerts.

use std::collections::HashMap;

use egret_detect::DetectionDefinition;
use egret_model::Timestamp;
use egret_store::{AuditEntry, Change, Stage, StagedDetection, Store};

use crate::configuration::{AlertSettings, StagingSettings};
use crate::error::AlertError;

/// A detection that somebody staged by hand stays so until somebody promotes it.
const BY_HAND: Timestamp = Timestamp::from_micros(i64::MAX);

/// That the detections of a store were noticed once, among its positions.
const BEGUN: &str = "staging";

fn is_by_hand(staged: &StagedDetection) -> bool {
    staged.stage == Stage::Staged && staged.until == BY_HAND
}

/// The stages that are known, within one change.
#[derive(Debug)]
pub struct Staging {
    known: HashMap<(String, String), StagedDetection>,
    /// Whether the detections of this store were noticed once.
    is_begun: bool,
    has_begun: bool,
    changed: Vec<(String, String)>,
    forgotten: Vec<(String, String)>,
}

impl Staging {
    /// Reads them.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn read(change: &mut Change) -> Result<Self, AlertError> {
        let is_begun = change.position(BEGUN).await? > 0;
        let known = change.stages().await?.into_iter();
        let known = known.map(|staged| ((staged.detection_id.clone(), staged.version.clone()), staged));
        Ok(Self {
            known: known.collect(),
            is_begun,
            has_begun: false,
            changed: Vec::new(),
            forgotten: Vec::new(),
        })
    }

    /// Notices the detections that run, where staging is configured. The first time all are live: nobody wants
    /// everything staged on the first day. Returns what there is to write down.
    pub(crate) fn notice(
        &mut self,
        staging: Option<&StagingSettings>,
        detections: &[DetectionDefinition],
        now: Timestamp,
    ) -> Vec<AuditEntry> {
        let Some(staging) = staging else { return Vec::new() };
        let staging = Some(staging).filter(|_| self.is_begun);
        self.has_begun = true;
        let mut entries = Vec::new();
        for detection in detections.iter().filter(|detection| detection.enabled) {
            entries.extend(self.notice_one(&detection.id.value, &detection.version(), staging, now));
        }
        self.forget_replaced(detections);
        entries
    }

    /// Versions that were staged and that another one has replaced find nothing any more.
    fn forget_replaced(&mut self, detections: &[DetectionDefinition]) {
        if !self.known.values().any(|staged| staged.stage == Stage::Staged) {
            return;
        }
        let versions: HashMap<&str, String> =
            detections.iter().map(|detection| (detection.id.value.as_str(), detection.version())).collect();
        let is_replaced = |staged: &StagedDetection| {
            let present = versions.get(staged.detection_id.as_str());
            staged.stage == Stage::Staged && present.is_some_and(|version| *version != staged.version)
        };
        let replaced =
            self.known.iter().filter(|(_, staged)| is_replaced(staged)).map(|(key, _)| key.clone());
        let replaced: Vec<(String, String)> = replaced.collect();
        for key in replaced {
            self.known.remove(&key);
            self.forgotten.push(key);
        }
    }

    fn notice_one(
        &mut self,
        id: &str,
        version: &str,
        staging: Option<&StagingSettings>,
        now: Timestamp,
    ) -> Option<AuditEntry> {
        let key = (id.to_owned(), version.to_owned());
        if self.known.contains_key(&key) {
            return None;
        }
        // What somebody staged by hand stays so, whatever becomes of the rule.
        let by_hand = self.known.values().any(|staged| staged.detection_id == id && is_by_hand(staged));
        let (stage, until) = match staging {
            _ if by_hand => (Stage::Staged, BY_HAND),
            Some(staging) => (Stage::Staged, now.plus_micros(staging.stage_for)),
            None => (Stage::Live, now),
        };
        let staged = StagedDetection {
            detection_id: key.0.clone(),
            version: key.1.clone(),
            stage,
            since: now,
            until,
            findings: 0,
        };
        self.known.insert(key.clone(), staged);
        self.changed.push(key);
        let detail = if by_hand { "as the version before".to_owned() } else { format!("until {until}") };
        (stage == Stage::Staged).then(|| entry(id, "staged", detail, "egret", now))
    }

    /// Promotes those whose time is over and that were silent enough, or all if nothing is staged any more. Returns
    /// what there is to write down.
    pub(crate) fn promote(&mut self, staging: Option<&StagingSettings>, now: Timestamp) -> Vec<AuditEntry> {
        let mut entries = Vec::new();
        for (key, staged) in &mut self.known {
            if staged.stage != Stage::Staged || is_by_hand(staged) {
                continue;
            }
            let is_due = staging
                .is_none_or(|staging| staged.until <= now && staged.findings <= staging.stage_max_findings);
            if is_due {
                staged.stage = Stage::Live;
                self.changed.push(key.clone());
                let detail = format!("{} findings since {}", staged.findings, staged.since);
                entries.push(entry(&key.0, "promoted", detail, "egret", now));
            }
        }
        entries
    }

    /// Whether a finding of this version of a detection becomes no alert; counts it if so. One that nobody has noticed
    /// is noticed now: of no detection a finding is delivered before.
    pub(crate) fn holds_back(
        &mut self,
        settings: &AlertSettings,
        id: &str,
        version: &str,
        now: Timestamp,
    ) -> bool {
        let staging = settings.staging.as_ref().filter(|_| self.is_begun);
        if staging.is_some() || self.known.values().any(|staged| staged.detection_id == id) {
            self.notice_one(id, version, staging, now);
        }
        let key = (id.to_owned(), version.to_owned());
        let Some(staged) = self.known.get_mut(&key).filter(|staged| staged.stage == Stage::Staged) else {
            return false;
        };
        staged.findings += 1;
        if !self.changed.contains(&key) {
            self.changed.push(key);
        }
        true
    }

    /// Those that are staged now, by id.
    pub(crate) fn staged(&self) -> Vec<&StagedDetection> {
        let mut staged: Vec<&StagedDetection> =
            self.known.values().filter(|staged| staged.stage == Stage::Staged).collect();
        staged.sort_by(|one, other| one.detection_id.cmp(&other.detection_id));
        staged
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn write(self, change: &mut Change) -> Result<(), AlertError> {
        let mut changed = self.changed;
        changed.sort();
        changed.dedup();
        let stages: Vec<StagedDetection> =
            changed.iter().filter_map(|key| self.known.get(key).cloned()).collect();
        if self.has_begun && !self.is_begun {
            change.set_position(BEGUN, 1).await?;
        }
        change.forget_stages(&self.forgotten).await?;
        Ok(change.put_stages(&stages).await?)
    }
}

fn entry(id: &str, action: &str, detail: String, by: &str, now: Timestamp) -> AuditEntry {
    AuditEntry {
        at: now,
        by: by.to_owned(),
        subject: format!("detection:{id}"),
        action: action.to_owned(),
        detail,
    }
}

/// Stages or promotes a version of a detection by hand.
///
/// # Errors
/// If the store fails.
pub async fn set_stage(
    store: &Store,
    id: &str,
    version: &str,
    stage: Stage,
    by: &str,
    now: Timestamp,
) -> Result<(), AlertError> {
    let mut change = store.change().await?;
    let known = Staging::read(&mut change).await?;
    let findings = known.known.get(&(id.to_owned(), version.to_owned())).map_or(0, |staged| staged.findings);
    let staged = StagedDetection {
        detection_id: id.to_owned(),
        version: version.to_owned(),
        stage,
        since: now,
        until: if stage == Stage::Staged { BY_HAND } else { now },
        findings: if stage == Stage::Staged { 0 } else { findings },
    };
    change.put_stages(&[staged]).await?;
    let action = if stage == Stage::Staged { "staged" } else { "promoted" };
    change.audit(&[entry(id, action, "by hand".to_owned(), by, now)]).await?;
    Ok(change.commit().await?)
}
