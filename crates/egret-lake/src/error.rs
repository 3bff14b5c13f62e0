//! What can go wrong with a lake, and what to do about it.

use std::io;
use std::path::PathBuf;

/// Why something with the lake did not work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LakeError {
    /// The folder or a file in it cannot be used.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The catalog is not one that this version can read.
    #[error("the catalog {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The catalog's file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// The catalog's database failed.
    #[error("the lake's catalog failed: {0}")]
    Catalog(#[source] sqlx::Error),
    /// Another process kept the catalog locked for longer than we wait.
    #[error("the lake's catalog is locked by another process; try again when it is done")]
    Busy,
    /// A name that cannot be a table's.
    #[error(
        "{name:?} cannot be the name of a lake table; use letters, digits and `_`, not starting with a digit"
    )]
    TableName {
        /// The name.
        name: String,
    },
    /// There is no such table.
    #[error("the lake has no table `{name}`; {hint}")]
    UnknownTable {
        /// The name that was asked for.
        name: String,
        /// The nearest table, or what to do.
        hint: String,
    },
    /// A column's new type cannot hold what is stored.
    #[error(
        "column `{column}` of table `{table}` is {live} in the lake and cannot become {wanted}; \
         only wider integers and double are possible: give the column another name"
    )]
    TypeChange {
        /// The table.
        table: String,
        /// The column, with the path to it where it is nested.
        column: String,
        /// Its type in the lake.
        live: String,
        /// The type that was wanted.
        wanted: String,
    },
    /// Two columns that SQL cannot tell apart.
    #[error("column `{column}` of table `{table}` differs from `{live}` only in case; give it another name")]
    ColumnCase {
        /// The table.
        table: String,
        /// The new column.
        column: String,
        /// The column that is there.
        live: String,
    },
    /// Rows that do not fit the table they are written to.
    #[error("rows do not fit table `{table}`: {reason}")]
    Rows {
        /// The table.
        table: String,
        /// What does not fit.
        reason: String,
    },
    /// A snapshot that never was, or has expired.
    #[error("the lake has no snapshot {wanted}; the oldest is {oldest}, the newest {newest}")]
    UnknownSnapshot {
        /// What was asked for: a number or a time.
        wanted: String,
        /// The oldest snapshot that is kept.
        oldest: i64,
        /// The newest snapshot.
        newest: i64,
    },
    /// Arrow could not do what was asked.
    #[error("cannot arrange rows of table `{table}`: {source}")]
    Arrow {
        /// The table.
        table: String,
        /// What Arrow said.
        source: arrow::error::ArrowError,
    },
    /// A Parquet file could not be written or read.
    #[error("cannot write or read {}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: parquet::errors::ParquetError,
    },
    /// The query engine failed on the lake's files.
    #[error("cannot read the lake: {0}")]
    Read(String),
    /// A maintenance step lost against other writers again and again.
    #[error("cannot {action} table `{table}`: other processes keep changing it; try again later")]
    Contended {
        /// The step.
        action: &'static str,
        /// The table.
        table: String,
    },
}

impl LakeError {
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn arrow(table: &str) -> impl FnOnce(arrow::error::ArrowError) -> Self {
        let table = table.to_owned();
        move |source| Self::Arrow { table, source }
    }

    /// Whether the same call may succeed later without a change by anybody.
    pub fn may_retry(&self) -> bool {
        matches!(self, Self::Busy | Self::Contended { .. })
    }
}

impl From<sqlx::Error> for LakeError {
    fn from(error: sqlx::Error) -> Self {
        // SQLite's codes 5 and 6 are BUSY and LOCKED; the extended codes carry them in their low byte.
        let busy = match &error {
            sqlx::Error::Database(database) => database
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .is_some_and(|code| matches!(code & 0xff, 5 | 6)),
            sqlx::Error::PoolTimedOut => true,
            _ => false,
        };
        if busy { Self::Busy } else { Self::Catalog(error) }
    }
}

/// Why a commit did not happen, or may not have.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else was faster. Nothing was committed; read the partition's checkpoints again.
    #[error("not committed: {0}")]
    Conflict(#[from] Conflict),
    /// The catalog failed. Unless the error says that it was busy, ask for the sequence before trying
    /// again: the commit may have happened.
    #[error(transparent)]
    Lake(#[from] LakeError),
}

impl From<sqlx::Error> for CommitError {
    fn from(error: sqlx::Error) -> Self {
        Self::Lake(error.into())
    }
}

/// What somebody else changed while a commit was prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another collector committed to the partition.
    #[error("partition `{partition}` is at sequence {found}, not {expected}: another process collects it")]
    Sequence {
        /// The partition, as `table.partition`.
        partition: String,
        /// The sequence that the commit builds on.
        expected: u64,
        /// The sequence in the catalog.
        found: u64,
    },
    /// A file to be removed is gone, or rows in it were deleted since it was read.
    #[error("file {file} of table `{table}` was changed by another process")]
    File {
        /// The table.
        table: String,
        /// The file's number in the catalog.
        file: i64,
    },
    /// The table was dropped or a column changed its type since the files were written.
    #[error("table `{table}` was changed by another process: {reason}")]
    Schema {
        /// The table.
        table: String,
        /// What changed.
        reason: String,
    },
}
