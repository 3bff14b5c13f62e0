//! Rules made of tests of fields find in a query what they find in the stream.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use egret_config::{Located, Location, SourceFile};
use egret_detect::{AlertPolicy, DetectContext, DetectionDefinition, Detector, FieldRule, Rule, Target};
use egret_match::Condition;
use egret_model::{Column, ColumnType, Origin, Severity, TableSchema, Timestamp};
use egret_sql::{Session, SessionOptions};
use egret_testkit::oracle;
use proptest::prelude::*;
use serde_json::Value;

use crate::{FixedClock, compiler};

const TABLE: &str = "event";

/// The table of the oracle's records.
fn table() -> TableSchema {
    let user = "struct(type varchar, id bigint)".parse().unwrap();
    let column = |name: &str, source: &str, column_type: ColumnType| {
        Column::new(name, column_type, "").with_sources(vec![source.to_owned()])
    };
    TableSchema {
        name: TABLE.into(),
        description: String::new(),
        channel: "test".into(),
        columns: vec![
            column("name", "name", ColumnType::Varchar),
            column("name_", "Name", ColumnType::Varchar),
            column("number", "number", ColumnType::BigInt),
            column("flag", "flag", ColumnType::Boolean),
            column("user", "user", user),
            column("params", "params", ColumnType::Json),
            column("threat_name", "Threat Name", ColumnType::Varchar),
            Column::new("tp_id", ColumnType::Varchar, ""),
            Column::new("extra", ColumnType::Json, ""),
        ],
        roots: Vec::new(),
    }
}

fn detection(number: usize, condition: &Condition) -> DetectionDefinition {
    let location = Location::new(&SourceFile::new("rule.yml", ""), 0..0);
    DetectionDefinition {
        id: Located { value: format!("rule {number}"), location: location.clone() },
        target: Located { value: Target::LogSource(vec![TABLE.into()]), location },
        rule: Rule::Fields(FieldRule {
            language: "sigma",
            conditions: BTreeMap::from([(TABLE.to_owned(), Arc::new(condition.clone()))]),
        }),
        severity: Severity::Low,
        title: String::new(),
        description: String::new(),
        tags: vec![],
        message: None,
        references: vec![],
        falsepositives: vec![],
        enabled: true,
        alert: AlertPolicy::default(),
        remember: vec![],
        tests: vec![],
    }
}

/// The rows of the records, each with its number as `tp_id`.
fn rows(records: &[Value]) -> RecordBatch {
    let rows = oracle::batch(records);
    let ids: StringViewArray = (0..records.len()).map(|row| Some(row.to_string())).collect();
    let mut fields: Vec<Field> = rows.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
    fields.push(Field::new("tp_id", DataType::Utf8View, true));
    columns.push(Arc::new(ids));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn streamed(detector: &Detector, rows: &RecordBatch) -> BTreeSet<String> {
    let context = DetectContext {
        channel: "test",
        table: TABLE,
        partition: "p",
        origin: Origin::Stream,
        now: Timestamp::from_seconds(0),
    };
    let detected = detector.detect(rows, &context);
    detected.findings.into_iter().flat_map(|finding| finding.event_ids).collect()
}

async fn hunted(detector: &Detector, rows: &RecordBatch) -> BTreeSet<String> {
    let options = SessionOptions {
        memory_bytes: 64 << 20,
        threads: 2,
        spill_dir: None,
        clock: Arc::new(FixedClock),
        lookups: Arc::default(),
    };
    let session = Session::new(options).unwrap();
    session.register_batches(TABLE, rows.schema(), vec![rows.clone()]).unwrap();
    let columns: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let rules = detector.field_rules(&columns).unwrap();
    let arguments =
        rules.columns().iter().map(|column| format!("\"{column}\"")).collect::<Vec<_>>().join(", ");
    session.register_function("any_rule", rules);
    let needed = detector.field_rules_need();
    let sql = format!("select tp_id from {TABLE} where {needed} and any_rule({arguments})");
    let batches = session.query(&sql).await.unwrap().collect().await.unwrap();
    let ids = batches.iter().flat_map(|batch| {
        let ids = batch.column(0).as_string_view().clone();
        (0..ids.len()).map(move |row| ids.value(row).to_owned()).collect::<Vec<_>>()
    });
    ids.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_query_finds_what_the_stream_finds(
        rules in prop::collection::vec(oracle::condition(), 1..6),
        records in prop::collection::vec(oracle::record(), 1..40),
    ) {
        let definitions: Vec<DetectionDefinition> =
            rules.iter().enumerate().map(|(number, rule)| detection(number, rule)).collect();
        let detector = Detector::compile(&definitions, &table(), "test", &compiler()).unwrap();
        let rows = rows(&records);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        prop_assert_eq!(runtime.block_on(hunted(&detector, &rows)), streamed(&detector, &rows));
    }
}
