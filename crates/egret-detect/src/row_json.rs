//! Rows as JSON objects: nested values as JSON, times as RFC 3339 in UTC, JSON text as what it says.
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
//! # use egret_detect::row_json::JsonRows;
//! let port: ArrayRef = Arc::new(Int64Array::from(vec![Some(22), None]));
//! let rows = RecordBatch::try_from_iter([("port", port)]).unwrap();
//! let json = JsonRows::new(&rows);
//! assert_eq!(serde_json::to_string(&json.row(0)).unwrap(), r#"{"port":22}"#);
//! assert_eq!(serde_json::to_string(&json.row(1)).unwrap(), r#"{"port":null}"#);
//! assert_eq!(serde_json::to_string(&json.without_nulls().row(1)).unwrap(), "{}");
//! ```

use std::borrow::Cow;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, GenericListArray, MapArray, OffsetSizeTrait,
    PrimitiveArray, RecordBatch, StructArray,
};
use arrow::datatypes::*;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Days, NaiveDate, SecondsFormat, Utc};
use egret_model::{ColumnType, TableSchema};
use serde::ser::{Error, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// JSON text nested deeper than this stays a string: not every reader can take it in.
const MAX_JSON_DEPTH: usize = 64;

/// The rows of a batch, each of which can be serialised as an object.
#[derive(Debug, Clone)]
pub struct JsonRows<'a> {
    columns: Vec<JsonColumn<'a>>,
    nulls: bool,
}

#[derive(Debug, Clone, Copy)]
struct JsonColumn<'a> {
    name: &'a str,
    array: &'a dyn Array,
    column_type: Option<&'a ColumnType>,
}

impl<'a> JsonRows<'a> {
    /// The rows with all columns, nulls among them. Text that holds JSON is not known as such, so it stays
    /// text: see [`JsonRows::with_types`].
    pub fn new(rows: &'a RecordBatch) -> Self {
        let schema = rows.schema_ref();
        let fields = schema.fields().iter().zip(rows.columns());
        let columns = fields
            .map(|(field, array)| JsonColumn { name: field.name(), array: array.as_ref(), column_type: None })
            .collect();
        Self { columns, nulls: true }
    }

    /// Takes the types of columns from `table`: what is `json` there is nested, not quoted.
    pub fn with_types(mut self, table: &'a TableSchema) -> Self {
        for column in &mut self.columns {
            column.column_type = table.column(column.name).map(|column| &column.column_type);
        }
        self
    }

    /// Leaves out what is null: columns and fields of structs. Lists and JSON text keep theirs.
    pub fn without_nulls(mut self) -> Self {
        self.nulls = false;
        self
    }

    /// One row.
    pub fn row(&self, row: usize) -> JsonRow<'_> {
        JsonRow { rows: self, row }
    }

    /// The columns of one row with their values.
    pub(crate) fn cells(&self, row: usize) -> impl Iterator<Item = (&'a str, Cell<'a>)> + '_ {
        self.columns.iter().filter(move |column| self.nulls || column.array.is_valid(row)).map(
            move |column| {
                let cell =
                    Cell { array: column.array, row, column_type: column.column_type, nulls: self.nulls };
                (column.name, cell)
            },
        )
    }
}

/// One row, which serialises as an object.
#[derive(Debug, Clone, Copy)]
pub struct JsonRow<'a> {
    rows: &'a JsonRows<'a>,
    row: usize,
}

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, cell) in self.rows.cells(self.row) {
            map.serialize_entry(name, &cell)?;
        }
        map.end()
    }
}

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub struct Cell<'a> {
    array: &'a dyn Array,
    row: usize,
    column_type: Option<&'a ColumnType>,
    nulls: bool,
}

impl<'a> Cell<'a> {
    /// The value of `array` at `row`.
    pub fn new(array: &'a dyn Array, row: usize) -> Self {
        Self { array, row, column_type: None, nulls: true }
    }

    /// Leaves out the fields of structs that are null.
    pub fn without_nulls(mut self) -> Self {
        self.nulls = false;
        self
    }

    fn inner<'b>(&self, array: &'b dyn Array, row: usize, column_type: Option<&'b ColumnType>) -> Cell<'b> {
        Cell { array, row, column_type, nulls: self.nulls }
    }

    fn primitive<T: ArrowPrimitiveType>(&self) -> T::Native {
        self.array.as_primitive::<T>().value(self.row)
    }
}

/// The text at `row`, if `array` holds text and it is not null.
pub(crate) fn text_value(array: &dyn Array, row: usize) -> Option<&str> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        _ => None,
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (array, row) = (self.array, self.row);
        if array.is_null(row) {
            return serializer.serialize_none();
        }
        if let Some(text) = text_value(array, row) {
            return serialize_text(text, self.column_type, serializer);
        }
        match array.data_type() {
            DataType::Null => serializer.serialize_none(),
            DataType::Boolean => serializer.serialize_bool(array.as_boolean().value(row)),
            DataType::Int8 => serializer.serialize_i8(self.primitive::<Int8Type>()),
            DataType::Int16 => serializer.serialize_i16(self.primitive::<Int16Type>()),
            DataType::Int32 => serializer.serialize_i32(self.primitive::<Int32Type>()),
            DataType::Int64 => serializer.serialize_i64(self.primitive::<Int64Type>()),
            DataType::UInt8 => serializer.serialize_u8(self.primitive::<UInt8Type>()),
            DataType::UInt16 => serializer.serialize_u16(self.primitive::<UInt16Type>()),
            DataType::UInt32 => serializer.serialize_u32(self.primitive::<UInt32Type>()),
            DataType::UInt64 => serializer.serialize_u64(self.primitive::<UInt64Type>()),
            DataType::Float16 => {
                serialize_float(f64::from(self.primitive::<Float16Type>().to_f32()), serializer)
            }
            DataType::Float32 => serialize_single(self.primitive::<Float32Type>(), serializer),
            DataType::Float64 => serialize_float(self.primitive::<Float64Type>(), serializer),
            DataType::Binary => serialize_bytes(array.as_binary::<i32>().value(row), serializer),
            DataType::LargeBinary => serialize_bytes(array.as_binary::<i64>().value(row), serializer),
            DataType::BinaryView => serialize_bytes(array.as_binary_view().value(row), serializer),
            DataType::FixedSizeBinary(_) => {
                serialize_bytes(array.as_fixed_size_binary().value(row), serializer)
            }
            DataType::Date32 => serialize_date(i64::from(self.primitive::<Date32Type>()), serializer),
            DataType::Date64 => {
                serialize_date(self.primitive::<Date64Type>().div_euclid(86_400_000), serializer)
            }
            DataType::Timestamp(unit, _) => match time_of(array, *unit, row) {
                Some(time) => serializer.collect_str(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
                None => self.serialize_displayed(serializer),
            },
            DataType::List(_) => self.serialize_list(array.as_list::<i32>(), serializer),
            DataType::LargeList(_) => self.serialize_list(array.as_list::<i64>(), serializer),
            DataType::FixedSizeList(..) => {
                self.serialize_items(&array.as_fixed_size_list().value(row), serializer)
            }
            DataType::ListView(_) => {
                self.serialize_items(&array.as_list_view::<i32>().value(row), serializer)
            }
            DataType::LargeListView(_) => {
                self.serialize_items(&array.as_list_view::<i64>().value(row), serializer)
            }
            DataType::Struct(_) => self.serialize_struct(array.as_struct(), serializer),
            DataType::Map(..) => self.serialize_map(array.as_map(), serializer),
            DataType::Dictionary(..) => {
                // Of one row, since all keys of its array are looked at.
                let one = array.slice(row, 1);
                let dictionary = one.as_any_dictionary();
                let key = dictionary.normalized_keys()[0];
                self.inner(dictionary.values().as_ref(), key, self.column_type).serialize(serializer)
            }
            DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => {
                // As it is written, since a float could not hold all of its digits.
                let number = RawValue::from_string(self.displayed::<S>()?).map_err(S::Error::custom)?;
                number.serialize(serializer)
            }
            _ => self.serialize_displayed(serializer),
        }
    }
}

impl Cell<'_> {
    /// Intervals, times of day and what else has no word in JSON: as a query's table shows it.
    fn serialize_displayed<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.displayed::<S>()?)
    }

    fn displayed<S: Serializer>(&self) -> Result<String, S::Error> {
        let options = FormatOptions::default();
        let formatter = ArrayFormatter::try_new(self.array, &options).map_err(S::Error::custom)?;
        formatter.value(self.row).try_to_string().map_err(S::Error::custom)
    }

    fn serialize_list<O: OffsetSizeTrait, S: Serializer>(
        &self,
        list: &GenericListArray<O>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        self.serialize_items(&list.value(self.row), serializer)
    }

    fn serialize_items<S: Serializer>(&self, items: &ArrayRef, serializer: S) -> Result<S::Ok, S::Error> {
        let element = match self.column_type {
            Some(ColumnType::List(element)) => Some(element.as_ref()),
            _ => None,
        };
        let mut sequence = serializer.serialize_seq(Some(items.len()))?;
        for item in 0..items.len() {
            sequence.serialize_element(&self.inner(items.as_ref(), item, element))?;
        }
        sequence.end()
    }

    fn serialize_struct<S: Serializer>(
        &self,
        fields: &StructArray,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (index, (field, array)) in fields.fields().iter().zip(fields.columns()).enumerate() {
            if !self.nulls && array.is_null(self.row) {
                continue;
            }
            let field_type = match self.column_type {
                Some(ColumnType::Struct(types)) => types.get(index).map(|(_, field_type)| field_type),
                _ => None,
            };
            map.serialize_entry(field.name(), &self.inner(array.as_ref(), self.row, field_type))?;
        }
        map.end()
    }

    fn serialize_map<S: Serializer>(&self, entries: &MapArray, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = entries.value(self.row);
        let (keys, values) = (entries.column(0), entries.column(1));
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for entry in 0..entries.len() {
            let key = match text_value(keys.as_ref(), entry) {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(self.inner(keys.as_ref(), entry, None).displayed::<S>()?),
            };
            map.serialize_entry(&key, &self.inner(values.as_ref(), entry, None))?;
        }
        map.end()
    }
}

/// Text as text, unless it is known to hold JSON and does.
fn serialize_text<S: Serializer>(
    text: &str,
    column_type: Option<&ColumnType>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    if column_type != Some(&ColumnType::Json) || is_deep(text) {
        return serializer.serialize_str(text);
    }
    let Ok(json) = serde_json::from_str::<&RawValue>(text) else {
        return serializer.serialize_str(text);
    };
    // Line ends can only be between values here; one object a line is promised.
    if !json.get().contains(['\n', '\r']) {
        return json.serialize(serializer);
    }
    let line = json.get().replace(['\n', '\r'], " ");
    RawValue::from_string(line).map_err(S::Error::custom)?.serialize(serializer)
}

/// Whether JSON `text` is nested deeper than [`MAX_JSON_DEPTH`].
fn is_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return true;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

fn serialize_single<S: Serializer>(value: f32, serializer: S) -> Result<S::Ok, S::Error> {
    match value.is_finite() {
        true => serializer.serialize_f32(value),
        false => serialize_float(f64::from(value), serializer),
    }
}

/// A number, or the name of what JSON has no number for.
fn serialize_float<S: Serializer>(value: f64, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        _ if value.is_nan() => serializer.serialize_str("NaN"),
        f64::INFINITY => serializer.serialize_str("Infinity"),
        f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
        _ => serializer.serialize_f64(value),
    }
}

fn serialize_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

fn serialize_date<S: Serializer>(days: i64, serializer: S) -> Result<S::Ok, S::Error> {
    let distance = Days::new(days.unsigned_abs());
    let date = match days >= 0 {
        true => NaiveDate::default().checked_add_days(distance),
        false => NaiveDate::default().checked_sub_days(distance),
    };
    match date {
        Some(date) => serializer.collect_str(&date),
        None => serializer.collect_str(&format_args!("{days} days since 1970")),
    }
}

/// An instant; `None` outside the range of years that can be written.
fn time_of(array: &dyn Array, unit: TimeUnit, row: usize) -> Option<DateTime<Utc>> {
    match unit {
        TimeUnit::Second => DateTime::from_timestamp(at::<TimestampSecondType>(array, row), 0),
        TimeUnit::Millisecond => DateTime::from_timestamp_millis(at::<TimestampMillisecondType>(array, row)),
        TimeUnit::Microsecond => DateTime::from_timestamp_micros(at::<TimestampMicrosecondType>(array, row)),
        TimeUnit::Nanosecond => {
            Some(DateTime::from_timestamp_nanos(at::<TimestampNanosecondType>(array, row)))
        }
    }
}

fn at<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> T::Native {
    let array: &PrimitiveArray<T> = array.as_primitive();
    array.value(row)
}

#[cfg(test)]
mod tests;
