//! Where states are kept: content under the hash of its bytes, and what each run of a generator came to.
//!
//! Everything but the runs is a blob that never changes, so what two states share is stored once, and writing something
//! twice is no harm. Which state of a generator counts is not decided here: that is the checkpoint in the lake.

mod filter;
mod folder;
mod postgres;
mod sqlite;

use std::fmt;

use async_trait::async_trait;
use egret_model::Timestamp;
use serde::{Deserialize, Serialize};

pub use folder::FolderStateStore;
pub use postgres::PostgresStateStore;
pub(crate) use postgres::is_schema_name;
pub use sqlite::SqliteStateStore;

/// The name of a blob: where it belongs in the order of all, and the hash of its bytes. Neighbours in a state are
/// neighbours in the store, so a large state is written and read from one end to the other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BlobId([u8; 32]);

impl BlobId {
    /// Bytes of the place; the rest are BLAKE3's.
    const PLACE: usize = 8;

    /// The name of `bytes` at `place`.
    pub fn of(place: [u8; Self::PLACE], bytes: &[u8]) -> Self {
        let mut id = [0; 32];
        id[..Self::PLACE].copy_from_slice(&place);
        let length = id.len() - Self::PLACE;
        id[Self::PLACE..].copy_from_slice(&blake3::hash(bytes).as_bytes()[..length]);
        Self(id)
    }

    /// Whether `bytes` are those it names.
    pub fn names(&self, bytes: &[u8]) -> bool {
        let length = self.0.len() - Self::PLACE;
        self.0[Self::PLACE..] == blake3::hash(bytes).as_bytes()[..length]
    }

    /// Where it stands in the order of all.
    pub(crate) fn place(&self) -> [u8; Self::PLACE] {
        let mut place = [0; Self::PLACE];
        place.copy_from_slice(&self.0[..Self::PLACE]);
        place
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What [`Self::as_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// What `Display` gave.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let mut id = [0; 32];
        if digits.len() != 2 * id.len() {
            return None;
        }
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            let digit = |digit: u8| char::from(digit).to_digit(16);
            *byte = u8::try_from(digit(pair[0])? << 4 | digit(pair[1])?).ok()?;
        }
        Some(Self(id))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Bytes, and their name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Their name.
    pub id: BlobId,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// How a run of a generator ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// The first state: nothing to compare with.
    Baseline,
    /// A state that differs from the one before.
    Changed,
    /// The same state as before.
    Unchanged,
    /// So little came that it is not believed. The state before stays.
    HeldBack,
    /// No state came. The state before stays.
    Failed,
}

impl RunOutcome {
    /// As it is shown and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::HeldBack => "held_back",
            Self::Failed => "failed",
        }
    }

    /// What [`Self::as_str`] gave.
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [Self::Baseline, Self::Changed, Self::Unchanged, Self::HeldBack, Self::Failed];
        all.into_iter().find(|outcome| outcome.as_str() == word)
    }
}

/// What a run of a generator came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The generator's name.
    pub generator: String,
    /// Its channel.
    pub channel: String,
    /// The run's id; those of one generator are in the order of time.
    pub run: String,
    /// When it began: the time of its state.
    pub started_at: Timestamp,
    /// How long it took, in microseconds.
    pub took: i64,
    /// How it ended.
    pub outcome: RunOutcome,
    /// The state after it, if there is one.
    pub root: Option<BlobId>,
    /// Objects in that state.
    pub objects: u64,
    /// Changes that it told.
    pub changes: u64,
    /// Parts that could not be looked at: their objects stayed as they were.
    #[serde(default)]
    pub failed_parts: u64,
    /// What went wrong, or is worth knowing; a line each.
    pub notes: Vec<String>,
}

/// Which runs are wanted; the newest come first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those of this generator.
    pub generator: Option<String>,
    /// Only those that began at this time or before.
    pub until: Option<Timestamp>,
    /// Only those that began at this time or after.
    pub since: Option<Timestamp>,
    /// Only those that left a state, not the failed ones.
    pub with_state: bool,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Why the store does not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StateStoreError {
    /// The database failed.
    #[error("the store of states failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database does not let us in.
    #[error("cannot reach {place}, where states are kept: {why}")]
    Unreachable {
        /// Where it is.
        place: String,
        /// What was said.
        why: String,
    },
    /// A file or folder failed.
    #[error("cannot {action} {place}: {error}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        place: String,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// Something is not there that must be, or is not what it was.
    #[error(
        "the store of states is damaged: {what}; restore it from a backup, or let generators make new baselines with \
             `egret state run NAME --baseline`"
    )]
    Damaged {
        /// What it is about.
        what: String,
    },
    /// The store is of a newer version.
    #[error(
        "the store of states at {place} has version {found}, and this Egret knows {known}; use a newer Egret"
    )]
    Version {
        /// Where it is.
        place: String,
        /// Its version.
        found: i64,
        /// The newest one known.
        known: i64,
    },
    /// A place that is no store.
    #[error("{place} is no place for states: {why}")]
    Place {
        /// As configured, without what is secret.
        place: String,
        /// What is wrong.
        why: String,
    },
}

/// Keeps blobs and runs.
///
/// To add one, implement this and pass the shared suite in `tests/store.rs`. All methods may be called at once, from
/// several processes. A blob that [`Self::put`] was given is never taken away by a [`Self::remove`] at the same time that
/// does not know of it: removing looks at the time again, and nothing comes between.
#[async_trait]
pub trait StateStore: Send + Sync + fmt::Debug {
    /// Keeps blobs, and notes that they were wanted at `now`. Those that are there already stay.
    ///
    /// # Errors
    /// If they cannot be kept. Some of them may be kept then.
    async fn put(&self, blobs: &[Blob], now: Timestamp) -> Result<(), StateStoreError>;

    /// The bytes of blobs, in the order asked.
    ///
    /// # Errors
    /// [`StateStoreError::Damaged`] if one is not there or is not what its name says.
    async fn get(&self, ids: &[BlobId]) -> Result<Vec<Vec<u8>>, StateStoreError>;

    /// At most `limit` names of blobs that were last wanted before `before`, in their order, those after `after`.
    ///
    /// # Errors
    /// If they cannot be listed.
    async fn old_blobs(
        &self,
        after: Option<BlobId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobId>, StateStoreError>;

    /// Removes those of the blobs that were not wanted since `before`. Returns how many that were.
    ///
    /// # Errors
    /// If they cannot be removed.
    async fn remove(&self, ids: &[BlobId], before: Timestamp) -> Result<u64, StateStoreError>;

    /// Keeps a run; one that is there already is replaced.
    ///
    /// # Errors
    /// If it cannot be kept.
    async fn put_run(&self, run: &RunRecord) -> Result<(), StateStoreError>;

    /// Runs, the newest first.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError>;

    /// The generators that have runs, by name.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn generators(&self) -> Result<Vec<String>, StateStoreError>;

    /// Forgets the runs of a generator that began before `before`, but not the run `except`. Returns how many that were.
    ///
    /// # Errors
    /// If they cannot be removed.
    async fn remove_runs(
        &self,
        generator: &str,
        before: Timestamp,
        except: Option<&str>,
    ) -> Result<u64, StateStoreError>;
}

/// Checks what was read against its name.
pub(crate) fn checked(id: BlobId, bytes: Option<Vec<u8>>) -> Result<Vec<u8>, StateStoreError> {
    match bytes {
        Some(bytes) if id.names(&bytes) => Ok(bytes),
        Some(_) => Err(StateStoreError::Damaged { what: format!("blob {id} has other bytes") }),
        None => Err(StateStoreError::Damaged { what: format!("blob {id} is missing") }),
    }
}

impl RunRecord {
    /// A run that has left nothing so far: failed, unless something comes of it.
    pub fn new(generator: &str, channel: &str, started_at: Timestamp) -> Self {
        Self {
            generator: generator.to_owned(),
            channel: channel.to_owned(),
            run: uuid::Uuid::now_v7().simple().to_string(),
            started_at,
            took: 0,
            outcome: RunOutcome::Failed,
            root: None,
            objects: 0,
            changes: 0,
            failed_parts: 0,
            notes: Vec::new(),
        }
    }

    /// Whether it left a state, be it the one before or a new one.
    pub fn has_state(&self) -> bool {
        self.root.is_some() && !matches!(self.outcome, RunOutcome::Failed | RunOutcome::HeldBack)
    }

    /// Whether it left a state that is another than before.
    pub fn is_new_state(&self) -> bool {
        matches!(self.outcome, RunOutcome::Baseline | RunOutcome::Changed)
    }

    /// As stores keep it.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_text(text: &str) -> Result<Self, StateStoreError> {
        let broken = |error| StateStoreError::Damaged { what: format!("a run cannot be read: {error}") };
        serde_json::from_str(text).map_err(broken)
    }
}
