//! What was added to a table since a snapshot, for readers that follow it.
//!
//! Every row that was inserted after the snapshot is in a file that came after it: the one it was inserted with, or one
//! that compaction made of it later. So files are read that came after, whether they still count or not, and a row may
//! come more than once; who follows a table knows its rows by id. Files that no longer count are there until their
//! snapshot expires: [`crate::CompactOptions::follower`] keeps those that a reader has not reached.

use std::fs::File;
use std::path::PathBuf;

use arrow::array::RecordBatch;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use sqlx::Row;

use crate::catalog;
use crate::error::LakeError;
use crate::lake::Lake;

/// The files that were added to a table after a snapshot.
#[derive(Debug)]
pub struct AddedFiles {
    /// The newest snapshot that they cover: where to go on the next time.
    pub upto: i64,
    /// The files, in the order added.
    pub files: Vec<AddedFile>,
}

/// One of them.
#[derive(Debug)]
pub struct AddedFile {
    path: PathBuf,
}

/// Its rows, batch by batch.
pub struct AddedRows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
}

impl Lake {
    /// The files that were added to `table` after the snapshot `after`; none if there is no such table.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn added_files(&self, table: &str, after: i64) -> Result<AddedFiles, LakeError> {
        let mut transaction = self.catalog().read().await?;
        let upto = catalog::latest(&mut transaction).await?.id;
        let sql = "SELECT CASE WHEN f.path_is_relative AND t.path_is_relative AND s.path_is_relative \
                     THEN s.path || t.path || f.path \
                     WHEN f.path_is_relative THEN t.path || f.path ELSE f.path END \
                   FROM ducklake_data_file f \
                   JOIN ducklake_table t ON t.table_id = f.table_id AND t.table_name = $1 AND t.end_snapshot IS NULL \
                   JOIN ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL \
                   WHERE f.begin_snapshot > $2 AND f.begin_snapshot <= $3 \
                   ORDER BY f.begin_snapshot, f.data_file_id";
        let rows = sqlx::query(sql).bind(table).bind(after).bind(upto).fetch_all(&mut *transaction).await?;
        let mut files = Vec::with_capacity(rows.len());
        for row in rows {
            // An absolute path stays one.
            files.push(AddedFile { path: self.data_folder().join(row.try_get::<String, _>(0)?) });
        }
        Ok(AddedFiles { upto, files })
    }
}

impl AddedFile {
    /// Reads its rows, at most `batch_rows` at a time. Blocks.
    ///
    /// # Errors
    /// If the file cannot be opened.
    pub fn open(&self, batch_rows: usize) -> Result<AddedRows, LakeError> {
        let path = self.path.clone();
        let file = File::open(&path).map_err(LakeError::io("open", &path))?;
        let wrong = |source| LakeError::Parquet { path: path.clone(), source };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(wrong)?;
        let reader = builder.with_batch_size(batch_rows).build().map_err(wrong)?;
        Ok(AddedRows { path, reader })
    }
}

impl Iterator for AddedRows {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(batch.map_err(|error| LakeError::Read(format!("{}: {error}", self.path.display()))))
    }
}
