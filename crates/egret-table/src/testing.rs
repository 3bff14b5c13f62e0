//! What tests of this crate share: a small stand-in for the SQL engine, and tables from HCL.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringViewArray, new_null_array,
};
use arrow::datatypes::{DataType, SchemaRef};
use egret_config::{Configuration, Diagnostics, Environment, decode_block};
use egret_format::{Block, Format, ObjectContext, RowBuilder};
use egret_model::{
    CompileError, EvaluateError, Expression, ExpressionCompiler, RecordIds, Timestamp, suggest,
};

use crate::builtin::TABLE_BLOCK;
use crate::{Mapped, PartitionContext, RowOrigin, TableDefinition, TableMapper};

/// Knows `column`, `upper(column)`, `number(column)`, which fails for what is no number, and `column = 'text'`.
#[derive(Debug)]
pub(crate) struct FakeCompiler;

#[derive(Debug)]
enum Operation {
    Column,
    Upper,
    Number,
    Equals(String),
}

#[derive(Debug)]
struct FakeExpression {
    sql: String,
    operation: Operation,
    columns: Vec<String>,
    data_type: DataType,
}

impl ExpressionCompiler for FakeCompiler {
    fn compile(&self, sql: &str, schema: &SchemaRef) -> Result<Arc<dyn Expression>, CompileError> {
        let call = |name: &str| sql.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let (operation, column, data_type) = if let Some(column) = call("upper") {
            (Operation::Upper, column, Some(DataType::Utf8View))
        } else if let Some(column) = call("number") {
            (Operation::Number, column, Some(DataType::Int64))
        } else if let Some((column, text)) = sql.split_once(" = ") {
            (Operation::Equals(text.trim_matches('\'').to_owned()), column, Some(DataType::Boolean))
        } else {
            (Operation::Column, sql, None)
        };
        let Ok(field) = schema.field_with_name(column) else {
            let start = sql.find(column).unwrap();
            let names = schema.fields().iter().map(|field| field.name().as_str());
            return Err(CompileError {
                message: format!("unknown column `{column}`"),
                span: Some(start..start + column.len()),
                hint: suggest::nearest(column, names).map(|near| format!("did you mean `{near}`?")),
            });
        };
        let data_type = data_type.unwrap_or_else(|| field.data_type().clone());
        Ok(Arc::new(FakeExpression {
            sql: sql.to_owned(),
            operation,
            columns: vec![field.name().clone()],
            data_type,
        }))
    }
}

impl Expression for FakeExpression {
    fn sql(&self) -> &str {
        &self.sql
    }

    fn data_type(&self) -> &DataType {
        &self.data_type
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, EvaluateError> {
        let Some(column) = rows.column_by_name(&self.columns[0]) else {
            return Ok(new_null_array(&self.data_type, rows.num_rows()));
        };
        let texts = || column.as_string_view();
        Ok(match &self.operation {
            Operation::Column => Arc::clone(column),
            Operation::Upper => {
                Arc::new(texts().iter().map(|text| text.map(str::to_uppercase)).collect::<StringViewArray>())
            }
            Operation::Equals(wanted) => {
                Arc::new(texts().iter().map(|text| text.map(|text| text == wanted)).collect::<BooleanArray>())
            }
            Operation::Number => {
                let number = |text: Option<&str>| text.map(str::parse::<i64>).transpose();
                let numbers: Result<Int64Array, _> = texts().iter().map(number).collect();
                let failed = |_| EvaluateError { sql: self.sql.clone(), message: "no number".to_owned() };
                Arc::new(numbers.map_err(failed)?)
            }
        })
    }
}

/// The table that `text` defines, and the mistakes in it.
pub(crate) fn parse_table(text: &str) -> (Option<TableDefinition>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let environment = Environment::default();
    let configuration =
        Configuration::parse("tables.hcl", text, &[TABLE_BLOCK], &environment, &mut diagnostics);
    let table = configuration.blocks.first().and_then(|block| decode_block(block, &mut diagnostics));
    (table, diagnostics)
}

/// The table that `text` defines without a mistake.
pub(crate) fn table(text: &str) -> TableDefinition {
    let (table, diagnostics) = parse_table(text);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    table.unwrap()
}

/// The mapper of `table`, in a partition that says nothing.
pub(crate) fn mapper(table: &TableDefinition) -> TableMapper {
    let compiled = table.compile(&FakeCompiler, PartitionContext::new("p"));
    compiled.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false)))
}

/// When rows of tests are collected.
pub(crate) fn ingested() -> Timestamp {
    Timestamp::parse("2024-03-01T00:00:00Z").unwrap()
}

/// Decodes and maps `bytes`, which lie at `offset` of an object.
pub(crate) fn map_at(mapper: &TableMapper, format: &dyn Format, bytes: &[u8], offset: u64) -> Mapped {
    let object = ObjectContext { modified: ingested(), timezone: chrono_tz::Tz::UTC };
    let mut decoder = format.decoder(mapper.plan(), &object);
    let block = Block::new(bytes.to_vec(), offset, true);
    let mut rows = RowBuilder::new(mapper.plan(), &block, 0);
    assert_eq!(decoder.decode(&block, &mut rows), bytes.len());
    let origin = RowOrigin {
        ids: RecordIds::new("t", "o"),
        source_type: "file".to_owned(),
        source_name: "tests".to_owned(),
        source_location: "/logs/a.log".to_owned(),
        ingest_timestamp: ingested(),
    };
    mapper.map(rows.finish(), &block, &origin)
}

/// Decodes and maps lines of JSON.
pub(crate) fn map_lines(mapper: &TableMapper, lines: &str) -> Mapped {
    map_at(mapper, &egret_format::json::JsonLinesFormat, lines.as_bytes(), 0)
}

/// Rows as JSON, without nulls.
pub(crate) fn rows_of(rows: &RecordBatch) -> Vec<serde_json::Map<String, serde_json::Value>> {
    let mut writer = arrow::json::LineDelimitedWriter::new(Vec::new());
    writer.write(rows).unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
