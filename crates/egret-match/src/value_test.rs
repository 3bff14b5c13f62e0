//! Tests of one value, compiled.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Timelike, Utc};
use ipnet::IpNet;
use regex::{Regex, RegexBuilder};

use crate::condition::{Comparison, Test, TimePart, address};
use crate::fold::fold;
use crate::text::{Part, TextPattern, is_like};

/// A regular expression that takes more memory than this is refused.
const MAX_REGEX_BYTES: usize = 10 << 20;

/// A test of one value.
#[derive(Debug)]
pub(crate) enum ValueTest {
    /// It is like these pieces, which are folded.
    Folded(Vec<Part>),
    /// It is like these pieces, case and all.
    Cased(Vec<Part>),
    Regex(Box<Regex>),
    Cidr(IpNet),
    Number(Comparison, f64),
    Boolean(bool),
    Time(TimePart, Comparison, i64),
}

impl ValueTest {
    /// Compiles `test`; `None` for one that is not about the value of one field.
    pub(crate) fn new(test: &Test) -> Result<Option<Self>, regex::Error> {
        Ok(Some(match test {
            Test::Exists | Test::Null | Test::Field(_) => return Ok(None),
            Test::Text(pattern) => Self::pattern(pattern),
            Test::Regex(source) => {
                let regex = RegexBuilder::new(source).size_limit(MAX_REGEX_BYTES).build()?;
                Self::Regex(Box::new(regex))
            }
            Test::Cidr(network) => Self::Cidr(*network),
            Test::Number(comparison, number) => Self::Number(*comparison, *number),
            Test::Boolean(truth) => Self::Boolean(*truth),
            Test::Time(part, comparison, number) => Self::Time(*part, *comparison, *number),
        }))
    }

    fn pattern(pattern: &TextPattern) -> Self {
        if pattern.is_cased() {
            return Self::Cased(pattern.parts().to_vec());
        }
        let folded = |part: &Part| match part {
            Part::Literal(text) => Part::Literal(fold(text).into()),
            other => other.clone(),
        };
        Self::Folded(pattern.parts().iter().map(folded).collect())
    }

    /// Whether it holds for `text`, which is `folded` in lower case.
    pub(crate) fn holds(&self, text: &str, folded: &str) -> bool {
        match self {
            Self::Folded(parts) => is_like(parts, folded),
            Self::Cased(parts) => is_like(parts, text),
            Self::Regex(regex) => regex.is_match(text),
            Self::Cidr(network) => address(text).is_some_and(|address| network.contains(&address)),
            Self::Number(comparison, number) => {
                text.trim().parse::<f64>().is_ok_and(|value| comparison.holds(value, *number))
            }
            Self::Boolean(truth) => folded == if *truth { "true" } else { "false" },
            Self::Time(part, comparison, number) => {
                time(text).is_some_and(|time| comparison.holds(part_of(time, *part), *number))
            }
        }
    }
}

/// The time that `text` says, in UTC; one without a zone is in UTC.
fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let without_zone = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text.trim_end_matches(" UTC"), form).ok());
    let midnight = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0);
    without_zone.or_else(midnight).map(|time| time.and_utc())
}

fn part_of(time: DateTime<Utc>, part: TimePart) -> i64 {
    match part {
        TimePart::Minute => time.minute().into(),
        TimePart::Hour => time.hour().into(),
        TimePart::Day => time.day().into(),
        TimePart::Week => time.iso_week().week().into(),
        TimePart::Month => time.month().into(),
        TimePart::Year => time.year().into(),
    }
}
