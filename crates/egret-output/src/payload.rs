//! What programs get: a letter as JSON within a service's limit, and how many letters fit into one request.

use std::ops::Range;

use egret_http::{shorten, shorten_bytes};
use serde_json::{Map, Value, json};

use crate::delivery::Letter;

/// How JSON that is too long gets shorter: one after the other, until it fits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    /// Strings keep so many characters, lists so many items, and objects so many names.
    Cut(usize, usize, usize),
    /// The alert leaves these out.
    Leave(&'static [&'static str]),
    /// Strings keep so many bytes.
    Bytes(usize),
    /// Nothing stays but what names the delivery and the alert.
    Identity,
    /// Nothing stays.
    Nothing,
}

/// For services whose limit leaves room for what names an alert: some KiB. What comes from logs and may be of any shape
/// and depth is left out when nothing else helps.
const DOCUMENT: &[Step] = &[
    Step::Cut(32_768, 2_000, 2_000),
    Step::Cut(8_192, 500, 500),
    Step::Cut(2_048, 100, 200),
    Step::Cut(512, 30, 100),
    Step::Cut(128, 10, 50),
    Step::Cut(64, 3, 40),
    Step::Leave(&["event", "common", "differences", "merged_by", "evidence", "comments", "observables"]),
];

/// For places that take no more than a line: copies and details leave before what says what happened.
pub(crate) const LINE: &[Step] = &[
    Step::Leave(&["event"]),
    Step::Leave(&["differences"]),
    Step::Leave(&["common"]),
    Step::Leave(&["evidence"]),
    Step::Leave(&["finding_ids"]),
    Step::Leave(&["observables"]),
    Step::Leave(&["description"]),
    Step::Leave(&["merged_by"]),
    Step::Leave(&["comments"]),
    Step::Leave(&["references"]),
    Step::Leave(&["tags"]),
    Step::Leave(&["outputs"]),
    Step::Bytes(500),
    Step::Bytes(100),
    Step::Bytes(32),
    Step::Identity,
    Step::Nothing,
];

impl Letter {
    /// What a program gets that reads alerts: what the template for the whole payload says, else everything as JSON.
    pub fn payload(&self) -> String {
        self.message.body.clone().unwrap_or_else(|| self.json().to_string())
    }

    /// The same in at most `limit` bytes, and never nothing: what does not fit is told of in JSON that does. That keeps
    /// every field that names the alert, and says `"shortened": true` where something is missing.
    pub(crate) fn payload_within(&self, limit: usize) -> String {
        match self.own_text(limit) {
            Ok(Some(body)) => body.to_owned(),
            Ok(None) => json_within(self.json(), limit, DOCUMENT).to_string(),
            Err(letter) => json_within(letter.json(), limit, DOCUMENT).to_string(),
        }
    }

    /// The same for services that take an object.
    pub(crate) fn object_within(&self, limit: usize) -> Map<String, Value> {
        let json = match self.own_object(limit) {
            Ok(Some(object)) => return object,
            Ok(None) => self.json(),
            Err(letter) => letter.json(),
        };
        match json_within(json, limit, DOCUMENT) {
            Value::Object(object) => object,
            _ => Map::new(),
        }
    }

    /// What the template for the whole payload says, where that must be a JSON object of at most `limit` bytes.
    ///
    /// # Errors
    /// If it is none: the letter to be told in its place, which says so. An alert is told in any case.
    pub(crate) fn own_object(&self, limit: usize) -> Result<Option<Map<String, Value>>, Box<Self>> {
        let Some(body) = self.own_text(limit)? else { return Ok(None) };
        serde_json::from_str(body)
            .map(Some)
            .map_err(|error| self.with_problem(format!("the template's `body` is no JSON object: {error}")))
    }

    fn own_text(&self, limit: usize) -> Result<Option<&str>, Box<Self>> {
        match self.message.body.as_deref().filter(|body| !body.trim().is_empty()) {
            Some(body) if body.len() > limit => {
                let length = body.len();
                let problem =
                    format!("the template's `body` has {length} bytes, and the service takes {limit}");
                Err(self.with_problem(problem))
            }
            body => Ok(body),
        }
    }

    fn with_problem(&self, problem: String) -> Box<Self> {
        tracing::warn!(alert = self.delivery.alert.alert_id, problem, "a template could not be used");
        let mut letter = self.clone();
        letter.message.body = None;
        letter.message.problem = Some(problem);
        Box::new(letter)
    }

    /// The delivery as JSON, with what is wrong with a template in `problem`.
    pub(crate) fn json(&self) -> Value {
        let mut json = self.delivery.to_json();
        if let (Some(problem), Some(object)) = (&self.message.problem, json.as_object_mut()) {
            object.insert("problem".into(), problem.as_str().into());
        }
        json
    }
}

/// A delivery as JSON in at most `limit` bytes, if the steps lead there.
pub(crate) fn json_within(mut json: Value, limit: usize, steps: &[Step]) -> Value {
    for step in steps {
        if json.to_string().len() <= limit {
            break;
        }
        json = step.shorten(json);
    }
    json
}

impl Step {
    fn shorten(self, json: Value) -> Value {
        let mut short = match self {
            Self::Cut(characters, items, names) => cut(json, characters, items, names),
            Self::Leave(left) => without(json, left),
            Self::Bytes(limit) => with_short_strings(json, limit),
            Self::Identity => identity(&json),
            Self::Nothing => return Map::new().into(),
        };
        if let Some(object) = short.as_object_mut() {
            object.entry("shortened").or_insert(true.into());
        }
        short
    }
}

fn cut(json: Value, characters: usize, items: usize, names: usize) -> Value {
    match json {
        Value::String(text) => shorten(&text, characters).into(),
        Value::Array(list) => {
            list.into_iter().take(items).map(|item| cut(item, characters, items, names)).collect()
        }
        Value::Object(object) => {
            let kept = object.into_iter().take(names);
            kept.map(|(name, value)| (shorten(&name, characters), cut(value, characters, items, names)))
                .collect()
        }
        other => other,
    }
}

fn without(mut json: Value, left: &[&str]) -> Value {
    if let Some(alert) = json.get_mut("alert").and_then(Value::as_object_mut) {
        alert.retain(|name, _| !left.contains(&name.as_str()));
    }
    json
}

fn with_short_strings(json: Value, limit: usize) -> Value {
    match json {
        Value::String(text) => shorten_bytes(&text, limit).into(),
        Value::Array(list) => list.into_iter().map(|item| with_short_strings(item, limit)).collect(),
        Value::Object(object) => {
            object.into_iter().map(|(name, value)| (name, with_short_strings(value, limit))).collect()
        }
        other => other,
    }
}

fn identity(json: &Value) -> Value {
    let short = |value: &Value| shorten_bytes(value.as_str().unwrap_or_default(), 64);
    json!({
        "delivery_id": short(&json["delivery_id"]),
        "action": json["action"],
        "shortened": true,
        "alert": {"alert_id": short(&json["alert"]["alert_id"]), "severity": json["alert"]["severity"]},
    })
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
    fn a_line_loses_copies_before_what_says_what_happened() {
        let json = letter(AlertAction::Raise, Escape::Json).delivery.to_json();
        let left_at = |room: usize| {
            let short = json_within(json.clone(), room, LINE);
            let names = ["event", "evidence", "description", "merged_by", "title"];
            names.map(|name| short["alert"].get(name).is_some())
        };
        let whole = json.to_string().len();
        assert_eq!(left_at(whole), [true; 5]);
        assert_eq!(left_at(whole - 1), [false, true, true, true, true]);
        assert_eq!(left_at(1_000), [false, false, true, true, true]);
        let identity = json_within(json.clone(), 200, LINE).to_string();
        let expected = r#"{"delivery_id":"fedcba9876543210fedcba9876543210","action":"raise","shortened":true,"alert":{"alert_id":"0123456789abcdef0123456789abcdef","severity":"high"}}"#;
        assert_eq!(identity, expected);
        assert_eq!(json_within(json, 10, LINE), json!({}));
    }

    #[test]
    fn a_body_without_a_word_says_nothing_where_something_must_be_said() {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.message.body = Some(" \n".into());
        assert_eq!(letter.payload(), " \n");
        assert_eq!(letter.payload_within(10_000), letter.delivery.to_json().to_string());
        assert_eq!(letter.own_object(10_000), Ok(None));
    }

    #[test]
    fn groups_keep_order_and_limits() {
        assert_eq!(groups(&[4, 4, 4, 20, 1, 1, 1], 10, 2), [0..2, 2..3, 3..4, 4..6, 6..7]);
        assert!(groups(&[], 10, 2).is_empty());
    }
}
