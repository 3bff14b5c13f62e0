//! Hashes of files that were read, for as long as nothing touches them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use egret_model::Timestamp;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::documents::Documents;
use crate::host::Facts;

/// The version of what is written. Another is not read, as everything in it can be had anew.
const VERSION: u8 = 1;

/// A larger file is none of ours.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// The clock of a file system is coarse: a file that was touched so short a time ago may be touched again without a sign.
const FRESH_SECONDS: i64 = 2;

/// What a file was like when it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
    sha256: String,
}

/// A file system and an inode in it.
type Identity = (u64, u64);

/// Hashes by where files are.
#[derive(Debug, Default)]
pub(super) struct Cache {
    path: Option<PathBuf>,
    is_loaded: bool,
    known: HashMap<Identity, Known>,
    /// Those that this run used or learned. The others are gone.
    used: HashMap<Identity, Known>,
    has_learned: bool,
}

#[derive(Serialize, Deserialize)]
struct Written {
    version: u8,
    known: Vec<(Identity, Known)>,
}

impl Cache {
    /// A cache that is kept in a file, if there is one.
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Reads the file, once. If that cannot be done, everything is read anew.
    pub(super) fn load(&mut self, documents: &mut Documents) {
        self.used.clear();
        self.has_learned = false;
        let Some(path) = self.path.as_ref().filter(|_| !self.is_loaded) else { return };
        self.is_loaded = true;
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes));
        match read {
            Ok(_) => match postcard::from_bytes::<Written>(&bytes) {
                Ok(written) if written.version == VERSION => self.known = written.known.into_iter().collect(),
                _ => documents
                    .note(format!("{} is no cache of this version; all files are read", path.display())),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                documents.note(format!("cannot read {}: {error}; all files are read", path.display()))
            }
        }
    }

    /// The hash of a file that is as it was.
    pub(super) fn get(&mut self, facts: &Facts) -> Option<String> {
        let identity = (facts.device, facts.inode);
        let known = self.used.get(&identity).or_else(|| self.known.get(&identity))?;
        let is_same =
            (known.size, known.modified, known.changed) == (facts.size, facts.modified, facts.changed);
        let known = known.clone();
        is_same.then(|| {
            let sha256 = known.sha256.clone();
            self.used.insert(identity, known);
            sha256
        })
    }

    /// Keeps the hash of a file that was read at `now` or later.
    pub(super) fn put(&mut self, facts: &Facts, sha256: &str, now: Timestamp) {
        let touched = facts.changed.0.max(facts.modified.0);
        if Timestamp::from_seconds(touched.saturating_add(FRESH_SECONDS)) >= now {
            return;
        }
        let known = Known {
            size: facts.size,
            modified: facts.modified,
            changed: facts.changed,
            sha256: sha256.to_owned(),
        };
        self.used.insert((facts.device, facts.inode), known);
        self.has_learned = true;
    }

    /// Ends a run. If that was whole, what was not used is forgotten.
    pub(super) fn store(&mut self, is_whole: bool, documents: &mut Documents) {
        let is_other = self.has_learned || (is_whole && self.used.len() != self.known.len());
        if is_whole {
            self.known = std::mem::take(&mut self.used);
        } else {
            self.known.extend(self.used.drain());
        }
        let Some(path) = self.path.as_ref().filter(|_| is_other) else { return };
        let mut known: Vec<(Identity, Known)> =
            self.known.iter().map(|(identity, known)| (*identity, known.clone())).collect();
        known.sort_unstable_by_key(|(identity, _)| *identity);
        let written = postcard::to_allocvec(&Written { version: VERSION, known }).map_err(io::Error::other);
        // Beside the place, then there: never half of it.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let stored = written.and_then(|bytes| {
            let mut file = match folder {
                Some(folder) => NamedTempFile::new_in(folder)?,
                None => NamedTempFile::new_in(".")?,
            };
            file.write_all(&bytes)?;
            file.persist(path).map_err(|error| error.error)?;
            Ok(())
        });
        if let Err(error) = stored {
            documents.note(format!("cannot write {}: {error}", path.display()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::FileType;
    use crate::shape::Shape;

    fn facts(inode: u64, changed: i64) -> Facts {
        Facts {
            kind: FileType::RegularFile,
            mode: 0o644,
            uid: 0,
            gid: 0,
            size: 3,
            device: 1,
            inode,
            device_number: 0,
            modified: (changed, 5),
            changed: (changed, 7),
        }
    }

    #[test]
    fn what_is_as_it_was_is_known_and_nothing_else() {
        let mut documents = Documents::new(Shape::default(), Vec::new());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let now = Timestamp::from_seconds(1000);
        let mut cache = Cache::new(Some(path.clone()));
        cache.load(&mut documents);
        cache.put(&facts(1, 10), "a", now);
        cache.put(&facts(2, 10), "b", now);
        cache.put(&facts(3, 998), "fresh", now);
        cache.put(&facts(4, 5000), "from the future", now);
        cache.store(true, &mut documents);
        let mut cache = Cache::new(Some(path.clone()));
        cache.load(&mut documents);
        assert_eq!(cache.get(&facts(1, 10)).as_deref(), Some("a"));
        let mut touched = facts(2, 10);
        touched.changed.1 += 1;
        assert_eq!(cache.get(&touched), None);
        assert_eq!(cache.get(&facts(3, 998)), None);
        assert_eq!(cache.get(&facts(4, 5000)), None);
        // The second was not as it was in this run, so it is forgotten.
        cache.store(true, &mut documents);
        cache.load(&mut documents);
        assert_eq!(cache.get(&facts(2, 10)), None);
        assert!(documents.notes().is_empty(), "{:?}", documents.notes());
        std::fs::write(&path, "damaged").unwrap();
        let mut cache = Cache::new(Some(path));
        cache.load(&mut documents);
        assert_eq!(cache.get(&facts(1, 10)), None);
        assert_eq!(documents.notes().len(), 1);
    }
}
