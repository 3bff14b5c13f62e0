//! Arranging rows for a file: every live column in the table's order, sorted by time.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, ListArray, RecordBatch, StringViewArray, StructArray,
    new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options, interleave};
use arrow::datatypes::{DataType, Field, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;

use crate::column;
use crate::error::LakeError;
use crate::table::Table;

/// Rows of a column that are put together at a time.
const PIECE_ROWS: usize = 16_384;

/// Gives `rows` all columns of the table: those that it lacks are null, `tp_partition` and `tp_date` are
/// what the file is for.
pub(crate) fn extend(
    table: &Table,
    partition: &str,
    date: Option<i32>,
    rows: &RecordBatch,
) -> Result<RecordBatch, LakeError> {
    let schema = rows.schema();
    if let Some(stranger) = schema.fields().iter().find(|field| table.column(field.name()).is_none()) {
        return Err(LakeError::Rows {
            table: table.name().to_owned(),
            reason: format!("the lake's table has no column `{}`; extend it first", stranger.name()),
        });
    }
    let count = rows.num_rows();
    let columns = table.schema().fields().iter().map(|field| match rows.column_by_name(field.name()) {
        Some(array) => adapt(array, field),
        None if field.name() == "tp_partition" => {
            Ok(Arc::new(StringViewArray::from_iter_values(std::iter::repeat_n(partition, count))) as ArrayRef)
        }
        None => match (field.name().as_str(), date) {
            ("tp_date", Some(date)) => Ok(Arc::new(Date32Array::from_value(date, count)) as ArrayRef),
            _ => Ok(new_null_array(field.data_type(), count)),
        },
    });
    let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>().map_err(LakeError::arrow(table.name()))?;
    // All columns have the batch's length, and `adapt` gives each its field's type.
    RecordBatch::try_new(table.schema().clone(), columns).map_err(LakeError::arrow(table.name()))
}

/// Gives an array the type of a field: nested fields by name, missing ones null, integers widened.
fn adapt(array: &ArrayRef, field: &Field) -> Result<ArrayRef, ArrowError> {
    let target = field.data_type();
    if array.data_type() == target {
        return Ok(array.clone());
    }
    match (array.data_type(), target) {
        (DataType::Struct(from), DataType::Struct(to)) => {
            let rows = array.as_struct();
            if let Some(stranger) = from.iter().find(|field| to.find(field.name()).is_none()) {
                let message = format!("column `{}` has no field `{}`", field.name(), stranger.name());
                return Err(ArrowError::SchemaError(message));
            }
            let children = to.iter().map(|child| match rows.column_by_name(child.name()) {
                Some(array) => adapt(array, child),
                None => Ok(new_null_array(child.data_type(), rows.len())),
            });
            let children = children.collect::<Result<Vec<_>, _>>()?;
            Ok(Arc::new(StructArray::try_new(to.clone(), children, rows.nulls().cloned())?))
        }
        (DataType::List(_), DataType::List(element)) => {
            let rows = array.as_list::<i32>();
            let values = adapt(rows.values(), element)?;
            let nulls = rows.nulls().cloned();
            Ok(Arc::new(ListArray::try_new(element.clone(), rows.offsets().clone(), values, nulls)?))
        }
        (DataType::Null, _) => Ok(new_null_array(target, array.len())),
        (from, to) if keeps_values(from, to) => {
            cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
        }
        (from, to) => Err(ArrowError::CastError(format!("column `{}` is {to}, not {from}", field.name()))),
    }
}

/// Whether a cast gives every value back as it was.
fn keeps_values(from: &DataType, to: &DataType) -> bool {
    use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Timestamp, Utf8, Utf8View};
    match (from, to) {
        (Utf8 | LargeUtf8 | Utf8View, Utf8View) | (Binary | LargeBinary | BinaryView, BinaryView) => true,
        (Timestamp(from, _), Timestamp(to, _)) => from == to,
        _ => match (leaf_name(from), leaf_name(to)) {
            (Some(from), Some(to)) => column::widens(from, to),
            _ => false,
        },
    }
}

fn leaf_name(data_type: &DataType) -> Option<&'static str> {
    Some(match data_type {
        DataType::Int8 => "int8",
        DataType::Int16 => "int16",
        DataType::Int32 => "int32",
        DataType::Int64 => "int64",
        DataType::UInt8 => "uint8",
        DataType::UInt16 => "uint16",
        DataType::UInt32 => "uint32",
        DataType::UInt64 => "uint64",
        DataType::Float32 => "float32",
        DataType::Float64 => "float64",
        _ => return None,
    })
}

/// Where a row lies: which batch, which row of it.
type Place = (usize, usize);

/// Rows for one file, in order of time. Columns are put together one by one when they are written, so that at no
/// time all rows are there twice.
#[derive(Debug)]
pub(crate) struct Arranged<'r> {
    schema: SchemaRef,
    rows: &'r [RecordBatch],
    places: Vec<Place>,
}

impl<'r> Arranged<'r> {
    /// Sorts by `tp_timestamp`, keeping the order of equal ones. Rows without a time come last.
    pub(crate) fn by_time(schema: &SchemaRef, rows: &'r [RecordBatch]) -> Self {
        let mut keys: Vec<(i64, Place)> = Vec::with_capacity(rows.iter().map(RecordBatch::num_rows).sum());
        for (batch, batch_rows) in rows.iter().enumerate() {
            let times = batch_rows
                .column_by_name("tp_timestamp")
                .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
            keys.extend((0..batch_rows.num_rows()).map(|row| {
                let time =
                    times.filter(|times| times.is_valid(row)).map_or(i64::MAX, |times| times.value(row));
                (time, (batch, row))
            }));
        }
        keys.sort_by_key(|(time, _)| *time);
        let places = keys.into_iter().map(|(_, place)| place).collect();
        Self { schema: Arc::clone(schema), rows, places }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The first rows.
    pub(crate) fn head(&self, rows: usize) -> Result<RecordBatch, ArrowError> {
        let columns = (0..self.schema.fields().len())
            .map(|column| self.pick(column, &self.places[..rows.min(self.places.len())]));
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)
    }

    /// A column of some of the rows, in pieces that stay in the processor's cache.
    pub(crate) fn column(
        &self,
        column: usize,
        rows: Range<usize>,
    ) -> impl Iterator<Item = Result<ArrayRef, ArrowError>> {
        self.places[rows].chunks(PIECE_ROWS).map(move |places| self.pick(column, places))
    }

    fn pick(&self, column: usize, places: &[Place]) -> Result<ArrayRef, ArrowError> {
        let arrays: Vec<&dyn Array> = self.rows.iter().map(|batch| &**batch.column(column)).collect();
        if arrays.iter().all(|array| array.null_count() == array.len()) {
            return Ok(new_null_array(self.schema.field(column).data_type(), places.len()));
        }
        interleave(&arrays, places)
    }
}
