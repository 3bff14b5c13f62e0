//! What a test gives, as rows: a vendor's record by the table's own format and mapping, or columns as they are.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::json::ReaderBuilder;
use egret_config::Diagnostics;
use egret_format::{Block, Format, ObjectContext, RowBuilder, preset};
use egret_model::{ColumnType, RecordIds, TableSchema, Timestamp, suggest};
use egret_table::{RowOrigin, TableDefinition, TableMapper};
use serde_json::{Map, Value as Json};

use crate::test_definition::TestInput;
use crate::tester::{FindFormat, first_message};

/// The object that tested records are read from.
const OBJECT: &str = "test";

/// The rows of one case.
pub(crate) struct TestRows {
    /// At least one.
    pub(crate) rows: RecordBatch,
    /// Values that did not fit their column.
    pub(crate) misfits: u64,
}

/// The rows that `input` gives in a table.
///
/// # Errors
/// Says why there is none.
pub(crate) fn rows_of(
    input: &TestInput,
    table: &TableDefinition,
    mapper: &TableMapper,
    find_format: FindFormat<'_>,
    now: Timestamp,
) -> Result<TestRows, String> {
    match input {
        TestInput::Row(columns) => row_of_columns(columns, mapper.schema()),
        TestInput::States(_) => Err("nobody is there to compare states".to_owned()),
        TestInput::Event(event) => {
            let format = json_lines()?;
            let record = Json::Object(event.clone()).to_string();
            decode(&record, format.as_ref(), mapper, now)
        }
        TestInput::Record(record) => {
            let choice = table.format.as_ref().ok_or_else(|| {
                format!("table `{}` names no format; give the record as an object", table.name.value)
            })?;
            let mut mistakes = Diagnostics::new();
            let format =
                choice.resolve(find_format, &mut mistakes).ok_or_else(|| first_message(&mistakes))?;
            decode(record, format.as_ref(), mapper, now)
        }
    }
}

fn json_lines() -> Result<Arc<dyn Format>, String> {
    preset("jsonl", "default").ok_or_else(|| "the format jsonl is not there".to_owned())
}

fn decode(
    record: &str,
    format: &dyn Format,
    mapper: &TableMapper,
    now: Timestamp,
) -> Result<TestRows, String> {
    let mut bytes = record.trim_end().as_bytes().to_vec();
    bytes.push(b'\n');
    let block = Block::new(bytes, 0, true);
    let plan = mapper.plan();
    let object = ObjectContext { modified: now, timezone: plan.timezone };
    let mut builder = RowBuilder::new(plan, &block, 0);
    format.decoder(plan, &object).decode(&block, &mut builder);
    let origin = RowOrigin {
        ids: RecordIds::new(&mapper.schema().name, OBJECT),
        source_type: OBJECT.to_owned(),
        source_name: OBJECT.to_owned(),
        source_location: OBJECT.to_owned(),
        ingest_timestamp: now,
    };
    let mapped = mapper.map(builder.finish(), &block, &origin);
    if let Some(quarantined) = mapped.quarantined.first() {
        return Err(format!("the record goes to quarantine ({}): {}", quarantined.stage, quarantined.reason));
    }
    if mapped.rows.num_rows() == 0 {
        return Err(format!("format `{}` finds no record in it", format.kind()));
    }
    Ok(TestRows { rows: mapped.rows, misfits: mapped.misfits })
}

fn row_of_columns(columns: &Map<String, Json>, table: &TableSchema) -> Result<TestRows, String> {
    let mut row = Map::new();
    for (name, value) in columns {
        let Some(column) = table.column(name) else {
            let names = table.columns.iter().map(|column| column.name.as_str());
            let hint = suggest::nearest(name, names).map(|near| format!("; did you mean `{near}`?"));
            return Err(format!("table `{}` has no column `{name}`{}", table.name, hint.unwrap_or_default()));
        };
        row.insert(column.name.clone(), as_stored(value, &column.column_type));
    }
    let wrong =
        |error: arrow::error::ArrowError| format!("the row does not fit table `{}`: {error}", table.name);
    let mut decoder = ReaderBuilder::new(table.to_arrow()).build_decoder().map_err(wrong)?;
    decoder.serialize(&[row]).map_err(wrong)?;
    match decoder.flush().map_err(wrong)? {
        Some(rows) => Ok(TestRows { rows, misfits: 0 }),
        None => Err("the row has no columns".to_owned()),
    }
}

/// JSON columns hold text, so what is nested there becomes text.
fn as_stored(value: &Json, column_type: &ColumnType) -> Json {
    match (value, column_type) {
        (Json::Null | Json::String(_), _) => value.clone(),
        (_, ColumnType::Json) => Json::String(value.to_string()),
        (Json::Array(items), ColumnType::List(element)) => {
            items.iter().map(|item| as_stored(item, element)).collect()
        }
        (Json::Object(members), ColumnType::Struct(fields)) => {
            let mut stored = Map::new();
            for (name, member) in members {
                let field = fields.iter().find(|(field, _)| field == name);
                stored.insert(
                    name.clone(),
                    field.map_or(member.clone(), |(_, field)| as_stored(member, field)),
                );
            }
            Json::Object(stored)
        }
        _ => value.clone(),
    }
}
