//! What JSON strings say.

use super::cursor::Raw;
use super::lanes::copy_to_backslash;

/// The text of the JSON string `raw`; it is put into `buffer` if it has escapes.
#[inline]
pub(super) fn unescape<'t>(raw: Raw<'t>, buffer: &'t mut Vec<u8>) -> &'t str {
    let inner = raw.text.get(1..raw.text.len() - 1).unwrap_or_default();
    if raw.has_escapes { unescaped(inner, buffer) } else { inner }
}

/// What `inner` says.
#[inline(never)]
fn unescaped<'t>(inner: &'t str, buffer: &'t mut Vec<u8>) -> &'t str {
    if buffer.len() < inner.len() {
        buffer.resize(inner.len(), 0);
    }
    // It was read over before; should the two disagree, the string stays as it is written.
    let text = write_text(inner.as_bytes(), buffer).and_then(|length| str::from_utf8(&buffer[..length]).ok());
    text.unwrap_or(inner)
}

/// Writes what `inner` says, which is never longer, to `buffer`, and says how long it is.
fn write_text(inner: &[u8], buffer: &mut [u8]) -> Option<usize> {
    let (mut at, mut end) = (0, 0);
    loop {
        let plain = copy_to_backslash(&inner[at..], &mut buffer[end..end + inner.len() - at]);
        at += plain;
        end += plain;
        if at == inner.len() {
            return Some(end);
        }
        let mut escaped = |byte: u8| {
            buffer[end] = byte;
            (1, 2)
        };
        let (written, read) = match inner.get(at + 1)? {
            byte @ (b'\\' | b'"' | b'/') => escaped(*byte),
            b'n' => escaped(b'\n'),
            b'r' => escaped(b'\r'),
            b't' => escaped(b'\t'),
            b'b' => escaped(0x8),
            b'f' => escaped(0xc),
            b'u' => {
                let (character, length) = unicode(&inner[at + 2..])?;
                (character.encode_utf8(&mut buffer[end..]).len(), 2 + length)
            }
            _ => return None,
        };
        end += written;
        at += read;
    }
}

/// The character that `00e9` or `d83d\ude00` stand for, and how many bytes that is.
pub(super) fn unicode(digits: &[u8]) -> Option<(char, usize)> {
    let unit = hexadecimal(digits)?;
    if !(0xd800..0xdc00).contains(&unit) {
        return Some((char::from_u32(unit)?, 4));
    }
    let low = hexadecimal(digits.get(4..)?.strip_prefix(b"\\u")?)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x1_0000 + ((unit - 0xd800) << 10) + low)?, 10))
}

fn hexadecimal(digits: &[u8]) -> Option<u32> {
    digits.get(..4)?.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw<'_> {
        Raw { text, has_escapes: text.contains('\\') }
    }

    #[test]
    fn every_escape_is_read() {
        let written = r#""C:\\a\\\"b\"\/c\n\r\t\b\f\u00e9\ud83d\ude00z""#;
        let mut buffer = b"what was there".to_vec();
        assert_eq!(unescape(raw(written), &mut buffer), "C:\\a\\\"b\"/c\n\r\t\u{8}\u{c}é😀z");
        assert_eq!(unescape(raw(r#""plain""#), &mut buffer), "plain");
        assert_eq!(unescape(raw(r#""\\""#), &mut buffer), "\\");
        assert_eq!(unescape(raw(r#""\ud800""#), &mut buffer), r"\ud800", "no such string is read over");
    }

    proptest::proptest! {
        #[test]
        fn what_was_written_is_read(text in "[\\PC\\\\\"\n\u{1}é😀]{0,40}", ascii in proptest::bool::ANY) {
            let mut written = serde_json::Value::from(text.as_str()).to_string();
            if ascii {
                let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
                written = written.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect();
            }
            let mut buffer = Vec::new();
            proptest::prop_assert_eq!(unescape(raw(&written), &mut buffer), text);
        }
    }
}
