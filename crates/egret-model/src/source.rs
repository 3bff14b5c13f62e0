//! Sources: where bytes come from. A source knows nothing of what the bytes mean.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::position::Checkpoint;
use crate::time::{Clock, Timestamp};

/// What a source may use of the world.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// The positions that the partition's last commit left, by object name.
    pub checkpoints: Arc<HashMap<String, Checkpoint>>,
}

/// One thing in a source that has a position of its own: a file, an object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Canonical name: path or URL as first seen. A file that was rotated keeps it.
    pub name: String,
    /// Where it is now: path or URL, shown to people and stored as `tp_source_location`.
    pub location: String,
    /// Bytes of the decompressed object that earlier runs have committed; reading starts there.
    pub offset: u64,
    /// Size as stored (compressed), for progress; `None` where unknown.
    pub size: Option<u64>,
    /// When it was last modified: the year for timestamps that lack one.
    pub modified: Option<Timestamp>,
    /// What the next run needs to recognise it; becomes [`Checkpoint::state`] once it is finished.
    pub state: String,
    /// Whether the last record is complete although no end-of-line follows it. Not so for a text file that
    /// somebody may be writing at this moment.
    pub complete: bool,
}

/// What a listing found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The objects that may hold something new, in the order in which to read them.
    pub objects: Vec<Object>,
    /// How many objects are unchanged since they were finished. They were not opened.
    pub unchanged: u64,
    /// What could not be listed, object by object; never a reason to leave the others.
    pub failures: Vec<SourceError>,
}

/// Where bytes come from.
///
/// The pipeline calls [`Source::list`] once a run and [`Source::open`] once for each object it found, from
/// several threads at once; both may block. Nothing is acknowledged by reading: a position is durable when
/// the commit that holds it is.
pub trait Source: Send + Sync + fmt::Debug {
    /// The type's name in configuration: `file`.
    fn kind(&self) -> &'static str;

    /// What `tp_source_name` says: a bucket's name, a folder.
    fn name(&self) -> String;

    /// Finds the objects that may hold something new.
    ///
    /// # Errors
    /// Only if nothing at all can be listed; a part that cannot goes to [`Listing::failures`].
    fn list(&self, context: &SourceContext) -> Result<Listing, SourceError>;

    /// Opens an object for reading from its start, decompressed. Bytes before [`Object::offset`] are the
    /// reader's to skip where the format allows it; see [`ObjectReader::skip`].
    ///
    /// # Errors
    /// If it cannot be opened.
    fn open(&self, object: &Object) -> Result<Box<dyn ObjectReader>, SourceError>;
}

/// The decompressed bytes of one object.
///
/// An error of `read` means that the rest is unreadable (broken compression, a vanished disk); everything
/// read before it is good.
pub trait ObjectReader: Read + Send {
    /// Moves `bytes` forward, by seeking where the object allows it, else by reading on.
    ///
    /// # Errors
    /// As `read`; also if the object ends before.
    fn skip(&mut self, bytes: u64) -> std::io::Result<()>;

    /// How many stored (compressed) bytes have been consumed, for progress.
    fn stored_bytes(&self) -> u64;
}

/// Why a source or an object of it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried: `open`, `list`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What it said.
        #[source]
        error: std::io::Error,
    },
    /// The other side failed: a service, a program.
    #[error("{message}")]
    Failed {
        /// What went wrong, and what to do.
        message: String,
    },
    /// Nothing matches; most often a typing error in a path.
    #[error("nothing matches {pattern}{}", hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    NothingMatches {
        /// The path or glob.
        pattern: String,
        /// What to do next, such as the name of something similar that is there.
        hint: Option<String>,
    },
}
