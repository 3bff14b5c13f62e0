//! How a file is compressed, recognised by its first bytes, and the decoders.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};

/// So many bytes are asked of the disk at a time.
pub(crate) const READ_BYTES: usize = 256 << 10;

/// So many first bytes tell the encoding.
pub(crate) const MAGIC_BYTES: usize = 6;

/// Zstandard frames that need a larger window than 128 MiB are refused, as `zstd` itself does by default.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Encoding {
    /// None.
    Plain,
    /// gzip, any number of members.
    Gzip,
    /// Zstandard, any number of frames.
    Zstd,
}

/// Formats that are recognised only to be refused: taken for text they would fill the quarantine.
const REFUSED: [(&[u8], &str); 5] = [
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"PK\x03\x04", "zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x37\x7a\xbc\xaf\x27\x1c", "7z"),
];

impl Encoding {
    /// Recognises the encoding by the first [`MAGIC_BYTES`] bytes.
    pub(crate) fn recognise(head: &[u8]) -> io::Result<Self> {
        if head.starts_with(b"\x1f\x8b") {
            return Ok(Self::Gzip);
        }
        // A parallel compressor starts with a skippable frame: 50..5f 2a 4d 18.
        let skippable = matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
        if skippable || head.starts_with(b"\x28\xb5\x2f\xfd") {
            return Ok(Self::Zstd);
        }
        match REFUSED.iter().find(|(magic, _)| head.starts_with(magic)) {
            Some((b"BZh", _)) if !head.get(3).is_some_and(|level| (b'1'..=b'9').contains(level)) => {
                Ok(Self::Plain)
            }
            Some((_, name)) => {
                let message = format!("it is packed with {name}; only gzip and zstd are read, so repack it");
                Err(io::Error::new(io::ErrorKind::Unsupported, message))
            }
            None => Ok(Self::Plain),
        }
    }

    /// The decompressed bytes of `stored`, of which `read_bytes` are asked for at a time.
    pub(crate) fn decode<R: Read + Send + 'static>(
        self,
        stored: R,
        read_bytes: usize,
    ) -> io::Result<Box<dyn Read + Send>> {
        let buffered = BufReader::with_capacity(read_bytes, stored);
        Ok(match self {
            Self::Plain => Box::new(buffered),
            Self::Gzip => Box::new(MultiGzDecoder::new(buffered)),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(buffered)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        for (head, expected) in [
            (&b"\x1f\x8b\x08\0\0\0"[..], Ok(Encoding::Gzip)),
            (b"\x28\xb5\x2f\xfd\0\0", Ok(Encoding::Zstd)),
            (b"\x52\x2a\x4d\x18\0\0", Ok(Encoding::Zstd)),
            (b"{\"a\":1", Ok(Encoding::Plain)),
            (b"\x1f", Ok(Encoding::Plain)),
            (b"", Ok(Encoding::Plain)),
            (b"BZhang", Ok(Encoding::Plain)),
            (b"BZh91A", Err("bzip2")),
            (b"\xfd7zXZ\0", Err("xz")),
            (b"PK\x03\x04..", Err("zip")),
        ] {
            match (Encoding::recognise(head), expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, expected, "{head:?}"),
                (Err(error), Err(name)) => assert!(error.to_string().contains(name), "{error}"),
                (got, _) => panic!("{head:?} gave {got:?}"),
            }
        }
    }
}
