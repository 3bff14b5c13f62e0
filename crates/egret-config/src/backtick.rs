//! What tailpipe writes and HCL's grammar does not know: backtick strings, and grok patterns in quoted ones.
//!
//! A backtick string is raw: no escapes, no interpolation, several lines. Before parsing, each is replaced by a
//! quoted string of the same byte length, so that every position the parser reports is true for the text as
//! written; the string's value is then taken from that text. Likewise the `%` of `"%{DATA}.gz"`, which would
//! start a directive, becomes a control character until the string is read.

use std::borrow::Cow;

/// Stands for the `%` of a grok pattern. The file itself has no such character: that is checked before.
pub(crate) const PERCENT: char = '\u{1}';

/// A backtick string that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclosed {
    /// The byte of its opening backtick.
    pub offset: usize,
}

/// `text` with each backtick string as a quoted string of the same length, and [`PERCENT`] where a grok pattern
/// stands in a quoted string.
///
/// Only in code does a backtick open a string: not in comments, quoted strings or heredocs, but again in an
/// interpolation `${…}` within those.
pub(crate) fn mask(text: &str) -> Result<Cow<'_, str>, Unclosed> {
    if !text.contains('`') && !text.contains("%{") {
        return Ok(Cow::Borrowed(text));
    }
    let mut scanner = Scanner { text, at: 0, modes: Vec::new(), found: Vec::new() };
    scanner.scan()?;
    let mut masked = String::with_capacity(text.len());
    let mut copied = 0;
    for foreign in scanner.found {
        match foreign {
            Foreign::Backticks { start, end } => {
                masked.push_str(&text[copied..start]);
                masked.push('"');
                masked.extend(text[start + 1..end - 1].chars().map(harmless));
                masked.push('"');
                copied = end;
            }
            Foreign::Grok { percent } => {
                masked.push_str(&text[copied..percent]);
                masked.push(PERCENT);
                copied = percent + 1;
            }
        }
    }
    masked.push_str(&text[copied..]);
    Ok(Cow::Owned(masked))
}

/// What means something in a quoted string becomes a control character; the rest stays as it is, so that two
/// different strings do not become the same (they may be keys of one map).
fn harmless(c: char) -> char {
    match c {
        '"' => '\u{2}',
        '\\' => '\u{3}',
        '$' => '\u{4}',
        '%' => '\u{5}',
        other => other,
    }
}

/// What the scanner is in, besides code at the outermost.
enum Mode<'a> {
    /// Code within `${…}` or `%{…}`, and how many braces are open in it.
    Interpolation { braces: usize },
    /// A quoted string.
    Quoted,
    /// A heredoc and its delimiter.
    Heredoc { delimiter: &'a str },
}

/// What the grammar does not know.
enum Foreign {
    /// A string, backticks included.
    Backticks { start: usize, end: usize },
    /// The `%` of a grok pattern.
    Grok { percent: usize },
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    modes: Vec<Mode<'a>>,
    found: Vec<Foreign>,
}

impl<'a> Scanner<'a> {
    fn scan(&mut self) -> Result<(), Unclosed> {
        while self.at < self.text.len() {
            match self.modes.last_mut() {
                Some(Mode::Quoted) => self.step_in_quoted(),
                Some(Mode::Heredoc { delimiter }) => {
                    let delimiter = *delimiter;
                    self.step_in_heredoc(delimiter);
                }
                Some(Mode::Interpolation { .. }) | None => self.step_in_code()?,
            }
        }
        Ok(())
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Moves on by `bytes`, then to the next character's start.
    fn advance(&mut self, bytes: usize) {
        self.at = (self.at + bytes).min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn advance_past(&mut self, what: &str, from: usize) {
        let rest = self.rest();
        let found = rest.get(from..).and_then(|tail| tail.find(what));
        self.at += found.map_or(rest.len(), |at| from + at + what.len());
    }

    fn step_in_code(&mut self) -> Result<(), Unclosed> {
        let rest = self.rest();
        if rest.starts_with('#') || rest.starts_with("//") {
            self.advance_past("\n", 0);
        } else if rest.starts_with("/*") {
            self.advance_past("*/", 2);
        } else if rest.starts_with('"') {
            self.modes.push(Mode::Quoted);
            self.advance(1);
        } else if let Some(after) = rest.strip_prefix('`') {
            let length = after.find('`').ok_or(Unclosed { offset: self.at })? + 2;
            self.found.push(Foreign::Backticks { start: self.at, end: self.at + length });
            self.advance(length);
        } else if let Some((delimiter, length)) = heredoc_start(rest) {
            self.modes.push(Mode::Heredoc { delimiter });
            self.advance(length);
        } else {
            self.count_brace(rest);
            self.advance(1);
        }
        Ok(())
    }

    fn count_brace(&mut self, rest: &str) {
        let Some(Mode::Interpolation { braces }) = self.modes.last_mut() else { return };
        if rest.starts_with('{') {
            *braces += 1;
        } else if rest.starts_with('}') {
            match braces.checked_sub(1) {
                Some(left) => *braces = left,
                None => {
                    self.modes.pop();
                }
            }
        }
    }

    fn step_in_quoted(&mut self) {
        let rest = self.rest();
        if rest.starts_with('\\') {
            self.advance(2);
        } else if rest.starts_with('"') {
            self.modes.pop();
            self.advance(1);
        } else {
            self.step_in_template();
        }
    }

    /// A heredoc's text starts with the line ending before it, so that a delimiter is found at once.
    fn step_in_heredoc(&mut self, delimiter: &str) {
        let Some(line) = self.rest().strip_prefix('\n') else {
            self.step_in_template();
            return;
        };
        let after = line.trim_start_matches([' ', '\t']).strip_prefix(delimiter);
        if after.is_some_and(|after| !after.starts_with(continues_identifier)) {
            self.modes.pop();
        }
        self.advance(1);
    }

    fn step_in_template(&mut self) {
        let rest = self.rest();
        if rest.starts_with("$${") || rest.starts_with("%%{") {
            self.advance(3);
        } else if is_grok(rest) {
            self.found.push(Foreign::Grok { percent: self.at });
            self.advance(2);
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            self.modes.push(Mode::Interpolation { braces: 0 });
            self.advance(2);
        } else {
            self.advance(1);
        }
    }
}

/// Whether a grok pattern starts here: their names are upper case, those of directives lower.
fn is_grok(rest: &str) -> bool {
    rest.strip_prefix("%{").is_some_and(|name| name.starts_with(|c: char| c.is_ascii_uppercase()))
}

/// The delimiter of a heredoc that starts here, and the length up to (not including) the line ending.
fn heredoc_start(rest: &str) -> Option<(&str, usize)> {
    let after = rest.strip_prefix("<<")?;
    let after = after.strip_prefix('-').unwrap_or(after);
    let length = after.find(|c| !continues_identifier(c))?;
    let (delimiter, ending) = after.split_at(length);
    let opens = length > 0 && (ending.starts_with('\n') || ending.starts_with("\r\n"));
    let carriage_return = usize::from(ending.starts_with('\r'));
    opens.then(|| (delimiter, rest.len() - ending.len() + carriage_return))
}

fn continues_identifier(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

#[cfg(test)]
mod tests;
