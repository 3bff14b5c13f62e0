//! What states need: asked for blob by blob in the order of their names, and found on the way.

use std::collections::{BTreeSet, HashSet};

use crate::state::{Root, page_from_bytes};
use crate::store::{BlobId, StateStore, StateStoreError};

use super::sorted_ids::{IdSorter, SortedIds};

/// Pages that are read together.
const PAGES: usize = 16;

/// So many damages are told.
const MAX_TOLD: usize = 10;

/// The blobs that states need.
#[derive(Debug)]
pub(super) struct Marks<'s> {
    store: &'s dyn StateStore,
    /// The pages that were not read yet.
    pages: SortedIds,
    /// What is needed at and after the blob that was asked for last, as far as the pages say that were read.
    ahead: BTreeSet<BlobId>,
    damaged: Vec<String>,
}

impl<'s> Marks<'s> {
    /// What the states with these roots need. Neighbours that share pages cost little.
    pub(super) async fn of(store: &'s dyn StateStore, roots: Vec<BlobId>) -> Result<Self, StateStoreError> {
        let mut sorter = IdSorter::new();
        let (mut seen, mut damaged) = (HashSet::new(), Vec::new());
        let mut previous = HashSet::new();
        for id in roots {
            if !seen.insert(id) {
                continue;
            }
            let root = store.get(&[id]).await.and_then(|bytes| Root::from_bytes(&bytes[0]));
            let Some(root) = unless_damaged(root, &mut damaged)? else { continue };
            let pages: HashSet<BlobId> = root.pages().collect();
            for page in pages.difference(&previous) {
                sorter.push(*page)?;
            }
            previous = pages;
        }
        Ok(Self { store, pages: sorter.sorted()?, ahead: seen.into_iter().collect(), damaged })
    }

    /// Whether a blob is needed. No blob is asked for after one that stands behind it.
    pub(super) async fn has(&mut self, id: BlobId) -> Result<bool, StateStoreError> {
        // A page stands where its first object does, so no later page has this one.
        while self.pages.peek().is_some_and(|page| page.place() <= id.place()) {
            self.read_pages().await?;
        }
        while self.ahead.first().is_some_and(|first| *first < id) {
            self.ahead.pop_first();
        }
        Ok(self.ahead.contains(&id))
    }

    /// Of states that are needed, what is damaged.
    pub(super) fn into_damaged(self) -> Vec<String> {
        self.damaged
    }

    async fn read_pages(&mut self) -> Result<(), StateStoreError> {
        let mut ids = Vec::with_capacity(PAGES);
        while ids.len() < PAGES
            && let Some(id) = self.pages.next()?
        {
            ids.push(id);
        }
        self.ahead.extend(&ids);
        match self.store.get(&ids).await {
            Ok(pages) => pages.into_iter().try_for_each(|bytes| self.add_page(Ok(bytes))),
            Err(StateStoreError::Damaged { .. }) => {
                for id in ids {
                    let bytes = self.store.get(&[id]).await;
                    self.add_page(bytes.map(|mut bytes| bytes.pop().unwrap_or_default()))?;
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn add_page(&mut self, bytes: Result<Vec<u8>, StateStoreError>) -> Result<(), StateStoreError> {
        let entries = bytes.and_then(|bytes| page_from_bytes(&bytes));
        if let Some(entries) = unless_damaged(entries, &mut self.damaged)? {
            self.ahead.extend(entries.into_iter().map(|entry| entry.object));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn ahead(&self) -> usize {
        self.ahead.len()
    }
}

/// `None` for what is damaged, which is noted: nobody can read what only it leads to, and it must not keep all else from
/// being swept for ever. Any other error may be gone the next time.
fn unless_damaged<T>(
    result: Result<T, StateStoreError>,
    damaged: &mut Vec<String>,
) -> Result<Option<T>, StateStoreError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(StateStoreError::Damaged { what }) => {
            if damaged.len() < MAX_TOLD {
                damaged.push(what);
            }
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
