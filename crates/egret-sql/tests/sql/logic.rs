//! The `.slt` files: queries with their rows. `EGRET_UPDATE_SLT=1` writes the rows anew.

use std::fs;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use egret_sql::{Session, SqlError};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

use crate::events;

struct Engine {
    runtime: tokio::runtime::Runtime,
    session: Session,
}

impl Engine {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        Self { runtime, session: events::session() }
    }
}

impl DB for Engine {
    type Error = SqlError;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, SqlError> {
        let batches = self.runtime.block_on(async { self.session.query(sql).await?.collect().await })?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                rows.push(batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect());
            }
        }
        let columns = batches.first().map_or(0, |batch| batch.num_columns());
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }
}

/// A value as Python would print it, since that is what the comparison with DuckDB reads.
fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    match column.data_type() {
        DataType::Float64 => format!("{:?}", column.as_primitive::<Float64Type>().value(row)),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            let cells: Vec<String> = (0..values.len()).map(|index| cell(values.as_ref(), index)).collect();
            format!("[{}]", cells.join(", "))
        }
        DataType::Struct(fields) => {
            let values = column.as_struct();
            let cell = |(index, name): (usize, &str)| format!("{name}: {}", cell(values.column(index), row));
            let names = fields.iter().map(|field| field.name().as_str());
            format!("{{{}}}", names.enumerate().map(cell).collect::<Vec<_>>().join(", "))
        }
        _ => {
            let options = FormatOptions::default();
            let text = ArrayFormatter::try_new(column, &options).unwrap().value(row).to_string();
            if text.is_empty() { "(empty)".to_owned() } else { text }
        }
    }
}

#[test]
fn queries_give_the_rows_that_the_files_say() {
    let mut files: Vec<_> =
        fs::read_dir(events::path("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "slt"));
    files.sort();
    assert!(files.len() > 3, "the files are gone");
    let mut failures = Vec::new();
    for file in files {
        let mut runner = Runner::new(|| async { Ok(Engine::new()) });
        if std::env::var_os("EGRET_UPDATE_SLT").is_some() {
            futures_util::future::FutureExt::now_or_never(runner.update_test_file(
                &file,
                " ",
                sqllogictest::default_validator,
                sqllogictest::default_normalizer,
                sqllogictest::default_column_validator,
            ))
            .unwrap()
            .unwrap();
            continue;
        }
        if let Err(error) = runner.run_file(&file) {
            failures.push(error.display(false).to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
