//! Column types, written as DuckDB writes them: `varchar`, `bigint[]`, `struct(a varchar, b json)`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// A type holds others nested so deep at most.
const MAX_DEPTH: usize = 32;

/// The type of a column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// `boolean`
    Boolean,
    /// `tinyint`, 8 bits
    TinyInt,
    /// `smallint`, 16 bits
    SmallInt,
    /// `integer`, 32 bits
    Integer,
    /// `bigint`, 64 bits
    BigInt,
    /// `utinyint`, 8 bits
    UTinyInt,
    /// `usmallint`, 16 bits
    USmallInt,
    /// `uinteger`, 32 bits
    UInteger,
    /// `ubigint`, 64 bits
    UBigInt,
    /// `float`, 32 bits
    Float,
    /// `double`, 64 bits
    Double,
    /// `varchar`, UTF-8
    Varchar,
    /// `json`: text that holds a JSON value, stored as varchar
    Json,
    /// `blob`, bytes
    Blob,
    /// `date`
    Date,
    /// `timestamp`, microseconds UTC
    Timestamp,
    /// `T[]`
    List(Box<Self>),
    /// `struct(name T, …)`
    Struct(Vec<(String, Self)>),
}

impl ColumnType {
    /// The names of the plain types, for hints and documentation.
    pub const PLAIN: [(&'static str, Self); 16] = [
        ("boolean", Self::Boolean),
        ("tinyint", Self::TinyInt),
        ("smallint", Self::SmallInt),
        ("integer", Self::Integer),
        ("bigint", Self::BigInt),
        ("utinyint", Self::UTinyInt),
        ("usmallint", Self::USmallInt),
        ("uinteger", Self::UInteger),
        ("ubigint", Self::UBigInt),
        ("float", Self::Float),
        ("double", Self::Double),
        ("varchar", Self::Varchar),
        ("json", Self::Json),
        ("blob", Self::Blob),
        ("date", Self::Date),
        ("timestamp", Self::Timestamp),
    ];

    /// How Arrow holds it: strings as views, times without a zone (always UTC).
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::TinyInt => DataType::Int8,
            Self::SmallInt => DataType::Int16,
            Self::Integer => DataType::Int32,
            Self::BigInt => DataType::Int64,
            Self::UTinyInt => DataType::UInt8,
            Self::USmallInt => DataType::UInt16,
            Self::UInteger => DataType::UInt32,
            Self::UBigInt => DataType::UInt64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Varchar | Self::Json => DataType::Utf8View,
            Self::Blob => DataType::BinaryView,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::List(element) => DataType::List(Arc::new(Field::new("element", element.to_arrow(), true))),
            Self::Struct(fields) => DataType::Struct(
                fields
                    .iter()
                    .map(|(name, field)| Field::new(name, field.to_arrow(), true))
                    .collect::<Fields>(),
            ),
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(element) => write!(f, "{element}[]"),
            Self::Struct(fields) => {
                f.write_str("struct(")?;
                for (index, (name, field)) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{name} {field}")?;
                }
                f.write_str(")")
            }
            plain => {
                let name = Self::PLAIN.iter().find(|(_, candidate)| candidate == plain);
                f.write_str(name.map_or("?", |(name, _)| name))
            }
        }
    }
}

/// A text that is not the name of a type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a column type")]
pub struct UnknownType {
    /// What was written.
    pub text: String,
    /// The nearest valid name, or a list of them.
    pub hint: String,
}

impl FromStr for ColumnType {
    type Err = UnknownType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_type(text, MAX_DEPTH)
    }
}

/// Reads a type in which others are nested `depth` deep at most.
fn parse_type(text: &str, depth: usize) -> Result<ColumnType, UnknownType> {
    let trimmed = text.trim();
    if let Some(element) = trimmed.strip_suffix("[]") {
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(trimmed))?;
        return Ok(ColumnType::List(Box::new(parse_type(element, depth)?)));
    }
    let lower = trimmed.to_ascii_lowercase();
    if let Some(start) = lower.strip_prefix("struct").map(str::trim_start)
        && let Some(inner) = start.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'))
    {
        // The names keep their case: take the same range from the original.
        let from = trimmed.len() - inner.len() - 1;
        let depth = depth.checked_sub(1).ok_or_else(|| too_deep(trimmed))?;
        return parse_struct(&trimmed[from..trimmed.len() - 1], depth);
    }
    let synonym = match lower.as_str() {
        "bool" => "boolean",
        "int" | "int4" | "int32" => "integer",
        "long" | "int8" | "int64" => "bigint",
        "text" | "string" | "uuid" => "varchar",
        "real" | "float4" => "float",
        "float8" => "double",
        "datetime" | "timestamptz" => "timestamp",
        "bytea" | "binary" | "varbinary" => "blob",
        other => other,
    };
    ColumnType::PLAIN
        .iter()
        .find(|(name, _)| *name == synonym)
        .map(|(_, column_type)| column_type.clone())
        .ok_or_else(|| unknown(trimmed))
}

fn unknown(text: &str) -> UnknownType {
    let names = ColumnType::PLAIN.iter().map(|(name, _)| *name);
    let hint = match crate::suggest::nearest(text, names.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!(
            "the types are {}, any of them with `[]`, and `struct(name type, …)`",
            names.collect::<Vec<_>>().join(", ")
        ),
    };
    UnknownType { text: text.to_owned(), hint }
}

fn too_deep(text: &str) -> UnknownType {
    let start: String = text.chars().take(40).collect();
    UnknownType { text: format!("{start}…"), hint: format!("types nest at most {MAX_DEPTH} deep") }
}

fn parse_struct(inner: &str, depth: usize) -> Result<ColumnType, UnknownType> {
    let mut fields = Vec::new();
    for part in split_top_level(inner) {
        let part = part.trim();
        let (name, rest) = match part.strip_prefix('"').and_then(|rest| rest.split_once('"')) {
            Some(quoted) => quoted,
            None => part.split_once(char::is_whitespace).ok_or_else(|| unknown(part))?,
        };
        fields.push((name.to_owned(), parse_type(rest, depth)?));
    }
    Ok(ColumnType::Struct(fields))
}

/// Splits at the commas outside brackets.
fn split_top_level(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["varchar", "bigint[]", "struct(a varchar, b struct(c json, d double[]), e timestamp)[]"]
        {
            assert_eq!(text.parse::<ColumnType>().unwrap().to_string(), text);
        }
        let quoted: ColumnType = r#"STRUCT("clientIp" varchar, x int)"#.parse().unwrap();
        assert_eq!(quoted.to_string(), "struct(clientIp varchar, x integer)");
    }

    #[test]
    fn nesting_is_bounded() {
        let list = |depth: usize| format!("varchar{}", "[]".repeat(depth));
        let structs = |depth: usize| format!("{}varchar{}", "struct(a ".repeat(depth), ")".repeat(depth));
        for text in [list(32), structs(32), format!("{}[]", structs(31))] {
            assert_eq!(text.parse::<ColumnType>().unwrap().to_string(), text);
        }
        for text in [list(33), list(50_000), structs(33), structs(50_000), format!("{}[]", structs(32))] {
            let error = text.parse::<ColumnType>().unwrap_err();
            assert_eq!(error.hint, "types nest at most 32 deep");
            assert!(error.to_string().len() < 100, "{error}");
        }
    }

    #[test]
    fn a_typo_gets_the_nearest_name() {
        assert_eq!("varchr".parse::<ColumnType>().unwrap_err().hint, "did you mean `varchar`?");
        assert!("quux".parse::<ColumnType>().unwrap_err().hint.contains("bigint"));
        assert!("struct(a)".parse::<ColumnType>().is_err());
    }
}
