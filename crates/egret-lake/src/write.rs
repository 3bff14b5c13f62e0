//! Writing data files: sorted, compressed, fsynced, and not yet visible to anybody.

use std::collections::HashMap;
use std::fs::{self, File};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Date32Type, Field};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::writer::SerializedFileWriter;
use uuid::Uuid;

use crate::arrange::{self, Arranged};
use crate::column::LiveColumn;
use crate::encoding::{self, Encodings};
use crate::error::LakeError;
use crate::hive;
use crate::lake::Lake;
use crate::lock::UncommittedFiles;
use crate::statistics::{self, ColumnStatistics, Observed};
use crate::table::{Table, TableHandle};

/// Rows of a row group: DuckDB's own size, which its readers share among threads.
const ROW_GROUP_ROWS: usize = 122_880;

/// Rows looked at to decide how a file is written.
const SAMPLE_ROWS: usize = 2_048;

/// A file that is written and not yet committed: invisible until [`Lake::commit`] names it.
#[derive(Debug, Clone)]
pub struct DataFile {
    pub(crate) table: TableHandle,
    pub(crate) partition: String,
    pub(crate) date: i32,
    /// Below the table's folder.
    pub(crate) relative: String,
    pub(crate) path: PathBuf,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) footer_bytes: u64,
    pub(crate) statistics: Vec<ColumnStatistics>,
    _uncommitted: Arc<UncommittedFiles>,
}

impl DataFile {
    /// The table it is for.
    pub fn table(&self) -> &str {
        self.table.name()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Deletes it, when it is known that it was not and will not be committed.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn discard(self) -> Result<(), LakeError> {
        fs::remove_file(&self.path).map_err(LakeError::io("remove", &self.path))
    }
}

impl Lake {
    /// Writes rows of one partition, one file a day, by their `tp_date`. See [`Self::write_file`].
    ///
    /// # Errors
    /// As [`Self::write_file`], or if a row has no `tp_date`. Files written before the error are removed.
    pub fn write_files(
        &self,
        table: &TableHandle,
        partition: &str,
        rows: &[RecordBatch],
    ) -> Result<Vec<DataFile>, LakeError> {
        let mut files: Vec<DataFile> = Vec::new();
        for (date, rows) in split_by_date(table, rows)? {
            match self.write_file(table, partition, date, &rows) {
                Ok(file) => files.push(file),
                Err(error) => {
                    for file in files {
                        // The first error is the one to tell; what is left is an orphan for compaction.
                        let _ = file.discard();
                    }
                    return Err(error);
                }
            }
        }
        Ok(files)
    }

    /// Writes rows of one day of a partition to a file, sorted by `tp_timestamp`. Columns that `rows` lacks
    /// are null. Works on the calling thread; several may write at once.
    ///
    /// # Errors
    /// If a column of `rows` is not in the table or of another type, if rows belong to another day or
    /// partition, or if the file cannot be written, as on a full disk. Nothing is left behind then.
    pub fn write_file(
        &self,
        table: &TableHandle,
        partition: &str,
        date: i32,
        rows: &[RecordBatch],
    ) -> Result<DataFile, LakeError> {
        let extended = rows.iter().filter(|batch| batch.num_rows() > 0);
        let extended = extended
            .map(|batch| arrange::extend(table, partition, Some(date), batch))
            .collect::<Result<Vec<_>, _>>()?;
        let arranged = Arranged::by_time(table.schema(), &extended);
        if arranged.len() == 0 {
            return Err(LakeError::Rows {
                table: table.name().to_owned(),
                reason: "there are none".to_owned(),
            });
        }
        let sample = arranged.head(SAMPLE_ROWS).map_err(LakeError::arrow(table.name()))?;
        let mut writer = FileWriter::create(self, table, partition, date, &sample)?;
        writer.write_arranged(&arranged)?;
        writer.finish()
    }
}

/// Rows by the day in their column `tp_date`.
fn split_by_date(table: &Table, rows: &[RecordBatch]) -> Result<Vec<(i32, Vec<RecordBatch>)>, LakeError> {
    let wrong = |reason: &str| LakeError::Rows { table: table.name().to_owned(), reason: reason.to_owned() };
    let mut places: HashMap<i32, Vec<Vec<usize>>> = HashMap::new();
    for (batch, batch_rows) in rows.iter().enumerate() {
        let dates = batch_rows
            .column_by_name("tp_date")
            .and_then(|dates| dates.as_primitive_opt::<Date32Type>())
            .ok_or_else(|| wrong("they have no column `tp_date`"))?;
        if dates.null_count() > 0 {
            return Err(wrong("a `tp_date` is null"));
        }
        for (row, date) in dates.values().iter().enumerate() {
            let batches = places.entry(*date).or_insert_with(|| vec![Vec::new(); rows.len()]);
            batches[batch].push(row);
        }
    }
    let mut days = Vec::with_capacity(places.len());
    for (date, batches) in places {
        let mut parts = Vec::new();
        for (batch, picked) in rows.iter().zip(batches) {
            if picked.len() == batch.num_rows() {
                parts.push(batch.clone());
            } else if !picked.is_empty() {
                let picked: UInt32Array = picked.into_iter().map(|row| row as u32).collect();
                parts.push(take_record_batch(batch, &picked).map_err(LakeError::arrow(table.name()))?);
            }
        }
        days.push((date, parts));
    }
    days.sort_by_key(|(date, _)| *date);
    Ok(days)
}

/// A file that is being written, under a name that no reader looks at. Removed unless finished.
pub(crate) struct FileWriter {
    table: TableHandle,
    partition: String,
    date: i32,
    relative: String,
    path: PathBuf,
    temporary: Temporary,
    writer: SerializedFileWriter<File>,
    row_groups: ArrowRowGroupWriterFactory,
    open: Option<OpenRowGroup>,
    rows: u64,
    observed: Observed,
    uncommitted: Arc<UncommittedFiles>,
}

/// A row group to which rows are added as they come.
struct OpenRowGroup {
    columns: Vec<ArrowColumnWriter>,
    rows: usize,
}

/// Removes the file of an unfinished write.
#[derive(Debug)]
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nobody reads it, and compaction removes what stays.
            let _ = fs::remove_file(path);
        }
    }
}

impl FileWriter {
    /// Starts a file. The encodings are chosen after `sample`, which is not written.
    pub(crate) fn create(
        lake: &Lake,
        table: &TableHandle,
        partition: &str,
        date: i32,
        sample: &RecordBatch,
    ) -> Result<Self, LakeError> {
        let uncommitted = lake.locks().uncommitted()?;
        let directory = hive::directory(partition, date);
        let name = Uuid::now_v7();
        let relative = format!("{directory}/{name}.parquet");
        let folder = lake.table_folder(table)?.join(&directory);
        create_folder(&folder)?;
        let path = folder.join(format!("{name}.parquet"));
        let temporary = folder.join(format!("{name}.parquet.tmp"));
        let file = File::create_new(&temporary).map_err(LakeError::io("create", &temporary))?;
        let guard = Temporary(Some(temporary.clone()));
        let Encodings { properties, statistics } = encoding::choose(lake.compression(), sample);
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let (writer, row_groups) = ArrowWriter::try_new_with_options(file, table.schema().clone(), options)
            .and_then(ArrowWriter::into_serialized_writer)
            .map_err(|source| LakeError::Parquet { path: temporary, source })?;
        Ok(Self {
            table: table.clone(),
            partition: partition.to_owned(),
            date,
            relative,
            path,
            temporary: guard,
            writer,
            row_groups,
            open: None,
            rows: 0,
            observed: Observed::new(statistics),
            uncommitted,
        })
    }

    /// Adds rows, which have the table's schema and come in order of time.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        let mut leaf = 0;
        for column in rows.columns() {
            self.observed.observe(column, &mut leaf);
        }
        let mut start = 0;
        while start < rows.num_rows() {
            let mut group = match self.open.take() {
                Some(group) => group,
                None => OpenRowGroup { columns: self.column_writers()?, rows: 0 },
            };
            let part = rows.slice(start, (ROW_GROUP_ROWS - group.rows).min(rows.num_rows() - start));
            let mut writers = group.columns.iter_mut();
            for (field, column) in self.table.schema().fields().iter().zip(part.columns()) {
                write_column(field, column, &mut writers).map_err(|source| self.parquet(source))?;
            }
            start += part.num_rows();
            group.rows += part.num_rows();
            self.open = Some(group);
            if self.open.as_ref().is_some_and(|group| group.rows == ROW_GROUP_ROWS) {
                self.close_row_group()?;
            }
        }
        self.rows += rows.num_rows() as u64;
        Ok(())
    }

    /// Adds rows that are in memory, one column after the other.
    pub(crate) fn write_arranged(&mut self, rows: &Arranged<'_>) -> Result<(), LakeError> {
        self.close_row_group()?;
        for start in (0..rows.len()).step_by(ROW_GROUP_ROWS) {
            let range = start..rows.len().min(start + ROW_GROUP_ROWS);
            let chunks = self.column_chunks(rows, range)?;
            self.append_row_group(chunks)?;
        }
        self.rows += rows.len() as u64;
        Ok(())
    }

    fn column_chunks(
        &mut self,
        rows: &Arranged<'_>,
        range: Range<usize>,
    ) -> Result<Vec<ArrowColumnChunk>, LakeError> {
        let table = Arc::clone(&self.table);
        let mut writers = self.column_writers()?.into_iter();
        let mut chunks = Vec::with_capacity(writers.len());
        let mut leaf = 0;
        for (index, field) in table.schema().fields().iter().enumerate() {
            let mut next = leaf;
            let mut own: Vec<ArrowColumnWriter> = Vec::new();
            for piece in rows.column(index, range.clone()) {
                let piece = piece.map_err(LakeError::arrow(table.name()))?;
                next = leaf;
                self.observed.observe(&piece, &mut next);
                if own.is_empty() {
                    own.extend(writers.by_ref().take(next - leaf));
                }
                write_column(field, &piece, &mut own.iter_mut()).map_err(|source| self.parquet(source))?;
            }
            leaf = next;
            for writer in own {
                chunks.push(writer.close().map_err(|source| self.parquet(source))?);
            }
        }
        Ok(chunks)
    }

    fn column_writers(&self) -> Result<Vec<ArrowColumnWriter>, LakeError> {
        let index = self.writer.flushed_row_groups().len();
        self.row_groups.create_column_writers(index).map_err(|source| self.parquet(source))
    }

    fn close_row_group(&mut self) -> Result<(), LakeError> {
        let Some(group) = self.open.take() else { return Ok(()) };
        let chunks = group.columns.into_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>();
        self.append_row_group(chunks.map_err(|source| self.parquet(source))?)
    }

    fn append_row_group(&mut self, chunks: Vec<ArrowColumnChunk>) -> Result<(), LakeError> {
        let append = || {
            let mut group = self.writer.next_row_group()?;
            for chunk in chunks {
                chunk.append_to_row_group(&mut group)?;
            }
            group.close().map(drop)
        };
        append().map_err(|source| self.parquet(source))
    }

    /// Compressed bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        let open = self.open.iter().flat_map(|group| &group.columns);
        self.writer.bytes_written() + open.map(ArrowColumnWriter::get_estimated_total_bytes).sum::<usize>()
    }

    /// Brings the file to the disk, under its name.
    pub(crate) fn finish(mut self) -> Result<DataFile, LakeError> {
        self.close_row_group()?;
        let footer = self.writer.finish().map_err(|source| self.parquet(source))?;
        let file = self.writer.inner();
        file.sync_all().map_err(LakeError::io("write", &self.path))?;
        let (bytes, footer_bytes) = sizes(file).map_err(LakeError::io("read", &self.path))?;
        let statistics = self.statistics(&footer)?;
        if let Some(temporary) = self.temporary.0.take() {
            fs::rename(&temporary, &self.path).map_err(|error| {
                let _ = fs::remove_file(&temporary);
                LakeError::io("rename", &temporary)(error)
            })?;
        }
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(DataFile {
            table: self.table,
            partition: self.partition,
            date: self.date,
            relative: self.relative,
            path: self.path,
            rows: self.rows,
            bytes,
            footer_bytes,
            statistics,
            _uncommitted: self.uncommitted,
        })
    }

    /// The statistics, after a check that the rows belong to this file's partition and day.
    fn statistics(&self, footer: &ParquetMetaData) -> Result<Vec<ColumnStatistics>, LakeError> {
        let leaves = leaves(&self.table);
        let statistics = statistics::from_footer(footer, &leaves, &self.observed);
        let keys = [("tp_partition", self.partition.clone()), ("tp_date", hive::day(self.date))];
        for (name, expected) in keys {
            let id = self.table.column(name).map(|column| column.id);
            let Some(found) = statistics.iter().find(|column| Some(column.column_id) == id) else {
                continue;
            };
            // Names too long for exact bounds are taken on trust.
            let known = found.min.as_ref().zip(found.max.as_ref());
            let strangers = known.is_some_and(|(min, max)| *min != expected || *max != expected);
            if strangers || found.nulls > 0 {
                return Err(LakeError::Rows {
                    table: self.table.name().to_owned(),
                    reason: format!("`{name}` is not {expected:?} in all of them"),
                });
            }
        }
        Ok(statistics)
    }

    fn parquet(&self, source: ParquetError) -> LakeError {
        LakeError::Parquet { path: self.path.clone(), source }
    }
}

/// Gives each of a column's leaves to its writer.
fn write_column<'w>(
    field: &Field,
    column: &ArrayRef,
    writers: &mut impl Iterator<Item = &'w mut ArrowColumnWriter>,
) -> Result<(), ParquetError> {
    for leaf in compute_leaves(field, column)? {
        let writer =
            writers.next().ok_or_else(|| ParquetError::General("a column without a writer".into()))?;
        writer.write(&leaf)?;
    }
    Ok(())
}

fn leaves(table: &Table) -> Vec<&LiveColumn> {
    let mut leaves = Vec::new();
    for column in table.written_columns() {
        statistics::leaves(column, &mut leaves);
    }
    leaves
}

/// The size of a Parquet file and of its footer, which stands before the last eight bytes.
fn sizes(file: &File) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::FileExt as _;
    let bytes = file.metadata()?.len();
    let mut length = [0; 4];
    file.read_exact_at(&mut length, bytes.saturating_sub(8))?;
    Ok((bytes, u64::from(u32::from_le_bytes(length))))
}

/// Makes a folder and those above it, all of them on the disk when it returns.
fn create_folder(folder: &Path) -> Result<(), LakeError> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent();
    if let Some(parent) = parent {
        create_folder(parent)?;
    }
    match fs::create_dir(folder) {
        Ok(()) => {}
        // Another thread was faster.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(LakeError::io("create", folder)(error)),
    }
    parent.map_or(Ok(()), sync_folder)
}

fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    let synced = File::open(folder).and_then(|opened| opened.sync_all());
    synced.map_err(LakeError::io("write", folder))
}
