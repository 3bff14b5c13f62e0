//! Values of one type as a column of another: what transforms and patterns give.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, StringViewArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use chrono_tz::Tz;
use egret_format::time::parse_time;
use egret_model::ColumnType;

/// A column, and how many values did not fit it and are null.
#[derive(Debug)]
pub(crate) struct Coerced {
    pub(crate) array: ArrayRef,
    pub(crate) misfits: u64,
}

/// `values` as a column of `column_type`.
pub(crate) fn coerce(values: &ArrayRef, column_type: &ColumnType, timezone: Tz) -> Coerced {
    let target = column_type.to_arrow();
    let is_text = matches!(values.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let array = match column_type {
        ColumnType::Timestamp | ColumnType::Date | ColumnType::Json if is_text => {
            from_text(&cast(values, &DataType::Utf8View), column_type, timezone)
        }
        _ if *values.data_type() == target => Arc::clone(values),
        _ => cast(values, &target),
    };
    let misfits = array.null_count().saturating_sub(values.logical_null_count()) as u64;
    Coerced { array, misfits }
}

/// What a cast cannot give becomes null.
fn cast(values: &ArrayRef, target: &DataType) -> ArrayRef {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    cast_with_options(values, target, &options).unwrap_or_else(|_| new_null_array(target, values.len()))
}

/// Text as the types that Arrow reads otherwise than the formats do.
fn from_text(text: &ArrayRef, column_type: &ColumnType, timezone: Tz) -> ArrayRef {
    let Some(text) = text.as_string_view_opt() else {
        return new_null_array(&column_type.to_arrow(), text.len());
    };
    let times = || text.iter().map(|value| value.and_then(|value| parse_time(value, timezone)));
    match column_type {
        ColumnType::Timestamp => Arc::new(
            times().map(|time| time.map(|time| time.micros())).collect::<TimestampMicrosecondArray>(),
        ),
        ColumnType::Date => {
            Arc::new(times().map(|time| time.map(|time| time.days())).collect::<Date32Array>())
        }
        _ => {
            let is_json = |value: &&str| serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok();
            Arc::new(text.iter().map(|value| value.filter(is_json)).collect::<StringViewArray>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, Int64Array};
    use arrow::compute::concat;

    fn texts(values: &[Option<&str>]) -> ArrayRef {
        Arc::new(values.iter().copied().collect::<StringViewArray>())
    }

    #[test]
    fn what_does_not_fit_is_null_and_counted() {
        let coerced = coerce(&texts(&[Some("22"), None, Some("x")]), &ColumnType::Integer, Tz::UTC);
        assert_eq!(coerced.array.as_ref(), &Int32Array::from(vec![Some(22), None, None]) as &dyn Array);
        assert_eq!(coerced.misfits, 1);
    }

    #[test]
    fn text_is_read_as_a_time_in_every_form_that_the_formats_know() {
        let values = texts(&[Some("1706781600"), Some("2024-02-01 11:00:00"), Some("soon")]);
        let coerced = coerce(&values, &ColumnType::Timestamp, Tz::Europe__Berlin);
        let expected = TimestampMicrosecondArray::from(vec![
            Some(1_706_781_600_000_000),
            Some(1_706_781_600_000_000),
            None,
        ]);
        assert_eq!((coerced.array.as_ref(), coerced.misfits), (&expected as &dyn Array, 1));
        let days = coerce(&values.slice(0, 1), &ColumnType::Date, Tz::UTC);
        assert_eq!(days.array.as_ref(), &Date32Array::from(vec![19754]) as &dyn Array);
    }

    #[test]
    fn only_json_goes_into_a_json_column() {
        let coerced = coerce(&texts(&[Some("{\"a\":1}"), Some("{a}")]), &ColumnType::Json, Tz::UTC);
        assert_eq!(coerced.array.as_ref(), texts(&[Some("{\"a\":1}"), None]).as_ref());
        assert_eq!(coerced.misfits, 1);
    }

    #[test]
    fn numbers_become_text_and_nothing_becomes_nothing() {
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        assert_eq!(
            coerce(&numbers, &ColumnType::Varchar, Tz::UTC).array.as_ref(),
            texts(&[Some("1"), Some("2")]).as_ref()
        );
        let nulls = new_null_array(&DataType::Null, 3);
        let coerced = coerce(&nulls, &ColumnType::BigInt, Tz::UTC);
        assert_eq!((coerced.array.null_count(), coerced.misfits), (3, 0));
        assert!(concat(&[coerced.array.as_ref()]).is_ok());
    }
}
