//! Tables grow: old rows are null in new columns, and what cannot change says so.

use std::sync::Arc;

use arrow::array::{
    Array as _, Int32Array, RecordBatch, StringViewArray, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use egret_lake::{Commit, CommitError, Conflict, LakeError, ReadOptions};

use crate::commits::execute;
use crate::support::*;

fn rows(columns: Vec<(&str, arrow::array::ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

#[tokio::test]
async fn columns_and_fields_are_added_and_old_rows_are_null_in_them() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-01T10:00:00Z", 0..10)]).await;
    let columns = [
        "n bigint",
        "score double",
        "who struct(name varchar, place struct(city varchar, zip integer), age tinyint)",
        "ips varchar[]",
        "added varchar",
        "pairs struct(k varchar, v bigint)[]",
    ];
    let grown = test.lake.ensure_table(&schema("event", &columns)).await.unwrap();
    assert_eq!(grown.columns().len(), table.columns().len() + 2);
    let who = grown.columns().into_iter().find(|column| column.name == "who").unwrap();
    let expected = "struct(name varchar, place struct(city varchar, zip integer), age tinyint)";
    assert_eq!(who.column_type.to_string(), expected);

    // A file that was prepared before the table grew still fits.
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-01T11:00:00Z", 10..20)]).await;
    let zip = (
        Arc::new(Field::new("zip", DataType::Int32, true)),
        Arc::new(Int32Array::from(vec![7])) as arrow::array::ArrayRef,
    );
    let place = StructArray::from(vec![zip]);
    let place = (Arc::new(Field::new("place", place.data_type().clone(), true)), Arc::new(place) as _);
    let new = rows(vec![
        ("tp_timestamp", Arc::new(TimestampMicrosecondArray::from(vec![time("2024-02-01T12:00:00Z")]))),
        ("who", Arc::new(StructArray::from(vec![place]))),
        ("added", Arc::new(StringViewArray::from(vec!["new"]))),
    ]);
    let file = test.lake.write_file(&grown, "prod", 19_754, &[new]).unwrap();
    test.lake.commit(&Commit { files: vec![file], ..Commit::default() }).await.unwrap();
    let query = "select count(*) || ' ' || count(added) || ' ' || count(who['place']['zip']) || ' ' || \
                 count(who['name']) || ' ' || count(pairs) from event";
    assert_eq!(value(&test.lake, query).await, "21 1 1 20 0");
    let found = sql(&test.lake, &ReadOptions::default(), "select who from event where added = 'new'").await;
    assert!(found.contains("{name: , place: {city: , zip: 7}, age: }"), "{found}");
    // What is there already is no change.
    let snapshot = test.lake.snapshot().await.unwrap();
    test.lake.ensure_table(&event_schema()).await.unwrap();
    assert_eq!(test.lake.snapshot().await.unwrap(), snapshot);
}

#[tokio::test]
async fn a_type_becomes_wider_and_never_narrower() {
    let test = TestLake::new().await;
    let narrow =
        test.lake.ensure_table(&schema("t", &["a integer", "f float", "l smallint[]"])).await.unwrap();
    let old = rows(vec![
        ("a", Arc::new(Int32Array::from(vec![1]))),
        ("f", Arc::new(arrow::array::Float32Array::from(vec![0.1f32]))),
    ]);
    let early = test.lake.write_file(&narrow, "p", 0, std::slice::from_ref(&old)).unwrap();
    let late = test.lake.write_file(&narrow, "p", 0, std::slice::from_ref(&old)).unwrap();
    test.lake.commit(&Commit { files: vec![early], ..Commit::default() }).await.unwrap();
    let wide = test.lake.ensure_table(&schema("t", &["a bigint", "f double", "l bigint[]"])).await.unwrap();
    assert_eq!(wide.schema().field(0).data_type(), &DataType::Int64);
    test.lake.commit(&Commit { files: vec![late], ..Commit::default() }).await.unwrap();
    // Rows of the narrower type are widened when they are written.
    let file = test.lake.write_file(&wide, "p", 0, &[old]).unwrap();
    test.lake.commit(&Commit { files: vec![file], ..Commit::default() }).await.unwrap();
    assert_eq!(value(&test.lake, "select sum(a) || ' ' || max(arrow_typeof(a)) from t").await, "3 Int64");
    assert_eq!(value(&test.lake, "select count(*) from t where f > 0.1").await, "3", "a float is a bit more");
    // A narrower wish is served by what is there.
    let same = test.lake.ensure_table(&schema("t", &["a smallint"])).await.unwrap();
    assert_eq!(same.schema(), wide.schema());

    let error = test.lake.ensure_table(&schema("t", &["a varchar"])).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column `a` of table `t` is bigint in the lake and cannot become varchar; \
         only wider integers and double are possible: give the column another name"
    );
    let error = test.lake.ensure_table(&schema("t", &["A bigint"])).await.unwrap_err();
    assert!(matches!(error, LakeError::ColumnCase { .. }), "{error}");
}

#[tokio::test]
async fn bad_names_and_unknown_tables_are_told() {
    let test = TestLake::new().await;
    for name in ["", "a/b", "..", "1a", "a b", "täble"] {
        let error = test.lake.ensure_table(&schema(name, &[])).await.unwrap_err();
        assert!(matches!(error, LakeError::TableName { .. }), "{name}");
    }
    test.lake.ensure_table(&event_schema()).await.unwrap();
    let error = test.lake.table("evnt").await.unwrap_err();
    assert_eq!(error.to_string(), "the lake has no table `evnt`; did you mean `event`?");
}

#[tokio::test]
async fn a_table_dropped_by_another_program_is_a_conflict() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let files = test.lake.write_files(&table, "p", &[events("p", "2024-02-01T10:00:00Z", 0..5)]).unwrap();
    for sql in [
        "update ducklake_table set end_snapshot = 3 where table_name = 'event'",
        "insert into ducklake_snapshot select 3, snapshot_time, schema_version + 1, next_catalog_id, next_file_id \
         from ducklake_snapshot where snapshot_id = 2",
    ] {
        execute(&test.folder.path(), sql).await;
    }
    let error = test.lake.commit(&Commit { files, ..Commit::default() }).await.unwrap_err();
    assert!(matches!(error, CommitError::Conflict(Conflict::Schema { .. })), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_may_make_and_extend_a_table_at_once() {
    let test = TestLake::new().await;
    let tasks: Vec<_> = (0..6)
        .map(|process| {
            let (folder, clock) = (test.folder.path().to_owned(), test.clock.clone());
            tokio::spawn(async move {
                let lake = open(&folder, clock).await;
                let own = format!("c{} varchar", process % 3);
                lake.ensure_table(&schema("t", &["n bigint", &own])).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let table = test.lake.table("t").await.unwrap();
    assert_eq!(table.schema().fields().len(), 4 + 1 + 3);
}
