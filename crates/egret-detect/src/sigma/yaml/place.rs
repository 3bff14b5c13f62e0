//! Places: the parser counts characters, everyone else bytes; and where a part of a value is written.

use std::ops::Range;
use std::sync::Arc;

use egret_config::{Location, SourceFile};

/// Where the characters of a text begin.
pub(super) struct Offsets<'a> {
    text: &'a str,
    /// For every character its first byte; nothing for ASCII, where both are the same.
    bytes: Option<Vec<u32>>,
}

impl<'a> Offsets<'a> {
    /// Those of `text`.
    pub fn new(text: &'a str) -> Self {
        // Files are far smaller than 4 GiB: `SigmaFile` caps them.
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(byte, _)| byte as u32).collect());
        Self { text, bytes }
    }

    /// Where the character `index` begins; the end of the text if there is none.
    pub fn byte(&self, index: usize) -> usize {
        match &self.bytes {
            None => index.min(self.text.len()),
            Some(bytes) => bytes.get(index).map_or(self.text.len(), |byte| *byte as usize),
        }
    }

    /// How many characters begin before the byte `offset`.
    pub fn characters(&self, offset: usize) -> usize {
        match &self.bytes {
            None => offset,
            Some(bytes) => bytes.partition_point(|byte| (*byte as usize) < offset),
        }
    }
}

/// Where the bytes `inner` of `value` are, which is written at `span`. If that is not certain (escapes in double
/// quotes, an alias), all of it.
pub(in crate::sigma) fn place_inside(
    file: &Arc<SourceFile>,
    span: &Range<usize>,
    value: &str,
    inner: Range<usize>,
) -> Location {
    let whole = Location::new(file, span.clone());
    match range_in(whole.text(), value, inner) {
        Some(range) => Location::new(file, span.start + range.start..span.start + range.end),
        None => whole,
    }
}

/// White space at both ends is left out: in it there are no places that are certain.
fn range_in(written: &str, value: &str, inner: Range<usize>) -> Option<Range<usize>> {
    let meant = value.get(inner.clone())?;
    let first = inner.start + meant.len() - meant.trim_start().len();
    let start = offset_in(written, value, first)?;
    let meant = meant.trim();
    // The end lies behind a character of the value, which may be the last of its line.
    let Some((index, last)) = meant.char_indices().next_back() else { return Some(start..start) };
    let doubled = written.starts_with('\'') && last == '\'';
    let end = offset_in(written, value, first + index)? + last.len_utf8() + usize::from(doubled);
    (start <= end).then_some(start..end)
}

/// Where the byte `inner` of `value` is in it as `written`: in quotes, over several lines, or as it is. Lines are
/// folded and indented, so any white space stands for any other.
fn offset_in(written: &str, value: &str, inner: usize) -> Option<usize> {
    let quote = written.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
    let mut at = quote.map_or(0, char::len_utf8);
    for (index, wanted) in value.char_indices() {
        let rest = &written[at..];
        if wanted.is_whitespace() {
            if index >= inner {
                return Some(at);
            }
            at += rest.len() - rest.trim_start().len();
            continue;
        }
        at += rest.len() - rest.trim_start().len();
        let rest = &written[at..];
        if !rest.starts_with(wanted) {
            return None;
        }
        if index >= inner {
            return Some(at);
        }
        let doubled = quote == Some('\'') && wanted == '\'';
        at += wanted.len_utf8() + usize::from(doubled);
    }
    (inner == value.len()).then_some(at)
}
