//! A source in memory: objects that grow, fail and are read in small pieces, as the test wants.
#![expect(clippy::panic, reason = "a test that misuses the source must end")]

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use egret_model::source::{Listing, ObjectReader};
use egret_model::{Object, Source, SourceContext, SourceError, Timestamp};

use crate::random::Random;

/// A source whose objects the test holds in its hands. Clones are the same source.
#[derive(Debug, Clone, Default)]
pub struct MemorySource(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    objects: BTreeMap<String, StoredObject>,
    short_reads: Option<u64>,
    opened: u64,
}

#[derive(Debug, Default, Clone)]
struct StoredObject {
    bytes: Arc<Vec<u8>>,
    incomplete: bool,
    fails_at: Option<u64>,
    refuses: bool,
}

impl MemorySource {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same source with one more object.
    #[must_use]
    pub fn with(self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.put(name, bytes);
        self
    }

    /// Puts an object there, or other bytes into one that is there.
    pub fn put(&self, name: &str, bytes: impl Into<Vec<u8>>) {
        self.contents().objects.entry(name.to_owned()).or_default().bytes = Arc::new(bytes.into());
    }

    /// Lets an object grow; one that is not there is made.
    pub fn append(&self, name: &str, bytes: &[u8]) {
        let mut contents = self.contents();
        let object = contents.objects.entry(name.to_owned()).or_default();
        Arc::make_mut(&mut object.bytes).extend_from_slice(bytes);
    }

    /// Takes an object away.
    pub fn remove(&self, name: &str) {
        self.contents().objects.remove(name);
    }

    /// Whether the object's last record is complete without an end of line ([`Object::complete`]). It is,
    /// unless said otherwise.
    pub fn set_complete(&self, name: &str, complete: bool) {
        self.with_object(name, |object| object.incomplete = !complete);
    }

    /// Lets reading fail before the byte at this offset, or no longer.
    pub fn fail_at(&self, name: &str, offset: Option<u64>) {
        self.with_object(name, |object| object.fails_at = offset);
    }

    /// Lets opening fail, or no longer.
    pub fn refuse(&self, name: &str, refuses: bool) {
        self.with_object(name, |object| object.refuses = refuses);
    }

    /// Lets each read return a random part of what was asked for (from this seed), or no longer.
    pub fn short_reads(&self, seed: Option<u64>) {
        self.contents().short_reads = seed;
    }

    /// How many times an object has been opened.
    pub fn opened(&self) -> u64 {
        self.contents().opened
    }

    fn with_object(&self, name: &str, change: impl FnOnce(&mut StoredObject)) {
        match self.contents().objects.get_mut(name) {
            Some(object) => change(object),
            None => panic!("there is no object {name:?} in this source"),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // A test that panicked while it held the lock has failed already.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source for MemorySource {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn list(&self, context: &SourceContext) -> Result<Listing, SourceError> {
        let mut listing = Listing::default();
        for (name, object) in &self.contents().objects {
            let state = format!("1 {} {}", object.bytes.len(), !object.incomplete);
            let checkpoint = context.checkpoints.get(name);
            if checkpoint.is_some_and(|checkpoint| checkpoint.finished && checkpoint.state == state) {
                listing.unchanged += 1;
                continue;
            }
            listing.objects.push(Object {
                name: name.clone(),
                location: format!("memory:{name}"),
                offset: checkpoint.map_or(0, |checkpoint| checkpoint.offset),
                size: Some(object.bytes.len() as u64),
                modified: Some(Timestamp::from_seconds(1_767_225_600)),
                state,
                complete: !object.incomplete,
            });
        }
        Ok(listing)
    }

    fn open(&self, object: &Object) -> Result<Box<dyn ObjectReader>, SourceError> {
        let mut contents = self.contents();
        let refused = |kind| SourceError::Io {
            action: "open",
            path: PathBuf::from(&object.location),
            error: io::Error::from(kind),
        };
        let stored = contents.objects.get(&object.name).ok_or_else(|| refused(io::ErrorKind::NotFound))?;
        if stored.refuses {
            return Err(refused(io::ErrorKind::PermissionDenied));
        }
        let stored = stored.clone();
        contents.opened += 1;
        let opened = contents.opened;
        let short_reads = contents.short_reads.map(|seed| Random::new(seed ^ opened.rotate_left(32)));
        Ok(Box::new(MemoryReader { stored, position: 0, short_reads }))
    }
}

/// Reads the bytes that the object had when it was opened.
struct MemoryReader {
    stored: StoredObject,
    position: usize,
    short_reads: Option<Random>,
}

impl Read for MemoryReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.stored.bytes[self.position..];
        let mut length = rest.len().min(buffer.len());
        if let Some(random) = &mut self.short_reads
            && length > 1
        {
            length = 1 + random.index(length);
        }
        if let Some(fails_at) = self.stored.fails_at {
            let good = usize::try_from(fails_at).unwrap_or(usize::MAX).saturating_sub(self.position);
            if good == 0 {
                return Err(io::Error::other(format!("made to fail at byte {fails_at}")));
            }
            length = length.min(good);
        }
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += length;
        Ok(length)
    }
}

impl ObjectReader for MemoryReader {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let target = usize::try_from(bytes).ok().and_then(|bytes| self.position.checked_add(bytes));
        match target {
            Some(target) if target <= self.stored.bytes.len() => self.position = target,
            _ => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
        Ok(())
    }

    fn stored_bytes(&self) -> u64 {
        self.position as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use egret_model::Checkpoint;

    use super::*;
    use crate::FakeClock;

    fn list(source: &MemorySource, checkpoints: &[Checkpoint]) -> Listing {
        let checkpoints: HashMap<_, _> =
            checkpoints.iter().map(|checkpoint| (checkpoint.object.clone(), checkpoint.clone())).collect();
        let context =
            SourceContext { clock: Arc::new(FakeClock::default()), checkpoints: Arc::new(checkpoints) };
        source.list(&context).unwrap()
    }

    fn finished(object: &Object) -> Checkpoint {
        let offset = object.size.unwrap();
        Checkpoint { object: object.name.clone(), offset, finished: true, state: object.state.clone() }
    }

    #[test]
    fn an_object_that_grew_is_listed_again() {
        let source = MemorySource::new().with("a", "one\n").with("b", "x\n");
        let first = list(&source, &[]);
        assert_eq!(first.objects.len(), 2);
        let done: Vec<_> = first.objects.iter().map(finished).collect();
        assert_eq!(list(&source, &done).unchanged, 2);
        source.append("a", b"two\n");
        let second = list(&source, &done);
        assert_eq!(second.unchanged, 1);
        assert_eq!((&*second.objects[0].name, second.objects[0].offset), ("a", 4));
        let mut reader = source.open(&second.objects[0]).unwrap();
        reader.skip(4).unwrap();
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!((&*text, reader.stored_bytes()), ("two\n", 8));
        assert!(reader.skip(1).is_err());
    }

    #[test]
    fn reads_are_short_and_fail_where_told() {
        let bytes: Vec<u8> = (0..=255).collect();
        let source = MemorySource::new().with("a", bytes.clone());
        source.short_reads(Some(3));
        let object = list(&source, &[]).objects.remove(0);
        let mut reader = source.open(&object).unwrap();
        let mut buffer = [0; 256];
        assert!(reader.read(&mut buffer).unwrap() < 256);
        source.fail_at("a", Some(100));
        let mut got = Vec::new();
        let error = source.open(&object).unwrap().read_to_end(&mut got).unwrap_err();
        assert_eq!((&*got, &*error.to_string()), (&bytes[..100], "made to fail at byte 100"));
        source.refuse("a", true);
        assert!(source.open(&object).is_err());
        assert_eq!(source.opened(), 2);
    }
}
