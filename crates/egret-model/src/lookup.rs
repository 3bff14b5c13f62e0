//! Lookup tables: texts by key that expressions ask, written by findings and filled in by the binary.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// The name of the function that asks a lookup, and of the view that has all entries.
pub const LOOKUP: &str = "lookup";

/// A key has at most so many bytes; what is longer is not kept.
pub const MAX_KEY_BYTES: usize = 1 << 10;

/// A value has at most so many bytes; what is longer is cut.
pub const MAX_VALUE_BYTES: usize = 4 << 10;

/// A lookup remembers at most so many entries.
pub const MAX_ENTRIES: u64 = 1_000_000;

/// Values by key.
pub type LookupEntries = HashMap<String, String>;

/// The lookups that a configuration declares, with their entries. Which ones there are is fixed; what was remembered is
/// exchanged as a whole between runs, so that nobody sees half of it.
#[derive(Debug, Default)]
pub struct Lookups {
    lookups: BTreeMap<String, Lookup>,
}

#[derive(Debug)]
struct Lookup {
    configured: Arc<LookupEntries>,
    remembered: RwLock<Arc<LookupEntries>>,
}

/// The entries of one lookup at one time.
#[derive(Debug, Clone)]
pub struct LookupSnapshot {
    configured: Arc<LookupEntries>,
    remembered: Arc<LookupEntries>,
}

impl Lookups {
    /// Lookups with what the configuration says; nothing is remembered yet.
    pub fn new(configured: impl IntoIterator<Item = (String, LookupEntries)>) -> Self {
        let lookup =
            |(name, entries)| (name, Lookup { configured: Arc::new(entries), remembered: RwLock::default() });
        Self { lookups: configured.into_iter().map(lookup).collect() }
    }

    /// The names that are declared, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.lookups.keys().map(String::as_str)
    }

    /// Exchanges what a lookup remembers. One that is not declared stays unknown.
    pub fn remember(&self, name: &str, entries: LookupEntries) {
        if let Some(lookup) = self.lookups.get(name) {
            *lookup.remembered.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(entries);
        }
    }

    /// The entries of a lookup as they are now; `None` if it is not declared.
    pub fn snapshot(&self, name: &str) -> Option<LookupSnapshot> {
        let lookup = self.lookups.get(name)?;
        let remembered = Arc::clone(&lookup.remembered.read().unwrap_or_else(PoisonError::into_inner));
        Some(LookupSnapshot { configured: Arc::clone(&lookup.configured), remembered })
    }
}

impl LookupSnapshot {
    /// The value of a key. What is configured wins over what was remembered.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.configured.get(key).or_else(|| self.remembered.get(key)).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(entries: &[(&str, &str)]) -> LookupEntries {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_is_configured_wins_and_a_snapshot_stays() {
        let lookups = Lookups::new([("admins".to_owned(), entries(&[("ada", "head of IT")]))]);
        let before = lookups.snapshot("admins").unwrap();
        lookups.remember("admins", entries(&[("ada", "somebody"), ("eve", "new")]));
        lookups.remember("others", entries(&[("eve", "new")]));
        let after = lookups.snapshot("admins").unwrap();
        assert_eq!((before.get("ada"), before.get("eve")), (Some("head of IT"), None));
        assert_eq!((after.get("ada"), after.get("eve")), (Some("head of IT"), Some("new")));
        assert!(lookups.snapshot("others").is_none());
        assert_eq!(lookups.names().collect::<Vec<_>>(), ["admins"]);
    }
}
