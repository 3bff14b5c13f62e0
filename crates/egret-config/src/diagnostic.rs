//! Mistakes: what is wrong, where, and what to do next. They are collected, so that all are shown at once.

use egret_model::CompileError;

use crate::place::{Located, Location};
use crate::render;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The configuration cannot be used.
    Error,
    /// It can, but is probably not what was meant.
    Warning,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What is wrong: lowercase, no full stop.
    pub message: String,
    /// Where, if it is in a file.
    pub location: Option<Location>,
    /// A few words at the place itself.
    pub label: Option<String>,
    /// What else one should know.
    pub note: Option<String>,
    /// What to do next, such as the nearest valid name.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A mistake that makes the configuration unusable.
    pub fn error(message: impl Into<String>) -> Self {
        Self::new(Level::Error, message.into())
    }

    /// A mistake in the SQL that an attribute holds, shown at its own place in the SQL where that is known.
    pub fn in_sql(sql: &Located<String>, error: CompileError) -> Self {
        let place = error.span.map_or_else(|| sql.location.clone(), |span| sql.inside(span));
        Self::error(error.message).at(&place).hint_if(error.hint)
    }

    /// Something that is probably not what was meant.
    pub fn warning(message: impl Into<String>) -> Self {
        Self::new(Level::Warning, message.into())
    }

    fn new(level: Level, message: String) -> Self {
        Self { level, message, location: None, label: None, note: None, hint: None }
    }

    /// Says where it is.
    pub fn at(mut self, location: &Location) -> Self {
        self.location = Some(location.clone());
        self
    }

    /// Puts a few words at the place itself.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says what else one should know.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Says what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// As [`Diagnostic::hint`], if there is one.
    pub fn hint_if(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(Into::into).or(self.hint);
        self
    }
}

/// All mistakes that were found.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds an error at `location`. For one with a hint, push `Diagnostic::error(…).at(…).hint(…)`.
    pub fn error(&mut self, location: &Location, message: impl Into<String>) {
        self.push(Diagnostic::error(message).at(location));
    }

    /// Adds a warning at `location`.
    pub fn warning(&mut self, location: &Location, message: impl Into<String>) {
        self.push(Diagnostic::warning(message).at(location));
    }

    /// Takes over those of `other`.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the configuration cannot be used.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.level == Level::Error)
    }

    /// Them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }

    /// Them, sorted by file and place, each once.
    pub fn into_vec(self) -> Vec<Diagnostic> {
        let mut sorted = self.0;
        sorted.sort_by_cached_key(sort_key);
        sorted.dedup();
        sorted
    }

    /// As text for people: sorted by file and place, each once, with the source line, a mark below it and the
    /// hint. Empty if there is nothing to say.
    pub fn render(&self, color: bool) -> String {
        render::render(&self.clone().into_vec(), color)
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    /// Sorted by file and place, each once.
    fn into_iter(self) -> Self::IntoIter {
        self.into_vec().into_iter()
    }
}

/// Those without a place come first: a folder that cannot be read explains what follows.
fn sort_key(diagnostic: &Diagnostic) -> (Option<(std::path::PathBuf, usize, usize)>, Level, String) {
    let place = diagnostic
        .location
        .as_ref()
        .map(|location| (location.file.path.clone(), location.span.start, location.span.end));
    (place, diagnostic.level, diagnostic.message.clone())
}
