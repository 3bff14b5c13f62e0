//! Locks between processes, as file locks below `locks/`: the system releases them when a process dies.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::error::LakeError;
use crate::hive;

/// The right to collect one partition; held until it is dropped or the process ends.
#[derive(Debug)]
pub struct PartitionLock {
    _file: File,
}

/// A sign to other processes that data files exist which no commit names yet.
#[derive(Debug)]
pub(crate) struct UncommittedFiles {
    _file: File,
}

/// The right to make the catalog's database; held until it is dropped or the process ends.
#[derive(Debug)]
pub(crate) struct CreationLock {
    _file: File,
}

/// The lake's lock files.
#[derive(Debug)]
pub(crate) struct Locks {
    folder: PathBuf,
    uncommitted: Mutex<Weak<UncommittedFiles>>,
}

impl Locks {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, uncommitted: Mutex::new(Weak::new()) }
    }

    /// Waits until nobody else makes the catalog's database.
    pub(crate) fn creation(&self) -> Result<CreationLock, LakeError> {
        let file = self.open("catalog.lock")?;
        file.lock().map_err(LakeError::io("lock", &self.folder))?;
        Ok(CreationLock { _file: file })
    }

    /// Locks the partition `table.partition`, or `None` if somebody else, here or elsewhere, holds it.
    pub(crate) fn partition(&self, partition: &str) -> Result<Option<PartitionLock>, LakeError> {
        let file = self.open(&format!("partition-{}.lock", hive::encode(partition)))?;
        Ok(try_lock(&file, &self.folder)?.then_some(PartitionLock { _file: file }))
    }

    /// Says that this process writes files, for as long as the answer lives. Waits while another one
    /// looks for orphans.
    pub(crate) fn uncommitted(&self) -> Result<Arc<UncommittedFiles>, LakeError> {
        let mut current = self.uncommitted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(guard) = current.upgrade() {
            return Ok(guard);
        }
        let file = self.open("uncommitted.lock")?;
        file.lock_shared().map_err(LakeError::io("lock", &self.folder))?;
        let guard = Arc::new(UncommittedFiles { _file: file });
        *current = Arc::downgrade(&guard);
        Ok(guard)
    }

    /// Keeps everybody from writing new files, if nobody has uncommitted ones; else `None`.
    pub(crate) fn nothing_uncommitted(&self) -> Result<Option<UncommittedFiles>, LakeError> {
        let file = self.open("uncommitted.lock")?;
        Ok(try_lock(&file, &self.folder)?.then_some(UncommittedFiles { _file: file }))
    }

    fn open(&self, name: &str) -> Result<File, LakeError> {
        fs::create_dir_all(&self.folder).map_err(LakeError::io("create", &self.folder))?;
        let path = self.folder.join(name);
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(LakeError::io("open", path))
    }
}

fn try_lock(file: &File, folder: &Path) -> Result<bool, LakeError> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(LakeError::io("lock", folder)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_a_partition() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::new(folder.path().join("locks"));
        let held = locks.partition("t.a/b").unwrap();
        assert!(held.is_some());
        assert!(locks.partition("t.a/b").unwrap().is_none());
        assert!(locks.partition("t.other").unwrap().is_some());
        drop(held);
        assert!(locks.partition("t.a/b").unwrap().is_some());
    }

    #[test]
    fn orphans_wait_for_writers() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Locks::new(folder.path().to_owned());
        let (first, second) = (locks.uncommitted().unwrap(), locks.uncommitted().unwrap());
        drop(first);
        assert!(locks.nothing_uncommitted().unwrap().is_none());
        drop(second);
        assert!(locks.nothing_uncommitted().unwrap().is_some());
    }
}
