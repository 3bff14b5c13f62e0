//! States in a folder: a file for each blob and each run. It may be on a share that several machines use.
//!
//! ```text
//! version                          what all of it is written in
//! blobs/ab/abcdef…                 a blob; when the file was modified is when it was last wanted
//! runs/GENERATOR/RUN.json          a run; the ids of runs are in the order of time
//! new/…                            what is being written; it gets its name when it is all there
//! lock                             held by who puts (many at once) and by who removes (alone)
//! ```
//!
//! A file has its name only once its bytes are on the disk, and the first two digits spread blobs over 256 folders: those of
//! neighbours in a state are one folder, so what is written together is made durable together.

mod files;
mod runs;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use egret_model::Timestamp;

use self::files::{Files, spread};
use super::{Blob, BlobId, RunFilter, RunRecord, StateStore, StateStoreError, checked};

/// What is written, and the newest that is read.
const VERSION: i64 = 1;

/// Files that one lock is held for.
const BATCH: usize = 256;

/// States in a folder.
#[derive(Debug, Clone)]
pub struct FolderStateStore {
    files: Files,
}

impl FolderStateStore {
    /// Opens the store in `folder`, and makes it where there is none.
    ///
    /// # Errors
    /// If the folder cannot be used, has other things in it, or is of a newer version.
    pub async fn open(folder: &Path) -> Result<Self, StateStoreError> {
        let files = Files::new(folder.to_owned());
        let opened = files.clone();
        blocking(move || prepare(&opened)).await?;
        Ok(Self { files })
    }

    fn blob(&self, id: BlobId) -> PathBuf {
        blob_path(&self.files, &id.to_string())
    }
}

#[async_trait]
impl StateStore for FolderStateStore {
    async fn put(&self, blobs: &[Blob], now: Timestamp) -> Result<(), StateStoreError> {
        let mut blobs: Vec<&Blob> = blobs.iter().collect();
        blobs.sort_unstable_by_key(|blob| blob.id);
        blobs.dedup_by_key(|blob| blob.id);
        for blobs in blobs.chunks(BATCH) {
            let files = self.files.clone();
            let _lock = blocking(move || files.lock_shared()).await?;
            let files = self.files.clone();
            let paths: Vec<PathBuf> = blobs.iter().map(|blob| self.blob(blob.id)).collect();
            let renewed = spread(paths, move |path| files.renew(&path, now)).await?;
            let new = blobs.iter().zip(renewed).filter(|(_, renewed)| !renewed);
            let new: Vec<(PathBuf, Vec<u8>)> =
                new.map(|(blob, _)| (self.blob(blob.id), blob.bytes.clone())).collect();
            let mut folders: Vec<PathBuf> =
                new.iter().filter_map(|(path, _)| path.parent().map(Path::to_owned)).collect();
            folders.dedup();
            let files = self.files.clone();
            spread(new, move |(path, bytes)| files.write(&path, &bytes, Some(now))).await?;
            let files = self.files.clone();
            spread(folders, move |folder| files.sync_folder(&folder)).await?;
        }
        Ok(())
    }

    async fn get(&self, ids: &[BlobId]) -> Result<Vec<Vec<u8>>, StateStoreError> {
        let store = self.clone();
        spread(ids.to_vec(), move |id| checked(id, store.files.read(&store.blob(id))?)).await
    }

    async fn old_blobs(
        &self,
        after: Option<BlobId>,
        before: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobId>, StateStoreError> {
        let files = self.files.clone();
        blocking(move || old_blobs(&files, after, before, limit)).await
    }

    async fn remove(&self, ids: &[BlobId], before: Timestamp) -> Result<u64, StateStoreError> {
        let mut removed = 0;
        for ids in ids.chunks(BATCH) {
            let paths: Vec<PathBuf> = ids.iter().map(|id| self.blob(*id)).collect();
            let files = self.files.clone();
            removed += blocking(move || {
                let _lock = files.lock()?;
                files.remove_leftovers(before)?;
                let mut removed = 0;
                for path in paths {
                    removed += u64::from(files.remove_old(&path, before)?);
                }
                Ok(removed)
            })
            .await?;
        }
        Ok(removed)
    }

    async fn put_run(&self, run: &RunRecord) -> Result<(), StateStoreError> {
        let (files, run) = (self.files.clone(), run.clone());
        blocking(move || runs::put(&files, &run)).await
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError> {
        let (files, filter) = (self.files.clone(), filter.clone());
        blocking(move || runs::find(&files, &filter)).await
    }

    async fn generators(&self) -> Result<Vec<String>, StateStoreError> {
        let files = self.files.clone();
        blocking(move || runs::generators(&files)).await
    }

    async fn remove_runs(
        &self,
        generator: &str,
        before: Timestamp,
        except: Option<&str>,
    ) -> Result<u64, StateStoreError> {
        let (files, generator, except) =
            (self.files.clone(), generator.to_owned(), except.map(str::to_owned));
        blocking(move || runs::remove(&files, &generator, before, except.as_deref())).await
    }
}

/// Runs what waits for files on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateStoreError> + Send + 'static,
) -> Result<T, StateStoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(files::failed("work in", Path::new("the folder of states"))(error.into())),
    }
}

/// Makes the folder what it must be.
fn prepare(files: &Files) -> Result<(), StateStoreError> {
    let place = files.folder().display().to_string();
    let path = files.folder().join("version");
    if let Some(version) = files.read(&path)? {
        let version = String::from_utf8_lossy(&version);
        return match version.trim().parse::<i64>() {
            Ok(found) if found > VERSION => Err(StateStoreError::Version { place, found, known: VERSION }),
            Ok(_) => Ok(()),
            Err(_) => {
                Err(StateStoreError::Place { place, why: "its file `version` has no number".to_owned() })
            }
        };
    }
    // A crash may have left what the version is written into before it gets its name; and a share has its own.
    let is_ours = |name: &str| matches!(name, "new" | "lost+found") || name.starts_with('.');
    let names = files.names(files.folder())?;
    if let Some(other) = names.iter().find(|name| !is_ours(name)) {
        // Another process may have made it just now.
        if files.read(&path)?.is_some() {
            return Ok(());
        }
        let why = format!("it has other things in it, such as `{other}`; name a folder of its own");
        return Err(StateStoreError::Place { place, why });
    }
    files.write(&path, format!("{VERSION}\n").as_bytes(), None)?;
    files.sync_folder(files.folder())
}

fn blob_path(files: &Files, id: &str) -> PathBuf {
    files.folder().join("blobs").join(&id[..2]).join(id)
}

fn old_blobs(
    files: &Files,
    after: Option<BlobId>,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<BlobId>, StateStoreError> {
    let first = after.map_or(0, |id| id.as_bytes()[0]);
    let mut old = Vec::new();
    for prefix in first..=u8::MAX {
        let names = files.names(&files.folder().join("blobs").join(format!("{prefix:02x}")))?;
        // What does not read as a name of ours is none.
        let ids = names.iter().filter_map(|name| Some((BlobId::parse(name)?, name)));
        for (id, name) in ids.filter(|(id, _)| after.is_none_or(|after| *id > after)) {
            if old.len() >= limit {
                return Ok(old);
            }
            let wanted_at = files.modified(&blob_path(files, name))?;
            if wanted_at.is_some_and(|wanted_at| wanted_at < before) {
                old.push(id);
            }
        }
    }
    Ok(old)
}
