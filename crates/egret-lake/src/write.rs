//! Writing data files: sorted, compressed, fsynced, and not yet visible to anybody.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use uuid::Uuid;

use crate::arrange;
use crate::column::LiveColumn;
use crate::error::LakeError;
use crate::hive;
use crate::lake::Lake;
use crate::lock::UncommittedFiles;
use crate::statistics::{self, ColumnStatistics};
use crate::table::{Table, TableHandle};

/// Rows of a row group: DuckDB's own size, which its readers share among threads.
const ROW_GROUP_ROWS: usize = 122_880;
/// Rows looked at to decide how a column is encoded.
const SAMPLE_ROWS: usize = 1_024;

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
        let sorted = arrange::sort_by_time(extended).map_err(LakeError::arrow(table.name()))?;
        let Some(first) = sorted.first() else {
            return Err(LakeError::Rows {
                table: table.name().to_owned(),
                reason: "there are none".to_owned(),
            });
        };
        let mut writer = FileWriter::create(self, table, partition, date, first)?;
        for batch in &sorted {
            writer.write(batch)?;
        }
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
                let places: Vec<(usize, usize)> = picked.into_iter().map(|row| (0, row)).collect();
                let part = arrange::pick(&batch.schema(), std::slice::from_ref(batch), &places);
                parts.push(part.map_err(LakeError::arrow(table.name()))?);
            }
        }
        days.push((date, parts));
    }
    days.sort_by_key(|(date, _)| *date);
    Ok(days)
}

/// A file that is being written, under a name that no reader looks at. Removed unless finished.
#[derive(Debug)]
pub(crate) struct FileWriter {
    table: TableHandle,
    partition: String,
    date: i32,
    relative: String,
    path: PathBuf,
    temporary: Temporary,
    writer: ArrowWriter<File>,
    rows: u64,
    nan: Option<Vec<bool>>,
    uncommitted: Arc<UncommittedFiles>,
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
        let options = ArrowWriterOptions::new()
            .with_properties(properties(lake.compression(), sample))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, table.schema().clone(), options)
            .map_err(|source| LakeError::Parquet { path: temporary, source })?;
        let leaves = leaves(table);
        let floats = leaves.iter().any(|leaf| leaf.type_name.starts_with("float"));
        Ok(Self {
            table: table.clone(),
            partition: partition.to_owned(),
            date,
            relative,
            path,
            temporary: guard,
            writer,
            rows: 0,
            nan: floats.then(|| vec![false; leaves.len()]),
            uncommitted,
        })
    }

    /// Adds rows, which have the table's schema and come in order of time.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), LakeError> {
        self.rows += rows.num_rows() as u64;
        if let Some(nan) = &mut self.nan {
            let mut leaf = 0;
            for column in rows.columns() {
                statistics::find_nan(column, &mut leaf, nan);
            }
        }
        self.writer.write(rows).map_err(|source| self.parquet(source))
    }

    /// Compressed bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.writer.bytes_written() + self.writer.in_progress_size()
    }

    /// Brings the file to the disk, under its name.
    pub(crate) fn finish(mut self) -> Result<DataFile, LakeError> {
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
        let nan = self.nan.as_deref().unwrap_or_default();
        let statistics = statistics::from_footer(footer, &leaves, nan);
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

fn leaves(table: &Table) -> Vec<&LiveColumn> {
    let mut leaves = Vec::new();
    for column in table.written_columns() {
        statistics::leaves(column, &mut leaves);
    }
    leaves
}

/// How the columns are written: zstd, and a dictionary only where values repeat.
fn properties(level: i32, sample: &RecordBatch) -> WriterProperties {
    let level = ZstdLevel::try_new(level).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_created_by(concat!("Egret ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        // Files are sorted by time, so only there do pages differ enough for a reader to skip some.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled(ColumnPath::from("tp_timestamp"), EnabledStatistics::Page);
    let schema = sample.schema();
    for (field, column) in schema.fields().iter().zip(sample.columns()) {
        if !repeats(column) {
            let path = ColumnPath::from(field.name().as_str());
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
            if matches!(field.data_type(), DataType::Timestamp(_, _)) {
                builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
    }
    builder.build()
}

/// Whether at most half of a sample's values are distinct, so that a dictionary is worth building. A column
/// of ids or messages would fill one only to throw it away.
fn repeats(column: &dyn Array) -> bool {
    let sample = column.slice(0, column.len().min(SAMPLE_ROWS));
    let values = sample.len() - sample.null_count();
    let distinct = match sample.data_type() {
        DataType::Utf8View => {
            let strings = sample.as_string_view();
            strings.iter().flatten().collect::<std::collections::HashSet<_>>().len()
        }
        DataType::Timestamp(_, _) | DataType::Int64 | DataType::UInt64 => {
            let data = sample.to_data();
            let words = data.buffer::<u64>(0);
            words[..sample.len()].iter().collect::<std::collections::HashSet<_>>().len()
        }
        _ => return true,
    };
    // A handful of values says nothing.
    values < 16 || distinct * 2 <= values
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
