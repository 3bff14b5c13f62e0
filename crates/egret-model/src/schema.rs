//! Table schemas, and the columns that every table shares.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::types::ColumnType;

/// The column that keeps what no other column can: undeclared fields, explicit nulls, and originals that a
/// column cannot give back, as a JSON object under the vendor's names and nesting.
pub const EXTRA: &str = "extra";

/// Whether a column is one of Egret's own, `tp_id` and its like. To people they say nothing that the fields do not say.
pub fn is_own_column(name: &str) -> bool {
    name.starts_with("tp_")
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name in SQL.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What it holds, for people.
    pub description: String,
    /// The fields of the record that it is filled from, as paths with dots, the preferred one first. Empty if it is
    /// computed.
    pub sources: Vec<String>,
}

impl Column {
    /// A column with its description, filled from no field.
    pub fn new(name: impl Into<String>, column_type: ColumnType, description: impl Into<String>) -> Self {
        Self { name: name.into(), column_type, description: description.into(), sources: Vec::new() }
    }

    /// Filled from these fields of the record.
    #[must_use]
    pub fn with_sources(self, sources: Vec<String>) -> Self {
        Self { sources, ..self }
    }
}

/// A log type: its name, channel and columns, the shared ones included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// Its name in SQL and in the lake.
    pub name: String,
    /// What it holds, for people.
    pub description: String,
    /// The channel of its rows unless a partition says otherwise.
    pub channel: String,
    /// All columns in the order of `select *`: the table's own, then the `tp_*` columns, then `extra`.
    pub columns: Vec<Column>,
    /// Objects of the record whose members count as fields of the record itself, as paths with dots in which `*` is
    /// any one name: with `winlog.event_data`, a column with the source `Image` also takes
    /// `winlog.event_data.Image`. A source with dots is looked for there too unless it begins with the same name
    /// as a root.
    pub roots: Vec<String>,
}

impl TableSchema {
    /// The columns as Arrow fields, all nullable.
    pub fn to_arrow(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|column| Field::new(&column.name, column.column_type.to_arrow(), true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// The columns that every event table has after its own, `extra` last.
pub fn common_columns() -> Vec<Column> {
    let strings = || ColumnType::List(Box::new(ColumnType::Varchar));
    [
        ("tp_id", ColumnType::Varchar, "Id of the record: the same record always has the same one."),
        ("tp_timestamp", ColumnType::Timestamp, "When the event happened (UTC)."),
        ("tp_ingest_timestamp", ColumnType::Timestamp, "When Egret collected it (UTC)."),
        ("tp_table", ColumnType::Varchar, "The table."),
        ("tp_partition", ColumnType::Varchar, "The partition that collected it."),
        ("tp_index", ColumnType::Varchar, "The partition's `tp_index`, or `default`."),
        ("tp_date", ColumnType::Date, "The day of `tp_timestamp`."),
        ("tp_source_type", ColumnType::Varchar, "The type of the source, such as `file`."),
        ("tp_source_name", ColumnType::Varchar, "The name of the source, such as a bucket."),
        (
            "tp_source_location",
            ColumnType::Varchar,
            "The path or URL of the object the record was read from.",
        ),
        ("tp_source_ip", ColumnType::Varchar, "Where the traffic came from."),
        ("tp_destination_ip", ColumnType::Varchar, "Where the traffic went."),
        ("tp_akas", strings(), "Resource names in the event, such as ARNs."),
        ("tp_ips", strings(), "IP addresses in the event."),
        ("tp_tags", strings(), "Tags of the event."),
        ("tp_domains", strings(), "Domain names in the event."),
        ("tp_emails", strings(), "E-mail addresses in the event."),
        ("tp_usernames", strings(), "User names in the event."),
        (EXTRA, ColumnType::Json, "What no other column holds, as JSON under the vendor's names."),
    ]
    .into_iter()
    .map(|(name, column_type, description)| Column::new(name, column_type, description))
    .collect()
}

/// How vendors write the name of a struct's field: as it is, `camelCase`, `PascalCase`.
pub fn spellings(name: &str) -> Vec<String> {
    let mut camel = String::with_capacity(name.len());
    let mut upper_next = false;
    for c in name.chars() {
        match c {
            '_' => upper_next = true,
            _ if upper_next => {
                camel.extend(c.to_uppercase());
                upper_next = false;
            }
            _ => camel.push(c),
        }
    }
    let mut first = camel.chars();
    let pascal: String = first.next().into_iter().flat_map(char::to_uppercase).chain(first).collect();
    let mut all = vec![name.to_owned()];
    for spelling in [camel, pascal] {
        if !all.contains(&spelling) {
            all.push(spelling);
        }
    }
    all
}
