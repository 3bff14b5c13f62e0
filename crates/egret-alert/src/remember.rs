//! What detections remember: `remember` blocks, compiled, and what they give for findings.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use egret_config::{Diagnostic, Diagnostics};
use egret_detect::{DetectionDefinition, RememberDefinition};
use egret_model::lookup::{MAX_ENTRIES, MAX_KEY_BYTES, MAX_VALUE_BYTES};
use egret_model::{Finding, Origin, Timestamp, suggest};
use egret_store::{Change, LookupEntry};

use crate::error::AlertError;
use crate::lookup::LookupDefinition;
use crate::policy::{Key, PolicyCompiler, texts_of};

/// An entry that each finding of a detection writes.
#[derive(Debug, Clone)]
pub(crate) struct Remember {
    lookup: String,
    key: Key,
    /// When the event happened, if there is none.
    value: Option<Key>,
}

/// What the detections that run remember, by their ids.
pub(crate) fn compile(
    detections: &[DetectionDefinition],
    lookups: &[LookupDefinition],
    policies: &mut PolicyCompiler<'_>,
    diagnostics: &mut Diagnostics,
) -> HashMap<String, Vec<Remember>> {
    let mut by_detection: HashMap<String, Vec<Remember>> = HashMap::new();
    for detection in detections.iter().filter(|detection| detection.enabled) {
        for said in &detection.remember {
            check_lookup(said, lookups, diagnostics);
            let key = policies.key(&said.key, "key", diagnostics);
            let value = said.value.as_ref().map(|sql| policies.key(sql, "value", diagnostics));
            let (Some(key), Some(value)) = (key, value.map_or(Some(None), |value| value.map(Some))) else {
                continue;
            };
            let remember = Remember { lookup: said.lookup.value.0.clone(), key, value };
            by_detection.entry(detection.id.value.clone()).or_default().push(remember);
        }
    }
    by_detection
}

fn check_lookup(said: &RememberDefinition, lookups: &[LookupDefinition], diagnostics: &mut Diagnostics) {
    let name = &said.lookup.value.0;
    let names = lookups.iter().map(|lookup| lookup.name.value.as_str());
    if names.clone().any(|declared| declared == name) {
        return;
    }
    let hint = match suggest::nearest(name, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if lookups.is_empty() => format!("add a block `lookup \"{name}\" {{ … }}`"),
        None => format!("the lookups are {}", names.collect::<Vec<_>>().join(", ")),
    };
    let mistake = Diagnostic::error(format!("there is no lookup `{name}`"));
    diagnostics.push(mistake.at(&said.lookup.location).hint(hint));
}

/// What findings write: by lookup and key, the value and the time of the event that said it last.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    entries: BTreeMap<String, BTreeMap<String, (Timestamp, String)>>,
    too_long: u64,
}

impl Remembered {
    /// Takes what these findings say; `rows` are the same findings. A hunt goes over what happened long ago, and nobody
    /// expects a look at history to change what detections find from now on.
    pub(crate) fn take(
        &mut self,
        by_detection: &HashMap<String, Vec<Remember>>,
        findings: &[Finding],
        rows: &RecordBatch,
    ) -> Result<(), AlertError> {
        let mut wanted: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (row, finding) in (0..).zip(findings) {
            if finding.origin != Origin::Hunt && by_detection.contains_key(&finding.detection_id) {
                wanted.entry(&finding.detection_id).or_default().push(row);
            }
        }
        for (detection, indices) in wanted {
            let times: Vec<Timestamp> = indices.iter().map(|row| findings[*row as usize].time).collect();
            let own = take_record_batch(rows, &UInt32Array::from(indices))?;
            for remember in by_detection.get(detection).into_iter().flatten() {
                self.take_one(remember, &own, &times)?;
            }
        }
        Ok(())
    }

    /// What one block says of findings of its detection that happened at these times.
    fn take_one(
        &mut self,
        remember: &Remember,
        rows: &RecordBatch,
        times: &[Timestamp],
    ) -> Result<(), AlertError> {
        let keys = texts_of(&remember.key, rows)?;
        let values = match &remember.value {
            Some(value) => texts_of(value, rows)?,
            None => times.iter().map(|time| Some(time.to_string())).collect(),
        };
        let (mut long_keys, mut long_values) = (0, 0);
        for ((key, value), time) in keys.into_iter().zip(values).zip(times) {
            let (Some(key), Some(mut value)) = (key, value) else { continue };
            if key.len() > MAX_KEY_BYTES {
                long_keys += 1;
                continue;
            }
            long_values += u64::from(value.len() > MAX_VALUE_BYTES);
            value.truncate(value.floor_char_boundary(MAX_VALUE_BYTES));
            self.add(&remember.lookup, key, (*time, value));
        }
        if long_keys > 0 {
            let place = &remember.key.place;
            tracing::warn!(place, findings = long_keys, "keys of more than 1 KiB are not remembered");
            self.too_long += long_keys;
        }
        if long_values > 0 {
            let place = remember.value.as_ref().map(|value| value.place.as_str());
            tracing::warn!(place, findings = long_values, "values of more than 4 KiB are cut");
        }
        Ok(())
    }

    fn add(&mut self, lookup: &str, key: String, said: (Timestamp, String)) {
        let entries = self.entries.entry(lookup.to_owned()).or_default();
        match entries.get_mut(&key) {
            Some(known) if *known >= said => {}
            Some(known) => *known = said,
            None => {
                entries.insert(key, said);
            }
        }
    }

    /// Writes it; gives how many entries were not kept.
    pub(crate) async fn write(self, change: &mut Change) -> Result<u64, AlertError> {
        let mut refused = self.too_long;
        for (name, entries) in self.entries {
            let entry = |(key, (at, value))| LookupEntry { key, value, at };
            let entries: Vec<LookupEntry> = entries.into_iter().map(entry).collect();
            let full = change.put_lookup(&name, &entries, MAX_ENTRIES).await?;
            if full > 0 {
                tracing::warn!(lookup = name, entries = full, "it is full: new entries are not remembered");
            }
            refused += full;
        }
        Ok(refused)
    }
}
