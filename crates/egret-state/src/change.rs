//! A change: what became different at one place of one document.

use serde::Serialize;
use serde_json::Value as Json;

use crate::path::Path;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Something is there that was not.
    Add,
    /// Something is gone.
    Remove,
    /// Something has another value.
    Change,
    /// An item stands elsewhere in a list whose order matters.
    Move,
}

impl Operation {
    /// As the table `change` has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Change => "change",
            Self::Move => "move",
        }
    }

    /// What [`Self::as_str`] gave.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Add, Self::Remove, Self::Change, Self::Move];
        all.into_iter().find(|operation| operation.as_str() == word)
    }
}

/// What became different at one place.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What happened.
    pub operation: Operation,
    /// Where: for what was added or moved, in the document after; else in the document before.
    pub path: Path,
    /// Where it stood, for what was moved.
    pub from: Option<Path>,
    /// What was there.
    pub before: Option<Json>,
    /// What is there.
    pub after: Option<Json>,
}

impl Change {
    pub(crate) fn add(path: Path, after: &Json) -> Self {
        Self { operation: Operation::Add, path, from: None, before: None, after: Some(after.clone()) }
    }

    pub(crate) fn remove(path: Path, before: &Json) -> Self {
        Self { operation: Operation::Remove, path, from: None, before: Some(before.clone()), after: None }
    }

    pub(crate) fn changed(path: Path, before: &Json, after: &Json) -> Self {
        let (before, after) = (Some(before.clone()), Some(after.clone()));
        Self { operation: Operation::Change, path, from: None, before, after }
    }

    pub(crate) fn moved(path: Path, from: Path, before: &Json, after: &Json) -> Self {
        let (before, after) = (Some(before.clone()), Some(after.clone()));
        Self { operation: Operation::Move, path, from: Some(from), before, after }
    }
}
