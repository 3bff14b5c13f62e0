//! Reading: every lake table under its plain name in SQL, at one snapshot, through the user's filters.

mod filter;
mod local_files;
mod schema;

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::catalog::SchemaProvider;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::SessionContext;
use datafusion_ducklake::{DuckLakeCatalog, MetadataProvider, SqliteMetadataProvider};
use egret_model::{Checkpoint, TimeRange, Timestamp};
use sqlx::Row;

use crate::catalog;
use crate::checkpoint::{CHECKPOINT_TABLE, CheckpointRow, CheckpointRows};
use crate::error::LakeError;
use crate::files;
use crate::lake::Lake;
use crate::table::Table;
use filter::RowFilter;
use local_files::LocalFiles;
use schema::LakeSchema;

/// Which rows a query may see.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The snapshot to read; the newest if `None`.
    pub at: Option<At>,
    /// Only rows with a `tp_timestamp` in this range.
    pub range: TimeRange,
    /// Only rows of these partitions: `partition` or `table.partition`, `*` for any run of characters.
    /// All if empty.
    pub partitions: Vec<String>,
    /// Only rows with one of these values of `tp_index`, `*` for any run of characters. All if empty.
    pub indexes: Vec<String>,
}

/// A version of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// By number.
    Snapshot(i64),
    /// The newest one that existed at that time.
    Time(Timestamp),
}

/// How much of a table a query has to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FileCount {
    /// The files that may hold matching rows.
    pub matching: u64,
    /// All files of the table.
    pub total: u64,
    /// Bytes of the matching files.
    pub matching_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
}

impl Lake {
    /// Makes every lake table a table of `context` under its plain name: the tables that the context has
    /// itself go first. Call it before each statement that must see the newest rows; it is cheap, since a
    /// table is only looked up when a query names it. Returns the snapshot that is read.
    ///
    /// # Errors
    /// If the catalog fails or the snapshot is not there.
    pub async fn register(&self, context: &SessionContext, options: &ReadOptions) -> Result<i64, LakeError> {
        let snapshot = self.resolve(options.at).await?;
        let lake = self.schema_at(snapshot).await?;
        let filter = RowFilter::new(self.clone(), snapshot, options);
        let config = context.copied_config();
        let names = &config.options().catalog;
        let found = context
            .catalog(&names.default_catalog)
            .and_then(|catalog| Some((catalog.schema(&names.default_schema)?, catalog)));
        let Some((own, catalog)) = found else {
            return Err(LakeError::Read("the SQL session has no default schema".to_owned()));
        };
        let schema = LakeSchema::new(own, lake, filter);
        find_escaped_files(context);
        catalog.register_schema(&names.default_schema, Arc::new(schema)).map_err(read_error)?;
        Ok(snapshot)
    }

    /// How many files of a table the options let a query skip.
    ///
    /// # Errors
    /// If the catalog fails, or there is no such table.
    pub async fn files_matching(&self, table: &str, options: &ReadOptions) -> Result<FileCount, LakeError> {
        let snapshot = self.resolve(options.at).await?;
        let table = self.table(table).await?;
        let mut connection = self.catalog().pool().acquire().await?;
        let files = files::list(&mut connection, snapshot, &table).await?;
        let mut count = FileCount::default();
        for file in files {
            count.total += 1;
            count.total_bytes += file.bytes;
            let partition = file.partition.as_deref();
            let wanted = filter::partition_matches(&table, partition, &options.partitions);
            if wanted && file.may_hold(&options.range) {
                count.matching += 1;
                count.matching_bytes += file.bytes;
            }
        }
        Ok(count)
    }

    /// The number of a snapshot, checked.
    pub(crate) async fn resolve(&self, at: Option<At>) -> Result<i64, LakeError> {
        let mut transaction = self.catalog().read().await?;
        let newest = catalog::latest(&mut transaction).await?.id;
        let found: Option<i64> = match at {
            None => Some(newest),
            Some(At::Snapshot(id)) => {
                let sql = "SELECT snapshot_id FROM ducklake_snapshot WHERE snapshot_id = $1";
                sqlx::query_scalar(sql).bind(id).fetch_optional(&mut *transaction).await?
            }
            Some(At::Time(time)) => snapshot_at(&mut transaction, time).await?,
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let sql = "SELECT min(snapshot_id) FROM ducklake_snapshot";
        let oldest = sqlx::query_scalar(sql).fetch_one(&mut *transaction).await?;
        let wanted = match at {
            Some(At::Time(time)) => format!("from {time} or before"),
            Some(At::Snapshot(id)) => id.to_string(),
            None => String::new(),
        };
        Err(LakeError::UnknownSnapshot { wanted, oldest, newest })
    }

    /// The tables at a snapshot, for DataFusion.
    pub(crate) async fn schema_at(&self, snapshot: i64) -> Result<Arc<dyn SchemaProvider>, LakeError> {
        use datafusion::catalog::CatalogProvider as _;
        let provider = self.metadata_provider().await?;
        let catalog = DuckLakeCatalog::with_snapshot(provider, snapshot).map_err(read_error)?;
        catalog.schema("main").ok_or_else(|| LakeError::Read("its catalog has no schema `main`".to_owned()))
    }

    async fn metadata_provider(&self) -> Result<Arc<dyn MetadataProvider>, LakeError> {
        let open = || async {
            let url = format!("sqlite://{}", url_path(self.catalog().path()));
            let provider = SqliteMetadataProvider::new(&url).await.map_err(read_error)?;
            Ok::<_, LakeError>(Arc::new(provider) as Arc<dyn MetadataProvider>)
        };
        Ok(self.reader().get_or_try_init(open).await?.clone())
    }
}

/// The newest snapshot that is not younger than `time`.
async fn snapshot_at(
    connection: &mut sqlx::SqliteConnection,
    time: Timestamp,
) -> Result<Option<i64>, LakeError> {
    let sql = "SELECT snapshot_id, snapshot_time FROM ducklake_snapshot ORDER BY snapshot_id DESC";
    for row in sqlx::query(sql).fetch_all(connection).await? {
        let text: String = row.try_get(1)?;
        if parse_snapshot_time(&text).is_some_and(|snapshot| snapshot <= time) {
            return Ok(Some(row.try_get(0)?));
        }
    }
    Ok(None)
}

/// Reads the time of a snapshot, which DuckDB writes with the zone of its session: `…+00`, `…+05:30`.
pub(crate) fn parse_snapshot_time(text: &str) -> Option<Timestamp> {
    let zone = text.get(19..)?.find(['+', '-'])? + 19;
    let (local, zone) = text.split_at(zone);
    let zone = if zone.len() == 3 { format!("{zone}:00") } else { zone.to_owned() };
    Timestamp::parse(&format!("{}{zone}", local.replacen(' ', "T", 1)))
}

/// Makes a session find files below folders with escaped names.
pub(crate) fn find_escaped_files(context: &SessionContext) {
    let url = ObjectStoreUrl::local_filesystem();
    context.runtime_env().register_object_store(url.as_ref(), Arc::new(LocalFiles::new()));
}

pub(crate) fn read_error(error: impl std::fmt::Display) -> LakeError {
    LakeError::Read(error.to_string())
}

/// A path within a URL: what has a meaning there is escaped.
fn url_path(path: &std::path::Path) -> String {
    let mut url = String::new();
    for c in path.to_string_lossy().chars() {
        match c {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            plain => url.push(plain),
        }
    }
    url
}

/// All checkpoints through the query engine, wherever DuckDB has put them.
pub(crate) async fn current_checkpoints(lake: &Lake) -> Result<CheckpointRows, LakeError> {
    let context = SessionContext::new();
    let snapshot = lake.register(&context, &ReadOptions::default()).await?;
    let sql = format!(
        "SELECT \"partition\", \"object\", byte_offset, finished, state, sequence, updated_at \
         FROM {CHECKPOINT_TABLE}"
    );
    let frame = context.sql(&sql).await.map_err(read_error)?;
    let batches = frame.collect().await.map_err(read_error)?;
    let rows = batches.iter().flat_map(checkpoint_rows).collect();
    Ok(CheckpointRows { snapshot, rows })
}

fn checkpoint_rows(batch: &RecordBatch) -> Vec<CheckpointRow> {
    let text = |column: usize, row: usize| batch.column(column).as_string_view().value(row).to_owned();
    let number = |column: usize, row: usize| {
        u64::try_from(batch.column(column).as_primitive::<Int64Type>().value(row)).unwrap_or(0)
    };
    let row = |row: usize| CheckpointRow {
        partition: text(0, row),
        checkpoint: Checkpoint {
            object: text(1, row),
            offset: number(2, row),
            finished: batch.column(3).as_boolean().value(row),
            state: text(4, row),
        },
        sequence: number(5, row),
        updated_at: Timestamp::from_micros(
            batch.column(6).as_primitive::<TimestampMicrosecondType>().value(row),
        ),
    };
    (0..batch.num_rows()).map(row).collect()
}

/// The names of the partitions that a table has rows of.
pub(crate) async fn partition_names(
    lake: &Lake,
    snapshot: i64,
    table: &Table,
) -> Result<Vec<String>, LakeError> {
    let mut transaction = lake.catalog().read().await?;
    let sql = "SELECT DISTINCT p.partition_value FROM ducklake_file_partition_value p \
               JOIN ducklake_data_file f ON f.data_file_id = p.data_file_id \
               WHERE f.table_id = $1 AND f.partition_id = $3 AND p.partition_key_index = 0 \
                 AND f.begin_snapshot <= $2 AND (f.end_snapshot IS NULL OR f.end_snapshot > $2) \
                 AND p.partition_value IS NOT NULL";
    let mut names: Vec<String> = sqlx::query_scalar(sql)
        .bind(table.id())
        .bind(snapshot)
        .bind(table.parts().partition_id)
        .fetch_all(&mut *transaction)
        .await?;
    for inlined in files::inlined_tables(&mut transaction, table.id()).await? {
        let sql = format!("SELECT DISTINCT tp_partition FROM {inlined} WHERE tp_partition IS NOT NULL");
        let found: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&mut *transaction).await?;
        names.extend(found);
    }
    names.sort();
    names.dedup();
    Ok(names)
}
