//! Which files there are: paths, and patterns of paths.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use egret_http::escape_line;
use globset::{GlobBuilder, GlobMatcher};

use crate::generator::GenerateError;

/// So many files are read.
const MAX_FILES: usize = 10_000;

/// So many entries of folders are looked at.
const MAX_ENTRIES: usize = 1_000_000;

/// Folders are looked into so deep.
const MAX_DEPTH: usize = 64;

/// A path, or a pattern of paths.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    /// The folder that it is looked up in, and how deep; none if it is a plain path.
    lookup: Option<(String, GlobMatcher, usize)>,
}

/// A file.
#[derive(Debug)]
pub(super) struct FoundFile {
    pub path: PathBuf,
    /// As people call it: as the block does.
    pub name: String,
    /// Whether the block names it, rather than a pattern.
    pub is_named: bool,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each file once, by name.
    pub files: Vec<FoundFile>,
    /// Folders that cannot be looked into, and why.
    pub failed: Vec<(String, String)>,
}

impl Pattern {
    /// Reads a path.
    ///
    /// # Errors
    /// If it is empty or a broken pattern, with what is wrong.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("it is empty".to_owned());
        }
        let Some(first) = text.find(['*', '?', '[', '{']) else {
            return Ok(Self { text: text.to_owned(), lookup: None });
        };
        let glob = GlobBuilder::new(text).literal_separator(true).build();
        let glob = glob.map_err(|error| error.kind().to_string())?;
        let folder = text[..first].rfind('/').map_or("", |end| &text[..=end]);
        let rest = &text[folder.len()..];
        let depth = if rest.contains("**") { MAX_DEPTH } else { rest.matches('/').count() + 1 };
        Ok(Self { text: text.to_owned(), lookup: Some((folder.to_owned(), glob.compile_matcher(), depth)) })
    }
}

/// All files that `patterns` stand for, relative ones in `folder`.
///
/// # Errors
/// If there are too many.
pub(super) fn find(folder: &Path, patterns: &[Pattern]) -> Result<Found, GenerateError> {
    let mut looking = Looking { folder, files: BTreeMap::new(), failed: BTreeMap::new(), entries: 0 };
    for pattern in patterns {
        match &pattern.lookup {
            None => {
                looking.files.insert(pattern.text.clone(), true);
            }
            Some((start, glob, depth)) => looking.walk(start, glob, *depth)?,
        }
    }
    let files = looking.files.into_iter();
    let files =
        files.map(|(name, is_named)| FoundFile { path: folder.join(&name), name, is_named }).collect();
    Ok(Found { files, failed: looking.failed.into_iter().collect() })
}

struct Looking<'a> {
    folder: &'a Path,
    files: BTreeMap<String, bool>,
    failed: BTreeMap<String, String>,
    entries: usize,
}

impl Looking<'_> {
    /// Looks into the folder `start`, which is empty or ends with a slash.
    fn walk(&mut self, start: &str, glob: &GlobMatcher, depth: usize) -> Result<(), GenerateError> {
        let mut folders = vec![(start.to_owned(), depth)];
        while let Some((name, depth)) = folders.pop() {
            let entries = match fs::read_dir(self.folder.join(&name)) {
                Ok(entries) => entries,
                // Gone since its own folder was looked into.
                Err(error) if error.kind() == ErrorKind::NotFound && name != start => continue,
                Err(error) => {
                    self.fail(&name, &error.to_string());
                    continue;
                }
            };
            for entry in entries {
                self.entries += 1;
                if self.entries > MAX_ENTRIES {
                    return Err(GenerateError::refused(format!(
                        "the folders have more than {MAX_ENTRIES} entries; write closer `paths`"
                    )));
                }
                let Ok(entry) = entry else { continue };
                let Some(entry_name) = entry.file_name().to_str().map(|own| format!("{name}{own}")) else {
                    // A pattern is text, and so is the name of a part.
                    continue;
                };
                let kind = entry.file_type();
                if kind.as_ref().is_ok_and(fs::FileType::is_dir) {
                    if depth > 1 {
                        folders.push((format!("{entry_name}/"), depth - 1));
                    }
                } else if glob.is_match(&entry_name)
                    && fs::metadata(entry.path()).is_ok_and(|found| found.is_file())
                {
                    self.files.entry(entry_name).or_insert(false);
                    if self.files.len() > MAX_FILES {
                        return Err(GenerateError::refused(format!(
                            "there are more than {MAX_FILES} files; write closer `paths`"
                        )));
                    }
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, name: &str, why: &str) {
        let place = name.trim_end_matches('/');
        let shown = match (place, name) {
            ("", "/") => "/",
            ("", _) => ".",
            (place, _) => place,
        };
        self.failed.insert(place.to_owned(), format!("cannot look into {}: {why}", escape_line(shown)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<Pattern> =
            patterns.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect();
        find(folder, &patterns).unwrap().files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn patterns_stand_for_files() {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a.json", "b.json", "c.txt", ".d.json", "x/a.json", "x/y/a.json", "x/y/b.yml"];
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir(folder.path().join("folder.json")).unwrap();
        std::os::unix::fs::symlink("..", folder.path().join("x/up")).unwrap();
        std::os::unix::fs::symlink("a.json", folder.path().join("link.json")).unwrap();
        std::os::unix::fs::symlink("nowhere", folder.path().join("broken.json")).unwrap();
        let here = folder.path();
        assert_eq!(names(here, &["*.json"]), [".d.json", "a.json", "b.json", "link.json"]);
        assert_eq!(names(here, &["a.json", "[ab].json", "missing"]), ["a.json", "b.json", "missing"]);
        assert_eq!(names(here, &["*/a.json"]), ["x/a.json"]);
        assert_eq!(names(here, &["x/**/*.{json,yml}"]), ["x/a.json", "x/y/a.json", "x/y/b.yml"]);
        let absolute = format!("{}/x/*.json", here.display());
        assert_eq!(names(Path::new("/"), &[&absolute]), [format!("{}/x/a.json", here.display())]);
        let missing = find(here, &[Pattern::parse("nowhere/*.json").unwrap()]).unwrap();
        assert_eq!(missing.failed[0].0, "nowhere");
        assert!(Pattern::parse("[a").is_err() && Pattern::parse("").is_err());
    }
}
