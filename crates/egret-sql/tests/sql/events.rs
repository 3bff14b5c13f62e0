//! A small table of events with every kind of column, and a session that has it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use egret_model::{Clock, ColumnType, Timestamp};
use egret_sql::{Session, SessionOptions, SqlCompiler};

/// A clock that stands still.
#[derive(Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock(Timestamp::parse("2024-02-03T12:00:00Z").unwrap()))
}

pub fn path(name: &str) -> PathBuf {
    egret_testkit::crate_folder().join("tests/slt").join(name)
}

/// The schema in `event.schema`: a name and a DuckDB type a line.
pub fn schema() -> SchemaRef {
    let text = fs::read_to_string(path("event.schema")).unwrap();
    let field = |line: &str| {
        let (name, column_type) = line.split_once(' ').unwrap();
        Field::new(name.trim_matches('"'), column_type.parse::<ColumnType>().unwrap().to_arrow(), true)
    };
    Arc::new(Schema::new(text.lines().map(field).collect::<Vec<_>>()))
}

/// The rows in `event.jsonl`.
pub fn rows() -> RecordBatch {
    let file = fs::File::open(path("event.jsonl")).unwrap();
    let mut reader = ReaderBuilder::new(schema()).build(std::io::BufReader::new(file)).unwrap();
    reader.next().unwrap().unwrap()
}

pub fn empty_session() -> Session {
    let options = SessionOptions {
        memory_bytes: 64 << 20,
        threads: 2,
        spill_dir: None,
        clock: clock(),
        lookups: Arc::default(),
    };
    Session::new(options).unwrap()
}

pub fn session() -> Session {
    let session = empty_session();
    session.register_batches("event", schema(), vec![rows()]).unwrap();
    session
}

pub fn compiler() -> SqlCompiler {
    SqlCompiler::new(clock())
}
