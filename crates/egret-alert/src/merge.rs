//! Merging: what findings of one alert share, and where they differ.

use egret_model::alert::Difference;
use egret_model::{Alert, AlertStatus, Finding, Observables, Timestamp, id};
use serde_json::{Map, Value as Json};

/// Of so many findings an alert keeps ids; the others are counted, and are in the lake.
const MAX_IDS: usize = 50;

/// Of so many it keeps where they differ, as long as that is no more than so many bytes: an alert is read and written
/// each time it gets more findings, and sent as a whole.
const MAX_DIFFERENCES: usize = 20;
const MAX_DIFFERENCES_BYTES: usize = 32 << 10;

/// So many addresses or names of a kind are kept.
const MAX_OBSERVABLES: usize = 100;

/// A new alert of one finding.
pub(crate) fn open(
    finding: &Finding,
    merged_by: Map<String, Json>,
    references: Vec<String>,
    now: Timestamp,
) -> Alert {
    let event = event_of(finding);
    let key = Json::Object(merged_by.clone()).to_string();
    Alert {
        alert_id: id::alert_id(&finding.detection_id, &key, &finding.finding_id).to_string(),
        revision: 1,
        status: AlertStatus::Gathering,
        severity: finding.severity,
        title: finding.title.clone(),
        message: finding.message.clone(),
        description: finding.description.clone(),
        detection_id: finding.detection_id.clone(),
        detection_kind: finding.detection_kind.clone(),
        detection_version: finding.detection_version.clone(),
        tags: finding.tags.clone(),
        references,
        channel: finding.channel.clone(),
        table: finding.table.clone(),
        partition: finding.partition.clone(),
        count: 1,
        time_first: finding.time,
        time_last: finding.time,
        opened_at: now,
        updated_at: now,
        merged_by,
        common: Map::new(),
        differences: vec![Difference {
            finding_id: finding.finding_id.clone(),
            time: finding.time,
            values: Map::new(),
        }],
        observables: capped(finding.observables.clone()),
        finding_ids: vec![finding.finding_id.clone()],
        event,
        evidence: finding.evidence.clone(),
        source_location: finding.source_location.clone(),
        outputs: Vec::new(),
        acknowledged: None,
        closed: None,
        comments: Vec::new(),
    }
}

/// Whether all events of an alert would still lie within its window with one more at `time`.
pub(crate) fn fits(alert: &Alert, time: Timestamp, window: i64) -> bool {
    let (first, last) = (alert.time_first.min(time), alert.time_last.max(time));
    last.micros().saturating_sub(first.micros()) < window || (window == 0 && first == last)
}

/// Adds a finding to an alert.
pub(crate) fn absorb(alert: &mut Alert, finding: &Finding) {
    let event = event_of(finding);
    // One finding shares nothing with others; its event is there anyway.
    let before = if alert.count == 1 { &alert.event } else { &alert.common };
    let common = shared(before, &event);
    if common != *before {
        let lost = without(before, &common);
        for difference in &mut alert.differences {
            add(&mut difference.values, &lost);
        }
    }
    if alert.differences.len() as u64 == alert.count && alert.count < MAX_DIFFERENCES as u64 {
        alert.differences.push(Difference {
            finding_id: finding.finding_id.clone(),
            time: finding.time,
            values: without(&event, &common),
        });
    }
    keep_small(&mut alert.differences);
    if alert.finding_ids.len() < MAX_IDS {
        alert.finding_ids.push(finding.finding_id.clone());
    }
    alert.common = common;
    alert.count += 1;
    alert.severity = alert.severity.max(finding.severity);
    alert.time_first = alert.time_first.min(finding.time);
    alert.time_last = alert.time_last.max(finding.time);
    let Observables { ips, domains, emails, usernames, akas, hashes } = &mut alert.observables;
    for (known, more) in [
        (ips, &finding.observables.ips),
        (domains, &finding.observables.domains),
        (emails, &finding.observables.emails),
        (usernames, &finding.observables.usernames),
        (akas, &finding.observables.akas),
        (hashes, &finding.observables.hashes),
    ] {
        for value in more {
            if known.len() < MAX_OBSERVABLES && !known.contains(value) {
                known.push(value.clone());
            }
        }
    }
}

/// Lets go of the last differences while all of them are too large.
fn keep_small(differences: &mut Vec<Difference>) {
    let mut bytes = 0;
    let fit = differences.iter().take_while(|difference| {
        bytes += size(&difference.values);
        bytes <= MAX_DIFFERENCES_BYTES
    });
    let fit = fit.count();
    differences.truncate(fit);
}

/// About as many bytes as the object has when it is written.
fn size(object: &Map<String, Json>) -> usize {
    object.iter().map(|(key, value)| key.len() + 4 + value_size(value)).sum()
}

fn value_size(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(|item| value_size(item) + 1).sum::<usize>() + 2,
        Json::Object(object) => size(object) + 2,
        _ => 8,
    }
}

fn capped(mut observables: Observables) -> Observables {
    let Observables { ips, domains, emails, usernames, akas, hashes } = &mut observables;
    for list in [ips, domains, emails, usernames, akas, hashes] {
        list.truncate(MAX_OBSERVABLES);
    }
    observables
}

/// The event; empty where it was cut because it was too large to be whole.
fn event_of(finding: &Finding) -> Map<String, Json> {
    match serde_json::from_str(&finding.event) {
        Ok(Json::Object(event)) => event,
        _ => Map::new(),
    }
}

/// What two objects share, at any depth of objects.
fn shared(one: &Map<String, Json>, other: &Map<String, Json>) -> Map<String, Json> {
    let mut common = Map::new();
    for (key, value) in one {
        match (value, other.get(key)) {
            (Json::Object(inner), Some(Json::Object(other_inner))) if inner != other_inner => {
                let inner = shared(inner, other_inner);
                if !inner.is_empty() {
                    common.insert(key.clone(), inner.into());
                }
            }
            (_, Some(other)) if value == other => {
                common.insert(key.clone(), value.clone());
            }
            _ => {}
        }
    }
    common
}

/// `object` without what it shares with `common`.
fn without(object: &Map<String, Json>, common: &Map<String, Json>) -> Map<String, Json> {
    let mut rest = Map::new();
    for (key, value) in object {
        match (value, common.get(key)) {
            (_, Some(same)) if value == same => {}
            (Json::Object(inner), Some(Json::Object(common_inner))) => {
                rest.insert(key.clone(), without(inner, common_inner).into());
            }
            _ => {
                rest.insert(key.clone(), value.clone());
            }
        }
    }
    rest
}

/// Puts `more` into `object`, at any depth of objects.
fn add(object: &mut Map<String, Json>, more: &Map<String, Json>) {
    for (key, value) in more {
        match (object.get_mut(key), value) {
            (Some(Json::Object(inner)), Json::Object(more_inner)) => add(inner, more_inner),
            _ => {
                object.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests;
