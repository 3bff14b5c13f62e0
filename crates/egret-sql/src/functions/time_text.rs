//! Times as text: `strftime`, `strptime`, and constants in SQL. The codes are Python's.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef};
use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};
use egret_model::Timestamp;

use super::definition::{Function, constant_text, text_column};
use super::time::{MICROS, check_time, field, time_column};
use crate::error::PlanProblem;

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let any = || Signature::any(2, Volatility::Immutable);
    vec![
        Function::new("strftime", any(), strftime_returns, strftime),
        Function::new("strptime", any(), strptime_returns, strptime),
        Function::new("try_strptime", any(), try_strptime_returns, try_strptime),
    ]
}

/// Where the time and the format are: either may come first. Of two texts, the first is the time.
fn strftime_places(fields: &[FieldRef]) -> (usize, usize) {
    let is_time = |field: &FieldRef| matches!(field.data_type(), DataType::Timestamp(..) | DataType::Date32);
    if fields[0].data_type().is_string() && is_time(&fields[1]) { (1, 0) } else { (0, 1) }
}

fn strftime_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let (time, format) = strftime_places(args.arg_fields);
    check_time("strftime", &args.arg_fields[time])?;
    if let Some(Some(Some(format))) = args.scalar_arguments[format].map(ScalarValue::try_as_str) {
        format_items(&print_format(format), format)?;
    }
    field("strftime", DataType::Utf8View)
}

fn strptime_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_formats("strptime", args)
}

fn try_strptime_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_formats("try_strptime", args)
}

fn check_formats(name: &str, args: &ReturnFieldArgs) -> Result<FieldRef> {
    if let Some(constant) = args.scalar_arguments[1] {
        for format in formats_at(&constant.to_array()?, 0)?.iter().flatten() {
            format_items(&parse_format(format), format)?;
        }
    }
    field(name, MICROS)
}

fn strftime(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (time_at, format_at) = strftime_places(&args.arg_fields);
    let times = time_column(args, time_at)?;
    let mut texts = StringViewBuilder::with_capacity(times.len());
    let mut append = |time: Option<i64>, items: &[Item]| {
        let time = time.and_then(DateTime::<Utc>::from_timestamp_micros);
        texts.append_option(time.map(|time| time.format_with_items(items.iter()).to_string()));
    };
    match constant_text(args, format_at) {
        Some(Some(format)) => {
            let format_text = print_format(format);
            let items = format_items(&format_text, format)?;
            times.iter().for_each(|time| append(time, &items));
        }
        _ => {
            let formats = text_column(args, format_at)?;
            for (time, format) in times.iter().zip(formats.iter()) {
                let format_text = format.map(print_format).unwrap_or_default();
                let items = format_items(&format_text, format.unwrap_or_default())?;
                append(time.filter(|_| format.is_some()), &items);
            }
        }
    }
    Ok(ColumnarValue::Array(Arc::new(texts.finish())))
}

/// DuckDB's and Python's codes in chrono's words, for printing.
fn print_format(format: &str) -> String {
    translate(format, |code| match code {
        'f' => Some("%6f"),
        'g' => Some("%3f"),
        'n' => Some("%9f"),
        'c' => Some("%Y-%m-%d %H:%M:%S"),
        'x' => Some("%Y-%m-%d"),
        'X' => Some("%H:%M:%S"),
        _ => None,
    })
}

/// The same for reading: a fraction has as many digits as there are.
fn parse_format(format: &str) -> String {
    let fractions = format.replace(".%f", "%.f").replace(".%g", "%.f").replace(".%n", "%.f");
    translate(&fractions, |code| match code {
        'f' | 'g' | 'n' => Some("%.f"),
        'c' => Some("%Y-%m-%d %H:%M:%S"),
        'x' => Some("%Y-%m-%d"),
        'X' => Some("%H:%M:%S"),
        _ => None,
    })
}

fn translate(format: &str, code: impl Fn(char) -> Option<&'static str>) -> String {
    let mut translated = String::with_capacity(format.len());
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            translated.push(c);
            continue;
        }
        match chars.next() {
            None => translated.push('%'),
            Some(letter) => match code(letter) {
                Some(other) => translated.push_str(other),
                None => translated.extend(['%', letter]),
            },
        }
    }
    translated
}

fn format_items<'f>(translated: &'f str, written: &str) -> Result<Vec<Item<'f>>> {
    let items: Vec<Item> = StrftimeItems::new(translated).collect();
    if items.contains(&Item::Error) {
        let hint = "the codes are those of Python, such as %Y-%m-%d %H:%M:%S.%f".to_owned();
        return Err(PlanProblem::new(format!("`{written}` is not a time format"), None, Some(hint)).into());
    }
    Ok(items)
}

/// The formats of one row: of one text, or of a list of texts, tried in turn.
fn formats_at(values: &ArrayRef, row: usize) -> Result<Option<Vec<String>>> {
    if values.is_null(row) {
        return Ok(None);
    }
    if let Some(lists) = values.as_list_opt::<i32>() {
        let texts = cast(&lists.value(row), &DataType::Utf8View)?;
        return Ok(Some(texts.as_string_view().iter().flatten().map(str::to_owned).collect()));
    }
    let text = cast(&values.slice(row, 1), &DataType::Utf8View)?;
    Ok(Some(vec![text.as_string_view().value(0).to_owned()]))
}

fn strptime(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    parse_times(args, |text, formats| {
        let message = format!("`{text}` is not a time like `{}`", formats.join("` or `"));
        let hint = "`try_strptime` gives null for it".to_owned();
        Err(PlanProblem::new(message, None, Some(hint)).into())
    })
}

fn try_strptime(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    parse_times(args, |_, _| Ok(None))
}

fn parse_times(
    args: &ScalarFunctionArgs,
    otherwise: impl Fn(&str, &[String]) -> Result<Option<i64>>,
) -> Result<ColumnarValue> {
    let texts = text_column(args, 0)?;
    let parse_row = |text: Option<&str>, formats: Option<&[String]>| -> Result<Option<i64>> {
        let (Some(text), Some(formats)) = (text, formats) else { return Ok(None) };
        for format in formats {
            let translated = parse_format(format);
            let items = format_items(&translated, format)?;
            if let Some(micros) = parse_time(text, &items) {
                return Ok(Some(micros));
            }
        }
        otherwise(text, formats)
    };
    let times: TimestampMicrosecondArray = match &args.args[1] {
        ColumnarValue::Scalar(constant) => {
            let formats = formats_at(&constant.to_array()?, 0)?;
            let rows = texts.iter().map(|text| parse_row(text, formats.as_deref()));
            rows.collect::<Result<_>>()?
        }
        ColumnarValue::Array(values) => {
            let rows = texts
                .iter()
                .enumerate()
                .map(|(row, text)| parse_row(text, formats_at(values, row)?.as_deref()));
            rows.collect::<Result<_>>()?
        }
    };
    Ok(ColumnarValue::Array(Arc::new(times)))
}

/// Microseconds in UTC; what the format leaves out is the start of 1900-01-01, as in DuckDB.
fn parse_time(text: &str, items: &[Item]) -> Option<i64> {
    let mut parsed = Parsed::new();
    chrono::format::parse(&mut parsed, text.trim(), items.iter()).ok()?;
    if let Some(seconds) = parsed.timestamp() {
        return seconds.checked_mul(1_000_000);
    }
    let has_year = parsed.year().is_some() || parsed.year_mod_100().is_some() || parsed.isoyear().is_some();
    if !has_year {
        parsed.set_year(1900).ok()?;
    }
    let date = parsed.to_naive_date().ok().or_else(|| {
        let month = parsed.month().unwrap_or(1);
        NaiveDate::from_ymd_opt(parsed.year()?, month, parsed.day().unwrap_or(1))
    })?;
    let has_hour = parsed.hour_div_12().is_some() || parsed.hour_mod_12().is_some();
    let time = match parsed.to_naive_time() {
        Ok(time) => time,
        // An hour without minutes is one on the dot.
        Err(_) if has_hour && parsed.minute().is_none() => {
            NaiveTime::from_hms_opt(parsed.hour_div_12().unwrap_or(0) * 12 + parsed.hour_mod_12()?, 0, 0)?
        }
        Err(_) if has_hour => return None,
        Err(_) => NaiveTime::MIN,
    };
    let offset = i64::from(parsed.offset().unwrap_or(0)) * 1_000_000;
    date.and_time(time).and_utc().timestamp_micros().checked_sub(offset)
}

/// A constant time as people write it, with the seconds left out or a zone added.
pub(crate) fn parse_constant(text: &str) -> Result<ScalarValue> {
    let trimmed = text.trim();
    let micros = match Timestamp::parse(trimmed) {
        Some(time) => Some(time.micros()),
        None => {
            let formats =
                ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
            let parse = |format: &&str| parse_time(trimmed, &StrftimeItems::new(format).collect::<Vec<_>>());
            formats.iter().find_map(parse)
        }
    };
    match micros {
        Some(micros) => Ok(ScalarValue::TimestampMicrosecond(Some(micros), None)),
        None => {
            let hint = "write it like '2024-02-01 10:00:00', or `now() - interval '1 day'`".to_owned();
            Err(PlanProblem::new(format!("'{text}' is not a time"), None, Some(hint)).into())
        }
    }
}
