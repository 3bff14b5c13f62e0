//! Opening and creating the catalog's database.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use egret_model::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, SqliteConnection};
use uuid::Uuid;

use super::ddl;
use super::snapshot::{NextSnapshot, snapshot_time};
use crate::error::LakeError;
use crate::lock::Locks;

/// A change of the catalog that is not yet visible to anybody.
pub(crate) type Transaction = sqlx::Transaction<'static, Sqlite>;

/// How long we wait for another process that holds the catalog's write lock.
const BUSY: Duration = Duration::from_secs(60);

/// The catalog's database.
#[derive(Debug, Clone)]
pub(crate) struct Catalog {
    pool: SqlitePool,
    path: PathBuf,
}

impl Catalog {
    /// Opens the catalog, and creates it where there is none.
    pub(crate) async fn open(
        path: PathBuf,
        data: &Path,
        locks: &Locks,
        now: Timestamp,
    ) -> Result<Self, LakeError> {
        // SQLite does not wait its busy time for the switch of a new database to a write-ahead log: two processes
        // that made it at once would fail each other.
        let _creation = if is_missing(&path) { Some(locks.creation()?) } else { None };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk when it returns: the source is told next to forget the records.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(2 * BUSY)
            .connect_with(options)
            .await
            .map_err(|error| unusable(&path, error))?;
        let catalog = Self { pool, path };
        catalog.prepare(data, now).await?;
        Ok(catalog)
    }

    /// The database's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What tells this catalog from all others: the id that its schema got when it was made.
    pub(crate) async fn id(&self) -> Result<String, LakeError> {
        let sql = "SELECT schema_uuid FROM ducklake_schema ORDER BY schema_id, begin_snapshot LIMIT 1";
        let id: Option<String> = sqlx::query_scalar(sql).fetch_one(&self.pool).await?;
        Ok(id.unwrap_or_default())
    }

    /// For reading: sees one state of the catalog only within one statement.
    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    /// For reading one state of the catalog with several statements.
    pub(crate) async fn read(&self) -> Result<Transaction, LakeError> {
        Ok(self.pool.begin().await?)
    }

    /// For changing: waits until no other process changes the catalog.
    pub(crate) async fn write(&self) -> Result<Transaction, LakeError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    async fn prepare(&self, data: &Path, now: Timestamp) -> Result<(), LakeError> {
        if !self.is_prepared(data).await? {
            // Two processes may create it at once: the second finds it done once it has the lock.
            let mut transaction = self.write().await?;
            if !has_tables(&mut transaction).await? {
                create(&mut transaction, now).await?;
            }
            for index in ddl::INDEXES {
                sqlx::query(index).execute(&mut *transaction).await?;
            }
            self.check_version(&mut transaction).await?;
            write_data_path(&mut transaction, data).await?;
            transaction.commit().await?;
        }
        Ok(())
    }

    /// Whether opening has nothing to change.
    async fn is_prepared(&self, data: &Path) -> Result<bool, LakeError> {
        let mut transaction = self.read().await.map_err(|error| match error {
            LakeError::Catalog(error) => unusable(&self.path, error),
            other => other,
        })?;
        if !has_tables(&mut transaction).await.map_err(|error| unusable(&self.path, error))? {
            return Ok(false);
        }
        self.check_version(&mut transaction).await?;
        let recorded = metadata(&mut transaction, "data_path").await?;
        let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name LIKE 'egret_%'";
        let indexes: i64 = sqlx::query_scalar(sql).fetch_one(&mut *transaction).await?;
        Ok(recorded.as_deref() == Some(&data_path(data)) && indexes >= ddl::INDEXES.len() as i64)
    }

    async fn check_version(&self, connection: &mut SqliteConnection) -> Result<(), LakeError> {
        let unusable = |reason: String| LakeError::Unusable { path: self.path.clone(), reason };
        let version = metadata(connection, "version").await?.unwrap_or_default();
        if version != ddl::DUCKLAKE_VERSION {
            return Err(unusable(format!(
                "it is DuckLake version {version:?} and this Egret reads {}; attach it with a DuckDB of \
                 that version to migrate it, or use another Egret",
                ddl::DUCKLAKE_VERSION
            )));
        }
        if metadata(connection, "encrypted").await?.as_deref() == Some("true") {
            return Err(unusable("its files are encrypted, which Egret cannot read".to_owned()));
        }
        Ok(())
    }
}

/// Whether there is no database yet, or one that somebody has opened for the first time and not yet written to.
fn is_missing(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| metadata.len() == 0)
}

fn unusable(path: &Path, error: sqlx::Error) -> LakeError {
    match LakeError::from(error) {
        LakeError::Catalog(error) => {
            let reason = format!("it does not open as an SQLite database: {error}");
            LakeError::Unusable { path: path.to_owned(), reason }
        }
        other => other,
    }
}

async fn has_tables(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'ducklake_metadata'";
    let tables: i64 = sqlx::query_scalar(sql).fetch_one(connection).await?;
    Ok(tables > 0)
}

/// Makes the tables and snapshot 0, which has the empty schema `main`.
async fn create(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), LakeError> {
    for table in ddl::TABLES {
        sqlx::query(table).execute(&mut *connection).await?;
    }
    let created_by = concat!("Egret ", env!("CARGO_PKG_VERSION"));
    let settings = [
        ("version", ddl::DUCKLAKE_VERSION),
        ("created_by", created_by),
        ("data_path", ""),
        ("encrypted", "false"),
        // DuckDB would keep small inserts in the catalog, where file globs do not see them.
        ("data_inlining_row_limit", "0"),
    ];
    for (key, value) in settings {
        sqlx::query(r#"INSERT INTO ducklake_metadata("key", "value") VALUES ($1, $2)"#)
            .bind(key)
            .bind(value)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("INSERT INTO ducklake_schema VALUES (0, $1, 0, NULL, 'main', 'main/', $2)")
        .bind(Uuid::now_v7().to_string())
        .bind(true)
        .execute(&mut *connection)
        .await?;
    NextSnapshot::first(snapshot_time(now)).insert(connection, None).await
}

/// The data folder as DuckDB wants it: absolute, with a slash at the end.
fn data_path(data: &Path) -> String {
    format!("{}/", data.display())
}

/// A lake's folder may be moved as a whole; the catalog follows when it is opened at the new place.
async fn write_data_path(connection: &mut SqliteConnection, data: &Path) -> Result<(), LakeError> {
    sqlx::query(r#"UPDATE ducklake_metadata SET "value" = $1 WHERE "key" = 'data_path' AND "scope" IS NULL"#)
        .bind(data_path(data))
        .execute(connection)
        .await?;
    Ok(())
}

async fn metadata(connection: &mut SqliteConnection, key: &str) -> Result<Option<String>, LakeError> {
    let sql = r#"SELECT "value" FROM ducklake_metadata WHERE "key" = $1 AND "scope" IS NULL"#;
    Ok(sqlx::query_scalar(sql).bind(key).fetch_optional(connection).await?)
}

/// A name as an identifier in SQL.
pub(crate) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
