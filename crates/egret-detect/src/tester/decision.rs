//! What a detection said of a case, beside what the test says.

use std::collections::BTreeSet;

use egret_model::Finding;
use serde_json::Value as Json;

use super::Verdict;
use crate::definition::DetectionDefinition;
use crate::detector::Detector;
use crate::test_definition::TestDefinition;
use crate::test_rows::TestRows;

/// A reason shows at most so many characters of a column's value.
const MAX_SHOWN_CHARS: usize = 120;

/// What a detection said of a case.
pub(super) struct Decision {
    messages: Vec<String>,
    /// The key of each finding's object.
    keys: Vec<String>,
    seen: String,
}

impl Decision {
    /// What the detection found, having seen `seen`.
    pub(super) fn new(findings: Vec<Finding>, seen: String) -> Self {
        let (messages, keys) =
            findings.into_iter().map(|finding| (finding.message, key_of(&finding.event))).unzip();
        Self { messages, keys, seen }
    }

    /// Whether that is as the test says, whether the detection matched, and what is not as said.
    pub(super) fn verdict(self, test: &TestDefinition) -> (Verdict, Option<bool>, String) {
        let got = !self.messages.is_empty();
        if got != test.expect {
            let what = if got { "it matches" } else { "it does not match" };
            return (Verdict::Failed, Some(got), format!("{what}; {}", self.seen));
        }
        match self.complaint(test) {
            Some(reason) => (Verdict::Failed, Some(got), reason),
            None => (Verdict::Passed, Some(got), String::new()),
        }
    }

    /// What of the findings is not as the test says.
    fn complaint(&self, test: &TestDefinition) -> Option<String> {
        let found = self.messages.len() as u64;
        if let Some(expected) = test.count.filter(|count| *count != found) {
            return Some(format!("it matches {found} times, not {expected}; {}", self.seen));
        }
        if let Some(expected) = &test.keys {
            let keys = |keys: &[String]| -> BTreeSet<String> { keys.iter().cloned().collect() };
            let (expected, found) = (keys(expected), keys(&self.keys));
            if expected != found {
                return Some(format!("the keys are {found:?}, not {expected:?}; {}", self.seen));
            }
        }
        match &test.message {
            Some(expected) if found > 0 && !self.messages.contains(expected) => {
                Some(format!("the message is {:?}, not {expected:?}", self.messages.join(" / ")))
            }
            _ => None,
        }
    }
}

/// What the condition saw: the values of the columns it reads, and what did not fit its column.
pub(super) fn seen(detector: &Detector, definition: &DetectionDefinition, tested: &TestRows) -> String {
    let mut rows = Vec::new();
    for row in 0..tested.rows.num_rows() {
        let seen = detector.seen(&definition.id.value, &tested.rows, row).into_iter();
        let values: Vec<String> = seen
            .map(|(name, value)| format!("{name} = {}", value.as_deref().map_or("null".into(), shortened)))
            .collect();
        rows.push(values.join(", "));
    }
    let mut text = format!("it saw {}", rows.join("; then "));
    if tested.misfits > 0 {
        text.push_str(&format!("; {} values did not fit their column and are in `extra`", tested.misfits));
    }
    text
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// The key of the object that an event of table `change` is about; empty for other events.
fn key_of(event: &str) -> String {
    let event: Option<Json> = serde_json::from_str(event).ok();
    event.and_then(|event| Some(event.get("key")?.as_str()?.to_owned())).unwrap_or_default()
}
