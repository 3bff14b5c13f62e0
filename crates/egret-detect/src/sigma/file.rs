//! A file of rules: its documents, and what became of each.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use egret_config::{Diagnostic, Diagnostics, Located, Location, SourceFile};

use super::actions::Actions;
use super::document;
use super::limits::Budget;
use super::placeholder::Placeholders;
use super::rule::SigmaRule;
use super::yaml;

/// A larger file of rules is not read.
pub const MAX_FILE_BYTES: usize = 1 << 20;

/// A file of rules.
#[derive(Debug, Clone)]
pub struct SigmaFile {
    /// Its documents, without empty ones and those that only add to others.
    pub documents: Vec<SigmaDocument>,
}

/// A document, and what became of it.
#[derive(Debug, Clone)]
pub struct SigmaDocument {
    /// Where it begins.
    pub location: Location,
    /// The rule's title, if it has one, also if the rule cannot be used.
    pub title: Option<String>,
    /// The rule's id, if it has one, also if the rule cannot be used.
    pub id: Option<String>,
    /// What is probably not meant so, in a rule that can be used.
    pub warnings: Diagnostics,
    /// The rule, or why there is none.
    pub outcome: Result<SigmaRule, Rejection>,
}

/// Why a document gives no rule.
#[derive(Debug, Clone)]
pub enum Rejection {
    /// It has mistakes.
    Mistakes(Diagnostics),
    /// There is nothing wrong with it, but these placeholders have no values here.
    MissingPlaceholders(Vec<MissingPlaceholder>),
    /// It is something that cannot be done yet.
    NotYet(Located<NotYet>),
}

/// A placeholder without values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPlaceholder {
    /// Its name, and the value that it is in.
    pub name: Located<String>,
    /// What to do.
    pub hint: String,
}

/// What cannot be done yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotYet {
    /// A correlation of several matches.
    Correlation,
    /// A filter, which narrows other rules.
    Filter,
    /// An aggregation as in the first version of Sigma: `| count() by …`.
    Aggregation,
}

impl SigmaFile {
    /// Reads the documents of `text`, a file called `path`. A mistake in one stops no other.
    pub fn parse(path: impl Into<PathBuf>, text: impl Into<String>, placeholders: &Placeholders) -> Self {
        let file = SourceFile::new(path, text);
        let start = Location::new(&file, 0..0);
        if let Some(mistake) = too_large(&file) {
            return Self { documents: vec![SigmaDocument::mistake(start, mistake)] };
        }
        let mut documents = Vec::new();
        let mut actions = Actions::new(&file);
        let mut budget = Budget::new();
        for node in yaml::parse(&file) {
            let place = node.as_ref().map_or_else(|_| start.clone(), |node| node.location(&file));
            match node.and_then(|node| actions.complete(node)) {
                Ok(Some(complete)) => {
                    documents.push(document::read(&complete, place, placeholders, &mut budget));
                    actions.set_previous(complete);
                }
                Ok(None) => {}
                Err(mistake) => {
                    let place = mistake.location.clone().unwrap_or(place);
                    documents.push(SigmaDocument::mistake(place, *mistake));
                }
            }
        }
        if documents.is_empty() && !actions.has_global() {
            let mistake = Diagnostic::error("the file has no rule").at(&start);
            let mistake = mistake.hint("a rule has at least `title`, `logsource` and `detection`");
            documents.push(SigmaDocument::mistake(start, mistake));
        }
        Self { documents }
    }

    /// The file called `path`, which could not be read.
    pub fn unreadable(path: impl Into<PathBuf>, error: &std::io::Error) -> Self {
        let start = Location::new(&SourceFile::new(path, ""), 0..0);
        let mistake = Diagnostic::error(format!("the file cannot be read: {error}")).at(&start);
        Self { documents: vec![SigmaDocument::mistake(start, mistake)] }
    }

    /// The rules that can be used.
    pub fn rules(&self) -> impl Iterator<Item = &SigmaRule> {
        self.documents.iter().filter_map(|document| document.outcome.as_ref().ok())
    }
}

/// The mistake of a file that is not read, because it is too large.
pub(super) fn too_large(file: &Arc<SourceFile>) -> Option<Diagnostic> {
    (file.text.len() > MAX_FILE_BYTES).then(|| {
        Diagnostic::error(format!("the file is larger than {} MiB", MAX_FILE_BYTES >> 20))
            .at(&Location::new(file, 0..0))
            .hint("split it into several files")
    })
}

impl SigmaDocument {
    fn mistake(location: Location, mistake: Diagnostic) -> Self {
        let mut mistakes = Diagnostics::new();
        mistakes.push(mistake);
        let outcome = Err(Rejection::Mistakes(mistakes));
        Self { location, title: None, id: None, warnings: Diagnostics::new(), outcome }
    }
}

impl Rejection {
    /// It for people, with places and hints.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut diagnostics = Diagnostics::new();
        match self {
            Self::Mistakes(mistakes) => diagnostics = mistakes.clone(),
            Self::MissingPlaceholders(missing) => {
                for placeholder in missing {
                    let mistake = Diagnostic::error(placeholder.to_string()).at(&placeholder.name.location);
                    diagnostics.push(mistake.hint(&placeholder.hint));
                }
            }
            Self::NotYet(kind) => {
                let mistake = Diagnostic::error(kind.value.to_string()).at(&kind.location);
                diagnostics.push(mistake.hint_if(kind.value.hint()));
            }
        }
        diagnostics
    }
}

/// In one line: the first reason.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let diagnostics = self.diagnostics();
        f.write_str(diagnostics.iter().next().map_or("there is no rule", |first| first.message.as_str()))
    }
}

impl fmt::Display for MissingPlaceholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "placeholder %{}% has no values", self.name.value)
    }
}

impl NotYet {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Correlation => "correlation",
            Self::Filter => "filter",
            Self::Aggregation => "aggregation",
        }
    }

    fn hint(self) -> Option<&'static str> {
        match self {
            Self::Correlation | Self::Filter => None,
            Self::Aggregation => Some("in Sigma 2 this is a correlation: a document with `correlation`"),
        }
    }
}

impl fmt::Display for NotYet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not supported yet: {}", self.as_str())
    }
}
