//! Differences as people and programs want to see them: as text, as a list of operations, as a tree, as a patch.
//!
//! What people see is lines, each with its role, so that a terminal gives them colours and a pipe has plain text. Keys and
//! values come from outside: in no line is anything that steers a terminal.

mod operations;
mod patch;
mod text;
mod tree;
mod unified;

pub use operations::operations;
pub use patch::patch;
pub use tree::tree;
pub use unified::unified;

use crate::change::Operation;
use crate::difference::ObjectDifference;

/// What a line shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LineRole {
    /// What is there now.
    Added,
    /// What was there.
    Removed,
    /// What has another value.
    Changed,
    /// What stands elsewhere.
    Moved,
    /// What is around it.
    Context,
    /// Which object it is, or which part of it.
    Heading,
}

/// A line without its end. Its mark is part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferenceLine {
    /// What it shows.
    pub role: LineRole,
    /// What it says.
    pub text: String,
}

impl DifferenceLine {
    fn new(role: LineRole, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }
}

impl From<Operation> for LineRole {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Add => Self::Added,
            Operation::Remove => Self::Removed,
            Operation::Change => Self::Changed,
            Operation::Move => Self::Moved,
        }
    }
}

/// What a line of an operation begins with.
fn mark(operation: Operation) -> char {
    match operation {
        Operation::Add => '+',
        Operation::Remove => '-',
        Operation::Change => '~',
        Operation::Move => '>',
    }
}

/// What an object is called where it stands alone.
fn name(difference: &ObjectDifference) -> String {
    let ObjectDifference { key, part, .. } = difference;
    text::harmless(&if part.is_empty() { key.clone() } else { format!("{part}[{key}]") })
}

#[cfg(test)]
mod tests;
