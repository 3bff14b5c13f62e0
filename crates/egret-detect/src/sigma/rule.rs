//! What a Sigma rule says.

use std::fmt;

use chrono::NaiveDate;
use egret_config::{Located, Location};
use egret_model::Severity;
use serde_json::{Map, Value as Json};

use super::detection::SigmaDetection;

/// A rule, as read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct SigmaRule {
    /// Where it begins. Its file and line are in it.
    pub location: Location,
    /// A few words for lists.
    pub title: String,
    /// Its id, a UUID by convention.
    pub id: Option<String>,
    /// The name that correlations may have for it.
    pub name: Option<String>,
    /// Rules that it has to do with.
    pub related: Vec<Related>,
    /// What its names of fields and log sources are taken from; `sigma` if it does not say.
    pub taxonomy: Option<String>,
    /// How far it can be trusted.
    pub status: Option<Status>,
    /// What it detects and why.
    pub description: Option<String>,
    /// Its license, by its SPDX name.
    pub license: Option<String>,
    /// Who wrote it.
    pub author: Option<String>,
    /// Where to read more.
    pub references: Vec<String>,
    /// When it was written.
    pub date: Option<NaiveDate>,
    /// When it was last changed.
    pub modified: Option<NaiveDate>,
    /// What it looks at.
    pub logsource: Located<LogSource>,
    /// What it looks for.
    pub detection: SigmaDetection,
    /// Fields that help to judge a match.
    pub fields: Vec<String>,
    /// What matches without being bad.
    pub falsepositives: Vec<String>,
    /// How bad a match is.
    pub level: Option<Severity>,
    /// Words to find and route it by, such as `attack.t1059`.
    pub tags: Vec<String>,
    /// What it is meant for, such as servers.
    pub scope: Vec<String>,
    /// Everything else that it says.
    pub custom: Map<String, Json>,
}

/// What a rule looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogSource {
    /// A kind of log, such as `process_creation`.
    pub category: Option<String>,
    /// What writes it, such as `windows`.
    pub product: Option<String>,
    /// A part of what the product writes, such as `security`.
    pub service: Option<String>,
    /// How the source must be set up, for people.
    pub definition: Option<String>,
    /// Everything else that is said of it.
    pub custom: Map<String, Json>,
}

/// Another rule, and what it has to do with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Its id.
    pub id: String,
    /// What it has to do with it.
    pub kind: RelatedKind,
}

/// What another rule has to do with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelatedKind {
    /// The rule was made from it, and both are used.
    Derived,
    /// The rule replaces it.
    Obsolete,
    /// The rule was made from it and others.
    Merged,
    /// It is the rule's id of before.
    Renamed,
    /// Both are alike.
    Similar,
}

/// How far a rule can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// It is used in production.
    Stable,
    /// It may need a change here and there.
    Test,
    /// It may find much that is not bad.
    Experimental,
    /// Another rule replaces it.
    Deprecated,
    /// It cannot be used as it is.
    Unsupported,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Stable, Self::Test, Self::Experimental, Self::Deprecated, Self::Unsupported];

    /// The word in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stable => "stable",
            Self::Test => "test",
            Self::Experimental => "experimental",
            Self::Deprecated => "deprecated",
            Self::Unsupported => "unsupported",
        }
    }
}

impl RelatedKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Derived, Self::Obsolete, Self::Merged, Self::Renamed, Self::Similar];

    /// The word in rules.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Derived => "derived",
            Self::Obsolete => "obsolete",
            Self::Merged => "merged",
            Self::Renamed => "renamed",
            Self::Similar => "similar",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// As `product windows, category process_creation`.
impl fmt::Display for LogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [("product", &self.product), ("category", &self.category), ("service", &self.service)];
        let said = parts.into_iter().filter_map(|(word, name)| Some(format!("{word} {}", name.as_ref()?)));
        f.write_str(&said.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for RelatedKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
