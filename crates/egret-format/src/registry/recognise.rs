//! Guesses what format a file has, for `egret scan` without `--format`.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use chrono_tz::Tz;
use egret_model::Timestamp;
use egret_model::schema::EXTRA;
use serde_json::Value;

use crate::aws_vpc_flow_log;
use crate::block::Block;
use crate::decoder::{Format, ObjectContext};
use crate::plan::RecordPlan;
use crate::rows::RowBuilder;

/// So many bytes from the start of a file are enough to guess by.
pub const RECOGNISE_BYTES: usize = 64 << 10;

/// So many lines are looked at.
const LINES: usize = 10;

/// Formats whose lines can be told from any others, the stricter ones first.
const LINE_FORMATS: [Recognised; 5] = [
    Recognised::new("jsonl", "default"),
    Recognised::new("nginx_access_log", "combined"),
    Recognised::new("apache_access_log", "common"),
    Recognised::new("syslog", "default"),
    Recognised::new("aws_vpc_flow_log", "default"),
];

/// The characters that may stand between values, and the presets of `delimited` that know them.
const DELIMITERS: [(u8, Recognised); 4] = [
    (b',', Recognised::new("delimited", "default")),
    (b'\t', Recognised::new("delimited", "tab")),
    (b';', Recognised::new("delimited", "semicolon")),
    (b'|', Recognised::new("delimited", "pipe")),
];

/// The preset that a file seems to be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recognised {
    /// The type of format: `nginx_access_log`.
    pub kind: &'static str,
    /// The preset of it: `combined`.
    pub preset: &'static str,
}

impl Recognised {
    const fn new(kind: &'static str, preset: &'static str) -> Self {
        Self { kind, preset }
    }

    /// The format itself.
    pub fn format(&self) -> Option<Arc<dyn Format>> {
        super::preset(self.kind, self.preset)
    }
}

/// The format that a file seems to have that starts with `first_bytes` (decompressed; up to
/// [`RECOGNISE_BYTES`] of them are looked at). `None` if it looks like nothing that is known.
pub fn recognise(first_bytes: &[u8]) -> Option<Recognised> {
    let bytes = &first_bytes[..first_bytes.len().min(RECOGNISE_BYTES)];
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let is_whole = first_bytes.len() < RECOGNISE_BYTES;
    let lines = whole_lines(bytes, is_whole);
    let first_line = lines.first().copied().unwrap_or(bytes);
    if aws_vpc_flow_log::is_first_header(first_line) {
        return Some(Recognised::new("aws_vpc_flow_log", "default"));
    }
    match bytes.first()? {
        b'[' if !starts_syslog_like(bytes) => return Some(Recognised::new("json", "default")),
        b'{' => return Some(recognise_json(bytes, &lines)),
        _ => {}
    }
    LINE_FORMATS
        .into_iter()
        .find(|format| reads_most(*format, &lines))
        .or_else(|| recognise_delimited(&lines))
}

/// A bracket that opens no array of records: `[2024-02-01 10:00:00] …`.
fn starts_syslog_like(bytes: &[u8]) -> bool {
    !matches!(bytes[1..].trim_ascii_start().first(), None | Some(b'{' | b']'))
}

/// The first records of a file that starts with `first_bytes` (up to [`RECOGNISE_BYTES`] of them are looked at) and is
/// written in `format`, as JSON objects. There are none if the first is longer than that.
pub fn first_records(format: &dyn Format, first_bytes: &[u8]) -> Vec<Value> {
    let is_whole = first_bytes.len() < RECOGNISE_BYTES;
    let rows = decode(format, &first_bytes[..first_bytes.len().min(RECOGNISE_BYTES)], is_whole);
    // Without columns all of a record is there.
    let extra = rows.as_ref().and_then(|rows| rows.column_by_name(EXTRA)?.as_string_view_opt());
    let records = extra.into_iter().flatten().take(LINES);
    records.filter_map(|record| serde_json::from_str(record.unwrap_or("{}")).ok()).collect()
}

fn recognise_json(bytes: &[u8], lines: &[&[u8]]) -> Recognised {
    let jsonl = Recognised::new("jsonl", "default");
    // The envelope of AWS services is recognised by its first bytes: its only line may be very long.
    let inside = bytes[1..].trim_ascii_start();
    let is_envelope = inside.strip_prefix(b"\"Records\"").is_some_and(|rest| {
        rest.trim_ascii_start()
            .strip_prefix(b":")
            .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"["))
    });
    match () {
        () if is_envelope => Recognised::new("json", "records"),
        () if lines.is_empty() || reads_most(jsonl, lines) => jsonl,
        () => Recognised::new("json", "default"),
    }
}

/// The first lines that are surely not cut off.
fn whole_lines(bytes: &[u8], is_whole: bool) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if !is_whole {
        lines.pop();
    }
    lines.retain(|line| !line.trim_ascii().is_empty());
    lines.truncate(LINES);
    lines
}

/// Whether more than half of the lines are records of the format.
fn reads_most(recognised: Recognised, lines: &[&[u8]]) -> bool {
    rows_of(recognised, lines) * 2 > lines.len()
}

/// How many rows the format makes of the lines.
fn rows_of(recognised: Recognised, lines: &[&[u8]]) -> usize {
    let rows = recognised.format().and_then(|format| decode(format.as_ref(), &lines.join(&b'\n'), true));
    rows.map_or(0, |rows| rows.num_rows())
}

/// The rows of `bytes` by a plan without columns; `is_whole` says whether the object ends there.
fn decode(format: &dyn Format, bytes: &[u8], is_whole: bool) -> Option<RecordBatch> {
    let plan = Arc::new(RecordPlan::new(&[], vec![], &[], Tz::UTC).ok()?);
    let block = Block::new(bytes.to_vec(), 0, is_whole);
    let mut rows = RowBuilder::new(&plan, &block, 0);
    let object = ObjectContext { modified: Timestamp::from_seconds(0), timezone: Tz::UTC };
    format.decoder(&plan, &object).decode(&block, &mut rows);
    Some(rows.finish().rows)
}

/// A table with a header: names of which none is a number, and as many delimiters in each line.
fn recognise_delimited(lines: &[&[u8]]) -> Option<Recognised> {
    let (header, records) = lines.split_first()?;
    let is_name = |value: &[u8]| {
        let name = value.trim_ascii();
        !name.is_empty()
            && name.len() <= 64
            && !name.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
    };
    DELIMITERS.into_iter().find_map(|(delimiter, recognised)| {
        let has_delimiter =
            header.contains(&delimiter) && header.split(|byte| *byte == delimiter).all(is_name);
        // A quoted value may span lines, so not all of them need to be records.
        (has_delimiter && !records.is_empty() && rows_of(recognised, lines) * 2 >= records.len())
            .then_some(recognised)
    })
}
