//! States as they were: the objects of any state that is still kept.

use egret_model::Timestamp;
use serde::Serialize;
use serde_json::Value as Json;

use crate::compare::CompareError;
use crate::state::{Objects, Root};
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
    while let Some(entry) = objects.next().await? {
        let bytes = store.get(&[entry.object]).await?;
        each(StateObject {
            key: entry.key,
            part: entry.part,
            first_seen: Timestamp::from_micros(entry.first_seen),
            object: serde_json::from_slice(&bytes[0])?,
        });
    }
    Ok(())
}
