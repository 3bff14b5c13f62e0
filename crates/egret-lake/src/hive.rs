//! Hive directories: `tp_partition=<name>/tp_date=<day>`, written as DuckDB writes them.

use std::fmt::Write as _;

use chrono::{Days, NaiveDate};

/// The directory of a day of a partition, below the table's.
pub(crate) fn directory(partition: &str, date: i32) -> String {
    format!("tp_partition={}/tp_date={}", encode(partition), day(date))
}

/// The text of a date that is stored as days since 1970.
pub(crate) fn day(date: i32) -> String {
    let epoch = NaiveDate::default();
    let magnitude = Days::new(u64::from(date.unsigned_abs()));
    let day = if date < 0 { epoch.checked_sub_days(magnitude) } else { epoch.checked_add_days(magnitude) };
    // Outside chrono's range of ±262,000 years there is no calendar day to print.
    day.map_or_else(|| date.to_string(), |day| day.to_string())
}

/// A value as part of a path: everything but letters, digits and `-._~` becomes `%XX`.
pub(crate) fn encode(value: &str) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_duckdb_does() {
        assert_eq!(encode("p/ é=%:?#[]\"\\"), "p%2F%20%C3%A9%3D%25%3A%3F%23%5B%5D%22%5C");
        assert_eq!(encode("prod-1.eu_x~"), "prod-1.eu_x~");
    }

    #[test]
    fn days_before_and_after_the_epoch() {
        assert_eq!(day(0), "1970-01-01");
        assert_eq!(day(-1), "1969-12-31");
        assert_eq!(directory("p", 19723), "tp_partition=p/tp_date=2024-01-01");
    }
}
