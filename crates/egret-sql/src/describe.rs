//! What `describe` and `show tables` answer, with types named as DuckDB names them.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::error::ArrowError;

use crate::functions::json;

/// One row a column of `schema`, in the columns that DuckDB's `describe` has.
pub(crate) fn describe(schema: &Schema) -> Result<RecordBatch, ArrowError> {
    let names = schema.fields().iter().map(|field| field.name().as_str());
    let types = schema.fields().iter().map(|field| type_name(field));
    let nullable = schema.fields().iter().map(|field| if field.is_nullable() { "YES" } else { "NO" });
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let columns = Schema::new(vec![text("column_name"), text("column_type"), text("null")]);
    RecordBatch::try_new(
        Arc::new(columns),
        vec![
            Arc::new(StringArray::from_iter_values(names)),
            Arc::new(StringArray::from_iter_values(types)),
            Arc::new(StringArray::from_iter_values(nullable)),
        ],
    )
}

/// One row a table.
pub(crate) fn table_list(mut names: Vec<String>) -> Result<RecordBatch, ArrowError> {
    names.sort_unstable();
    let schema = Schema::new(vec![Field::new("name", DataType::Utf8, true)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(StringArray::from(names))])
}

/// The type of a field as DuckDB writes it.
pub(crate) fn type_name(field: &Field) -> String {
    if json::is_json(field) {
        return "JSON".to_owned();
    }
    let name = match field.data_type() {
        DataType::Null => "NULL",
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 => "TINYINT",
        DataType::Int16 => "SMALLINT",
        DataType::Int32 => "INTEGER",
        DataType::Int64 => "BIGINT",
        DataType::UInt8 => "UTINYINT",
        DataType::UInt16 => "USMALLINT",
        DataType::UInt32 => "UINTEGER",
        DataType::UInt64 => "UBIGINT",
        DataType::Float16 | DataType::Float32 => "FLOAT",
        DataType::Float64 => "DOUBLE",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "BLOB",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE",
        DataType::Timestamp(TimeUnit::Nanosecond, None) => "TIMESTAMP_NS",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL",
        DataType::Decimal128(precision, scale) => return format!("DECIMAL({precision},{scale})"),
        DataType::List(element) | DataType::LargeList(element) => return format!("{}[]", type_name(element)),
        DataType::Dictionary(_, value) => return type_name(&Field::new("", value.as_ref().clone(), true)),
        DataType::Struct(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", quoted_name(field.name()), type_name(field)))
                .collect();
            return format!("STRUCT({})", fields.join(", "));
        }
        other => return other.to_string().to_uppercase(),
    };
    name.to_owned()
}

fn quoted_name(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if is_plain { name.to_owned() } else { format!("\"{name}\"") }
}
