//! Blocks: the decompressed bytes of an object, cut into pieces that decoders can hold rows into.

use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::buffer::Buffer;
use bytes::Bytes;

/// A record longer than this goes to quarantine. Rows point into their block, so a block is never larger.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// A piece of an object. Rows decoded from it point into `bytes`, so it lives as long as they do.
#[derive(Debug, Clone)]
pub struct Block {
    /// The bytes.
    pub bytes: Buffer,
    /// Where they start in the decompressed object.
    pub offset: u64,
    /// Whether the object ends here.
    pub last: bool,
    /// How many bytes from the start are text: all but a character cut in two at the end, or none.
    text: usize,
}

impl Block {
    /// The block that starts at `offset` of its object.
    pub fn new(bytes: impl Into<Buffer>, offset: u64, last: bool) -> Self {
        let bytes = bytes.into();
        let text = match simdutf8::basic::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(_) => text_before_cut(&bytes),
        };
        Self { bytes, offset, last, text }
    }

    /// The part of the block before `offset` of the object, as a block of its own that is not the last.
    pub fn until(&self, offset: u64) -> Self {
        let length = usize::try_from(offset.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        let bytes = self.bytes.slice_with_length(0, length.min(self.bytes.len()));
        match self.text() {
            // The beginning of what is text is text.
            Some(text) if text.is_char_boundary(bytes.len()) => {
                Self { text: bytes.len(), bytes, offset: self.offset, last: false }
            }
            _ => Self::new(bytes, self.offset, false),
        }
    }

    /// The bytes as text, if they are valid UTF-8 throughout. Checked once, when the block is made. A character
    /// that the end of the block cuts in two is left out.
    pub fn text(&self) -> Option<&str> {
        if self.text == 0 {
            return None;
        }
        #[expect(unsafe_code, reason = "a second look at every byte would cost as much as decoding")]
        // SAFETY: `new` has seen that these bytes, which nobody can change, are valid UTF-8.
        Some(unsafe { std::str::from_utf8_unchecked(&self.bytes[..self.text]) })
    }
}

fn text_before_cut(bytes: &[u8]) -> usize {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => text.len(),
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        Err(_) => 0,
    }
}

/// Memory for blocks of one size. A block gives its memory back when the last row that points into it is gone, and
/// the next one is read into it: memory that was just used costs less than fresh memory, which the system clears.
#[derive(Debug)]
pub struct BlockPool {
    size: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

impl BlockPool {
    /// For blocks of `size` bytes.
    pub fn new(size: usize) -> Arc<Self> {
        Arc::new(Self { size: size.max(1), free: Mutex::default() })
    }

    /// Memory of `size` bytes, whatever is in it.
    fn take(self: &Arc<Self>, size: usize) -> Lent {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let used = if size == self.size { free.pop() } else { None };
        drop(free);
        Lent { bytes: used.unwrap_or_else(|| vec![0; size]), filled: 0, pool: Arc::clone(self) }
    }
}

/// Memory that goes back to its pool.
struct Lent {
    bytes: Vec<u8>,
    filled: usize,
    pool: Arc<BlockPool>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }
}

impl Lent {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    fn into_buffer(self) -> Buffer {
        // The little that a small object holds must not keep a whole block for itself.
        if self.filled < self.bytes.len() / 2 {
            return Buffer::from_slice_ref(self.as_ref());
        }
        Buffer::from(Bytes::from_owner(self))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if self.bytes.len() == self.pool.size {
            let bytes = std::mem::take(&mut self.bytes);
            self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
        }
    }
}

/// Cuts what a reader gives into blocks. What a decoder leaves of a block starts the next one.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    pool: Arc<BlockPool>,
    offset: u64,
    rest: Vec<u8>,
    /// Whether the end of the object is also the end of its last record.
    complete: bool,
    ended: bool,
    given_last: bool,
    /// What the reader said after the bytes of the last block. It may say it once only.
    failure: Option<io::Error>,
    /// Whether the decoder could use nothing of the last block.
    stuck: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of the size that `pool` has, the first of which starts at `offset` of the object. If the object is
    /// not `complete`, what follows its last whole record is left for another time.
    pub fn new(reader: R, pool: &Arc<BlockPool>, offset: u64, complete: bool) -> Self {
        let (pool, rest) = (Arc::clone(pool), Vec::new());
        Self {
            reader,
            pool,
            offset,
            rest,
            complete,
            ended: false,
            given_last: false,
            failure: None,
            stuck: false,
        }
    }

    /// The reader underneath.
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// Where the next block starts: everything before is done with.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether bytes are left that made no whole record.
    pub fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// The next block, or `None` when the object has ended and nothing is left.
    ///
    /// A read error ends the object: what was read before it comes first, as a block that is not the last.
    ///
    /// # Errors
    /// What the reader says, once everything before is given out.
    pub fn next_block(&mut self) -> io::Result<Option<Block>> {
        if self.given_last {
            return Ok(None);
        }
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let kept = self.rest.len();
        // A decoder that could use nothing of the last block needs a larger one.
        let target = if self.stuck { kept * 2 } else { self.pool.size }.min(MAX_RECORD_BYTES).max(kept);
        let mut memory = self.pool.take(target);
        memory.push(&self.rest);
        while !self.ended && memory.filled < target {
            match self.reader.read(&mut memory.bytes[memory.filled..target]) {
                Ok(0) => self.ended = true,
                Ok(read) => memory.filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if memory.filled == kept => return Err(error),
                Err(error) => {
                    self.failure = Some(error);
                    break;
                }
            }
        }
        self.rest.clear();
        self.given_last = self.ended;
        if memory.filled == 0 {
            return Ok(None);
        }
        Ok(Some(Block::new(memory.into_buffer(), self.offset, self.ended && self.complete)))
    }

    /// Says how much of `block` is done with; the rest of it starts the next block.
    pub fn consumed(&mut self, block: &Block, bytes: usize) {
        let bytes = bytes.min(block.bytes.len());
        self.offset = block.offset + bytes as u64;
        self.stuck = bytes == 0;
        self.rest.extend_from_slice(&block.bytes[bytes..]);
        // What is left of the last block comes again, as long as that leads on.
        self.given_last &= bytes == 0 || self.rest.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails after its bytes, once: then it ends, as decompressors do after a wrong checksum.
    struct Failing<'a>(&'a [u8], bool);

    impl Read for Failing<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() && !std::mem::replace(&mut self.1, true) {
                return Err(io::Error::other("torn"));
            }
            self.0.read(into)
        }
    }

    #[test]
    fn what_is_left_starts_the_next_block() {
        let mut blocks = Blocks::new(&b"abcdefghij"[..], &BlockPool::new(4), 100, true);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!((block.text().unwrap(), block.offset, block.last), ("abcd", 100, false));
        blocks.consumed(&block, 3);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!((block.text().unwrap(), block.offset, block.last), ("defg", 103, false));
        blocks.consumed(&block, 0);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!(
            (block.text().unwrap(), block.last),
            ("defghij", true),
            "twice the size, since nothing fitted"
        );
        blocks.consumed(&block, 7);
        assert!(blocks.next_block().unwrap().is_none());
        assert_eq!(blocks.offset(), 110);
    }

    #[test]
    fn memory_is_used_again_once_no_row_points_into_it() {
        let pool = BlockPool::new(4);
        let mut blocks = Blocks::new(&b"abcdefghijklm"[..], &pool, 0, true);
        let first = blocks.next_block().unwrap().unwrap();
        blocks.consumed(&first, 4);
        let row = first.bytes.slice(1);
        let address = first.bytes.as_ptr();
        drop(first);
        let second = blocks.next_block().unwrap().unwrap();
        blocks.consumed(&second, 4);
        assert_ne!(second.bytes.as_ptr(), address, "a row still points into it");
        drop((row, second));
        assert_eq!(pool.free.lock().unwrap().len(), 2);
        let third = blocks.next_block().unwrap().unwrap();
        assert_eq!(third.text(), Some("ijkl"));
        blocks.consumed(&third, 4);
        assert_eq!(pool.free.lock().unwrap().len(), 1);
        let last = blocks.next_block().unwrap().unwrap();
        assert_eq!(last.text(), Some("m"));
        assert_eq!(pool.free.lock().unwrap().len(), 1, "a small rest has memory of its own");
    }

    #[test]
    fn a_read_error_comes_after_what_was_read() {
        let mut blocks = Blocks::new(Failing(b"abc", false), &BlockPool::new(8), 0, true);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!((block.text().unwrap(), block.last), ("abc", false));
        blocks.consumed(&block, 3);
        assert_eq!(blocks.next_block().unwrap_err().to_string(), "torn");
    }

    #[test]
    fn the_rest_of_an_incomplete_object_is_left() {
        let mut blocks = Blocks::new(&b"ab\ncd"[..], &BlockPool::new(8), 0, false);
        let block = blocks.next_block().unwrap().unwrap();
        assert!(!block.last);
        blocks.consumed(&block, 3);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!(block.text(), Some("cd"));
        blocks.consumed(&block, 0);
        assert!(blocks.next_block().unwrap().is_none());
        assert!(blocks.has_rest());
        assert_eq!(blocks.offset(), 3);
    }

    #[test]
    fn invalid_utf_8_is_no_text() {
        assert_eq!(Block::new(b"ab\xffcd".to_vec(), 0, true).text(), None);
        assert_eq!(
            Block::new(b"ab\xc3".to_vec(), 0, false).text(),
            Some("ab"),
            "cut in the middle of a character"
        );
    }
}
