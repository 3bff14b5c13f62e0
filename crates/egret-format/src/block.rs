//! Blocks: the decompressed bytes of an object, cut into pieces that decoders can hold rows into.

use std::io::{self, Read};

use arrow::buffer::Buffer;

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
        Self::new(self.bytes.slice_with_length(0, length.min(self.bytes.len())), self.offset, false)
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

/// Cuts what a reader gives into blocks. What a decoder leaves of a block starts the next one.
#[derive(Debug)]
pub struct Blocks<R> {
    reader: R,
    size: usize,
    offset: u64,
    rest: Vec<u8>,
    /// Whether the end of the object is also the end of its last record.
    complete: bool,
    ended: bool,
    given_last: bool,
}

impl<R: Read> Blocks<R> {
    /// Blocks of about `size` bytes, the first of which starts at `offset` of the object. If the object is not
    /// `complete`, what follows its last whole record is left for another time.
    pub fn new(reader: R, size: usize, offset: u64, complete: bool) -> Self {
        let rest = Vec::new();
        Self { reader, size: size.max(1), offset, rest, complete, ended: false, given_last: false }
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
        let kept = self.rest.len();
        let mut bytes = std::mem::take(&mut self.rest);
        // A decoder that could use nothing of the last block needs a larger one.
        let target = if kept >= self.size / 2 { kept * 2 } else { self.size }.min(MAX_RECORD_BYTES);
        bytes.reserve_exact(target.saturating_sub(kept));
        while !self.ended && bytes.len() < target {
            let wanted = (target - bytes.len()) as u64;
            match (&mut self.reader).take(wanted).read_to_end(&mut bytes) {
                Ok(read) => self.ended = (read as u64) < wanted,
                Err(error) if bytes.len() == kept => {
                    self.rest = bytes;
                    return Err(error);
                }
                Err(_) => break,
            }
        }
        self.given_last = self.ended;
        if bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(Block::new(Buffer::from_vec(bytes), self.offset, self.ended && self.complete)))
    }

    /// Says how much of `block` is done with; the rest of it starts the next block.
    pub fn consumed(&mut self, block: &Block, bytes: usize) {
        let bytes = bytes.min(block.bytes.len());
        self.offset = block.offset + bytes as u64;
        self.rest.extend_from_slice(&block.bytes[bytes..]);
        // What is left of the last block comes again, as long as that leads on.
        self.given_last &= bytes == 0 || self.rest.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails after its bytes.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("torn"));
            }
            self.0.read(into)
        }
    }

    #[test]
    fn what_is_left_starts_the_next_block() {
        let mut blocks = Blocks::new(&b"abcdefghij"[..], 4, 100, true);
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
    fn a_read_error_comes_after_what_was_read() {
        let mut blocks = Blocks::new(Failing(b"abc"), 8, 0, true);
        let block = blocks.next_block().unwrap().unwrap();
        assert_eq!((block.text().unwrap(), block.last), ("abc", false));
        blocks.consumed(&block, 3);
        assert_eq!(blocks.next_block().unwrap_err().to_string(), "torn");
    }

    #[test]
    fn the_rest_of_an_incomplete_object_is_left() {
        let mut blocks = Blocks::new(&b"ab\ncd"[..], 8, 0, false);
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
