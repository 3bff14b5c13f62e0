//! Times as logs write them.

use chrono::{
    DateTime, Datelike, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, TimeZone, Timelike, Utc,
};
use chrono_tz::Tz;
use egret_model::Timestamp;

/// The names of months as logs write them.
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// Reads a time: ISO 8601 with or without a zone, the common log format (`10/Oct/2000:13:55:36 -0700`),
/// RFC 2822, or a number since the epoch in seconds, milli-, micro- or nanoseconds, told apart by its size.
/// `timezone` is for those that name no zone.
pub fn parse_time(text: &str, timezone: Tz) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(iso) = parse_iso(text) {
        return Some(iso.time);
    }
    match text.as_bytes() {
        [b'0'..=b'9' | b'-', rest @ ..] if rest.iter().all(|b| b.is_ascii_digit() || *b == b'.') => {
            parse_epoch(text)
        }
        [_, _, b'/', ..] => parse_common_log(text).map(|zoned| zoned.time),
        _ => parse_slow(text, timezone),
    }
}

/// A time that says how far its clock is ahead of UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ZonedTime<'t> {
    /// The instant.
    pub(crate) time: Timestamp,
    /// The offset as written: `Z`, `+02:00`, `-0700`.
    pub(crate) offset: &'t str,
    /// Whether `time` and `offset` give back the text: the fraction has the digits it needs and no more.
    pub(crate) is_exact: bool,
}

/// The forms that nearly every record has, `2024-02-01T10:00:00Z`, `2024-02-01T12:00:00.123456+02:00`, without
/// chrono's general parser, which takes ten times as long.
pub(crate) fn parse_iso(text: &str) -> Option<ZonedTime<'_>> {
    let bytes = text.as_bytes();
    let (head, tail) = bytes.split_at_checked(19)?;
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', clock @ ..] = head else { return None };
    let [y1, y2] = [number(&[*y1, *y2])?, number(&[*y3, *y4])?];
    let date = NaiveDate::from_ymd_opt((y1 * 100 + y2) as i32, number(&[*m1, *m2])?, number(&[*d1, *d2])?)?;
    let seconds = seconds_of_day(clock)?;
    let digits = match tail {
        [b'.', fraction @ ..] => fraction.iter().take_while(|byte| byte.is_ascii_digit()).count(),
        _ => 0,
    };
    let fraction = if digits == 0 { tail.get(..0)? } else { tail.get(1..=digits)? };
    if digits > 9 {
        return None;
    }
    let micros = (0..6)
        .fold(0, |micros, at| micros * 10 + fraction.get(at).map_or(0, |digit| i64::from(digit - b'0')));
    let offset = text.get(if digits == 0 { 19 } else { 20 + digits }..)?;
    let needed = match micros {
        0 => 0,
        _ if micros % 1_000 == 0 => 3,
        _ => 6,
    };
    let local = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() + i64::from(seconds);
    let time = Timestamp::from_seconds(local - i64::from(offset_seconds(offset)?)).plus_micros(micros);
    Some(ZonedTime { time, offset, is_exact: digits == needed && !head.ends_with(b"60") })
}

/// `10/Oct/2000:13:55:36 -0700`, and nothing else.
pub(crate) fn parse_common_log(text: &str) -> Option<ZonedTime<'_>> {
    let bytes: &[u8; 26] = text.as_bytes().try_into().ok()?;
    let [d1, d2, b'/', m1, m2, m3, b'/', y1, y2, y3, y4, b':', clock @ ..] = bytes else { return None };
    let year = number(&[*y1, *y2])? * 100 + number(&[*y3, *y4])?;
    let date = NaiveDate::from_ymd_opt(year as i32, month(&[*m1, *m2, *m3])?, number(&[*d1, *d2])?)?;
    let (clock, offset) = (clock.get(..8)?, text.get(20..)?.strip_prefix(' ')?);
    let local = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp() + i64::from(seconds_of_day(clock)?);
    let time = Timestamp::from_seconds(local - i64::from(offset_seconds(offset)?));
    Some(ZonedTime { time, offset, is_exact: !clock.ends_with(b"60") })
}

/// The number of the month that logs call `name`, from 1.
pub(crate) fn month(name: &[u8; 3]) -> Option<u32> {
    MONTHS.iter().position(|month| *month == name).map(|at| at as u32 + 1)
}

/// Two digits.
pub(crate) fn number(digits: &[u8; 2]) -> Option<u32> {
    let [tens, ones] = digits.map(|digit| digit.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// `13:55:36` as seconds since midnight. A leap second is the first second of the next minute.
pub(crate) fn seconds_of_day(clock: &[u8]) -> Option<u32> {
    let &[h1, h2, b':', m1, m2, b':', s1, s2] = clock else { return None };
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?);
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3_600 + minute * 60 + second)
}

/// `Z`, `+02:00` or `-0700` as seconds ahead of UTC.
fn offset_seconds(offset: &str) -> Option<i32> {
    let (sign, h1, h2, m1, m2) = match *offset.as_bytes() {
        [b'Z'] => return Some(0),
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, h1, h2, m1, m2),
        _ => return None,
    };
    let (hours, minutes) = (number(&[h1, h2])?, number(&[m1, m2])?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = (hours * 3_600 + minutes * 60) as i32;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

/// Writes `time` as RFC 3339 in UTC, the way [`Timestamp`] prints, but faster.
pub(crate) fn write_time(text: &mut String, time: Timestamp) {
    let moment = time.to_datetime().map(|moment| moment.naive_utc());
    let plain = moment.filter(|moment| (0..10_000).contains(&moment.year()) && moment.nanosecond() == 0);
    let Some(moment) = plain else {
        text.push_str(&time.to_string());
        return;
    };
    let mut written = *b"0000-00-00T00:00:00Z";
    let year = moment.year().unsigned_abs();
    for (at, number) in [
        (0, year / 100),
        (2, year % 100),
        (5, moment.month()),
        (8, moment.day()),
        (11, moment.hour()),
        (14, moment.minute()),
        (17, moment.second()),
    ] {
        written[at] = b'0' + (number / 10) as u8;
        written[at + 1] = b'0' + (number % 10) as u8;
    }
    text.extend(std::str::from_utf8(&written));
}

/// A number since the epoch. From 1973 to 5138 the magnitudes of the four units do not overlap.
fn parse_epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().ok()?;
    let (multiply, divide) = match whole.unsigned_abs() {
        0..100_000_000_000 => (1_000_000, 1),
        100_000_000_000..100_000_000_000_000 => (1_000, 1),
        100_000_000_000_000..100_000_000_000_000_000 => (1, 1),
        _ => (1, 1_000),
    };
    let mut micros = whole.checked_mul(multiply)? / divide;
    let mut scale = multiply;
    for digit in fraction.bytes() {
        scale /= 10;
        let part = scale * i64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        micros += if whole < 0 || text.starts_with('-') { -part } else { part };
    }
    Some(Timestamp::from_micros(micros))
}

fn parse_slow(text: &str, timezone: Tz) -> Option<Timestamp> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.with_timezone(&Utc).into());
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z"] {
        if let Ok(time) = DateTime::<FixedOffset>::parse_from_str(text, format) {
            return Some(time.with_timezone(&Utc).into());
        }
    }
    for format in [
        "%Y-%m-%dT%H:%M:%S%.f",
        "%Y-%m-%d %H:%M:%S%.f",
        "%Y/%m/%d %H:%M:%S%.f",
        "%Y-%m-%dT%H:%M",
        "%Y-%m-%d %H:%M",
        "%Y%m%dT%H%M%S",
    ] {
        if let Ok(time) = NaiveDateTime::parse_from_str(text.trim_end_matches(" UTC"), format) {
            return local_time(time, if text.ends_with(" UTC") { Tz::UTC } else { timezone });
        }
    }
    if let Ok(time) = DateTime::parse_from_rfc2822(text) {
        return Some(time.with_timezone(&Utc).into());
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    local_time(date.and_hms_opt(0, 0, 0)?, timezone)
}

/// A wall-clock time in `timezone`. Where clocks were set back an hour exists twice and the first is taken;
/// where they were set forward it does not exist and counts as if they had not been.
pub fn local_time(time: NaiveDateTime, timezone: Tz) -> Option<Timestamp> {
    match timezone.from_local_datetime(&time) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => Some(time.with_timezone(&Utc).into()),
        LocalResult::None => {
            let before = time.checked_sub_signed(chrono::TimeDelta::hours(1))?;
            let before = timezone.from_local_datetime(&before).earliest()?;
            Some(Timestamp::from(before.with_timezone(&Utc)).plus_micros(3_600_000_000))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_logs_use() {
        for (text, expected) in [
            ("2024-02-01T10:00:00Z", "2024-02-01T10:00:00Z"),
            ("2024-02-01T10:00:00.123456Z", "2024-02-01T10:00:00.123456Z"),
            ("2024-02-01T12:00:00+0200", "2024-02-01T10:00:00Z"),
            ("2024-02-01T12:00:00+02:00", "2024-02-01T10:00:00Z"),
            ("2024-02-01 11:00:00", "2024-02-01T10:00:00Z"),
            ("2024-02-01 10:00:00.5 UTC", "2024-02-01T10:00:00.500Z"),
            ("01/Feb/2024:02:00:00 -0800", "2024-02-01T10:00:00Z"),
            ("Thu, 1 Feb 2024 10:00:00 +0000", "2024-02-01T10:00:00Z"),
            ("1706781600", "2024-02-01T10:00:00Z"),
            ("1706781600.25", "2024-02-01T10:00:00.250Z"),
            ("1706781600123", "2024-02-01T10:00:00.123Z"),
            ("1706781600123456", "2024-02-01T10:00:00.123456Z"),
            ("1706781600123456789", "2024-02-01T10:00:00.123456Z"),
            ("-0.5", "1969-12-31T23:59:59.500Z"),
            ("2024-02-01", "2024-01-31T23:00:00Z"),
            ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ] {
            let time = parse_time(text, Tz::Europe__Berlin).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2024-13-01T10:00:00Z",
            "2024-02-30",
            "99/Feb/2024:02:00:00 -0800",
            "01/Feb/2024:02:00:00 *0800",
            "01/Feb/2024:25:00:00 -0800",
            "1.2.3",
            "-",
            "2024-02-01T10:00:00é",
            "2024-02-01T10:00:0é",
        ] {
            assert_eq!(parse_time(text, Tz::UTC), None, "{text}");
        }
    }

    #[test]
    fn knows_whether_time_and_offset_give_the_text_back() {
        for (text, offset, is_exact) in [
            ("2024-02-01T10:00:00Z", "Z", true),
            ("2024-02-01T10:00:00+02:00", "+02:00", true),
            ("2024-02-01T10:00:00.123Z", "Z", true),
            ("2024-02-01T10:00:00.123456-0700", "-0700", true),
            ("2024-02-01T10:00:00.120000+00:00", "+00:00", false),
            ("2024-02-01T10:00:00.1Z", "Z", false),
            ("2024-02-01T10:00:00.123456789Z", "Z", false),
        ] {
            let zoned = parse_iso(text).unwrap();
            assert_eq!((zoned.offset, zoned.is_exact), (offset, is_exact), "{text}");
        }
    }

    #[test]
    fn hours_that_exist_twice_or_never() {
        let local = |text: &str| {
            let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
            local_time(time, Tz::Europe__Berlin).unwrap().to_string()
        };
        assert_eq!(local("2024-10-27 02:30"), "2024-10-27T00:30:00Z");
        assert_eq!(local("2024-03-31 02:30"), "2024-03-31T01:30:00Z");
    }

    proptest::proptest! {
        #[test]
        fn the_fast_ways_agree_with_chrono(micros in 0_i64..253_402_300_799_000_000, minutes in -840_i32..840) {
            let offset = FixedOffset::east_opt(minutes * 60).unwrap();
            let seconds = Timestamp::from_seconds(micros / 1_000_000);
            let common = seconds.to_datetime().unwrap().with_timezone(&offset).format("%d/%b/%Y:%H:%M:%S %z").to_string();
            proptest::prop_assert_eq!(parse_common_log(&common).map(|zoned| zoned.time), Some(seconds));
            let time = Timestamp::from_micros(micros);
            let iso = time.to_datetime().unwrap().with_timezone(&offset).to_rfc3339();
            proptest::prop_assert_eq!(parse_iso(&iso).map(|zoned| zoned.time), Some(time));
            for time in [time, seconds] {
                let mut written = String::new();
                write_time(&mut written, time);
                proptest::prop_assert_eq!(written, time.to_string());
            }
        }

        #[test]
        fn no_text_is_too_odd(text in ".{0,40}", tail in "[0-9TZ:.+-]{0,30}") {
            parse_time(&text, Tz::Europe__Berlin);
            parse_time(&tail, Tz::Europe__Berlin);
            parse_iso(&format!("2024-02-01T10:00:00{text}"));
            parse_common_log(&text);
        }
    }
}
