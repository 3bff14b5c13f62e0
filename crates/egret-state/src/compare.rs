//! The comparison: a run's documents beside the state before, in one pass over both.
//!
//! Both are in the order of slots, so memory is bounded by a bucket and not by the state. New objects are written to the
//! store before anything names them; what is different is written as lines of JSON, the records of table `change`.

use std::collections::BTreeSet;
use std::io::Write;

use egret_model::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use crate::change::{Change, Operation};
use crate::differ::diff;
use crate::documents::{BUCKETS, Documents, Fresh, is_within};
use crate::path::Path;
use crate::state::{Entry, Objects, Root, StateWriter, place_of};
use crate::store::{Blob, BlobId, StateStore, StateStoreError};

/// Objects that are read together.
const READ: usize = 256;

/// Objects that are written together: so many, or so many bytes. Each time the store waits for the disk.
const BATCH: usize = 4096;
const BATCH_BYTES: usize = 8 << 20;

/// A larger object is not put beside each of its changes; the store has it.
const MAX_OBJECT_BYTES: usize = 256 << 10;

/// More changes of one object are one change of the whole: each would have the object beside it.
const MAX_CHANGES: usize = 1000;

/// Why two states cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StateStoreError),
    /// A temporary file failed.
    #[error("a temporary file failed: {0}")]
    Scratch(#[from] std::io::Error),
    /// An object of the store is no JSON.
    #[error("the store of states is damaged: an object is no JSON: {0}")]
    Object(#[from] serde_json::Error),
}

/// Who generated, and when: what all changes of a run have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunFacts<'a> {
    pub generator: &'a str,
    pub channel: &'a str,
    pub run: &'a str,
    pub now: Timestamp,
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The state now.
    pub root: BlobId,
    /// Objects in it.
    pub objects: u64,
    /// What is different.
    pub counts: Counts,
}

/// How much is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Counts {
    /// Lines that were written.
    pub changes: u64,
    /// Of the parts that could be looked at, objects that came and were not there before.
    pub added: u64,
    /// Of the same, objects that were there before and did not come.
    pub removed: u64,
    /// Objects of parts that were seen for the first time: they are no changes.
    pub first_seen: u64,
}

/// What a line says: a record of table `change`.
#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    channel: &'a str,
    generator: &'a str,
    run: &'a str,
    operation: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    path: String,
    path_text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_before: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_after: Option<&'a RawValue>,
    first_seen: Timestamp,
}

/// An object that is not what it was.
enum Difference {
    Added(Fresh, Entry),
    Changed(Entry, Fresh, Entry),
    Removed(Entry),
}

/// Compares a run's documents with the state before, writes the state now, and what became different to `lines`, unless
/// that is `None`.
pub(crate) struct Comparison<'a, W> {
    pub store: &'a dyn StateStore,
    pub facts: RunFacts<'a>,
    /// What is kept is wanted from then on: not long ago, or it is swept before a commit names it. The run itself may have
    /// begun long before.
    pub wanted_at: Timestamp,
    pub before: Option<&'a Root>,
    pub lines: Option<W>,
}

impl<W: Write> Comparison<'_, W> {
    /// Does it.
    ///
    /// # Errors
    /// If the store or a file fails. What was written to the store by then is swept later.
    pub(crate) async fn run(mut self, mut documents: Documents) -> Result<Compared, CompareError> {
        let expected = documents.count().max(self.before.map_or(0, Root::objects));
        let mut writer = StateWriter::new(self.store, self.wanted_at, documents.key(), expected);
        let mut objects = Objects::new(self.store, self.before);
        writer.set_unseen(self.unseen(&documents));
        let mut counts = Counts::default();
        for bucket in 0..BUCKETS {
            let fresh = documents.take_bucket(bucket)?;
            let mut old = Vec::new();
            while let Some(entry) = objects.next_within(u8::try_from(bucket).unwrap_or(u8::MAX)).await? {
                old.push(entry);
            }
            let (entries, differences) = self.merge(fresh, old, &documents);
            self.count(&differences, &documents, &mut counts);
            counts.changes += self.tell_and_keep(differences, &documents).await?;
            for entry in entries {
                writer.push(entry).await?;
            }
        }
        if let Some(lines) = &mut self.lines {
            lines.flush()?;
        }
        let (root, state) = writer.finish().await?;
        Ok(Compared { root, objects: state.objects(), counts })
    }

    /// Parts that could not be looked at, now and in all runs before.
    fn unseen(&self, documents: &Documents) -> BTreeSet<String> {
        let failed = documents.failed().iter().map(|failed| failed.part.clone());
        failed.filter(|part| self.before.is_none_or(|before| overlaps(part, before))).collect()
    }

    /// Whether an object of this part is seen for the first time because the part is.
    fn is_of_unseen(&self, part: &str) -> bool {
        let unseen = self.before.map(|before| &before.unseen);
        unseen.is_some_and(|unseen| unseen.iter().any(|whole| is_within(part, whole)))
    }

    fn count(&self, differences: &[Difference], documents: &Documents, counts: &mut Counts) {
        for difference in differences {
            match difference {
                Difference::Added(_, entry) if self.is_of_unseen(&entry.part) => counts.first_seen += 1,
                Difference::Added(_, entry) if documents.may_be_missing(&entry.part) => {}
                Difference::Added(..) => counts.added += 1,
                Difference::Removed(_) => counts.removed += 1,
                Difference::Changed(..) => {}
            }
        }
    }

    /// Of one bucket, the objects now and what became different, both in order.
    fn merge(
        &self,
        fresh: Vec<Fresh>,
        old: Vec<Entry>,
        documents: &Documents,
    ) -> (Vec<Entry>, Vec<Difference>) {
        let mut entries = Vec::with_capacity(fresh.len());
        let mut differences = Vec::new();
        let mut old = old.into_iter().peekable();
        let gone = |entry: Entry, entries: &mut Vec<Entry>, differences: &mut Vec<Difference>| {
            if documents.may_be_missing(&entry.part) {
                entries.push(entry);
            } else {
                differences.push(Difference::Removed(entry));
            }
        };
        for fresh in fresh {
            while let Some(entry) = old.next_if(|entry| entry.slot < fresh.slot) {
                gone(entry, &mut entries, &mut differences);
            }
            let same = old.next_if(|entry| entry.slot == fresh.slot);
            let first_seen = same.as_ref().map_or(self.facts.now.micros(), |entry| entry.first_seen);
            let entry = Entry {
                slot: fresh.slot,
                key: fresh.key.clone(),
                part: fresh.part.clone(),
                object: BlobId::of(place_of(fresh.slot), &fresh.bytes),
                first_seen,
            };
            entries.push(entry.clone());
            match same {
                Some(same) if same.object == entry.object => {}
                Some(same) => differences.push(Difference::Changed(same, fresh, entry)),
                None => differences.push(Difference::Added(fresh, entry)),
            }
        }
        for entry in old {
            gone(entry, &mut entries, &mut differences);
        }
        (entries, differences)
    }

    /// Keeps the objects that are new, and writes a line for each change.
    async fn tell_and_keep(
        &mut self,
        differences: Vec<Difference>,
        documents: &Documents,
    ) -> Result<u64, CompareError> {
        let mut changes = 0;
        let mut differences = differences.into_iter().peekable();
        while differences.peek().is_some() {
            let (mut batch, mut bytes) = (Vec::new(), 0);
            while batch.len() < BATCH
                && bytes < BATCH_BYTES
                && let Some(difference) = differences.next()
            {
                bytes += difference.fresh().map_or(0, |(fresh, _)| fresh.bytes.len());
                batch.push(difference);
            }
            let kept = batch.iter().filter_map(Difference::fresh);
            let blobs: Vec<Blob> =
                kept.map(|(fresh, entry)| Blob { id: entry.object, bytes: fresh.bytes.clone() }).collect();
            self.store.put(&blobs, self.wanted_at).await?;
            while !batch.is_empty() {
                let some = batch.drain(..batch.len().min(READ)).collect();
                changes += self.tell(some, documents).await?;
            }
        }
        Ok(changes)
    }

    async fn tell(&mut self, mut batch: Vec<Difference>, documents: &Documents) -> Result<u64, CompareError> {
        batch.retain(|difference| match difference {
            Difference::Added(_, entry) => !self.is_of_unseen(&entry.part),
            _ => true,
        });
        let Some(lines) = &mut self.lines else { return Ok(0) };
        let wanted: Vec<BlobId> = batch.iter().filter_map(Difference::object_before).collect();
        let mut objects_before = self.store.get(&wanted).await?.into_iter();
        let mut changes = 0;
        for difference in batch {
            let before = difference.object_before().and_then(|_| objects_before.next());
            let before = before.map(|bytes| Document::read(&bytes)).transpose()?;
            let (entry, after) = match &difference {
                Difference::Added(fresh, entry) | Difference::Changed(_, fresh, entry) => {
                    (entry, Some(Document::read(&fresh.bytes)?))
                }
                Difference::Removed(entry) => (entry, None),
            };
            let (before, after) = (before.as_ref(), after.as_ref());
            let found = match (before, after) {
                // What does not count now may have counted then.
                (Some(before), Some(after)) => {
                    let shape = documents.shape();
                    let found = diff(&shape.canonical(before.value.clone()), &after.value, shape);
                    if found.len() > MAX_CHANGES {
                        vec![Change::changed(Path::default(), &before.value, &after.value)]
                    } else {
                        found
                    }
                }
                (Some(before), None) => vec![Change::remove(Path::default(), &before.value)],
                (None, Some(after)) => vec![Change::add(Path::default(), &after.value)],
                (None, None) => Vec::new(),
            };
            for change in &found {
                write_line(lines, &self.facts, entry, change, [before, after])?;
            }
            changes += found.len() as u64;
        }
        Ok(changes)
    }
}

/// Whether a part is of those that were not seen before, or has some of them in it.
fn overlaps(part: &str, before: &Root) -> bool {
    before.unseen.iter().any(|unseen| is_within(part, unseen) || is_within(unseen, part))
}

impl Difference {
    /// What must be kept.
    fn fresh(&self) -> Option<(&Fresh, &Entry)> {
        match self {
            Self::Added(fresh, entry) | Self::Changed(_, fresh, entry) => Some((fresh, entry)),
            Self::Removed(_) => None,
        }
    }

    fn object_before(&self) -> Option<BlobId> {
        match self {
            Self::Added(..) => None,
            Self::Changed(entry, ..) | Self::Removed(entry) => Some(entry.object),
        }
    }
}

/// An object, read, and as it is written.
struct Document {
    value: Json,
    /// `None` if it is too large to be put beside each change.
    text: Option<Box<RawValue>>,
}

impl Document {
    fn read(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let value = serde_json::from_slice(bytes)?;
        let text = if bytes.len() > MAX_OBJECT_BYTES { None } else { Some(serde_json::from_slice(bytes)?) };
        Ok(Self { value, text })
    }
}

fn write_line(
    lines: &mut impl Write,
    facts: &RunFacts<'_>,
    entry: &Entry,
    change: &Change,
    [before, after]: [Option<&Document>; 2],
) -> Result<(), CompareError> {
    let line = Line {
        time: facts.now,
        channel: facts.channel,
        generator: facts.generator,
        run: facts.run,
        operation: change.operation.as_str(),
        key: &entry.key,
        part: Some(entry.part.as_str()).filter(|part| !part.is_empty()),
        path: change.path.pointer(),
        path_text: change.path.readable(),
        path_before: change.from.as_ref().filter(|_| change.operation == Operation::Move).map(Path::pointer),
        before: change.before.as_ref(),
        after: change.after.as_ref(),
        object_before: before.and_then(|document| document.text.as_deref()),
        object_after: after.and_then(|document| document.text.as_deref()),
        first_seen: Timestamp::from_micros(entry.first_seen),
    };
    serde_json::to_writer(&mut *lines, &line)?;
    Ok(lines.write_all(b"\n")?)
}

#[cfg(test)]
mod tests;
