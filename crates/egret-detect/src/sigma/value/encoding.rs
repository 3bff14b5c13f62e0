//! Encodings: two bytes a character, and Base64, also of something in the middle of a longer text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pattern::{Pattern, Piece};
use crate::sigma::modifier::Utf16;

/// What `utf16` puts first: low bytes come first.
pub(super) const MARK: &[u8] = &[0xff, 0xfe];

/// `pattern` with two bytes a character. Wildcards stay; `?` stands for both bytes of a character.
///
/// The literals of `pattern` that are no text, because they were encoded before, stay as they are.
pub(super) fn utf16(pattern: Pattern, kind: Utf16) -> Pattern {
    let mark = (kind == Utf16::Marked).then(|| Piece::Literal(MARK.to_vec()));
    let pieces = pattern.into_pieces().into_iter().flat_map(|piece| match piece {
        Piece::Literal(bytes) => [Some(Piece::Literal(encode(bytes, kind))), None],
        Piece::AnyRun => [Some(Piece::AnyRun), None],
        Piece::AnyCharacter => [Some(Piece::AnyCharacter), Some(Piece::AnyCharacter)],
    });
    Pattern::from_pieces(mark.into_iter().chain(pieces.flatten()))
}

fn encode(bytes: Vec<u8>, kind: Utf16) -> Vec<u8> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(no_text) => return no_text.into_bytes(),
    };
    let unit_bytes = |unit: u16| match kind {
        Utf16::Big => unit.to_be_bytes(),
        Utf16::Little | Utf16::Marked => unit.to_le_bytes(),
    };
    text.encode_utf16().flat_map(unit_bytes).collect()
}

/// `bytes` as Base64.
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What Base64 has for `bytes` wherever they are in what is encoded: three texts, one for each place in a group
/// of three bytes. Characters that also depend on the bytes before or behind are left out, so one may be empty.
pub(super) fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|before: usize| {
        let padded = [&[0; 2][..before], bytes].concat();
        let encoded = STANDARD.encode(&padded);
        // A character holds six bits. The first that has none of the bytes before, the last whole one.
        let first = (before * 8).div_ceil(6);
        let last = (padded.len() * 8) / 6;
        encoded.get(first..last).unwrap_or_default().to_owned()
    })
}
