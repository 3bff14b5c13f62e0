//! States in a file of SQLite: the default, beside the lake.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use egret_model::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, QueryBuilder, Row, Sqlite};

use super::filter::push_filter;
use super::{Blob, BlobId, RunFilter, RunRecord, StateStore, StateStoreError, checked};

/// How long we wait for another process that writes.
const BUSY: Duration = Duration::from_secs(60);

/// Rows of one statement.
const ROWS: usize = 256;

/// What makes each version of the schema from the one before. A version that was released is never changed.
const VERSIONS: &[&[&str]] = &[&[
    // With rowid: blobs may be large, and a B-tree of their names alone is small.
    "CREATE TABLE blob (id BLOB NOT NULL UNIQUE, wanted_at INTEGER NOT NULL, bytes BLOB NOT NULL)",
    "CREATE TABLE run (generator TEXT NOT NULL, run TEXT NOT NULL, started_at INTEGER NOT NULL, has_state INTEGER NOT NULL, \
     body TEXT NOT NULL, PRIMARY KEY (generator, run)) WITHOUT ROWID",
    "CREATE INDEX run_started ON run (generator, started_at)",
]];

/// States in a file of SQLite.
#[derive(Debug, Clone)]
pub struct SqliteStateStore {
    pool: SqlitePool,
}

impl SqliteStateStore {
    /// Opens the store at `path`, and makes it with its folder where there is none.
    ///
    /// # Errors
    /// If the file cannot be used, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self, StateStoreError> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| StateStoreError::Io {
                action: "create",
                place: folder.display().to_string(),
                error,
            })?;
        }
        let _creation = lock_creation(path).await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // The lake's commit is what counts; what a power cut takes of its states would be missed, though.
            .synchronous(SqliteSynchronous::Full)
            .pragma("cache_size", "-16384")
            .pragma("wal_autocheckpoint", "8000")
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(2 * BUSY)
            .connect_with(options)
            .await?;
        let store = Self { pool };
        store.migrate(path).await?;
        Ok(store)
    }

    async fn migrate(&self, path: &Path) -> Result<(), StateStoreError> {
        let known = VERSIONS.len() as i64;
        let version = "PRAGMA user_version";
        let found: i64 = sqlx::query_scalar(version).fetch_one(&self.pool).await?;
        if found == known {
            return Ok(());
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found: i64 = sqlx::query_scalar(version).fetch_one(&mut *transaction).await?;
        if found > known {
            let place = PathBuf::from(path).display().to_string();
            return Err(StateStoreError::Version { place, found, known });
        }
        for statement in VERSIONS.iter().skip(usize::try_from(found).unwrap_or(0)).copied().flatten() {
            sqlx::query(*statement).execute(&mut *transaction).await?;
        }
        sqlx::query(AssertSqlSafe(format!("PRAGMA user_version = {known}")))
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }
}

/// Two processes that made the database at once would fail each other, so each waits for the other. `None` if it is there.
async fn lock_creation(path: &Path) -> Result<Option<File>, StateStoreError> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > 0) {
        return Ok(None);
    }
    let mut lock = path.as_os_str().to_owned();
    lock.push("-creation.lock");
    let lock = PathBuf::from(lock);
    let place = lock.display().to_string();
    // On a thread that may wait: this one may be the one that the holder needs to get on.
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&lock)?;
        file.lock()?;
        Ok(file)
    });
    let locked = locked.await.map_err(io::Error::other).flatten();
    locked.map(Some).map_err(|error| StateStoreError::Io { action: "lock", place, error })
}

#[async_trait]
impl StateStore for SqliteStateStore {
    async fn put(&self, blobs: &[Blob], now: Timestamp) -> Result<(), StateStoreError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for rows in blobs.chunks(ROWS) {
            let mut insert = QueryBuilder::<Sqlite>::new("INSERT INTO blob (id, wanted_at, bytes) ");
            insert.push_values(rows, |mut row, blob| {
                row.push_bind(blob.id.as_bytes()).push_bind(now.micros()).push_bind(blob.bytes.as_slice());
            });
            insert.push(" ON CONFLICT (id) DO UPDATE SET wanted_at = max(wanted_at, excluded.wanted_at)");
            insert.build().execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn get(&self, ids: &[BlobId]) -> Result<Vec<Vec<u8>>, StateStoreError> {
        let mut found = std::collections::HashMap::with_capacity(ids.len());
        for ids in ids.chunks(ROWS) {
            let mut select = QueryBuilder::<Sqlite>::new("SELECT id, bytes FROM blob WHERE id IN (");
            let mut list = select.separated(", ");
            for id in ids {
                list.push_bind(id.as_bytes());
            }
            select.push(")");
            for row in select.build().fetch_all(&self.pool).await? {
                found.insert(BlobId::from_bytes(row.try_get(0)?), row.try_get::<Vec<u8>, _>(1)?);
            }
        }
        ids.iter().map(|id| checked(*id, found.get(&Some(*id)).cloned())).collect()
    }

    async fn old_blobs(
        &self,
        after: Option<BlobId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobId>, StateStoreError> {
        let sql = "SELECT id FROM blob WHERE id > $1 AND wanted_at < $2 ORDER BY id LIMIT $3";
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(sql)
            .bind(after)
            .bind(before.micros())
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().filter_map(|id| BlobId::from_bytes(id)).collect())
    }

    async fn remove(&self, ids: &[BlobId], before: Timestamp) -> Result<u64, StateStoreError> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let mut removed = 0;
        for ids in ids.chunks(ROWS) {
            let mut delete = QueryBuilder::<Sqlite>::new("DELETE FROM blob WHERE wanted_at < ");
            delete.push_bind(before.micros()).push(" AND id IN (");
            let mut list = delete.separated(", ");
            for id in ids {
                list.push_bind(id.as_bytes());
            }
            delete.push(")");
            removed += delete.build().execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(removed)
    }

    async fn put_run(&self, run: &RunRecord) -> Result<(), StateStoreError> {
        let sql = "INSERT OR REPLACE INTO run (generator, run, started_at, has_state, body) VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(sql)
            .bind(&run.generator)
            .bind(&run.run)
            .bind(run.started_at.micros())
            .bind(run.has_state())
            .bind(run.to_text())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError> {
        let mut select = QueryBuilder::<Sqlite>::new("SELECT body FROM run");
        push_filter(&mut select, filter);
        let rows = select.build().fetch_all(&self.pool).await?;
        rows.iter().map(|row: &SqliteRow| RunRecord::from_text(row.try_get(0)?)).collect()
    }

    async fn generators(&self) -> Result<Vec<String>, StateStoreError> {
        let sql = "SELECT DISTINCT generator FROM run ORDER BY generator";
        Ok(sqlx::query_scalar(sql).fetch_all(&self.pool).await?)
    }

    async fn remove_runs(
        &self,
        generator: &str,
        before: Timestamp,
        except: Option<&str>,
    ) -> Result<u64, StateStoreError> {
        let sql = "DELETE FROM run WHERE generator = $1 AND started_at < $2 AND run IS NOT $3";
        let delete = sqlx::query(sql).bind(generator).bind(before.micros()).bind(except);
        Ok(delete.execute(&self.pool).await?.rows_affected())
    }
}
