//! Finds records and their values in blocks.

use std::collections::HashSet;
use std::sync::Arc;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::DelimitedFormat;
use crate::block::{Block, MAX_RECORD_BYTES};
use crate::decoder::Decoder;
use crate::plan::RecordPlan;
use crate::rows::{FieldId, RowBuilder};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

pub(super) struct DelimitedDecoder {
    format: DelimitedFormat,
    plan: Arc<RecordPlan>,
    reader: Reader,
    names: Names,
    record: Record,
    in_long_line: bool,
    in_long_comment: bool,
}

/// The fields of a record.
enum Names {
    /// The next record names them.
    Expected,
    /// Every record has these, and the next one is a header to be passed over.
    Overruled(Vec<FieldId>),
    /// Every record has these.
    Known(Vec<FieldId>),
    /// They are numbered, as many as a record happens to have.
    Numbered(Vec<FieldId>),
}

/// The values of the record read last, one after the other.
#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// How many values there are.
    count: usize,
}

/// What stands at a place of the block.
enum Found {
    /// A record of this length, its line end included.
    Record(usize),
    /// One that goes on behind the block.
    Incomplete,
    /// One that is too long, or whose quotes are never closed.
    Endless(String),
}

impl DelimitedDecoder {
    pub(super) fn new(format: &DelimitedFormat, plan: &Arc<RecordPlan>) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(format.delimiter).escape(format.escape);
        match format.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        let columns = format.columns.as_ref();
        let columns = columns.map(|columns| columns.iter().map(|name| FieldId::new(plan, name)).collect());
        let names = match (columns, format.header) {
            (Some(columns), true) => Names::Overruled(columns),
            (Some(columns), false) => Names::Known(columns),
            (None, true) => Names::Expected,
            (None, false) => Names::Numbered(Vec::new()),
        };
        Self {
            format: format.clone(),
            plan: plan.clone(),
            reader: builder.build(),
            names,
            record: Record::default(),
            in_long_line: false,
            in_long_comment: false,
        }
    }

    /// Looks for the end of the record that starts at `at`.
    fn find(&mut self, block: &Block, at: usize) -> Found {
        let max = self.format.max_record_bytes;
        let end = block.bytes.len().min(at + max + 1);
        let at_end = block.last && end == block.bytes.len();
        let input = &block.bytes[at..end];
        if let Some(length) = self.record.read(&mut self.reader, input, at_end)
            && length <= max
        {
            return Found::Record(length);
        }
        if input.len() > max {
            return Found::Endless(format!(
                "part of a record longer than {max} bytes, or a quote that is never closed"
            ));
        }
        if at_end { Found::Endless("a quote that is never closed".to_owned()) } else { Found::Incomplete }
    }

    /// Quarantines the line at `at` and says where the next one starts; `None` if that is not in the block.
    fn quarantine_line(
        &mut self,
        block: &Block,
        at: usize,
        reason: &str,
        rows: &mut RowBuilder<'_>,
    ) -> Option<usize> {
        let window = block.bytes.len().min(at + self.format.max_record_bytes + 1);
        let newline = memchr::memchr(b'\n', &block.bytes[at..window]).map(|found| at + found);
        let is_whole = block.last && window == block.bytes.len();
        if newline.is_none() && !is_whole && window - at <= self.format.max_record_bytes {
            return None;
        }
        self.in_long_line = newline.is_none() && !is_whole;
        let to = newline.unwrap_or(window);
        if rows.begin(at) {
            rows.quarantine(reason, without_line_end(&block.bytes, at, to));
        }
        if matches!(self.names, Names::Expected) {
            // Without its header nobody can name the values of this object.
            self.names = Names::Known(Vec::new());
        }
        Some(newline.map_or(window, |newline| newline + 1))
    }

    /// Makes a row of the record that was read, which lies between `at` and `to`.
    fn row(&mut self, block: &Block, at: usize, to: usize, rows: &mut RowBuilder<'_>) {
        match std::mem::replace(&mut self.names, Names::Expected) {
            Names::Expected => return self.names = Names::Known(self.header()),
            Names::Overruled(fields) => return self.names = Names::Known(fields),
            names => self.names = names,
        }
        if !rows.begin(at) {
            return;
        }
        let bytes = &block.bytes[at..to];
        if bytes.iter().all(|byte| *byte == 0) {
            rows.quarantine("a line of NUL bytes: the writer or its machine crashed here", to);
            return;
        }
        let found = self.record.count;
        let fields: &[FieldId] = match &mut self.names {
            Names::Numbered(fields) => {
                for number in fields.len()..found {
                    fields.push(FieldId::new(&self.plan, &format!("column{number}")));
                }
                &fields[..found]
            }
            Names::Known(fields) => fields,
            Names::Expected | Names::Overruled(_) => &[],
        };
        let expected = fields.len();
        if found > expected || (found < expected && !self.format.null_padding) {
            rows.quarantine(format!("expected {expected} values, found {found}"), to);
            return;
        }
        loop {
            let is_text = self.record.put(fields, &self.format.null_texts, rows);
            if !rows.wants_again() {
                if !is_text {
                    rows.invalid_utf8(bytes);
                }
                return rows.end(to);
            }
        }
    }

    /// The fields that the record names. One without a name gets its number, one that is there already another.
    fn header(&self) -> Vec<FieldId> {
        let mut taken = HashSet::new();
        let mut fields = Vec::with_capacity(self.record.count);
        for number in 0..self.record.count {
            let written = String::from_utf8_lossy(self.record.value(number)).trim().to_owned();
            let plain = match self.format.normalize_names {
                _ if written.is_empty() => format!("column{number}"),
                true => normalize(&written),
                false => written,
            };
            let mut name = plain.clone();
            let mut times = 0;
            while !taken.insert(name.clone()) {
                times += 1;
                name = format!("{plain}_{times}");
            }
            fields.push(FieldId::new(&self.plan, &name));
        }
        fields
    }

    /// Moves `at` to the start of the next record: behind line ends and comments. False if a comment goes on
    /// behind the block. One that is longer than a record may be is passed over piece by piece.
    fn skip_between(&mut self, block: &Block, at: &mut usize) -> bool {
        if block.offset == 0 && *at == 0 && block.bytes.starts_with(BYTE_ORDER_MARK) {
            *at = BYTE_ORDER_MARK.len();
        }
        while let Some(byte) = block.bytes.get(*at) {
            if self.in_long_comment || Some(*byte) == self.format.comment {
                let rest = &block.bytes[*at..];
                let newline = memchr::memchr(b'\n', rest);
                let is_long = rest.len() >= self.format.max_record_bytes.min(MAX_RECORD_BYTES);
                if newline.is_none() && !block.last && !is_long && !self.in_long_comment {
                    return false;
                }
                self.in_long_comment = newline.is_none();
                *at += newline.map_or(rest.len(), |newline| newline + 1);
            } else if matches!(byte, b'\n' | b'\r') {
                *at += 1;
            } else {
                break;
            }
        }
        true
    }
}

impl Decoder for DelimitedDecoder {
    fn decode(&mut self, block: &Block, rows: &mut RowBuilder<'_>) -> usize {
        if !block.last && block.offset == 0 && block.bytes.len() < BYTE_ORDER_MARK.len() {
            return 0;
        }
        let mut at = 0;
        loop {
            if self.in_long_line {
                match self.quarantine_line(block, at, "part of a line that is too long", rows) {
                    Some(next) => at = next,
                    None => return at,
                }
                if at == block.bytes.len() {
                    return at;
                }
                continue;
            }
            if !self.skip_between(block, &mut at) || at == block.bytes.len() {
                return at;
            }
            match self.find(block, at) {
                Found::Record(length) => {
                    self.row(block, at, without_line_end(&block.bytes, at, at + length), rows);
                    at += length;
                }
                Found::Incomplete => return at,
                Found::Endless(reason) => match self.quarantine_line(block, at, &reason, rows) {
                    Some(next) => at = next,
                    None => return at,
                },
            }
        }
    }
}

impl Record {
    /// Reads the record at the start of `input`: its length with its line end, or `None` if it does not end there.
    fn read(&mut self, reader: &mut Reader, input: &[u8], at_end: bool) -> Option<usize> {
        reader.reset();
        let (mut read, mut written) = (0, 0);
        self.count = 0;
        let mut rest = input;
        // Behind the end of the object a line end shows whether it is inside quotes.
        let mut last: &[u8] = if at_end { b"\n" } else { b"" };
        loop {
            let (result, used, wrote, ended) =
                reader.read_record(rest, &mut self.bytes[written..], &mut self.ends[self.count..]);
            read += used;
            written += wrote;
            self.count += ended;
            rest = &rest[used..];
            match result {
                ReadRecordResult::Record => return Some(read.min(input.len())),
                ReadRecordResult::OutputFull => self.bytes.resize((self.bytes.len() * 2).max(4_096), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize((self.ends.len() * 2).max(64), 0),
                ReadRecordResult::InputEmpty if !last.is_empty() => rest = std::mem::take(&mut last),
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return None,
            }
        }
    }

    /// Puts the values as the fields `fields`, except those that mean null. Says whether all are valid UTF-8.
    fn put(&self, fields: &[FieldId], null_texts: &[String], rows: &mut RowBuilder<'_>) -> bool {
        let mut is_text = true;
        for (number, field) in fields.iter().take(self.count).enumerate() {
            let value = self.value(number);
            is_text &= simdutf8::basic::from_utf8(value).is_ok();
            let text = String::from_utf8_lossy(value);
            if !null_texts.iter().any(|null| *null == text) {
                rows.text(field, &text);
            }
        }
        is_text
    }

    fn value(&self, number: usize) -> &[u8] {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[number]]
    }
}

/// The end of the record between `at` and `to` without one line end.
fn without_line_end(bytes: &[u8], at: usize, to: usize) -> usize {
    let record = &bytes[at..to];
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    at + record.strip_suffix(b"\r").unwrap_or(record).len()
}

/// A name that needs no quotes in SQL.
fn normalize(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}
