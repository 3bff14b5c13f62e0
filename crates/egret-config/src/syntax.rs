//! Text to HCL's syntax tree, and its syntax errors as ours, with places that are true for the text as written.

use std::ops::Range;
use std::sync::Arc;

use hcl_edit::parser::Error;
use hcl_edit::structure::Body;

use crate::backtick;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::place::{Location, SourceFile};

/// After so many broken blocks the rest of a file is left alone.
const MAX_SYNTAX_ERRORS: usize = 20;

/// Some editors put it at the start of a file.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Parses `file`. A block with a syntax error is reported and left out; the others are still read.
pub(crate) fn parse(file: &Arc<SourceFile>, diagnostics: &mut Diagnostics) -> Body {
    if let Some(offset) = file.text.find(backtick::PERCENT) {
        let place = Location::new(file, offset..offset + 1);
        diagnostics
            .push(Diagnostic::error("there is a control character (U+0001)").at(&place).hint("remove it"));
        return Body::new();
    }
    let mut text = match backtick::mask(&file.text) {
        Ok(masked) => masked.into_owned(),
        Err(unclosed) => {
            let place = Location::new(file, unclosed.offset..unclosed.offset + 1);
            let mistake = Diagnostic::error("a backtick string is not closed").at(&place);
            diagnostics.push(mistake.hint("end it with another backtick"));
            return Body::new();
        }
    };
    if text.starts_with(BYTE_ORDER_MARK) {
        text.replace_range(..BYTE_ORDER_MARK.len_utf8(), "   ");
    }
    for _ in 0..MAX_SYNTAX_ERRORS {
        let error = match hcl_edit::parser::parse_body(&text) {
            Ok(body) => return body,
            Err(error) => error,
        };
        let mistake = SyntaxError::new(&error, &text);
        diagnostics.push(mistake.describe(file));
        if !blank_block(&mut text, mistake.offset) {
            break;
        }
    }
    Body::new()
}

/// The value of the string literal at `location`, which the parser read as `parsed`: that of a backtick string
/// is what stands in the file.
pub(crate) fn string_value(location: &Location, parsed: &str) -> String {
    let raw = location.text().strip_prefix('`').and_then(|text| text.strip_suffix('`'));
    raw.map_or_else(|| literal_value(parsed), str::to_owned)
}

/// The value of a literal part of a quoted string, which the parser read as `parsed`.
pub(crate) fn literal_value(parsed: &str) -> String {
    parsed.replace(backtick::PERCENT, "%")
}

/// What the parser stumbled over.
struct SyntaxError {
    offset: usize,
    message: String,
    /// The block that most likely lacks its `}`, if the file ended too early.
    unclosed: Option<Range<usize>>,
}

impl SyntaxError {
    fn new(error: &Error, text: &str) -> Self {
        let mut offset = error.location().offset().min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let message = error.message().to_owned();
        let at_end = text[offset..].trim_end().len() <= 1 && message.contains('}');
        match unclosed_block(text).filter(|_| at_end) {
            Some(header) => Self { offset: header.start, message, unclosed: Some(header) },
            None => Self { offset, message, unclosed: None },
        }
    }

    /// It in our words.
    fn describe(&self, file: &Arc<SourceFile>) -> Diagnostic {
        if let Some(header) = &self.unclosed {
            let place = Location::new(file, header.clone());
            return Diagnostic::error("syntax error: this block is not closed")
                .at(&place)
                .hint("add a `}` at its end");
        }
        let message = self.message.as_str();
        let place = Location::new(file, self.span(&file.text));
        if message.contains("redefined attribute") {
            return Diagnostic::error(format!("`{}` is set twice in one block", place.text()))
                .at(&place)
                .hint("remove one of them");
        }
        if message.contains("redefined object key") {
            return Diagnostic::error("a map has the same key twice").at(&place).hint("remove one of them");
        }
        let message = match message.contains("invalid expression") {
            // The parser would list every character that an expression can start with.
            true => "expected a value",
            false => message,
        };
        let hint = self.hint(&file.text[place.span.start..]);
        Diagnostic::error(format!("syntax error: {message}")).at(&place).hint_if(hint)
    }

    /// The word or character there; nothing at the end of a line; all of a wrong escape sequence.
    fn span(&self, text: &str) -> Range<usize> {
        let offset = self.offset;
        if self.message.contains("escape sequence")
            && let Some(backslash) = text[..offset].rfind('\\')
        {
            return backslash..offset;
        }
        let rest = &text[offset..];
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        match rest.chars().next() {
            Some(c) if c.is_whitespace() => offset..offset,
            Some(c) => offset..offset + word.max(c.len_utf8()),
            None => offset..offset,
        }
    }

    /// What is most often meant by what the parser stumbles over.
    fn hint(&self, rest: &str) -> Option<&'static str> {
        let message = self.message.as_str();
        if rest.starts_with('\'') {
            return Some("strings are written in double quotes or backticks");
        }
        if message.contains("escape sequence") {
            return Some(
                "write `\\\\` for a backslash, or put the text in backticks, where nothing is escaped",
            );
        }
        if message.contains("block body") && rest.starts_with([',', ';']) || message.contains("newline") {
            return Some("attributes stand on a line each; a block on one line holds a single attribute");
        }
        if message.contains("invalid structure") {
            return Some("an attribute is written `name = value`, a block `name { … }`");
        }
        None
    }
}

/// Replaces the top-level block around `offset` by spaces, so that the parser can go on with the others.
/// Returns false if there is nothing left to replace.
///
/// With a syntax error the braces cannot be trusted. What can: a line that starts, without indent, like a
/// block's header.
fn blank_block(text: &mut String, offset: usize) -> bool {
    let mut start = 0;
    let mut end = text.len();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        if is_block_header(line) {
            if line_start > offset {
                end = line_start;
                break;
            }
            start = line_start;
        }
        line_start += line.len();
    }
    let region = &text[start..end];
    if region.trim().is_empty() {
        return false;
    }
    let blank: String =
        region.chars().map(|c| if c == '\n' { "\n".to_owned() } else { " ".repeat(c.len_utf8()) }).collect();
    text.replace_range(start..end, &blank);
    true
}

/// Whether `line` is `kind label "label" {…`, without indent.
fn is_block_header(line: &str) -> bool {
    let Some((head, _)) = line.split_once('{') else { return false };
    let starts = head.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '"' | ' ' | '\t');
    starts && head.chars().all(plain)
}

/// The header of the first block that opens more braces than it closes, judged by the lines up to the next
/// header without indent.
fn unclosed_block(text: &str) -> Option<Range<usize>> {
    let mut header: Option<Range<usize>> = None;
    let mut open = 0_i64;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        if is_block_header(line) {
            if open > 0 {
                return header;
            }
            header = Some(line_start..line_start + line.trim_end().len());
            open = 0;
        }
        for byte in line.bytes() {
            open += i64::from(byte == b'{') - i64::from(byte == b'}');
        }
        line_start += line.len();
    }
    header.filter(|_| open > 0)
}
