//! What makes a record no row: a required column without a value, a time that cannot be.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::TimestampMicrosecondType;
use egret_model::Timestamp;

/// 1990-01-01T00:00:00Z: no log that anybody still collects is older.
const EARLIEST: Timestamp = Timestamp::from_seconds(631_152_000);

/// Clocks are wrong by minutes and zones by hours, but not by more than a day.
const MAX_AHEAD_MICROS: i64 = 86_400_000_000;

/// A required column of the batch; `None` if no row has a value in it.
pub(crate) struct Required<'a> {
    pub(crate) name: &'a str,
    pub(crate) column: Option<&'a ArrayRef>,
}

/// The rows that stay, and why each of the others does not, in the order of rows. `None` if all stay.
pub(crate) fn check_rows(
    rows: usize,
    required: &[Required<'_>],
    timestamps: Option<&ArrayRef>,
    ingest: Timestamp,
) -> Option<(BooleanArray, Vec<(usize, String)>)> {
    let latest = ingest.plus_micros(MAX_AHEAD_MICROS);
    let times = timestamps.and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
    let wrong_time = |row: usize| {
        let time = Timestamp::from_micros(times.filter(|times| times.is_valid(row))?.value(row));
        (time < EARLIEST || time > latest).then_some(time)
    };
    let missing = |row: usize| {
        required.iter().find(|required| required.column.is_none_or(|column| column.is_null(row)))
    };
    let all_there =
        required.iter().all(|required| required.column.is_some_and(|column| column.null_count() == 0));
    let all_timely = times.is_some_and(|times| {
        // Of a null the value is 0, which leads to the slow way, as it should.
        let range = EARLIEST.micros()..=latest.micros();
        times.values().iter().all(|time| range.contains(time))
    });
    if rows == 0 || (all_there && all_timely) {
        return None;
    }
    let mut refused = Vec::new();
    for row in 0..rows {
        if let Some(required) = missing(row) {
            refused.push((row, format!("the required column `{}` has no value", required.name)));
        } else if let Some(time) = wrong_time(row) {
            refused.push((row, wrong_time_reason(time, ingest)));
        }
    }
    if refused.is_empty() {
        return None;
    }
    let mut refused_rows = refused.iter().map(|(row, _)| *row).peekable();
    let keep = BooleanBuffer::collect_bool(rows, |row| refused_rows.next_if_eq(&row).is_none());
    Some((BooleanArray::new(keep, None), refused))
}

fn wrong_time_reason(time: Timestamp, ingest: Timestamp) -> String {
    if time < EARLIEST {
        return format!(
            "`tp_timestamp` is {time}, before 1990: the field it comes from is no time of an event"
        );
    }
    format!(
        "`tp_timestamp` is {time}, more than a day after it was collected ({ingest}): the clock or the time zone \
         of the writer is wrong"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{StringViewArray, TimestampMicrosecondArray};

    use super::*;

    #[test]
    fn each_bad_row_says_why() {
        let ingest = Timestamp::parse("2024-02-01T10:00:00Z").unwrap();
        let at = |text: &str| Some(Timestamp::parse(text).unwrap().micros());
        let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![
            at("2024-02-01T09:59:59Z"),
            at("1989-12-31T23:59:59Z"),
            at("2024-02-02T10:00:00Z"),
            at("2024-02-02T10:00:01Z"),
            None,
            at("1990-01-01"),
        ]));
        let users: ArrayRef =
            Arc::new(StringViewArray::from(vec![Some("a"), None, Some("b"), Some("c"), None, None]));
        let required = [
            Required { name: "tp_timestamp", column: Some(&times) },
            Required { name: "user", column: Some(&users) },
        ];
        let (keep, refused) = check_rows(6, &required, Some(&times), ingest).unwrap();
        let kept: Vec<usize> = (0..6).filter(|row| keep.value(*row)).collect();
        assert_eq!(kept, [0, 2]);
        let refused: Vec<String> = refused.iter().map(|(row, reason)| format!("{row}: {reason}")).collect();
        assert_eq!(refused[0], "1: the required column `user` has no value");
        assert!(
            refused[1].starts_with("3: `tp_timestamp` is 2024-02-02T10:00:01Z, more than a day after it was")
        );
        assert_eq!(refused[2], "4: the required column `tp_timestamp` has no value");
        assert_eq!(refused[3], "5: the required column `user` has no value");
        assert!(check_rows(6, &required[..1], Some(&times), ingest).unwrap().1[0].1.contains("before 1990"));
    }

    #[test]
    fn a_column_that_no_row_has_refuses_all() {
        let required = [Required { name: "tp_timestamp", column: None }];
        let (keep, refused) = check_rows(2, &required, None, Timestamp::from_seconds(0)).unwrap();
        assert_eq!((keep.true_count(), refused.len()), (0, 2));
        assert!(check_rows(0, &required, None, Timestamp::from_seconds(0)).is_none());
    }
}
