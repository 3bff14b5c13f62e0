//! Column statistics: out of Parquet's footer into DuckLake's texts, and merged over a table's files.

use std::cmp::Ordering;

use arrow::array::{Array, AsArray, BooleanBufferBuilder, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use datafusion::common::ScalarValue;
use datafusion_ducklake::stats_encode::{encode_scalar, stat_cmp};
use egret_model::Timestamp;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;

use crate::catalog::timestamp;
use crate::column::LiveColumn;
use crate::encoding::StatisticsBy;
use crate::hive;

/// What is known of the values of a column that has no children, in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ColumnStatistics {
    pub column_id: i64,
    pub type_name: String,
    /// Compressed size.
    pub bytes: i64,
    /// Values that are not null; of a list's element more than there are rows.
    pub values: i64,
    pub nulls: i64,
    /// Bounds as DuckDB prints the values. `None` if there is no value, or no exact bound.
    pub min: Option<String>,
    pub max: Option<String>,
    /// Whether a value is not a number; `None` for what cannot be.
    pub nan: Option<bool>,
}

/// The columns without children below `column`, in the order of Parquet's columns.
pub(crate) fn leaves<'a>(column: &'a LiveColumn, found: &mut Vec<&'a LiveColumn>) {
    if column.children.is_empty() {
        found.push(column);
    }
    for child in &column.children {
        leaves(child, found);
    }
}

/// What the rows of a file show that its footer does not say, for each column without children.
#[derive(Debug)]
pub(crate) struct Observed {
    leaves: Vec<ObservedLeaf>,
}

#[derive(Debug)]
struct ObservedLeaf {
    by: StatisticsBy,
    /// Whether a value is not a number.
    nan: bool,
    /// Values that are not null.
    values: i64,
    /// The least and the greatest text.
    bounds: Option<(String, String)>,
}

impl Observed {
    /// Of a file of whose leaves the statistics are known by these.
    pub(crate) fn new(by: Vec<StatisticsBy>) -> Self {
        let leaf = |by| ObservedLeaf { by, nan: false, values: 0, bounds: None };
        Self { leaves: by.into_iter().map(leaf).collect() }
    }

    /// Looks at rows of a column whose first leaf is `leaf`, and moves that to the next column's.
    pub(crate) fn observe(&mut self, array: &dyn Array, leaf: &mut usize) {
        self.column(array, None, leaf);
    }

    /// Looks at `array`, of which only the values that are `present` count. The order of leaves is Parquet's.
    fn column(&mut self, array: &dyn Array, present: Option<&NullBuffer>, leaf: &mut usize) {
        let present = NullBuffer::union(present, array.nulls());
        match array.data_type() {
            DataType::Struct(_) => {
                for child in array.as_struct().columns() {
                    self.column(child, present.as_ref(), leaf);
                }
            }
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let mut elements = BooleanBufferBuilder::new(list.values().len());
                elements.append_n(list.values().len(), false);
                for (row, range) in list.offsets().windows(2).enumerate() {
                    if present.as_ref().is_none_or(|present| present.is_valid(row)) {
                        (range[0]..range[1]).for_each(|element| elements.set_bit(element as usize, true));
                    }
                }
                self.column(list.values(), Some(&NullBuffer::new(elements.finish())), leaf);
            }
            _ => {
                self.leaves[*leaf].observe(array, present.as_ref());
                *leaf += 1;
            }
        }
    }
}

impl ObservedLeaf {
    fn observe(&mut self, array: &dyn Array, present: Option<&NullBuffer>) {
        let values = array.len() - present.map_or(0, NullBuffer::null_count);
        self.values += values as i64;
        match array.data_type() {
            DataType::Float32 => {
                self.nan |= array.as_primitive::<Float32Type>().iter().flatten().any(f32::is_nan);
            }
            DataType::Float64 => {
                self.nan |= array.as_primitive::<Float64Type>().iter().flatten().any(f64::is_nan);
            }
            DataType::Utf8View if self.by == StatisticsBy::Us && values > 0 => {
                self.widen(array.as_string_view(), present);
            }
            _ => {}
        }
    }

    fn widen(&mut self, texts: &StringViewArray, present: Option<&NullBuffer>) {
        let mut last = None;
        for (row, view) in texts.views().iter().enumerate() {
            // Most of these columns are one text over and over.
            if last == Some(view) || present.is_some_and(|present| present.is_null(row)) {
                continue;
            }
            last = Some(view);
            let text = texts.value(row);
            let (min, max) = self.bounds.get_or_insert_with(|| (text.to_owned(), text.to_owned()));
            if text < min.as_str() {
                text.clone_into(min);
            } else if text > max.as_str() {
                text.clone_into(max);
            }
        }
    }

    fn bounds(&self) -> Bounds {
        let value = |text: &String| Value::Bytes(text.clone().into_bytes());
        let (min, max) = self.bounds.as_ref().map(|(min, max)| (value(min), value(max))).unzip();
        Bounds { min, max, unknown: self.by == StatisticsBy::UsWithoutBounds }
    }
}

/// Reads the statistics of a file out of its footer and what was `observed` of its rows.
pub(crate) fn from_footer(
    footer: &ParquetMetaData,
    leaves: &[&LiveColumn],
    observed: &Observed,
) -> Vec<ColumnStatistics> {
    let column = |((index, leaf), observed): ((usize, &&LiveColumn), &ObservedLeaf)| {
        let float = leaf.type_name.starts_with("float");
        let chunks = || footer.row_groups().iter().map(|group| group.column(index));
        let entries: i64 = chunks().map(ColumnChunkMetaData::num_values).sum();
        let bounds = match observed.by {
            StatisticsBy::Footer => bounds_in_footer(chunks(), &leaf.type_name),
            _ => observed.bounds(),
        };
        let exact = !bounds.unknown && !observed.nan;
        let text = |value: Option<&Value>| value.filter(|_| exact)?.print(&leaf.type_name);
        ColumnStatistics {
            column_id: leaf.id,
            type_name: leaf.type_name.clone(),
            bytes: chunks().map(ColumnChunkMetaData::compressed_size).sum(),
            values: observed.values,
            nulls: entries - observed.values,
            min: text(bounds.min.as_ref()),
            max: text(bounds.max.as_ref()),
            nan: float.then_some(observed.nan),
        }
    };
    leaves.iter().enumerate().zip(&observed.leaves).map(column).collect()
}

fn bounds_in_footer<'a>(chunks: impl Iterator<Item = &'a ColumnChunkMetaData>, type_name: &str) -> Bounds {
    let mut bounds = Bounds::default();
    for chunk in chunks {
        let nulls = chunk.statistics().and_then(Statistics::null_count_opt).unwrap_or(0) as i64;
        if chunk.num_values() > nulls {
            bounds.widen(chunk.statistics(), type_name);
        }
    }
    bounds
}

/// A value as Parquet's statistics hold it.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
enum Value {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f32),
    Double(f64),
    Bytes(Vec<u8>),
}

#[derive(Debug, Default)]
struct Bounds {
    min: Option<Value>,
    max: Option<Value>,
    /// A row group has values but no exact bounds.
    unknown: bool,
}

impl Bounds {
    fn widen(&mut self, statistics: Option<&Statistics>, type_name: &str) {
        let Some((min, max)) = statistics.and_then(|statistics| min_max(statistics, type_name)) else {
            self.unknown = true;
            return;
        };
        if self.min.as_ref().is_none_or(|current| min < *current) {
            self.min = Some(min);
        }
        if self.max.as_ref().is_none_or(|current| max > *current) {
            self.max = Some(max);
        }
    }
}

fn min_max(statistics: &Statistics, type_name: &str) -> Option<(Value, Value)> {
    if !statistics.min_is_exact() || !statistics.max_is_exact() {
        // Long strings are cut: their bounds serve the Parquet reader, but the catalog's are taken as exact.
        return None;
    }
    let unsigned = type_name.starts_with("uint");
    let both = match statistics {
        Statistics::Boolean(bounds) => (Value::Bool(*bounds.min_opt()?), Value::Bool(*bounds.max_opt()?)),
        Statistics::Int32(bounds) => {
            let value = |value: i32| {
                if unsigned { Value::Unsigned(u64::from(value as u32)) } else { Value::Int(i64::from(value)) }
            };
            (value(*bounds.min_opt()?), value(*bounds.max_opt()?))
        }
        Statistics::Int64(bounds) => {
            let value = |value: i64| {
                if unsigned { Value::Unsigned(value as u64) } else { Value::Int(value) }
            };
            (value(*bounds.min_opt()?), value(*bounds.max_opt()?))
        }
        Statistics::Float(bounds) => (Value::Float(*bounds.min_opt()?), Value::Float(*bounds.max_opt()?)),
        Statistics::Double(bounds) => (Value::Double(*bounds.min_opt()?), Value::Double(*bounds.max_opt()?)),
        Statistics::ByteArray(bounds) => {
            (Value::Bytes(bounds.min_opt()?.data().to_vec()), Value::Bytes(bounds.max_opt()?.data().to_vec()))
        }
        Statistics::Int96(_) | Statistics::FixedLenByteArray(_) => return None,
    };
    Some(both)
}

impl Value {
    /// The value as DuckDB prints it in the catalog. `None` if it has no such text.
    fn print(&self, type_name: &str) -> Option<String> {
        match (self, type_name) {
            (Self::Bool(value), _) => Some(i32::from(*value).to_string()),
            (Self::Int(days), "date") => {
                let day = hive::day(i32::try_from(*days).ok()?);
                // Years of other than four digits do not compare as texts.
                (day.len() == 10).then_some(day)
            }
            (Self::Int(micros), "timestamp") => {
                let time = Timestamp::from_micros(*micros);
                time.year().filter(|year| (0..=9999).contains(year))?;
                Some(timestamp(time))
            }
            (Self::Int(value), name) if name.starts_with("int") => Some(value.to_string()),
            (Self::Unsigned(value), _) => Some(value.to_string()),
            (Self::Float(value), _) => encode_scalar(&ScalarValue::Float32(Some(*value))),
            (Self::Double(value), _) => encode_scalar(&ScalarValue::Float64(Some(*value))),
            (Self::Bytes(bytes), "varchar" | "json") => {
                // DuckDB does not store a text with a NUL: PostgreSQL would refuse it.
                let text = std::str::from_utf8(bytes).ok()?;
                (!text.contains('\0')).then(|| text.to_owned())
            }
            (Self::Bytes(bytes), "blob") => Some(bytes.iter().map(|byte| format!("{byte:02X}")).collect()),
            _ => None,
        }
    }
}

/// What is known of a column over all files of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableStatistics {
    pub column_id: i64,
    pub nulls: bool,
    pub nan: Option<bool>,
    pub min: Option<String>,
    pub max: Option<String>,
}

impl TableStatistics {
    /// What one file says. `None` if it has values without bounds: then nothing is known of the column.
    pub(crate) fn of_file(file: &ColumnStatistics) -> Option<Self> {
        let bounded = file.min.is_some() && file.max.is_some();
        (bounded || file.values == 0).then(|| Self {
            column_id: file.column_id,
            nulls: file.nulls > 0,
            nan: file.nan,
            min: file.min.clone(),
            max: file.max.clone(),
        })
    }

    /// Adds what another file says.
    pub(crate) fn merge(&mut self, other: Self, type_name: &str) {
        let numeric = ["int", "uint", "float"].iter().any(|start| type_name.starts_with(start));
        self.nulls |= other.nulls;
        self.nan = match (self.nan, other.nan) {
            (Some(left), Some(right)) => Some(left || right),
            (known, None) | (None, known) => known,
        };
        self.min = outer(self.min.take(), other.min, numeric, Ordering::Less);
        self.max = outer(self.max.take(), other.max, numeric, Ordering::Greater);
    }
}

/// The one of two bounds that lies further out.
fn outer(left: Option<String>, right: Option<String>, numeric: bool, wanted: Ordering) -> Option<String> {
    match (left, right) {
        (Some(left), Some(right)) => {
            Some(if stat_cmp(&right, &left, numeric) == wanted { right } else { left })
        }
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_duckdb_does() {
        for (value, type_name, text) in [
            (Value::Bool(true), "boolean", "1"),
            (Value::Int(-7), "int16", "-7"),
            (Value::Unsigned(u64::MAX), "uint64", "18446744073709551615"),
            (Value::Int(19723), "date", "2024-01-01"),
            (Value::Int(1_704_067_200_123_000), "timestamp", "2024-01-01 00:00:00.123"),
            (Value::Double(196.9), "float64", "196.9"),
            (Value::Double(-3.0), "float64", "-3.0"),
            (Value::Float(1.999e23), "float32", "1.999e+23"),
            (Value::Bytes(b"ab\0\xff".to_vec()), "blob", "616200FF"),
            (Value::Bytes("é=".into()), "varchar", "é="),
        ] {
            assert_eq!(value.print(type_name).as_deref(), Some(text));
        }
        assert_eq!(Value::Bytes(b"a\0".to_vec()).print("varchar"), None);
    }

    #[test]
    fn merged_bounds_lie_outside_both() {
        let of = |min: &str, max: &str| TableStatistics {
            column_id: 1,
            nulls: false,
            nan: None,
            min: Some(min.to_owned()),
            max: Some(max.to_owned()),
        };
        let mut numbers = of("9", "10");
        numbers.merge(of("-5", "2"), "int64");
        assert_eq!((numbers.min.as_deref(), numbers.max.as_deref()), (Some("-5"), Some("10")));
        let mut texts = of("b", "b");
        texts.merge(of("10", "9"), "varchar");
        assert_eq!((texts.min.as_deref(), texts.max.as_deref()), (Some("10"), Some("b")));
    }
}
