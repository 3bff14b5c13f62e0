//! The tree of the fields that a plan knows, by their nesting in the record.

use egret_model::schema::spellings;
use hashbrown::{HashMap, HashSet};

use super::Shape;
use crate::extra::write_string;

/// A name in the path of a root that stands for any one name.
pub(super) const ANY_NAME: &str = "*";

/// The fields that are known at one level of nesting.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) entries: Vec<Entry>,
    /// A number of its own among all nodes and entries of the plan.
    pub(crate) number: usize,
    /// Whether members of this object count as fields of the record itself.
    pub(crate) is_root: bool,
    by_name: HashMap<Box<str>, usize>,
    /// The entry of the objects that have no entry by their name.
    any: Option<usize>,
}

/// A known field: the leaves that take its value, and what is known inside it.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    /// The name and the colon behind it as JSON is mostly written: `"name":`.
    pub(crate) written: Box<str>,
    /// A number of its own among all nodes and entries of the plan.
    pub(crate) number: usize,
    pub(crate) places: Vec<Place>,
    pub(crate) presences: Vec<usize>,
    pub(crate) child: Option<Box<Node>>,
    /// Whether the leaves that take its value take one inside it instead if it is an object.
    pub(crate) opens: bool,
}

/// A leaf that takes a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) slot: usize,
    /// Of all places that fill the leaf the one with the lowest rank that the record has counts.
    pub(crate) rank: u16,
    /// Whether no other rank fills the leaf.
    pub(crate) is_only: bool,
}

impl Node {
    /// The place of the field called `name` among the entries.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The entry of the field called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.index_of(name)?)
    }

    /// The entry of an object that has none by its name.
    pub(crate) fn any(&self) -> Option<&Entry> {
        Some(&self.entries[self.any?])
    }

    pub(super) fn entry(&mut self, name: &str) -> &mut Entry {
        let known = self.by_name.get(name).copied();
        let index = known.unwrap_or_else(|| {
            self.by_name.insert(name.into(), self.entries.len());
            self.add(name)
        });
        &mut self.entries[index]
    }

    fn any_entry(&mut self) -> &mut Entry {
        let index = self.any.unwrap_or_else(|| self.add(ANY_NAME));
        self.any = Some(index);
        &mut self.entries[index]
    }

    fn add(&mut self, name: &str) -> usize {
        let mut written = String::with_capacity(name.len() + 3);
        write_string(&mut written, name);
        written.push(':');
        self.entries.push(Entry { name: name.into(), written: written.into(), ..Entry::default() });
        self.entries.len() - 1
    }

    /// The entry of the field at `path`, a name or several with dots between them.
    pub(super) fn entry_at(&mut self, path: &str) -> &mut Entry {
        match path.split_once('.') {
            None => self.entry(path),
            Some((name, rest)) => self.entry(name).child.get_or_insert_default().entry_at(rest),
        }
    }

    /// The object at `path`, in which `*` stands for any name.
    pub(super) fn object_at(&mut self, path: &str) -> &mut Self {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let entry = if name == ANY_NAME { self.any_entry() } else { self.entry(name) };
        let child = entry.child.get_or_insert_default();
        match rest {
            Some(rest) => child.object_at(rest),
            None => child,
        }
    }

    /// Numbers this node, its entries and what is below them, from `next` on; gives the next free number.
    pub(super) fn number_from(&mut self, next: usize) -> usize {
        self.number = next;
        let mut next = next + 1;
        for entry in &mut self.entries {
            entry.number = next;
            next += 1;
            if let Some(child) = &mut entry.child {
                next = child.number_from(next);
            }
        }
        next
    }

    /// Finds out which entries open and which places are the only ones of their leaves; gives the leaves that are
    /// filled from here or below.
    pub(super) fn find_opening(&mut self, has_choice: &[bool]) -> HashSet<usize> {
        let mut all = HashSet::new();
        for entry in &mut self.entries {
            for place in &mut entry.places {
                place.is_only = !has_choice[place.slot];
            }
            if let Some(child) = &mut entry.child {
                let below = child.find_opening(has_choice);
                entry.opens = entry.places.iter().all(|place| below.contains(&place.slot));
                all.extend(below);
            }
            all.extend(entry.places.iter().map(|place| place.slot));
        }
        all
    }
}

impl Entry {
    /// Lets the leaves of `shape` take its value.
    pub(super) fn attach(&mut self, shape: &Shape, rank: u16) {
        match shape {
            // A field may be there twice, below a root and by its whole path: the first one has the lower rank.
            Shape::Leaf(slot) if self.places.iter().any(|place| place.slot == *slot) => {}
            Shape::Leaf(slot) => self.places.push(Place { slot: *slot, rank, is_only: false }),
            Shape::Struct { presence, fields } => {
                if !self.presences.contains(presence) {
                    self.presences.push(*presence);
                }
                let child = self.child.get_or_insert_default();
                for (name, field) in fields {
                    for spelling in spellings(name) {
                        child.entry(&spelling).attach(field, rank);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn struct_fields_know_their_spellings() {
        assert_eq!(spellings("user_name"), ["user_name", "userName", "UserName"]);
        assert_eq!(spellings("arn"), ["arn", "Arn"]);
        assert_eq!(spellings("Arn"), ["Arn"]);
    }
}
