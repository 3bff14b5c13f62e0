//! States as they were: the objects of any state that is still kept.

use egret_model::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::CompareError;
use crate::state::{Entry, Objects, Root};
use crate::store::{BlobId, RunFilter, RunRecord, StateStore, StateStoreError};

/// An object of a state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StateObject {
    /// What people call it.
    pub key: String,
    /// The part of the state that it is of, if it has parts.
    pub part: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// The object.
    pub object: Json,
}

/// The run that left the state of a generator at a time; `None` if there was none yet, or it is not kept any more.
///
/// # Errors
/// If the store fails.
pub async fn run_at(
    store: &dyn StateStore,
    generator: &str,
    at: Option<Timestamp>,
) -> Result<Option<RunRecord>, StateStoreError> {
    let generator = Some(generator.to_owned());
    let filter = RunFilter { generator, until: at, with_state: true, limit: Some(1), ..RunFilter::default() };
    Ok(store.runs(&filter).await?.pop())
}

/// Gives the objects of a state to `each`, one by one, however many there are.
///
/// # Errors
/// If the store fails or is damaged.
pub async fn read_state(
    store: &dyn StateStore,
    root: BlobId,
    mut each: impl FnMut(StateObject),
) -> Result<(), CompareError> {
    let root = Root::read(store, root).await?;
    let mut objects = Objects::new(store, Some(&root));
    let mut batch = Batch::default();
    loop {
        let mut entries = Vec::new();
        while entries.len() < batch.objects()
            && let Some(entry) = objects.next().await?
        {
            entries.push(entry);
        }
        if entries.is_empty() {
            return Ok(());
        }
        read_objects(store, entries, &mut batch).await?.into_iter().for_each(&mut each);
    }
}

/// The objects of a state that people call `key`: one, or one in each part. Only the lists of objects are read for that.
///
/// # Errors
/// If the store fails or is damaged.
pub async fn find_objects(
    store: &dyn StateStore,
    root: BlobId,
    key: &str,
) -> Result<Vec<StateObject>, CompareError> {
    let root = Root::read(store, root).await?;
    let mut objects = Objects::new(store, Some(&root));
    let mut found = Vec::new();
    while let Some(entry) = objects.next().await? {
        if entry.key == key {
            found.push(entry);
        }
    }
    read_objects(store, found, &mut Batch::default()).await
}

async fn read_objects(
    store: &dyn StateStore,
    entries: Vec<Entry>,
    batch: &mut Batch,
) -> Result<Vec<StateObject>, CompareError> {
    let ids: Vec<BlobId> = entries.iter().map(|entry| entry.object).collect();
    let bytes = store.get(&ids).await?;
    batch.was_of(bytes.iter().map(Vec::len).sum());
    let object = |(entry, bytes): (Entry, Vec<u8>)| {
        Ok(StateObject {
            key: entry.key,
            part: entry.part,
            first_seen: Timestamp::from_micros(entry.first_seen),
            object: serde_json::from_slice(&bytes)?,
        })
    };
    entries.into_iter().zip(bytes).map(object).collect()
}

/// How many objects are read together: as many as take a bounded amount of memory, as far as the last ones can tell.
#[derive(Debug)]
pub(crate) struct Batch {
    objects: usize,
}

/// More are not quicker.
const MOST_OBJECTS: usize = 256;

/// So many bytes are enough for a batch.
const ENOUGH_BYTES: usize = 4 << 20;

impl Default for Batch {
    fn default() -> Self {
        Self { objects: 16 }
    }
}

impl Batch {
    pub(crate) fn objects(&self) -> usize {
        self.objects
    }

    /// The last one had so many bytes.
    pub(crate) fn was_of(&mut self, bytes: usize) {
        self.objects = match bytes {
            0..ENOUGH_BYTES => (2 * self.objects).min(MOST_OBJECTS),
            _ => (self.objects / 2).max(1),
        };
    }
}
