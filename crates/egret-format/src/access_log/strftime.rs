//! Times that a layout writes in the notation of `strftime`, in one part or several.

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

/// Whether chrono reads and writes `format`.
pub(crate) fn is_valid(format: &str) -> bool {
    use chrono::format::{Item, StrftimeItems};
    StrftimeItems::new(format).all(|item| !matches!(item, Item::Error))
}

/// How often `separator` stands in a time that `format` writes.
pub(crate) fn count_inside(format: &str, separator: &str) -> usize {
    let sample =
        NaiveDate::from_ymd_opt(2000, 10, 10).and_then(|date| date.and_hms_micro_opt(13, 55, 36, 123_456));
    let Some(sample) = sample.filter(|_| is_valid(format) && !separator.is_empty()) else { return 0 };
    sample.and_utc().fixed_offset().format(format).to_string().matches(separator).count()
}
