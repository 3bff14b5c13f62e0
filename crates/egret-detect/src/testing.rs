//! What the tests of this crate share: a table, rows of it, and a compiler of a very small language.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::json::ReaderBuilder;
use egret_config::{Configuration, Diagnostics, Environment, decode_block};
use egret_model::schema::common_columns;
use egret_model::{
    Column, CompileError, EvaluateError, Expression, ExpressionCompiler, TableSchema, suggest,
};
use serde_json::Value as Json;

use crate::definition::{DETECTION, DetectionDefinition};

/// A table with a column of many a type.
pub(crate) fn login_table() -> TableSchema {
    let own = [
        ("event_name", "varchar"),
        ("port", "integer"),
        ("score", "double"),
        ("ok", "boolean"),
        ("at", "timestamp"),
        ("day", "date"),
        ("digest", "blob"),
        ("user", "struct(name varchar, session struct(id bigint, labels json))"),
        ("groups", "varchar[]"),
        ("details", "json"),
    ];
    let own = own.map(|(name, column_type)| Column::new(name, column_type.parse().unwrap(), ""));
    TableSchema {
        name: "login".into(),
        description: String::new(),
        channel: "app.login".into(),
        columns: own.into_iter().chain(common_columns()).collect(),
        roots: Vec::new(),
    }
}

/// Rows of a table, each given as a JSON object of columns.
pub(crate) fn rows(table: &TableSchema, objects: &[Json]) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(table.to_arrow()).build_decoder().unwrap();
    decoder.serialize(objects).unwrap();
    decoder.flush().unwrap().unwrap()
}

/// The detections in `text`, and what is wrong with it.
pub(crate) fn decode(text: &str) -> (Vec<DetectionDefinition>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let environment = Environment::default();
    let configuration = Configuration::parse("rules.hcl", text, &[DETECTION], &environment, &mut diagnostics);
    let blocks = configuration.blocks_of(DETECTION.name);
    let definitions = blocks.filter_map(|block| decode_block(block, &mut diagnostics)).collect();
    (definitions, diagnostics)
}

/// As [`decode`], of a text that must be right.
pub(crate) fn detections(text: &str) -> Vec<DetectionDefinition> {
    let (definitions, diagnostics) = decode(text);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    definitions
}

/// As [`detections`], of blocks on one line each: `detection "d" { table = "t"; where = "a" }`.
pub(crate) fn short_detections(text: &str) -> Vec<DetectionDefinition> {
    detections(&text.replace(" { ", " {\n").replace("; ", "\n").replace(" }", "\n}"))
}

/// Knows `column = value` over text, `column` for its value, and `column refuses value`, which is true but
/// has no answer for any batch in which a row has that value.
pub(crate) struct SmallCompiler;

impl ExpressionCompiler for SmallCompiler {
    fn compile(&self, sql: &str, schema: &SchemaRef) -> Result<Arc<dyn Expression>, CompileError> {
        let sql = sql.trim();
        let words: Vec<&str> = sql.split_whitespace().collect();
        let column = words[0].to_owned();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let Ok(field) = schema.field_with_name(&column) else {
            let hint = suggest::nearest(&column, names).map(|near| format!("did you mean `{near}`?"));
            let span = Some(0..column.len());
            return Err(CompileError { message: format!("there is no column `{column}`"), span, hint });
        };
        let (kind, value) = match words[1..] {
            [] => (Kind::Value, String::new()),
            ["=", value] => (Kind::Equals, value.to_owned()),
            ["refuses", value] => (Kind::Refuses, value.to_owned()),
            _ => panic!("{sql}"),
        };
        let data_type = if kind == Kind::Value { field.data_type().clone() } else { DataType::Boolean };
        Ok(Arc::new(SmallExpression { sql: sql.to_owned(), columns: vec![column], kind, value, data_type }))
    }
}

#[derive(Debug, PartialEq)]
enum Kind {
    Value,
    Equals,
    Refuses,
}

#[derive(Debug)]
struct SmallExpression {
    sql: String,
    columns: Vec<String>,
    kind: Kind,
    value: String,
    data_type: DataType,
}

impl Expression for SmallExpression {
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
        let values = rows.column_by_name(&self.columns[0]).unwrap();
        if self.kind == Kind::Value {
            return Ok(values.clone());
        }
        let texts = values.as_string_view();
        let equal: BooleanArray = texts.iter().map(|text| text.map(|text| text == self.value)).collect();
        if self.kind == Kind::Equals {
            return Ok(Arc::new(equal));
        }
        if equal.true_count() > 0 {
            let message = format!("`{}` is refused", self.value);
            return Err(EvaluateError { sql: self.sql.clone(), message });
        }
        Ok(Arc::new(BooleanArray::from(vec![true; texts.len()])))
    }
}
