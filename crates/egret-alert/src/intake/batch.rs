//! The findings of one change: what becomes of each, merged in memory.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use egret_model::{Alert, AlertAction, AlertStatus, Finding, Origin, Severity, Timestamp, id};
use egret_store::{AuditEntry, Change, FindingOutcome, NewDelivery, NewFinding, StoredAlert};
use serde_json::{Map, Value as Json};

use super::IntakeReport;
use super::forget::Memory;
use crate::conditions::{mask, override_severities};
use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::merge;
use crate::policy::{Policy, merged_by};
use crate::remember::Remembered;
use crate::route::{self, Destination, RouteSubject, destinations};
use crate::staging::Staging;
use crate::tell::{deliveries_of, send_also_to};

/// An alert that a batch touches.
struct Touched {
    stored: StoredAlert,
    /// Status and severity before; `None` for one that is new.
    before: Option<(AlertStatus, Severity)>,
    is_changed: bool,
    /// The row of the finding that the routes are asked about: the one that raises, reopens or makes it worse.
    row: usize,
}

/// One batch of findings, merged in memory.
pub(super) struct Batch<'a> {
    settings: &'a AlertSettings,
    now: Timestamp,
    outcomes: Vec<NewFinding>,
    suppressed: BTreeMap<String, u64>,
    staged: u64,
    hunted: u64,
    too_old: u64,
    touched: Vec<Touched>,
    by_key: HashMap<String, Vec<usize>>,
    staging: Option<Staging>,
    remembered: Remembered,
    conditions: Vec<Option<BooleanArray>>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(settings: &'a AlertSettings, now: Timestamp) -> Self {
        Self {
            settings,
            now,
            outcomes: Vec::new(),
            suppressed: BTreeMap::new(),
            staged: 0,
            hunted: 0,
            too_old: 0,
            touched: Vec::new(),
            by_key: HashMap::new(),
            staging: None,
            remembered: Remembered::default(),
            conditions: Vec::new(),
        }
    }

    /// Decides what becomes of each finding that is new.
    pub(super) async fn take(
        &mut self,
        change: &mut Change,
        findings: Vec<Finding>,
    ) -> Result<(), AlertError> {
        let ids: Vec<&str> = findings.iter().map(|finding| finding.finding_id.as_str()).collect();
        let mut known: HashSet<String> = change.known_findings(&ids).await?;
        let memory = Memory::read(change).await?;
        let mut findings: Vec<Finding> =
            findings.into_iter().filter(|finding| known.insert(finding.finding_id.clone())).collect();
        findings.retain(|finding| {
            let is_doubtful = memory.may_have_known(finding, self.settings.hunts);
            self.too_old += u64::from(is_doubtful && !memory.has_known(finding));
            !is_doubtful
        });
        if findings.is_empty() {
            return Ok(());
        }
        findings.sort_by(|one, other| (one.time, &one.finding_id).cmp(&(other.time, &other.finding_id)));
        let rows = Finding::to_rows(&findings)?;
        // Also of those that become no alert: what is known does not depend on who is told of it. Else whatever a suppression
        // hides, or a staged detection finds, would be found again in each run.
        self.remembered.take(&self.settings.remember, &findings, &rows)?;
        override_severities(self.settings, &mut findings, &rows);
        let mut staging = Staging::read(change).await?;
        let wanted = self.held_back(&findings, &rows, &mut staging);
        self.staging = Some(staging);
        self.conditions = route::conditions(&self.settings.routes, &rows);
        self.merge(change, &findings, &rows, &wanted).await
    }

    /// The rows of findings that become part of alerts; the others are accounted for.
    fn held_back(&mut self, findings: &[Finding], rows: &RecordBatch, staging: &mut Staging) -> Vec<usize> {
        let mut masks = Vec::with_capacity(self.settings.suppressions.len());
        for about in &self.settings.suppressions {
            let place = || format!("`where` of the suppression at {}", about.definition.name.location);
            masks.push(mask(about.condition.as_ref(), rows, place));
        }
        let mut wanted = Vec::with_capacity(findings.len());
        for (row, finding) in findings.iter().enumerate() {
            let suppression =
                self.settings.suppressions.iter().zip(&masks).find(|(about, mask)| {
                    about.takes(finding, mask.as_ref().is_none_or(|mask| mask.value(row)))
                });
            let outcome = if finding.origin == Origin::Hunt && !self.settings.hunts {
                self.hunted += 1;
                FindingOutcome::Hunt
            } else if let Some((about, _)) = suppression {
                let name = about.definition.name.value.clone();
                *self.suppressed.entry(name.clone()).or_default() += 1;
                FindingOutcome::Suppressed(name)
            } else if staging.holds_back(
                self.settings,
                &finding.detection_id,
                &finding.detection_version,
                self.now,
            ) {
                self.staged += 1;
                FindingOutcome::Staged
            } else {
                wanted.push(row);
                continue;
            };
            self.account_for(finding, outcome);
        }
        wanted
    }

    async fn merge(
        &mut self,
        change: &mut Change,
        findings: &[Finding],
        rows: &RecordBatch,
        wanted: &[usize],
    ) -> Result<(), AlertError> {
        let keys = self.merge_keys(findings, rows, wanted)?;
        let merge_keys: HashSet<&str> = keys.iter().map(|key| key.merge_key.as_str()).collect();
        let merge_keys: Vec<&str> = merge_keys.into_iter().collect();
        let widest = keys.iter().map(|key| key.policy.window).max().unwrap_or(0);
        let times = || keys.iter().map(|key| findings[key.row].time);
        let earliest = times().min().unwrap_or(self.now).plus_micros(-widest);
        let latest = times().max().unwrap_or(self.now).plus_micros(widest.max(1));
        for stored in change.alerts_by_key(&merge_keys, earliest, latest).await? {
            let before = Some((stored.alert.status, stored.alert.severity));
            self.add(Touched { stored, before, is_changed: false, row: 0 });
        }
        for key in keys {
            let alert_id = self.merge_one(&findings[key.row], &key);
            self.account_for(&findings[key.row], FindingOutcome::Alert(alert_id));
        }
        Ok(())
    }

    fn account_for(&mut self, finding: &Finding, outcome: FindingOutcome) {
        let day = i64::from(finding.time.max(self.now).days());
        self.outcomes.push(NewFinding { finding_id: finding.finding_id.clone(), outcome, day });
    }

    /// What the wanted findings are merged by, in their order.
    fn merge_keys(
        &self,
        findings: &[Finding],
        rows: &RecordBatch,
        wanted: &[usize],
    ) -> Result<Vec<MergeKey>, AlertError> {
        // Detections with the same policy have their keys evaluated together.
        let mut by_policy: HashMap<*const Policy, (Arc<Policy>, Vec<usize>)> = HashMap::new();
        for &row in wanted {
            let policy = self.settings.policy_of(&findings[row].detection_id);
            let group =
                by_policy.entry(Arc::as_ptr(policy)).or_insert_with(|| (Arc::clone(policy), Vec::new()));
            group.1.push(row);
        }
        let mut keys = Vec::with_capacity(wanted.len());
        for (policy, group) in by_policy.into_values() {
            let values = merged_by(&policy, rows)?;
            for row in group {
                let merged_by = values[row].clone();
                let text = Json::Object(merged_by.clone()).to_string();
                let merge_key = id::alert_id(&findings[row].detection_id, &text, "").to_string();
                keys.push(MergeKey { row, merge_key, merged_by, policy: Arc::clone(&policy) });
            }
        }
        keys.sort_by_key(|key| key.row);
        Ok(keys)
    }

    /// Adds a finding to the newest alert with its key that still takes it, or to one of its own.
    fn merge_one(&mut self, finding: &Finding, key: &MergeKey) -> String {
        let candidates = self.by_key.get(&key.merge_key).map(Vec::as_slice).unwrap_or_default();
        let found = candidates.iter().copied().find(|&index| {
            let alert = &self.touched[index].stored.alert;
            (alert.status != AlertStatus::Closed || key.policy.reopen)
                && merge::fits(alert, finding.time, key.policy.window)
        });
        let index = match found {
            Some(index) => {
                let touched = &mut self.touched[index];
                let alert = &mut touched.stored.alert;
                let is_decisive = (alert.status == AlertStatus::Gathering
                    && alert.count < key.policy.threshold)
                    || finding.severity > alert.severity
                    || !touched.is_changed;
                merge::absorb(alert, finding);
                touched.is_changed = true;
                if is_decisive {
                    touched.row = key.row;
                }
                index
            }
            None => {
                let references = key.policy.references.clone();
                let alert = merge::open(finding, key.merged_by.clone(), references, self.now);
                let stored = StoredAlert { alert, merge_key: key.merge_key.clone(), routes: BTreeMap::new() };
                self.add(Touched { stored, before: None, is_changed: true, row: key.row })
            }
        };
        self.touched[index].stored.alert.alert_id.clone()
    }

    fn add(&mut self, touched: Touched) -> usize {
        let index = self.touched.len();
        self.by_key.entry(touched.stored.merge_key.clone()).or_default().push(index);
        self.touched.push(touched);
        index
    }

    /// Writes everything, and queues what outputs are to be told.
    pub(super) async fn write(
        mut self,
        change: &mut Change,
        report: &mut IntakeReport,
    ) -> Result<(), AlertError> {
        report.findings += self.outcomes.len() as u64;
        report.staged += self.staged;
        report.hunted += self.hunted;
        report.too_old += self.too_old;
        let mut queued = Vec::new();
        let mut entries = Vec::new();
        let mut touched = std::mem::take(&mut self.touched);
        touched.retain(|touched| touched.is_changed);
        for touched in &mut touched {
            self.settle(touched, &mut queued, &mut entries, report);
        }
        for (name, count) in &self.suppressed {
            report.suppressed += count;
            change.count_suppressed(name, *count, self.now).await?;
        }
        if let Some(staging) = self.staging.take() {
            staging.write(change).await?;
        }
        report.not_remembered += std::mem::take(&mut self.remembered).write(change).await?;
        let stored: Vec<&StoredAlert> = touched.iter().map(|touched| &touched.stored).collect();
        let updated: Vec<&str> = queued
            .iter()
            .filter(|delivery: &&NewDelivery| delivery.action == AlertAction::Update)
            .map(|delivery| delivery.alert_id.as_str())
            .collect();
        if !updated.is_empty() {
            change.drop_untried_updates(&updated).await?;
        }
        change.put_alerts(&stored).await?;
        change.add_findings(&self.outcomes).await?;
        change.queue(&queued, self.now).await?;
        change.audit(&entries).await?;
        report.queued += queued.len() as u64;
        Ok(())
    }

    /// What happened to an alert, and who is told.
    fn settle(
        &self,
        touched: &mut Touched,
        queued: &mut Vec<NewDelivery>,
        entries: &mut Vec<AuditEntry>,
        report: &mut IntakeReport,
    ) {
        let policy = self.settings.policy_of(&touched.stored.alert.detection_id);
        let alert = &mut touched.stored.alert;
        alert.updated_at = self.now;
        if touched.before.is_some() {
            alert.revision += 1;
        }
        let is_worse = touched.before.is_some_and(|(_, severity)| alert.severity > severity);
        let action = match alert.status {
            AlertStatus::Gathering if alert.count >= policy.threshold => AlertAction::Raise,
            AlertStatus::Gathering => return,
            AlertStatus::Closed => AlertAction::Reopen,
            AlertStatus::Open | AlertStatus::Acknowledged => AlertAction::Update,
        };
        if action != AlertAction::Update {
            alert.status = AlertStatus::Open;
        }
        // Who was not told yet, and is to be told of it as it is now.
        let mut newcomers = Vec::new();
        if action != AlertAction::Update || is_worse {
            newcomers = self.destinations(alert, policy, touched.row);
            newcomers.retain(|destination| !alert.outputs.contains(&destination.output));
        }
        match action {
            AlertAction::Raise => {
                report.raised += 1;
                entries.push(self.entry(alert, "raised"));
            }
            AlertAction::Reopen => {
                report.reopened += 1;
                alert.closed = None;
                entries.push(self.entry(alert, "reopened"));
            }
            _ => report.updated += 1,
        }
        if action != AlertAction::Update || policy.updates {
            queued.extend(deliveries_of(self.settings, &touched.stored, action, None, None));
        }
        queued.extend(send_also_to(self.settings, &mut touched.stored, newcomers));
    }

    fn destinations(&self, alert: &Alert, policy: &Policy, row: usize) -> Vec<Destination> {
        if let Some(outputs) = &policy.outputs {
            return outputs
                .iter()
                .map(|output| Destination { output: output.clone(), route: None })
                .collect();
        }
        let subject = RouteSubject {
            channel: &alert.channel,
            severity: alert.severity,
            tags: &alert.tags,
            detection_id: &alert.detection_id,
        };
        destinations(&self.settings.routes, &subject, route::in_row(&self.conditions, row))
    }

    fn entry(&self, alert: &Alert, action: &str) -> AuditEntry {
        AuditEntry {
            at: self.now,
            by: "egret".to_owned(),
            subject: format!("alert:{}", alert.alert_id),
            action: action.to_owned(),
            detail: alert.title.clone(),
        }
    }
}

/// A finding's row, and what it is merged by.
struct MergeKey {
    row: usize,
    merge_key: String,
    merged_by: Map<String, Json>,
    policy: Arc<Policy>,
}
