//! Bytes that are nearly always text, as text: names of files, lines of the kernel's tables.

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Bytes as text. What is no UTF-8 is written as `\xff`, so that different names stay different.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// A path of the host, from its root on.
pub(crate) fn shown_path(path: &Path) -> String {
    let text = shown(path.as_os_str().as_bytes());
    if text.starts_with('/') { text } else { format!("/{text}") }
}

/// Takes back the `\040` for a space and its like, as the kernel writes them in tables with columns.
pub(crate) fn unescape_octal(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        if let (b'\\', Some(code)) = (first, after.get(..3).and_then(octal)) {
            plain.push(code);
            rest = &after[3..];
        } else {
            plain.push(*first);
            rest = after;
        }
    }
    plain
}

fn octal(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0_u8, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 8)?;
        value.checked_mul(8)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text_and_stay_different() {
        assert_eq!(shown("grün".as_bytes()), "grün");
        assert_eq!(shown(b"a\xffb\xc3"), "a\\xffb\\xc3");
        assert_eq!(shown_path(Path::new("etc/passwd")), "/etc/passwd");
    }

    #[test]
    fn escapes_of_the_kernel_are_taken_back() {
        let plain = |text: &str| String::from_utf8(unescape_octal(text.as_bytes())).unwrap();
        assert_eq!(plain(r"/mnt/a\040b\011c\134d"), "/mnt/a b\tc\\d");
        assert_eq!(plain(r"\04"), r"\04");
        assert_eq!(plain(r"\999 \777"), r"\999 \777");
        assert_eq!(unescape_octal(br"\377"), [0xff]);
    }
}
