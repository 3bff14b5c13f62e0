//! How a file is recognised again: what `stat` says of it, and samples of what it holds.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use egret_model::Timestamp;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::file::encoding::{Encoding, READ_BYTES};

/// At most so many bytes are in a sample.
pub(crate) const SAMPLE_BYTES: u64 = 1024;

/// So many stored bytes at a time are read to get a sample of what they decompress to: most often once is enough.
const HEAD_READ_BYTES: usize = 4 << 10;

/// The version of [`FileState`] that is written.
const STATE_VERSION: u32 = 1;

/// What tells one file of this machine from another while it exists, wherever it is moved.
pub(crate) type FileId = (u64, u64);

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Device and inode.
    pub id: FileId,
    /// Bytes as stored.
    pub size: u64,
    /// Nanoseconds since 1970; an `i64` lasts until 2262.
    pub modified_ns: i64,
}

impl Stat {
    /// What a file's metadata say.
    pub(crate) fn new(metadata: &Metadata) -> Self {
        Self {
            id: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified_ns: metadata.mtime().saturating_mul(1_000_000_000).saturating_add(metadata.mtime_nsec()),
        }
    }

    /// When it was last modified.
    pub(crate) const fn modified(&self) -> Timestamp {
        Timestamp::from_micros(self.modified_ns.div_euclid(1000))
    }
}

/// A hash of some bytes, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// How many.
    pub bytes: u64,
    /// Their XXH3-64.
    pub hash: u64,
}

impl Sample {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, hash: xxh3_64(bytes) }
    }

    /// Whether `bytes` start with what was sampled.
    pub(crate) fn starts(&self, bytes: &[u8]) -> bool {
        usize::try_from(self.bytes)
            .ok()
            .and_then(|length| bytes.get(..length))
            .is_some_and(|head| Self::of(head) == *self)
    }
}

/// What an earlier run knew of a file when it listed it: [`Checkpoint::state`](egret_model::Checkpoint::state).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileState {
    version: u32,
    /// Where it was.
    pub path: String,
    /// Its device.
    pub device: u64,
    /// Its inode on that device.
    pub inode: u64,
    /// Its size as stored.
    pub size: u64,
    /// When it was last modified.
    pub modified_ns: i64,
    /// How it is compressed.
    pub encoding: Encoding,
    /// The first bytes as stored.
    pub head: Sample,
    /// The last bytes before `size` as stored, as many as in `head`: together with it they tell a file that
    /// grew from one that was written anew and begins the same way.
    pub tail: Sample,
    /// The first bytes when decompressed; of a plain file the same as `head`.
    pub content: Sample,
    /// Whether nobody was writing it: [`Object::complete`](egret_model::Object::complete).
    pub complete: bool,
}

/// Why a stored state cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    #[error("its checkpoint was written by a newer version of egret (state {0}); use that one")]
    Newer(u32),
    #[error("its checkpoint cannot be read: {0}")]
    Broken(#[from] serde_json::Error),
}

impl FileState {
    /// Reads what [`FileState::to_json`] wrote, in any version so far.
    pub(crate) fn from_json(json: &str) -> Result<Self, StateError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        match serde_json::from_str::<Versioned>(json)?.version {
            STATE_VERSION => Ok(serde_json::from_str(json)?),
            newer => Err(StateError::Newer(newer)),
        }
    }

    /// To be stored.
    pub(crate) fn to_json(&self) -> Result<String, StateError> {
        Ok(serde_json::to_string(self)?)
    }

    /// The same file, not touched since, at another path.
    pub(crate) fn moved_to(&self, path: &str, complete: bool) -> Self {
        Self { path: path.to_owned(), complete, ..self.clone() }
    }

    /// What `stat` said.
    pub(crate) const fn stat(&self) -> Stat {
        Stat { id: (self.device, self.inode), size: self.size, modified_ns: self.modified_ns }
    }
}

/// A file, opened to find out which one it is.
#[derive(Debug)]
pub(crate) struct Examined {
    file: File,
    path: String,
    /// What `stat` says of the file that was opened, which may be another than was listed a moment before.
    pub stat: Stat,
    /// How it is compressed.
    pub encoding: Encoding,
    /// Up to [`SAMPLE_BYTES`] first bytes as stored.
    pub head: Vec<u8>,
    /// The same when decompressed.
    pub content: Vec<u8>,
}

impl Examined {
    /// Opens the file at `path` and reads its first bytes.
    pub(crate) fn open(path: &str) -> io::Result<Self> {
        let file = File::open(path)?;
        let stat = Stat::new(&file.metadata()?);
        let head = read_range(&file, 0, stat.size.min(SAMPLE_BYTES))?;
        let encoding = Encoding::recognise(&head)?;
        let content = match encoding {
            Encoding::Plain => head.clone(),
            _ => first_bytes(encoding.decode(file.try_clone()?, HEAD_READ_BYTES)?),
        };
        Ok(Self { file, path: path.to_owned(), stat, encoding, head, content })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// What the next run is to know of it.
    pub(crate) fn state(&self, complete: bool) -> io::Result<FileState> {
        let head = Sample::of(&self.head);
        Ok(FileState {
            version: STATE_VERSION,
            path: self.path.clone(),
            device: self.stat.id.0,
            inode: self.stat.id.1,
            size: self.stat.size,
            modified_ns: self.stat.modified_ns,
            encoding: self.encoding,
            head,
            tail: Sample::of(&read_range(&self.file, self.stat.size - head.bytes, head.bytes)?),
            content: Sample::of(&self.content),
            complete,
        })
    }

    /// Whether it holds what `known` held, and perhaps more behind it. Of a compressed file whose text is now
    /// plain, `known_text` is the length of the text, if all of it was read.
    pub(crate) fn continues(&self, known: &FileState, known_text: Option<u64>) -> io::Result<bool> {
        // Everything continues what was empty, so it proves nothing.
        if known.size == 0 || self.stat.size == 0 {
            return Ok(false);
        }
        match (known.encoding, self.encoding) {
            (before, now) if before == now => {
                if known.size > self.stat.size || !known.head.starts(&self.head) {
                    return Ok(false);
                }
                let Some(start) = known.size.checked_sub(known.tail.bytes) else { return Ok(false) };
                Ok(Sample::of(&read_range(&self.file, start, known.tail.bytes)?) == known.tail)
            }
            (Encoding::Plain, _) => Ok(known.head.starts(&self.content) && self.text_continues(known)),
            (_, Encoding::Plain) => {
                Ok(known_text == Some(self.stat.size) && known.content.starts(&self.content))
            }
            // Compressed anew in another way: that its text is the same is not worth decompressing it all.
            _ => Ok(false),
        }
    }

    /// Whether the decompressed text goes on to where the plain file `known` ended, and ends that part alike.
    /// A text that breaks off before is another one, or not complete yet.
    fn text_continues(&self, known: &FileState) -> bool {
        let Some(start) = known.size.checked_sub(known.tail.bytes) else { return false };
        let decoded = File::open(&self.path).and_then(|file| self.encoding.decode(file, READ_BYTES));
        let Ok(mut text) = decoded else { return false };
        let mut tail = Vec::new();
        let skipped = io::copy(&mut text.by_ref().take(start), &mut io::sink());
        skipped.is_ok_and(|skipped| skipped == start)
            && text.take(known.tail.bytes).read_to_end(&mut tail).is_ok()
            && Sample::of(&tail) == known.tail
    }
}

/// Whether the file at `path` starts with all that `copy` holds: `copy` is being copied from it, perhaps.
pub(crate) fn is_prefix(copy: &Examined, path: &Path) -> io::Result<bool> {
    let original = File::open(path)?;
    let length = copy.head.len() as u64;
    if original.metadata()?.size() < copy.stat.size {
        return Ok(false);
    }
    let tail_start = copy.stat.size - length;
    Ok(read_range(&original, 0, length)? == copy.head
        && read_range(&original, tail_start, length)? == read_range(&copy.file, tail_start, length)?)
}

/// Exactly these bytes. That there are fewer means that somebody is truncating the file right now.
fn read_range(file: &File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    // At most SAMPLE_BYTES, which any usize holds; a larger length comes only from a broken state.
    let mut bytes = vec![0; length.min(SAMPLE_BYTES) as usize];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes)
}

/// The first bytes of a decompressed text, as far as it can be decompressed.
fn first_bytes(reader: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // What is wrong is reported when the file is read; here the bytes before it count.
    if let Err(error) = reader.take(SAMPLE_BYTES).read_to_end(&mut bytes) {
        tracing::debug!(%error, "the start of a compressed file cannot be decompressed");
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// States are stored in lakes: every version must be readable for ever.
    #[test]
    fn golden_state() {
        let json = r#"{"version":1,"path":"/var/log/app.log","device":2049,"inode":18446744073709551615,"size":5000,"modified_ns":1767225600123456789,"encoding":"plain","head":{"bytes":1024,"hash":11160318154034397263},"tail":{"bytes":1024,"hash":2},"content":{"bytes":1024,"hash":11160318154034397263},"complete":true}"#;
        let state = FileState::from_json(json).unwrap();
        assert_eq!(state.stat().modified().to_string(), "2026-01-01T00:00:00.123456Z");
        assert_eq!(state.to_json().unwrap(), json);
    }

    #[test]
    fn states_that_cannot_be_read_say_so() {
        let newer = FileState::from_json(r#"{"version":2,"anything":[]}"#).unwrap_err().to_string();
        assert!(newer.contains("newer version of egret (state 2)"), "{newer}");
        assert!(FileState::from_json("{").unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn a_sample_knows_its_length() {
        let sample = Sample::of(b"abc");
        assert!(sample.starts(b"abcdef"));
        assert!(!sample.starts(b"ab"));
        assert!(!sample.starts(b"abd"));
    }
}
