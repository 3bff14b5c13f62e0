//! Documents that add to others, as in the first version of Sigma: `action: global`, `reset` and `repeat`.

use std::collections::HashMap;
use std::sync::Arc;

use egret_config::{Diagnostic, Location, SourceFile};

use super::limits::{self, MAX_COPIED_BYTES};
use super::yaml::{self, Entry, Kind, Node};

/// The actions.
const ACTIONS: [&str; 3] = ["global", "reset", "repeat"];

/// What the documents before add to the next.
pub(super) struct Actions<'a> {
    file: &'a Arc<SourceFile>,
    /// What every document gets.
    global: Option<Vec<Entry>>,
    /// The document before, complete.
    previous: Option<Vec<Entry>>,
    /// How much was added to documents so far.
    copied_bytes: usize,
}

impl<'a> Actions<'a> {
    /// Nothing yet.
    pub fn new(file: &'a Arc<SourceFile>) -> Self {
        Self { file, global: None, previous: None, copied_bytes: 0 }
    }

    /// Whether there is anything that every document gets.
    pub fn has_global(&self) -> bool {
        self.global.is_some()
    }

    /// Notes the document that `repeat` would repeat.
    pub fn set_previous(&mut self, document: Vec<Entry>) {
        self.previous = Some(document);
    }

    /// The document `node` with what others add to it; nothing if it only adds to others, or is empty.
    pub fn complete(&mut self, node: Node) -> Result<Option<Vec<Entry>>, Box<Diagnostic>> {
        if node.is_null() {
            return Ok(None);
        }
        let entries = match node.kind {
            Kind::Map(entries) => entries,
            _ => {
                let mistake =
                    Diagnostic::error(format!("a rule is a map, and this is {}", node.description()));
                let hint = "write `title: …` and the other parts of a rule below each other";
                return Err(Box::new(mistake.at(&node.location(self.file)).hint(hint)));
            }
        };
        let Some(action) = yaml::find(&entries, "action") else {
            let base = self.global.take();
            let complete = self.add(base.as_deref().unwrap_or_default(), entries);
            self.global = base;
            return complete.map(Some);
        };
        let place = action.value.location(self.file);
        let word = match &action.value.kind {
            Kind::Scalar(scalar) => scalar.text(),
            Kind::List(_) | Kind::Map(_) => action.value.description(),
        };
        match word {
            "global" => {
                let base = self.global.take().unwrap_or_default();
                let global = self.add(&base, entries)?;
                self.previous = Some(self.add(&global, Vec::new())?);
                self.global = Some(global);
                Ok(None)
            }
            "reset" => {
                self.global = None;
                Ok(None)
            }
            "repeat" => match self.previous.take() {
                Some(previous) => self.add(&previous, entries).map(Some),
                None => {
                    let mistake = Diagnostic::error("there is no rule before this one to repeat");
                    Err(Box::new(mistake.at(&place).hint("remove `action`")))
                }
            },
            word => Err(Box::new(unknown_action(word, &place))),
        }
    }

    /// `entries` over `base`, if not too much was copied already.
    fn add(&mut self, base: &[Entry], entries: Vec<Entry>) -> Result<Vec<Entry>, Box<Diagnostic>> {
        if base.is_empty() {
            return Ok(entries);
        }
        self.copied_bytes += base.iter().map(Entry::bytes).sum::<usize>();
        if self.copied_bytes > MAX_COPIED_BYTES {
            let start = entries.first().or(base.first()).map_or(0..0, |entry| entry.key.span.clone());
            let message = format!("`action` adds more than {} MiB to the rules", MAX_COPIED_BYTES >> 20);
            let mistake = Diagnostic::error(message).at(&Location::new(self.file, start));
            return Err(Box::new(mistake.hint("split the file")));
        }
        Ok(merged(base, entries))
    }
}

fn unknown_action(word: &str, place: &Location) -> Diagnostic {
    let hint = limits::nearest_hint(word, &ACTIONS, "actions");
    Diagnostic::error(format!("there is no action `{word}`")).at(place).hint(hint)
}

/// `base` with `entries` over it: maps are put together, other values replaced.
fn merged(base: &[Entry], entries: Vec<Entry>) -> Vec<Entry> {
    let known: HashMap<&str, usize> =
        base.iter().enumerate().map(|(index, entry)| (entry.key.text.as_str(), index)).collect();
    let mut merged = base.to_vec();
    for entry in entries {
        match known.get(entry.key.text.as_str()) {
            Some(index) => merged[*index] = merged_entry(&base[*index], entry),
            None => merged.push(entry),
        }
    }
    merged
}

fn merged_entry(base: &Entry, entry: Entry) -> Entry {
    let Entry { key, value } = entry;
    let kind = match (&base.value.kind, value.kind) {
        (Kind::Map(base), Kind::Map(entries)) => Kind::Map(merged(base, entries)),
        (_, kind) => kind,
    };
    Entry { key, value: Node { kind, span: value.span } }
}
