//! What can go wrong between findings and people.

use egret_lake::LakeError;
use egret_store::StoreError;

/// Why alerts could not be made or delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// The lake's findings cannot be read.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Findings cannot be arranged as rows.
    #[error("cannot arrange findings as rows: {0}")]
    Rows(#[from] arrow::error::ArrowError),
    /// A thread that reads ended.
    #[error("reading findings was interrupted: {0}")]
    Interrupted(#[from] tokio::task::JoinError),
    /// There is no such alert.
    #[error("there is no alert `{0}`")]
    UnknownAlert(String),
    /// The alert is not in a state in which this can be done.
    #[error("alert {alert_id} is {status}; {hint}")]
    State {
        /// The alert.
        alert_id: String,
        /// What it is.
        status: &'static str,
        /// What can be done.
        hint: &'static str,
    },
}
