//! The documents of a run, on their way from the generator to the comparison: canonical, and in an order of their own.
//!
//! However many there are, they take a bounded amount of memory: they are sorted into buckets by the hash of their key,
//! and what is too much waits in a temporary file. A bucket is small enough to be sorted in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::generator::GenerateError;
use crate::identity;
use crate::path::plain;
use crate::shape::Shape;

/// So many buckets: one for each first byte of a slot.
pub(crate) const BUCKETS: usize = 256;

/// So many bytes of documents are held in memory.
const MEMORY: usize = 32 << 20;

/// A larger document is refused: nobody could read its change.
const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// Where an object stands in a state: the first bytes of the hash of its key. Objects with the same key are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Slot(pub [u8; 16], pub u32);

/// A document as it was generated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fresh {
    pub slot: Slot,
    pub key: String,
    pub part: String,
    /// Its canonical form.
    #[serde(with = "whole_bytes")]
    pub bytes: Vec<u8>,
}

/// Bytes as a whole: without being told, serde takes them one by one.
mod whole_bytes {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        <&[u8]>::deserialize(deserializer).map(<[u8]>::to_vec)
    }
}

/// A part of the state that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedPart {
    /// Which: a region, a page. Empty if it cannot be told which documents are missing.
    pub part: String,
    /// Why.
    pub message: String,
}

/// Takes the documents of a run.
#[derive(Debug)]
pub struct Documents {
    shape: Shape,
    /// Fields that tell documents from each other; dots lead into objects.
    key: Vec<String>,
    /// More documents are refused.
    max: u64,
    total: u64,
    part: String,
    buckets: Vec<Vec<u8>>,
    buffered: usize,
    spilled: Option<Spilled>,
    counts: BTreeMap<String, u64>,
    failed: Vec<FailedPart>,
    notes: Vec<String>,
}

/// What did not fit into memory: pieces of buckets in a file.
#[derive(Debug)]
struct Spilled {
    file: File,
    length: u64,
    /// Where the pieces of each bucket begin, and how long they are.
    pieces: Vec<Vec<(u64, usize)>>,
}

impl Documents {
    /// Takes documents of this shape, told apart by the fields in `key`; with none, by those that look like it.
    pub fn new(shape: Shape, key: Vec<String>) -> Self {
        Self {
            shape,
            key,
            max: u64::MAX,
            total: 0,
            part: String::new(),
            buckets: vec![Vec::new(); BUCKETS],
            buffered: 0,
            spilled: None,
            counts: BTreeMap::new(),
            failed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Takes at most `max` documents.
    pub fn at_most(mut self, max: u64) -> Self {
        self.max = max;
        self
    }

    /// What follows is of this part of the state: `eu-west-1`, `123456789012/eu-west-1`. Parts are told apart so that one
    /// that fails leaves the others alone.
    pub fn begin_part(&mut self, part: impl Into<String>) {
        self.part = part.into();
    }

    /// Takes a document.
    ///
    /// # Errors
    /// If it is too large, there are too many, or the disk is full.
    pub fn push(&mut self, document: Json) -> Result<(), GenerateError> {
        if self.total >= self.max {
            let message =
                format!("there are more than {} objects; raise `max_objects` if that is right", self.max);
            return Err(GenerateError::refused(message));
        }
        let document = self.shape.canonical(document);
        // Of a value without odd keys, so it cannot fail.
        let bytes = serde_json::to_vec(&document)
            .map_err(|error| GenerateError::refused(format!("a document is no JSON: {error}")))?;
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let message =
                format!("a document has {} bytes, more than {} MiB", bytes.len(), MAX_DOCUMENT_BYTES >> 20);
            return Err(GenerateError::refused(message));
        }
        let (slot, key) = self.key_of(&document, &bytes);
        let fresh = Fresh { slot, key, part: self.part.clone(), bytes };
        let bucket = &mut self.buckets[usize::from(slot.0[0])];
        let before = bucket.len();
        // Into memory, so it cannot fail but for want of it.
        *bucket = postcard::to_extend(&fresh, std::mem::take(bucket))
            .map_err(|error| GenerateError::refused(format!("a document cannot be kept: {error}")))?;
        self.buffered += bucket.len() - before;
        self.total += 1;
        match self.counts.get_mut(&self.part) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(self.part.clone(), 1)),
        }
        if self.buffered > MEMORY {
            self.spill()
                .map_err(|error| GenerateError::retry(format!("cannot write a temporary file: {error}")))?;
        }
        Ok(())
    }

    /// Says that a part could not be looked at: its objects stay as they were, unless they came all the same. An empty
    /// `part` stands for all.
    pub fn fail(&mut self, part: impl Into<String>, why: impl fmt::Display) {
        self.failed.push(FailedPart { part: part.into(), message: why.to_string() });
    }

    /// Says what is worth knowing about the run.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// How many documents came so far.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// Parts that failed.
    pub fn failed(&self) -> &[FailedPart] {
        &self.failed
    }

    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    pub(crate) fn key(&self) -> &[String] {
        &self.key
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Documents by part.
    #[cfg(test)]
    pub(crate) fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// Whether objects of this part that did not come may still be there.
    pub(crate) fn may_be_missing(&self, part: &str) -> bool {
        self.failed.iter().any(|failed| is_within(part, &failed.part))
    }

    /// The documents of one bucket in the order of their slots. Those with the same key are numbered; twice the same
    /// document is one.
    pub(crate) fn take_bucket(&mut self, bucket: usize) -> io::Result<Vec<Fresh>> {
        let mut bytes = match &mut self.spilled {
            Some(spilled) => spilled.read(bucket)?,
            None => Vec::new(),
        };
        bytes.append(&mut self.buckets[bucket]);
        let mut documents = Vec::new();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let (fresh, after) = postcard::take_from_bytes::<Fresh>(rest).map_err(io::Error::other)?;
            documents.push(fresh);
            rest = after;
        }
        documents.sort_unstable_by(|one, other| (one.slot, &one.bytes).cmp(&(other.slot, &other.bytes)));
        documents.dedup_by(|one, other| one.slot == other.slot && one.bytes == other.bytes);
        let mut number = 0;
        for index in 1..documents.len() {
            number = if documents[index].slot.0 == documents[index - 1].slot.0 { number + 1 } else { 0 };
            if number > 0 {
                documents[index].slot.1 = number;
                documents[index].key = format!("{}#{}", documents[index].key, number + 1);
            }
        }
        Ok(documents)
    }

    /// What tells a document from others: where it stands, and as people read it.
    fn key_of(&self, document: &Json, bytes: &[u8]) -> (Slot, String) {
        let declared: Option<Vec<&Json>> = self.key.iter().map(|field| find(document, field)).collect();
        let found = || {
            let object = document.as_object()?;
            Some(vec![object.get(identity::field_of(object)?)?])
        };
        let values = declared.filter(|values| !values.is_empty()).or_else(found);
        match values {
            Some(values) => {
                let text: Vec<String> = values.iter().map(|value| plain(value)).collect();
                (slot_of(&Json::from_iter(values.into_iter().cloned()).to_string()), text.join("/"))
            }
            // A text is its own key; anything else is told by its bytes.
            None => match document {
                Json::String(text) => (slot_of(text), text.clone()),
                _ => {
                    let hash = blake3::hash(bytes).to_hex();
                    (slot_of(&hash), hash[..16].to_owned())
                }
            },
        }
    }

    fn spill(&mut self) -> io::Result<()> {
        let spilled = match &mut self.spilled {
            Some(spilled) => spilled,
            None => self.spilled.insert(Spilled {
                file: tempfile::tempfile()?,
                length: 0,
                pieces: vec![Vec::new(); BUCKETS],
            }),
        };
        for (bucket, bytes) in self.buckets.iter_mut().enumerate().filter(|(_, bytes)| !bytes.is_empty()) {
            spilled.file.write_all(bytes)?;
            spilled.pieces[bucket].push((spilled.length, bytes.len()));
            spilled.length += bytes.len() as u64;
            bytes.clear();
        }
        self.buffered = 0;
        Ok(())
    }
}

impl Spilled {
    fn read(&mut self, bucket: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for (start, length) in std::mem::take(&mut self.pieces[bucket]) {
            self.file.seek(SeekFrom::Start(start))?;
            let before = bytes.len();
            bytes.resize(before + length, 0);
            self.file.read_exact(&mut bytes[before..])?;
        }
        Ok(bytes)
    }
}

/// Whether `part` is the part `whole` or one in it.
pub(crate) fn is_within(part: &str, whole: &str) -> bool {
    match part.strip_prefix(whole) {
        Some(rest) => whole.is_empty() || rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// The value of a field; dots lead into objects.
fn find<'a>(document: &'a Json, field: &str) -> Option<&'a Json> {
    let value = match document.get(field) {
        Some(value) => value,
        None => field.split('.').try_fold(document, |value, name| value.get(name))?,
    };
    (!value.is_null()).then_some(value)
}

fn slot_of(key: &str) -> Slot {
    let mut slot = [0; 16];
    slot.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
    Slot(slot, 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(documents: &mut Documents) -> Vec<Fresh> {
        (0..BUCKETS).flat_map(|bucket| documents.take_bucket(bucket).unwrap()).collect()
    }

    fn keys(key: &[&str], documents: &[Json]) -> Vec<String> {
        let mut taking =
            Documents::new(Shape::default(), key.iter().map(|field| (*field).to_owned()).collect());
        documents.iter().for_each(|document| taking.push(document.clone()).unwrap());
        let mut keys: Vec<String> = taken(&mut taking).into_iter().map(|fresh| fresh.key).collect();
        keys.sort();
        keys
    }

    #[test]
    fn keys_are_declared_or_found() {
        assert_eq!(
            keys(&["port", "at.zone"], &[json!({"port": 22, "at": {"zone": "a"}, "id": 1})]),
            ["22/a"]
        );
        assert_eq!(keys(&["missing"], &[json!({"id": 1}), json!("line")]), ["1", "line"]);
        assert_eq!(keys(&[], &[json!({"UserName": "ada"})]), ["ada"]);
        assert_eq!(keys(&[], &[json!({"on": true})])[0].len(), 16);
    }

    #[test]
    fn one_key_twice_is_numbered_and_one_document_twice_is_one() {
        let documents = [json!({"id": 1, "a": 2}), json!({"id": 1, "a": 1}), json!({"a": 1, "id": 1})];
        assert_eq!(keys(&[], &documents), ["1", "1#2"]);
    }

    #[test]
    fn what_does_not_fit_into_memory_waits_in_a_file() {
        let mut documents = Documents::new(Shape::default(), vec!["id".into()]);
        let text = "x".repeat(1 << 20);
        for id in 0..80 {
            documents.push(json!({"id": id, "text": text})).unwrap();
        }
        assert!(documents.spilled.is_some() && documents.buffered <= MEMORY);
        let taken = taken(&mut documents);
        assert_eq!(taken.len(), 80);
        assert!(taken.is_sorted_by_key(|fresh| fresh.slot));
    }

    #[test]
    fn parts_are_in_parts() {
        assert!(is_within("1/eu", "1") && is_within("1", "1") && is_within("1", ""));
        assert!(!is_within("12", "1") && !is_within("2", "1"));
    }

    #[test]
    fn more_than_may_come_is_refused() {
        let mut documents = Documents::new(Shape::default(), Vec::new()).at_most(2);
        assert!(documents.push(json!(1)).is_ok() && documents.push(json!(2)).is_ok());
        let error = documents.push(json!(3)).unwrap_err();
        assert!(error.to_string().contains("more than 2 objects; raise `max_objects`"), "{error}");
        assert_eq!(documents.count(), 2);
    }

    #[test]
    fn a_monster_is_refused() {
        let mut documents = Documents::new(Shape::default(), Vec::new());
        let error = documents.push(json!("x".repeat(MAX_DOCUMENT_BYTES + 1))).unwrap_err();
        assert!(error.to_string().contains("more than 16 MiB"), "{error}");
    }
}
