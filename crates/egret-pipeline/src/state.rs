//! What the pipeline stores of an object beside its position: the source's own state, and the time ranges
//! that were collected alone.

use egret_model::{Checkpoint, TimeRange, Timestamp};
use serde::{Deserialize, Serialize};

/// The content of a stored checkpoint's `state`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ObjectState {
    /// The source's own.
    pub source: String,
    /// Ranges that `--from` and `--to` collected. The object is not done with, but these rows are stored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<CollectedRange>,
}

/// Rows of an object that are stored although the object is not done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectedRange {
    /// The first microsecond inside.
    pub from: Option<i64>,
    /// The first microsecond after.
    pub to: Option<i64>,
    /// Bytes of the decompressed object that were looked at; what was appended later is not covered.
    pub until: u64,
}

impl CollectedRange {
    /// The range of event time.
    pub fn range(&self) -> TimeRange {
        TimeRange { from: self.from.map(Timestamp::from_micros), to: self.to.map(Timestamp::from_micros) }
    }

    /// `range`, collected from the first `until` bytes.
    pub fn new(range: TimeRange, until: u64) -> Self {
        Self { from: range.from.map(Timestamp::micros), to: range.to.map(Timestamp::micros), until }
    }
}

impl ObjectState {
    /// The state that a checkpoint holds.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        // A state that is none of ours is taken for the source's: worst case it does not recognise it.
        serde_json::from_str(&checkpoint.state)
            .unwrap_or_else(|_| Self { source: checkpoint.state.clone(), ranges: Vec::new() })
    }

    /// As it is stored.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_read_again() {
        let range = TimeRange { from: Some(Timestamp::from_seconds(1)), to: None };
        let state = ObjectState { source: "{\"v\":1}".into(), ranges: vec![CollectedRange::new(range, 9)] };
        let golden = r#"{"source":"{\"v\":1}","ranges":[{"from":1000000,"to":null,"until":9}]}"#;
        assert_eq!(state.to_text(), golden);
        let checkpoint = Checkpoint { object: "o".into(), offset: 0, finished: false, state: golden.into() };
        assert_eq!(ObjectState::of(&checkpoint), state);
        assert_eq!(state.ranges[0].range(), range);
    }
}
