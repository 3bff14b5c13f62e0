//! `cargo xtask gen`: the reference part of the book, written from what the built binary says of itself.

mod binary;
mod pages;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Report;
use crate::workspace;

use self::binary::Binary;
use self::pages::Page;

/// The book's sources.
const BOOK: &str = "docs/src";

/// Where the generated pages lie. Nothing else lies there.
const FOLDER: &str = "docs/src/reference";

/// The book's table of contents; its part `# Reference` is generated as well.
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// What to do with the generated pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Write them.
    Write,
    /// Complain where they differ from those in the repository.
    Check,
}

/// Builds the binary, asks it, and writes or compares.
///
/// # Errors
/// If the binary does not build or does not answer as the command line's contract says.
pub fn run(mode: Mode) -> Result<Report, String> {
    let root = workspace::root();
    let binary = Binary::build(&root)?;
    let pages = all_pages(&binary, &root.join(BOOK))?;
    let summary = fs::read_to_string(root.join(SUMMARY)).map_err(|error| format!("{SUMMARY}: {error}"))?;

    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    wanted.insert(SUMMARY.to_owned(), pages::with_contents(&summary, &pages)?);
    for page in pages {
        wanted.insert(format!("{FOLDER}/{}", page.path), page.text);
    }
    let present = present_pages(&root)?;
    let differences = differences(&wanted, &present);
    let count = wanted.len();
    match mode {
        Mode::Check => Ok(Report {
            errors: differences
                .iter()
                .map(|path| format!("{path} is stale; run `cargo xtask gen`"))
                .collect(),
            warnings: Vec::new(),
            summary: format!("gen: {count} generated files are up to date"),
        }),
        Mode::Write => {
            write(&root, &wanted, &differences)?;
            let summary = format!("gen: {} of {count} generated files changed", differences.len());
            Ok(Report { summary, ..Report::default() })
        }
    }
}

fn all_pages(binary: &Binary, book: &Path) -> Result<Vec<Page>, String> {
    let mut pages = vec![pages::commands(&binary.help()?)];
    let kinds = [&pages::TABLES, &pages::SOURCES, &pages::FORMATS, &pages::OUTPUTS, &pages::GENERATORS];
    for kind in kinds {
        let described = binary.describe(kind.command)?;
        pages.push(pages::index(kind, &described));
        pages.extend(described.iter().map(|value| {
            let has_picture = book.join(pages::picture(kind, value)).is_file();
            pages::one(kind, value, has_picture)
        }));
    }
    Ok(pages)
}

/// The generated files that are there now, with their text.
fn present_pages(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut present = BTreeMap::new();
    let files = workspace::text_files(&root.join(BOOK)).map_err(|error| format!("{BOOK}: {error}"))?;
    for file in files {
        let path = format!("{BOOK}/{}", file.path);
        if path == SUMMARY || path.starts_with(FOLDER) {
            present.insert(path, file.text);
        }
    }
    Ok(present)
}

/// The paths that have to be written or removed.
fn differences(wanted: &BTreeMap<String, String>, present: &BTreeMap<String, String>) -> Vec<String> {
    let changed =
        wanted.iter().filter(|(path, text)| present.get(*path) != Some(*text)).map(|(path, _)| path);
    let gone = present.keys().filter(|path| !wanted.contains_key(*path));
    changed.chain(gone).cloned().collect()
}

fn write(root: &Path, wanted: &BTreeMap<String, String>, paths: &[String]) -> Result<(), String> {
    for path in paths {
        let target = root.join(path);
        let written = match wanted.get(path) {
            Some(text) => {
                fs::create_dir_all(target.parent().unwrap_or(root)).and_then(|()| fs::write(&target, text))
            }
            None => fs::remove_file(&target),
        };
        written.map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn finds_what_is_new_changed_or_gone() {
        let wanted = map(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let present = map(&[("a", "1"), ("b", "old"), ("d", "4")]);
        assert_eq!(differences(&wanted, &present), ["b", "c", "d"]);
        assert_eq!(differences(&wanted, &wanted), Vec::<String>::new());
    }

    #[test]
    fn writes_and_removes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("gone.md"), "x").unwrap();
        let wanted = map(&[("new/a.md", "1")]);
        write(folder.path(), &wanted, &["new/a.md".to_owned(), "gone.md".to_owned()]).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("new/a.md")).unwrap(), "1");
        assert!(!folder.path().join("gone.md").exists());
    }
}
