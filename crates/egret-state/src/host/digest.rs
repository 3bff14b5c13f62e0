//! The hash of a file's contents.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read as _};

use sha2::{Digest as _, Sha256};

/// So much is read at once.
const PIECE_BYTES: usize = 128 << 10;

/// What came of reading a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Digested {
    /// Its SHA-256, in hexadecimal.
    Whole(String),
    /// It has more bytes than were asked for.
    TooLarge,
}

/// The SHA-256 of what is left of a file, if that is `max` bytes at most.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn sha256(mut file: File, max: u64) -> io::Result<Digested> {
    let mut hasher = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut left = max;
    loop {
        let length = match file.read(&mut piece) {
            Ok(0) => return Ok(Digested::Whole(hexadecimal(&hasher.finalize()))),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(room) = left.checked_sub(length as u64) else { return Ok(Digested::TooLarge) };
        left = room;
        hasher.update(&piece[..length]);
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_hashed_up_to_a_size() {
        let folder = crate::testing::root(&[("a", "abc")]);
        let of = |max| sha256(File::open(folder.path().join("a")).unwrap(), max).unwrap();
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(3), Digested::Whole(abc.to_owned()));
        assert_eq!(of(2), Digested::TooLarge);
        assert_eq!(sha256_of(b"abc"), abc);
    }
}
