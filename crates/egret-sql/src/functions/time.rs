//! Functions over time. Times are microseconds in UTC, without a zone.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, IntervalMonthDayNanoArray, StringViewBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Field, FieldRef, Float64Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
    IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, Datelike, Utc};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::definition::{Function, column, text_column};
use crate::describe::type_name;
use crate::error::PlanProblem;

/// `later - earlier`
pub(crate) const TIME_BETWEEN: &str = "time_between";
/// What comparisons of intervals compare.
pub(crate) const INTERVAL_MICROS: &str = "interval_micros";
/// A cast of a time to text.
pub(crate) const TIMESTAMP_TEXT: &str = "timestamp_text";

const MICROS_PER_DAY: i64 = 86_400_000_000;
pub(super) const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// All functions of this file but [`Now`].
pub(super) fn functions() -> Vec<Function> {
    let any = |count: usize| Signature::any(count, Volatility::Immutable);
    vec![
        Function::new("epoch", any(1), epoch_returns, epoch),
        Function::new("epoch_ms", any(1), epoch_ms_returns, epoch_ms),
        Function::new("epoch_us", any(1), epoch_us_returns, epoch_us),
        Function::new("epoch_ns", any(1), epoch_ns_returns, epoch_ns),
        Function::new("to_timestamp", any(1), to_timestamp_returns, to_timestamp),
        Function::new("make_timestamp", any(1), make_timestamp_returns, make_timestamp),
        Function::new("date_diff", any(3), date_diff_returns, date_diff).with_aliases(&["datediff"]),
        Function::new(TIME_BETWEEN, any(2), time_between_returns, time_between),
        Function::new(INTERVAL_MICROS, any(1), interval_micros_returns, interval_micros),
        Function::new(TIMESTAMP_TEXT, any(1), timestamp_text_returns, timestamp_text),
    ]
}

/// `now()`: the clock's time, the same wherever a query or an expression says it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Now {
    signature: Signature,
    aliases: Vec<String>,
}

impl Now {
    pub(super) fn new() -> Self {
        let names = ["current_timestamp", "get_current_timestamp", "transaction_timestamp", "localtimestamp"];
        let aliases = names.map(str::to_owned).to_vec();
        Self { signature: Signature::nullary(Volatility::Stable), aliases }
    }
}

impl ScalarUDFImpl for Now {
    fn name(&self) -> &str {
        "now"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(MICROS)
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Some(now) = context.query_execution_start_time() else {
            return Ok(ExprSimplifyResult::Original(args));
        };
        let now = ScalarValue::TimestampMicrosecond(Some(now.timestamp_micros()), None);
        Ok(ExprSimplifyResult::Simplified(Expr::Literal(now, None)))
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        datafusion::common::internal_err!("`now` is replaced by the time before a query runs")
    }
}

pub(super) fn field(name: &str, data_type: DataType) -> Result<FieldRef> {
    Ok(Arc::new(Field::new(name, data_type, true)))
}

fn epoch_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    if !is_interval(args.arg_fields[0].data_type()) {
        check_time("epoch", &args.arg_fields[0])?;
    }
    field("epoch", DataType::Float64)
}

fn epoch_ms_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    if args.arg_fields[0].data_type().is_integer() {
        return field("epoch_ms", MICROS);
    }
    check_time("epoch_ms", &args.arg_fields[0])?;
    field("epoch_ms", DataType::Int64)
}

fn epoch_us_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_time("epoch_us", &args.arg_fields[0])?;
    field("epoch_us", DataType::Int64)
}

fn epoch_ns_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_time("epoch_ns", &args.arg_fields[0])?;
    field("epoch_ns", DataType::Int64)
}

fn to_timestamp_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    field("to_timestamp", MICROS)
}

fn make_timestamp_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    field("make_timestamp", MICROS)
}

fn date_diff_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_time("date_diff", &args.arg_fields[1])?;
    check_time("date_diff", &args.arg_fields[2])?;
    if let Some(Some(Some(unit))) = args.scalar_arguments[0].map(ScalarValue::try_as_str) {
        parse_unit(unit)?;
    }
    field("date_diff", DataType::Int64)
}

fn time_between_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    field(TIME_BETWEEN, DataType::Interval(IntervalUnit::MonthDayNano))
}

fn interval_micros_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    field(INTERVAL_MICROS, DataType::Int64)
}

fn timestamp_text_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    field(TIMESTAMP_TEXT, DataType::Utf8View)
}

pub(super) fn check_time(name: &str, argument: &Field) -> Result<()> {
    let data_type = argument.data_type();
    if data_type.is_null()
        || data_type.is_string()
        || matches!(data_type, DataType::Timestamp(..) | DataType::Date32)
    {
        return Ok(());
    }
    let hint = format!("cast it first: `{}::timestamp`", argument.name());
    Err(PlanProblem::new(
        format!("`{name}` takes a time, not {}", type_name(argument)),
        Some(name),
        Some(hint),
    )
    .into())
}

/// Argument `index` as microseconds.
pub(super) fn time_column(args: &ScalarFunctionArgs, index: usize) -> Result<TimestampMicrosecondArray> {
    let times = cast(&column(args, index)?, &MICROS)?;
    Ok(times.as_primitive::<TimestampMicrosecondType>().clone())
}

/// Whether a type is a length of time.
pub(crate) fn is_interval(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Interval(_) | DataType::Duration(_))
}

fn epoch(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let argument = column(args, 0)?;
    if is_interval(argument.data_type()) {
        let seconds: Float64Array = micros_of_intervals(&argument)?.unary(|micros| micros as f64 / 1e6);
        return Ok(ColumnarValue::Array(Arc::new(seconds)));
    }
    let seconds: Float64Array = time_column(args, 0)?.unary(|micros| micros as f64 / 1e6);
    Ok(ColumnarValue::Array(Arc::new(seconds)))
}

fn epoch_ms(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let argument = column(args, 0)?;
    if argument.data_type().is_integer() {
        let millis = cast(&argument, &DataType::Int64)?;
        let times: TimestampMicrosecondArray =
            millis.as_primitive::<Int64Type>().unary_opt(|millis| millis.checked_mul(1_000));
        return Ok(ColumnarValue::Array(Arc::new(times)));
    }
    let millis: Int64Array = time_column(args, 0)?.unary(|micros| micros.div_euclid(1_000));
    Ok(ColumnarValue::Array(Arc::new(millis)))
}

fn epoch_us(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let micros: Int64Array = time_column(args, 0)?.unary(|micros| micros);
    Ok(ColumnarValue::Array(Arc::new(micros)))
}

fn epoch_ns(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let nanos: Int64Array = time_column(args, 0)?.unary_opt(|micros| micros.checked_mul(1_000));
    Ok(ColumnarValue::Array(Arc::new(nanos)))
}

/// From seconds since 1970, or from text.
fn to_timestamp(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let argument = column(args, 0)?;
    if !argument.data_type().is_numeric() {
        return Ok(ColumnarValue::Array(Arc::new(time_column(args, 0)?)));
    }
    let seconds = cast(&argument, &DataType::Float64)?;
    let times: TimestampMicrosecondArray =
        seconds.as_primitive::<Float64Type>().unary(|seconds| (seconds * 1e6).round() as i64);
    Ok(ColumnarValue::Array(Arc::new(times)))
}

/// From microseconds since 1970.
fn make_timestamp(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let micros = cast(&column(args, 0)?, &DataType::Int64)?;
    let times: TimestampMicrosecondArray = micros.as_primitive::<Int64Type>().unary(|micros| micros);
    Ok(ColumnarValue::Array(Arc::new(times)))
}

/// The units between whose boundaries `date_diff` counts.
#[derive(Clone, Copy)]
enum Unit {
    Micros(i64),
    Weeks,
    Months(i64),
}

fn parse_unit(text: &str) -> Result<Unit> {
    let lower = text.to_lowercase();
    Ok(match lower.strip_suffix('s').unwrap_or(&lower) {
        "microsecond" | "u" | "us" => Unit::Micros(1),
        "millisecond" | "m" => Unit::Micros(1_000),
        "second" | "sec" => Unit::Micros(1_000_000),
        "minute" | "min" => Unit::Micros(60_000_000),
        "hour" | "hr" | "h" => Unit::Micros(3_600_000_000),
        "day" | "d" => Unit::Micros(MICROS_PER_DAY),
        "week" | "w" => Unit::Weeks,
        "month" | "mon" => Unit::Months(1),
        "quarter" => Unit::Months(3),
        "year" | "y" => Unit::Months(12),
        _ => {
            let hint = "the units are microsecond, millisecond, second, minute, hour, day, week, month, quarter, year";
            let message = format!("`{text}` is not a unit of time");
            return Err(PlanProblem::new(message, None, Some(hint.to_owned())).into());
        }
    })
}

/// How many boundaries of the unit lie between two times.
fn date_diff(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let units = text_column(args, 0)?;
    let (from, to) = (time_column(args, 1)?, time_column(args, 2)?);
    let mut counts = Vec::with_capacity(from.len());
    for ((unit, from), to) in units.iter().zip(from.iter()).zip(to.iter()) {
        let (Some(unit), Some(from), Some(to)) = (unit, from, to) else {
            counts.push(None);
            continue;
        };
        let unit = parse_unit(unit)?;
        counts.push(boundaries(unit, from, to));
    }
    Ok(ColumnarValue::Array(Arc::new(Int64Array::from(counts))))
}

fn boundaries(unit: Unit, from: i64, to: i64) -> Option<i64> {
    match unit {
        Unit::Micros(length) => Some(to.div_euclid(length) - from.div_euclid(length)),
        // Whole weeks, wherever they start: so it is in DuckDB.
        Unit::Weeks => Some((to.div_euclid(MICROS_PER_DAY) - from.div_euclid(MICROS_PER_DAY)) / 7),
        Unit::Months(length) => {
            let month = |micros: i64| {
                let date = DateTime::<Utc>::from_timestamp_micros(micros)?;
                Some((i64::from(date.year()) * 12 + i64::from(date.month0())).div_euclid(length))
            };
            Some(month(to)? - month(from)?)
        }
    }
}

/// The time between two times, in days and the rest of a day.
fn time_between(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (later, earlier) = (time_column(args, 0)?, time_column(args, 1)?);
    let between = later.iter().zip(earlier.iter()).map(|(later, earlier)| {
        let micros = later?.checked_sub(earlier?)?;
        let days = i32::try_from(micros / MICROS_PER_DAY).ok()?;
        Some(IntervalMonthDayNano::new(0, days, micros % MICROS_PER_DAY * 1_000))
    });
    Ok(ColumnarValue::Array(Arc::new(between.collect::<IntervalMonthDayNanoArray>())))
}

/// How long an interval is, for comparing: a month counts as 30 days, as in DuckDB.
fn interval_micros(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    Ok(ColumnarValue::Array(Arc::new(micros_of_intervals(&column(args, 0)?)?)))
}

fn micros_of_intervals(intervals: &ArrayRef) -> Result<Int64Array> {
    let intervals = cast(intervals, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    Ok(intervals.as_primitive::<IntervalMonthDayNanoType>().unary_opt(|interval| {
        let days = i64::from(interval.months) * 30 + i64::from(interval.days);
        days.checked_mul(MICROS_PER_DAY)?.checked_add(interval.nanoseconds / 1_000)
    }))
}

/// A time as DuckDB casts it to text: `2024-02-01 10:00:00.25`.
fn timestamp_text(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let times = time_column(args, 0)?;
    let mut texts = StringViewBuilder::with_capacity(times.len());
    for time in &times {
        let time = time.and_then(DateTime::<Utc>::from_timestamp_micros);
        texts.append_option(time.map(|time| {
            let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
            let text = text.trim_end_matches('0');
            // Whole seconds have no fraction; `10:00:00` keeps its zeros.
            match text.strip_suffix('.') {
                Some(whole) => whole.to_owned(),
                None => text.to_owned(),
            }
        }));
    }
    Ok(ColumnarValue::Array(Arc::new(texts.finish())))
}
