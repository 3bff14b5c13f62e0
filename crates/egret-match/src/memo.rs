//! What was found out about values, kept: most values of a column come again.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

/// Values longer than this are rarely the same.
const MAX_VALUE_BYTES: usize = 1_024;

/// The number of a set of predicates that hold for a value.
pub(crate) type SetId = u32;

/// The set of no predicates.
pub(crate) const NO_HITS: SetId = 0;

/// Sets of predicates, each there once: many values are alike to the rules.
#[derive(Debug)]
pub(crate) struct Sets {
    sets: Vec<Box<[u32]>>,
    ids: HashMap<Box<[u32]>, SetId>,
}

impl Default for Sets {
    fn default() -> Self {
        Self { sets: vec![Box::default()], ids: HashMap::from([(Box::default(), NO_HITS)]) }
    }
}

impl Sets {
    pub(crate) fn id(&mut self, hits: &[u32]) -> SetId {
        if let Some(id) = self.ids.get(hits) {
            return *id;
        }
        let id = self.sets.len() as SetId;
        self.sets.push(hits.into());
        self.ids.insert(hits.into(), id);
        id
    }

    pub(crate) fn get(&self, id: SetId) -> &[u32] {
        &self.sets[id as usize]
    }

    /// The set of what is in one of the two.
    pub(crate) fn union(&mut self, left: SetId, right: SetId) -> SetId {
        if left == right || right == NO_HITS {
            return left;
        }
        let mut both: Vec<u32> = self.get(left).iter().chain(self.get(right)).copied().collect();
        both.sort_unstable();
        both.dedup();
        self.id(&both)
    }

    pub(crate) fn len(&self) -> usize {
        self.sets.len()
    }
}

/// For values of one field, the set of predicates that hold.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    hasher: DefaultHashBuilder,
    entries: HashTable<Entry>,
    /// The texts of all entries, one after the other.
    texts: Vec<u8>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    start: u32,
    length: u32,
    set: SetId,
}

impl Memo {
    /// The set for `text`; if it is not known, what `examine` says.
    pub(crate) fn get_or_examine(&mut self, text: &str, examine: impl FnOnce() -> SetId) -> SetId {
        if text.len() > MAX_VALUE_BYTES {
            return examine();
        }
        let hash = self.hasher.hash_one(text.as_bytes());
        let texts = &self.texts;
        let is_same = |entry: &Entry| {
            let start = entry.start as usize;
            entry.hash == hash && &texts[start..start + entry.length as usize] == text.as_bytes()
        };
        if let Some(entry) = self.entries.find(hash, is_same) {
            return entry.set;
        }
        let set = examine();
        let entry = Entry { hash, start: self.texts.len() as u32, length: text.len() as u32, set };
        self.texts.extend_from_slice(text.as_bytes());
        self.entries.insert_unique(hash, entry, |entry| entry.hash);
        set
    }

    /// How much memory it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.texts.len() + self.entries.len() * size_of::<Entry>()
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.texts.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_examined_once() {
        let mut memo = Memo::default();
        assert_eq!(memo.get_or_examine("a", || 7), 7);
        assert_eq!(memo.get_or_examine("b", || 8), 8);
        assert_eq!(memo.get_or_examine("a", || 9), 7);
        let long = "x".repeat(MAX_VALUE_BYTES + 1);
        assert_eq!((memo.get_or_examine(&long, || 1), memo.get_or_examine(&long, || 2)), (1, 2));
        memo.clear();
        assert_eq!((memo.get_or_examine("a", || 9), memo.bytes() > 0), (9, true));
    }

    #[test]
    fn sets_are_there_once() {
        let mut sets = Sets::default();
        let (one, two) = (sets.id(&[1]), sets.id(&[2]));
        assert_eq!((sets.id(&[1]), sets.id(&[])), (one, NO_HITS));
        let both = sets.union(one, two);
        assert_eq!((sets.union(both, two), sets.union(NO_HITS, one)), (both, one));
        assert_eq!(sets.get(both), [1, 2]);
    }
}
