//! A folder that is gone when the test is over.
#![expect(clippy::panic, reason = "a folder that cannot be made or written ends the test that needs it")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// An empty folder of its own, removed when dropped. What the disk refuses ends the test.
#[derive(Debug)]
pub struct TemporaryFolder(tempfile::TempDir);

impl TemporaryFolder {
    /// Makes one.
    #[track_caller]
    pub fn new() -> Self {
        match tempfile::Builder::new().prefix("egret-").tempdir() {
            Ok(folder) => Self(folder),
            Err(error) => panic!("cannot make a temporary folder: {error}"),
        }
    }

    /// Where it is: absolute, without symbolic links.
    #[track_caller]
    pub fn path(&self) -> PathBuf {
        or_panic(fs::canonicalize(self.0.path()), "find", self.0.path())
    }

    /// The path of something in it.
    #[track_caller]
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file, in place of an older one, and makes the folders above it.
    #[track_caller]
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join_with_folders(name.as_ref());
        or_panic(fs::write(&path, bytes), "write", &path);
        path
    }

    /// Appends to a file, which need not exist, and makes the folders above it.
    #[track_caller]
    pub fn append(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join_with_folders(name.as_ref());
        let file = fs::OpenOptions::new().append(true).create(true).open(&path);
        or_panic(file.and_then(|mut file| file.write_all(bytes.as_ref())), "append to", &path);
        path
    }

    /// What a file in it holds.
    #[track_caller]
    pub fn read(&self, name: impl AsRef<Path>) -> Vec<u8> {
        let path = self.join(name);
        or_panic(fs::read(&path), "read", &path)
    }

    #[track_caller]
    fn join_with_folders(&self, name: &Path) -> PathBuf {
        let path = self.join(name);
        if let Some(parent) = path.parent() {
            or_panic(fs::create_dir_all(parent), "make", parent);
        }
        path
    }
}

impl Default for TemporaryFolder {
    fn default() -> Self {
        Self::new()
    }
}

#[track_caller]
fn or_panic<T>(result: std::io::Result<T>, action: &str, path: &Path) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("cannot {action} {}: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_files_and_goes_away() {
        let folder = TemporaryFolder::new();
        let path = folder.write("a/b.log", "one\n");
        folder.append("a/b.log", "two\n");
        assert_eq!(folder.read("a/b.log"), b"one\ntwo\n");
        assert!(path.is_absolute() && path.starts_with(folder.path()));
        drop(folder);
        assert!(!path.exists());
    }
}
