//! Opening the store.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, SqliteConnection};

use crate::change::Change;
use crate::error::StoreError;
use crate::schema::VERSIONS;

/// How long we wait for another process that writes.
const BUSY: Duration = Duration::from_secs(60);

/// The operational database. Cheap to clone; all clones are the same store.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) pool: SqlitePool,
    path: PathBuf,
}

/// The right to do something that only one process may do at a time; held until dropped, or the process ends.
#[derive(Debug)]
pub struct StoreLock {
    _file: File,
}

impl Store {
    /// Opens the store at `path`, and makes it with its folder where there is none.
    ///
    /// # Errors
    /// If the file cannot be used, or is of a newer version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let io = |action| move |source| StoreError::Io { action, path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io("create the folder of"))?;
        }
        // Two processes that made the database at once would fail each other.
        let _creation = match fs::metadata(path) {
            Ok(metadata) if metadata.len() > 0 => None,
            _ => {
                let file = open_lock(path, "creation")?;
                // On a thread that may wait: this one may be the one that the holder needs to get on.
                let locked = tokio::task::spawn_blocking(move || file.lock().map(|()| file)).await;
                Some(locked.map_err(std::io::Error::other).and_then(|file| file).map_err(io("lock"))?)
            }
        };
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was delivered is not delivered again after a power cut, as far as the disk keeps its word.
            .synchronous(SqliteSynchronous::Full)
            // 32 MiB of pages, and a log of as many: ids are random, so changes are everywhere in the file.
            .pragma("cache_size", "-32768")
            .pragma("wal_autocheckpoint", "8000")
            .busy_timeout(BUSY);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .acquire_timeout(2 * BUSY)
            .connect_with(options)
            .await?;
        let store = Self { pool, path: path.to_owned() };
        store.migrate().await?;
        Ok(store)
    }

    /// The database's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a change. It waits until no other process changes the store, and nobody sees it before it is committed.
    ///
    /// # Errors
    /// If another process does not end its change in time.
    pub async fn change(&self) -> Result<Change, StoreError> {
        Ok(Change::new(self.pool.begin_with("BEGIN IMMEDIATE").await?))
    }

    /// Takes the lock `name`, unless another process has it.
    ///
    /// # Errors
    /// If the lock's file cannot be used.
    pub fn try_lock(&self, name: &str) -> Result<Option<StoreLock>, StoreError> {
        let file = open_lock(&self.path, name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(StoreLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => {
                Err(StoreError::Io { action: "lock", path: self.path.clone(), source })
            }
        }
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let known = VERSIONS.len() as i64;
        let mut connection = self.pool.acquire().await?;
        if version(&mut connection).await? == known {
            return Ok(());
        }
        drop(connection);
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        let found = version(&mut transaction).await?;
        if found > known {
            return Err(StoreError::Version { path: self.path.clone(), found, known });
        }
        for statement in
            VERSIONS.iter().skip(usize::try_from(found).unwrap_or(0)).flat_map(|version| version.iter())
        {
            sqlx::query(*statement).execute(&mut *transaction).await?;
        }
        let sql = format!("PRAGMA user_version = {known}");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(())
    }
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("PRAGMA user_version").fetch_one(connection).await?)
}

fn open_lock(path: &Path, name: &str) -> Result<File, StoreError> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(format!("-{name}.lock"));
    let lock = PathBuf::from(lock);
    let opened = File::options().read(true).write(true).create(true).truncate(false).open(&lock);
    opened.map_err(|source| StoreError::Io { action: "open", path: lock, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_of_a_newer_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let store = Store::open(&path).await.unwrap();
        sqlx::query("PRAGMA user_version = 99").execute(&store.pool).await.unwrap();
        drop(store);
        let error = Store::open(&path).await.unwrap_err().to_string();
        assert!(error.contains("has version 99") && error.contains("newer Egret"), "{error}");
    }

    #[tokio::test]
    async fn one_holder_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("a/store.sqlite")).await.unwrap();
        let held = store.try_lock("deliver").unwrap();
        assert!(held.is_some() && store.try_lock("deliver").unwrap().is_none());
        drop(held);
        assert!(store.try_lock("deliver").unwrap().is_some());
    }

    /// Several processes may open a store that is not there yet.
    #[tokio::test]
    async fn opening_at_once_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        let open = || async { Store::open(&path).await.map(|_| ()) };
        let (a, b, c) = tokio::join!(open(), open(), open());
        a.and(b).and(c).unwrap();
    }
}
