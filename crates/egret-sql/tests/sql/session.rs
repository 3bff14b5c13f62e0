//! Sessions: names of columns, describing, explaining, limits and stopping.

use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use egret_sql::{QueryResult, Session, SessionOptions, SqlError};

use crate::events::{clock, empty_session, session};

fn names(result: &QueryResult) -> Vec<String> {
    result.schema().fields().iter().map(|field| field.name().clone()).collect()
}

async fn first_texts(session: &Session, sql: &str) -> Result<Vec<String>, SqlError> {
    let batches = session.query(sql).await?.collect().await?;
    let mut texts = Vec::new();
    for batch in batches {
        let column = arrow::compute::cast(batch.column(0), &DataType::Utf8).unwrap();
        texts.extend(column.as_string::<i32>().iter().map(|text| text.unwrap_or("NULL").to_owned()));
    }
    Ok(texts)
}

#[tokio::test]
async fn output_columns_are_called_as_they_were_written() {
    let session = session();
    for (sql, expected) in [
        ("select event_name, event_name from event", vec!["event_name", "event_name"]),
        ("select event_name as x, bytes as x, port x from event", vec!["x", "x", "x"]),
        ("select count(*), count(*) from event", vec!["count(*)", "count(*)"]),
        ("select EVENT_NAME as EventName from event", vec!["EventName"]),
        (
            "select upper(event_name), 1 + 1, request->>'a' from event",
            vec!["upper(event_name)", "1 + 1", "request ->> 'a'"],
        ),
        (
            "select bytes as event_name, e.* from (select event_name, bytes from event) e",
            vec!["event_name", "event_name", "bytes"],
        ),
        ("select accountid, \"ACCOUNTID\" from event", vec!["accountId", "accountId"]),
        ("select user_identity.type from event", vec!["type"]),
        ("select bytes as b from event union all select port from event", vec!["b"]),
        ("select * from (select 1 as a, 2 as a)", vec!["a", "a_1"]),
    ] {
        let result = session.query(sql).await.unwrap();
        assert_eq!(names(&result), expected, "{sql}");
        let schema = Arc::clone(result.schema());
        for batch in result.collect().await.unwrap() {
            assert_eq!(batch.schema(), schema, "{sql}");
        }
    }
}

#[tokio::test]
async fn tables_are_shown_and_described() {
    let session = session();
    assert_eq!(first_texts(&session, "show tables").await.unwrap(), ["event"]);
    let batches = session.query("describe event").await.unwrap().collect().await.unwrap();
    let types = batches[0].column(1).as_string::<i32>();
    let identity = "STRUCT(type VARCHAR, arn VARCHAR, \"principalId\" VARCHAR, session_context STRUCT(mfa BOOLEAN, issuer VARCHAR))";
    let expected =
        [(0, "TIMESTAMP"), (5, "BOOLEAN"), (7, "BIGINT"), (10, "DATE"), (11, identity), (14, "VARCHAR[]")];
    for (row, expected) in expected {
        assert_eq!(types.value(row), expected);
    }
    let types =
        "describe select request->'a' as j, request->>'a' as t, 1 as n, 1.5 as d, now() as w from event";
    let batches = session.query(types).await.unwrap().collect().await.unwrap();
    let types: Vec<&str> = batches[0].column(1).as_string::<i32>().iter().flatten().collect();
    assert_eq!(types, ["JSON", "VARCHAR", "BIGINT", "DOUBLE", "TIMESTAMP"]);
    let tables =
        first_texts(&session, "select table_name from information_schema.tables where table_schema = 'main'");
    assert_eq!(tables.await.unwrap(), ["event"]);
}

#[tokio::test]
async fn a_query_is_explained() {
    let session = session();
    let plan = session.explain("select event_name from event where bytes > 10").await.unwrap();
    assert!(plan.contains("FilterExec"), "{plan}");
    let rows = first_texts(&session, "explain select event_name from event where bytes > 10").await.unwrap();
    assert!(rows.contains(&"physical_plan".to_owned()), "{rows:?}");
}

#[tokio::test]
async fn now_is_the_clock_of_the_session() {
    let session = session();
    let recent = "select count(*) from event where event_time > now() - interval '37 hours'";
    assert_eq!(first_texts(&session, recent).await.unwrap(), ["2"]);
    let rows = first_texts(&session, "select current_date::varchar").await.unwrap();
    assert_eq!(rows, ["2024-02-03"]);
}

fn many_numbers(session: &Session, rows: i64) {
    let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
    let batches: Vec<RecordBatch> = (0..rows / 8192)
        .map(|batch| {
            let numbers =
                Int64Array::from_iter_values((0..8192).map(|row| (batch * 8192 + row) * 7_919 % rows));
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)]).unwrap()
        })
        .collect();
    session.register_batches("number", schema, batches).unwrap();
}

#[tokio::test]
async fn what_exceeds_the_memory_is_refused_or_spilled() {
    let folder = tempfile::tempdir().unwrap();
    let small = SessionOptions {
        memory_bytes: 12 << 20,
        threads: 2,
        spill_dir: Some(folder.path().to_owned()),
        clock: clock(),
        lookups: Arc::default(),
    };
    let session = Session::new(small).unwrap();
    many_numbers(&session, 1 << 20);
    // Sorting spills: a million numbers twice over do not fit.
    let sorted = "select n, n * 2 as m, n::varchar || 'some longer text' as t from number order by t desc";
    let rows = first_texts(&session, &format!("select count(*) from ({sorted} limit 900000)")).await.unwrap();
    assert_eq!(rows, ["900000"]);
    // One list of all numbers cannot be spilled.
    let one_list = "select len(array_agg(n::varchar || ' and some longer text')) from number";
    let error = first_texts(&session, one_list).await.unwrap_err();
    assert!(error.message.starts_with("the query needs more memory"), "{error}");
    assert!(error.hint.unwrap().contains("--memory"));
    drop(session);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "spilled files are left behind");
}

#[tokio::test]
async fn dropping_a_result_stops_the_query() {
    let session = empty_session();
    many_numbers(&session, 1 << 16);
    // Would take hours.
    let endless = "select a.n from number a, number b, number c where a.n + b.n + c.n >= 0";
    let mut result = session.query(endless).await.unwrap();
    let first = result.next().await.unwrap().unwrap();
    assert!(first.num_rows() > 0);
    drop(result);
    let rows = first_texts(&session, "select count(*) from number").await.unwrap();
    assert_eq!(rows, ["65536"]);
}

#[tokio::test]
async fn a_table_is_registered_once() {
    let session = session();
    let batch = crate::events::rows();
    let error = session.register_batches("event", batch.schema(), vec![batch]).unwrap_err();
    assert!(error.message.contains("already exists"), "{error}");
}

#[tokio::test]
async fn without_tables_the_hint_says_so() {
    let error = empty_session().query("select * from event").await.unwrap_err();
    assert_eq!(error.message, "unknown table `event`");
    assert_eq!(error.hint.as_deref(), Some("there are no tables yet"));
}
