//! What can go wrong with the store.

use std::io;
use std::path::PathBuf;

/// Why something with the store did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A file of it cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is of another version.
    #[error("the store {} has version {found}, and this Egret knows {known}: use a newer Egret", path.display())]
    Version {
        /// The store's file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is known.
        known: i64,
    },
    /// Its database failed.
    #[error("the store failed: {0}")]
    Database(#[source] sqlx::Error),
    /// Another process kept it locked for longer than we wait.
    #[error("the store is locked by another process; try again when it is done")]
    Busy,
    /// What is stored cannot be read.
    #[error("{what} in the store cannot be read: {error}")]
    Broken {
        /// What.
        what: String,
        /// Why.
        error: serde_json::Error,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code());
        // SQLITE_BUSY and its extended codes.
        if code.is_some_and(|code| code.parse::<i64>().is_ok_and(|code| code & 0xff == 5)) {
            return Self::Busy;
        }
        Self::Database(error)
    }
}
