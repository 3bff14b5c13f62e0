//! Why a service did not do what it was asked, and whether it may do it later.

use std::time::Duration;

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// It may do it later.
    #[error("{message}")]
    Retry {
        /// What went wrong: lowercase, no full stop, no secrets.
        message: String,
        /// When to try again, if the service said so.
        after: Option<Duration>,
    },
    /// It will never do it as it is asked.
    #[error("{message}")]
    Refused {
        /// What went wrong and what to do: lowercase, no full stop, no secrets.
        message: String,
    },
}

impl CallError {
    /// To be tried again, when the caller thinks so.
    pub fn retry(message: impl Into<String>) -> Self {
        Self::Retry { message: message.into(), after: None }
    }

    /// Not to be tried again.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into() }
    }
}
