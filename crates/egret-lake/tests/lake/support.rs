//! A temporary lake with a table, rows for it, and what SQL says about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, ListBuilder, RecordBatch, StringViewArray,
    StringViewBuilder, StructArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::SessionContext;
use egret_lake::{Commit, CommitOutcome, Lake, LakeOptions, PartitionCommit, ReadOptions, TableHandle};
use egret_model::{Checkpoint, Clock, Column, TableSchema, Timestamp};

/// A clock that goes on by a second each time it is asked.
#[derive(Debug)]
pub struct SteppingClock(AtomicI64);

impl SteppingClock {
    pub fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Timestamp::parse(text).unwrap().micros())))
    }

    pub fn advance_days(&self, days: i64) {
        self.0.fetch_add(days * 86_400_000_000, Ordering::SeqCst);
    }
}

impl Clock for SteppingClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.fetch_add(1_000_000, Ordering::SeqCst))
    }
}

impl Default for SteppingClock {
    fn default() -> Self {
        Self(AtomicI64::new(time("2024-03-01T00:00:00Z")))
    }
}

/// A lake that is gone at the end of the test.
pub type TestLake = egret_testkit::TemporaryLake<SteppingClock>;

pub async fn open(folder: &std::path::Path, clock: Arc<SteppingClock>) -> Lake {
    Lake::open(LakeOptions::new(folder).with_clock(clock)).await.unwrap()
}

/// A table schema out of `name type` lines, with the columns that partition it.
pub fn schema(name: &str, columns: &[&str]) -> TableSchema {
    let common = ["tp_id varchar", "tp_timestamp timestamp", "tp_partition varchar", "tp_date date"];
    let columns = columns.iter().chain(&common).map(|text| {
        let (name, kind) = text.split_once(' ').unwrap();
        Column::new(name, kind.parse().unwrap(), "")
    });
    TableSchema {
        name: name.to_owned(),
        description: String::new(),
        channel: name.to_owned(),
        columns: columns.collect(),
        roots: Vec::new(),
    }
}

/// The table most tests use: plain, nested and list columns.
pub fn event_schema() -> TableSchema {
    let columns =
        ["n bigint", "score double", "who struct(name varchar, place struct(city varchar))", "ips varchar[]"];
    schema("event", &columns)
}

pub fn time(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().micros()
}

/// Rows of [`event_schema`] with these numbers, one a minute from `start` on, backwards in time.
pub fn events(partition: &str, start: &str, numbers: std::ops::Range<i64>) -> RecordBatch {
    let count = numbers.end - numbers.start;
    let times: Vec<i64> =
        numbers.clone().map(|n| time(start) + (count - 1 - (n - numbers.start)) * 60_000_000).collect();
    let days = times.iter().map(|time| Timestamp::from_micros(*time).days());
    let names: ArrayRef =
        Arc::new(numbers.clone().map(|n| Some(format!("name {n}"))).collect::<StringViewArray>());
    let cities: ArrayRef = Arc::new(
        numbers.clone().map(|n| (n % 3 > 0).then(|| format!("city {}", n % 3))).collect::<StringViewArray>(),
    );
    let place: ArrayRef =
        Arc::new(StructArray::from(vec![(Arc::new(Field::new("city", DataType::Utf8View, true)), cities)]));
    let who: ArrayRef = Arc::new(StructArray::from(vec![
        (Arc::new(Field::new("name", DataType::Utf8View, true)), names),
        (Arc::new(Field::new("place", place.data_type().clone(), true)), place),
    ]));
    let mut ips = ListBuilder::new(StringViewBuilder::new()).with_field(Field::new(
        "element",
        DataType::Utf8View,
        true,
    ));
    for n in numbers.clone() {
        match n % 4 {
            0 => ips.append(false),
            count => ips.append_value((0..count).map(|i| Some(format!("10.0.{n}.{i}")))),
        }
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("n", Arc::new(Int64Array::from_iter_values(numbers.clone()))),
        (
            "score",
            Arc::new(
                numbers.clone().map(|n| (n % 5 > 0).then_some(n as f64 / 10.0)).collect::<Float64Array>(),
            ),
        ),
        ("who", who),
        ("ips", Arc::new(ips.finish())),
        (
            "tp_id",
            Arc::new(numbers.map(|n| Some(format!("{partition}-{n:08}"))).collect::<StringViewArray>()),
        ),
        ("tp_timestamp", Arc::new(TimestampMicrosecondArray::from(times.clone()))),
        ("tp_date", Arc::new(Date32Array::from_iter_values(days))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

pub fn checkpoint(object: &str, offset: u64) -> Checkpoint {
    Checkpoint { object: object.to_owned(), offset, finished: false, state: r#"{"v":1}"#.to_owned() }
}

/// Writes rows and commits them with a checkpoint, as a collector does.
pub async fn collect(
    lake: &Lake,
    table: &TableHandle,
    partition: &str,
    rows: &[RecordBatch],
) -> CommitOutcome {
    let name = format!("{}.{partition}", table.name());
    let expected_sequence = lake.sequence(&name).await.unwrap();
    let commit = Commit {
        files: lake.write_files(table, partition, rows).unwrap(),
        partitions: vec![PartitionCommit {
            partition: name,
            expected_sequence,
            checkpoints: vec![checkpoint("object", expected_sequence * 100)],
            reset: false,
        }],
        author: Some("test".to_owned()),
        ..Commit::default()
    };
    lake.commit(&commit).await.unwrap()
}

/// What SQL gives, as a table drawn with lines.
pub async fn sql(lake: &Lake, options: &ReadOptions, sql: &str) -> String {
    let context = SessionContext::new();
    lake.register(&context, options).await.unwrap();
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The single value that SQL gives, as text.
pub async fn value(lake: &Lake, query: &str) -> String {
    value_with(lake, &ReadOptions::default(), query).await
}

pub async fn value_with(lake: &Lake, options: &ReadOptions, query: &str) -> String {
    let text = sql(lake, options, query).await;
    text.lines().nth(3).unwrap_or_default().trim_matches(['|', ' ']).to_owned()
}
