//! Regular expressions of rules: flags, where they must match, and whether they are any.

use std::sync::Arc;

use egret_match::TextRelation;
use regex_syntax::ast::ErrorKind;

use super::apply::Problem;

/// The syntax tree of a longer one would take too much.
const MAX_BYTES: usize = 64 << 10;

/// A regular expression and what the modifiers behind `re` add to it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sigma) struct Regex {
    /// As written, with the values of placeholders.
    source: String,
    flags: String,
    position: TextRelation,
}

impl Regex {
    /// One that is searched anywhere in the value.
    pub fn new(source: &str) -> Self {
        Self { source: source.to_owned(), flags: String::new(), position: TextRelation::Contains }
    }

    /// How long its text is.
    pub fn len(&self) -> usize {
        self.source.len()
    }

    /// With a flag more.
    pub fn flag(mut self, flag: char) -> Self {
        self.flags.push(flag);
        self
    }

    /// At this place of the value.
    pub fn at(mut self, position: TextRelation) -> Self {
        self.position = position;
        self
    }

    /// It for the matcher, or what is wrong with it.
    pub fn finish(self) -> Result<Arc<str>, Problem> {
        if self.source.len() > MAX_BYTES {
            let message = format!("this regular expression is longer than {} KiB", MAX_BYTES >> 10);
            return Err(Problem::value(message, "write several"));
        }
        regex_syntax::parse(&self.source).map_err(|error| problem(&error))?;
        let flags = match self.flags.as_str() {
            "" => String::new(),
            flags => format!("(?{flags})"),
        };
        // `\A` and not `^`, which with the flag `m` is also the start of any line.
        Ok(match self.position {
            TextRelation::StartsWith => format!("{flags}\\A(?:{})", self.source),
            TextRelation::EndsWith => format!("{flags}(?:{})\\z", self.source),
            TextRelation::Contains | TextRelation::Equals => flags + &self.source,
        }
        .into())
    }
}

fn problem(error: &regex_syntax::Error) -> Problem {
    let (message, span, hint) = match error {
        regex_syntax::Error::Parse(error) => {
            let hint = match error.kind() {
                ErrorKind::UnsupportedLookAround | ErrorKind::UnsupportedBackreference => {
                    "write two selections, and join them by `and` or `and not`"
                }
                _ => "a sign that stands for itself needs a backslash before it",
            };
            (error.kind().to_string(), *error.span(), hint)
        }
        regex_syntax::Error::Translate(error) => (
            error.kind().to_string(),
            *error.span(),
            "regular expressions match text, character by character",
        ),
        other => {
            return Problem::value(format!("this is no regular expression: {other}"), "write it more simply");
        }
    };
    let span = span.start.offset..span.end.offset;
    Problem::value(format!("this is no regular expression: {message}"), hint).inside(span)
}
