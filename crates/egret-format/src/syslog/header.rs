//! The pieces of a syslog header: priority, time, tag.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use egret_model::Timestamp;

use crate::decoder::ObjectContext;
use crate::time::{local_time, month, parse_iso, seconds_of_day};

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];
const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A year has a 29 February at least every so many years.
const YEARS_TO_TRY: i32 = 8;

/// `<34>`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Priority(u8);

impl Priority {
    /// The priority at the start of `line`, if there is one, and what follows.
    pub(super) fn take(line: &str) -> (Option<Self>, &str) {
        let read = || {
            let (digits, rest) = line.strip_prefix('<')?.split_once('>')?;
            let number: u8 = digits.parse().ok()?;
            // `<034>` and `<+3>` are not what a sender writes, and could not be given back.
            let is_plain = digits.len() <= 3 && (digits == "0" || !digits.starts_with(['0', '+']));
            (is_plain && usize::from(number) < FACILITIES.len() * 8).then_some((Self(number), rest))
        };
        read().map_or((None, line), |(priority, rest)| (Some(priority), rest))
    }

    pub(super) fn facility(self) -> &'static str {
        FACILITIES[usize::from(self.0 / 8)]
    }

    pub(super) fn severity(self) -> &'static str {
        SEVERITIES[usize::from(self.0 % 8)]
    }
}

/// Whether `rest` starts with a time of RFC 5424, or with the sign for none.
pub(super) fn is_time_of_5424(rest: &str) -> bool {
    let time = rest.split(' ').next().unwrap_or_default();
    time == "-" || parse_iso(time).is_some()
}

/// The time of a header.
#[derive(Debug)]
pub(super) enum HeaderTime<'l> {
    /// `2024-02-01T10:00:00.123456+02:00`
    Iso(&'l str),
    /// `Feb  1 10:00:00`
    Local(LocalTime<'l>),
}

/// A time of RFC 3164, which has no zone and mostly no year.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalTime<'l> {
    pub(super) text: &'l str,
    year: Option<i32>,
    month: u32,
    day: u32,
    seconds: u32,
    micros: i64,
}

/// The time at the start of `rest`, and what follows.
pub(super) fn take_time(rest: &str) -> Option<(HeaderTime<'_>, &str)> {
    if rest.as_bytes().first()?.is_ascii_digit() {
        let (time, after) = rest.split_once(' ').unwrap_or((rest, ""));
        return parse_iso(time).is_some().then_some((HeaderTime::Iso(time), after));
    }
    let (time, length) = read_local(rest)?;
    let after = rest.get(length..)?;
    // Cisco's devices end it with a colon.
    let after = after.strip_prefix(':').unwrap_or(after);
    (after.is_empty() || after.starts_with(' ')).then_some((HeaderTime::Local(time), after))
}

/// Reads `Feb  1 10:00:00`, also with a year behind the day or a fraction behind the seconds, and its length.
fn read_local(rest: &str) -> Option<(LocalTime<'_>, usize)> {
    let bytes = rest.as_bytes();
    let month = month(bytes.first_chunk()?)?;
    let mut at = 3;
    let (day, length) = read_number(bytes, at + spaces(bytes, at, 2)?)?;
    at = length;
    at += spaces(bytes, at, 1)?;
    let mut year = None;
    if let Some((number, end)) = read_number(bytes, at).filter(|(_, end)| *end == at + 4) {
        year = Some(i32::try_from(number).ok()?);
        at = end + spaces(bytes, end, 1)?;
    }
    let seconds = seconds_of_day(bytes.get(at..at + 8)?)?;
    at += 8;
    let mut micros = 0;
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        let digits = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        for place in 0..6 {
            let digit = bytes[at + 1..at + 1 + digits].get(place).map_or(0, |digit| i64::from(digit - b'0'));
            micros = micros * 10 + digit;
        }
        at += 1 + digits;
    }
    Some((LocalTime { text: rest.get(..at)?, year, month, day, seconds, micros }, at))
}

/// The number of spaces at `at`: one to `most`.
fn spaces(bytes: &[u8], at: usize, most: usize) -> Option<usize> {
    let count = bytes.get(at..)?.iter().take_while(|byte| **byte == b' ').count();
    (1..=most).contains(&count).then_some(count)
}

/// The number at `at`, of at most four digits, and where it ends.
fn read_number(bytes: &[u8], at: usize) -> Option<(u32, usize)> {
    let digits = bytes.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&bytes[at..at + digits]).ok()?;
    Some((text.parse().ok()?, at + digits))
}

/// Reads times that lack a year and a zone.
#[derive(Debug)]
pub(super) struct Clock {
    modified: Timestamp,
    timezone: Tz,
    /// The minute read last (month, day, minute of the day), when it began, and whether that gives it back:
    /// many lines have the same one.
    last: Option<((u32, u32, u32), Timestamp, bool)>,
}

impl Clock {
    pub(super) fn new(object: &ObjectContext) -> Self {
        Self { modified: object.modified, timezone: object.timezone, last: None }
    }

    /// The instant, and whether it gives back what is written: the form of RFC 3164, in an hour that exists once.
    pub(super) fn read(&mut self, time: &LocalTime<'_>) -> Option<(Timestamp, bool)> {
        let minute = (time.month, time.day, time.seconds / 60);
        let is_plain =
            time.year.is_none() && time.text.len() == 15 && time.text.as_bytes().get(4) != Some(&b'0');
        let within = i64::from(time.seconds % 60) * 1_000_000 + time.micros;
        match self.last {
            Some((last, start, is_exact)) if last == minute && time.year.is_none() => {
                return Some((start.plus_micros(within), is_exact && is_plain));
            }
            _ => {}
        }
        let start = match time.year {
            Some(year) => self.minute_of(year, minute)?,
            None => self.latest_minute(minute)?,
        };
        let back = start.to_datetime()?.with_timezone(&self.timezone).naive_local();
        let is_exact = (back.month(), back.day()) == (time.month, time.day)
            && back.and_utc().timestamp().rem_euclid(86_400) / 60 == i64::from(minute.2);
        if time.year.is_none() {
            self.last = Some((minute, start, is_exact));
        }
        Some((start.plus_micros(within), is_exact && is_plain))
    }

    /// The last such minute that is not more than a day after the object was modified.
    fn latest_minute(&self, minute: (u32, u32, u32)) -> Option<Timestamp> {
        let limit = self.modified.plus_micros(MICROS_PER_DAY);
        let newest = limit.year()? + 1;
        (newest - YEARS_TO_TRY - 1..=newest)
            .rev()
            .filter_map(|year| self.minute_of(year, minute))
            .find(|start| *start <= limit)
    }

    fn minute_of(&self, year: i32, (month, day, minute): (u32, u32, u32)) -> Option<Timestamp> {
        // A leap second's minute may be the first one of the next day.
        let date = NaiveDate::from_ymd_opt(year, month, day)?.and_hms_opt(0, 0, 0)?;
        local_time(date.checked_add_signed(chrono::TimeDelta::minutes(i64::from(minute)))?, self.timezone)
    }
}

/// `sshd[123]: message`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tag<'l> {
    pub(super) program: &'l str,
    pub(super) pid: Option<&'l str>,
    /// What follows, if anything does.
    pub(super) message: Option<&'l str>,
}

/// Takes `rest` apart if it starts with a program's name: a word up to `: `, perhaps with a process id in brackets.
pub(super) fn split_tag(rest: &str) -> Option<Tag<'_>> {
    let word = &rest[..memchr::memchr(b' ', rest.as_bytes()).unwrap_or(rest.len())];
    let (tag, message) = match word.strip_suffix(':') {
        Some(tag) => (tag, rest.get(word.len() + 1..)),
        // A process id may have spaces in it, but then there are brackets around it.
        None if word.contains('[') => {
            let end = rest.find("]:")?;
            let is_tag = matches!(rest.as_bytes().get(end + 2), None | Some(b' '));
            is_tag.then_some((&rest[..=end], rest.get(end + 3..)))?
        }
        None => return None,
    };
    let (program, pid) = match tag.strip_suffix(']').and_then(|tag| tag.split_once('[')) {
        Some((program, pid)) => (program, Some(pid)),
        None => (tag, None),
    };
    (!program.is_empty()).then_some(Tag { program, pid, message })
}
