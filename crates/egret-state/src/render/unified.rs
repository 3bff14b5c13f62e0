//! A difference as a unified diff of the documents' text, as `diff -u` writes it and `patch` reads it.

use std::time::Duration;

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::text::harmless_json;
use super::{DifferenceLine, LineRole, name, operations};
use crate::difference::ObjectDifference;

/// Lines around what changed.
const CONTEXT: usize = 3;

/// After this time the smallest difference of two large texts is not looked for any more; a larger one is right as well.
const PATIENCE: Duration = Duration::from_secs(1);

/// What there is in place of an object that was not there, or is gone.
const NOTHING: &str = "/dev/null";

/// The diff of both documents, with a line for each member and item, and three lines of what is around. Documents that are
/// not there because they are too large for a row are told by their operations.
pub fn unified(difference: &ObjectDifference) -> Vec<DifferenceLine> {
    let name = name(difference);
    let heading = |mark: &str, is_there: bool| {
        DifferenceLine::new(LineRole::Heading, format!("{mark} {}", if is_there { &name } else { NOTHING }))
    };
    let mut lines = vec![heading("---", !difference.is_added()), heading("+++", !difference.is_removed())];
    let Some([before, after]) = texts(difference) else {
        lines.extend(operations(difference));
        return lines;
    };
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(&before, &after);
    for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
        lines.push(DifferenceLine::new(LineRole::Heading, hunk.header().to_string()));
        for change in hunk.iter_changes() {
            let (mark, role) = match change.tag() {
                ChangeTag::Delete => ('-', LineRole::Removed),
                ChangeTag::Insert => ('+', LineRole::Added),
                ChangeTag::Equal => (' ', LineRole::Context),
            };
            lines.push(DifferenceLine::new(role, format!("{mark}{}", change.value().trim_end_matches('\n'))));
        }
    }
    lines
}

/// Both documents as text; `None` if one is not known.
fn texts(difference: &ObjectDifference) -> Option<[String; 2]> {
    let text = |document: &Option<Json>, is_nothing: bool| match document {
        _ if is_nothing => Some(String::new()),
        Some(document) => Some(pretty(document)),
        None => None,
    };
    Some([
        text(&difference.before, difference.is_added())?,
        text(&difference.after, difference.is_removed())?,
    ])
}

/// A document with a line for each member and item.
pub(super) fn pretty(document: &Json) -> String {
    // `Display` with `#` is as `to_string_pretty`, and cannot fail.
    harmless_json_lines(&format!("{document:#}"))
}

/// Line ends that are not in strings stay.
fn harmless_json_lines(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.lines() {
        lines.push_str(&harmless_json(line));
        lines.push('\n');
    }
    lines
}
