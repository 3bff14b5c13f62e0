//! Time: microseconds since the epoch in UTC, the clock as a thing that is handed in, and time ranges.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// An instant, in microseconds since 1970-01-01T00:00:00Z. The only way time is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant `micros` microseconds after the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant `seconds` seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Days since the epoch, which is how Arrow stores a date. Rounds towards the past.
    pub const fn days(self) -> i32 {
        self.0.div_euclid(MICROS_PER_DAY) as i32
    }

    /// The day this instant falls on, in UTC; `None` outside chrono's range of years.
    pub fn date(self) -> Option<NaiveDate> {
        Some(self.to_datetime()?.date_naive())
    }

    /// The year in UTC; `None` outside chrono's range of years.
    pub fn year(self) -> Option<i32> {
        Some(self.to_datetime()?.year())
    }

    /// The instant as chrono sees it; `None` outside chrono's range of years.
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// This instant moved by `micros`, saturating at the ends of the range.
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Reads RFC 3339 (`2024-02-01T10:00:00Z`), or a date (`2024-02-01`, its midnight in UTC).
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Some(time.with_timezone(&Utc).into());
        }
        for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"] {
            if let Ok(time) = NaiveDateTime::parse_from_str(text, format) {
                return Some(time.and_utc().into());
            }
        }
        let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        Some(date.and_hms_opt(0, 0, 0)?.and_utc().into())
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(time: DateTime<Utc>) -> Self {
        Self(time.timestamp_micros())
    }
}

/// As it prints.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As [`Timestamp::parse`] reads it.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a time")))
    }
}

/// RFC 3339 in UTC with as many fraction digits as needed: `2024-02-01T10:00:00.25Z` prints as `.250Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime() {
            Some(time) => f.write_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{} µs since 1970", self.0),
        }
    }
}

/// Where the present comes from. No component reads the system's clock by itself: it is handed a `Clock`,
/// so that tests run on a fake one.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// The machine's clock, for the binary to hand out.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}

/// A range of event time: `from` is inside, `to` is outside. An open end is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TimeRange {
    /// The first instant inside.
    pub from: Option<Timestamp>,
    /// The first instant after the range.
    pub to: Option<Timestamp>,
}

impl TimeRange {
    /// Whether every instant is inside.
    pub fn is_open(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// Whether `time` is inside.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= time) && self.to.is_none_or(|to| time < to)
    }
}

/// Reads a time as users type it: RFC 3339, a date, `now`, `today`, `yesterday`, or relative to now as
/// `T-15m`, `-15m` or `15m ago` with the units s, m, h, d, w. Days are UTC days.
///
/// # Errors
/// Says which forms are accepted.
pub fn parse_user_time(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let trimmed = text.trim();
    let lower = trimmed.to_ascii_lowercase();
    let midnight = Timestamp::from_micros(i64::from(now.days()) * MICROS_PER_DAY);
    match lower.as_str() {
        "now" | "t" => return Ok(now),
        "today" => return Ok(midnight),
        "yesterday" => return Ok(midnight.plus_micros(-MICROS_PER_DAY)),
        _ => {}
    }
    let relative = lower
        .strip_prefix("t-")
        .or_else(|| lower.strip_prefix('-'))
        .or_else(|| lower.strip_suffix("ago").map(str::trim_end));
    if let Some(micros) = relative.and_then(|duration| parse_duration(duration).ok()) {
        return Ok(now.plus_micros(-micros));
    }
    Timestamp::parse(trimmed).ok_or_else(|| {
        format!("{text:?} is not a time; write it like 2024-02-01T10:00:00Z, 2024-02-01, yesterday or T-2h")
    })
}

/// Reads a duration such as `250ms`, `15m` or `1 hour`, in microseconds.
///
/// # Errors
/// Says which units are accepted.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let wrong =
        || format!("{text:?} is not a duration; write a number and a unit, like 30s, 15m, 2h, 7d or 1w");
    let digits = trimmed.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = trimmed.split_at(digits);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let micros_per_unit = match unit.trim() {
        "ms" => 1_000,
        "s" | "sec" | "second" | "seconds" => MICROS_PER_SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * MICROS_PER_SECOND,
        "h" | "hour" | "hours" => 3_600 * MICROS_PER_SECOND,
        "d" | "day" | "days" => MICROS_PER_DAY,
        "w" | "week" | "weeks" => 7 * MICROS_PER_DAY,
        _ => return Err(wrong()),
    };
    number.checked_mul(micros_per_unit).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn prints_as_rfc_3339_with_the_digits_it_needs() {
        for text in ["2024-02-01T10:00:00Z", "2024-02-01T10:00:00.250Z", "1969-12-31T23:59:59.999999Z"] {
            assert_eq!(at(text).to_string(), text);
        }
        assert_eq!(at("2024-02-01T12:00:00+02:00"), at("2024-02-01T10:00:00Z"));
    }

    #[test]
    fn days_round_towards_the_past() {
        assert_eq!(at("1970-01-01T23:59:59Z").days(), 0);
        assert_eq!(at("1969-12-31T23:59:59Z").days(), -1);
    }

    #[test]
    fn reads_what_users_type() {
        let now = at("2024-02-03T10:30:00Z");
        for (text, expected) in [
            ("now", "2024-02-03T10:30:00Z"),
            ("today", "2024-02-03T00:00:00Z"),
            ("yesterday", "2024-02-02T00:00:00Z"),
            ("T-2h", "2024-02-03T08:30:00Z"),
            ("-15m", "2024-02-03T10:15:00Z"),
            ("2 days ago", "2024-02-01T10:30:00Z"),
            ("2024-01-01", "2024-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_user_time(text, now), Ok(at(expected)), "{text}");
        }
        assert!(parse_user_time("soon", now).unwrap_err().contains("T-2h"));
        assert!(parse_duration("15 parsecs").is_err());
        assert!(parse_duration("9999999999999w").is_err());
    }

    #[test]
    fn a_range_holds_its_start_and_not_its_end() {
        let range = TimeRange { from: Some(at("2024-02-01")), to: Some(at("2024-02-02")) };
        assert!(range.contains(at("2024-02-01")));
        assert!(!range.contains(at("2024-02-02")));
        assert!(TimeRange::default().contains(at("2024-02-02")));
    }
}
