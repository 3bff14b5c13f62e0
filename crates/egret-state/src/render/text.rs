//! Names and values in a line: harmless, and no longer than a line should be.

use serde_json::Value as Json;

use crate::change::{Change, Operation};
use crate::path::{Path, Step};

/// Characters of a value in a line.
const WIDTH: usize = 72;

/// Characters of a long value that are shown of its end, and before two of them differ.
const SHARED: usize = 16;

/// `text` with what steers a terminal, or the order of what it shows, written out.
pub(super) fn harmless(text: &str) -> String {
    escaped(text, |c, out| out.extend(c.escape_default()))
}

/// As [`harmless`], in the way of JSON: what is JSON stays the same JSON.
pub(super) fn harmless_json(text: &str) -> String {
    escaped(text, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            out.push_str(&format!("\\u{unit:04x}"));
        }
    })
}

/// A value on one line, shortened.
pub(super) fn value(value: &Json) -> String {
    harmless_json(&shortened(&value.to_string(), 0))
}

/// What happened to the value of a place.
pub(super) fn happened(change: &Change) -> String {
    let [before, after] = [&change.before, &change.after].map(|side| side.as_ref().unwrap_or(&Json::Null));
    match change.operation {
        Operation::Add => value(after),
        Operation::Remove => value(before),
        Operation::Change => changed(before, after),
        Operation::Move => moved(change, after),
    }
}

/// From one value to another. Of long ones that begin alike, what is shown begins shortly before they differ.
fn changed(before: &Json, after: &Json) -> String {
    let [before, after] = [before, after].map(Json::to_string);
    let is_long = before.chars().count().max(after.chars().count()) > WIDTH;
    let common = before.chars().zip(after.chars()).take_while(|(one, other)| one == other).count();
    let skipped = if is_long && common > 2 * SHARED { common - SHARED } else { 0 };
    let [before, after] = [before, after].map(|text| harmless_json(&shortened(&text, skipped)));
    format!("{before} -> {after}")
}

/// From one place in a list to another; with the item, unless its name stands there already.
fn moved(change: &Change, item: &Json) -> String {
    let index = |path: Option<&Path>| match path.and_then(|path| path.steps().last()) {
        Some(Step::Item { index, .. }) => index.to_string(),
        _ => "elsewhere".to_owned(),
    };
    let way = format!("from {} to {}", index(change.from.as_ref()), index(Some(&change.path)));
    match change.path.steps().last() {
        Some(Step::Item { identity: Some(_), .. }) => way,
        _ => format!("{} {way}", value(item)),
    }
}

/// `text` from `skipped` on. Of what is too long the middle is left out: names often differ at their end.
fn shortened(text: &str, skipped: usize) -> String {
    let rest: Vec<char> = text.chars().skip(skipped).collect();
    let mut short = if skipped > 0 { "…".to_owned() } else { String::new() };
    if rest.len() <= WIDTH {
        short.extend(rest);
        return short;
    }
    short.extend(&rest[..WIDTH - 1 - SHARED]);
    short.push('…');
    short.extend(&rest[rest.len() - SHARED..]);
    short
}

fn escaped(text: &str, escape: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_layout(c) { escape(c, &mut out) } else { out.push(c) }
    }
    out
}

/// What is not seen, and changes how what is beside it is seen.
fn is_layout(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_steers_a_terminal() {
        assert_eq!(harmless("a\u{1b}[31m\n\u{202e}\u{9b}"), "a\\u{1b}[31m\\n\\u{202e}\\u{9b}");
        let odd = json!("\u{1b}\u{7f}\u{9b}\u{2066}é😀");
        let shown = value(&odd);
        assert_eq!(shown, r#""\u001b\u007f\u009b\u2066é😀""#);
        assert_eq!(serde_json::from_str::<Json>(&shown).unwrap(), odd);
    }

    #[test]
    fn long_values_are_shortened() {
        assert_eq!(value(&json!("x".repeat(WIDTH - 2))).chars().count(), WIDTH);
        let long = value(&json!(format!("{}end", "é".repeat(WIDTH))));
        assert!(long.starts_with("\"éé") && long.ends_with("éé…ééééééééééééend\""), "{long}");
        assert_eq!(long.chars().count(), WIDTH);
    }

    #[test]
    fn long_values_are_shown_where_they_differ() {
        let [before, after] = ["a", "b"].map(|end| json!(format!("{}{end}", "x".repeat(1000))));
        assert_eq!(changed(&before, &after), "…xxxxxxxxxxxxxxxxa\" -> …xxxxxxxxxxxxxxxxb\"");
        assert_eq!(changed(&json!("a"), &json!(null)), "\"a\" -> null");
    }
}
