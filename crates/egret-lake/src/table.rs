//! A table of the lake as it was when somebody looked.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use egret_model::Column;

use crate::column::LiveColumn;

/// A table as [`crate::Lake::ensure_table`] found or made it. Cheap to clone, valid until the table changes:
/// files written with an older one still fit, since columns go by number.
pub type TableHandle = Arc<Table>;

/// A table's identity and columns.
#[derive(Debug)]
pub struct Table {
    parts: TableParts,
    schema: SchemaRef,
    /// The columns behind the fields of `schema`.
    written: Vec<usize>,
}

/// What the catalog knows of a table.
#[derive(Debug)]
pub(crate) struct TableParts {
    pub id: i64,
    pub name: String,
    /// Its folder below the data folder, with a slash at the end.
    pub path: Option<String>,
    /// The lake's schema version at that time.
    pub schema_version: i64,
    /// The number of the partition spec by `tp_partition` and `tp_date`, if it has one.
    pub partition_id: Option<i64>,
    pub columns: Vec<LiveColumn>,
}

impl TableParts {
    /// The snapshot since which the columns are as they are.
    pub(crate) fn columns_since(&self) -> i64 {
        fn newest(columns: &[LiveColumn]) -> i64 {
            columns
                .iter()
                .map(|column| column.begin_snapshot.max(newest(&column.children)))
                .max()
                .unwrap_or(0)
        }
        newest(&self.columns)
    }
}

impl Table {
    pub(crate) fn new(parts: TableParts) -> Self {
        let mut fields: Vec<Field> = Vec::with_capacity(parts.columns.len());
        let mut written = Vec::with_capacity(parts.columns.len());
        for (index, column) in parts.columns.iter().enumerate() {
            // A column of a type that only others write is left out of our files, and so null in them.
            if let Some(field) = column.to_arrow() {
                fields.push(field);
                written.push(index);
            }
        }
        Self { parts, schema: Arc::new(Schema::new(fields)), written }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// Its columns as files have them: all live ones, nullable, in the table's order.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Its columns with their types, as far as [`egret_model::ColumnType`] has a word for the type.
    pub fn columns(&self) -> Vec<Column> {
        let known = |column: &LiveColumn| Some(Column::new(&column.name, column.column_type()?, ""));
        self.parts.columns.iter().filter_map(known).collect()
    }

    pub(crate) fn parts(&self) -> &TableParts {
        &self.parts
    }

    pub(crate) fn id(&self) -> i64 {
        self.parts.id
    }

    /// The columns that files written for this table have, in the order of [`Self::schema`].
    pub(crate) fn written_columns(&self) -> impl Iterator<Item = &LiveColumn> {
        self.written.iter().map(|index| &self.parts.columns[*index])
    }

    /// The live column called `name`.
    pub(crate) fn column(&self, name: &str) -> Option<&LiveColumn> {
        self.parts.columns.iter().find(|column| column.name == name)
    }
}
