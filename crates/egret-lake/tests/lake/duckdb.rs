//! The real DuckDB, attached to our catalog, sees what we see, and may write.

use std::path::Path;
use std::process::Command;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use datafusion::prelude::SessionContext;
use egret_lake::{CompactOptions, Lake, ReadOptions};
use egret_model::TimeRange;

use crate::support::*;

/// Runs SQL in a DuckDB that has the lake attached as `lake`, and gives each statement's rows, one a line,
/// values separated by ` | `. A missing DuckDB fails the test: agreement unproven is not agreement.
fn duckdb_all(folder: &Path, statements: &[&str]) -> Vec<Vec<String>> {
    let python = std::env::var("EGRET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = egret_testkit::crate_folder().join("tests/duckdb/agree.py");
    let output = Command::new(&python).arg(&script).arg(folder).args(statements).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{python} {}: {errors}", script.display());
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_terminator("-- end\n").map(|rows| rows.lines().map(str::to_owned).collect()).collect()
}

/// The rows of the last statement.
fn duckdb(folder: &Path, statements: &[&str]) -> Vec<String> {
    duckdb_all(folder, statements).pop().unwrap()
}

/// Queries that mean the same in both engines.
const SAME: [&str; 8] = [
    "select count(*), sum(n), count(score), count(distinct tp_id) from event",
    "select n, tp_id, tp_partition, cast(tp_date as varchar) from event order by n, tp_id",
    "select n, round(score * 10) from event where score is not null order by n",
    "select count(*) from event where score is null",
    "select tp_partition, cast(tp_date as varchar), count(*) from event group by 1, 2 order by 1, 2",
    "select count(*) from event where tp_date = date '2024-02-02' and n > 110",
    "select count(*), min(n), max(n) from event where tp_timestamp >= timestamp '2024-02-01 23:40:00'",
    "select \"partition\", object, byte_offset, finished, state, sequence from checkpoint order by 1, 2",
];

/// Nested values: the same question in each engine's words.
const NESTED: [(&str, &str); 3] = [
    (
        "select who['name'], who['place']['city'] from event order by n",
        "select who.name, who.place.city from event order by n",
    ),
    (
        "select n, ips[1], cardinality(ips) from event where ips is not null order by n",
        "select n, ips[1], len(ips) from event where ips is not null order by n",
    ),
    ("select count(*) from event where ips is null", "select count(*) from event where ips is null"),
];

async fn ours(lake: &Lake, query: &str) -> Vec<String> {
    let context = SessionContext::new();
    lake.register(&context, &ReadOptions::default()).await.unwrap();
    let batches = context.sql(query).await.unwrap().collect().await.unwrap();
    let mut lines = Vec::new();
    for batch in batches {
        let options = arrow::util::display::FormatOptions::default().with_null("NULL");
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|column| arrow::util::display::ArrayFormatter::try_new(column.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            lines.push(cells.join(" | "));
        }
    }
    lines
}

async fn agree(lake: &Lake, when: &str) {
    let pairs: Vec<(&str, &str)> = SAME.iter().map(|query| (*query, *query)).chain(NESTED).collect();
    let theirs: Vec<&str> = pairs.iter().map(|(_, theirs)| *theirs).collect();
    let theirs = duckdb_all(lake.folder(), &theirs);
    assert_eq!(theirs.len(), pairs.len());
    for ((query, _), theirs) in pairs.into_iter().zip(theirs) {
        assert_eq!(theirs, ours(lake, query).await, "{when}: {query}");
    }
}

async fn lake_with_rows() -> TestLake {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-01T23:00:00Z", 0..120)]).await;
    collect(&test.lake, &table, "a b/c", &[events("a b/c", "2024-02-02T12:00:00Z", 120..150)]).await;
    test
}

/// Of a column with a handful of texts the catalog has the bounds, of one with many it has none: nobody may take
/// the bounds of one file for those of all.
#[tokio::test]
async fn texts_are_found_in_files_with_and_without_bounds() {
    let test = TestLake::new().await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    let questions = [
        ("who['name'] = 'name 4'", "who.name = 'name 4'"),
        ("who['name'] = 'name 77'", "who.name = 'name 77'"),
        ("who['place']['city'] = 'city 1'", "who.place.city = 'city 1'"),
        ("who['place']['city'] is null", "who.place.city is null"),
        ("ips[1] = '10.0.77.0'", "ips[1] = '10.0.77.0'"),
        ("tp_id = 'prod-00000129'", "tp_id = 'prod-00000129'"),
        ("tp_id is null", "tp_id is null"),
    ];
    for (numbers, expected) in [
        (0..10, ["1", "0", "3", "4", "0", "0", "0"]),
        (10..130, ["1", "1", "43", "44", "1", "1", "0"]),
        (130..140, ["1", "1", "47", "47", "1", "1", "0"]),
    ] {
        collect(&test.lake, &table, "prod", &[events("prod", "2024-02-01T12:00:00Z", numbers.clone())]).await;
        let theirs: Vec<String> = questions
            .iter()
            .map(|(_, theirs)| format!("select count(*) from event where {theirs}"))
            .collect();
        let theirs: Vec<&str> = theirs.iter().map(String::as_str).collect();
        let found: Vec<String> = duckdb_all(test.lake.folder(), &theirs).into_iter().flatten().collect();
        assert_eq!(found, expected, "DuckDB, after {numbers:?}");
        for ((question, _), expected) in questions.iter().zip(expected) {
            let query = format!("select count(*) from event where {question}");
            assert_eq!(ours(&test.lake, &query).await, [expected], "{question} after {numbers:?}");
        }
    }
}

#[tokio::test]
async fn duckdb_agrees_at_every_stage() {
    let test = lake_with_rows().await;
    agree(&test.lake, "at first").await;

    let columns = [
        "n bigint",
        "score double",
        "who struct(name varchar, place struct(city varchar, zip integer))",
        "ips varchar[]",
        "added varchar",
    ];
    let table = test.lake.ensure_table(&schema("event", &columns)).await.unwrap();
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-02T01:00:00Z", 200..260)]).await;
    agree(&test.lake, "after the table grew").await;
    let query = "select count(*), count(added) from event where added is null";
    assert_eq!(duckdb(test.lake.folder(), &[query]), ["240 | 0".replace("240", "210")]);
    assert_eq!(
        duckdb(test.lake.folder(), &["select count(*) from event where who.place.zip is null"]),
        ["210"]
    );

    let range = TimeRange {
        from: egret_model::Timestamp::parse("2024-02-02"),
        to: egret_model::Timestamp::parse("2024-02-02T00:30:00Z"),
    };
    assert_eq!(test.lake.delete_rows("event", "prod", &range).await.unwrap().rows, 30);
    agree(&test.lake, "after a delete").await;

    test.lake.compact(&CompactOptions { now: true, ..CompactOptions::default() }).await.unwrap();
    agree(&test.lake, "after compaction").await;
    let glob = format!(
        "from read_parquet('{}/main/event/**/*.parquet', hive_partitioning = true)",
        test.lake.data_folder().display()
    );
    for select in [
        "select count(*), sum(n), count(score), count(distinct tp_id), sum(len(ips)), count(who.place.city), count(added)",
        "select n, tp_id, tp_partition, tp_date, tp_timestamp, who.name",
    ] {
        let order = if select.contains("count") { "" } else { "order by n" };
        let files = duckdb(test.lake.folder(), &[&format!("{select} {glob} {order}")]);
        let attached = duckdb(test.lake.folder(), &[&format!("{select} from event {order}")]);
        assert_eq!(files, attached);
    }
    // The snapshot that DuckDB reads is the one that we do.
    let snapshot = duckdb(test.lake.folder(), &["select max(snapshot_id) from ducklake_snapshots('lake')"]);
    assert_eq!(snapshot, [test.lake.snapshot().await.unwrap().to_string()]);
}

#[tokio::test]
async fn duckdb_may_write_and_we_go_on() {
    let test = lake_with_rows().await;
    let folder = test.lake.folder().to_owned();
    let insert = |count: usize, from: usize| {
        format!(
            "insert into lake.event(n, tp_id, tp_partition, tp_date, tp_timestamp, ips, who) \
             select i, 'duck-' || i, 'prod', date '2024-02-05', timestamp '2024-02-05 10:00:00' + interval (i) second, \
             ['x'], {{'name': 'duck', 'place': {{'city': 'pond'}}}} from range({from}, {}) r(i)",
            from + count
        )
    };
    // A large insert makes a file, a small one, if somebody asks DuckDB for it, rows in the catalog.
    duckdb(&folder, &["call lake.set_option('data_inlining_row_limit', '10')"]);
    duckdb(&folder, &[&insert(50, 1000), &insert(5, 2000)]);
    agree(&test.lake, "after DuckDB's inserts").await;
    assert_eq!(value(&test.lake, "select count(*) from event where who['name'] = 'duck'").await, "55");
    assert_eq!(test.lake.info().await.unwrap().rows, 205);

    duckdb(
        &folder,
        &[
            "alter table lake.event add column pond varchar",
            "delete from lake.event where n in (3, 1003, 2003)",
            "update lake.event set pond = 'deep' where n = 5",
        ],
    );
    agree(&test.lake, "after DuckDB's delete and update").await;
    let table = test.lake.ensure_table(&event_schema()).await.unwrap();
    assert!(table.schema().column_with_name("pond").is_some());
    collect(&test.lake, &table, "prod", &[events("prod", "2024-02-05T10:00:00Z", 3000..3020)]).await;
    agree(&test.lake, "after our commit on top").await;
    assert_eq!(duckdb(&folder, &["select count(*), count(pond) from event"]), ["222 | 1"]);
    assert_eq!(test.lake.info().await.unwrap().rows, 222);

    test.lake.compact(&CompactOptions { now: true, ..CompactOptions::default() }).await.unwrap();
    agree(&test.lake, "after compacting DuckDB's rows").await;
    let glob = format!(
        "select count(*), count(pond), sum(n) from read_parquet('{}/main/event/**/*.parquet', hive_partitioning = true)",
        test.lake.data_folder().display()
    );
    let attached = duckdb(&folder, &["select count(*), count(pond), sum(n) from event"]);
    assert_eq!(duckdb(&folder, &[&glob]), attached);
    assert_eq!(attached[0].split(" | ").next(), Some("222"));
    // DuckDB still can write, and its own maintenance works.
    duckdb(
        &folder,
        &[
            &insert(30, 5000),
            "call ducklake_merge_adjacent_files('lake')",
            "select count(*) from ducklake_expire_snapshots('lake', older_than => now())",
            "call ducklake_cleanup_old_files('lake', cleanup_all => true)",
        ],
    );
    agree(&test.lake, "after DuckDB's maintenance").await;
}

#[tokio::test]
async fn checkpoints_survive_duckdbs_flush() {
    let test = lake_with_rows().await;
    let before = test.lake.checkpoints("event.prod").await.unwrap();
    assert_eq!(before.len(), 1);
    duckdb(test.lake.folder(), &["call ducklake_flush_inlined_data('lake')"]);
    let lake = test.reopen().await;
    assert_eq!(lake.sequence("event.prod").await.unwrap(), 1);
    assert_eq!(lake.checkpoints("event.prod").await.unwrap(), before);
    let table = lake.table("event").await.unwrap();
    let outcome = collect(&lake, &table, "prod", &[events("prod", "2024-02-03T00:00:00Z", 500..510)]).await;
    assert_eq!(outcome.sequences["event.prod"], 2);
    agree(&lake, "after the checkpoints came back").await;

    duckdb(lake.folder(), &["drop table lake.checkpoint"]);
    let error = Lake::open(egret_lake::LakeOptions::new(test.folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("its table `checkpoint` was dropped or renamed"), "{error}");
}

#[tokio::test]
async fn bounds_that_only_we_know_do_not_mislead_duckdb() {
    let test = TestLake::new().await;
    let table =
        test.lake.ensure_table(&schema("t", &["long varchar", "late varchar", "f double"])).await.unwrap();
    let rows = |long: &str, late: Option<&str>, f: f64| {
        let columns: Vec<(&str, arrow::array::ArrayRef)> = vec![
            ("long", std::sync::Arc::new(arrow::array::StringViewArray::from(vec![long]))),
            ("late", std::sync::Arc::new(arrow::array::StringViewArray::from(vec![late]))),
            ("f", std::sync::Arc::new(arrow::array::Float64Array::from(vec![f]))),
            (
                "tp_timestamp",
                std::sync::Arc::new(arrow::array::TimestampMicrosecondArray::from(vec![time("2024-02-01")])),
            ),
            ("tp_date", std::sync::Arc::new(arrow::array::Date32Array::from(vec![19_754]))),
        ];
        arrow::array::RecordBatch::try_from_iter(columns).unwrap()
    };
    let long = "x".repeat(300);
    collect(&test.lake, &table, "p", &[rows("short", None, 1.5)]).await;
    collect(&test.lake, &table, "p", &[rows(&long, Some("b"), f64::NAN)]).await;
    collect(&test.lake, &table, "p", &[rows("", Some("a"), -1e300)]).await;
    let folder = test.lake.folder();
    duckdb(
        folder,
        &[
            "insert into lake.t(long, late, f, tp_partition, tp_date) values ('m', 'm', 0.5, 'p', date '2024-02-01')",
        ],
    );
    for (query, expected) in [
        (format!("select count(*) from t where long = '{long}'"), "1"),
        ("select count(*) from t where late = 'a'".to_owned(), "1"),
        ("select count(*) from t where late is null".to_owned(), "1"),
        ("select count(*) from t where isnan(f)".to_owned(), "1"),
        ("select count(*) from t where f < -1e299".to_owned(), "1"),
        ("select count(*) from t where f > 1e299".to_owned(), "1"),
        ("select min(late) || max(late) || min(long) from t".to_owned(), "am"),
        ("select max(long) = repeat('x', 300) from t".to_owned(), "true"),
    ] {
        assert_eq!(duckdb(folder, &[&query]), [expected], "{query}");
    }
    let count = ours(&test.lake, &format!("select count(*) from t where long = '{long}'")).await;
    assert_eq!(count, ["1"]);
    assert_eq!(ours(&test.lake, "select min(late), max(late), count(*) from t").await, ["a | m | 4"]);
}

#[tokio::test]
async fn the_script_for_duckdb_works() {
    let test = lake_with_rows().await;
    let script = test.lake.connect().await.unwrap();
    let lines =
        duckdb(test.lake.folder(), &["--script", script.to_str().unwrap(), "select count(*) from event"]);
    assert_eq!(lines, ["150"]);
    let context = SessionContext::new();
    test.lake.register(&context, &ReadOptions::default()).await.unwrap();
    let rows = context.sql("select count(*) from event").await.unwrap().collect().await.unwrap();
    assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 150);
}
