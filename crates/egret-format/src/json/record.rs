//! Reads one JSON object into a row.

use std::borrow::Cow;

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};

use super::mend::{Mended, mend};
use crate::plan::{Entry, Node};
use crate::rows::RowBuilder;
use crate::slot::Value;

/// Objects nested deeper than this are kept as text. Deeper than 200, where the parser gives up, is no record.
const MAX_DEPTH: usize = 32;

/// Why a record cannot be read.
#[derive(Debug)]
pub(crate) enum RecordError {
    /// It is no JSON.
    Json(JiterError),
    /// It is JSON but no object.
    NoObject(&'static str),
}

impl RecordError {
    /// Whether more bytes could make it a record.
    pub(crate) fn is_incomplete(&self) -> bool {
        matches!(self, Self::Json(error) if is_incomplete(error))
    }

    /// Whether nobody can tell where the record ends.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self, Self::Json(_))
    }

    /// For people.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Json(error) => format!("not valid JSON: {} at byte {}", error.error_type, error.index),
            Self::NoObject(found) => format!("expected a JSON object, found {found}"),
        }
    }
}

/// Whether the text ended where more was expected.
pub(crate) fn is_incomplete(error: &JiterError) -> bool {
    use JsonErrorType::{
        EofWhileParsingList, EofWhileParsingObject, EofWhileParsingString, EofWhileParsingValue,
    };
    matches!(
        error.error_type,
        JiterErrorType::JsonError(
            EofWhileParsingList | EofWhileParsingObject | EofWhileParsingString | EofWhileParsingValue
        )
    )
}

/// Reads the object that starts at the current place of `json` into the row that has begun. `text` is what
/// `json` reads.
pub(crate) fn read_record(
    json: &mut Jiter<'_>,
    text: &str,
    rows: &mut RowBuilder<'_>,
) -> Result<(), RecordError> {
    let peek = json.peek().map_err(RecordError::Json)?;
    if peek != Peek::Object {
        let found = describe(peek);
        json.known_skip(peek).map_err(RecordError::Json)?;
        return Err(RecordError::NoObject(found));
    }
    let plan = rows.plan();
    let mut reader = Reader { text, mended: None, kept: 0, rows, name: String::new() };
    reader.object(json, &plan.root, 0).map_err(RecordError::Json)
}

/// Reads the record at the start of `written` once more, which [`read_record`] refused: RFC 8259 allows lone
/// surrogates in strings, the parser does not. They become U+FFFD, and `extra` keeps what was written. Says where
/// the record ends; `None` if it has no lone surrogates.
pub(crate) fn read_mended(written: &str, rows: &mut RowBuilder<'_>) -> Option<Result<usize, RecordError>> {
    let mended = mend(written)?;
    rows.begin_again();
    let mut json = Jiter::new(mended.text.as_bytes());
    let peek = match json.peek() {
        Ok(peek) => peek,
        Err(error) => return Some(Err(RecordError::Json(error))),
    };
    if peek != Peek::Object {
        let skipped = json.known_skip(peek).map_err(RecordError::Json);
        return Some(skipped.and(Err(RecordError::NoObject(describe(peek)))));
    }
    let plan = rows.plan();
    let mut reader =
        Reader { text: &mended.text, mended: Some((&mended, written)), kept: 0, rows, name: String::new() };
    if let Err(error) = reader.object(&mut json, &plan.root, 0) {
        return Some(Err(RecordError::Json(error)));
    }
    let end = json.current_index();
    // In a name, or inside a value that `extra` keeps as it was mended.
    if reader.kept < mended.places() {
        rows.invalid_utf8(written.get(..end).unwrap_or(written).as_bytes());
    }
    Some(Ok(end))
}

fn describe(peek: Peek) -> &'static str {
    match peek {
        Peek::Null => "null",
        Peek::True | Peek::False => "true or false",
        Peek::String => "a string",
        Peek::Array => "an array",
        _ => "a number",
    }
}

struct Reader<'r, 't, 'b> {
    text: &'t str,
    /// What `text` was before lone surrogates were replaced, if there were any.
    mended: Option<(&'t Mended, &'t str)>,
    /// How many of those replaced are kept as they were written.
    kept: usize,
    rows: &'r mut RowBuilder<'b>,
    /// The name of a field that the plan does not know, kept while its value is read.
    name: String,
}

impl<'t> Reader<'_, 't, '_> {
    /// Reads an object whose known fields are `node`'s.
    fn object(&mut self, json: &mut Jiter<'_>, node: &Node, depth: usize) -> Result<(), JiterError> {
        let mut previous = node.number;
        let mut name = json.next_object()?;
        while let Some(field) = name {
            match self.rows.find(node, previous, field) {
                Some(entry) => {
                    previous = node.entries[entry].number;
                    self.known(json, node, entry, depth)?;
                }
                None => {
                    self.name.clear();
                    self.name.push_str(field);
                    self.unknown(json, depth)?;
                }
            }
            name = json.next_key()?;
        }
        Ok(())
    }

    fn known(
        &mut self,
        json: &mut Jiter<'_>,
        node: &Node,
        index: usize,
        depth: usize,
    ) -> Result<(), JiterError> {
        let entry: &Entry = &node.entries[index];
        let peek = json.peek()?;
        if let (Peek::Object, Some(child), true, true) =
            (peek, &entry.child, entry.slots.is_empty(), depth < MAX_DEPTH)
        {
            self.rows.present(&entry.presences);
            self.rows.extra().enter(&entry.name);
            self.object(json, child, depth + 1)?;
            self.rows.extra().leave();
            return Ok(());
        }
        let start = json.current_index();
        let raw = self.raw(json, peek)?;
        let text;
        let value = match peek {
            Peek::Null => {
                self.rows.extra().put_json(&entry.name, "null");
                return Ok(());
            }
            Peek::String => {
                text = unescape(raw);
                Value::String(&text)
            }
            _ => Value::Json(raw),
        };
        match self.written(start, raw) {
            None => self.rows.fill(node, index, value),
            Some((written, places)) => {
                self.kept += places;
                self.rows.fill_again(node, index, value);
                self.rows.extra().put_text(&entry.name, written);
            }
        }
        // A column for the whole object, and others for fields inside it.
        if let (Peek::Object, Some(child), true) = (peek, &entry.child, depth < MAX_DEPTH) {
            self.inside(raw, child, entry, depth + 1)?;
        }
        Ok(())
    }

    /// Fills the columns for fields inside an object that another column takes whole: nothing of it needs
    /// keeping in `extra`.
    fn inside(&mut self, raw: &str, child: &Node, entry: &Entry, depth: usize) -> Result<(), JiterError> {
        self.rows.present(&entry.presences);
        let mut json = Jiter::new(raw.as_bytes());
        let mut name = json.next_object()?;
        while let Some(field) = name {
            let index = child.find(field);
            let peek = json.peek()?;
            let value = raw_value(&mut json, raw, peek)?;
            if let Some(index) = index {
                let entry = &child.entries[index];
                match peek {
                    Peek::Null => {}
                    Peek::String => {
                        self.rows.fill_again(child, index, Value::String(&unescape(value)));
                    }
                    _ => {
                        self.rows.fill_again(child, index, Value::Json(value));
                    }
                }
                if let (Peek::Object, Some(grandchild), true) = (peek, &entry.child, depth < MAX_DEPTH) {
                    self.inside(value, grandchild, entry, depth + 1)?;
                }
            }
            name = json.next_key()?;
        }
        Ok(())
    }

    fn unknown(&mut self, json: &mut Jiter<'_>, depth: usize) -> Result<(), JiterError> {
        let peek = json.peek()?;
        let start = json.current_index();
        let raw = self.raw(json, peek)?;
        let name = std::mem::take(&mut self.name);
        match (peek, self.written(start, raw)) {
            (Peek::String, Some((written, places))) => {
                self.kept += places;
                if depth > 0 {
                    self.rows.extra().put_text(&name, written);
                } else {
                    self.rows.unknown_mended(&name, &unescape(raw), written);
                }
            }
            _ if depth > 0 => self.rows.extra().put_json(&name, raw),
            (Peek::Null, _) => self.rows.extra().put_json(&name, "null"),
            (Peek::String, None) => {
                let text = unescape(raw);
                self.rows.unknown(&name, Value::String(&text));
            }
            _ => self.rows.unknown(&name, Value::Json(raw)),
        }
        self.name = name;
        Ok(())
    }

    /// Reads over the next value and gives it as it is written.
    fn raw(&self, json: &mut Jiter<'_>, peek: Peek) -> Result<&'t str, JiterError> {
        raw_value(json, self.text, peek)
    }

    /// What stood in place of `raw`, which starts at `start`, if lone surrogates in it were replaced, and how many.
    /// A string is without its quotes.
    fn written(&self, start: usize, raw: &str) -> Option<(&'t str, usize)> {
        let (mended, written) = self.mended?;
        let places = mended.places_between(start, start + raw.len());
        let written = written.get(start..start + raw.len()).filter(|_| places > 0)?;
        let inner = written.strip_prefix('"').and_then(|inner| inner.strip_suffix('"'));
        Some((inner.unwrap_or(written), places))
    }
}

/// Reads over the next value of `json`, which reads `text`, and gives it as it is written.
fn raw_value<'t>(json: &mut Jiter<'_>, text: &'t str, peek: Peek) -> Result<&'t str, JiterError> {
    let start = json.current_index();
    json.known_skip(peek)?;
    // Values start and end at ASCII characters, so the range is always on the boundaries of text.
    Ok(text.get(start..json.current_index()).unwrap_or_default())
}

/// The text of a JSON string that is known to be valid.
fn unescape(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len() - 1).unwrap_or_default();
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Cow::Borrowed(inner);
    }
    // The parser has read it before; should the two disagree, the string stays as it is written.
    serde_json::from_str(raw).unwrap_or(Cow::Borrowed(inner))
}
