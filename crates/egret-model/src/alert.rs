//! Alerts: findings of one detection merged by key and window. They have a life cycle, and go to people.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::finding::{Evidence, Observables};
use crate::severity::Severity;
use crate::time::Timestamp;

/// The name of the view of alerts in SQL.
pub const ALERT_TABLE: &str = "alert";

/// Where an alert is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// It has fewer findings than its threshold asks for: nobody was told.
    Gathering,
    /// It was raised, and nobody has said anything about it.
    Open,
    /// Somebody looks at it.
    Acknowledged,
    /// It is dealt with.
    Closed,
}

impl AlertStatus {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 4] = [Self::Gathering, Self::Open, Self::Acknowledged, Self::Closed];

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gathering => "gathering",
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Closed => "closed",
        }
    }

    /// The status that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl fmt::Display for AlertStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happened to an alert, which its outputs are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertAction {
    /// It is new.
    Raise,
    /// It has more findings.
    Update,
    /// Somebody looks at it.
    Acknowledge,
    /// Somebody closed it.
    Close,
    /// Findings came after it was closed.
    Reopen,
    /// Somebody said something about it.
    Comment,
}

impl AlertAction {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Raise, Self::Update, Self::Acknowledge, Self::Close, Self::Reopen, Self::Comment];

    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raise => "raise",
            Self::Update => "update",
            Self::Acknowledge => "acknowledge",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Comment => "comment",
        }
    }

    /// The action that `word` names.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }
}

impl fmt::Display for AlertAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one finding of an alert has that the others have not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The finding.
    pub finding_id: String,
    /// When its event happened.
    pub time: Timestamp,
    /// The event without what all findings of the alert share.
    pub values: Map<String, Json>,
}

/// Who changed an alert, when, and what they said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they said; empty if nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

/// Findings of one detection that belong together. Serialised, it is what outputs and the command line show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id: a hash of detection, key and first finding.
    pub alert_id: String,
    /// Counts its changes, from 1.
    pub revision: u32,
    /// Where it is in its life.
    pub status: AlertStatus,
    /// The worst of its findings'.
    pub severity: Severity,
    /// The rule's title.
    pub title: String,
    /// The message of the first finding.
    pub message: String,
    /// What the rule is about.
    pub description: String,
    /// The rule's id.
    pub detection_id: String,
    /// The rule's language.
    pub detection_kind: String,
    /// BLAKE3 of the normalised rule.
    pub detection_version: String,
    /// The rule's tags.
    pub tags: Vec<String>,
    /// Where to read more about the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// The channel of the first finding.
    pub channel: String,
    /// The table of the first finding.
    pub table: String,
    /// The partition of the first finding.
    pub partition: String,
    /// How many findings it has.
    pub count: u64,
    /// When the first event happened.
    pub time_first: Timestamp,
    /// When the last event happened.
    pub time_last: Timestamp,
    /// When it was made.
    pub opened_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The values that its findings were merged by.
    pub merged_by: Map<String, Json>,
    /// What the events of all findings share, if there are several.
    pub common: Map<String, Json>,
    /// What each of the first findings has beside that.
    pub differences: Vec<Difference>,
    /// Addresses, names and accounts in the events.
    pub observables: Observables,
    /// The first findings.
    pub finding_ids: Vec<String>,
    /// The event of the first finding.
    pub event: Map<String, Json>,
    /// Which tests of the rule held for it, on which values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// The object that it was read from.
    pub source_location: String,
    /// The outputs that it goes to, as `type.name`.
    pub outputs: Vec<String>,
    /// Who looks at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<Remark>,
    /// Who closed it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Remark>,
    /// What people said about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Remark>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_what_they_were_made_of() {
        for status in AlertStatus::ALL {
            assert_eq!(AlertStatus::from_word(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        for action in AlertAction::ALL {
            assert_eq!(AlertAction::from_word(action.as_str()), Some(action));
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
        assert_eq!(AlertAction::from_word("explode"), None);
    }
}
