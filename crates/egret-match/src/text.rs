//! Patterns of text: pieces of literal text with wildcards between them.

use std::fmt;
use std::sync::Arc;

/// A pattern that a whole text must be like: literal pieces, with `*` for any run of characters and `?` for any one
/// character. `contains x` is `*x*`, `starts with x` is `x*`, `ends with x` is `*x`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TextPattern {
    parts: Vec<Part>,
    cased: bool,
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// This text.
    Literal(Arc<str>),
    /// Any run of characters, none too.
    AnyRun,
    /// Any one character.
    AnyCharacter,
}

impl TextPattern {
    /// A pattern of these pieces. Upper and lower case are the same unless `cased`.
    pub fn new(parts: impl IntoIterator<Item = Part>, cased: bool) -> Self {
        let mut joined: Vec<Part> = Vec::new();
        for part in parts {
            match (joined.last_mut(), &part) {
                (_, Part::Literal(text)) if text.is_empty() => {}
                (Some(Part::AnyRun), Part::AnyRun) => {}
                (Some(Part::Literal(before)), Part::Literal(text)) => {
                    let both = format!("{before}{text}");
                    *before = both.into();
                }
                _ => joined.push(part),
            }
        }
        Self { parts: joined, cased }
    }

    /// The text itself.
    pub fn equals(text: &str) -> Self {
        Self::new([Part::Literal(text.into())], false)
    }

    /// The text anywhere.
    pub fn contains(text: &str) -> Self {
        Self::new([Part::AnyRun, Part::Literal(text.into()), Part::AnyRun], false)
    }

    /// The text at the beginning.
    pub fn starts_with(text: &str) -> Self {
        Self::new([Part::Literal(text.into()), Part::AnyRun], false)
    }

    /// The text at the end.
    pub fn ends_with(text: &str) -> Self {
        Self::new([Part::AnyRun, Part::Literal(text.into())], false)
    }

    /// The same with upper and lower case told apart.
    #[must_use]
    pub fn cased(self) -> Self {
        Self { cased: true, ..self }
    }

    /// Its pieces: no two literals and no two runs follow each other, and no literal is empty.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether upper and lower case differ.
    pub fn is_cased(&self) -> bool {
        self.cased
    }
}

/// Whether all of `text` is like these pieces. Takes time in proportion to both at worst, and to `text` mostly.
pub(crate) fn is_like(parts: &[Part], text: &str) -> bool {
    let (mut part, mut at) = (0, 0);
    // The part after the last run, and where it was last tried.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match parts.get(part) {
            Some(Part::AnyRun) if part + 1 == parts.len() => return true,
            Some(Part::AnyRun) => {
                part += 1;
                retry = Some((part, at));
                continue;
            }
            Some(Part::Literal(literal)) if text[at..].starts_with(&**literal) => {
                at += literal.len();
                part += 1;
                continue;
            }
            Some(Part::AnyCharacter) if at < text.len() => {
                at += character_length(text, at);
                part += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        let Some((first, tried)) = retry.filter(|(_, tried)| *tried < text.len()) else { return false };
        let next = tried + character_length(text, tried);
        let found = match &parts[first] {
            Part::Literal(literal) => match text[next..].find(&**literal) {
                Some(skipped) => next + skipped,
                None => return false,
            },
            _ => next,
        };
        (part, at) = (first, found);
        retry = Some((first, found));
    }
}

fn character_length(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

impl fmt::Display for TextPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Literal(text) => {
                    f.write_str(&text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?"))?
                }
                Part::AnyRun => f.write_str("*")?,
                Part::AnyCharacter => f.write_str("?")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(glob: &str) -> Vec<Part> {
        let part = |c: char| match c {
            '*' => Part::AnyRun,
            '?' => Part::AnyCharacter,
            c => Part::Literal(c.to_string().into()),
        };
        TextPattern::new(glob.chars().map(part), true).parts().to_vec()
    }

    #[test]
    fn wildcards_stand_for_runs_and_for_characters() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acd", false),
            ("*b*b", "abcb", true),
            ("*ab", "aab", true),
            ("*aab*", "aaaab", true),
            ("a?c", "aäc", true),
            ("a?c", "ac", false),
            ("?*", "", false),
            ("*?", "ä", true),
            ("*?b", "bb", true),
            ("*a?c*", "aacabcc", true),
            ("ä*ß", "äöüß", true),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(is_like(&parts(glob), text), expected, "{glob} on {text}");
        }
    }

    #[test]
    fn many_wildcards_take_no_exponential_time() {
        let text = "a".repeat(20_000);
        assert!(!is_like(&parts("*a*a*a*a*a*a*a*a*b"), &text));
    }
}
