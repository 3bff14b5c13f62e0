//! Mistakes in layouts: what formats take that are told how a line is written.

use std::ops::Range;

/// Why a layout cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {hint}")]
pub struct LayoutError {
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
    /// Where in the layout, in bytes.
    pub span: Range<usize>,
}

impl LayoutError {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>, span: Range<usize>) -> Self {
        Self { message: message.into(), hint: hint.into(), span }
    }
}
