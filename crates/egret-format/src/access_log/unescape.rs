//! The escapes that web servers write into their logs.

/// Resolves `\xHH`, `\"`, `\\` and the letters of C (`\n`, `\t`, …) in `text`. `None` if there is nothing to
/// resolve or if what comes out is not UTF-8: then the text stays as written. A backslash before anything else
/// stands for itself.
pub(crate) fn unescape(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut at = memchr::memchr(b'\\', bytes)?;
    let mut plain = Vec::with_capacity(bytes.len());
    plain.extend_from_slice(&bytes[..at]);
    while let Some(&byte) = bytes.get(at) {
        let (resolved, length) = match bytes.get(at + 1) {
            Some(b'x') if byte == b'\\' => match hex(bytes.get(at + 2..at + 4)) {
                Some(resolved) => (resolved, 4),
                None => (byte, 1),
            },
            Some(letter) if byte == b'\\' => match letter {
                b'"' | b'\\' => (*letter, 2),
                b'n' => (b'\n', 2),
                b'r' => (b'\r', 2),
                b't' => (b'\t', 2),
                b'b' => (0x08, 2),
                b'f' => (0x0c, 2),
                b'v' => (0x0b, 2),
                _ => (byte, 1),
            },
            _ => (byte, 1),
        };
        plain.push(resolved);
        at += length;
    }
    String::from_utf8(plain).ok()
}

fn hex(digits: Option<&[u8]>) -> Option<u8> {
    let &[high, low] = digits? else { return None };
    let high = char::from(high).to_digit(16)?;
    let low = char::from(low).to_digit(16)?;
    u8::try_from(high * 16 + low).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_resolved_where_that_gives_text() {
        for (text, expected) in [
            ("plain", None),
            (r"a\x22b", Some("a\"b")),
            (r#"a\"b\\c"#, Some("a\"b\\c")),
            (r"\xE4\xB8\xAD", Some("中")),
            (r"\xe4\xb8\xad", Some("中")),
            (r"\x16\x03\xff", None),
            (r"\x16\x03\x01", Some("\u{16}\u{3}\u{1}")),
            (r"\n\r\t\b\f\v", Some("\n\r\t\u{8}\u{c}\u{b}")),
            (r"C:\dir\xzz", Some(r"C:\dir\xzz")),
            (r"end\", Some(r"end\")),
            (r"end\x4", Some(r"end\x4")),
        ] {
            assert_eq!(unescape(text).as_deref(), expected, "{text}");
        }
    }
}
