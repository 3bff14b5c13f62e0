//! A commit is visible as a whole or not at all, and two collectors never both succeed.

use arrow::array::{Date32Array, Int64Array, RecordBatch, StringViewArray};
use egret_lake::{Commit, CommitError, Conflict, Lake, LakeError, LakeOptions, PartitionCommit};
use std::sync::Arc;

use crate::support::*;

#[tokio::test]
async fn rows_and_checkpoints_become_visible_together() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let rows = [events("prod", "2024-02-01T23:00:00Z", 0..100)];
    let files = test.lake.write_files(&table, "prod", &rows).unwrap();
    assert_eq!(files.len(), 2, "the rows cross midnight");
    assert_eq!(value(&test.lake, "select count(*) from event").await, "0");
    assert_eq!(test.lake.sequence("event.prod").await.unwrap(), 0);

    let outcome = collect(&test.lake, &table, "prod", &rows).await;
    assert_eq!(outcome.sequences["event.prod"], 1);
    assert_eq!(value(&test.lake, "select count(*) from event").await, "100");
    assert_eq!(test.lake.checkpoints("event.prod").await.unwrap()["object"].offset, 0);

    let again = test.reopen().await;
    assert_eq!(again.snapshot().await.unwrap(), outcome.snapshot);
    let total =
        "select sum(n) || ' ' || sum(cardinality(ips)) || ' ' || count(who['place']['city']) from event";
    assert_eq!(value(&again, total).await, "4950 150 66");
}

#[tokio::test]
async fn files_are_sorted_by_time_and_lie_in_hive_directories() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let rows =
        [events("a b/c", "2024-02-01T10:00:00Z", 0..50), events("a b/c", "2024-02-01T09:30:00Z", 50..100)];
    let files = test.lake.write_files(&table, "a b/c", &rows).unwrap();
    let path = files[0].path().strip_prefix(test.lake.data_folder()).unwrap().to_string_lossy().into_owned();
    assert!(path.starts_with("main/event/tp_partition=a%20b%2Fc/tp_date=2024-02-01/"), "{path}");
    let file = std::fs::File::open(files[0].path()).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let times: Vec<i64> = batches
        .iter()
        .flat_map(|batch| {
            use arrow::array::AsArray as _;
            let column = batch.column_by_name("tp_timestamp").unwrap();
            column.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values().to_vec()
        })
        .collect();
    assert_eq!(times.len(), 100);
    assert!(times.is_sorted());
    collect(&test.lake, &table, "a b/c", &rows).await;
    assert_eq!(value(&test.lake, "select count(*) from event where tp_partition = 'a b/c'").await, "100");
}

#[tokio::test]
async fn the_second_collector_is_told_and_nothing_of_it_is_seen() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let rows = [events("prod", "2024-02-01T10:00:00Z", 0..10)];
    let commit = |lake: &Lake, offset: u64| Commit {
        files: lake.write_files(&table, "prod", &rows).unwrap(),
        partitions: vec![PartitionCommit {
            partition: "event.prod".to_owned(),
            checkpoints: vec![checkpoint("o", offset)],
            ..PartitionCommit::default()
        }],
        ..Commit::default()
    };
    let other = test.reopen().await;
    let (first, second) = (commit(&test.lake, 1), commit(&other, 2));
    test.lake.commit(&first).await.unwrap();
    let error = other.commit(&second).await.unwrap_err();
    let expected = Conflict::Sequence { partition: "event.prod".to_owned(), expected: 0, found: 1 };
    assert!(matches!(&error, CommitError::Conflict(conflict) if *conflict == expected), "{error}");
    assert_eq!(
        error.to_string(),
        "not committed: partition `event.prod` is at sequence 1, not 0: another process collects it"
    );
    assert_eq!(value(&other, "select count(*) from event").await, "10");
    assert_eq!(other.checkpoints("event.prod").await.unwrap()["o"].offset, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_at_once_lose_nothing() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let tasks: Vec<_> = (0..4i64)
        .map(|writer| {
            let (folder, clock, table) = (test.folder.path().to_owned(), test.clock.clone(), table.clone());
            tokio::spawn(async move {
                // Each has a connection of its own, as another process would.
                let lake = open(&folder, clock).await;
                for round in 0..5 {
                    let from = (writer * 5 + round) * 10;
                    let rows = [events("p", "2024-02-01T10:00:00Z", from..from + 10)];
                    collect(&lake, &table, &format!("p{writer}"), &rows).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(value(&test.lake, "select count(*) || ' ' || count(distinct n) from event").await, "200 200");
    assert_eq!(test.lake.sequence("event.p3").await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_for_one_partition_exactly_one_wins_each_round() {
    let test = TestLake::new().await;
    let other = test.reopen().await;
    for round in 0..10 {
        let commit = |offset| Commit {
            partitions: vec![PartitionCommit {
                partition: "t.p".to_owned(),
                expected_sequence: round,
                checkpoints: vec![checkpoint("o", offset)],
                reset: false,
            }],
            ..Commit::default()
        };
        let (left, right) = (commit(1), commit(2));
        let (left, right) = tokio::join!(test.lake.commit(&left), other.commit(&right));
        let wins = [left.is_ok(), right.is_ok()];
        assert_ne!(wins[0], wins[1]);
        let offset = test.lake.checkpoints("t.p").await.unwrap()["o"].offset;
        assert_eq!(offset, if wins[0] { 1 } else { 2 });
    }
}

#[tokio::test]
async fn rows_that_do_not_belong_are_refused_and_leave_nothing() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let refused = |rows: RecordBatch| {
        let error = test.lake.write_file(&table, "prod", 19_754, &[rows]).unwrap_err();
        assert!(matches!(error, LakeError::Rows { .. } | LakeError::Arrow { .. }), "{error}");
        error.to_string()
    };
    let column =
        |name: &str, array: arrow::array::ArrayRef| RecordBatch::try_from_iter([(name, array)]).unwrap();
    let stranger = refused(column("nobody", Arc::new(Int64Array::from(vec![1]))));
    assert!(stranger.contains("no column `nobody`"), "{stranger}");
    let mistyped = refused(column("n", Arc::new(StringViewArray::from(vec!["1"]))));
    assert!(mistyped.contains("column `n` is Int64, not Utf8View"), "{mistyped}");
    let other_day = refused(column("tp_date", Arc::new(Date32Array::from(vec![1]))));
    assert!(other_day.contains("`tp_date` is not \"2024-02-01\""), "{other_day}");
    let other_partition = refused(column("tp_partition", Arc::new(StringViewArray::from(vec!["dev"]))));
    assert!(other_partition.contains("`tp_partition` is not \"prod\""), "{other_partition}");
    assert!(files_below(test.lake.data_folder()).is_empty());
}

#[tokio::test]
async fn a_partition_is_locked_for_others() {
    let test = TestLake::new().await;
    let other = test.reopen().await;
    let held = test.lake.lock_partition("event.prod").unwrap();
    assert!(held.is_some());
    assert!(other.lock_partition("event.prod").unwrap().is_none());
    drop(held);
    assert!(other.lock_partition("event.prod").unwrap().is_some());
}

#[tokio::test]
async fn what_is_not_a_lake_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("catalog.sqlite"), "not a database, and long enough to tell").unwrap();
    let error = Lake::open(LakeOptions::new(folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("does not open as an SQLite database"), "{error}");

    let test = TestLake::new().await;
    drop(test.lake);
    let sql = "update ducklake_metadata set value = '2.0' where key = 'version'";
    execute(&test.folder.path(), sql).await;
    let error = Lake::open(LakeOptions::new(test.folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("it is DuckLake version \"2.0\" and this Egret reads 1.0"), "{error}");
}

#[tokio::test]
async fn a_lake_may_be_moved() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-01T10:00:00Z", 0..10)]).await;
    drop(test.lake);
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("50% of a lake #1?");
    std::fs::rename(test.folder.path(), &moved).unwrap();
    let lake = open(&moved, test.clock.clone()).await;
    assert_eq!(value(&lake, "select sum(n) from event").await, "45");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_waits_while_another_program_writes() {
    use sqlx::Connection as _;
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let url = format!("sqlite://{}", test.folder.path().join("catalog.sqlite").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let lake = test.lake.clone();
    let rows = [events("prod", "2024-02-01T10:00:00Z", 0..10)];
    let commit = tokio::spawn(async move { collect(&lake, &table, "prod", &rows).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!commit.is_finished());
    assert_eq!(value(&test.lake, "select count(*) from event").await, "0", "readers do not wait");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(commit.await.unwrap().sequences["event.prod"], 1);
    assert_eq!(value(&test.lake, "select count(*) from event").await, "10");
}

#[tokio::test]
async fn an_empty_commit_makes_no_snapshot() {
    let test = TestLake::new().await;
    let before = test.lake.snapshot().await.unwrap();
    assert_eq!(test.lake.commit(&Commit::default()).await.unwrap().snapshot, before);
    assert_eq!(test.lake.snapshot().await.unwrap(), before);
}

/// The files below a folder.
pub fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found.sort();
    found
}

/// Runs SQL on the catalog's database, as another program would.
pub async fn execute(folder: &std::path::Path, sql: &'static str) {
    use sqlx::Connection as _;
    let url = format!("sqlite://{}", folder.join("catalog.sqlite").display());
    let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}
