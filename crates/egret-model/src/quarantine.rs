//! Quarantine: where a record that could not be parsed or mapped goes, with the reason; never dropped.

use std::fmt;

/// At most so many bytes of a quarantined record are kept; of a longer one only where it lies.
pub const MAX_RAW_BYTES: usize = 1 << 20;

/// The step that could not go on with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The source could not give the bytes: broken compression, an unreadable file.
    Read,
    /// The format could not make a record of the bytes.
    Parse,
    /// The table could not make a row of the record.
    Map,
}

impl Stage {
    /// The word that is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Map => "map",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One record that did not become a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// The step that gave up.
    pub stage: Stage,
    /// Why, for people: what was expected, what was there.
    pub reason: String,
    /// Where the record starts in the decompressed object.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
    /// Its bytes, if there are at most [`MAX_RAW_BYTES`].
    pub raw: Option<Vec<u8>>,
}

impl Quarantined {
    /// Quarantines the record `raw` that starts at `offset`.
    pub fn new(stage: Stage, reason: impl Into<String>, offset: u64, raw: &[u8]) -> Self {
        Self {
            stage,
            reason: reason.into(),
            offset,
            length: raw.len() as u64,
            raw: (raw.len() <= MAX_RAW_BYTES).then(|| raw.to_vec()),
        }
    }
}
