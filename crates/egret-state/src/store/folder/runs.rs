//! Runs as files, a folder for each generator. Their names are in the order of time, so few of them need to be read.

use std::fmt::Write as _;
use std::path::PathBuf;

use egret_model::Timestamp;

use super::files::Files;
use crate::store::{RunFilter, RunRecord, StateStoreError};

const ENDING: &str = ".json";

pub(super) fn put(files: &Files, run: &RunRecord) -> Result<(), StateStoreError> {
    let folder = folder_of(files, &run.generator);
    let path = folder.join(file_name(&run.run));
    files.write(&path, format!("{}\n", run.to_text()).as_bytes(), None)?;
    files.sync_folder(&folder)
}

/// The runs that are wanted, the newest first.
pub(super) fn find(files: &Files, filter: &RunFilter) -> Result<Vec<RunRecord>, StateStoreError> {
    let folders = match &filter.generator {
        Some(generator) => vec![folder_of(files, generator)],
        None => folders(files)?,
    };
    let limit = filter.limit.map_or(usize::MAX, |limit| limit as usize);
    let mut found = Vec::new();
    for folder in &folders {
        found.extend(Runs::list(files, folder.clone())?.find(filter, limit)?);
    }
    if folders.len() > 1 {
        found.sort_by(|one, other| (other.started_at, &other.run).cmp(&(one.started_at, &one.run)));
        found.truncate(limit);
    }
    Ok(found)
}

pub(super) fn generators(files: &Files) -> Result<Vec<String>, StateStoreError> {
    let mut generators = Vec::new();
    for folder in folders(files)? {
        // Runs say of which generator they are, in its own letters.
        let newest = Runs::list(files, folder)?.find(&RunFilter::default(), 1)?;
        generators.extend(newest.into_iter().map(|run| run.generator));
    }
    generators.sort_unstable();
    Ok(generators)
}

pub(super) fn remove(
    files: &Files,
    generator: &str,
    before: Timestamp,
    except: Option<&str>,
) -> Result<u64, StateStoreError> {
    let runs = Runs::list(files, folder_of(files, generator))?;
    let except = except.map(file_name);
    let mut removed = 0;
    for name in &runs.names[..runs.begun_by(|started_at| started_at < before)?] {
        if except.as_ref() != Some(name) {
            removed += u64::from(files.remove(&runs.folder.join(name))?);
        }
    }
    Ok(removed)
}

/// The runs of a generator.
struct Runs<'f> {
    files: &'f Files,
    folder: PathBuf,
    /// The names of the files, the oldest first.
    names: Vec<String>,
}

impl<'f> Runs<'f> {
    fn list(files: &'f Files, folder: PathBuf) -> Result<Self, StateStoreError> {
        let mut names = files.names(&folder)?;
        names.retain(|name| name.ends_with(ENDING));
        Ok(Self { files, folder, names })
    }

    /// One of them; `None` if somebody removed it in the meantime.
    fn read(&self, name: &str) -> Result<Option<RunRecord>, StateStoreError> {
        let path = self.folder.join(name);
        let bytes = self.files.read(&path)?;
        let read = bytes.map(|bytes| RunRecord::from_text(&String::from_utf8_lossy(&bytes)));
        read.transpose().map_err(|error| match error {
            StateStoreError::Damaged { what } => {
                StateStoreError::Damaged { what: format!("{what} ({})", path.display()) }
            }
            other => other,
        })
    }

    /// How many of them, from the oldest on, began as `is_early` says.
    fn begun_by(&self, is_early: impl Fn(Timestamp) -> bool) -> Result<usize, StateStoreError> {
        let (mut low, mut high) = (0, self.names.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.read(&self.names[middle])? {
                Some(run) if !is_early(run.started_at) => high = middle,
                // What was removed in the meantime was old.
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    /// Those that are wanted, the newest first, at most so many.
    fn find(&self, filter: &RunFilter, limit: usize) -> Result<Vec<RunRecord>, StateStoreError> {
        let newest = match filter.until {
            Some(until) => self.begun_by(|started_at| started_at <= until)?,
            None => self.names.len(),
        };
        let mut found = Vec::new();
        for name in self.names[..newest].iter().rev() {
            if found.len() >= limit {
                break;
            }
            let Some(run) = self.read(name)? else { continue };
            if filter.since.is_some_and(|since| run.started_at < since) {
                break;
            }
            if run.has_state() || !filter.with_state {
                found.push(run);
            }
        }
        Ok(found)
    }
}

fn folders(files: &Files) -> Result<Vec<PathBuf>, StateStoreError> {
    let runs = files.folder().join("runs");
    Ok(files.names(&runs)?.into_iter().map(|name| runs.join(name)).collect())
}

fn folder_of(files: &Files, generator: &str) -> PathBuf {
    files.folder().join("runs").join(escaped(generator))
}

fn file_name(run: &str) -> String {
    format!("{}{ENDING}", escaped(run))
}

/// Text as a name that every file system can have: a share may not tell `A` from `a`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_such_as_every_file_system_has() {
        assert_eq!(escaped("prod-1_b"), "prod-1_b");
        assert_eq!(escaped("Prod/../ä"), "%50rod%2f%2e%2e%2f%c3%a4");
    }
}
