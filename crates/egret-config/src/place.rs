//! Places in configuration files: which file, which bytes of it, and a value that knows where it stands.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A configuration file, or a text with a name, as it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, or the name of a text that is no file.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
    /// Which bytes of it are secrets, as far as anybody has read them as such.
    secrets: Secrets,
}

/// Places of secrets. They are no part of what a file is: it is the same before and after they are known.
#[derive(Debug, Default)]
struct Secrets(Mutex<Vec<Range<usize>>>);

impl PartialEq for Secrets {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Secrets {}

impl SourceFile {
    /// A file called `path` that says `text`.
    pub fn new(path: impl Into<PathBuf>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self { path: path.into(), text: text.into(), secrets: Secrets::default() })
    }

    /// From now on what is written at `span` is not shown any more.
    pub(crate) fn hide(&self, span: Range<usize>) {
        self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner).push(span);
    }

    /// The text as it may be shown: each byte of a secret is a star, so that everything else stays in its place.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        let secrets = self.secrets.0.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let mut shown = String::with_capacity(self.text.len());
        for (at, c) in self.text.char_indices() {
            if c != '\n' && secrets.iter().any(|span| span.contains(&at)) {
                shown.extend(std::iter::repeat_n('*', c.len_utf8()));
            } else {
                shown.push(c);
            }
        }
        Cow::Owned(shown)
    }

    /// Line and column (in characters), both counted from 1, of the byte at `offset`.
    pub fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (line, before[line_start..].chars().count() + 1)
    }

    /// The folder that relative paths in this file start from.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// Bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: Arc<SourceFile>,
    /// Which bytes of its text.
    pub span: Range<usize>,
}

impl Location {
    /// The bytes `span` of `file`.
    pub fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        Self { file: Arc::clone(file), span }
    }

    /// What is written there.
    pub fn text(&self) -> &str {
        self.file.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The line it starts on, counted from 1.
    pub fn line(&self) -> usize {
        self.file.line_and_column(self.span.start).0
    }
}

/// `egret.hcl:3:10`
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.file.line_and_column(self.span.start);
        write!(f, "{}:{line}:{column}", self.file.path.display())
    }
}

/// Without the file's text, which would drown everything else.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}..{}", self.span.end)
    }
}

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub location: Location,
}

impl<T> Located<T> {
    /// `value`, written at `location`.
    pub fn new(value: T, location: Location) -> Self {
        Self { value, location }
    }

    /// Another value, written at the same place.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Located<U> {
        Located { value: change(self.value), location: self.location }
    }
}

impl Located<String> {
    /// Where the bytes `inner` of the value are written: exact for a quoted string without escapes, a
    /// backtick string and a heredoc; else (escapes, interpolation, a function, a local) the whole expression.
    ///
    /// So a mistake in the SQL of `where = "…"` is shown at its own place.
    pub fn inside(&self, inner: Range<usize>) -> Location {
        let start = self.file_offset(inner.start);
        let end = match inner.is_empty() {
            true => start,
            // The end lies after a byte of the value, which may be the last of its line.
            false => inner.end.checked_sub(1).and_then(|last| Some(self.file_offset(last)? + 1)),
        };
        match (start, end) {
            (Some(start), Some(end)) if start <= end => Location::new(&self.location.file, start..end),
            _ => self.location.clone(),
        }
    }

    /// The byte of the file where the byte `inner` of the value is written, if that is certain.
    fn file_offset(&self, inner: usize) -> Option<usize> {
        if inner > self.value.len() {
            return None;
        }
        let written = self.location.text();
        if let Some(heredoc) = written.strip_prefix("<<") {
            return heredoc_offset(written, heredoc.starts_with('-'), &self.value, inner)
                .map(|offset| self.location.span.start + offset);
        }
        let quote = written.chars().next().filter(|c| matches!(c, '"' | '`'))?;
        let content = written.strip_prefix(quote)?.strip_suffix(quote)?;
        (content == self.value).then(|| self.location.span.start + 1 + inner)
    }
}

/// Where the byte `inner` of a heredoc's value stands in the heredoc as written. Each line of the value must
/// be the end of the line as written; what is before it is the indent that `<<-` takes away.
fn heredoc_offset(written: &str, indented: bool, value: &str, inner: usize) -> Option<usize> {
    let mut written_at = written.find('\n')? + 1;
    let mut value_at = 0;
    let mut found = None;
    for value_line in value.split_inclusive('\n') {
        let rest = &written[written_at..];
        let written_line = &rest[..rest.find('\n').map_or(rest.len(), |newline| newline + 1)];
        let indent = written_line.len().checked_sub(value_line.len())?;
        let plain = written_line.ends_with(value_line) && written_line[..indent].trim().is_empty();
        if !plain || (indent > 0 && !indented) {
            return None;
        }
        if (value_at..value_at + value_line.len()).contains(&inner) {
            found = Some(written_at + indent + inner - value_at);
        }
        written_at += written_line.len();
        value_at += value_line.len();
    }
    // The end of the value is a place too: the start of the line with the delimiter.
    found.or_else(|| (inner == value.len()).then_some(written_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(written: &str, value: &str) -> Located<String> {
        let text = format!("where = {written}\n");
        let file = SourceFile::new("a.hcl", text);
        Located::new(value.to_owned(), Location::new(&file, 8..8 + written.len()))
    }

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let file = SourceFile::new("a.hcl", "é = 1\nb = \"ü\"x\n");
        assert_eq!(file.line_and_column(0), (1, 1));
        assert_eq!(file.line_and_column(2), (1, 2));
        assert_eq!(file.line_and_column(1), (1, 1));
        assert_eq!(file.line_and_column(15), (2, 8));
        assert_eq!(file.line_and_column(999), (3, 1));
        assert_eq!(Location::new(&file, 7..8).to_string(), "a.hcl:2:1");
    }

    #[test]
    fn a_place_in_a_plain_string_is_exact() {
        for written in ["\"a = bad\"", "`a = bad`", "<<EOT\na = bad\nEOT", "<<-EOT\n  a = bad\n  EOT"] {
            let value = if written.starts_with('<') { "a = bad\n" } else { "a = bad" };
            assert_eq!(located(written, value).inside(4..7).text(), "bad", "{written}");
        }
        let several =
            located("<<-EOT\n    select\n      bad\n\n    from\n    EOT", "select\n  bad\n\nfrom\n");
        assert_eq!(several.inside(9..12).text(), "bad");
        assert_eq!(several.inside(14..18).text(), "from");
        assert_eq!(several.inside(9..18).text(), "bad\n\n    from");
        let end = located("\"abc\"", "abc").inside(3..3);
        assert_eq!(end.span, 12..12);
    }

    #[test]
    fn else_the_whole_expression_is_meant() {
        for (written, value) in [
            (r#""a \"b\" bad""#, r#"a "b" bad"#),
            (r#""${local.x} bad""#, "xx bad"),
            ("local.x", "some text"),
            ("upper(\"bad\")", "BAD"),
            ("<<EOT\n${x} bad\nEOT", "1 bad\n"),
        ] {
            assert_eq!(located(written, value).inside(1..2).text(), written);
        }
        assert_eq!(located("\"abc\"", "abc").inside(2..9).text(), "\"abc\"");
    }
}
