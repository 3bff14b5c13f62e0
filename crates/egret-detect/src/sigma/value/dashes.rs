//! `windash`: the dash before a Windows option may be written in five ways.

use std::str;

use super::pattern::{Pattern, Piece};

/// The ways.
const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// `pattern` with every dash that begins an option written in all ways, or nothing if there are more than `most`.
///
/// A dash begins an option if a word follows it and none ends before it: of the two in `-encoded-command` the first.
pub(super) fn all_dashes(pattern: &Pattern, most: usize) -> Option<Vec<Pattern>> {
    let mut patterns = vec![Pattern::default()];
    for piece in pattern.pieces() {
        let Piece::Literal(bytes) = piece else {
            patterns.iter_mut().for_each(|pattern| pattern.push(piece.clone()));
            continue;
        };
        let Ok(text) = str::from_utf8(bytes) else {
            patterns.iter_mut().for_each(|pattern| pattern.push(piece.clone()));
            continue;
        };
        for (before, has_dash) in cut_at_dashes(text) {
            let literal = Piece::Literal(before.as_bytes().to_vec());
            patterns.iter_mut().for_each(|pattern| pattern.push(literal.clone()));
            if has_dash {
                if patterns.len() * DASHES.len() > most {
                    return None;
                }
                patterns = patterns.iter().flat_map(with_each_dash).collect();
            }
        }
    }
    Some(patterns)
}

fn with_each_dash(pattern: &Pattern) -> impl Iterator<Item = Pattern> {
    DASHES.iter().map(|dash| {
        let mut with = pattern.clone();
        with.push(Piece::Literal(dash.to_string().into_bytes()));
        with
    })
}

/// `text` in pieces, and whether a dash that begins an option is behind each.
fn cut_at_dashes(text: &str) -> Vec<(&str, bool)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut after_word = false;
    for (index, c) in text.char_indices() {
        let behind = &text[index + c.len_utf8()..];
        if DASHES.contains(&c) && !after_word && behind.starts_with(is_word) {
            pieces.push((&text[start..index], true));
            start = index + c.len_utf8();
        }
        after_word = is_word(c);
    }
    pieces.push((&text[start..], false));
    pieces
}
