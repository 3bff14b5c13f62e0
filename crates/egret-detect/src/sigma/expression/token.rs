//! The words of a condition.

use std::ops::Range;

use super::{Refusal, mistake};

/// A word or a parenthesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// A word: `and`, `1`, or the name of a selection.
    Name(&'a str),
}

/// A word with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    And,
    Or,
    Not,
    Of,
}

impl Word {
    /// The word that `name` is. Old rules have them in upper case.
    pub fn from_name(name: &str) -> Option<Self> {
        let words = [("and", Self::And), ("or", Self::Or), ("not", Self::Not), ("of", Self::Of)];
        words.into_iter().find(|(word, _)| name.eq_ignore_ascii_case(word)).map(|(_, word)| word)
    }
}

/// The tokens of a condition, one after the other.
pub(super) struct Tokens<'a> {
    tokens: Vec<(Token<'a>, Range<usize>)>,
    next: usize,
    end: usize,
}

impl<'a> Tokens<'a> {
    /// Those of `text`.
    pub fn new(text: &'a str) -> Result<Self, Refusal> {
        let mut tokens = Vec::new();
        let mut start = 0;
        while let Some(c) = text[start..].chars().next() {
            let mut end = start + c.len_utf8();
            match c {
                c if c.is_whitespace() => {}
                '(' => tokens.push((Token::Open, start..end)),
                ')' => tokens.push((Token::Close, start..end)),
                '|' => return Err(Refusal::Aggregation(start..text.trim_end().len())),
                c if is_word(c) => {
                    end = text[start..].find(|c| !is_word(c)).map_or(text.len(), |length| start + length);
                    tokens.push((Token::Name(&text[start..end]), start..end));
                }
                _ => {
                    let hint = "a condition has names of selections, `and`, `or`, `not`, `1 of`, `all of` and parentheses";
                    return Err(mistake(format!("`{c}` means nothing here"), hint, start..end));
                }
            }
            start = end;
        }
        Ok(Self { tokens, next: 0, end: text.trim_end().len() })
    }

    /// The next one.
    pub fn next(&mut self) -> Option<(Token<'a>, Range<usize>)> {
        let token = self.tokens.get(self.next).cloned();
        self.next += usize::from(token.is_some());
        token
    }

    /// Whether `word` is next; if so, it is passed.
    pub fn take(&mut self, word: Word) -> bool {
        let found = match self.tokens.get(self.next) {
            Some((Token::Name(name), _)) => Word::from_name(name) == Some(word),
            _ => false,
        };
        self.next += usize::from(found);
        found
    }

    /// Where the next one is, or the end.
    pub fn here(&self) -> Range<usize> {
        self.tokens.get(self.next).map_or(self.end..self.end, |(_, span)| span.clone())
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '*')
}
