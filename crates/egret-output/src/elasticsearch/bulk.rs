//! What the answer to a bulk request says of each document.

use egret_http::said;
use serde_json::Value;

use crate::delivery::{Receipt, SendError};

/// Mistakes of the document's shape against the index's mapping.
const UNFIT: [&str; 4] = [
    "mapper_parsing_exception",
    "document_parsing_exception",
    "strict_dynamic_mapping_exception",
    "illegal_argument_exception",
];

/// Blocks that an operator or a freed disk lifts.
const BLOCKED: [&str; 2] = ["cluster_block_exception", "index_closed_exception"];

/// What became of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is there, or a newer one is.
    Taken,
    /// Its shape does not fit, for this reason; it may as text.
    Unfit(String),
    /// It is not there.
    Failed(SendError),
    /// It is not there, for a reason of its own.
    Item {
        /// Whether it may be later.
        retry: bool,
        /// What the cluster said.
        message: String,
    },
}

impl Verdict {
    /// As an output answers.
    pub(super) fn answer(self, place: &str) -> Result<Receipt, SendError> {
        match self {
            Self::Taken => Ok(Receipt::default()),
            Self::Failed(error) => Err(error),
            Self::Unfit(said) => Err(SendError::refused(format!(
                "{place}: the document does not fit the index's mapping, not even with the event as text: {said}"
            ))),
            Self::Item { retry: true, message } => Err(SendError::retry(format!("{place}: {message}"))),
            Self::Item { retry: false, message } => Err(SendError::refused(format!("{place}: {message}"))),
        }
    }
}

/// The verdicts on `count` documents, in their order.
pub(super) fn verdicts(answer: &Value, count: usize) -> Vec<Verdict> {
    match answer["items"].as_array() {
        Some(items) if items.len() == count => items.iter().map(verdict).collect(),
        _ => {
            let message = "it answered, but not as a bulk request is answered; look at `url`".to_owned();
            vec![Verdict::Item { retry: true, message }; count]
        }
    }
}

fn verdict(item: &Value) -> Verdict {
    // `{"index": {…}}` or `{"create": {…}}`.
    let result = item.as_object().and_then(|item| item.values().next()).unwrap_or(&Value::Null);
    let status = result["status"].as_u64().unwrap_or(0);
    let kind = result["error"]["type"].as_str().unwrap_or_default();
    let reason = result["error"]["reason"].as_str().unwrap_or_default();
    let said = said(&format!("{kind}: {reason}"), 300);
    match status {
        // The same or a newer revision is there.
        200..=299 | 409 => Verdict::Taken,
        400 if UNFIT.contains(&kind) => Verdict::Unfit(said),
        _ => {
            let retry =
                !(400..=499).contains(&status) || matches!(status, 408 | 429) || BLOCKED.contains(&kind);
            Verdict::Item { retry, message: format!("the document was answered with {status}: {said}") }
        }
    }
}
