//! Drift: records begin to have fields that their table does not know. Nothing is lost, they are in `extra`; but
//! somebody should know, and be told once.

use std::collections::{BTreeSet, HashMap};

use egret_model::Checkpoint;
use serde::{Deserialize, Serialize};

/// The object in whose place a partition's checkpoints hold its known fields: no source has an object of this name.
const FIELDS_OBJECT: &str = "egret:fields";

/// So many fields of a partition are remembered; whoever has more does not want to hear of each.
const MAX_FIELDS: usize = 1_000;

/// So many are named in a message.
const MAX_NAMED: usize = 10;

/// The fields of one partition that no column takes.
#[derive(Debug, Default)]
pub struct Drift {
    known: BTreeSet<String>,
    new: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct State {
    fields: BTreeSet<String>,
}

impl Drift {
    /// What earlier runs left among a partition's checkpoints, which is taken out: no source knows it. `expected`
    /// are the fields of the partition's format.
    pub fn new(checkpoints: &mut HashMap<String, Checkpoint>, expected: Option<Vec<String>>) -> Self {
        let stored = checkpoints.remove(FIELDS_OBJECT);
        let state = stored.and_then(|checkpoint| serde_json::from_str::<State>(&checkpoint.state).ok());
        let mut known = state.map(|state| state.fields).unwrap_or_default();
        known.extend(expected.unwrap_or_default());
        Self { known, new: BTreeSet::new() }
    }

    /// Notes fields of records.
    pub fn note(&mut self, fields: Vec<String>) {
        for field in fields {
            if self.known.len() + self.new.len() < MAX_FIELDS && !self.known.contains(&field) {
                self.new.insert(field);
            }
        }
    }

    /// What the next commit is to store, if there is anything new.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        if self.new.is_empty() {
            return None;
        }
        let fields = self.known.union(&self.new).cloned().collect();
        let state = serde_json::to_string(&State { fields }).ok()?;
        Some(Checkpoint { object: FIELDS_OBJECT.to_owned(), offset: 0, finished: true, state })
    }

    /// What is new, for people; it is known from then on.
    pub fn tell(&mut self) -> Option<String> {
        let new = std::mem::take(&mut self.new);
        let named: Vec<&str> = new.iter().take(MAX_NAMED).map(String::as_str).collect();
        let more = match new.len().saturating_sub(MAX_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "records have fields that the table has no column for, kept in `extra`: {}{more}",
            named.join(", ")
        );
        let any = !new.is_empty();
        self.known.extend(new);
        any.then_some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_told_once_and_remembered() {
        let mut checkpoints = HashMap::new();
        let mut drift = Drift::new(&mut checkpoints, Some(vec!["host".to_owned()]));
        assert!(drift.checkpoint().is_none() && drift.tell().is_none());
        drift.note(vec!["b".to_owned(), "a".to_owned(), "host".to_owned()]);
        let stored = drift.checkpoint().unwrap();
        let message = drift.tell().unwrap();
        assert!(message.ends_with("kept in `extra`: a, b"), "{message}");
        drift.note(vec!["a".to_owned()]);
        assert!(drift.checkpoint().is_none() && drift.tell().is_none());

        checkpoints.insert(stored.object.clone(), stored);
        let mut later = Drift::new(&mut checkpoints, None);
        assert!(checkpoints.is_empty(), "no source sees it");
        later.note((0..30).map(|number| format!("field_{number:02}")).chain(["a".to_owned()]).collect());
        let message = later.tell().unwrap();
        assert!(message.ends_with("field_08, field_09 and 20 more"), "{message}");
    }
}
