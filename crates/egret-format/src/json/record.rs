//! Reads one JSON object into a row.

use jiter::{JiterError, JiterErrorType, JsonErrorType};

use super::cursor::{Cursor, Raw, Refused};
use super::mend::{Mended, mend};
use super::pairs::{Pair, pairs_in, single_pair};
use super::unescape::unescape;
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
    NoObject { found: &'static str, end: usize },
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
            Self::NoObject { found, .. } => format!("expected a JSON object, found {found}"),
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

/// Memory that a reader of many records uses for each of them.
#[derive(Debug, Default)]
pub(crate) struct ReadBuffers {
    /// The name of a field that the plan does not know, kept while its value is read.
    name: String,
    /// The last string that had escapes.
    unescaped: Vec<u8>,
}

/// Reads the object at the start of `text` into the row that has begun, and says where it ends.
pub(crate) fn read_record(
    text: &str,
    buffers: &mut ReadBuffers,
    rows: &mut RowBuilder<'_>,
) -> Result<usize, RecordError> {
    read_object(text, None, buffers, rows).map(|(end, _)| end)
}

/// Reads the record at the start of `written` once more, which [`read_record`] refused: RFC 8259 allows lone
/// surrogates in strings, the parser does not. They become U+FFFD, and `extra` keeps what was written. Says where
/// the record ends; `None` if it has no lone surrogates.
pub(crate) fn read_mended(
    written: &str,
    buffers: &mut ReadBuffers,
    rows: &mut RowBuilder<'_>,
) -> Option<Result<usize, RecordError>> {
    let mended = mend(written)?;
    rows.begin_again();
    let (end, kept) = match read_object(&mended.text, Some((&mended, written)), buffers, rows) {
        Ok(read) => read,
        Err(error) => return Some(Err(error)),
    };
    // In a name, or inside a value that `extra` keeps as it was mended.
    if kept < mended.places() {
        rows.invalid_utf8(written.get(..end).unwrap_or(written).as_bytes());
    }
    Some(Ok(end))
}

/// Reads the object at the start of `text`. Says where it ends, and how many lone surrogates are kept as they were
/// written.
fn read_object(
    text: &str,
    mended: Option<(&Mended, &str)>,
    buffers: &mut ReadBuffers,
    rows: &mut RowBuilder<'_>,
) -> Result<(usize, usize), RecordError> {
    let plan = rows.plan();
    let refused = |Refused| RecordError::Json(Cursor::refusal(text));
    loop {
        let mut json = Cursor::new(text);
        let first = json.peek().map_err(refused)?;
        if first != b'{' {
            json.value().map_err(refused)?;
            return Err(RecordError::NoObject { found: describe(first), end: json.at() });
        }
        let mut reader = Reader { mended, kept: 0, rows, buffers };
        reader.object(&mut json, &plan.root, 0).map_err(refused)?;
        let kept = reader.kept;
        if !rows.wants_again() {
            return Ok((json.at(), kept));
        }
    }
}

fn describe(first: u8) -> &'static str {
    match first {
        b'n' => "null",
        b't' | b'f' => "true or false",
        b'"' => "a string",
        b'[' => "an array",
        _ => "a number",
    }
}

struct Reader<'r, 't, 'b> {
    /// What the text was before lone surrogates were replaced, if there were any.
    mended: Option<(&'t Mended, &'t str)>,
    /// How many of those replaced are kept as they were written.
    kept: usize,
    rows: &'r mut RowBuilder<'b>,
    buffers: &'r mut ReadBuffers,
}

impl<'t> Reader<'_, 't, '_> {
    /// Reads an object whose known fields are `node`'s.
    fn object(&mut self, json: &mut Cursor<'t>, node: &Node, depth: usize) -> Result<(), Refused> {
        let mut previous = node.number;
        let mut more = json.enter()?;
        while more {
            match self.name(json, node, previous)? {
                Some(entry) => {
                    previous = entry.number;
                    self.known(json, entry, depth)?;
                }
                None => self.unknown(json, node, depth)?,
            }
            more = json.another()?;
        }
        Ok(())
    }

    /// Reads the name of a field: its entry in `node`, or it is kept as the name that the plan does not know. The
    /// field before it had the number `previous`.
    fn name<'n>(
        &mut self,
        json: &mut Cursor<'t>,
        node: &'n Node,
        previous: usize,
    ) -> Result<Option<&'n Entry>, Refused> {
        if let Some(entry) = self.rows.expected(node, previous)
            && json.name_is(&entry.written)
        {
            return Ok(Some(entry));
        }
        let raw = json.name()?;
        let name = unescape(raw, &mut self.buffers.unescaped);
        let entry = self.rows.find(node, previous, name);
        if entry.is_none() {
            self.buffers.name.clear();
            self.buffers.name.push_str(name);
        }
        Ok(entry)
    }

    fn known(&mut self, json: &mut Cursor<'t>, entry: &Entry, depth: usize) -> Result<(), Refused> {
        let first = json.peek()?;
        let child = entry.child.as_deref().filter(|_| depth < MAX_DEPTH);
        if let (b'{' | b'[', Some(child)) = (first, child)
            && child.is_root
            && self.pairs(json, first, &entry.name, child)?
        {
            return Ok(());
        }
        if let (b'{', Some(child), true) = (first, child, entry.opens) {
            self.rows.present(&entry.presences);
            return self.inner_object(json, &entry.name, child, depth);
        }
        let start = json.at();
        let raw = json.value()?;
        if first == b'n' {
            self.rows.extra().put_json(&entry.name, "null");
            return Ok(());
        }
        let written = self.written(start, raw.text);
        let value = value_of(raw, &mut self.buffers.unescaped);
        match written {
            None => self.rows.fill(entry, value),
            Some((written, places)) => {
                self.kept += places;
                self.rows.fill_again(entry, value);
                self.rows.extra().put_text(&entry.name, written);
            }
        }
        // A column for the whole object, and others for fields inside it.
        if let (b'{', Some(child)) = (first, child) {
            self.rows.present(&entry.presences);
            self.inside(raw.text, child, depth + 1)?;
        }
        Ok(())
    }

    /// Reads the object `name`, of which no column takes more than the fields that are known in it.
    fn inner_object(
        &mut self,
        json: &mut Cursor<'t>,
        name: &str,
        node: &Node,
        depth: usize,
    ) -> Result<(), Refused> {
        self.rows.extra().enter(name);
        self.object(json, node, depth + 1)?;
        self.rows.extra().leave();
        Ok(())
    }

    /// Puts the members of the object `name` that are written as pairs.
    fn members(&mut self, pairs: Vec<Pair<'_>>, name: &str, node: &Node) {
        self.rows.extra().enter(name);
        for Pair { name, value } in pairs {
            let known = node.find(&name);
            if let (Some(entry), true) = (known, value != "null") {
                let raw = Raw { text: value, has_escapes: value.contains('\\') };
                self.rows.fill(entry, value_of(raw, &mut self.buffers.unescaped));
                continue;
            }
            if known.is_none() {
                self.rows.note_unknown(&name);
            }
            self.rows.extra().put_json(&name, value);
        }
        self.rows.extra().leave();
    }

    /// Reads the next value, which may be an object `name` whose members are written as pairs. False if it is none:
    /// then nothing is read.
    fn pairs(&mut self, json: &mut Cursor<'t>, first: u8, name: &str, node: &Node) -> Result<bool, Refused> {
        let pairs = match first {
            b'{' => single_pair(json.rest()).map(|pair| vec![pair]),
            _ => pairs_in(json.rest()),
        };
        let Some(pairs) = pairs else { return Ok(false) };
        json.value()?;
        self.members(pairs, name, node);
        Ok(true)
    }

    /// Fills the columns for fields inside an object that another column takes whole: nothing of it needs
    /// keeping in `extra`.
    fn inside(&mut self, object: &str, node: &Node, depth: usize) -> Result<(), Refused> {
        let mut json = Cursor::new(object);
        let mut more = json.enter()?;
        while more {
            let name = json.name()?;
            let known = node.find(unescape(name, &mut self.buffers.unescaped));
            let first = json.peek()?;
            let raw = json.value()?;
            if let Some(entry) = known.or_else(|| node.any()) {
                if first != b'n' {
                    self.rows.fill_again(entry, value_of(raw, &mut self.buffers.unescaped));
                }
                if let (b'{', Some(child), true) = (first, &entry.child, depth < MAX_DEPTH) {
                    self.rows.present(&entry.presences);
                    self.inside(raw.text, child, depth + 1)?;
                }
            }
            more = json.another()?;
        }
        Ok(())
    }

    /// Reads the field of `node` that the plan does not know by its name.
    fn unknown(&mut self, json: &mut Cursor<'t>, node: &Node, depth: usize) -> Result<(), Refused> {
        let first = json.peek()?;
        let name = std::mem::take(&mut self.buffers.name);
        let child = node.any().and_then(|any| any.child.as_deref()).filter(|_| depth < MAX_DEPTH);
        if let (b'{', Some(child)) = (first, child) {
            self.inner_object(json, &name, child, depth)?;
        } else {
            self.kept_field(json, first, &name, node, depth)?;
        }
        self.buffers.name = name;
        Ok(())
    }

    fn kept_field(
        &mut self,
        json: &mut Cursor<'t>,
        first: u8,
        name: &str,
        node: &Node,
        depth: usize,
    ) -> Result<(), Refused> {
        let start = json.at();
        let raw = json.value()?;
        let is_mapped = depth == 0 && self.rows.maps_fields();
        if (depth == 0 || node.is_root) && !is_mapped && first != b'n' {
            self.rows.note_unknown(name);
        }
        match (first, self.written(start, raw.text)) {
            (b'"', Some((written, places))) => {
                self.kept += places;
                if !is_mapped {
                    self.rows.extra().put_text(name, written);
                } else {
                    let text = unescape(raw, &mut self.buffers.unescaped);
                    self.rows.unknown_mended(name, text, written);
                }
            }
            _ if !is_mapped || first == b'n' => self.rows.extra().put_json(name, raw.text),
            _ => self.rows.unknown(name, value_of(raw, &mut self.buffers.unescaped)),
        }
        Ok(())
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

/// What is written as `raw` and is not null.
#[inline]
fn value_of<'v>(raw: Raw<'v>, unescaped: &'v mut Vec<u8>) -> Value<'v> {
    if raw.text.starts_with('"') { Value::String(unescape(raw, unescaped)) } else { Value::Json(raw.text) }
}
