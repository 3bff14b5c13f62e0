//! What JSON strings say.

/// The text of the JSON string `raw`, which is known to be valid; it is put into `buffer` if it has escapes.
#[inline]
pub(super) fn unescape<'t>(raw: &'t str, buffer: &'t mut String) -> &'t str {
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    match memchr::memchr(b'\\', inner.as_bytes()) {
        None => inner,
        Some(first) => unescaped(inner, first, buffer),
    }
}

/// What `inner` says, whose first backslash is at `first`.
#[inline(never)]
fn unescaped<'t>(inner: &'t str, first: usize, buffer: &'t mut String) -> &'t str {
    buffer.clear();
    if write_text(inner, first, buffer).is_some() {
        return buffer;
    }
    // The parser has read it before; should the two disagree, the string stays as it is written.
    inner
}

/// Writes what `inner` says, whose first backslash is at `first`.
fn write_text(inner: &str, first: usize, buffer: &mut String) -> Option<()> {
    let bytes = inner.as_bytes();
    let (mut plain_from, mut backslash) = (0, first);
    loop {
        buffer.push_str(&inner[plain_from..backslash]);
        let mut next = backslash + 2;
        plain_from = next;
        match bytes.get(backslash + 1)? {
            // Most often it is a backslash: it stands for itself, and what follows is written together with it.
            b'\\' | b'"' | b'/' => plain_from = backslash + 1,
            b'n' => buffer.push('\n'),
            b'r' => buffer.push('\r'),
            b't' => buffer.push('\t'),
            b'b' => buffer.push('\u{8}'),
            b'f' => buffer.push('\u{c}'),
            b'u' => {
                let (character, length) = unicode(&bytes[next..])?;
                buffer.push(character);
                next += length;
                plain_from = next;
            }
            _ => return None,
        }
        match memchr::memchr(b'\\', bytes.get(next..)?) {
            Some(at) => backslash = next + at,
            None => break,
        }
    }
    buffer.push_str(inner.get(plain_from..)?);
    Some(())
}

/// The character that `00e9` or `d83d\ude00` stand for, and how many bytes that is.
fn unicode(digits: &[u8]) -> Option<(char, usize)> {
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

    #[test]
    fn every_escape_is_read() {
        let written = r#""C:\\a\\\"b\"\/c\n\r\t\b\f\u00e9\ud83d\ude00z""#;
        let mut buffer = "what was there".to_owned();
        assert_eq!(unescape(written, &mut buffer), "C:\\a\\\"b\"/c\n\r\t\u{8}\u{c}é😀z");
        assert_eq!(unescape(r#""plain""#, &mut buffer), "plain");
        assert_eq!(unescape(r#""\\""#, &mut buffer), "\\");
        assert_eq!(unescape(r#""\ud800""#, &mut buffer), r"\ud800", "the parser refuses it");
    }

    proptest::proptest! {
        #[test]
        fn what_was_written_is_read(text in "[\\PC\\\\\"\n\u{1}é😀]{0,40}", ascii in proptest::bool::ANY) {
            let mut written = serde_json::Value::from(text.as_str()).to_string();
            if ascii {
                let units = |c: char| c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
                written = written.chars().map(|c| if c.is_ascii() { c.to_string() } else { units(c) }).collect();
            }
            let mut buffer = String::new();
            proptest::prop_assert_eq!(unescape(&written, &mut buffer), text);
        }
    }
}
