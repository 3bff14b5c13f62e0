//! What became different between two states that are kept, whatever was between them.

use serde_json::Value as Json;

use crate::change::Change;
use crate::compare::CompareError;
use crate::differ::diff;
use crate::difference::ObjectDifference;
use crate::history::Batch;
use crate::path::Path;
use crate::shape::Shape;
use crate::state::{Entry, Objects, Root};
use crate::store::{BlobId, StateStore, StateStoreError};

/// An object in both states, or in one of them.
type Pair = [Option<Entry>; 2];

/// Gives what became different from one state to another to `each`, object by object, however many there are. Without a
/// state to begin from everything is new. `shape` says what counts: that of the generator now.
///
/// What both states have in common is not read: it costs as much as they differ.
///
/// # Errors
/// If the store fails or is damaged.
pub async fn compare_states(
    store: &dyn StateStore,
    from: Option<BlobId>,
    to: BlobId,
    shape: &Shape,
    mut each: impl FnMut(ObjectDifference),
) -> Result<(), CompareError> {
    let before = match from {
        Some(from) => Some(Root::read(store, from).await?),
        None => None,
    };
    let after = Root::read(store, to).await?;
    let mut objects = Objects::of_other_pages(store, before.as_ref(), &after);
    let mut batch = Batch::default();
    loop {
        let mut pairs = Vec::new();
        while pairs.len() < batch.objects()
            && let Some(pair) = next_pair(&mut objects).await?
        {
            pairs.push(pair);
        }
        if pairs.is_empty() {
            return Ok(());
        }
        let wanted: Vec<BlobId> = pairs.iter().flatten().flatten().map(|entry| entry.object).collect();
        let bytes = store.get(&wanted).await?;
        batch.was_of(bytes.iter().map(Vec::len).sum());
        let mut bytes = bytes.iter();
        for pair in pairs {
            if let Some(difference) = difference(pair, &mut bytes, shape)? {
                each(difference);
            }
        }
    }
}

/// The next object that is not the same in both states.
async fn next_pair([old, new]: &mut [Objects<'_>; 2]) -> Result<Option<Pair>, StateStoreError> {
    loop {
        let pair = match (old.next_slot().await?, new.next_slot().await?) {
            (None, None) => return Ok(None),
            (Some(here), Some(there)) if here == there => [old.next().await?, new.next().await?],
            (Some(here), there) if there.is_none_or(|there| here < there) => [old.next().await?, None],
            _ => [None, new.next().await?],
        };
        match &pair {
            [Some(old), Some(new)] if old.object == new.object => {}
            _ => return Ok(Some(pair)),
        }
    }
}

/// What became different of an object, if any of it counts. Takes its documents from `bytes`.
fn difference<'a>(
    [old, new]: Pair,
    bytes: &mut impl Iterator<Item = &'a Vec<u8>>,
    shape: &Shape,
) -> Result<Option<ObjectDifference>, CompareError> {
    let mut document = |entry: &Option<Entry>| -> Result<Option<Json>, serde_json::Error> {
        let bytes = entry.as_ref().and_then(|_| bytes.next());
        // What does not count now may have counted then.
        bytes.map(|bytes| serde_json::from_slice(bytes).map(|document| shape.canonical(document))).transpose()
    };
    let (before, after) = (document(&old)?, document(&new)?);
    let changes = match (&before, &after) {
        (Some(before), Some(after)) => diff(before, after, shape),
        (Some(before), None) => vec![Change::remove(Path::default(), before)],
        (None, Some(after)) => vec![Change::add(Path::default(), after)],
        (None, None) => Vec::new(),
    };
    let entry = new.or(old).filter(|_| !changes.is_empty());
    Ok(entry.map(|Entry { key, part, .. }| ObjectDifference { key, part, before, after, changes }))
}

#[cfg(test)]
mod tests;
