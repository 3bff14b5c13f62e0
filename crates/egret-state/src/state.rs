//! A state as it is kept: a root names pages, a page lists objects, each by the hash of its bytes.
//!
//! Objects stand in the order of their slots, and a page has those whose slots begin alike. So two states share the pages
//! in which nothing changed, and an object is kept once however many states have it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use egret_model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::documents::Slot;
use crate::store::{Blob, BlobId, StateStore, StateStoreError};

/// The version of what is written. Readers know all versions up to it.
const VERSION: u8 = 1;

/// Objects of a page, about.
const PAGE_OBJECTS: u64 = 256;

/// At most so many bits of a slot choose its page.
const MAX_BITS: u8 = 16;

/// An object of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub slot: Slot,
    /// What people call it.
    pub key: String,
    /// The part of the state that it is of.
    pub part: String,
    /// Its canonical form.
    pub object: BlobId,
    /// When it was first seen, in microseconds.
    pub first_seen: i64,
}

/// What names the pages of a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    version: u8,
    /// So many bits of a slot choose its page.
    bits: u8,
    /// The pages; `None` for one without objects.
    pages: Vec<Option<BlobId>>,
    /// The fields that tell its objects from each other.
    pub key: Vec<String>,
    /// Objects by part.
    pub parts: BTreeMap<String, u64>,
    /// Parts that could not be looked at so far: what is first seen in them is not new.
    pub unseen: BTreeSet<String>,
}

#[derive(Serialize, Deserialize)]
struct Page {
    /// The first byte, as in a root.
    version: u8,
    entries: Vec<Entry>,
}

impl Root {
    /// Reads the root of a state.
    ///
    /// # Errors
    /// If it is not there, or cannot be read.
    pub(crate) async fn read(store: &dyn StateStore, id: BlobId) -> Result<Self, StateStoreError> {
        Self::from_bytes(&store.get(&[id]).await?[0])
    }

    /// The root that is stored as `bytes`.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, StateStoreError> {
        decode(bytes, "the root of a state")
    }

    /// Objects in the state.
    pub(crate) fn objects(&self) -> u64 {
        self.parts.values().sum()
    }

    /// The blobs that it names.
    pub(crate) fn pages(&self) -> impl Iterator<Item = BlobId> {
        self.pages.iter().flatten().copied()
    }
}

/// The objects of a page.
pub(crate) async fn read_page(store: &dyn StateStore, id: BlobId) -> Result<Vec<Entry>, StateStoreError> {
    page_from_bytes(&store.get(&[id]).await?[0])
}

/// The objects of the page that is stored as `bytes`.
pub(crate) fn page_from_bytes(bytes: &[u8]) -> Result<Vec<Entry>, StateStoreError> {
    let page: Page = decode(bytes, "a page of a state")?;
    Ok(page.entries)
}

/// Reads what begins with its version. What is newer is told as such, for it is not damaged.
fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, StateStoreError> {
    check_version(bytes.first().copied().unwrap_or_default())?;
    postcard::from_bytes(bytes)
        .map_err(|error| StateStoreError::Damaged { what: format!("{what} cannot be read: {error}") })
}

fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, StateStoreError> {
    postcard::to_allocvec(value)
        .map_err(|error| StateStoreError::Damaged { what: format!("a state cannot be written: {error}") })
}

fn check_version(version: u8) -> Result<(), StateStoreError> {
    if version > VERSION {
        let place = "the configured place".to_owned();
        return Err(StateStoreError::Version { place, found: version.into(), known: VERSION.into() });
    }
    Ok(())
}

fn page_index(slot: Slot, bits: u8) -> usize {
    let first = u32::from_be_bytes([slot.0[0], slot.0[1], slot.0[2], slot.0[3]]);
    if bits == 0 { 0 } else { (first >> (32 - u32::from(bits))) as usize }
}

/// Reads the objects of a state in their order, page by page.
#[derive(Debug)]
pub(crate) struct Objects<'s> {
    store: &'s dyn StateStore,
    pages: std::vec::IntoIter<BlobId>,
    entries: std::iter::Peekable<std::vec::IntoIter<Entry>>,
}

impl<'s> Objects<'s> {
    /// The objects of a state; none without one.
    pub(crate) fn new(store: &'s dyn StateStore, root: Option<&Root>) -> Self {
        Self::of_pages(store, root.into_iter().flat_map(Root::pages).collect())
    }

    /// The objects of two states, without those of pages that both have: nothing in them is different.
    pub(crate) fn of_other_pages(
        store: &'s dyn StateStore,
        before: Option<&Root>,
        after: &Root,
    ) -> [Self; 2] {
        let old: Vec<BlobId> = before.into_iter().flat_map(Root::pages).collect();
        let known: HashSet<BlobId> = old.iter().copied().collect();
        let (shared, new): (Vec<BlobId>, Vec<BlobId>) = after.pages().partition(|page| known.contains(page));
        let shared: HashSet<BlobId> = shared.into_iter().collect();
        let old = old.into_iter().filter(|page| !shared.contains(page)).collect();
        [Self::of_pages(store, old), Self::of_pages(store, new)]
    }

    fn of_pages(store: &'s dyn StateStore, pages: Vec<BlobId>) -> Self {
        Self { store, pages: pages.into_iter(), entries: Vec::new().into_iter().peekable() }
    }

    /// The slot of the next object.
    pub(crate) async fn next_slot(&mut self) -> Result<Option<Slot>, StateStoreError> {
        while self.entries.peek().is_none() {
            let Some(page) = self.pages.next() else { return Ok(None) };
            self.entries = read_page(self.store, page).await?.into_iter().peekable();
        }
        Ok(self.entries.peek().map(|entry| entry.slot))
    }

    /// The next object, unless it is in a later bucket than `bucket`.
    pub(crate) async fn next_within(&mut self, bucket: u8) -> Result<Option<Entry>, StateStoreError> {
        let is_within = self.next_slot().await?.is_some_and(|slot| slot.0[0] <= bucket);
        Ok(if is_within { self.entries.next() } else { None })
    }

    /// The next object.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, StateStoreError> {
        self.next_within(u8::MAX).await
    }
}

/// Writes a state, object by object in their order.
#[derive(Debug)]
pub(crate) struct StateWriter<'s> {
    store: &'s dyn StateStore,
    now: Timestamp,
    root: Root,
    entries: Vec<Entry>,
    page: usize,
    /// Written together.
    waiting: Vec<Blob>,
}

impl<'s> StateWriter<'s> {
    /// For a state of about so many objects.
    ///
    /// All its pages are put, also those that are there: so they are wanted at `now`.
    pub(crate) fn new(store: &'s dyn StateStore, now: Timestamp, key: &[String], objects: u64) -> Self {
        let pages = (objects / PAGE_OBJECTS).max(1);
        let bits = u8::try_from(pages.ilog2()).unwrap_or(0).min(MAX_BITS);
        let root = Root {
            version: VERSION,
            bits,
            pages: vec![None; 1 << bits],
            key: key.to_vec(),
            parts: BTreeMap::new(),
            unseen: BTreeSet::new(),
        };
        Self { store, now, root, entries: Vec::new(), page: 0, waiting: Vec::new() }
    }

    /// Adds the next object.
    pub(crate) async fn push(&mut self, entry: Entry) -> Result<(), StateStoreError> {
        let page = page_index(entry.slot, self.root.bits);
        if page != self.page {
            self.end_page().await?;
            self.page = page;
        }
        *self.root.parts.entry(entry.part.clone()).or_default() += 1;
        self.entries.push(entry);
        Ok(())
    }

    /// Says which parts could not be looked at so far.
    pub(crate) fn set_unseen(&mut self, parts: BTreeSet<String>) {
        self.root.unseen = parts;
    }

    /// Writes what is left, and the root. Returns its name.
    pub(crate) async fn finish(mut self) -> Result<(BlobId, Root), StateStoreError> {
        self.end_page().await?;
        let bytes = encode(&self.root)?;
        let id = BlobId::of([0; 8], &bytes);
        self.waiting.push(Blob { id, bytes });
        self.store.put(&self.waiting, self.now).await?;
        Ok((id, self.root))
    }

    async fn end_page(&mut self) -> Result<(), StateStoreError> {
        let Some(first) = self.entries.first() else { return Ok(()) };
        let place = place_of(first.slot);
        let bytes = encode(&Page { version: VERSION, entries: std::mem::take(&mut self.entries) })?;
        let id = BlobId::of(place, &bytes);
        self.root.pages[self.page] = Some(id);
        self.waiting.push(Blob { id, bytes });
        if self.waiting.len() >= 64 {
            self.store.put(&std::mem::take(&mut self.waiting), self.now).await?;
        }
        Ok(())
    }
}

/// Where blobs of a slot stand in the store.
pub(crate) fn place_of(slot: Slot) -> [u8; 8] {
    let mut place = [0; 8];
    place.copy_from_slice(&slot.0[..8]);
    place
}
