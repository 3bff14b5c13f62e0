//! `file_layout`: which files below a folder are meant, as a grok expression over their relative path.

use std::ops::Range;

use egret_model::suggest;
use regex::{Regex, RegexBuilder};

use crate::file::patterns;

/// Patterns may refer to patterns this deep.
const MAX_DEPTH: usize = 16;

/// An expanded layout is at most this long; without it a few patterns that double each other fill the memory.
const MAX_EXPANDED_BYTES: usize = 64 << 10;

/// A layout, compiled. It must describe the whole path below the folder.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    text: String,
    expression: Regex,
}

/// Why a layout or a pattern in it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct LayoutError {
    /// What is wrong.
    pub message: String,
    /// Which bytes of the layout it is about.
    pub span: Range<usize>,
    /// What to do next.
    pub hint: String,
}

impl Layout {
    /// Compiles `text` with the user's own `patterns` (name, expression), which come before the built-in ones.
    pub(crate) fn new(text: &str, patterns: &[(String, String)]) -> Result<Self, LayoutError> {
        let expansion = Expansion { own: patterns };
        let mut expanded = String::new();
        expansion.expand(text, None, 0, &mut expanded)?;
        let expression = RegexBuilder::new(&format!("^(?:{expanded})$"))
            .dot_matches_new_line(true)
            .build()
            .map_err(|error| LayoutError {
                message: format!("the layout is not a valid expression: {}", last_line(&error)),
                span: 0..text.len(),
                hint: "write it like `%{YEAR:year}/%{MONTHNUM:month}/%{DATA}.json.gz`; optional parts like `(%{WORD}/)?`"
                    .to_owned(),
            })?;
        Ok(Self { text: text.to_owned(), expression })
    }

    /// Whether a path relative to the folder is meant.
    pub(crate) fn matches(&self, relative: &str) -> bool {
        self.expression.is_match(relative)
    }

    /// As written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

struct Expansion<'a> {
    own: &'a [(String, String)],
}

impl Expansion<'_> {
    /// Appends `text` with its `%{NAME:field}` replaced. `place` is where in the layout the pattern stands
    /// whose expression `text` is; `None` for the layout itself.
    fn expand(
        &self,
        text: &str,
        place: Option<&Range<usize>>,
        depth: usize,
        expanded: &mut String,
    ) -> Result<(), LayoutError> {
        let mut rest = text;
        while let Some(start) = rest.find("%{") {
            let at = text.len() - rest.len() + start;
            self.literal(&rest[..start], place.is_none(), expanded);
            let Some(length) = rest[start..].find('}') else {
                let span = place.cloned().unwrap_or(at..text.len());
                return Err(error("`%{` without `}`", span, "close it with `}`"));
            };
            let inner = &rest[start + 2..start + length];
            let name = inner.split(':').next().unwrap_or_default();
            let span = place.cloned().unwrap_or(at + 2..at + 2 + name.len());
            let expression = self.expression(name).ok_or_else(|| self.unknown(name, span.clone()))?;
            if depth == MAX_DEPTH || expanded.len() > MAX_EXPANDED_BYTES {
                let message = format!("the pattern `{name}` refers to itself, or too much to others");
                return Err(error(&message, span, "write it without that"));
            }
            expanded.push_str("(?:");
            self.expand(expression, Some(&span), depth + 1, expanded)?;
            expanded.push(')');
            rest = &rest[start + length + 1..];
        }
        self.literal(rest, place.is_none(), expanded);
        Ok(())
    }

    /// Appends what stands between patterns. In the layout itself a dot is a dot, as people write
    /// `%{DATA}.json.gz`, unless a repetition follows (`.*`) or it stands in a class; in the expression of a
    /// pattern it is any character.
    fn literal(&self, text: &str, in_layout: bool, expanded: &mut String) {
        let (mut escaped, mut in_class) = (false, false);
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let repeated = characters.peek().is_some_and(|next| matches!(next, '*' | '+' | '{'));
            if character == '.' && in_layout && !escaped && !in_class && !repeated {
                expanded.push('\\');
            }
            expanded.push(character);
            match character {
                '[' if !escaped => in_class = true,
                ']' if !escaped => in_class = false,
                _ => {}
            }
            escaped = character == '\\' && !escaped;
        }
    }

    fn expression(&self, name: &str) -> Option<&str> {
        let own = self.own.iter().find(|(own, _)| own == name).map(|(_, expression)| expression.as_str());
        own.or_else(|| patterns::expression(name))
    }

    fn unknown(&self, name: &str, span: Range<usize>) -> LayoutError {
        let own = self.own.iter().map(|(name, _)| name.as_str());
        let built_in = patterns::PATTERNS.iter().map(|(name, _)| *name);
        let hint = match suggest::nearest(name, own.chain(built_in)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => {
                "use one of YEAR, MONTHNUM, MONTHDAY, HOUR, INT, WORD, DATA, … or define it in `patterns`"
                    .to_owned()
            }
        };
        LayoutError { message: format!("there is no pattern `{name}`"), span, hint }
    }
}

fn error(message: &str, span: Range<usize>, hint: &str) -> LayoutError {
    LayoutError { message: message.to_owned(), span, hint: hint.to_owned() }
}

/// What a regular expression's error comes down to; the rest of it draws the expanded expression.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default().trim();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_select_paths() {
        for (layout, path, expected) in [
            ("%{DATA}.log", "a/b.log", true),
            ("%{DATA}.log", "a/b.log.1", false),
            ("%{DATA}.log", "a/bxlog", false),
            ("%{YEAR:year}/%{MONTHNUM:month}/%{DATA}.json.gz", "2026/02/x.json.gz", true),
            ("%{YEAR:year}/%{MONTHNUM:month}/%{DATA}.json.gz", "2026/13/x.json.gz", false),
            ("AWSLogs/(%{DATA:org}/)?%{INT:account}/x", "AWSLogs/o-1/12/x", true),
            ("AWSLogs/(%{DATA:org}/)?%{INT:account}/x", "AWSLogs/12/x", true),
            ("AWSLogs/(%{DATA:org}/)?%{INT:account}/x", "AWSLogs/x", false),
            (r"access\.log(\.%{INT})?(.gz)?", "access.log.3.gz", true),
            (r"access\.log(\.%{INT})?(.gz)?", "access.log", true),
            ("[a.]x.*", "ax/anything", true),
            ("[a.]x.*", "bx", false),
            ("day=%{DAY2}/%{DATA}", "day=07/x", true),
            ("(a|b).log", "b.log", true),
            ("%{UUID}", "d2c1f3a4-0000-1111-2222-0123456789ab", true),
        ] {
            let own = [("DAY2".to_owned(), "[0-9]{2}".to_owned())];
            let compiled = Layout::new(layout, &own).unwrap();
            assert_eq!(compiled.matches(path), expected, "{layout} {path}");
        }
    }

    #[test]
    fn every_built_in_pattern_compiles() {
        for (name, _) in patterns::PATTERNS {
            Layout::new(&format!("%{{{name}}}"), &[]).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }

    #[test]
    fn mistakes_say_where_and_what_next() {
        let own = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        for (layout, patterns, message, at, hint) in [
            ("a/%{YAER:year}", vec![], "there is no pattern `YAER`", "YAER", "did you mean `YEAR`?"),
            ("%{X}", own("X", "%{NOTHING}"), "there is no pattern `NOTHING`", "X", "YEAR, MONTHNUM"),
            ("%{X}", own("X", "%{X}"), "refers to itself", "X", "without that"),
            ("a%{YEAR", vec![], "`%{` without `}`", "%{YEAR", "close it"),
            ("(a", vec![], "unclosed group", "(a", "%{DATA}.json.gz"),
        ] {
            let error = Layout::new(layout, &patterns).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert_eq!(&layout[error.span], at);
            assert!(error.hint.contains(hint), "{}", error.hint);
        }
    }

    #[test]
    fn patterns_that_double_each_other_end() {
        let own: Vec<_> = (0..15).map(|i| (format!("P{i}"), format!("%{{P{}}}", i + 1).repeat(10))).collect();
        let own: Vec<_> = own.into_iter().chain([("P15".to_owned(), "x".to_owned())]).collect();
        assert!(Layout::new("%{P0}", &own).is_err());
    }
}
