//! Expressions over record batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringViewArray,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use egret_model::{Clock, ExpressionCompiler, Timestamp};
use egret_sql::SqlCompiler;

use crate::events::{compiler, rows, schema};

/// The places of the rows of the event table that match.
fn matching(sql: &str) -> Vec<usize> {
    let expression = compiler().compile(sql, &schema()).unwrap();
    let mask = expression.matches(&rows()).unwrap();
    (0..mask.len()).filter(|row| mask.value(*row)).collect()
}

#[test]
fn a_condition_finds_rows() {
    for (sql, expected) in [
        ("event_name = 'ConsoleLogin'", vec![0]),
        ("bytes > 50 and port = 443", vec![0, 1]),
        ("read_only = false and request->>'bucket' = 'logs'", vec![0]),
        ("user_identity.type in ('Root', 'AssumedRole')", vec![1, 4]),
        ("user_identity.session_context.mfa", vec![0]),
        ("'prod' in tags", vec![0, 3]),
        ("'prod' not in tags", vec![1, 4]),
        ("ip_in_network(source_ip, ['10.0.0.0/8', '2001:db8::/32'])", vec![0, 2]),
        ("not ip_in_network(source_ip, '10.0.0.0/8')", vec![1, 2, 3]),
        ("event_time >= '2024-02-02' and event_time < now()", vec![2, 3]),
        ("event_time > now() - interval '37 hours'", vec![2, 3]),
        (
            "event_time >= '2024-02-02 00:00' and event_time between '2024-02-01' and '2024-02-02 12:00'",
            vec![2],
        ),
        ("day = current_date - 1", vec![2, 3]),
        ("error_code is null or error_code = ''", vec![0, 2, 3]),
        ("response->'size' = 42", vec![1]),
        ("EVENT_NAME ilike 'console%'", vec![0, 3]),
        ("ACCOUNTID = '222';", vec![2, 4]),
        ("true", vec![0, 1, 2, 3, 4]),
        ("null::boolean", vec![]),
    ] {
        assert_eq!(matching(sql), expected, "{sql}");
    }
}

#[test]
fn reads_the_columns_it_names_and_no_others() {
    let expression =
        compiler().compile("bytes > port or user_identity.arn = 'x' or bytes = 1", &schema()).unwrap();
    assert_eq!(expression.columns(), ["bytes", "port", "user_identity"]);
    assert_eq!(expression.data_type(), &DataType::Boolean);
    assert!(expression.sql().starts_with("bytes > port"));
}

#[test]
fn columns_come_in_any_order_and_those_absent_are_null() {
    let expression = compiler().compile("coalesce(event_name, 'none') || bytes", &schema()).unwrap();
    let bytes: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let other: ArrayRef = Arc::new(BooleanArray::from(vec![true, false]));
    let batch = RecordBatch::try_from_iter([("z", other), ("bytes", bytes.clone())]).unwrap();
    let values = expression.evaluate(&batch).unwrap();
    assert_eq!(texts(&values), ["none1", "none2"]);

    let names: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_from_iter([("bytes", bytes), ("event_name", names)]).unwrap();
    assert_eq!(texts(&expression.evaluate(&batch).unwrap()), ["a1", "b2"]);
}

#[test]
fn a_column_of_a_kindred_type_is_converted() {
    let expression = compiler().compile("event_name = 'a'", &schema()).unwrap();
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_from_iter([("event_name", names)]).unwrap();
    assert_eq!(expression.matches(&batch).unwrap().true_count(), 1);
}

#[test]
fn an_expression_without_columns_has_a_value_for_each_row() {
    let expression = compiler().compile("1 + 1", &schema()).unwrap();
    let values = expression.evaluate(&rows()).unwrap();
    assert_eq!(values.as_primitive::<Int64Type>().values(), &[2; 5]);
    assert!(expression.columns().is_empty());
    let empty = rows().slice(0, 0);
    assert_eq!(expression.evaluate(&empty).unwrap().len(), 0);
}

#[derive(Debug)]
struct MovingClock(AtomicI64);

impl Clock for MovingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::Relaxed))
    }
}

#[test]
fn now_moves_with_the_clock() {
    let start = Timestamp::parse("2024-02-01T10:30:00Z").unwrap();
    let clock = Arc::new(MovingClock(AtomicI64::new(start.micros() / 1_000_000)));
    let expression =
        SqlCompiler::new(clock.clone()).compile("event_time > now() - interval '1 hour'", &schema()).unwrap();
    assert_eq!(expression.matches(&rows()).unwrap().true_count(), 4);
    clock.0.fetch_add(86_400, Ordering::Relaxed);
    assert_eq!(expression.matches(&rows()).unwrap().true_count(), 1);
}

#[test]
fn what_cannot_be_computed_is_an_error_and_not_a_row() {
    let expression = compiler().compile("event_name::int", &schema()).unwrap();
    let error = expression.evaluate(&rows()).unwrap_err();
    assert!(error.to_string().starts_with("`event_name::int`: "), "{error}");
    assert!(error.to_string().contains("ConsoleLogin"), "{error}");
    let error = compiler().compile("bytes + 1", &schema()).unwrap().matches(&rows()).unwrap_err();
    assert_eq!(error.to_string(), "`bytes + 1`: gives Int64, not true or false");
}

#[test]
fn many_conditions_join_without_exhausting_the_stack() {
    let sql = vec!["event_name = 'x'"; 2_000].join(" or ");
    assert!(compiler().compile(&sql, &schema()).unwrap().matches(&rows()).unwrap().true_count() == 0);
    let deep = format!("{}true{}", "(".repeat(5_000), ")".repeat(5_000));
    let error = compiler().compile(&deep, &schema()).unwrap_err();
    assert_eq!(error.message, "the SQL nests too deep, or has too many operators");
    let chain = vec!["1"; 400].join(" + ");
    assert!(compiler().compile(&chain, &schema()).unwrap_err().message.contains("deep"));
    let chain = vec!["1"; 100_000].join(" + ");
    assert!(compiler().compile(&chain, &schema()).unwrap_err().message.contains("too many operators"));
    let chain = vec!["bytes"; 200].join(" + ");
    assert!(compiler().compile(&chain, &schema()).unwrap().evaluate(&rows()).is_ok());
    let mixed = vec!["bytes - 1 * 2"; 100].join(" + ");
    assert!(compiler().compile(&mixed, &schema()).unwrap().evaluate(&rows()).is_ok());
    let long = format!("'{}' = ''", "x".repeat(egret_sql::MAX_SQL_BYTES));
    assert!(compiler().compile(&long, &schema()).unwrap_err().message.contains("over the limit"));
}

/// Prints what ten conditions cost; run it with `--release -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn ten_conditions_cost_microseconds() {
    let batch = many_rows(20_000);
    let conditions = [
        "event_name = 'GetObject'",
        "bytes > 100 and port = 443",
        "user_identity.type = 'Root'",
        "event_name ilike '%login%'",
        "request->>'bucket' = 'logs'",
        "'prod' in tags",
        "ip_in_network(source_ip, '10.0.0.0/8')",
        "error_code is not null and read_only = false",
        "user_agent like 'aws-cli%'",
        "event_time > now() - interval '1 day'",
    ];
    let compiler = compiler();
    for sql in conditions {
        let started = Instant::now();
        let expression = compiler.compile(sql, &schema()).unwrap();
        let compiled = started.elapsed();
        let started = Instant::now();
        let rounds = 20;
        for _ in 0..rounds {
            expression.matches(&batch).unwrap();
        }
        let per_thousand = started.elapsed() / rounds / 20;
        println!("{per_thousand:>10.1?} per 1,000 rows, compiled in {compiled:>8.1?}: {sql}");
    }
}

/// The event rows over and over.
fn many_rows(count: usize) -> RecordBatch {
    let rows = rows();
    let indices = Int64Array::from_iter_values((0..count).map(|row| (row % rows.num_rows()) as i64));
    let columns = rows.columns().iter().map(|column| arrow::compute::take(column, &indices, None).unwrap());
    RecordBatch::try_new(rows.schema(), columns.collect()).unwrap()
}

fn texts(values: &ArrayRef) -> Vec<String> {
    let values = arrow::compute::cast(values, &DataType::Utf8).unwrap();
    values.as_string::<i32>().iter().map(|text| text.unwrap_or("NULL").to_owned()).collect()
}

#[test]
fn an_unused_column_of_any_type_does_not_matter() {
    let odd = Arc::new(Schema::new(vec![
        Field::new("n", DataType::Int64, true),
        Field::new("odd", DataType::FixedSizeBinary(3), true),
    ]));
    let expression = compiler().compile("n = 1", &odd).unwrap();
    let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).unwrap();
    assert_eq!(expression.matches(&batch).unwrap().true_count(), 1);
}

#[test]
fn text_that_is_not_json_has_no_values_however_deep() {
    let deep = "[".repeat(100_000);
    let documents = [deep.as_str(), "{bad", "", "{\"a\":", "{\"a\":1", "nul", "\"\\ud800\"", "[1,2"];
    let batch = RecordBatch::try_from_iter([(
        "request",
        Arc::new(StringViewArray::from_iter_values(documents)) as ArrayRef,
    )])
    .unwrap();
    for sql in
        ["request->>'b'", "request->'$[0][1]'", "json_type(request)", "json_keys(request)", "json(request)"]
    {
        let values = compiler().compile(sql, &schema()).unwrap().evaluate(&batch).unwrap();
        assert_eq!(values.null_count(), documents.len(), "{sql}");
    }
}
