//! What is said of the alerts that findings become: for all detections, for the rules of a file, for one detection.

use std::time::Duration;

use egret_config::{BlockReader, Decode, Diagnostic, Located, Reference};

/// The block `alert { … }` in a detection and in a `rules` block, and `alerts { … }` at the top of a file.
pub const ALERT_BLOCK: &str = "alert";

/// How findings become alerts. What is not said here is said further out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertPolicy {
    /// SQL over the columns of `finding`: findings for which all of it gives the same belong together.
    pub dedup: Option<Vec<Located<String>>>,
    /// How long after its first event an alert takes more findings.
    pub window: Option<Duration>,
    /// How many findings it takes before anybody is told.
    pub threshold: Option<u64>,
    /// Whether findings reopen a closed alert, instead of making a new one.
    pub reopen: Option<bool>,
    /// Whether outputs are told of more findings.
    pub updates: Option<bool>,
    /// Where its alerts go, whatever the routes say.
    pub outputs: Option<Vec<Reference>>,
}

impl Decode for AlertPolicy {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let policy = Self {
            dedup: reader.optional("dedup"),
            window: reader.optional("window"),
            threshold: reader.optional("threshold"),
            reopen: reader.optional("reopen"),
            updates: reader.optional("updates"),
            outputs: reader.optional("outputs"),
        };
        if policy.threshold == Some(0) {
            let location = reader.location().clone();
            let mistake = Diagnostic::error("`threshold` counts findings, so it is at least 1").at(&location);
            reader.diagnostics().push(mistake);
        }
        Some(policy)
    }
}

impl AlertPolicy {
    /// This one, completed by what is said further out.
    #[must_use]
    pub fn or(self, outer: &Self) -> Self {
        Self {
            dedup: self.dedup.or_else(|| outer.dedup.clone()),
            window: self.window.or(outer.window),
            threshold: self.threshold.or(outer.threshold),
            reopen: self.reopen.or(outer.reopen),
            updates: self.updates.or(outer.updates),
            outputs: self.outputs.or_else(|| outer.outputs.clone()),
        }
    }
}
