//! Lines: how every format whose record is a line finds its records.

use std::sync::Arc;

use crate::block::{Block, MAX_RECORD_BYTES};
use crate::decoder::Decoder;
use crate::plan::RecordPlan;
use crate::rows::RowBuilder;

/// Why a line is no record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject(pub String);

/// Makes one record of one line. What a line is, and what happens to odd ones, is [`LineDecoder`]'s business.
pub trait LineParser: Send {
    /// Whether `line` is no record but says how to read those after it. Asked before anything else is done
    /// with a line, also with those whose rows are stored already.
    fn is_header(&mut self, line: &[u8]) -> bool {
        let _ = line;
        false
    }

    /// Puts the fields of `line` into `rows`. The line has no end-of-line characters and is not empty.
    ///
    /// # Errors
    /// Why the line is no record; whatever was put before is forgotten.
    fn parse(&mut self, line: &str, rows: &mut RowBuilder<'_>) -> Result<(), Reject>;
}

/// Decodes objects whose records are lines.
///
/// A line ends at `\n`, and a `\r` before it belongs to the end. Empty lines are no records. A byte-order mark
/// at the start of the object is skipped. A line that is not valid UTF-8 becomes a row whose text has U+FFFD in
/// place of what is wrong, with the original bytes in `extra`: it must not hide from detections. A line of
/// nothing but NUL bytes (the hole that a crash leaves in a log) goes to quarantine, and so does one longer
/// than [`MAX_RECORD_BYTES`], in pieces of that size. The last line of an object needs no end-of-line, unless
/// somebody may still be writing it.
pub struct LineDecoder<P> {
    parser: P,
    in_long_line: bool,
}

impl<P: LineParser> LineDecoder<P> {
    /// Decodes lines with `parser`.
    pub fn new(parser: P) -> Self {
        Self { parser, in_long_line: false }
    }

    fn line(&mut self, block: &Block, from: usize, to: usize, rows: &mut RowBuilder<'_>) {
        let bytes = &block.bytes[from..to];
        let line = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        let start = if block.offset == 0 && from == 0 { b"\xef\xbb\xbf".len() } else { 0 };
        let start = if start > 0 && line.starts_with(b"\xef\xbb\xbf") { start } else { 0 };
        let (from, to) = (from + start, from + line.len());
        if from == to || self.parser.is_header(&block.bytes[from..to]) {
            return;
        }
        if !rows.begin(from) {
            return;
        }
        if block.bytes[from..to].iter().all(|byte| *byte == 0) {
            rows.quarantine("a line of NUL bytes: the writer or its machine crashed here", to);
            return;
        }
        let outcome = loop {
            let outcome = match block.text().and_then(|text| text.get(from..to)) {
                Some(line) => self.parser.parse(line, rows),
                None => self.odd_line(&block.bytes[from..to], rows),
            };
            if outcome.is_err() || !rows.wants_again() {
                break outcome;
            }
        };
        match outcome {
            Ok(()) => rows.end(to),
            Err(Reject(reason)) => rows.quarantine(reason, to),
        }
    }

    /// A line of a block that is not valid UTF-8 throughout; the line itself may be.
    fn odd_line(&mut self, line: &[u8], rows: &mut RowBuilder<'_>) -> Result<(), Reject> {
        match simdutf8::basic::from_utf8(line) {
            Ok(line) => self.parser.parse(line, rows),
            Err(_) => {
                self.parser.parse(&String::from_utf8_lossy(line), rows)?;
                rows.invalid_utf8(line);
                Ok(())
            }
        }
    }
}

impl<P: LineParser> Decoder for LineDecoder<P> {
    fn decode(&mut self, block: &Block, rows: &mut RowBuilder<'_>) -> usize {
        let bytes: &[u8] = &block.bytes;
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            if std::mem::take(&mut self.in_long_line) {
                quarantine_long(from, end, rows);
            } else {
                self.line(block, from, end, rows);
            }
            from = end + 1;
        }
        if block.last && from < bytes.len() {
            if std::mem::take(&mut self.in_long_line) {
                quarantine_long(from, bytes.len(), rows);
            } else {
                self.line(block, from, bytes.len(), rows);
            }
            return bytes.len();
        }
        if from == 0 && bytes.len() >= MAX_RECORD_BYTES {
            self.in_long_line = true;
            quarantine_long(0, bytes.len(), rows);
            return bytes.len();
        }
        from
    }
}

fn quarantine_long(from: usize, to: usize, rows: &mut RowBuilder<'_>) {
    if rows.begin(from) {
        rows.quarantine(format!("part of a line longer than {} MiB", MAX_RECORD_BYTES >> 20), to);
    }
}

/// A parser for each object, boxed: what most line formats return from [`crate::Format::decoder`].
pub fn boxed<P: LineParser + 'static>(parser: P) -> Box<dyn Decoder> {
    Box::new(LineDecoder::new(parser))
}

/// The ids of `fields` in `plan`, for a parser that puts the same fields for each record.
pub fn field_ids<'n>(
    plan: &Arc<RecordPlan>,
    fields: impl IntoIterator<Item = &'n str>,
) -> Vec<crate::rows::FieldId> {
    fields.into_iter().map(|name| crate::rows::FieldId::new(plan, name)).collect()
}
