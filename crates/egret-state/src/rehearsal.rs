//! Rehearsals: what a generator's run would tell if it found one state and then another. Tests of detections are made of
//! them, so what is compared and how is what runs do; only that nothing is looked at and nothing stays.

use std::io;

use egret_model::{Timestamp, suggest};
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::compare::{CompareError, Comparison, RunFacts};
use crate::documents::Documents;
use crate::generator::GenerateError;
use crate::registry::{GeneratorType, generator_types};
use crate::state::Root;
use crate::store::{SqliteStateStore, StateStoreError};

/// What the generator and both its runs are called.
const NAME: &str = "test";

/// So long before the second state the first was seen.
const BETWEEN: i64 = 3600 * 1_000_000;

/// Compares states that are given, one pair after the other.
#[derive(Debug)]
pub struct Rehearsal {
    runtime: Runtime,
    store: SqliteStateStore,
    /// Where the store is, until this is dropped.
    _folder: TempDir,
}

/// What became different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The channel of the changes.
    pub channel: String,
    /// The records of table `change`, one JSON object a line.
    pub lines: String,
}

/// Why states cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// Nothing is known of such documents.
    #[error("there is no generator type `{name}`; {hint}")]
    UnknownType {
        /// What was asked for.
        name: String,
        /// What there is.
        hint: String,
    },
    /// A document is none.
    #[error(transparent)]
    Document(#[from] GenerateError),
    /// The comparison failed.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// The place where states are kept for the comparison failed.
    #[error(transparent)]
    Store(#[from] StateStoreError),
    /// A temporary folder or a thread cannot be had.
    #[error("cannot prepare the comparison of states: {0}")]
    Prepare(#[from] io::Error),
}

impl Rehearsal {
    /// Prepares a place for states, which goes with it.
    ///
    /// # Errors
    /// If there is no room for temporary files.
    pub fn new() -> Result<Self, RehearsalError> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let folder = tempfile::tempdir()?;
        let store = runtime.block_on(SqliteStateStore::open(&folder.path().join("state.sqlite")))?;
        Ok(Self { runtime, store, _folder: folder })
    }

    /// What is told when a generator of this type finds the documents `before`, and those `after` at `now`, with the type's
    /// own key and shape. `channel` is the type's, too, unless it is given.
    ///
    /// # Errors
    /// If there is no such type, a document is too large, or the machine fails.
    pub fn changes(
        &self,
        generator: &str,
        channel: Option<&str>,
        before: &[Json],
        after: &[Json],
        now: Timestamp,
    ) -> Result<Rehearsed, RehearsalError> {
        let generator_type = find(generator)?;
        let channel = channel.unwrap_or(generator_type.channel);
        let earlier = Timestamp::from_micros(now.micros() - BETWEEN);
        let before = documents(generator_type, before)?;
        let after = documents(generator_type, after)?;
        let mut lines = Vec::new();
        self.runtime.block_on(async {
            let first = self.comparison(channel, earlier, None, None::<&mut Vec<u8>>).run(before).await?;
            let root = Root::read(&self.store, first.root).await?;
            self.comparison(channel, now, Some(&root), Some(&mut lines)).run(after).await?;
            Ok::<(), RehearsalError>(())
        })?;
        Ok(Rehearsed { channel: channel.to_owned(), lines: String::from_utf8_lossy(&lines).into_owned() })
    }

    fn comparison<'a, W>(
        &'a self,
        channel: &'a str,
        now: Timestamp,
        before: Option<&'a Root>,
        lines: Option<W>,
    ) -> Comparison<'a, W> {
        let facts = RunFacts { generator: NAME, channel, run: NAME, now };
        Comparison { store: &self.store, facts, wanted_at: facts.now, before, lines }
    }
}

fn documents(generator_type: &GeneratorType, given: &[Json]) -> Result<Documents, GenerateError> {
    let key = generator_type.key.iter().map(|field| (*field).to_owned()).collect();
    let mut documents = Documents::new(generator_type.shape(), key);
    for document in given {
        documents.push(document.clone())?;
    }
    Ok(documents)
}

fn find(name: &str) -> Result<&'static GeneratorType, RehearsalError> {
    let names = || generator_types().iter().map(|generator_type| generator_type.name);
    let found = generator_types().iter().find(|generator_type| generator_type.name == name);
    found.ok_or_else(|| {
        let hint = match suggest::nearest(name, names()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the generator types are {}", names().collect::<Vec<_>>().join(", ")),
        };
        RehearsalError::UnknownType { name: name.to_owned(), hint }
    })
}

#[cfg(test)]
mod tests;
