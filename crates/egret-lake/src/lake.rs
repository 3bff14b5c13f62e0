//! A lake: the folder, its catalog, and the tables in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion_ducklake::MetadataProvider;
use egret_model::{Clock, SystemClock, TableSchema, suggest};
use tokio::sync::OnceCell;

use crate::catalog::{self, Catalog, NextSnapshot, tables};
use crate::checkpoint;
use crate::error::LakeError;
use crate::evolve;
use crate::lock::{Locks, PartitionLock};
use crate::table::{Table, TableHandle};

/// How to open a lake.
#[derive(Debug, Clone)]
pub struct LakeOptions {
    /// The lake's folder; made if it is not there.
    pub folder: PathBuf,
    /// Where the times of snapshots come from.
    pub clock: Arc<dyn Clock>,
    /// The level of zstd compression of data files.
    pub compression: i32,
}

impl Default for LakeOptions {
    fn default() -> Self {
        Self { folder: PathBuf::from("./egret-lake"), clock: Arc::new(SystemClock), compression: 1 }
    }
}

impl LakeOptions {
    /// The lake in `folder`, with the machine's clock.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..Self::default() }
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

/// An open lake. Cheap to clone; all clones are the same lake.
#[derive(Debug, Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    id: String,
    folder: PathBuf,
    data: PathBuf,
    clock: Arc<dyn Clock>,
    compression: i32,
    catalog: Catalog,
    locks: Locks,
    reader: OnceCell<Arc<dyn MetadataProvider>>,
}

impl Lake {
    /// Opens the lake in a folder, and makes it where there is none.
    ///
    /// # Errors
    /// If the folder cannot be used, or holds a catalog of another version.
    pub async fn open(options: LakeOptions) -> Result<Self, LakeError> {
        let data = options.folder.join("data");
        fs::create_dir_all(&data).map_err(LakeError::io("create", &data))?;
        // DuckDB may attach the catalog from any working directory: its paths must not depend on ours.
        let folder = fs::canonicalize(&options.folder).map_err(LakeError::io("open", &options.folder))?;
        let data = folder.join("data");
        let locks = Locks::new(folder.join("locks"));
        let catalog =
            Catalog::open(folder.join("catalog.sqlite"), &data, &locks, options.clock.now()).await?;
        let inner = Inner {
            id: catalog.id().await?,
            locks,
            data,
            folder,
            clock: options.clock,
            compression: options.compression,
            catalog,
            reader: OnceCell::new(),
        };
        let lake = Self { inner: Arc::new(inner) };
        checkpoint::ensure_table(&lake).await?;
        Ok(lake)
    }

    /// The lake's folder, absolute.
    pub fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// What it is known by wherever its folder is: one made anew in the same place is another.
    pub fn id(&self) -> &str {
        &self.inner.id
    }

    /// The folder of the data files, absolute.
    pub fn data_folder(&self) -> &Path {
        &self.inner.data
    }

    /// The number of the newest snapshot.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn snapshot(&self) -> Result<i64, LakeError> {
        let mut connection = self.catalog().pool().acquire().await?;
        Ok(catalog::latest(&mut connection).await?.id)
    }

    /// The tables, by name.
    ///
    /// # Errors
    /// If the catalog fails.
    pub async fn tables(&self) -> Result<Vec<TableHandle>, LakeError> {
        let mut transaction = self.catalog().read().await?;
        let snapshot = catalog::latest(&mut transaction).await?;
        let tables = tables::all(&mut transaction, &snapshot).await?;
        Ok(tables.into_iter().map(Arc::new).collect())
    }

    /// The table called `name`.
    ///
    /// # Errors
    /// If there is none, with the nearest name as a hint.
    pub async fn table(&self, name: &str) -> Result<TableHandle, LakeError> {
        if let Some(table) = self.find_table(name).await? {
            return Ok(Arc::new(table));
        }
        let names: Vec<String> = self.tables().await?.iter().map(|table| table.name().to_owned()).collect();
        let hint = match suggest::nearest(name, names.iter().map(String::as_str)) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("it has {}", names.join(", ")),
        };
        Err(LakeError::UnknownTable { name: name.to_owned(), hint })
    }

    /// Makes the table, or adds to it the columns that it lacks; rows already there have null in them.
    /// Columns that only the lake has stay. Safe to call from several processes at once.
    ///
    /// # Errors
    /// If a column would need a type that cannot hold what is stored.
    pub async fn ensure_table(&self, wanted: &TableSchema) -> Result<TableHandle, LakeError> {
        evolve::check_name(&wanted.name)?;
        if let Some(live) = self.find_table(&wanted.name).await?
            && evolve::steps(&live, wanted)?.is_empty()
        {
            return Ok(Arc::new(live));
        }
        let mut transaction = self.catalog().write().await?;
        let mut next = NextSnapshot::begin(&mut transaction, self.clock().now()).await?;
        // Another process may have done it before we had the lock: look again.
        let now = catalog::latest(&mut transaction).await?;
        match tables::by_name(&mut transaction, &now, &wanted.name).await? {
            None => {
                evolve::create(&mut transaction, &mut next, wanted).await?;
            }
            Some(live) => {
                let steps = evolve::steps(&live, wanted)?;
                if steps.is_empty() {
                    return Ok(Arc::new(live));
                }
                evolve::evolve(&mut transaction, &mut next, live.id(), steps).await?;
            }
        }
        next.insert(&mut transaction, None).await?;
        let now = catalog::latest(&mut transaction).await?;
        let table = tables::by_name(&mut transaction, &now, &wanted.name).await?;
        transaction.commit().await?;
        let Some(table) = table else {
            return Err(LakeError::Read(format!("table `{}` vanished while it was made", wanted.name)));
        };
        tracing::info!(table = wanted.name, snapshot = now.id, "made or extended a lake table");
        Ok(Arc::new(table))
    }

    /// Locks the partition `table.partition` against other collectors, here and in other processes.
    /// `None` if one is at work. Released when dropped, and by the system when the process dies.
    ///
    /// # Errors
    /// If the lock file cannot be used.
    pub fn lock_partition(&self, partition: &str) -> Result<Option<PartitionLock>, LakeError> {
        self.inner.locks.partition(partition)
    }

    async fn find_table(&self, name: &str) -> Result<Option<Table>, LakeError> {
        let mut transaction = self.catalog().read().await?;
        let snapshot = catalog::latest(&mut transaction).await?;
        tables::by_name(&mut transaction, &snapshot, name).await
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn locks(&self) -> &Locks {
        &self.inner.locks
    }

    pub(crate) fn reader(&self) -> &OnceCell<Arc<dyn MetadataProvider>> {
        &self.inner.reader
    }

    /// Where a table's files go.
    pub(crate) fn table_folder(&self, table: &Table) -> Result<PathBuf, LakeError> {
        match &table.parts().path {
            Some(path) => Ok(self.inner.data.join(path)),
            None => Err(LakeError::Rows {
                table: table.name().to_owned(),
                reason: "its files lie outside the lake's data folder, where Egret does not write".to_owned(),
            }),
        }
    }

    pub(crate) fn compression(&self) -> i32 {
        self.inner.compression
    }
}
