//! Reading through filters and at older snapshots.

use egret_lake::{At, LakeError, ReadOptions};
use egret_model::{TimeRange, Timestamp};

use crate::support::*;

async fn two_partitions_over_three_days() -> TestLake {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    for (partition, from) in [("prod", 0), ("prod-eu", 1000)] {
        for day in 0..3 {
            let rows = events(
                partition,
                &format!("2024-02-0{}T10:00:00Z", day + 1),
                from + day * 100..from + day * 100 + 100,
            );
            collect(&test.lake, &table, partition, &[rows]).await;
        }
    }
    test
}

fn range(from: &str, to: &str) -> TimeRange {
    TimeRange { from: Timestamp::parse(from), to: Timestamp::parse(to) }
}

#[tokio::test]
async fn filters_apply_and_skip_files() {
    let test = two_partitions_over_three_days().await;
    let cases = [
        (ReadOptions::default(), "600", 6),
        (ReadOptions { partitions: vec!["prod".to_owned()], ..ReadOptions::default() }, "300", 3),
        (ReadOptions { partitions: vec!["event.prod*".to_owned()], ..ReadOptions::default() }, "600", 6),
        (ReadOptions { partitions: vec!["other.prod".to_owned()], ..ReadOptions::default() }, "0", 0),
        (ReadOptions { partitions: vec!["nobody".to_owned()], ..ReadOptions::default() }, "0", 0),
        (ReadOptions { range: range("2024-02-02", "2024-02-03"), ..ReadOptions::default() }, "200", 2),
        (
            ReadOptions {
                range: range("2024-02-01T10:30:00Z", "2024-02-01T10:40:00Z"),
                ..ReadOptions::default()
            },
            "20",
            2,
        ),
        (ReadOptions { range: range("2024-02-04", "2024-02-05"), ..ReadOptions::default() }, "0", 0),
    ];
    for (options, rows, files) in cases {
        assert_eq!(value_with(&test.lake, &options, "select count(*) from event").await, rows, "{options:?}");
        let count = test.lake.files_matching("event", &options).await.unwrap();
        assert_eq!((count.matching, count.total), (files, 6), "{options:?}");
        let plan = sql(&test.lake, &options, "explain format indent select n from event").await;
        // The plan prints the first five.
        assert_eq!(plan.matches(".parquet").count() as u64, files.min(5), "{plan}");
    }
}

#[tokio::test]
async fn older_snapshots_stay_readable() {
    let test = two_partitions_over_three_days().await;
    let newest = test.lake.snapshot().await.unwrap();
    let at = |at| ReadOptions { at: Some(at), ..ReadOptions::default() };
    let count = "select count(*) from event";
    assert_eq!(value_with(&test.lake, &at(At::Snapshot(newest - 4)), count).await, "200");
    assert_eq!(value_with(&test.lake, &at(At::Time(test_clock_time())), count).await, "600");
    let context = datafusion::prelude::SessionContext::new();
    for wrong in [At::Snapshot(newest + 1), At::Time(Timestamp::from_micros(0))] {
        let error = test.lake.register(&context, &at(wrong)).await.unwrap_err();
        assert!(matches!(error, LakeError::UnknownSnapshot { oldest: 0, .. }), "{error}");
    }
}

fn test_clock_time() -> Timestamp {
    Timestamp::parse("2030-01-01").unwrap()
}

#[tokio::test]
async fn the_session_keeps_its_own_tables_and_sees_new_ones() {
    let test = two_partitions_over_three_days().await;
    let context = datafusion::prelude::SessionContext::new();
    context.sql("create table mine as select 1 as one").await.unwrap().collect().await.unwrap();
    for _ in 0..3 {
        test.lake.register(&context, &ReadOptions::default()).await.unwrap();
    }
    let joined = context.sql("select count(*) from mine, event, checkpoint").await.unwrap();
    let batches = joined.collect().await.unwrap();
    let count =
        arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batches[0].column(0)).value(0);
    assert_eq!(count, 600 * 4);
    let error = context.sql("select * from evnt").await.unwrap_err();
    assert!(error.to_string().contains("evnt"), "{error}");
}
