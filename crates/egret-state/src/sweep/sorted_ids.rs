//! Names of blobs in their order, however many there are: what is too much for memory waits in a temporary file.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use crate::store::{BlobId, StateStoreError};

/// Names that are held in memory: 16 MiB of them.
const HELD: usize = 1 << 19;

/// Names of a piece that are read together.
const READ: usize = 1 << 10;

/// Bytes of a name.
const LENGTH: usize = 32;

/// Takes names in any order.
#[derive(Debug)]
pub(super) struct IdSorter {
    held: Vec<BlobId>,
    most: usize,
    spilled: Option<File>,
    /// How many names each piece of the file has. Each is in order.
    pieces: Vec<usize>,
}

/// Gives each name once, in order.
#[derive(Debug)]
pub(super) struct SortedIds {
    file: Option<File>,
    pieces: Vec<Piece>,
    /// The next name of each piece that has one.
    next: BinaryHeap<Reverse<(BlobId, usize)>>,
}

#[derive(Debug)]
struct Piece {
    names: VecDeque<BlobId>,
    /// Where in the file the rest is, and how many names that are.
    at: u64,
    left: usize,
}

impl IdSorter {
    pub(super) fn new() -> Self {
        Self::holding(HELD)
    }

    fn holding(most: usize) -> Self {
        Self { held: Vec::new(), most, spilled: None, pieces: Vec::new() }
    }

    pub(super) fn push(&mut self, id: BlobId) -> Result<(), StateStoreError> {
        self.held.push(id);
        if self.held.len() >= self.most { self.spill().map_err(failed) } else { Ok(()) }
    }

    pub(super) fn sorted(mut self) -> Result<SortedIds, StateStoreError> {
        self.sort_held();
        let mut at = 0;
        let mut pieces = Vec::with_capacity(self.pieces.len() + 1);
        for names in self.pieces {
            pieces.push(Piece { names: VecDeque::new(), at, left: names });
            at += (names * LENGTH) as u64;
        }
        pieces.push(Piece { names: self.held.into(), at, left: 0 });
        let mut sorted = SortedIds { file: self.spilled, pieces, next: BinaryHeap::new() };
        for piece in 0..sorted.pieces.len() {
            sorted.advance(piece).map_err(failed)?;
        }
        Ok(sorted)
    }

    fn sort_held(&mut self) {
        self.held.sort_unstable();
        self.held.dedup();
    }

    fn spill(&mut self) -> io::Result<()> {
        self.sort_held();
        let file = match &mut self.spilled {
            Some(file) => file,
            None => self.spilled.insert(tempfile::tempfile()?),
        };
        let bytes: Vec<u8> = self.held.iter().flat_map(|id| id.as_bytes()).copied().collect();
        file.write_all(&bytes)?;
        self.pieces.push(self.held.len());
        self.held.clear();
        Ok(())
    }
}

impl SortedIds {
    /// The next name, which stays the next one.
    pub(super) fn peek(&self) -> Option<BlobId> {
        self.next.peek().map(|Reverse((id, _))| *id)
    }

    /// The next name.
    pub(super) fn next(&mut self) -> Result<Option<BlobId>, StateStoreError> {
        let Some(id) = self.peek() else { return Ok(None) };
        while let Some(Reverse((same, piece))) = self.next.peek().copied()
            && same == id
        {
            self.next.pop();
            self.advance(piece).map_err(failed)?;
        }
        Ok(Some(id))
    }

    /// Puts the next name of a piece among the next ones.
    fn advance(&mut self, index: usize) -> io::Result<()> {
        let piece = &mut self.pieces[index];
        if piece.names.is_empty()
            && let Some(file) = &mut self.file
        {
            let names = piece.left.min(READ);
            let mut bytes = vec![0; names * LENGTH];
            file.seek(SeekFrom::Start(piece.at))?;
            file.read_exact(&mut bytes)?;
            piece.names.extend(bytes.chunks_exact(LENGTH).filter_map(BlobId::from_bytes));
            piece.at += bytes.len() as u64;
            piece.left -= names;
        }
        self.next.extend(piece.names.pop_front().map(|id| Reverse((id, index))));
        Ok(())
    }
}

fn failed(error: io::Error) -> StateStoreError {
    StateStoreError::Io { action: "use", place: "a temporary file".to_owned(), error }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_name_comes_once_and_in_order(
            numbers in prop::collection::vec(0..3_000_u16, 0..6_000),
            most in 1..3_000_usize,
        ) {
            let most = most.max(numbers.len() / 64);
            let ids: Vec<BlobId> = numbers.iter().map(|number| BlobId::of([0; 8], &number.to_le_bytes())).collect();
            let mut sorter = IdSorter::holding(most);
            ids.iter().try_for_each(|id| sorter.push(*id)).unwrap();
            let mut sorted = sorter.sorted().unwrap();
            let mut found = Vec::new();
            while let Some(id) = sorted.next().unwrap() {
                found.push(id);
            }
            let expected: BTreeSet<BlobId> = ids.into_iter().collect();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
