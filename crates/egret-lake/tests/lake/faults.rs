//! A process that is killed, and a disk that is full, cost no row and store none twice.
//!
//! Both need a process of their own: the test starts its own binary again with one of the ignored tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use arrow::array::{Array as _, ArrayRef, Date32Array, RecordBatch, StringViewArray};
use egret_lake::{Commit, CompactOptions, PartitionCommit};

use crate::commits::files_below;
use crate::support::*;

const FOLDER: &str = "EGRET_TEST_LAKE_FOLDER";

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).expect("run by another test, which says where"))
}

/// This binary, running one ignored test on a folder, after some shell commands.
fn child(test: &str, folder: &Path, setup: &str) -> Command {
    let mut command = Command::new("sh");
    let script = format!("{setup} exec \"$0\" --exact {test} --ignored --nocapture");
    command.args(["-c", &script]).arg(std::env::current_exe().unwrap()).env(FOLDER, folder);
    command
}

/// Collects without end: ten rows a commit, and the offset is the number of rows.
#[tokio::test]
#[ignore = "run by a_killed_collector_neither_loses_nor_repeats"]
async fn collect_forever() {
    let lake = open(&folder(), SteppingClock::at("2024-03-01T00:00:00Z")).await;
    let table = lake.ensure_table(&event_schema()).await.unwrap();
    loop {
        let checkpoints = lake.checkpoints("event.p").await.unwrap();
        let done = checkpoints.get("o").map_or(0, |checkpoint| checkpoint.offset);
        let from = i64::try_from(done).unwrap();
        let rows = events("p", "2024-02-01T23:55:00Z", from..from + 10);
        let commit = Commit {
            files: lake.write_files(&table, "p", &[rows]).unwrap(),
            partitions: vec![PartitionCommit {
                partition: "event.p".to_owned(),
                expected_sequence: lake.sequence("event.p").await.unwrap(),
                checkpoints: vec![checkpoint("o", done + 10)],
                reset: false,
            }],
            ..Commit::default()
        };
        lake.commit(&commit).await.unwrap();
    }
}

#[tokio::test]
async fn a_killed_collector_neither_loses_nor_repeats() {
    let test = TestLake::new().await;
    test.lake.ensure_table(&event_schema()).await.unwrap();
    let mut before = 0;
    for round in 0..6u64 {
        let mut collector = child("faults::collect_forever", &test.folder.path(), "")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Wait until it is at work, then let it die in the middle of something.
        let at_work = async {
            while test.lake.sequence("event.p").await.unwrap() < before / 10 + 3 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), at_work).await.expect("the collector commits");
        tokio::time::sleep(Duration::from_millis(round * 7 % 23)).await;
        collector.kill().unwrap();
        collector.wait().unwrap();

        let lake = test.reopen().await;
        let offset = lake.checkpoints("event.p").await.unwrap()["o"].offset;
        assert!(offset > before);
        let found =
            value(&lake, "select count(*) || ' ' || count(distinct n) || ' ' || max(n) from event").await;
        assert_eq!(found, format!("{offset} {offset} {}", offset - 1));
        assert_eq!(lake.sequence("event.p").await.unwrap() * 10, offset);
        before = offset;
    }
    test.lake.compact(&CompactOptions { now: true, ..CompactOptions::default() }).await.unwrap();
    assert_eq!(value(&test.lake, "select count(distinct n) from event").await, before.to_string());
    assert_eq!(files_below(test.lake.data_folder()).len() as u64, test.lake.info().await.unwrap().files);
}

/// Rows that do not compress: `bytes` of them.
fn noise(bytes: usize) -> RecordBatch {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut text = || {
        let mut line = String::with_capacity(100_000);
        while line.len() < 100_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            line.push_str(&format!("{:016x}", state ^ (state >> 29)));
        }
        line
    };
    let lines: StringViewArray = (0..bytes / 100_000).map(|_| Some(text())).collect();
    let dates: ArrayRef = std::sync::Arc::new(Date32Array::from_value(19_754, lines.len()));
    RecordBatch::try_from_iter([("noise", std::sync::Arc::new(lines) as ArrayRef), ("tp_date", dates)])
        .unwrap()
}

#[tokio::test]
#[ignore = "run by a_full_disk_is_an_error_and_leaves_nothing"]
async fn write_too_much() {
    let lake = open(&folder(), SteppingClock::at("2024-03-01T00:00:00Z")).await;
    let table = lake.ensure_table(&schema("t", &["noise varchar"])).await.unwrap();
    let error = lake.write_files(&table, "p", &[noise(20_000_000)]).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
    assert!(files_below(lake.data_folder()).is_empty(), "nothing is left behind");
    collect(&lake, &table, "p", &[noise(100_000)]).await;
    assert_eq!(value(&lake, "select count(*) from t").await, "1");
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    // A limit on the size of files stands in for the disk: the system refuses the write just the same.
    let output =
        child("faults::write_too_much", folder.path(), "trap '' XFSZ; ulimit -f 4096;").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
