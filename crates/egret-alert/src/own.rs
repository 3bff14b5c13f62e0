//! Alerts of Egret's own: trouble such as dead letters, and the digest of what is staged.

use std::collections::BTreeMap;

use egret_model::alert::Remark;
use egret_model::{Alert, AlertAction, AlertStatus, Severity, Timestamp, id};
use egret_store::{AuditEntry, Change, StagedDetection, Store, StoredAlert};
use serde_json::{Map, Value as Json, json};

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::lifecycle;
use crate::route::{Destination, RouteSubject, destinations};
use crate::tell::{deliveries_of, send_also_to};

/// The detection that alerts about dead letters have.
pub(crate) const DELIVERY_FAILED: &str = "egret.delivery_failed";

/// The detection that digests have.
pub(crate) const DIGEST: &str = "egret.staging_digest";

/// Which day's digest was made last, in the store.
const DIGEST_POSITION: &str = "staging_digest";

/// Something that is wrong with Egret's own work, and that people must hear of: one alert until it is over.
#[derive(Clone, Copy)]
pub struct Trouble<'a> {
    /// What kind of trouble it is; alerts have it for a detection: `egret.generator_failed`.
    pub detection: &'a str,
    /// What has it: an output's address, a generator's name.
    pub subject: &'a str,
    /// The channel of the alert.
    pub channel: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// The alert's title.
    pub title: &'a str,
    /// What to do about it.
    pub description: &'a str,
    /// What happened, for so many times.
    pub message: &'a dyn Fn(u64) -> String,
    /// How often it happened since it was last told.
    pub count: u64,
    /// What the alert is merged by: the subject, under its name.
    pub merged_by: &'a Map<String, Json>,
    /// What happened, for machines.
    pub event: &'a Map<String, Json>,
    /// An output that it must not go to, since that is where the trouble is.
    pub not_to: Option<&'a str>,
}

/// Tells of trouble: raises its alert, or adds to the one that is open.
///
/// # Errors
/// If the store fails.
pub async fn tell_trouble(
    store: &Store,
    settings: &AlertSettings,
    trouble: Trouble<'_>,
    now: Timestamp,
) -> Result<(), AlertError> {
    let mut change = store.change().await?;
    raise_trouble(&mut change, settings, trouble, now).await?;
    Ok(change.commit().await?)
}

/// Closes the alert of trouble that is over, if one is open. Returns whether one was.
///
/// # Errors
/// If the store fails.
pub async fn end_trouble(
    store: &Store,
    settings: &AlertSettings,
    [detection, subject]: [&str; 2],
    remark: Remark,
) -> Result<bool, AlertError> {
    let mut change = store.change().await?;
    let open = open_alert(&mut change, &merge_key_of(detection, subject)).await?;
    change.commit().await?;
    match open {
        Some(stored) => match lifecycle::close(store, settings, &stored.alert.alert_id, remark).await {
            Ok(_) => Ok(true),
            // Somebody was quicker.
            Err(AlertError::State { .. }) => Ok(false),
            Err(error) => Err(error),
        },
        None => Ok(false),
    }
}

/// Dead letters of an output: an alert of its own, that goes to another one.
pub(crate) async fn raise_dead_letters(
    change: &mut Change,
    settings: &AlertSettings,
    output: &str,
    letters: u64,
    error: &str,
    now: Timestamp,
) -> Result<(), AlertError> {
    let message = |count: u64| {
        let noun = if count == 1 { "delivery was" } else { "deliveries were" };
        format!("{count} {noun} given up at {output}: {error}")
    };
    let trouble = Trouble {
        detection: DELIVERY_FAILED,
        subject: output,
        channel: "egret.delivery",
        severity: Severity::High,
        title: &format!("Alerts do not reach {output}"),
        description: "Deliveries were refused, or tried for too long. Mend the output, then send them \
            again: egret alert deliver --dead",
        message: &message,
        count: letters,
        merged_by: &object(json!({ "output": output })),
        event: &object(json!({ "output": output, "error": error })),
        not_to: Some(output),
    };
    raise_trouble(change, settings, trouble, now).await
}

async fn raise_trouble(
    change: &mut Change,
    settings: &AlertSettings,
    trouble: Trouble<'_>,
    now: Timestamp,
) -> Result<(), AlertError> {
    let merge_key = merge_key_of(trouble.detection, trouble.subject);
    let (mut stored, action) = match open_alert(change, &merge_key).await? {
        Some(mut stored) => {
            stored.alert.count += trouble.count;
            stored.alert.revision += 1;
            (stored, AlertAction::Update)
        }
        None => {
            let mut alert = own_alert(trouble.detection, trouble.channel, trouble.severity, now);
            alert.alert_id = id::alert_id(trouble.detection, trouble.subject, &now.to_string()).to_string();
            trouble.title.clone_into(&mut alert.title);
            trouble.description.clone_into(&mut alert.description);
            alert.count = trouble.count;
            alert.merged_by = trouble.merged_by.clone();
            (StoredAlert { alert, merge_key, routes: BTreeMap::new() }, AlertAction::Raise)
        }
    };
    stored.alert.message = (trouble.message)(stored.alert.count);
    stored.alert.event = trouble.event.clone();
    stored.alert.time_last = now;
    stored.alert.updated_at = now;
    if action == AlertAction::Raise {
        let mut to = routed(settings, &stored.alert);
        if let Some(shunned) = trouble.not_to {
            to.retain(|destination| destination.output != shunned);
            if to.is_empty() {
                // Better to any output than to nobody.
                let other =
                    settings.outputs().iter().find(|other| other.enabled && other.address() != shunned);
                to.extend(other.map(|other| Destination { output: other.address(), route: None }));
            }
        }
        return raise(change, settings, stored, to, now).await;
    }
    let queued = deliveries_of(settings, &stored, action, None, None);
    change.drop_untried_updates(&[&stored.alert.alert_id]).await?;
    change.put_alerts(&[&stored]).await?;
    Ok(change.queue(&queued, now).await?)
}

fn merge_key_of(detection: &str, subject: &str) -> String {
    id::alert_id(detection, subject, "").to_string()
}

/// The alert with a key that nobody has closed.
async fn open_alert(change: &mut Change, merge_key: &str) -> Result<Option<StoredAlert>, AlertError> {
    let [first, last] = [i64::MIN, i64::MAX].map(Timestamp::from_micros);
    let known = change.alerts_by_key(&[merge_key], first, last).await?;
    Ok(known.into_iter().find(|stored| stored.alert.status != AlertStatus::Closed))
}

/// The digest of what is staged, once a day from the configured time on.
pub(crate) async fn raise_digest(
    change: &mut Change,
    settings: &AlertSettings,
    staged: &[&StagedDetection],
    now: Timestamp,
) -> Result<bool, AlertError> {
    let Some(staging) = &settings.staging else { return Ok(false) };
    let since_midnight = now.micros().rem_euclid(86_400_000_000);
    let at = i64::from(chrono::Timelike::num_seconds_from_midnight(&staging.digest_at)) * 1_000_000;
    let day = i64::from(now.days());
    if since_midnight < at || change.position(DIGEST_POSITION).await? >= day {
        return Ok(false);
    }
    change.set_position(DIGEST_POSITION, day).await?;
    if staged.is_empty() {
        return Ok(false);
    }
    let lines: Vec<String> =
        staged.iter().map(|staged| digest_line(staged, staging.stage_max_findings, now)).collect();
    let mut alert = own_alert(DIGEST, "egret.staging", Severity::Informational, now);
    alert.alert_id = id::alert_id(DIGEST, "", &day.to_string()).to_string();
    alert.title = match staged.len() {
        1 => "1 detection is staged".to_owned(),
        count => format!("{count} detections are staged"),
    };
    alert.message = lines.join("\n");
    alert.description =
        "Staged detections find, and tell nobody. Promote one at once: egret rule promote ID".to_owned();
    alert.event = object(json!({ "staged": staged }));
    let to = match staging.digest_outputs.as_slice() {
        [] => routed(settings, &alert),
        named => named.iter().map(|output| Destination { output: output.clone(), route: None }).collect(),
    };
    let merge_key = merge_key_of(DIGEST, "");
    raise(change, settings, StoredAlert { alert, merge_key, routes: BTreeMap::new() }, to, now).await?;
    Ok(true)
}

fn digest_line(staged: &StagedDetection, max_findings: u64, now: Timestamp) -> String {
    let left = staged.until.micros().saturating_sub(now.micros()) / 3_600_000_000;
    let state = match (staged.findings > max_findings, left > 0) {
        (true, _) => "stays staged: too many findings".to_owned(),
        (false, true) => format!("live in {left} h"),
        (false, false) => "live at the next run".to_owned(),
    };
    format!("{}: {} findings since {}, {state}", staged.detection_id, staged.findings, staged.since)
}

fn routed(settings: &AlertSettings, alert: &Alert) -> Vec<Destination> {
    let subject = RouteSubject {
        channel: &alert.channel,
        severity: alert.severity,
        tags: &alert.tags,
        detection_id: &alert.detection_id,
    };
    destinations(&settings.routes, &subject, |_| None)
}

async fn raise(
    change: &mut Change,
    settings: &AlertSettings,
    mut stored: StoredAlert,
    to: Vec<Destination>,
    now: Timestamp,
) -> Result<(), AlertError> {
    stored.alert.status = AlertStatus::Open;
    let queued = send_also_to(settings, &mut stored, to);
    change.put_alerts(&[&stored]).await?;
    change.queue(&queued, now).await?;
    let raised = AuditEntry {
        at: now,
        by: "egret".to_owned(),
        subject: format!("alert:{}", stored.alert.alert_id),
        action: "raised".to_owned(),
        detail: stored.alert.title.clone(),
    };
    Ok(change.audit(&[raised]).await?)
}

fn own_alert(detection: &str, channel: &str, severity: Severity, now: Timestamp) -> Alert {
    Alert {
        alert_id: String::new(),
        revision: 1,
        status: AlertStatus::Open,
        severity,
        title: String::new(),
        message: String::new(),
        description: String::new(),
        detection_id: detection.to_owned(),
        detection_kind: "egret".to_owned(),
        detection_version: String::new(),
        tags: Vec::new(),
        references: Vec::new(),
        channel: channel.to_owned(),
        table: String::new(),
        partition: String::new(),
        count: 1,
        time_first: now,
        time_last: now,
        opened_at: now,
        updated_at: now,
        merged_by: Map::new(),
        common: Map::new(),
        differences: Vec::new(),
        observables: egret_model::Observables::default(),
        finding_ids: Vec::new(),
        event: Map::new(),
        evidence: Vec::new(),
        source_location: String::new(),
        outputs: Vec::new(),
        acknowledged: None,
        closed: None,
        comments: Vec::new(),
    }
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(object) => object,
        _ => Map::new(),
    }
}
