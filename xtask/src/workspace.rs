//! The files of the repository, read once, with paths relative to its root.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folders that hold nothing of ours, wherever they are: build results, version control.
const SKIPPED_FOLDERS: [&str; 6] = ["target", "node_modules", "__pycache__", "book", ".git", ".venv"];

/// The lake that `egret` makes where it is started; below `crates/` it is the name of a crate.
const LAKE_FOLDER: &str = "egret-lake";

/// Endings of the files that people write. Anything else is data.
const TEXT_ENDINGS: [&str; 14] =
    ["rs", "toml", "md", "hcl", "py", "sh", "sql", "yml", "yaml", "json", "jsonl", "c", "h", "ts"];

/// Names without such an ending that people write all the same.
const TEXT_NAMES: [&str; 3] = ["Makefile", "run", "collect"];

/// A file that people write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextFile {
    /// Relative to the root, with `/` between the parts.
    pub path: String,
    /// What it says.
    pub text: String,
}

impl TextFile {
    /// A file for tests.
    #[cfg(test)]
    pub fn new(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), text: text.into() }
    }

    /// The part of the name after the last dot.
    pub fn ending(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, ending)| ending)
    }

    /// How many lines it has.
    pub fn line_count(&self) -> usize {
        self.text.lines().count()
    }
}

/// The repository's root: the folder above this crate, as `cargo run` names it. Not the one it was built in:
/// clones that share a target folder share this program too.
pub fn root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let own = PathBuf::from(own);
    own.parent().map(Path::to_owned).unwrap_or(own)
}

/// The cargo that runs this program.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// All text files below `root`, sorted by path.
///
/// # Errors
/// If a folder or file cannot be read.
pub fn text_files(root: &Path) -> io::Result<Vec<TextFile>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                let lake = name == LAKE_FOLDER && folder != root.join("crates");
                if !lake && !SKIPPED_FOLDERS.contains(&name.as_str()) {
                    folders.push(entry.path());
                }
            } else if is_text(&name) {
                let path = relative(root, &entry.path());
                let bytes = fs::read(entry.path())?;
                files.push(TextFile { path, text: String::from_utf8_lossy(&bytes).into_owned() });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn is_text(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    TEXT_NAMES.contains(&name) || TEXT_ENDINGS.contains(&ending)
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_people_wrote_and_nothing_that_was_built() {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("a/b.rs", "//! B.\n"),
            ("crates/egret-lake/e.rs", "//! E.\n"),
            ("egret-lake/f.json", "{}"),
            ("examples/egret-lake/g.sql", ""),
            ("target/c.rs", ""),
            ("Makefile", "all:\n"),
            ("d.parquet", "PAR1"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = text_files(folder.path()).unwrap();
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["Makefile", "a/b.rs", "crates/egret-lake/e.rs"]);
        assert_eq!(files[1].ending(), "rs");
        assert_eq!(files[1].line_count(), 1);
    }
}
