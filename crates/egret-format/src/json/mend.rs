//! Values that the parser refuses: where they end, and what they say once lone surrogates are replaced.

use jiter::Jiter;

/// Brackets nested deeper than this have no end that is looked for.
const MAX_NESTING: usize = 1 << 16;

/// A word without quotes that is longer than this has no end that is looked for.
const MAX_WORD_BYTES: usize = 4 << 10;

/// How long `\ud800` is, and what it is replaced by.
const ESCAPE_BYTES: usize = 6;
const REPLACEMENT: &str = "\\ufffd";

/// Where a value ends that need not be valid JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueEnd {
    /// Before this byte.
    At(usize),
    /// Behind the text.
    Cut,
    /// Nobody can tell.
    Lost,
}

/// Looks for the end of the value that starts at `at`, going by nothing but strings and brackets.
pub(super) fn value_end(bytes: &[u8], at: usize) -> ValueEnd {
    match bytes.get(at) {
        None => ValueEnd::Cut,
        Some(b'"') => string_end(bytes, at).map_or(ValueEnd::Cut, ValueEnd::At),
        Some(b'{' | b'[') => brackets_end(bytes, at),
        Some(_) => word_end(bytes, at),
    }
}

fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn brackets_end(bytes: &[u8], mut at: usize) -> ValueEnd {
    let mut awaited = Vec::new();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match string_end(bytes, at) {
                Some(end) => {
                    at = end;
                    continue;
                }
                None => return ValueEnd::Cut,
            },
            b'{' => awaited.push(b'}'),
            b'[' => awaited.push(b']'),
            b'}' | b']' => {
                if awaited.pop() != Some(*byte) {
                    return ValueEnd::Lost;
                }
                if awaited.is_empty() {
                    return ValueEnd::At(at + 1);
                }
            }
            _ => {}
        }
        if awaited.len() > MAX_NESTING {
            return ValueEnd::Lost;
        }
        at += 1;
    }
    ValueEnd::Cut
}

/// A word such as `NaN`, up to the comma or bracket behind it.
fn word_end(bytes: &[u8], at: usize) -> ValueEnd {
    let ends_word = |byte: &u8| matches!(byte, b',' | b'{' | b'}' | b'[' | b']' | b'"');
    let word = &bytes[at..bytes.len().min(at + MAX_WORD_BYTES)];
    match word.iter().position(ends_word) {
        Some(length) if length > 0 && matches!(word[length], b',' | b'}' | b']') => {
            // At least a byte, or the reader would stay here for ever.
            ValueEnd::At(at + word[..length].trim_ascii_end().len().max(1))
        }
        None if word.len() < MAX_WORD_BYTES => ValueEnd::Cut,
        _ => ValueEnd::Lost,
    }
}

/// A text of which every lone surrogate was replaced by U+FFFD. Each of its bytes is where it was.
#[derive(Debug)]
pub(super) struct Mended {
    pub(super) text: String,
    /// Where something was replaced, in order.
    places: Vec<usize>,
}

impl Mended {
    /// How many surrogates were replaced between these bytes.
    pub(super) fn places_between(&self, from: usize, to: usize) -> usize {
        self.places.partition_point(|place| *place < to) - self.places.partition_point(|place| *place < from)
    }

    /// How many were replaced in all.
    pub(super) fn places(&self) -> usize {
        self.places.len()
    }
}

/// Replaces the lone surrogates (`\ud800` without a `\udc00` behind it) of `written`, a value in JSON's notation.
/// `None` if there are none.
pub(super) fn mend(written: &str) -> Option<Mended> {
    let bytes = written.as_bytes();
    let mut mended = Mended { text: String::new(), places: Vec::new() };
    let (mut at, mut copied) = (0, 0);
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\\', rest)) {
        at += found;
        match surrogate(bytes, at) {
            Some(0xd800..0xdc00) if matches!(surrogate(bytes, at + ESCAPE_BYTES), Some(0xdc00..)) => {
                at += 2 * ESCAPE_BYTES;
            }
            Some(_) => {
                mended.text.push_str(&written[copied..at]);
                mended.text.push_str(REPLACEMENT);
                mended.places.push(at);
                at += ESCAPE_BYTES;
                copied = at;
            }
            // Over the escaped character, which may be another backslash.
            None => at += 2,
        }
    }
    mended.text.push_str(&written[copied..]);
    (!mended.places.is_empty()).then_some(mended)
}

/// The surrogate whose escape stands at `at`.
fn surrogate(bytes: &[u8], at: usize) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = bytes.get(at..at + ESCAPE_BYTES)? else { return None };
    let code = digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))?;
    (0xd800..0xe000).contains(&code).then_some(code)
}

/// Whether nothing but lone surrogates keeps `written` from being one JSON value.
pub(super) fn is_mendable(written: &str) -> bool {
    mend(written).is_some_and(|mended| Jiter::new(mended.text.as_bytes()).next_skip().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_value_is_found_without_understanding_it() {
        for (text, end) in [
            (r#"{"a":"\ud800\"}",[x]} ,"#, ValueEnd::At(21)),
            (r#"[}]"#, ValueEnd::Lost),
            (r#"{"a":["#, ValueEnd::Cut),
            (r#""a\""#, ValueEnd::Cut),
            (r#""a\"#, ValueEnd::Cut),
            (r#""a\\" "#, ValueEnd::At(5)),
            ("nope ]", ValueEnd::At(4)),
            ("\u{c} ,", ValueEnd::At(1)),
            ("nope", ValueEnd::Cut),
            ("no\"", ValueEnd::Lost),
            ("]", ValueEnd::Lost),
            ("", ValueEnd::Cut),
        ] {
            assert_eq!(value_end(text.as_bytes(), 0), end, "{text}");
        }
        assert_eq!(value_end("[".repeat(100_000).as_bytes(), 0), ValueEnd::Lost);
        assert_eq!(value_end("x".repeat(100_000).as_bytes(), 0), ValueEnd::Lost);
    }

    #[test]
    fn only_lone_surrogates_are_replaced() {
        for (written, expected) in [
            (r"\ud800", Some(r"\ufffd")),
            (r"é\uDFFFx\uD83D\uDE00\ud83d\ud83d\ude00", Some(r"é\ufffdx\uD83D\uDE00\ufffd\ud83d\ude00")),
            (r"\\ud800 \u0041 \ud83d\ude00 \ud80", None),
            (r"\\\ud800\n", Some(r"\\\ufffd\n")),
            ("\\", None),
        ] {
            let mended = mend(written);
            assert_eq!(mended.as_ref().map(|mended| mended.text.as_str()), expected, "{written}");
        }
        let mended = mend(r"\ud800 \ud800").unwrap();
        assert_eq!((mended.places(), mended.places_between(1, 13), mended.places_between(0, 7)), (2, 1, 1));
    }
}
