//! Walks the file system: which files do the configured paths mean.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Component, Path, PathBuf};

use egret_model::{SourceError, suggest};

use crate::file::glob::{Exclusion, PathGlob, WrittenPath};
use crate::file::identity::{FileId, Stat};
use crate::file::layout::Layout;

/// At most so many names of a folder are looked through for one that was perhaps meant.
const MAX_NAMES_FOR_HINT: usize = 10_000;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The files, by path.
    pub files: BTreeMap<String, Stat>,
    /// Named pipes and devices that were named themselves. They can be read once and have no position.
    pub streams: Vec<String>,
    /// What could not be looked at.
    pub failures: Vec<SourceError>,
}

/// What to take below a folder.
#[derive(Debug)]
pub(crate) struct Discovery<'a> {
    /// What to leave out.
    pub exclusion: &'a Exclusion,
    /// What paths below a folder must look like.
    pub layout: Option<&'a Layout>,
}

impl Discovery<'_> {
    /// Adds to `found` what `written` means. What is not there at all is a failure.
    pub(crate) fn find(&self, written: &WrittenPath, found: &mut Found) {
        match (fs::metadata(&written.absolute), &written.glob) {
            // A name with brackets in it is that file, if there is one.
            (Ok(metadata), _) => self.find_named(&written.absolute, &metadata, found),
            (Err(error), None) if error.kind() == io::ErrorKind::NotFound => {
                found.failures.push(nothing(&written.absolute, missing_hint(&written.absolute)));
            }
            (Err(error), None) => found.failures.push(cannot("find", &written.absolute, error)),
            (Err(_), Some(glob)) => self.find_glob(written, glob, found),
        }
    }

    fn find_named(&self, path: &Path, metadata: &Metadata, found: &mut Found) {
        let path = resolve(path);
        if metadata.is_dir() {
            return self.find_below(&path, found);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if self.exclusion.excludes(&path, &name) {
            let hint = "it is excluded: remove it from `paths` or from `exclude`".to_owned();
            return found.failures.push(nothing(&path, Some(hint)));
        }
        let Some(text) = utf8(&path, found) else { return };
        if metadata.is_file() {
            found.files.insert(text, Stat::new(metadata));
        } else if !found.streams.contains(&text) {
            found.streams.push(text);
        }
    }

    fn find_below(&self, folder: &Path, found: &mut Found) {
        let mut walk = Walk::new(self, None, folder);
        walk.run(found);
        if let (0, Some(layout), Some(example)) = (walk.kept, self.layout, &walk.example) {
            let hint = format!("the folder holds {} other files, such as {example}", walk.seen);
            let pattern = format!("the layout `{}` below {}", layout.text(), folder.display());
            found.failures.push(SourceError::NothingMatches { pattern, hint: Some(hint) });
        }
    }

    fn find_glob(&self, written: &WrittenPath, glob: &PathGlob, found: &mut Found) {
        let folder = resolve(&glob.folder);
        if !folder.is_dir() {
            return found.failures.push(nothing(&written.absolute, missing_hint(&folder)));
        }
        let mut walk = Walk::new(self, Some(glob), &folder);
        let failures = found.failures.len();
        walk.run(found);
        // If a folder could not be read, that is the reason.
        if walk.kept == 0 && found.failures.len() == failures {
            let hint = match &walk.example {
                Some(example) => {
                    format!("{} files are left out by the layout or `exclude`, such as {example}", walk.seen)
                }
                None => format!("the folder {} is there, but nothing in it fits", folder.display()),
            };
            found.failures.push(nothing(&written.absolute, Some(hint)));
        }
    }
}

/// One walk below a folder. Each folder is entered once, however many links lead to it.
struct Walk<'a> {
    discovery: &'a Discovery<'a>,
    glob: Option<&'a PathGlob>,
    root: PathBuf,
    entered: HashSet<FileId>,
    seen: u64,
    kept: u64,
    example: Option<String>,
}

/// A folder still to be read.
struct Folder {
    path: PathBuf,
    /// Its path below the root, empty for the root.
    relative: String,
    depth: usize,
    /// Whether everything in it is meant, since the glob meant the folder.
    whole: bool,
}

impl<'a> Walk<'a> {
    fn new(discovery: &'a Discovery<'a>, glob: Option<&'a PathGlob>, root: &Path) -> Self {
        let entered = fs::metadata(root).ok().map(|metadata| Stat::new(&metadata).id).into_iter().collect();
        Self { discovery, glob, root: root.to_owned(), entered, seen: 0, kept: 0, example: None }
    }

    fn run(&mut self, found: &mut Found) {
        let root = self.root.clone();
        let mut folders =
            vec![Folder { path: root, relative: String::new(), depth: 0, whole: self.glob.is_none() }];
        while let Some(folder) = folders.pop() {
            let entries = match read_folder(&folder.path) {
                Ok(entries) => entries,
                Err(error) => {
                    // One that vanished meanwhile is no fault, but for the one that was named.
                    if folder.depth == 0 || error.kind() != io::ErrorKind::NotFound {
                        found.failures.push(cannot("list", &folder.path, error));
                    }
                    continue;
                }
            };
            // From the last to the first, since the last in is the first out.
            let inner: Vec<Folder> =
                entries.iter().filter_map(|entry| self.visit(&folder, entry, found)).collect();
            folders.extend(inner.into_iter().rev());
        }
    }

    /// Takes an entry if it is a file that is meant; gives it back if it is a folder to be entered.
    fn visit(&mut self, parent: &Folder, entry: &DirEntry, found: &mut Found) -> Option<Folder> {
        let path = entry.path();
        let name = entry.file_name();
        let hidden = name.as_encoded_bytes().starts_with(b".");
        if hidden && !self.glob.is_some_and(|glob| glob.names_hidden(&name.to_string_lossy())) {
            return None;
        }
        let lossy = name.to_string_lossy();
        let relative =
            if parent.depth == 0 { lossy.into_owned() } else { format!("{}/{lossy}", parent.relative) };
        let depth = parent.depth + 1;
        let meant = parent.whole || self.glob.is_some_and(|glob| glob.matches(&relative));
        let inside = meant || self.glob.is_some_and(|glob| glob.may_contain(&relative, depth));
        // The type comes with the entry; only a link has to be followed to see what it is.
        let plain_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if !inside || (plain_file && !meant) {
            return None;
        }
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // Rotated away meanwhile, or a link to nowhere.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                found.failures.push(cannot("find", &path, error));
                return None;
            }
        };
        if metadata.is_dir() {
            let excluded = self.discovery.exclusion.excludes(&path, &name.to_string_lossy());
            let enter = !excluded && self.entered.insert(Stat::new(&metadata).id);
            return enter.then_some(Folder { path, relative, depth, whole: meant });
        }
        if metadata.is_file() && meant {
            self.take(&path, &relative, &metadata, found);
        } else if meant && metadata.file_type().is_fifo() {
            tracing::debug!(path = %path.display(), "a named pipe is read only if it is named itself");
        }
        None
    }

    fn take(&mut self, path: &Path, relative: &str, metadata: &Metadata, found: &mut Found) {
        self.seen += 1;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let excluded = self.discovery.exclusion.excludes(path, &name);
        if excluded || self.discovery.layout.is_some_and(|layout| !layout.matches(relative)) {
            self.example.get_or_insert_with(|| relative.to_owned());
            return;
        }
        self.kept += 1;
        if let Some(text) = utf8(path, found) {
            found.files.insert(text, Stat::new(metadata));
        }
    }
}

/// The entries by name, so that the same tree is always walked in the same order.
fn read_folder(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

/// Names are stored as text; one that is none is reported, and the file left alone.
fn utf8(path: &Path, found: &mut Found) -> Option<String> {
    let text = path.to_str().map(str::to_owned);
    if text.is_none() {
        let error = io::Error::new(io::ErrorKind::InvalidInput, "its name is not UTF-8; rename it");
        found.failures.push(cannot("read", path, error));
    }
    text
}

/// A path with `..` in it as the file system understands it; others stay as written.
fn resolve(path: &Path) -> PathBuf {
    if path.components().any(|component| component == Component::ParentDir) {
        return fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    }
    path.to_owned()
}

/// What was perhaps meant by a path that is not there: something named like its first missing part.
fn missing_hint(path: &Path) -> Option<String> {
    let present = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let missing = path.strip_prefix(present).ok()?.components().next()?;
    let missing = missing.as_os_str().to_string_lossy();
    let entries = fs::read_dir(present).ok()?.flatten().take(MAX_NAMES_FOR_HINT);
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    match suggest::nearest(&missing, names.iter().map(String::as_str)) {
        Some(name) => Some(format!("did you mean {}?", present.join(name).display())),
        None => Some(format!("there is no {missing} in {}", present.display())),
    }
}

fn nothing(path: &Path, hint: Option<String>) -> SourceError {
    SourceError::NothingMatches { pattern: path.display().to_string(), hint }
}

fn cannot(action: &'static str, path: &Path, error: io::Error) -> SourceError {
    SourceError::Io { action, path: path.to_owned(), error }
}
