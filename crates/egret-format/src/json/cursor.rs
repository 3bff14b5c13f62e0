//! Reads over the members of objects, one after the other.
//!
//! Of all that is done to collect JSON, finding where names and strings end takes the longest. So this is ours, made
//! for records that resemble each other: a name that is where it was in the last record is compared, not read. What
//! is neither a name, a string, a short word, nor a few digits is left to the parser, and so is the verdict on what is no JSON.

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType};

use super::lanes::find_special;
use super::unescape::unicode;

/// Of more digits the parser decides whether they are a number: it refuses thousands of them.
const MAX_DIGITS: usize = 19;

/// What stands here is no JSON, or not all of it: [`Cursor::refusal`] says which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused;

/// A place in a text that starts with a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

/// A value as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'t> {
    /// With the quotes, if it is a string.
    pub(super) text: &'t str,
    /// Whether it is a string with backslashes in it.
    pub(super) has_escapes: bool,
}

impl<'t> Cursor<'t> {
    /// At the start of `text`.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// How many bytes it has read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What it has not read.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The first byte of the next value, or whatever stands there.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Refused> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(*byte);
            }
            self.at += 1;
        }
        Err(Refused)
    }

    /// Enters the object that starts here. Whether it has a member, whose name is next.
    pub(super) fn enter(&mut self) -> Result<bool, Refused> {
        self.expect(b'{')?;
        match self.peek()? {
            b'}' => {
                self.at += 1;
                Ok(false)
            }
            _ => Ok(true),
        }
    }

    /// Goes on behind the value of a member. Whether there is another one, whose name is next; else the object is left.
    #[inline]
    pub(super) fn another(&mut self) -> Result<bool, Refused> {
        let byte = self.peek()?;
        self.at += 1;
        match byte {
            b',' => self.peek().map(|_| true),
            b'}' => Ok(false),
            _ => Err(Refused),
        }
    }

    /// Reads the name of a member and the colon behind it if they are `written` so.
    #[inline]
    pub(super) fn name_is(&mut self, written: &str) -> bool {
        let found = self.text.as_bytes()[self.at..].starts_with(written.as_bytes());
        if found {
            self.at += written.len();
        }
        found
    }

    /// Reads the name of a member and the colon behind it.
    pub(super) fn name(&mut self) -> Result<Raw<'t>, Refused> {
        if self.peek()? != b'"' {
            return Err(Refused);
        }
        let name = self.value()?;
        self.expect(b':')?;
        Ok(name)
    }

    /// Reads the next value.
    #[inline]
    pub(super) fn value(&mut self) -> Result<Raw<'t>, Refused> {
        let first = self.peek()?;
        let (start, bytes) = (self.at, self.text.as_bytes());
        let mut has_escapes = false;
        let word_end = match first {
            b'"' => {
                let (end, escapes) = string_end(bytes, start + 1).ok_or(Refused)?;
                has_escapes = escapes;
                Some(end)
            }
            b'0'..=b'9' => integer_end(bytes, start),
            b'n' => word_end(bytes, start, b"null"),
            b't' => word_end(bytes, start, b"true"),
            b'f' => word_end(bytes, start, b"false"),
            _ => None,
        };
        match word_end {
            Some(end) => self.at = end,
            None => self.skip()?,
        }
        // Values start and end at ASCII characters, so the range is always on the boundaries of text.
        Ok(Raw { text: self.text.get(start..self.at).unwrap_or_default(), has_escapes })
    }

    /// Leaves it to the parser to read over the next value.
    fn skip(&mut self) -> Result<(), Refused> {
        let mut json = Jiter::new(&self.text.as_bytes()[self.at..]);
        json.next_skip().map_err(|_| Refused)?;
        self.at += json.current_index();
        Ok(())
    }

    fn expect(&mut self, byte: u8) -> Result<(), Refused> {
        if self.peek()? != byte {
            return Err(Refused);
        }
        self.at += 1;
        Ok(())
    }

    /// What the parser says of `text`, which was refused.
    pub(super) fn refusal(text: &str) -> JiterError {
        let accepted = || JiterError {
            error_type: JiterErrorType::JsonError(JsonErrorType::ExpectedSomeValue),
            index: 0,
        };
        Jiter::new(text.as_bytes()).next_skip().err().unwrap_or_else(accepted)
    }
}

/// Where the string ends whose first character is at `at`, behind its quote, and whether it has escapes. `None` if it
/// is not valid or has no end.
#[inline]
fn string_end(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut has_escapes = false;
    loop {
        at = find_special(bytes, at)?;
        match bytes[at] {
            b'"' => return Some((at + 1, has_escapes)),
            b'\\' => has_escapes = true,
            _ => return None,
        }
        at += match bytes.get(at + 1)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' => 2 + unicode(&bytes[at + 2..])?.1,
            _ => return None,
        };
    }
}

/// Where the number ends that starts with a digit at `at`, if it is nothing but a few digits.
fn integer_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = bytes[at..].iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let goes_on = digits > MAX_DIGITS || matches!(bytes.get(at + digits), Some(b'.' | b'e' | b'E'));
    let has_zero = digits > 1 && bytes[at] == b'0';
    (!goes_on && !has_zero).then_some(at + digits)
}

fn word_end(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes[at..].starts_with(word).then_some(at + word.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads an object and everything below it as the records are read. Where it ends.
    fn read(text: &str) -> Result<usize, Refused> {
        fn members(cursor: &mut Cursor<'_>) -> Result<(), Refused> {
            let mut more = cursor.enter()?;
            while more {
                if !cursor.name_is(r#""a":"#) {
                    cursor.name()?;
                }
                match cursor.peek()? {
                    b'{' => members(cursor)?,
                    _ => drop(cursor.value()?),
                }
                more = cursor.another()?;
            }
            Ok(())
        }
        let mut cursor = Cursor::new(text);
        members(&mut cursor).map(|()| cursor.at())
    }

    #[test]
    fn strings_end_at_their_quote() {
        let long = format!("\"{}é\\\\{}\\\"\\ud83d\\ude00\"", "x".repeat(37), "y".repeat(16));
        for (text, end) in [
            (r#""""#, Some((2, false))),
            (r#""a" "b""#, Some((3, false))),
            (r#""\\" ""#, Some((4, true))),
            (long.as_str(), Some((long.len(), true))),
            (r#""a"#, None),
            (r#""a\"#, None),
            (r#""\x""#, None),
            (r#""\ud800""#, None),
            (r#""\u12""#, None),
            ("\"a\nb\"", None),
        ] {
            assert_eq!(string_end(text.as_bytes(), 1), end, "{text}");
        }
    }

    #[test]
    fn a_value_is_given_as_it_is_written() {
        for value in [r#""a\n""#, "0", "17", "-1", "1.5e3", "null", "true", "false", r#"[1, {"a": "]"}]"#] {
            let text = format!(" \t\n{value} ,");
            let mut cursor = Cursor::new(&text);
            let raw = cursor.value().unwrap();
            assert_eq!((raw.text, raw.has_escapes), (value, value.contains('\\')));
            assert_eq!(cursor.rest(), " ,");
        }
        for wrong in ["01", "1.", "nul", "tru e", "'a'", "", "[1", "{\"a\"}"] {
            let read = Cursor::new(wrong).value();
            let is_short = read.is_ok_and(|raw| raw.text.len() < wrong.len());
            assert!(read.is_err() || is_short, "{wrong}: {read:?}");
        }
    }

    fn value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|truth| truth.to_string()),
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>().prop_map(|number| serde_json::Value::from(number).to_string()),
            "[\\PC\"\\\\\n\u{1}é😀]{0,40}".prop_map(|text| serde_json::Value::from(text).to_string()),
            Just(r#""\ud83d\ude00\/\b""#.to_owned()),
            prop::sample::select(vec![18, 19, 20, 4_300, 4_301]).prop_map(|digits| "7".repeat(digits)),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let members = prop::collection::vec(("[a-c\\PC]{0,3}", inner.clone()), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" , "))),
                members.prop_map(|members| {
                    let written = |(name, value)| format!("{}:{value}", serde_json::Value::from(name));
                    format!("{{ {}}}", members.into_iter().map(written).collect::<Vec<_>>().join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_reads_what_the_parser_reads(
            value in value(),
            at in any::<prop::sample::Index>(),
            other in prop::option::of(prop::sample::select(vec!["", "\"", "\\", "{", "}", ",", ":", "0", "\u{2}", " "])),
        ) {
            let mut text = format!("{{\"a\":{value},\"b\" : {value}}}");
            if let Some(other) = other {
                let at = at.index(text.len());
                let at = (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                let end = at + text[at..].chars().next().map_or(0, char::len_utf8);
                text.replace_range(at..end, other);
            }
            let mut json = Jiter::new(text.as_bytes());
            if text.starts_with('{') {
                match json.next_skip() {
                    Ok(()) => prop_assert_eq!(read(&text), Ok(json.current_index()), "{}", text),
                    Err(_) => prop_assert_eq!(read(&text), Err(Refused), "{}", text),
                }
            }
        }
    }
}
