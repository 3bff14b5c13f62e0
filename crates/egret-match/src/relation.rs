//! Tests that compare two fields of a row.

use crate::cell::Cell;
use crate::condition::{FieldRelation, TextRelation};
use crate::fold::fold;

/// Whether `cell`, or an element of it, is so related to `other`.
pub(crate) fn holds(relation: &FieldRelation, cell: &Cell<'_>, other: &Cell<'_>) -> bool {
    let Cell::Text(other) = other else { return false };
    let other = if relation.cased { other.to_string() } else { fold(other) };
    let mut found = false;
    cell.each_value(&mut |text| {
        let text = if relation.cased { text.to_owned() } else { fold(text) };
        found |= match relation.relation {
            TextRelation::Equals => text == other,
            TextRelation::Contains => text.contains(&other),
            TextRelation::StartsWith => text.starts_with(&other),
            TextRelation::EndsWith => text.ends_with(&other),
        };
    });
    found
}
