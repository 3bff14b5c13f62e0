//! Reading a part of a table sorted by time and writing it anew, in bounded memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Date32Type;
use datafusion::common::ScalarValue;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, SortExpr, col, lit};
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use futures_util::StreamExt as _;

use crate::arrange;
use crate::commit::{FileRef, StoredRows};
use crate::error::LakeError;
use crate::files::{self, CommittedFile, InlinedRows};
use crate::lake::Lake;
use crate::read::{find_escaped_files, read_error};
use crate::table::TableHandle;
use crate::write::{DataFile, FileWriter};

/// A file is closed at this size and the next one begun.
const TARGET_BYTES: usize = 256 << 20;
/// What sorting may hold in memory before it goes to the disk.
const SORT_MEMORY: usize = 192 << 20;

/// The rows of one partition and day, or of a whole table if some of its files are not kept by those.
#[derive(Debug)]
pub(crate) struct Group {
    /// Partition and day; `None` for the whole table.
    pub key: Option<(String, String)>,
    pub files: Vec<CommittedFile>,
    pub inlined: Vec<InlinedRows>,
}

impl Group {
    fn empty(key: &(String, String)) -> Self {
        Self { key: Some(key.clone()), files: Vec::new(), inlined: Vec::new() }
    }

    /// What to remove when the group is written anew.
    pub(crate) fn references(&self, table: &TableHandle, snapshot: i64) -> Vec<FileRef> {
        let inlined = self.inlined.iter().map(|rows| FileRef {
            table: table.name().to_owned(),
            table_id: table.id(),
            rows: StoredRows::Inlined { partition: rows.partition.clone(), date: rows.date.clone() },
            snapshot,
        });
        self.files.iter().map(|file| file.reference.clone()).chain(inlined).collect()
    }
}

/// The table's rows at a snapshot, in groups that are written anew independently of each other. Files of
/// rows without partition or day, which only others write, are in none.
pub(crate) async fn groups(lake: &Lake, snapshot: i64, table: &TableHandle) -> Result<Vec<Group>, LakeError> {
    let mut transaction = lake.catalog().read().await?;
    let files = files::list(&mut transaction, snapshot, table).await?;
    let inlined = files::inlined_rows(&mut transaction, snapshot, table).await?;
    drop(transaction);
    if files.iter().any(|file| !file.partitioned) {
        return Ok(vec![Group { key: None, files, inlined }]);
    }
    let mut groups: BTreeMap<(String, String), Group> = BTreeMap::new();
    for file in files {
        let (Some(partition), Some(date)) = (file.partition.clone(), file.date.clone()) else {
            continue;
        };
        groups.entry((partition, date)).or_insert_with_key(Group::empty).files.push(file);
    }
    for rows in inlined {
        let key = (rows.partition.clone(), rows.date.clone());
        groups.entry(key).or_insert_with_key(Group::empty).inlined.push(rows);
    }
    Ok(groups.into_values().collect())
}

/// Writes the rows of a group that `keep` accepts to new files, sorted by time.
pub(crate) async fn rewrite(
    lake: &Lake,
    snapshot: i64,
    table: &TableHandle,
    group: &Group,
    keep: Option<Expr>,
) -> Result<Vec<DataFile>, LakeError> {
    let mut frame = scan(lake, snapshot, table).await?;
    if let Some((partition, date)) = &group.key {
        let date = ScalarValue::try_from_string(date.clone(), &arrow::datatypes::DataType::Date32);
        let wanted = col("tp_partition")
            .eq(lit(ScalarValue::Utf8View(Some(partition.clone()))))
            .and(col("tp_date").eq(lit(date.map_err(read_error)?)));
        frame = frame.filter(wanted).map_err(read_error)?;
    }
    if let Some(keep) = keep {
        frame = frame.filter(keep).map_err(read_error)?;
    }
    let order = ["tp_partition", "tp_date", "tp_timestamp"];
    let order: Vec<SortExpr> = order
        .into_iter()
        .filter(|name| table.column(name).is_some())
        .map(|name| col(name).sort(true, false))
        .collect();
    let frame = frame.sort(order).map_err(read_error)?;
    let mut rows = frame.execute_stream().await.map_err(read_error)?;
    let mut writers = Writers { lake, table, current: None, done: Vec::new() };
    while let Some(batch) = rows.next().await {
        writers.write(&batch.map_err(read_error)?)?;
    }
    writers.finish()
}

/// The table at a snapshot, to be read by a session that spills what it cannot hold.
async fn scan(lake: &Lake, snapshot: i64, table: &TableHandle) -> Result<DataFrame, LakeError> {
    let runtime = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(SORT_MEMORY)))
        .build_arc()
        .map_err(read_error)?;
    // One stream of rows needs one sort, which may use all of the memory.
    let config = SessionConfig::new().with_target_partitions(1);
    let context = SessionContext::new_with_config_rt(config, runtime);
    find_escaped_files(&context);
    let schema = lake.schema_at(snapshot).await?;
    let provider = schema.table(table.name()).await.map_err(read_error)?;
    let Some(provider) = provider else {
        return Err(LakeError::Read(format!("table `{}` is not in snapshot {snapshot}", table.name())));
    };
    context.read_table(provider).map_err(read_error)
}

/// Writes sorted rows, a file for each partition and day, and another when one is full.
struct Writers<'a> {
    lake: &'a Lake,
    table: &'a TableHandle,
    current: Option<((String, i32), FileWriter)>,
    done: Vec<DataFile>,
}

impl Writers<'_> {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let rows = arrange::extend(self.table, "", None, batch)?;
        let mut start = 0;
        while start < rows.num_rows() {
            let key = self.key(&rows, start)?;
            let mut end = rows.num_rows();
            if self.key(&rows, end - 1)? != key {
                end = start + 1;
                while self.key(&rows, end)? == key {
                    end += 1;
                }
            }
            self.write_run(key, &rows.slice(start, end - start))?;
            start = end;
        }
        Ok(())
    }

    fn write_run(&mut self, key: (String, i32), rows: &RecordBatch) -> Result<(), LakeError> {
        let writer = match self.current.take() {
            Some((current, writer)) if current == key && writer.bytes() < TARGET_BYTES => writer,
            previous => {
                if let Some((_, full)) = previous {
                    self.done.push(full.finish()?);
                }
                FileWriter::create(self.lake, self.table, &key.0, key.1, rows)?
            }
        };
        let (_, writer) = self.current.insert((key, writer));
        writer.write(rows)
    }

    /// The partition and day of a row.
    fn key(&self, rows: &RecordBatch, row: usize) -> Result<(String, i32), LakeError> {
        let partitions = rows.column_by_name("tp_partition").and_then(|column| column.as_string_view_opt());
        let dates = rows.column_by_name("tp_date").and_then(|column| column.as_primitive_opt::<Date32Type>());
        match (partitions, dates) {
            (Some(partitions), Some(dates)) if partitions.is_valid(row) && dates.is_valid(row) => {
                Ok((partitions.value(row).to_owned(), dates.value(row)))
            }
            _ => Err(LakeError::Rows {
                table: self.table.name().to_owned(),
                reason: "a row has no `tp_partition` or `tp_date`; give it both with DuckDB".to_owned(),
            }),
        }
    }

    fn finish(mut self) -> Result<Vec<DataFile>, LakeError> {
        if let Some((_, last)) = self.current.take() {
            self.done.push(last.finish()?);
        }
        Ok(self.done)
    }
}
