//! Files of a folder that several processes use: written whole or not at all, renewed, removed.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use egret_model::Timestamp;

use crate::store::StateStoreError;

/// So many files are waited for at once: a share answers many as fast as one.
const AT_ONCE: usize = 8;

/// A folder and what is done to its files.
#[derive(Debug, Clone)]
pub(super) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits until nobody removes anything, and keeps it so until the file is dropped or the process ends.
    pub(super) fn lock_shared(&self) -> Result<File, StateStoreError> {
        let (file, path) = self.open_lock()?;
        file.lock_shared().map_err(failed("lock", &path))?;
        Ok(file)
    }

    /// Waits until nobody puts or removes anything, and keeps it so.
    pub(super) fn lock(&self) -> Result<File, StateStoreError> {
        let (file, path) = self.open_lock()?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(file)
    }

    fn open_lock(&self) -> Result<(File, PathBuf), StateStoreError> {
        let path = self.folder.join("lock");
        let options = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        Ok((options.map_err(failed("open", &path))?, path))
    }

    /// The bytes of a file; `None` if there is none.
    pub(super) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, StateStoreError> {
        there(fs::read(path)).map_err(failed("read", path))
    }

    /// The names in a folder, in their order; none if there is no folder.
    pub(super) fn names(&self, folder: &Path) -> Result<Vec<String>, StateStoreError> {
        let failed = failed("list", folder);
        let Some(entries) = there(fs::read_dir(folder)).map_err(&failed)? else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries {
            // One that is no text is none of ours.
            names.extend(entry.map_err(&failed)?.file_name().into_string().ok());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// When a file was modified; `None` if there is none.
    pub(super) fn modified(&self, path: &Path) -> Result<Option<Timestamp>, StateStoreError> {
        // Opened, for a share may answer from memory what it is asked about a name.
        let modified = there(File::open(path).and_then(|file| file.metadata()?.modified()));
        Ok(modified.map_err(failed("look at", path))?.map(timestamp))
    }

    /// Says that a file was modified at `now`, or later. `false` if it has to be written: there is none, or it is not ours
    /// to change.
    pub(super) fn renew(&self, path: &Path, now: Timestamp) -> Result<bool, StateStoreError> {
        let renewed = File::open(path).and_then(|file| {
            if timestamp(file.metadata()?.modified()?) < now {
                file.set_modified(system_time(now))?;
            }
            Ok(true)
        });
        match renewed {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
                Ok(false)
            }
            other => other.map_err(failed("renew", path)),
        }
    }

    /// Writes a file, over one that is there. Nobody sees it before it is on the disk; that its name is there is for
    /// [`Self::sync_folder`] to say.
    pub(super) fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        modified: Option<Timestamp>,
    ) -> Result<(), StateStoreError> {
        let new = self.folder.join("new");
        let written = new.join(uuid::Uuid::now_v7().simple().to_string());
        let write = || {
            let mut file = File::options().write(true).create_new(true).open(&written)?;
            file.write_all(bytes)?;
            if let Some(modified) = modified {
                file.set_modified(system_time(modified))?;
            }
            file.sync_all()?;
            self.with_folder(path, || fs::rename(&written, path))
        };
        let done = self.with_folder(&written, write);
        if done.is_err() {
            // Full disks get no fuller. If that fails too, a later sweep takes it.
            let _ = fs::remove_file(&written);
        }
        done.map_err(failed("write", path))
    }

    /// Does something that needs the folder of `path`, and makes that if it is missing.
    fn with_folder(&self, path: &Path, work: impl Fn() -> io::Result<()>) -> io::Result<()> {
        match work() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = path.parent().unwrap_or(&self.folder);
                fs::create_dir_all(folder)?;
                // So that the folder's own name lasts.
                let mut above =
                    folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.folder));
                above.try_for_each(sync)?;
                work()
            }
            other => other,
        }
    }

    /// Makes the names in a folder last.
    pub(super) fn sync_folder(&self, folder: &Path) -> Result<(), StateStoreError> {
        sync(folder).map_err(failed("write", folder))
    }

    /// Removes a file that was modified before `before`. Whether it was there and old.
    pub(super) fn remove_old(&self, path: &Path, before: Timestamp) -> Result<bool, StateStoreError> {
        match self.modified(path)? {
            Some(modified) if modified < before => self.remove(path),
            _ => Ok(false),
        }
    }

    /// Removes a file. Whether it was there.
    pub(super) fn remove(&self, path: &Path) -> Result<bool, StateStoreError> {
        Ok(there(fs::remove_file(path)).map_err(failed("remove", path))?.is_some())
    }

    /// Removes what processes that died were writing.
    pub(super) fn remove_leftovers(&self, before: Timestamp) -> Result<(), StateStoreError> {
        let new = self.folder.join("new");
        for name in self.names(&new)? {
            self.remove_old(&new.join(name), before)?;
        }
        Ok(())
    }
}

/// Does `work` to each of `items` on a few threads, and gives what comes of it in their order.
pub(super) async fn spread<I, T>(
    items: Vec<I>,
    work: impl Fn(I) -> Result<T, StateStoreError> + Clone + Send + 'static,
) -> Result<Vec<T>, StateStoreError>
where
    I: Send + 'static,
    T: Send + 'static,
{
    let share = items.len().div_ceil(AT_ONCE).max(1);
    let mut items = items.into_iter();
    let mut shares = Vec::new();
    while items.len() > 0 {
        let (items, work) = (items.by_ref().take(share).collect::<Vec<_>>(), work.clone());
        shares.push(super::blocking(move || items.into_iter().map(work).collect::<Result<Vec<T>, _>>()));
    }
    // All are waited for, so that nothing goes on after an error.
    let mut done = Vec::new();
    for share in futures_util::future::join_all(shares).await {
        done.extend(share?);
    }
    Ok(done)
}

/// The error of a file or folder.
pub(super) fn failed(action: &'static str, path: &Path) -> impl Fn(io::Error) -> StateStoreError {
    let place = path.display().to_string();
    move |error| StateStoreError::Io { action, place: place.clone(), error }
}

/// `None` for what is not there.
fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // A share may not know that of folders.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

fn system_time(time: Timestamp) -> SystemTime {
    let duration = Duration::from_micros(time.micros().unsigned_abs());
    if time.micros() < 0 { SystemTime::UNIX_EPOCH - duration } else { SystemTime::UNIX_EPOCH + duration }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => Timestamp::from_micros(micros(since)),
        Err(before) => Timestamp::from_micros(-micros(before.duration())),
    }
}
