//! Builders of single columns: the leaves of a record plan.

use std::borrow::Cow;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, BooleanArray, BooleanBufferBuilder, Date32Array, ListArray, NullBufferBuilder,
    PrimitiveArray, StringViewArray, make_view,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Field, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use chrono::NaiveDate;
use chrono_tz::Tz;
use egret_model::ColumnType;
use serde_json::value::RawValue;

use crate::time::{number, parse_time};

/// The index of the buffer that holds text not found in the block, and of the block itself.
const SCRATCH_BUFFER: u32 = 0;
const BLOCK_BUFFER: u32 = 1;

/// The smallest numbers are printed with so many digits, and no number with more.
const MAX_PRINTED_BYTES: usize = 400;

/// Where texts lie: in the block they were read from, else in the scratch buffer.
#[derive(Debug)]
pub(crate) struct Texts<'b> {
    block: &'b [u8],
    scratch: Vec<u8>,
}

impl<'b> Texts<'b> {
    pub(crate) fn new(block: &'b [u8]) -> Self {
        Self { block, scratch: Vec::new() }
    }

    /// A view of `text`, copied only if it does not lie in the block.
    pub(crate) fn view(&mut self, text: &[u8]) -> u128 {
        if text.len() <= 12 {
            return make_view(text, 0, 0);
        }
        let at = (text.as_ptr() as usize).wrapping_sub(self.block.as_ptr() as usize);
        if at < self.block.len() && at + text.len() <= self.block.len() {
            return make_view(text, BLOCK_BUFFER, at as u32);
        }
        let at = self.scratch.len() as u32;
        self.scratch.extend_from_slice(text);
        make_view(text, SCRATCH_BUFFER, at)
    }

    /// The buffers that the views point into.
    pub(crate) fn into_buffers(self, block: &Buffer) -> Arc<[Buffer]> {
        Arc::from([Buffer::from_vec(self.scratch), block.clone()])
    }
}

/// A value as a record has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'v> {
    /// A text of a format that knows only text.
    Text(&'v str),
    /// A JSON string, its escapes resolved.
    String(&'v str),
    /// Any other JSON value but null, in its own notation: a number, `true`, an object, an array.
    Json(&'v str),
}

impl<'v> Value<'v> {
    fn text(self) -> &'v str {
        match self {
            Self::Text(text) | Self::String(text) | Self::Json(text) => text,
        }
    }

    /// `Exact` if a column of numbers or truth values gives this back, once its digits are the same.
    fn fit_if(self, same: bool) -> Fit {
        if same && !matches!(self, Self::String(_)) { Fit::Exact } else { Fit::Inexact }
    }
}

/// How well a column can give back what was put into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// As it was.
    Exact,
    /// The value, but not how it was written.
    Inexact,
    /// Not at all: the column is null.
    Failed,
}

/// The builder of one leaf.
#[derive(Debug)]
pub(crate) struct Slot {
    values: Values,
    nulls: NullBufferBuilder,
    len: usize,
}

#[derive(Debug)]
enum Values {
    Views { views: Vec<u128>, json: bool, blob: bool },
    Booleans(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    UInt8(Vec<u8>),
    UInt16(Vec<u16>),
    UInt32(Vec<u32>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Date(Vec<i32>),
    Timestamp(Vec<i64>),
    List { element: Box<Slot>, offsets: Vec<i32> },
}

impl Slot {
    /// With memory for `capacity` values.
    pub(crate) fn new(column_type: &ColumnType, capacity: usize) -> Self {
        let views = |json, blob| Values::Views { views: Vec::with_capacity(capacity), json, blob };
        let values = match column_type {
            ColumnType::Boolean => Values::Booleans(BooleanBufferBuilder::new(capacity)),
            ColumnType::TinyInt => Values::Int8(Vec::with_capacity(capacity)),
            ColumnType::SmallInt => Values::Int16(Vec::with_capacity(capacity)),
            ColumnType::Integer => Values::Int32(Vec::with_capacity(capacity)),
            ColumnType::BigInt => Values::Int64(Vec::with_capacity(capacity)),
            ColumnType::UTinyInt => Values::UInt8(Vec::with_capacity(capacity)),
            ColumnType::USmallInt => Values::UInt16(Vec::with_capacity(capacity)),
            ColumnType::UInteger => Values::UInt32(Vec::with_capacity(capacity)),
            ColumnType::UBigInt => Values::UInt64(Vec::with_capacity(capacity)),
            ColumnType::Float => Values::Float32(Vec::with_capacity(capacity)),
            ColumnType::Double => Values::Float64(Vec::with_capacity(capacity)),
            ColumnType::Date => Values::Date(Vec::with_capacity(capacity)),
            ColumnType::Timestamp => Values::Timestamp(Vec::with_capacity(capacity)),
            ColumnType::List(element) => {
                let mut offsets = Vec::with_capacity(capacity + 1);
                offsets.push(0);
                Values::List { element: Box::new(Self::new(element, capacity)), offsets }
            }
            ColumnType::Json => views(true, false),
            ColumnType::Blob => views(false, true),
            // A plan has no struct leaves.
            ColumnType::Varchar | ColumnType::Struct(_) => views(false, false),
        };
        Self { values, nulls: NullBufferBuilder::new(capacity), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether no value at all was put in.
    pub(crate) fn is_all_null(&self) -> bool {
        match &self.values {
            Values::List { .. } => (0..self.len).all(|at| !self.nulls.is_valid(at)),
            _ => {
                self.nulls.as_slice().is_some_and(|bits| bits.iter().all(|byte| *byte == 0)) || self.len == 0
            }
        }
    }

    /// Makes the column `len` long with nulls, if it is shorter. Records leave out most fields: so their columns are
    /// padded once, when the next value comes, and not for each record.
    pub(crate) fn pad(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len);
        if missing == 0 {
            return;
        }
        match &mut self.values {
            Values::Views { views, .. } => views.resize(len, 0),
            Values::Booleans(values) => values.append_n(missing, false),
            Values::Int8(values) => values.resize(len, 0),
            Values::Int16(values) => values.resize(len, 0),
            Values::Int32(values) | Values::Date(values) => values.resize(len, 0),
            Values::Int64(values) | Values::Timestamp(values) => values.resize(len, 0),
            Values::UInt8(values) => values.resize(len, 0),
            Values::UInt16(values) => values.resize(len, 0),
            Values::UInt32(values) => values.resize(len, 0),
            Values::UInt64(values) => values.resize(len, 0),
            Values::Float32(values) => values.resize(len, 0.0),
            Values::Float64(values) => values.resize(len, 0.0),
            Values::List { element, offsets } => offsets.resize(len + 1, element.len as i32),
        }
        self.nulls.append_n_nulls(missing);
        self.len = len;
    }

    pub(crate) fn put_null(&mut self) {
        self.pad(self.len + 1);
    }

    /// Puts a value in; a value that does not fit becomes null.
    pub(crate) fn put(&mut self, value: Value<'_>, texts: &mut Texts<'_>, timezone: Tz) -> Fit {
        let fit = self.put_value(value, texts, timezone);
        match fit {
            Fit::Failed => self.put_null(),
            Fit::Exact | Fit::Inexact => {
                self.nulls.append_non_null();
                self.len += 1;
            }
        }
        fit
    }

    fn put_value(&mut self, value: Value<'_>, texts: &mut Texts<'_>, timezone: Tz) -> Fit {
        let text = value.text();
        match &mut self.values {
            Values::Views { views, json: true, .. } => {
                let is_json = match value {
                    Value::Json(_) => true,
                    Value::Text(text) => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
                    Value::String(_) => false,
                };
                if is_json {
                    views.push(texts.view(text.as_bytes()));
                } else {
                    let mut quoted = String::with_capacity(text.len() + 2);
                    crate::extra::write_string(&mut quoted, text);
                    views.push(texts.view(quoted.as_bytes()));
                }
                Fit::Exact
            }
            Values::Views { views, .. } => {
                views.push(texts.view(text.as_bytes()));
                if matches!(value, Value::Json(_)) { Fit::Inexact } else { Fit::Exact }
            }
            Values::Booleans(values) => {
                let Some(truth) = parse_bool(text) else { return Fit::Failed };
                values.append(truth);
                value.fit_if(matches!(text, "true" | "false"))
            }
            Values::Int8(values) => put_integer(values, value),
            Values::Int16(values) => put_integer(values, value),
            Values::Int32(values) => put_integer(values, value),
            Values::Int64(values) => {
                let fit = put_integer(values, value);
                if fit != Fit::Failed {
                    return fit;
                }
                // A time in a column of milliseconds since the epoch, such as tailpipe's `creation_date`; a number
                // that is no integer is none.
                let is_number = text.parse::<f64>().is_ok();
                let Some(time) = parse_time(text, timezone).filter(|_| !is_number) else {
                    return Fit::Failed;
                };
                values.push(time.micros() / 1_000);
                Fit::Inexact
            }
            Values::UInt8(values) => put_integer(values, value),
            Values::UInt16(values) => put_integer(values, value),
            Values::UInt32(values) => put_integer(values, value),
            Values::UInt64(values) => put_integer(values, value),
            Values::Float32(values) => {
                let Ok(number) = text.parse::<f32>() else { return Fit::Failed };
                values.push(number);
                value.fit_if(prints_back(text, f32::DIGITS, || number.to_string()))
            }
            Values::Float64(values) => {
                let Ok(number) = text.parse::<f64>() else { return Fit::Failed };
                values.push(number);
                value.fit_if(prints_back(text, f64::DIGITS, || number.to_string()))
            }
            Values::Date(values) => {
                // A day is the same in every zone.
                if let Some(date) = parse_date(text) {
                    values.push(date.signed_duration_since(NaiveDate::default()).num_days() as i32);
                    return exact_if(true, value);
                }
                let Some(time) = parse_time(text, timezone) else { return Fit::Failed };
                values.push(time.days());
                exact_if(time.date().is_some_and(|date| date.to_string() == text), value)
            }
            Values::Timestamp(values) => {
                let Some(time) = parse_time(text, timezone) else { return Fit::Failed };
                values.push(time.micros());
                // Printing is slow: only what has the form that is printed is worth comparing, and without a
                // fraction there is one way to write it.
                let has_form = text.ends_with('Z') && text.as_bytes().get(10) == Some(&b'T');
                exact_if(has_form && (text.len() == 20 || time.to_string() == text), value)
            }
            Values::List { element, offsets } => {
                let fit = put_elements(element, value, texts, timezone);
                offsets.push(element.len as i32);
                if fit == Fit::Failed {
                    offsets.pop();
                }
                fit
            }
        }
    }

    /// Forgets the rows from `len` on.
    pub(crate) fn truncate(&mut self, len: usize) {
        if self.len <= len {
            return;
        }
        match &mut self.values {
            Values::Views { views, .. } => views.truncate(len),
            Values::Booleans(values) => values.truncate(len),
            Values::Int8(values) => values.truncate(len),
            Values::Int16(values) => values.truncate(len),
            Values::Int32(values) | Values::Date(values) => values.truncate(len),
            Values::Int64(values) | Values::Timestamp(values) => values.truncate(len),
            Values::UInt8(values) => values.truncate(len),
            Values::UInt16(values) => values.truncate(len),
            Values::UInt32(values) => values.truncate(len),
            Values::UInt64(values) => values.truncate(len),
            Values::Float32(values) => values.truncate(len),
            Values::Float64(values) => values.truncate(len),
            Values::List { element, offsets } => {
                offsets.truncate(len + 1);
                element.truncate(offsets.last().map_or(0, |last| *last as usize));
            }
        }
        self.nulls.truncate(len);
        self.len = len;
    }

    /// The column, `rows` long.
    pub(crate) fn finish(mut self, rows: usize, buffers: &Arc<[Buffer]>) -> ArrayRef {
        self.pad(rows);
        let nulls = self.nulls.finish();
        match self.values {
            Values::Views { views, blob: false, .. } => Arc::new(string_views(views, buffers, nulls)),
            Values::Views { views, .. } => {
                // SAFETY: `Texts` made every view from bytes in these buffers.
                #[expect(unsafe_code, reason = "the views are known to be good: see `string_views`")]
                let array = unsafe {
                    BinaryViewArray::new_unchecked(ScalarBuffer::from(views), buffers.clone(), nulls)
                };
                Arc::new(array)
            }
            Values::Booleans(mut values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Values::Int8(values) => primitive::<Int8Type>(values, nulls),
            Values::Int16(values) => primitive::<Int16Type>(values, nulls),
            Values::Int32(values) => primitive::<Int32Type>(values, nulls),
            Values::Int64(values) => primitive::<Int64Type>(values, nulls),
            Values::UInt8(values) => primitive::<UInt8Type>(values, nulls),
            Values::UInt16(values) => primitive::<UInt16Type>(values, nulls),
            Values::UInt32(values) => primitive::<UInt32Type>(values, nulls),
            Values::UInt64(values) => primitive::<UInt64Type>(values, nulls),
            Values::Float32(values) => primitive::<Float32Type>(values, nulls),
            Values::Float64(values) => primitive::<Float64Type>(values, nulls),
            Values::Date(values) => Arc::new(Date32Array::new(values.into(), nulls)),
            Values::Timestamp(values) => primitive::<TimestampMicrosecondType>(values, nulls),
            Values::List { element, offsets } => {
                let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
                let rows = element.len;
                let element = element.finish(rows, buffers);
                let field = Arc::new(Field::new("element", element.data_type().clone(), true));
                Arc::new(ListArray::new(field, offsets, element, nulls))
            }
        }
    }
}

/// The text column of `views` into `buffers`.
pub(crate) fn string_views(
    views: Vec<u128>,
    buffers: &Arc<[Buffer]>,
    nulls: Option<NullBuffer>,
) -> StringViewArray {
    #[expect(unsafe_code, reason = "checking every text again would cost as much as decoding")]
    // SAFETY: `Texts` made every view from a `&str` that lies in one of these buffers.
    unsafe {
        StringViewArray::new_unchecked(ScalarBuffer::from(views), buffers.clone(), nulls)
    }
}

fn primitive<T: ArrowPrimitiveType>(values: Vec<T::Native>, nulls: Option<NullBuffer>) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}

/// Times and dates are given back as text: a JSON number is not.
fn exact_if(same: bool, value: Value<'_>) -> Fit {
    if same && !matches!(value, Value::Json(_)) { Fit::Exact } else { Fit::Inexact }
}

fn put_integer<N: FromStr>(values: &mut Vec<N>, value: Value<'_>) -> Fit {
    let text = value.text();
    let Ok(number) = text.parse::<N>() else { return Fit::Failed };
    values.push(number);
    // `007`, `+7` and `-0` are the same number but not what it prints.
    let digits = text.strip_prefix('-').unwrap_or(text);
    value.fit_if(text == "0" || !digits.starts_with(['0', '+']))
}

/// Whether a floating-point number gives back how it is written: plain digits, no zeros that could be left out
/// (but `1.0` is as good as `1`), and no more digits than the number can tell apart. So many as `safe_digits`
/// always survive; with more, `print` has to say.
fn prints_back(text: &str, safe_digits: u32, print: impl FnOnce() -> String) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    let whole = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_plain = match (&digits[..whole], &digits[whole..]) {
        ([], _) | ([b'0', _, ..], _) => false,
        (_, [] | b".0") => true,
        (_, [b'.', fraction @ ..]) => {
            fraction.iter().all(u8::is_ascii_digit) && !matches!(fraction, [] | [.., b'0'])
        }
        _ => false,
    };
    if !is_plain || digits.len() > MAX_PRINTED_BYTES {
        return false;
    }
    let count = digits.len() - usize::from(whole < digits.len());
    count <= safe_digits as usize || print() == text.strip_suffix(".0").unwrap_or(text)
}

/// A plain date, `2024-02-01`.
fn parse_date(text: &str) -> Option<NaiveDate> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return None };
    let year = number(&[y1, y2])? * 100 + number(&[y3, y4])?;
    NaiveDate::from_ymd_opt(year as i32, number(&[m1, m2])?, number(&[d1, d2])?)
}

/// Puts the elements of a JSON array into the builder behind a list. An element that does not fit becomes
/// null, and the list cannot be given back then.
fn put_elements(element: &mut Slot, value: Value<'_>, texts: &mut Texts<'_>, timezone: Tz) -> Fit {
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(value.text()) else {
        // One value where a list may stand: a list of one.
        let fit = element.put_value(value, texts, timezone);
        if fit != Fit::Failed {
            element.nulls.append_non_null();
            element.len += 1;
            return Fit::Inexact;
        }
        return Fit::Failed;
    };
    let mut exact = !matches!(value, Value::String(_));
    for item in items {
        let json = item.get();
        let fit = if json.starts_with('"') {
            match serde_json::from_str::<Cow<'_, str>>(json) {
                Ok(text) => element.put(Value::String(&text), texts, timezone),
                Err(_) => element.put(Value::String(json), texts, timezone),
            }
        } else if json == "null" {
            element.put_null();
            Fit::Exact
        } else {
            element.put(Value::Json(json), texts, timezone)
        };
        exact &= fit == Fit::Exact;
    }
    if exact { Fit::Exact } else { Fit::Inexact }
}

fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "1" | "yes" => Some(true),
        "false" | "False" | "FALSE" | "0" | "no" => Some(false),
        _ => None,
    }
}
