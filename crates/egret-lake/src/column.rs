//! Columns as the catalog has them: numbered, nested, and typed in DuckLake's words.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use egret_model::ColumnType;
use parquet::arrow::PARQUET_FIELD_ID_META_KEY;

/// A column that is live in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LiveColumn {
    /// Its number in the table, which is the field id in Parquet files. Never changes.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its type in DuckLake's words; of a nested one `struct`, `list` or `map`.
    pub type_name: String,
    /// The snapshot that added it or gave it this type.
    pub begin_snapshot: i64,
    /// Fields of a struct, the `element` of a list.
    pub children: Vec<Self>,
}

impl LiveColumn {
    /// The Arrow field with the Parquet field id. `None` for a type that Egret cannot hold, which only a
    /// column that others added has.
    pub(crate) fn to_arrow(&self) -> Option<Field> {
        let data_type = match self.type_name.as_str() {
            "list" => DataType::List(Arc::new(self.children.first()?.to_arrow()?)),
            "struct" => {
                let fields: Option<Fields> = self.children.iter().map(Self::to_arrow).collect();
                DataType::Struct(fields?)
            }
            leaf => datafusion_ducklake::types::ducklake_to_arrow_type(leaf).ok()?,
        };
        let id = (PARQUET_FIELD_ID_META_KEY.to_owned(), self.id.to_string());
        Some(Field::new(&self.name, data_type, true).with_metadata(HashMap::from([id])))
    }

    /// The type for people and for other crates; `None` as in [`Self::to_arrow`].
    pub(crate) fn column_type(&self) -> Option<ColumnType> {
        match self.type_name.as_str() {
            "list" => Some(ColumnType::List(Box::new(self.children.first()?.column_type()?))),
            "struct" => {
                let field = |child: &Self| Some((child.name.clone(), child.column_type()?));
                Some(ColumnType::Struct(self.children.iter().map(field).collect::<Option<_>>()?))
            }
            "json" => Some(ColumnType::Json),
            leaf => LEAVES.iter().find(|(_, name)| *name == leaf).map(|(kind, _)| kind.clone()),
        }
    }

    /// The type in words, for errors.
    pub(crate) fn describe(&self) -> String {
        self.column_type().map_or_else(|| self.type_name.clone(), |kind| kind.to_string())
    }
}

/// Types without children, and DuckLake's words for them. JSON is stored as text.
const LEAVES: [(ColumnType, &str); 16] = [
    (ColumnType::Boolean, "boolean"),
    (ColumnType::TinyInt, "int8"),
    (ColumnType::SmallInt, "int16"),
    (ColumnType::Integer, "int32"),
    (ColumnType::BigInt, "int64"),
    (ColumnType::UTinyInt, "uint8"),
    (ColumnType::USmallInt, "uint16"),
    (ColumnType::UInteger, "uint32"),
    (ColumnType::UBigInt, "uint64"),
    (ColumnType::Float, "float32"),
    (ColumnType::Double, "float64"),
    (ColumnType::Varchar, "varchar"),
    (ColumnType::Json, "varchar"),
    (ColumnType::Blob, "blob"),
    (ColumnType::Date, "date"),
    (ColumnType::Timestamp, "timestamp"),
];

/// DuckLake's word for a type: for nested ones the outermost.
pub(crate) fn type_name(kind: &ColumnType) -> &'static str {
    match kind {
        ColumnType::List(_) => "list",
        ColumnType::Struct(_) => "struct",
        leaf => LEAVES.iter().find(|(candidate, _)| candidate == leaf).map_or("varchar", |(_, name)| name),
    }
}

/// The children of a nested type, under the names that the catalog gives them.
pub(crate) fn children(kind: &ColumnType) -> Vec<(&str, &ColumnType)> {
    match kind {
        ColumnType::List(element) => vec![("element", element)],
        ColumnType::Struct(fields) => fields.iter().map(|(name, field)| (name.as_str(), field)).collect(),
        _ => Vec::new(),
    }
}

/// Whether every value of type `from` has the same meaning as `to`: wider integers of the same
/// signedness, and double for float. These are the changes that DuckLake allows without rewriting files.
pub(crate) fn widens(from: &str, to: &str) -> bool {
    const CHAINS: [&[&str]; 3] = [
        &["int8", "int16", "int32", "int64"],
        &["uint8", "uint16", "uint32", "uint64"],
        &["float32", "float64"],
    ];
    CHAINS.iter().any(|chain| {
        let rank = |name: &str| chain.iter().position(|candidate| *candidate == name);
        matches!((rank(from), rank(to)), (Some(from), Some(to)) if from < to)
    })
}

/// Whether two type names mean the same values: JSON is text.
pub(crate) fn same(left: &str, right: &str) -> bool {
    let text = |name: &str| matches!(name, "varchar" | "json");
    left == right || (text(left) && text(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lossless_changes_widen() {
        assert!(widens("int32", "int64") && widens("float32", "float64") && widens("uint8", "uint32"));
        for (from, to) in [("int64", "int32"), ("int32", "int32"), ("uint8", "int16"), ("int32", "float64")] {
            assert!(!widens(from, to), "{from} to {to}");
        }
    }

    #[test]
    fn every_type_has_a_name_and_comes_back() {
        for (_, kind) in ColumnType::PLAIN {
            let column = LiveColumn {
                id: 1,
                name: "c".to_owned(),
                type_name: type_name(&kind).to_owned(),
                begin_snapshot: 1,
                children: Vec::new(),
            };
            assert_eq!(column.to_arrow().unwrap().data_type(), &kind.to_arrow());
            assert!(column.column_type().is_some());
        }
    }
}
