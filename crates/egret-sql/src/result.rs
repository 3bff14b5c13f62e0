//! The rows of a query, batch by batch.

use std::fmt;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use futures_util::StreamExt;

use crate::error::SqlError;

/// A running query. Dropping it stops it.
pub struct QueryResult {
    sql: String,
    schema: SchemaRef,
    rows: Rows,
}

enum Rows {
    Stream(SendableRecordBatchStream),
    Batch(Option<RecordBatch>),
}

impl QueryResult {
    pub(crate) fn of_stream(sql: &str, schema: SchemaRef, stream: SendableRecordBatchStream) -> Self {
        Self { sql: sql.to_owned(), schema, rows: Rows::Stream(stream) }
    }

    pub(crate) fn of_batch(sql: &str, batch: RecordBatch) -> Self {
        Self { sql: sql.to_owned(), schema: batch.schema(), rows: Rows::Batch(Some(batch)) }
    }

    /// The columns, with the names that the query wrote: two may be equal. All batches have this schema.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// If a value cannot be computed, a file cannot be read or the memory is not enough. Nothing follows.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        let batch = match &mut self.rows {
            Rows::Stream(stream) => stream.next().await?,
            Rows::Batch(batch) => return batch.take().map(Ok),
        };
        let renamed = batch.and_then(|batch| {
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = batch.columns().to_vec();
            Ok(RecordBatch::try_new_with_options(SchemaRef::clone(&self.schema), columns, &options)?)
        });
        if renamed.is_err() {
            self.rows = Rows::Batch(None);
        }
        Some(renamed.map_err(|error| SqlError::from_engine(&self.sql, &error)))
    }

    /// All rows. For results that are known to be small.
    ///
    /// # Errors
    /// As [`QueryResult::next`].
    pub async fn collect(mut self) -> Result<Vec<RecordBatch>, SqlError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await {
            batches.push(batch?);
        }
        Ok(batches)
    }
}

impl fmt::Debug for QueryResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryResult")
            .field("sql", &self.sql)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
