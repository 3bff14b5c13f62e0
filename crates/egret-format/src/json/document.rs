//! `json`: documents with records in them, read as a stream.

use std::str::FromStr;
use std::sync::Arc;

use jiter::Jiter;

use super::mend::{ValueEnd, is_mendable, value_end};
use super::record::{ReadBuffers, RecordError, is_incomplete, read_mended, read_record};
use crate::block::{Block, MAX_RECORD_BYTES};
use crate::decoder::{Decoder, Format, Framing, ObjectContext};
use crate::plan::RecordPlan;
use crate::rows::RowBuilder;

/// The longest character in UTF-8.
const MAX_CHARACTER_BYTES: usize = 4;

/// A JSON document, an array of records, or records below a path such as `Records[*]`. Several documents may
/// follow each other in one object.
#[derive(Debug, Clone, Default)]
pub struct JsonFormat {
    steps: Vec<Step>,
}

/// One step on the way from the document to its records.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Field(String),
    Each,
}

/// A path that names no place in a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path:?} is not a path to records; write names with dots between them and `[*]` for each element, like `Records[*]`"
)]
pub struct PathError {
    path: String,
}

impl FromStr for JsonFormat {
    type Err = PathError;

    /// Reads the path to the records: `Records[*]`, `data.events[*]`, `[*]`, or nothing for whole documents.
    fn from_str(path: &str) -> Result<Self, Self::Err> {
        let wrong = || PathError { path: path.to_owned() };
        let mut steps = Vec::new();
        let trimmed = path.trim();
        let below_root = trimmed.strip_prefix('$').unwrap_or(trimmed);
        let below_root = below_root.strip_prefix('.').unwrap_or(below_root);
        if below_root.is_empty() {
            return Ok(Self { steps });
        }
        for part in below_root.split('.') {
            let name = part.trim_end_matches("[*]");
            if name.contains(['[', ']']) || (name.is_empty() && !steps.is_empty()) || part.is_empty() {
                return Err(wrong());
            }
            if !name.is_empty() {
                steps.push(Step::Field(name.to_owned()));
            }
            let each = (part.len() - name.len()) / "[*]".len();
            steps.extend(std::iter::repeat_n(Step::Each, each));
        }
        Ok(Self { steps })
    }
}

impl Format for JsonFormat {
    fn kind(&self) -> &'static str {
        "json"
    }

    fn framing(&self) -> Framing {
        Framing::Stateful
    }

    fn decoder(&self, _plan: &Arc<RecordPlan>, _object: &ObjectContext) -> Box<dyn Decoder> {
        Box::new(DocumentDecoder { steps: self.steps.clone(), ..DocumentDecoder::default() })
    }
}

/// Where in the document the reader is: one entry for each container it is in, with the step that led in.
#[derive(Debug, Clone, Copy)]
enum Container {
    Object {
        step: usize,
    },
    Array {
        step: usize,
    },
    /// An array at the top where the path names none: its elements are the records.
    TopArray,
}

#[derive(Default)]
struct DocumentDecoder {
    steps: Vec<Step>,
    open: Vec<Container>,
    buffers: ReadBuffers,
    /// The document is no JSON from some place on, and nobody can tell where the next record would start.
    broken: bool,
}

/// What came of one look at the document.
enum Progress {
    /// Everything up to this byte is done with.
    To(usize),
    /// More bytes are needed.
    Incomplete,
    /// What stands here is no JSON.
    Broken(String),
}

impl Decoder for DocumentDecoder {
    fn decode(&mut self, block: &Block, rows: &mut RowBuilder<'_>) -> usize {
        let lossy;
        let text = match block.text() {
            Some(text) => text,
            // Nothing but a part of a character, such as a byte-order mark that was cut.
            None if !block.last && block.bytes.len() < MAX_CHARACTER_BYTES => return 0,
            None => {
                lossy = replace_invalid(&block.bytes);
                &lossy
            }
        };
        let mut at =
            if block.offset == 0 && text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        while !self.broken {
            at = skip_between(text.as_bytes(), at);
            if at >= text.len() {
                return if block.last { block.bytes.len() } else { at };
            }
            let reason = match self.step(block, text, at, rows) {
                Progress::To(next) => {
                    at = next;
                    continue;
                }
                Progress::Incomplete if block.last => "the document ends in the middle of a value".to_owned(),
                Progress::Incomplete if at > 0 || block.bytes.len() < MAX_RECORD_BYTES => return at,
                Progress::Incomplete => format!("a value longer than {} MiB", MAX_RECORD_BYTES >> 20),
                Progress::Broken(reason) => reason,
            };
            self.broken = true;
            if rows.begin(at) {
                rows.quarantine(reason, block.bytes.len());
            }
            return block.bytes.len();
        }
        if rows.begin(0) {
            rows.quarantine("follows a place where the document is no JSON", block.bytes.len());
        }
        block.bytes.len()
    }
}

impl DocumentDecoder {
    fn step(&mut self, block: &Block, text: &str, at: usize, rows: &mut RowBuilder<'_>) -> Progress {
        let byte = text.as_bytes()[at];
        match self.open.last().copied() {
            Some(Container::Object { .. }) if byte == b'}' => self.close(at),
            Some(Container::Array { .. } | Container::TopArray) if byte == b']' => self.close(at),
            Some(Container::Object { step }) => self.member(block, text, at, step, rows),
            Some(Container::Array { step }) => self.value(block, text, at, step + 1, rows),
            Some(Container::TopArray) => self.record(block, text, at, rows),
            None if self.steps.is_empty() && byte == b'[' => {
                self.open.push(Container::TopArray);
                Progress::To(at + 1)
            }
            None => self.value(block, text, at, 0, rows),
        }
    }

    fn close(&mut self, at: usize) -> Progress {
        self.open.pop();
        Progress::To(at + 1)
    }

    /// A member of an object on the way: the one that the path names leads on, the others are passed over.
    fn member(
        &mut self,
        block: &Block,
        text: &str,
        at: usize,
        step: usize,
        rows: &mut RowBuilder<'_>,
    ) -> Progress {
        let mut json = Jiter::new(&text.as_bytes()[at..]);
        let (wanted, end) = match json.next_str() {
            Ok(name) => {
                let wanted = matches!(&self.steps[step], Step::Field(field) if field == name);
                (wanted, at + json.current_index())
            }
            // No path names a field whose name is no text.
            Err(error) => match passed_over(block, text, at, &error) {
                Progress::To(end) => (false, end),
                other => return other,
            },
        };
        let colon = skip_spaces(text.as_bytes(), end);
        match text.as_bytes().get(colon) {
            Some(b':') => {}
            Some(_) => return Progress::Broken("expected a colon after a name".to_owned()),
            None => return Progress::Incomplete,
        }
        let start = skip_spaces(text.as_bytes(), colon + 1);
        if start >= text.len() {
            return Progress::Incomplete;
        }
        if wanted {
            return self.value(block, text, start, step + 1, rows);
        }
        let mut json = Jiter::new(&text.as_bytes()[start..]);
        match json.next_skip() {
            Ok(()) => behind(block, text, start + json.current_index()),
            Err(error) => passed_over(block, text, start, &error),
        }
    }

    /// The value at which the first `step` steps of the path have arrived.
    fn value(
        &mut self,
        block: &Block,
        text: &str,
        at: usize,
        step: usize,
        rows: &mut RowBuilder<'_>,
    ) -> Progress {
        let (open, container, expected) = match self.steps.get(step) {
            None => return self.record(block, text, at, rows),
            Some(Step::Field(_)) => (b'{', Container::Object { step }, "an object"),
            Some(Step::Each) => (b'[', Container::Array { step }, "an array"),
        };
        if text.as_bytes()[at] == open {
            self.open.push(container);
            return Progress::To(at + 1);
        }
        let mut json = Jiter::new(&text.as_bytes()[at..]);
        let progress = match json.next_skip() {
            Ok(()) => behind(block, text, at + json.current_index()),
            Err(error) => passed_over(block, text, at, &error),
        };
        if let Progress::To(end) = progress
            && rows.begin(at)
        {
            rows.quarantine(format!("expected {expected} here, on the way to the records"), end);
        }
        progress
    }

    fn record(&mut self, block: &Block, text: &str, at: usize, rows: &mut RowBuilder<'_>) -> Progress {
        let rest = &text[at..];
        if !rows.begin(at) {
            let mut json = Jiter::new(rest.as_bytes());
            return match json.next_skip() {
                Ok(()) => behind(block, text, at + json.current_index()),
                Err(error) if is_incomplete(&error) => Progress::Incomplete,
                Err(error) => match self.refused_end(block, text, at) {
                    ValueEnd::At(end) => Progress::To(end),
                    ValueEnd::Cut => Progress::Incomplete,
                    ValueEnd::Lost => stopped(&error),
                },
            };
        }
        match read_record(rest, &mut self.buffers, rows) {
            Ok(end) => {
                finish(block, text, at, at + end, rows);
                Progress::To(at + end)
            }
            Err(error @ RecordError::NoObject { end, .. }) => {
                let progress = behind(block, text, at + end);
                if matches!(progress, Progress::To(_)) {
                    rows.quarantine(error.reason(), at + end);
                }
                progress
            }
            Err(error) if error.is_incomplete() => {
                rows.abandon();
                Progress::Incomplete
            }
            Err(error) => {
                rows.abandon();
                match self.refused_end(block, text, at) {
                    ValueEnd::At(end) => {
                        match read_mended(&text[at..end], &mut self.buffers, rows).unwrap_or(Err(error)) {
                            Ok(_) => finish(block, text, at, end, rows),
                            Err(error) => rows.quarantine(error.reason(), end),
                        }
                        Progress::To(end)
                    }
                    ValueEnd::Cut => Progress::Incomplete,
                    ValueEnd::Lost => Progress::Broken(error.reason()),
                }
            }
        }
    }

    /// The end of the record at `at`, which the parser refused. Cut if more bytes can show it.
    fn refused_end(&self, block: &Block, text: &str, at: usize) -> ValueEnd {
        // Outside of any document the words of a file that is no JSON at all would all be records.
        let is_word = !matches!(text.as_bytes()[at], b'{' | b'[' | b'"');
        if is_word && self.open.is_empty() {
            return ValueEnd::Lost;
        }
        match value_end(text.as_bytes(), at) {
            ValueEnd::Cut if block.last => ValueEnd::Lost,
            end => end,
        }
    }
}

/// Ends the record between `at` and `end`.
fn finish(block: &Block, text: &str, at: usize, end: usize, rows: &mut RowBuilder<'_>) {
    if block.text().is_none() && block.bytes[at..end] != text.as_bytes()[at..end] {
        rows.invalid_utf8(&block.bytes[at..end]);
    }
    rows.end(end);
}

/// What comes of a value that ends before `end`: a number may go on in the next block.
fn behind(block: &Block, text: &str, end: usize) -> Progress {
    if end >= text.len() && !block.last { Progress::Incomplete } else { Progress::To(end) }
}

/// What comes of the value at `at`, which is no record and which the parser refused: lone surrogates do no harm.
fn passed_over(block: &Block, text: &str, at: usize, error: &jiter::JiterError) -> Progress {
    let stopped = stopped(error);
    if matches!(stopped, Progress::Incomplete) {
        return stopped;
    }
    match value_end(text.as_bytes(), at) {
        ValueEnd::At(end) if is_mendable(&text[at..end]) => Progress::To(end),
        ValueEnd::Cut if !block.last => Progress::Incomplete,
        ValueEnd::At(_) | ValueEnd::Cut | ValueEnd::Lost => stopped,
    }
}

fn stopped(error: &jiter::JiterError) -> Progress {
    if is_incomplete(error) {
        return Progress::Incomplete;
    }
    Progress::Broken(format!("not valid JSON: {}", error.error_type))
}

/// The first byte from `at` on that is neither white space nor a comma: what stands between values.
fn skip_between(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',')) {
        at += 1;
    }
    at
}

fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The bytes as text of the same length: each byte that is not part of valid UTF-8 becomes a question mark, so
/// that places in the text are places in the block.
fn replace_invalid(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}
