//! Compaction and deletes change which files there are, and never which rows beyond what was asked.

use std::collections::BTreeMap;

use egret_lake::{At, Commit, CompactOptions, Lake, ReadOptions, TableHandle};
use egret_model::{TimeRange, Timestamp, finding};
use proptest::prelude::*;

use crate::commits::files_below;
use crate::support::*;

const NOW: CompactOptions =
    CompactOptions { now: true, keep: 0, grace: 0, orphan_age: i64::MAX, follower: None };

/// All that is in the rows, in one number that does not depend on their order.
const DIGEST: &str = "select count(*) || ' ' || sum(n) || ' ' || sum(score) || ' ' || count(distinct tp_id) || ' ' \
    || sum(character_length(who['name'])) || ' ' || sum(cardinality(ips)) || ' ' || min(tp_timestamp) from event";

async fn many_small_files(test: &TestLake) -> TableHandle {
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    for n in 0..10 {
        let rows = events("prod", &format!("2024-02-01T{:02}:30:00Z", 22 - n % 3), n * 100..n * 100 + 100);
        collect(&test.lake, &table, "prod", &[rows]).await;
    }
    table
}

#[tokio::test]
async fn merging_keeps_every_row_sorted_and_leaves_one_file_a_day() {
    let test = TestLake::new().await;
    many_small_files(&test).await;
    let before = value(&test.lake, DIGEST).await;
    let outcome = test.lake.compact(&NOW).await.unwrap();
    assert_eq!(value(&test.lake, DIGEST).await, before);
    let info = test.lake.info().await.unwrap();
    assert_eq!((info.rows, info.files, info.snapshots), (1000, 2, 1));
    assert_eq!(outcome.written, 2);
    assert_eq!(outcome.deleted, outcome.merged);
    let files = files_below(test.lake.data_folder());
    assert_eq!(files.len(), 2, "{files:?}");
    for file in &files {
        let reader = std::fs::File::open(file).unwrap();
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(reader).unwrap();
        let times: Vec<i64> = reader
            .build()
            .unwrap()
            .flat_map(|batch| {
                use arrow::array::AsArray as _;
                let batch = batch.unwrap();
                let times = batch.column_by_name("tp_timestamp").unwrap();
                times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().values().to_vec()
            })
            .collect();
        assert!(times.is_sorted());
    }
    // There is nothing left to do.
    let again = test.lake.compact(&NOW).await.unwrap();
    assert_eq!((again.merged, again.written, again.deleted, again.orphans), (0, 0, 0, 0));
    assert_eq!(test.lake.sequence("event.prod").await.unwrap(), 10, "checkpoints are not touched");
}

#[tokio::test]
async fn without_now_older_snapshots_and_their_files_stay_for_a_while() {
    let test = TestLake::new().await;
    many_small_files(&test).await;
    let snapshot = test.lake.snapshot().await.unwrap();
    let before = value(&test.lake, DIGEST).await;
    let outcome = test.lake.compact(&CompactOptions::default()).await.unwrap();
    assert!(outcome.merged >= 8 && outcome.deleted == 0 && outcome.expired == 0, "{outcome:?}");
    let then = ReadOptions { at: Some(At::Snapshot(snapshot)), ..ReadOptions::default() };
    assert_eq!(value_with(&test.lake, &then, DIGEST).await, before);

    test.clock.advance_days(8);
    let outcome = test.lake.compact(&CompactOptions::default()).await.unwrap();
    assert!(outcome.expired > 10 && outcome.deleted == 0, "the files have their hour of grace: {outcome:?}");
    test.clock.advance_days(1);
    let outcome = test.lake.compact(&CompactOptions::default()).await.unwrap();
    assert!(outcome.deleted >= 8, "{outcome:?}");
    assert_eq!(value(&test.lake, DIGEST).await, before);
    assert_eq!(files_below(test.lake.data_folder()).len() as u64, test.lake.info().await.unwrap().files);
}

#[tokio::test]
async fn orphans_go_and_files_of_a_commit_in_flight_stay() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let rows = [events("prod", "2024-02-01T10:00:00Z", 0..10)];
    collect(&test.lake, &table, "prod", &rows).await;
    let in_flight = test.lake.write_files(&table, "prod", &rows).unwrap();
    let folder = in_flight[0].path().parent().unwrap().to_owned();
    let unfinished = folder.join("01a1fdfb-8bc2-7550-a54b-1b0b7e9fb6d3.parquet.tmp");
    let of_duckdb = folder.join("ducklake-01a1fdfb-8bc2-7550-a54b-1b0b7e9fb6d3.parquet");
    for path in [&unfinished, &of_duckdb] {
        std::fs::write(path, "half").unwrap();
    }
    let other = test.reopen().await;
    assert_eq!(other.compact(&NOW).await.unwrap().orphans, 0, "somebody has uncommitted files");
    assert!(in_flight[0].path().exists());
    test.lake.commit(&Commit { files: in_flight, ..Commit::default() }).await.unwrap();
    // Now it is committed, and the process that would finish the other is dead.
    assert_eq!(other.compact(&NOW).await.unwrap().orphans, 1);
    assert!(!unfinished.exists() && of_duckdb.exists());
    let aged = CompactOptions { orphan_age: i64::MIN / 4, ..NOW };
    assert_eq!(other.compact(&aged).await.unwrap().orphans, 1, "of DuckDB's files only the age counts");
    assert_eq!(value(&other, "select count(*) from event").await, "20");
}

#[tokio::test]
async fn a_range_is_deleted_and_its_findings_with_it() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    for (partition, from) in [("prod", 0), ("dev", 1000)] {
        for day in 0..3 {
            let rows = events(
                partition,
                &format!("2024-02-0{}T10:00:00Z", day + 1),
                from + day * 100..from + day * 100 + 100,
            );
            collect(&test.lake, &table, partition, &[rows]).await;
        }
    }
    let findings = test.lake.ensure_table(&finding::finding_schema()).await.unwrap();
    let mut found = Vec::new();
    for (about, at) in [
        ("event", "2024-02-01T10:30:00Z"),
        ("event", "2024-02-03T10:00:00Z"),
        ("other", "2024-02-01T10:30:00Z"),
    ] {
        found.push(finding_of(about, at));
    }
    let rows = egret_model::Finding::to_rows(&found).unwrap();
    let files = test.lake.write_files(&findings, "prod", &[rows]).unwrap();
    test.lake.commit(&Commit { files, ..Commit::default() }).await.unwrap();

    let range = TimeRange {
        from: Timestamp::parse("2024-02-01T10:30:00Z"),
        to: Timestamp::parse("2024-02-03T00:00:00Z"),
    };
    let outcome = test.lake.delete_rows("event", "prod", &range).await.unwrap();
    assert_eq!((outcome.rows, outcome.findings), (70 + 100 + 1, 1));
    let query =
        "select p || ' ' || c from (select tp_partition p, count(*) c from event group by 1) order by 1";
    let text = sql(&test.lake, &ReadOptions::default(), query).await;
    assert!(text.contains("dev 300") && text.contains("prod 130"), "{text}");
    assert_eq!(value(&test.lake, "select count(*) from finding where tp_table = 'event'").await, "1");
    assert_eq!(value(&test.lake, "select count(*) from finding where tp_table = 'other'").await, "1");
    assert_eq!(test.lake.checkpoints("event.prod").await.unwrap().len(), 1);

    let again = test.lake.delete_rows("event", "prod", &range).await.unwrap();
    assert_eq!(again.rows, 0);
    let outcome = test.lake.delete_rows("event", "prod", &TimeRange::default()).await.unwrap();
    assert_eq!(outcome.rows, 130 + 1);
    assert!(test.lake.checkpoints("event.prod").await.unwrap().is_empty(), "it is collected anew");
    assert_eq!(test.lake.checkpoints("event.dev").await.unwrap().len(), 1);
    assert_eq!(test.lake.sequence("event.prod").await.unwrap(), 3 + 1);
    test.lake.compact(&NOW).await.unwrap();
    assert_eq!(value(&test.lake, "select count(*) from event").await, "300");
}

fn finding_of(table: &str, at: &str) -> egret_model::Finding {
    egret_model::Finding {
        finding_id: format!("{table}{at}"),
        time: Timestamp::parse(at).unwrap(),
        detected_at: Timestamp::parse(at).unwrap(),
        detection_id: "d".to_owned(),
        detection_kind: "sql".to_owned(),
        detection_version: String::new(),
        title: String::new(),
        message: String::new(),
        description: String::new(),
        severity: egret_model::Severity::High,
        tags: Vec::new(),
        channel: String::new(),
        table: table.to_owned(),
        partition: "prod".to_owned(),
        origin: egret_model::Origin::Stream,
        observables: egret_model::Observables::default(),
        event_ids: vec!["1".to_owned()],
        evidence: vec![],
        event: "{}".to_owned(),
        source_location: String::new(),
    }
}

#[tokio::test]
async fn info_tells_what_is_there() {
    let test = TestLake::new().await;
    many_small_files(&test).await;
    let info = test.lake.info().await.unwrap();
    assert_eq!((info.rows, info.tables.len(), info.tables[0].partitions), (1000, 1, 1));
    assert!(info.catalog_bytes > 10_000 && info.bytes > 10_000 && info.snapshots > 10);
    let partitions = test.lake.partitions().await.unwrap();
    assert_eq!(partitions.len(), 1);
    assert_eq!(partitions[0].first, Timestamp::parse("2024-02-01T20:30:00Z"));
    assert_eq!(partitions[0].last, Timestamp::parse("2024-02-02T00:09:00Z"));
    let script = std::fs::read_to_string(test.lake.connect().await.unwrap()).unwrap();
    assert!(
        script.contains("CREATE OR REPLACE VIEW \"event\" AS SELECT * FROM lake.main.\"event\";"),
        "{script}"
    );
}

/// One thing that may happen to a lake.
#[derive(Debug, Clone)]
enum Step {
    Collect { partition: usize, day: u32, rows: i64 },
    Lose { rows: i64 },
    Delete { partition: usize, from_hour: u32, hours: u32 },
    Grow,
    Compact { now: bool },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..2usize, 1..4u32, 1..40i64).prop_map(|(partition, day, rows)| Step::Collect { partition, day, rows }),
        1 => (1..10i64).prop_map(|rows| Step::Lose { rows }),
        1 => (0..2usize, 0..72u32, 1..48u32)
            .prop_map(|(partition, from_hour, hours)| Step::Delete { partition, from_hour, hours }),
        1 => Just(Step::Grow),
        1 => any::<bool>().prop_map(|now| Step::Compact { now }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Whatever happens, the lake holds the rows that were committed and not deleted, each once.
    #[test]
    fn the_lake_holds_what_was_committed(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}

async fn play(steps: Vec<Step>) {
    let test = TestLake::new().await;
    let mut lake: Lake = test.lake.clone();
    let mut columns: Vec<String> =
        ["n bigint", "score double", "who struct(name varchar, place struct(city varchar))", "ips varchar[]"]
            .map(str::to_owned)
            .to_vec();
    let mut table = lake.ensure_table(&event_schema()).await.unwrap();
    let mut expected: BTreeMap<i64, (usize, i64)> = BTreeMap::new();
    let mut next = 0;
    for step in steps {
        match step {
            Step::Collect { partition, day, rows } => {
                let name = ["a", "b c"][partition];
                let batch = events(name, &format!("2024-02-{day:02}T12:00:00Z"), next..next + rows);
                collect(&lake, &table, name, std::slice::from_ref(&batch)).await;
                let start = time(&format!("2024-02-{day:02}T12:00:00Z"));
                for n in next..next + rows {
                    expected.insert(n, (partition, start + (rows - 1 - (n - next)) * 60_000_000));
                }
                next += rows;
            }
            Step::Lose { rows } => {
                // Written and never committed, as by a process that was killed.
                drop(lake.write_files(&table, "a", &[events("a", "2024-02-01T12:00:00Z", 0..rows)]).unwrap());
            }
            Step::Delete { partition, from_hour, hours } => {
                let from = time("2024-02-01") + i64::from(from_hour) * 3_600_000_000;
                let to = from + i64::from(hours) * 3_600_000_000;
                let range = TimeRange {
                    from: Some(Timestamp::from_micros(from)),
                    to: Some(Timestamp::from_micros(to)),
                };
                let before = expected.len();
                expected.retain(|_, (of, at)| *of != partition || !(from..to).contains(at));
                let outcome = lake.delete_rows("event", ["a", "b c"][partition], &range).await.unwrap();
                assert_eq!(outcome.rows as usize, before - expected.len());
            }
            Step::Grow => {
                columns.push(format!("c{} varchar", columns.len()));
                let texts: Vec<&str> = columns.iter().map(String::as_str).collect();
                table = lake.ensure_table(&schema("event", &texts)).await.unwrap();
            }
            Step::Compact { now } => {
                let options = CompactOptions { now, ..CompactOptions::default() };
                lake.compact(&options).await.unwrap();
                if now {
                    let files = files_below(lake.data_folder()).len() as u64;
                    assert_eq!(files, lake.info().await.unwrap().files);
                }
            }
            Step::Reopen => lake = test.reopen().await,
        }
    }
    let found =
        sql(&lake, &ReadOptions::default(), "select n, tp_partition from event order by n, tp_partition")
            .await;
    let found: Vec<(i64, usize)> = found
        .lines()
        .skip(3)
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let n = cells.nth(1)?.parse().ok()?;
            Some((n, if cells.next()? == "a" { 0 } else { 1 }))
        })
        .collect();
    let expected: Vec<(i64, usize)> =
        expected.into_iter().map(|(n, (partition, _))| (n, partition)).collect();
    assert_eq!(found, expected);
    assert_eq!(lake.info().await.unwrap().rows as usize, expected.len());
}
