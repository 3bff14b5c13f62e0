//! A line of an `authorized_keys` file.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::host;

/// A key that may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyLine {
    pub kind: String,
    pub fingerprint: String,
    /// The length of an RSA key; others have the one of their type.
    pub bits: Option<u64>,
    pub comment: Option<String>,
    pub options: Vec<String>,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parsed {
    Key(KeyLine),
    /// Empty, or a comment.
    Nothing,
    Odd,
}

impl KeyLine {
    pub(super) fn parse(line: &str) -> Parsed {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Parsed::Nothing;
        }
        // With options, they come first; that a key follows tells one from the other.
        let without = key(line).map(|key| (key, ""));
        let with = || {
            let (options, rest) = split_options(line)?;
            Some((key(rest.trim_start())?, options))
        };
        match without.or_else(with) {
            Some((key, options)) => Parsed::Key(Self { options: read_options(options), ..key }),
            None => Parsed::Odd,
        }
    }
}

/// The key that a text begins with. The type stands before the key and in it, so nothing else is taken for one.
fn key(text: &str) -> Option<KeyLine> {
    let (kind, rest) = text.split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let (encoded, comment) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let blob = STANDARD.decode(encoded).or_else(|_| STANDARD_NO_PAD.decode(encoded)).ok()?;
    let (inner, after) = field(&blob)?;
    if inner != kind.as_bytes() {
        return None;
    }
    let bits =
        if kind == "ssh-rsa" { field(after).and_then(|(_, after)| bits_of(field(after)?.0)) } else { None };
    let comment = comment.trim();
    Some(KeyLine {
        kind: kind.to_owned(),
        fingerprint: format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(&blob))),
        bits,
        comment: (!comment.is_empty()).then(|| comment.to_owned()),
        options: Vec::new(),
    })
}

/// A field of the key: its length, and so many bytes.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The length of a number without the zeros before it.
fn bits_of(number: &[u8]) -> Option<u64> {
    let start = number.iter().position(|byte| *byte != 0)?;
    let zeros = u64::from(number[start].leading_zeros());
    Some((number.len() - start) as u64 * 8 - zeros)
}

/// The options before the first space that is in no quotes, and the rest.
fn split_options(line: &str) -> Option<(&str, &str)> {
    let mut is_quoted = false;
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if is_quoted => {
                letters.next();
            }
            '"' => is_quoted = !is_quoted,
            letter if letter.is_whitespace() && !is_quoted => return Some(line.split_at(at)),
            _ => {}
        }
    }
    None
}

/// Options, without what may be a secret.
fn read_options(text: &str) -> Vec<String> {
    let mut options = Vec::new();
    let (mut start, mut is_quoted) = (0, false);
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if is_quoted => {
                letters.next();
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                options.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    options.push(&text[start..]);
    let kept = options.into_iter().filter(|option| !option.is_empty()).map(|option| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        // environment="NAME=value"
        match value.split_once('=') {
            Some((variable, _)) if name.eq_ignore_ascii_case("environment") => {
                format!("{name}={variable}=***\"")
            }
            _ => host::without_secrets(option),
        }
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const ED25519_PRINT: &str = "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";

    fn parsed(line: &str) -> KeyLine {
        match KeyLine::parse(line) {
            Parsed::Key(key) => key,
            other => panic!("{other:?}: {line}"),
        }
    }

    /// A key of RSA with a modulus of so many bits.
    fn rsa(bits: usize) -> String {
        let mut modulus = vec![0_u8];
        modulus.extend(vec![0xff; bits / 8]);
        let mut blob = Vec::new();
        for field in [b"ssh-rsa".as_slice(), &[1, 0, 1], &modulus] {
            blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
            blob.extend(field);
        }
        format!("ssh-rsa {}", STANDARD.encode(blob))
    }

    #[test]
    fn keys_are_known_by_their_fingerprint() {
        let key = parsed(&format!("{ED25519} ada@laptop with words\r"));
        assert_eq!((key.kind.as_str(), key.fingerprint.as_str()), ("ssh-ed25519", ED25519_PRINT));
        assert_eq!((key.comment.as_deref(), key.bits), (Some("ada@laptop with words"), None));
        assert_eq!(parsed(&rsa(2048)).bits, Some(2048));
        assert_eq!(parsed(ED25519).comment, None);
    }

    #[test]
    fn options_come_before_the_key() {
        let line = format!(
            "from=\"10.0.0.0/8,host\",command=\"echo \\\"a, b\\\" --token=abc\",no-pty,environment=\"A=secret\" {ED25519} x"
        );
        let key = parsed(&line);
        assert_eq!(key.fingerprint, ED25519_PRINT);
        assert_eq!(
            key.options,
            [
                "from=\"10.0.0.0/8,host\"",
                "command=\"echo \\\"a, b\\\" --token=***\"",
                "no-pty",
                "environment=\"A=***\""
            ]
        );
        assert_eq!(parsed(&format!("restrict\t{ED25519}")).options, ["restrict"]);
    }

    #[test]
    fn what_is_no_key_is_none() {
        for line in ["", "  ", "# x"] {
            assert_eq!(KeyLine::parse(line), Parsed::Nothing);
        }
        let other_type = ED25519.replacen("ssh-ed25519", "ssh-rsa", 1);
        for line in [
            "root:$6$salt$hash:1::",
            "ssh-ed25519",
            "ssh-ed25519 !!!",
            "ssh-ed25519 AAAA",
            &other_type,
            "\"open",
        ] {
            assert_eq!(KeyLine::parse(line), Parsed::Odd, "{line}");
        }
    }
}
