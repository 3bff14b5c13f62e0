//! The differ: what became different between two forms of one document.
//!
//! It works on canonical documents. Lists are sets unless the shape says that their order matters. Objects in a list are
//! found again by the field that tells them apart, so an inserted one is one addition and not a shift of all.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};
use similar::{Algorithm, DiffOp, capture_diff_slices};

use crate::change::Change;
use crate::identity;
use crate::path::Path;
use crate::shape::{Marks, Shape};

/// What became different from `before` to `after`, both canonical.
///
/// The changes can be applied one after the other (RFC 6902): what is inside an item of a list comes before what happens
/// to the list's items, and of those what is taken out, from the end on, comes before what is put in.
pub fn diff(before: &Json, after: &Json, shape: &Shape) -> Vec<Change> {
    let mut differ = Differ { marks: [shape.marks(before), shape.marks(after)], changes: Vec::new() };
    differ.values(&Place::default(), before, after);
    differ.changes
}

/// A place in both documents.
#[derive(Debug, Clone, Default)]
struct Place {
    path: Path,
    /// In the document after: items of lists may stand elsewhere there.
    after: Path,
}

impl Place {
    fn member(&self, name: &str) -> Self {
        Self { path: self.path.member(name), after: self.after.member(name) }
    }

    fn item(&self, before: usize, after: usize, identity: Option<(String, Json)>) -> Self {
        Self { path: self.path.item(before, identity), after: self.after.item(after, None) }
    }
}

struct Differ {
    /// Of the document before, and after.
    marks: [Marks; 2],
    changes: Vec<Change>,
}

/// The items of two lists that are one, by their places.
type Pairs = Vec<(usize, usize)>;

impl Differ {
    fn values(&mut self, place: &Place, before: &Json, after: &Json) {
        if before == after {
            return;
        }
        match (before, after) {
            (Json::Object(before), Json::Object(after)) => self.objects(place, before, after),
            (Json::Array(before), Json::Array(after)) => self.lists(place, before, after),
            _ => self.changes.push(Change::changed(place.path.clone(), before, after)),
        }
    }

    fn objects(&mut self, place: &Place, before: &Map<String, Json>, after: &Map<String, Json>) {
        for (name, old) in before {
            match after.get(name) {
                Some(new) => self.values(&place.member(name), old, new),
                None => self.changes.push(Change::remove(place.path.member(name), old)),
            }
        }
        for (name, new) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            self.changes.push(Change::add(place.path.member(name), new));
        }
    }

    fn lists(&mut self, place: &Place, before: &[Json], after: &[Json]) {
        let (here, there) = (place.path.pointer(), place.after.pointer());
        let [old_marks, new_marks] = &self.marks;
        let declared = new_marks.identity(&there).or_else(|| old_marks.identity(&here)).map(str::to_owned);
        let is_ordered = new_marks.is_ordered(&there) || old_marks.is_ordered(&here);
        let field = identity::field_of_lists([before, after], declared.as_deref());
        let names = [names(before, field), names(after, field)];
        let mut pairs = pairs(&names);
        let (mut removed, mut added) = (
            unpaired(before.len(), pairs.iter().map(|(old, _)| *old)),
            unpaired(after.len(), pairs.iter().map(|(_, new)| *new)),
        );
        if let ([old], [new]) = (removed.as_slice(), added.as_slice())
            && field.is_none()
            && before[*old].is_object()
            && after[*new].is_object()
        {
            // One went, one came, and nothing tells objects apart here: people call that a change.
            pairs.push((*old, *new));
            (removed, added) = (Vec::new(), Vec::new());
        }
        let moved = if is_ordered { moved(&names, &pairs) } else { Vec::new() };
        let identity = |item: &Json| {
            let field = field?;
            Some((field.to_owned(), item.get(field)?.clone()))
        };
        for &(old, new) in &pairs {
            let place = place.item(old, new, identity(&before[old]));
            self.values(&place, &before[old], &after[new]);
        }
        for &old in removed.iter().rev() {
            let path = place.path.item(old, identity(&before[old]));
            self.changes.push(Change::remove(path, &before[old]));
        }
        for (old, new) in moved {
            let from = place.path.item(old, identity(&before[old]));
            let path = place.path.item(new, identity(&after[new]));
            self.changes.push(Change::moved(path, from, &before[old], &after[new]));
        }
        for &new in &added {
            let path = place.path.item(new, identity(&after[new]));
            self.changes.push(Change::add(path, &after[new]));
        }
    }
}

/// What each item is found again by.
fn names(items: &[Json], field: Option<&str>) -> Vec<String> {
    let name = |item: &Json| match field.and_then(|field| item.get(field)) {
        Some(value) => value.to_string(),
        None => item.to_string(),
    };
    items.iter().map(name).collect()
}

/// Items with the same name, each of which has one partner.
fn pairs([before, after]: &[Vec<String>; 2]) -> Pairs {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, name) in after.iter().enumerate().rev() {
        places.entry(name).or_default().push(index);
    }
    let partner = |(old, name): (usize, &String)| Some((old, places.get_mut(name.as_str())?.pop()?));
    before.iter().enumerate().filter_map(partner).collect()
}

/// The places that no pair has.
fn unpaired(length: usize, paired: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut is_paired = vec![false; length];
    paired.for_each(|index| is_paired[index] = true);
    (0..length).filter(|index| !is_paired[*index]).collect()
}

/// The pairs that stand elsewhere, with as few of them as can be, in the order of the list after.
fn moved([before, after]: &[Vec<String>; 2], pairs: &Pairs) -> Pairs {
    let old: Vec<&String> = pairs.iter().map(|(old, _)| &before[*old]).collect();
    let mut in_new_order = pairs.clone();
    in_new_order.sort_by_key(|(_, new)| *new);
    let new: Vec<&String> = in_new_order.iter().map(|(_, new)| &after[*new]).collect();
    let mut moved = Vec::new();
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        match operation {
            DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                moved.extend(in_new_order[new_index..new_index + new_len].iter().copied());
            }
            DiffOp::Equal { .. } | DiffOp::Delete { .. } => {}
        }
    }
    moved
}

#[cfg(test)]
mod tests;
