//! A difference as a list of operations, a line each: `~ users[alice].mfa: true -> false`.

use super::text::{happened, harmless};
use super::{DifferenceLine, mark};
use crate::change::Change;
use crate::difference::ObjectDifference;

/// A line for each change, with everything in it: it can be understood, and found, without the others.
pub fn operations(difference: &ObjectDifference) -> Vec<DifferenceLine> {
    let ObjectDifference { key, part, changes, .. } = difference;
    let line = |change: &Change| {
        let path = change.path.readable();
        let dot = if path.is_empty() || path.starts_with('[') { "" } else { "." };
        let place = harmless(&format!("{part}[{key}]{dot}{path}"));
        let text = format!("{} {place}: {}", mark(change.operation), happened(change));
        DifferenceLine::new(change.operation.into(), text)
    };
    changes.iter().map(line).collect()
}
