//! A quick look at all texts of a batch: whether a keyword can be anywhere in it.
//!
//! A rule that looks for words in the whole record would make every byte of every record pass its automaton. The texts of
//! a batch lie in few buffers: a packed search over those, many times as fast, says most often that there is nothing.

use std::collections::{BTreeMap, BTreeSet};

use aho_corasick::Span;
use aho_corasick::packed::{Config, Searcher};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::buffer::Buffer;
use arrow::datatypes::DataType;

use crate::condition::{Predicate, Test};
use crate::text::Part;

/// A packed search takes at most so many patterns.
const MAX_PATTERNS: usize = 64;

/// Texts of at most so many bytes lie in their view and in no buffer.
const MAX_INLINE_BYTES: usize = 12;

/// How long a searched piece is, the better one first.
const WINDOW_BYTES: [usize; 2] = [4, 3];

/// How the escapes begin that JSON may hide a letter of a keyword in: those of ASCII, and of `K` (the kelvin sign) and
/// `İ`, which fold to it.
const HIDING_ESCAPES: [&str; 3] = ["\\u00", "\\u212", "\\u013"];

/// Finds out whether any of some keywords can be in a batch.
pub(crate) struct Prefilter {
    searcher: Searcher,
    /// For each pattern of the searcher the fragments it is from, and where it is in each.
    patterns: Vec<Vec<(usize, usize)>>,
    /// A part of each keyword that is in a text wherever the keyword is, however JSON writes it; in lower case.
    fragments: Vec<Vec<u8>>,
}

/// The texts of a batch.
pub(crate) struct Haystack {
    buffers: Vec<Buffer>,
    columns: Vec<StringViewArray>,
    /// Whether texts are written in a way that hides them.
    is_hidden: bool,
}

impl Prefilter {
    /// For these tests of every value; `None` if one of them has no text that can be searched for so.
    pub(crate) fn new<'p>(tests: impl Iterator<Item = &'p Predicate>) -> Option<Self> {
        let fragments: Vec<Vec<u8>> = tests.map(fragment).collect::<Option<_>>()?;
        let windows = WINDOW_BYTES.iter().find_map(|length| windows(&fragments, *length))?;
        let searcher = Config::new().builder().extend(windows.keys()).build()?;
        Some(Self { searcher, patterns: windows.into_values().collect(), fragments })
    }

    /// Whether one of the keywords may be in the batch.
    pub(crate) fn may_be_in(&self, haystack: &Haystack) -> bool {
        haystack.is_hidden
            || haystack.buffers.iter().any(|buffer| self.is_in(buffer))
            || haystack.columns.iter().any(|column| self.is_in_short_texts(column))
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut from = 0;
        while let Some(found) = self.searcher.find_in(bytes, Span { start: from, end: bytes.len() }) {
            let places = &self.patterns[found.pattern().as_usize()];
            if places.iter().any(|(fragment, offset)| self.is_at(bytes, *fragment, found.start(), *offset)) {
                return true;
            }
            // Another pattern may begin inside this one.
            from = found.start() + 1;
        }
        false
    }

    /// Whether the fragment is there of which the part at `offset` is at `found`.
    fn is_at(&self, bytes: &[u8], fragment: usize, found: usize, offset: usize) -> bool {
        let (before, after) = self.fragments[fragment].split_at(offset);
        begins_so(bytes[..found].iter().rev(), before.iter().rev())
            && begins_so(bytes[found..].iter(), after.iter())
    }

    fn is_in_short_texts(&self, column: &StringViewArray) -> bool {
        let shortest = self.fragments.iter().map(Vec::len).min().unwrap_or(0);
        column.views().iter().any(|view| {
            let length = *view as u32 as usize;
            (shortest..=MAX_INLINE_BYTES).contains(&length) && self.is_in(&view.to_le_bytes()[4..4 + length])
        })
    }
}

/// Whether text begins with what is wanted, in any case. What is no ASCII may fold to anything, of any length: then
/// nobody knows what the rest is.
fn begins_so<'b>(text: impl Iterator<Item = &'b u8>, wanted: impl Iterator<Item = &'b u8>) -> bool {
    let mut text = text;
    for wanted in wanted {
        match text.next() {
            Some(byte) if !byte.is_ascii() => return true,
            Some(byte) if byte.eq_ignore_ascii_case(wanted) => {}
            _ => return false,
        }
    }
    true
}

/// The pieces that are searched for, each with the fragments that it is from and where it is in them.
type Windows = BTreeMap<Vec<u8>, Vec<(usize, usize)>>;

/// A piece of each fragment, in all its cases; `None` if those are too many.
fn windows(fragments: &[Vec<u8>], length: usize) -> Option<Windows> {
    let mut all = Windows::new();
    for (number, fragment) in fragments.iter().enumerate() {
        // `K` (the kelvin sign) and `İ` fold to these, and are other bytes.
        let is_plain = |window: &&[u8]| !window.iter().any(|byte| matches!(byte, b'k' | b'i'));
        let letters = |window: &[u8]| window.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let best = fragment.windows(length).enumerate().filter(|(_, window)| is_plain(window));
        let (offset, window) = best.min_by_key(|(_, window)| letters(window))?;
        for text in cases(window) {
            all.entry(text).or_default().push((number, offset));
        }
    }
    (all.len() <= MAX_PATTERNS && !all.is_empty()).then_some(all)
}

/// All ways to write an ASCII text in upper and lower case.
fn cases(text: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for byte in text {
        let cases = BTreeSet::from([byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
        all = all
            .into_iter()
            .flat_map(|before| cases.iter().map(move |case| [before.as_slice(), &[*case]].concat()))
            .collect();
    }
    all
}

/// The longest part of a test's text that JSON writes as it is.
fn fragment(predicate: &Predicate) -> Option<Vec<u8>> {
    let Test::Text(pattern) = &predicate.test else { return None };
    let literals = pattern.parts().iter().filter_map(|part| match part {
        Part::Literal(text) => Some(&**text),
        _ => None,
    });
    let is_written_otherwise =
        |c: char| !c.is_ascii() || c.is_ascii_control() || matches!(c, '\\' | '"' | '/');
    let fragments = literals.flat_map(|text| text.split(is_written_otherwise));
    let longest = fragments.max_by_key(|fragment| fragment.len())?.to_ascii_lowercase();
    // Numbers, times and truth values are in no buffer: a text that has such a letter is none of them.
    let is_no_number = longest.bytes().any(|byte| b"ghjkmopqvwxy".contains(&byte));
    is_no_number.then(|| longest.into_bytes())
}

impl Haystack {
    /// The texts of `batch`, some of whose columns hold JSON.
    pub(crate) fn new(batch: &RecordBatch, json_columns: &BTreeSet<String>) -> Self {
        let mut haystack = Self { buffers: Vec::new(), columns: Vec::new(), is_hidden: false };
        for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if field.name().starts_with("tp_") {
                continue;
            }
            haystack.add(column);
            if json_columns.contains(field.name())
                && let Some(texts) = column.as_string_view_opt()
            {
                let finders = HIDING_ESCAPES.map(memchr::memmem::Finder::new);
                let hides = |text: &str| finders.iter().any(|finder| finder.find(text.as_bytes()).is_some());
                haystack.is_hidden |= texts.iter().flatten().any(hides);
            }
        }
        haystack
    }

    fn add(&mut self, column: &ArrayRef) {
        match column.data_type() {
            DataType::Utf8View => {
                let texts = column.as_string_view();
                for buffer in texts.data_buffers() {
                    self.add_buffer(buffer);
                }
                self.columns.push(texts.clone());
            }
            DataType::Utf8 => self.add_buffer(column.as_string::<i32>().values()),
            DataType::LargeUtf8 => self.add_buffer(column.as_string::<i64>().values()),
            DataType::Struct(_) => column.as_struct().columns().iter().for_each(|inner| self.add(inner)),
            DataType::List(_) => self.add(column.as_list::<i32>().values()),
            _ => {}
        }
    }

    /// Columns share buffers.
    fn add_buffer(&mut self, buffer: &Buffer) {
        let is_same = |known: &Buffer| known.as_ptr() == buffer.as_ptr() && known.len() == buffer.len();
        if !self.buffers.iter().any(is_same) {
            self.buffers.push(buffer.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::condition::{Condition, Subject};
    use crate::text::TextPattern;

    fn prefilter(keywords: &[&str]) -> Option<Prefilter> {
        let test = |text: &&str| Predicate {
            subject: Subject::AnyValue,
            test: Test::Text(TextPattern::contains(text)),
        };
        let tests: Vec<Predicate> = keywords.iter().map(test).collect();
        Prefilter::new(tests.iter())
    }

    fn may_be_in(keywords: &[&str], text: &str) -> bool {
        let column: ArrayRef = Arc::new(StringViewArray::from(vec![Some(text)]));
        let batch = RecordBatch::try_from_iter([("extra", column)]).unwrap();
        let haystack = Haystack::new(&batch, &BTreeSet::from(["extra".to_owned()]));
        prefilter(keywords).unwrap().may_be_in(&haystack)
    }

    #[test]
    fn keywords_are_seen_in_any_case_and_however_json_writes_them() {
        let keywords = ["sekurlsa::logonpasswords", "\\mimilib.dll", "eo.oe.kiwi"];
        assert!(may_be_in(&keywords, "a long text that says SEKURLSA::LogonPasswords somewhere"));
        assert!(may_be_in(&keywords, r#"{"path":"C:\\Temp\\MimiLib.dll"}"#));
        assert!(may_be_in(&keywords, "eo.oe.KIWI"), "short texts lie in their view");
        assert!(may_be_in(&keywords, "eo.oe.\u{212a}iwi is the same word"));
        assert!(may_be_in(&["lookup::all"], "loo\u{212a}up::all is the same word"));
        assert!(may_be_in(&keywords, r#"{"a":"nothing, but \u0065scaped"}"#));
        assert!(may_be_in(&["lookup::all"], r#"{"a":"loo\u212Aup::all is the same word"}"#));
        assert!(may_be_in(&["mimilib.dll"], r#"{"a":"m\u0130milib.dll may be"}"#));
        assert!(!may_be_in(&keywords, "a long text that says sekurlsa:logonpasswords and mimilib-dll"));
    }

    #[test]
    fn a_keyword_is_seen_where_a_part_of_another_ends_in_it() {
        let keywords = ["lsadump::", "xp::masterkey", "misc::skeleton", "kerberos::golden"];
        for keyword in keywords {
            assert!(may_be_in(&keywords, &format!("a text in which {keyword} is")), "{keyword}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_has_no_prefilter() {
        assert!(prefilter(&["12345"]).is_none(), "may be a number, which is in no buffer");
        assert!(prefilter(&["ab"]).is_none(), "too short");
        assert!(prefilter(&["\\\\//"]).is_none());
        let regex = Condition::any_value(Test::Regex("mimikatz".into()));
        assert!(Prefilter::new(regex.predicates().into_iter()).is_none());
    }
}
