//! Alerts of Egret's own: dead letters, and the digest of what is staged.

use std::collections::BTreeMap;

use egret_model::{Alert, AlertAction, AlertStatus, Severity, Timestamp, id};
use egret_store::{AuditEntry, Change, StagedDetection, StoredAlert};
use serde_json::{Map, Value as Json, json};

use crate::configuration::AlertSettings;
use crate::error::AlertError;
use crate::route::{Destination, RouteSubject, destinations};
use crate::tell::{deliveries_of, send_also_to};

/// The detection that alerts about dead letters have.
pub(crate) const DELIVERY_FAILED: &str = "egret.delivery_failed";

/// The detection that digests have.
pub(crate) const DIGEST: &str = "egret.staging_digest";

/// Which day's digest was made last, in the store.
const DIGEST_POSITION: &str = "staging_digest";

/// Dead letters of an output: an alert of its own, that goes to another one.
pub(crate) async fn raise_dead_letters(
    change: &mut Change,
    settings: &AlertSettings,
    output: &str,
    letters: u64,
    error: &str,
    now: Timestamp,
) -> Result<(), AlertError> {
    let merged_by = object(json!({ "output": output }));
    let merge_key = id::alert_id(DELIVERY_FAILED, output, "").to_string();
    let known = change
        .alerts_by_key(&[&merge_key], Timestamp::from_micros(i64::MIN), Timestamp::from_micros(i64::MAX))
        .await?;
    let open = known.into_iter().find(|stored| stored.alert.status != AlertStatus::Closed);
    let event = object(json!({ "output": output, "error": error }));
    let (mut stored, action) = match open {
        Some(mut stored) => {
            stored.alert.count += letters;
            stored.alert.revision += 1;
            (stored, AlertAction::Update)
        }
        None => {
            let mut alert = own_alert(DELIVERY_FAILED, "egret.delivery", Severity::High, now);
            alert.alert_id = id::alert_id(DELIVERY_FAILED, output, &now.to_string()).to_string();
            alert.title = format!("Alerts do not reach {output}");
            alert.description =
                "Deliveries were refused, or tried for too long. Mend the output, then send them \
                again: egret alert deliver --dead"
                    .to_owned();
            alert.count = letters;
            alert.merged_by = merged_by;
            (StoredAlert { alert, merge_key, routes: BTreeMap::new() }, AlertAction::Raise)
        }
    };
    let noun = if stored.alert.count == 1 { "delivery was" } else { "deliveries were" };
    stored.alert.message = format!("{} {noun} given up at {output}: {error}", stored.alert.count);
    stored.alert.event = event;
    stored.alert.time_last = now;
    stored.alert.updated_at = now;
    if action == AlertAction::Raise {
        let mut to = routed(settings, &stored.alert);
        to.retain(|destination| destination.output != output);
        if to.is_empty() {
            // Better to any output than to nobody.
            let other = settings.outputs().iter().find(|other| other.enabled && other.address() != output);
            to.extend(other.map(|other| Destination { output: other.address(), route: None }));
        }
        return raise(change, settings, stored, to, now).await;
    }
    let queued = deliveries_of(settings, &stored, action, None, None);
    change.drop_untried_updates(&[&stored.alert.alert_id]).await?;
    change.put_alerts(&[&stored]).await?;
    Ok(change.queue(&queued, now).await?)
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
    let merge_key = id::alert_id(DIGEST, "", "").to_string();
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
