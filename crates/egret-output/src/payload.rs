//! What programs get: a letter as JSON within a service's limit, and how many letters fit into one request.

use std::ops::Range;

use egret_http::shorten;
use serde_json::{Map, Value};

use crate::delivery::Letter;

/// How much is kept of a string, of a list and of an object, from the mildest to the last resort.
const STEPS: [(usize, usize, usize); 6] = [
    (32_768, 2_000, 2_000),
    (8_192, 500, 500),
    (2_048, 100, 200),
    (512, 30, 100),
    (128, 10, 50),
    (64, 3, 40),
];

/// What comes from logs and may be of any shape and depth: left out when nothing else helps.
const FOREIGN: [&str; 7] =
    ["event", "common", "differences", "merged_by", "evidence", "comments", "observables"];

impl Letter {
    /// What programs get: what the template for the whole payload says, else the delivery as JSON, with what is wrong
    /// with a template in `problem`.
    pub(crate) fn json(&self) -> Value {
        let mut json = self.delivery.to_json();
        if let (Some(problem), Some(object)) = (&self.message.problem, json.as_object_mut()) {
            object.insert("problem".into(), problem.as_str().into());
        }
        json
    }

    /// The same in at most `limit` bytes: the template's text if it fits, else the delivery, shortened so that it
    /// stays JSON with every field that names the alert, and says `"shortened": true`.
    pub(crate) fn payload_within(&self, limit: usize) -> String {
        if let Some(body) = self.message.body.as_ref().filter(|body| !body.trim().is_empty()) {
            if body.len() <= limit {
                return body.clone();
            }
            let mut json = self.json();
            note_long_body(&mut json, body.len(), limit);
            return json_within(json, limit).to_string();
        }
        json_within(self.json(), limit).to_string()
    }

    /// The same for services that take an object: a template that writes something else is told of in `problem`.
    pub(crate) fn object_within(&self, limit: usize) -> Map<String, Value> {
        let mut json = self.json();
        if let Some(body) = self.message.body.as_ref().filter(|body| !body.trim().is_empty()) {
            match serde_json::from_str(body) {
                Ok(Value::Object(object)) if body.len() <= limit => return object,
                Ok(Value::Object(_)) => note_long_body(&mut json, body.len(), limit),
                _ => note(&mut json, "the template's `body` did not write a JSON object"),
            }
        }
        match json_within(json, limit) {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }
}

fn note_long_body(json: &mut Value, length: usize, limit: usize) {
    note(json, &format!("the template's `body` has {length} bytes, and the service takes {limit}"));
}

fn note(json: &mut Value, problem: &str) {
    tracing::warn!(problem, "a template could not be used");
    if let Some(object) = json.as_object_mut() {
        object.insert("problem".into(), problem.into());
    }
}

/// A delivery as JSON in at most `limit` bytes. The limit must leave room for what names an alert: some KiB.
pub(crate) fn json_within(json: Value, limit: usize) -> Value {
    if json.to_string().len() <= limit {
        return json;
    }
    for step in STEPS {
        let short = said(cut(&json, step));
        if short.to_string().len() <= limit {
            return short;
        }
    }
    let mut bare = json;
    if let Some(alert) = bare.get_mut("alert").and_then(Value::as_object_mut) {
        alert.retain(|name, _| !FOREIGN.contains(&name.as_str()));
    }
    said(cut(&bare, STEPS[STEPS.len() - 1]))
}

fn said(mut json: Value) -> Value {
    if let Some(object) = json.as_object_mut() {
        object.insert("shortened".into(), true.into());
    }
    json
}

fn cut(json: &Value, step: (usize, usize, usize)) -> Value {
    let (characters, items, names) = step;
    match json {
        Value::String(text) => shorten(text, characters).into(),
        Value::Array(list) => list.iter().take(items).map(|item| cut(item, step)).collect(),
        Value::Object(object) => {
            let kept = object.iter().take(names);
            kept.map(|(name, value)| (shorten(name, characters), cut(value, step))).collect()
        }
        other => other.clone(),
    }
}

/// Splits pieces of these sizes, in their order, into groups of at most `bytes` and `count`. A piece that is too large
/// alone has a group of its own.
pub(crate) fn groups(sizes: &[usize], bytes: usize, count: usize) -> Vec<Range<usize>> {
    let mut groups = Vec::new();
    let (mut start, mut total) = (0, 0_usize);
    for (index, size) in sizes.iter().enumerate() {
        if index > start && (total.saturating_add(*size) > bytes || index - start >= count) {
            groups.push(start..index);
            (start, total) = (index, 0);
        }
        total = total.saturating_add(*size);
    }
    if start < sizes.len() {
        groups.push(start..sizes.len());
    }
    groups
}

#[cfg(test)]
mod tests {
    use egret_model::AlertAction;
    use serde_json::json;

    use super::*;
    use crate::escape::Escape;
    use crate::testing::{letter, monstrous_letter};

    #[test]
    fn what_fits_is_left_alone() {
        let letter = letter(AlertAction::Raise, Escape::Json);
        assert_eq!(letter.payload_within(10_000), letter.payload());
    }

    #[test]
    fn a_template_that_failed_is_told_of() {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.message.problem = Some("it failed".into());
        assert_eq!(letter.object_within(10_000)["problem"], "it failed");
    }

    #[test]
    fn monsters_stay_json_and_keep_what_names_them() {
        let letter = monstrous_letter(AlertAction::Close);
        for limit in [1_000_000, 262_144, 65_536, 8_192] {
            let payload = letter.payload_within(limit);
            assert!(payload.len() <= limit, "{} of {limit}", payload.len());
            let json: Value = serde_json::from_str(&payload).unwrap();
            assert_eq!(json["alert"]["alert_id"], letter.delivery.alert.alert_id);
            assert_eq!(json["delivery_id"], letter.delivery.delivery_id);
            assert_eq!(json["alert"]["severity"], "high");
            assert_eq!(json["shortened"], letter.payload().len() > limit);
        }
    }

    #[test]
    fn a_body_that_does_not_fit_is_told_of() {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.message.body = Some("x".repeat(20_000));
        assert_eq!(letter.payload_within(20_000), "x".repeat(20_000));
        let json: Value = serde_json::from_str(&letter.payload_within(19_999)).unwrap();
        assert!(json["problem"].as_str().unwrap().contains("20000 bytes"), "{json}");
        let object = letter.object_within(30_000);
        assert!(object["problem"].as_str().unwrap().contains("JSON object"), "{object:?}");
        letter.message.body = Some(r#"{"a": 1}"#.into());
        assert_eq!(Value::from(letter.object_within(100)), json!({"a": 1}));
    }

    #[test]
    fn groups_keep_order_and_limits() {
        assert_eq!(groups(&[4, 4, 4, 20, 1, 1, 1], 10, 2), [0..2, 2..3, 3..4, 4..6, 6..7]);
        assert!(groups(&[], 10, 2).is_empty());
    }
}
