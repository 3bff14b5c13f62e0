//! Layouts: values with fixed text between them, and how a line is cut at that text.

use std::ops::Range;

use super::strftime;
use crate::layout_error::LayoutError;

/// What a layout says of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// A text, put as the field of this name.
    Text(String),
    /// The request line.
    Request,
    /// The path of the request and its query string, with no text between them.
    PathAndQuery(String, String),
    /// A time such as `10/Oct/2000:13:55:36 -0700`.
    CommonLogTime(String),
    /// A time such as `2000-10-10T13:55:36-07:00`.
    IsoTime(String),
    /// A part of a time, in the notation of `strftime`. The parts of a layout are read as one.
    TimePart(String),
}

/// The fields that a request line is split into.
pub(crate) const REQUEST_FIELDS: [&str; 3] = ["request_method", "request_uri", "server_protocol"];

/// The field of times in Apache's layouts.
pub(crate) const TIMESTAMP: &str = "timestamp";

/// A piece of a layout as it is written: text, or a value at a place.
#[derive(Debug)]
pub(crate) enum Token {
    Text(String),
    Value(Value, Range<usize>),
}

/// A line as values with fixed text between them.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The text before the first value.
    pub(crate) start: String,
    /// The values, each with the text that ends it.
    pub(crate) values: Vec<(Value, Separator)>,
}

/// The text that ends a value.
#[derive(Debug, Clone, Default)]
pub(crate) struct Separator {
    pub(crate) text: String,
    /// The value holds this text itself, so many times: the spaces in a date.
    times_inside: usize,
    /// It may hold more of it where numbers are padded with spaces.
    padded: Option<Padded>,
}

/// A time whose numbers may be padded with spaces: `May  5`.
#[derive(Debug, Clone)]
struct Padded {
    format: String,
    /// How many numbers may be padded.
    count: usize,
}

impl Layout {
    /// Puts the pieces of a layout together. `written` is the whole of it, for mistakes.
    pub(crate) fn new(tokens: Vec<Token>, written: &str) -> Result<Self, LayoutError> {
        let mut layout = Self { start: String::new(), values: Vec::new() };
        let mut last_span = 0..0;
        let mut seen = Vec::new();
        for token in tokens {
            match (token, layout.values.last_mut()) {
                (Token::Text(text), None) => layout.start.push_str(&text),
                (Token::Text(text), Some((_, separator))) => separator.text.push_str(&text),
                (Token::Value(_, span), Some((_, separator))) if separator.text.is_empty() => {
                    let (first, second) = (&written[last_span], &written[span.clone()]);
                    let message =
                        format!("nothing stands between `{first}` and `{second}` to tell them apart");
                    return Err(LayoutError::new(message, "put a space or a quote between them", span));
                }
                (Token::Value(mut value, span), _) => {
                    value.make_unique(&mut seen);
                    layout.values.push((value, Separator::default()));
                    last_span = span;
                }
            }
        }
        if layout.values.is_empty() {
            return Err(LayoutError::new(
                "the layout has no value in it",
                "see the examples",
                0..written.len(),
            ));
        }
        for (value, separator) in &mut layout.values {
            if let Value::TimePart(format) = value {
                separator.times_inside = strftime::count_inside(format, &separator.text);
                let count = strftime::count_padded(format);
                let may_hold_more = count > 0 && separator.text.starts_with(' ');
                separator.padded = may_hold_more.then(|| Padded { format: format.clone(), count });
            }
        }
        Ok(layout)
    }

    /// The names of the fields.
    pub(crate) fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        for (value, _) in &self.values {
            for name in value.fields() {
                if !fields.iter().any(|field| field == name) {
                    fields.push(name.to_owned());
                }
            }
        }
        fields
    }
}

impl Value {
    pub(crate) fn fields(&self) -> Vec<&str> {
        match self {
            Self::Text(name) | Self::CommonLogTime(name) | Self::IsoTime(name) => vec![name],
            Self::PathAndQuery(path, query) => vec![path, query],
            Self::Request => REQUEST_FIELDS.to_vec(),
            Self::TimePart(_) => vec![TIMESTAMP],
        }
    }

    /// Gives a field that the layout has already a name of its own: `status_2`.
    fn make_unique(&mut self, seen: &mut Vec<String>) {
        let names: Vec<&mut String> = match self {
            Self::Text(name) | Self::CommonLogTime(name) | Self::IsoTime(name) => vec![name],
            Self::PathAndQuery(path, query) => vec![path, query],
            Self::Request => {
                seen.extend(REQUEST_FIELDS.map(str::to_owned));
                return;
            }
            Self::TimePart(_) => return,
        };
        for name in names {
            let plain = name.clone();
            let mut times = 1;
            while seen.contains(name) {
                times += 1;
                *name = format!("{plain}_{times}");
            }
            seen.push(name.clone());
        }
    }
}

impl Separator {
    /// Where the value at the start of `rest` ends.
    pub(crate) fn find(&self, rest: &str) -> Option<usize> {
        let shortest = self.find_behind(rest, self.times_inside)?;
        let Some(Padded { format, count }) = &self.padded else { return Some(shortest) };
        let mut ends = (0..=*count).map_while(|more| self.find_behind(rest, self.times_inside + more));
        ends.find(|end| strftime::reads(format, &rest[..*end])).or(Some(shortest))
    }

    /// Where this text stands in `rest`, but for the first `to_skip` times.
    fn find_behind(&self, rest: &str, mut to_skip: usize) -> Option<usize> {
        let Some((first, others)) = self.text.as_bytes().split_first() else { return Some(rest.len()) };
        let bytes = rest.as_bytes();
        let mut from = 0;
        while let Some(found) = memchr::memchr(*first, &bytes[from..]) {
            let at = from + found;
            from = at + 1;
            if !bytes[from..].starts_with(others) || (*first == b'"' && is_escaped(bytes, at)) {
                continue;
            }
            if to_skip == 0 {
                return Some(at);
            }
            to_skip -= 1;
        }
        None
    }
}

/// Whether an odd number of backslashes stands before the byte `at`.
fn is_escaped(bytes: &[u8], at: usize) -> bool {
    bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}
