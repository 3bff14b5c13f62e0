//! Times that a layout writes in the notation of `strftime`, in one part or several.

use std::fmt::Write;

use chrono::format::{Item, Pad, Parsed, StrftimeItems};
use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use egret_model::Timestamp;

use crate::rows::RowBuilder;
use crate::time::{ZonedTime, local_time};
use crate::time_field::TimeField;

/// Stands between the parts while they are read as one.
const BETWEEN: char = '\u{1f}';

/// Collects the parts of a record's time and reads them.
#[derive(Debug)]
pub(crate) struct TimeParts {
    format: String,
    expected: usize,
    found: usize,
    text: String,
    timezone: Tz,
    field: TimeField,
}

impl TimeParts {
    /// A time of these parts; one that names no zone is in `timezone`.
    pub(crate) fn new(formats: &[&str], timezone: Tz, field: TimeField) -> Self {
        let format = formats.join(&BETWEEN.to_string());
        Self { format, expected: formats.len(), found: 0, text: String::new(), timezone, field }
    }

    /// Forgets the parts of the last record, which may have ended before all were there.
    pub(crate) fn begin(&mut self) {
        self.text.clear();
        self.found = 0;
    }

    /// Adds a part. The last one puts the time.
    pub(crate) fn put(&mut self, part: &str, rows: &mut RowBuilder<'_>) {
        if self.found > 0 {
            self.text.push(BETWEEN);
        }
        self.text.push_str(part);
        self.found += 1;
        if self.found < self.expected {
            return;
        }
        if let Ok(time) = DateTime::<FixedOffset>::parse_from_str(&self.text, &self.format) {
            let offset = time.format("%z").to_string();
            let is_exact = time.format(&self.format).to_string() == self.text;
            let zoned = ZonedTime { time: Timestamp::from(time.to_utc()), offset: &offset, is_exact };
            self.field.put_zoned(rows, &self.text.replace(BETWEEN, " "), |_| Some(zoned));
            return;
        }
        let timezone = if self.format.contains("%s") { Tz::UTC } else { self.timezone };
        let local = NaiveDateTime::parse_from_str(&self.text, &self.format).ok();
        self.field.put_local(rows, &self.text.replace(BETWEEN, " "), |_| {
            let time = local_time(local?, timezone)?;
            let back = time.to_datetime()?.with_timezone(&timezone).format(&self.format).to_string();
            Some((time, back == self.text))
        });
    }
}

/// Whether chrono reads and writes `format`. Some of it, such as `%#z`, it only reads.
pub(crate) fn is_valid(format: &str) -> bool {
    StrftimeItems::new(format).all(|item| !matches!(item, Item::Error)) && sample(format).is_some()
}

/// How often `separator` stands in a time that `format` writes, without any that pads a number.
pub(crate) fn count_inside(format: &str, separator: &str) -> usize {
    let sample = sample(format).filter(|_| !separator.is_empty());
    sample.map_or(0, |sample| sample.matches(separator).count())
}

/// How many numbers `format` pads with spaces, as `%e` does.
pub(crate) fn count_padded(format: &str) -> usize {
    StrftimeItems::new(format).filter(|item| matches!(item, Item::Numeric(_, Pad::Space))).count()
}

/// Whether `text` is what `format` writes.
pub(crate) fn reads(format: &str, text: &str) -> bool {
    chrono::format::parse(&mut Parsed::new(), text, StrftimeItems::new(format)).is_ok()
}

/// A time that `format` writes; every number in it has two digits.
fn sample(format: &str) -> Option<String> {
    let date = NaiveDate::from_ymd_opt(2010, 10, 10)?;
    let time = date.and_hms_micro_opt(22, 55, 36, 123_456)?.and_utc().fixed_offset();
    let mut text = String::new();
    write!(text, "{}", time.format(format)).is_ok().then_some(text)
}
