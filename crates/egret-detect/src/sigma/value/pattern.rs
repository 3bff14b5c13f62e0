//! Text with wildcards, and the escapes in it.

use std::str;

use egret_match::{Part, TextPattern};

use super::apply::Problem;

/// Literal bytes with wildcards between them. Bytes and not text, because `utf16` and its like make some that are
/// no text until they are encoded again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::sigma) struct Pattern {
    pieces: Vec<Piece>,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sigma) enum Piece {
    /// These bytes.
    Literal(Vec<u8>),
    /// `*`: any run of characters.
    AnyRun,
    /// `?`: any one character.
    AnyCharacter,
}

impl Pattern {
    /// Reads `text`, where `*` and `?` are wildcards unless there is a backslash before them. A backslash before
    /// a backslash is one too; before anything else it is itself.
    pub fn parse(text: &str) -> Self {
        let mut pattern = Self::default();
        let mut literal = Vec::with_capacity(text.len());
        let mut bytes = text.bytes().peekable();
        while let Some(byte) = bytes.next() {
            match byte {
                b'\\' => {
                    literal.push(bytes.next_if(|next| matches!(next, b'*' | b'?' | b'\\')).unwrap_or(b'\\'))
                }
                b'*' | b'?' => {
                    pattern.push(Piece::Literal(std::mem::take(&mut literal)));
                    pattern.push(if byte == b'*' { Piece::AnyRun } else { Piece::AnyCharacter });
                }
                byte => literal.push(byte),
            }
        }
        pattern.push(Piece::Literal(literal));
        pattern
    }

    /// `text` without wildcards.
    pub fn literal(text: &str) -> Self {
        Self::from_pieces([Piece::Literal(text.as_bytes().to_vec())])
    }

    /// A pattern of `pieces`.
    pub fn from_pieces(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut pattern = Self::default();
        pieces.into_iter().for_each(|piece| pattern.push(piece));
        pattern
    }

    /// Its pieces: no two literals and no two runs follow each other, and no literal is empty.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Its pieces.
    pub fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }

    /// Puts `piece` at its end.
    pub fn push(&mut self, piece: Piece) {
        match (self.pieces.last_mut(), piece) {
            (_, Piece::Literal(bytes)) if bytes.is_empty() => {}
            (Some(Piece::AnyRun), Piece::AnyRun) => {}
            (Some(Piece::Literal(before)), Piece::Literal(bytes)) => before.extend(bytes),
            (_, piece) => self.pieces.push(piece),
        }
    }

    /// With any run before it.
    pub fn at_end(mut self) -> Self {
        if self.pieces.first() != Some(&Piece::AnyRun) {
            self.pieces.insert(0, Piece::AnyRun);
        }
        self
    }

    /// With any run behind it.
    pub fn at_start(mut self) -> Self {
        self.push(Piece::AnyRun);
        self
    }

    /// With any run on both sides.
    pub fn anywhere(self) -> Self {
        self.at_start().at_end()
    }

    /// How many bytes its literals have.
    pub fn len(&self) -> usize {
        let len = |piece: &Piece| if let Piece::Literal(bytes) = piece { bytes.len() } else { 0 };
        self.pieces.iter().map(len).sum()
    }

    /// All its bytes, if it has no wildcards.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self.pieces.as_slice() {
            [] => Some(&[]),
            [Piece::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }

    /// Its text, if it has no wildcards and is text.
    pub fn text(&self) -> Option<&str> {
        self.bytes().and_then(|bytes| str::from_utf8(bytes).ok())
    }

    /// It for the matcher, if its bytes are text. The mark at the beginning of UTF-16 is the character U+FEFF then.
    pub fn into_text_pattern(self, cased: bool) -> Result<TextPattern, Problem> {
        let mut parts = Vec::with_capacity(self.pieces.len());
        for piece in self.pieces {
            parts.push(match piece {
                Piece::AnyRun => Part::AnyRun,
                Piece::AnyCharacter => Part::AnyCharacter,
                Piece::Literal(bytes) => Part::Literal(literal_text(bytes)?.into()),
            });
        }
        Ok(TextPattern::new(parts, cased))
    }
}

fn literal_text(bytes: Vec<u8>) -> Result<String, Problem> {
    let bytes = match bytes.strip_prefix(super::encoding::MARK) {
        Some(rest) => ["\u{feff}".as_bytes(), rest].concat(),
        None => bytes,
    };
    String::from_utf8(bytes).map_err(|_| {
        Problem::value(
            "two bytes a character are no text here, because a character is not ASCII".to_owned(),
            "put `base64` or `base64offset` behind it, or write the value with ASCII alone",
        )
    })
}
