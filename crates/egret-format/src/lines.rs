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
/// somebody may still be writing it. Where reading goes on inside a line, since all before is stored, the rest of the
/// line goes to quarantine: the line is too long, or it was stored before it was whole.
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
        if rows.stored_bytes() == 1 && !bytes.starts_with(b"\n") {
            // The position is inside a line. What follows it makes the pieces that it makes without an interruption.
            self.in_long_line = true;
            from = 1;
        }
        for end in memchr::memchr_iter(b'\n', bytes) {
            if std::mem::take(&mut self.in_long_line) {
                quarantine_part(block, from, end, rows);
            } else {
                self.line(block, from, end, rows);
            }
            from = end + 1;
        }
        if block.last && from < bytes.len() {
            if std::mem::take(&mut self.in_long_line) {
                quarantine_part(block, from, bytes.len(), rows);
            } else {
                self.line(block, from, bytes.len(), rows);
            }
            return bytes.len();
        }
        if from == 0 && bytes.len() >= MAX_RECORD_BYTES {
            self.in_long_line = true;
            quarantine_part(block, 0, bytes.len(), rows);
            return bytes.len();
        }
        from
    }
}

fn quarantine_part(block: &Block, from: usize, to: usize, rows: &mut RowBuilder<'_>) {
    // Of a line that was stored before it was whole often nothing but its end is left.
    let is_end = matches!(&block.bytes[from..to], [] | [b'\r']);
    if !is_end && rows.begin(from) {
        let reason = format!(
            "part of a line that is longer than {} MiB or was stored before it was whole",
            MAX_RECORD_BYTES >> 20
        );
        rows.quarantine(reason, to);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Format;
    use crate::block::{BlockPool, Blocks};
    use crate::json::JsonLinesFormat;
    use crate::testing::{object, plan};

    const REASON: &str = "part of a line that is longer than 64 MiB or was stored before it was whole";

    /// Rows, and what is quarantined: where and how long. Reading begins at `position`, with the byte before.
    fn decode(bytes: &[u8], position: usize) -> (usize, Vec<(u64, usize)>) {
        let plan = plan("a varchar");
        let mut decoder = JsonLinesFormat.decoder(&plan, &object());
        let start = position.saturating_sub(1);
        let mut blocks = Blocks::new(&bytes[start..], &BlockPool::new(1 << 20), start as u64, true);
        let (mut rows, mut quarantined) = (0, Vec::new());
        while let Some(block) = blocks.next_block().unwrap() {
            let mut builder = RowBuilder::new(&plan, &block, position as u64);
            let used = decoder.decode(&block, &mut builder);
            blocks.consumed(&block, used);
            let decoded = builder.finish();
            rows += decoded.rows.num_rows();
            assert!(decoded.quarantined.iter().all(|record| record.reason == REASON));
            quarantined
                .extend(decoded.quarantined.iter().map(|record| (record.offset, record.length as usize)));
        }
        (rows, quarantined)
    }

    #[test]
    fn the_rest_of_a_line_is_quarantined_where_reading_goes_on_inside_it() {
        let text = b"{\"a\":1}\n{\"a\":2}\n";
        assert_eq!(decode(text, 0), (2, vec![]));
        assert_eq!(decode(text, 8), (1, vec![]), "at the start of a line");
        assert_eq!(decode(text, 7), (1, vec![]), "at the end of a line");
        assert_eq!(decode(text, 5), (1, vec![(5, 2)]));
        assert_eq!(decode(text, 12), (0, vec![(12, 3)]));
        assert_eq!(decode(&text[..15], 12), (0, vec![(12, 3)]), "a line without an end");
        assert_eq!(decode(text, text.len()), (0, vec![]));
    }

    #[test]
    fn a_line_that_is_too_long_makes_the_same_pieces_after_an_interruption() {
        let mut text = b"{\"a\":1}\n".to_vec();
        let line = text.len();
        text.resize(line + MAX_RECORD_BYTES + (5 << 20), b'x');
        text.extend_from_slice(b"\n{\"a\":2}\n");
        let first = (line as u64, MAX_RECORD_BYTES);
        let second = ((line + MAX_RECORD_BYTES) as u64, 5 << 20);
        assert_eq!(decode(&text, 0), (2, vec![first, second]));
        assert_eq!(decode(&text, line + MAX_RECORD_BYTES), (1, vec![second]));
    }
}
