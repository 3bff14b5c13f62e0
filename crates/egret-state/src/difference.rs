//! What became different of one object, as it is shown: from two states, or from rows of table `change`.

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::change::{Change, Operation};
use crate::path::{Path, Step};

/// An object that is not what it was.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectDifference {
    /// What people call it.
    pub key: String,
    /// The part of the state that it is of, if it has parts.
    pub part: String,
    /// The object as it was, canonical; `None` if it was not there, or was too large for a row.
    pub before: Option<Json>,
    /// The object as it is, canonical; `None` if it is gone, or is too large for a row.
    pub after: Option<Json>,
    /// What became different in it. One that was added or removed has one change, of the whole.
    pub changes: Vec<Change>,
}

/// Why something is no row of table `change`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no row of table `change`: {why}")]
pub struct RowError {
    why: String,
}

impl ObjectDifference {
    /// Whether the object was not there before.
    pub fn is_added(&self) -> bool {
        self.is_of_whole(Operation::Add)
    }

    /// Whether the object is gone.
    pub fn is_removed(&self) -> bool {
        self.is_of_whole(Operation::Remove)
    }

    /// The difference that a row of table `change` tells: one change. Columns of JSON are JSON, not text.
    ///
    /// # Errors
    /// If it is no such row.
    pub fn from_row(row: &Json) -> Result<Self, RowError> {
        let text = |column: &str| row.get(column).and_then(Json::as_str).unwrap_or_default();
        let operation = Operation::from_word(text("operation")).ok_or_else(|| RowError {
            why: "its `operation` is none of add, remove, change, move".to_owned(),
        })?;
        let path = Path::parse(text("path"), text("path_text"))
            .ok_or_else(|| RowError { why: format!("its `path` is no JSON pointer: {}", text("path")) })?;
        // A column is null both for no value and for the value null; the operation says which.
        let value = |column: &str| row.get(column).cloned().unwrap_or_default();
        let before = (operation != Operation::Add).then(|| value("before"));
        let after = (operation != Operation::Remove).then(|| value("after"));
        let object = |column: &str| row.get(column).filter(|object| !object.is_null()).cloned();
        let (object_before, object_after) = match path.steps() {
            [] => (before.clone(), after.clone()),
            _ => (object("object_before"), object("object_after")),
        };
        let from = if operation == Operation::Move { moved_from(&path, text("path_before")) } else { None };
        Ok(Self {
            key: text("key").to_owned(),
            part: text("part").to_owned(),
            before: object_before,
            after: object_after,
            changes: vec![Change { operation, path, from, before, after }],
        })
    }

    /// As [`Self::from_row`] for many: rows of one object and one run are one difference, where the first of them stands.
    ///
    /// # Errors
    /// If one is no such row.
    pub fn from_rows<'a>(rows: impl IntoIterator<Item = &'a Json>) -> Result<Vec<Self>, RowError> {
        let mut differences: Vec<Self> = Vec::new();
        let mut places = HashMap::new();
        for row in rows {
            let difference = Self::from_row(row)?;
            let object = ["generator", "run", "part", "key"].map(|column| row.get(column));
            match places.get(&object) {
                Some(&place) => {
                    let known: &mut Self = &mut differences[place];
                    known.changes.extend(difference.changes);
                }
                None => {
                    places.insert(object, differences.len());
                    differences.push(difference);
                }
            }
        }
        Ok(differences)
    }

    fn is_of_whole(&self, operation: Operation) -> bool {
        let is_whole = |change: &Change| change.operation == operation && change.path.steps().is_empty();
        self.changes.first().is_some_and(is_whole)
    }
}

/// Where an item stood that is at `path` now: in the same list, with the number that the pointer ends in.
fn moved_from(path: &Path, pointer: &str) -> Option<Path> {
    let index = pointer.rsplit_once('/')?.1.parse().ok()?;
    match path.steps().split_last()? {
        (Step::Item { identity, .. }, list) => Some(Path::from_steps(list).item(index, identity.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
