//! `cargo xtask tidy`: what no compiler checks. Each check is a function from a file to complaints.

mod documents;
mod names;
mod sources;
mod words;

use crate::Report;
use crate::workspace::{self, TextFile};

/// Runs every check over the repository.
///
/// # Errors
/// If a file cannot be read.
pub fn run() -> Result<Report, String> {
    let root = workspace::root();
    let files =
        workspace::text_files(&root).map_err(|error| format!("cannot read the repository: {error}"))?;
    let mut report = check(&files);
    report.errors.extend(documents::broken_links(&root, &files));
    report.summary = format!("tidy: {} files", files.len());
    Ok(report)
}

/// Every check that needs nothing but the files' text.
fn check(files: &[TextFile]) -> Report {
    let mut report = Report::default();
    for file in files {
        if file.ending() == "rs" {
            report.errors.extend(sources::missing_head(file));
            report.errors.extend(sources::printing(file));
            report.errors.extend(names::vague_types(file));
            match sources::size(file) {
                sources::Size::Fine => {}
                sources::Size::Large(message) => report.warnings.push(message),
                sources::Size::TooLarge(message) => report.errors.push(message),
            }
        }
        report.errors.extend(names::vague_path(file));
        report.errors.extend(words::unfinished(file));
        report.errors.extend(words::machine_paths(file));
        report.errors.extend(documents::too_long(file));
    }
    report.errors.extend(documents::map_of_crates(files));
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tidy_repository_has_no_complaint_and_each_fault_has_one() {
        let tidy = [
            TextFile::new(
                "ARCHITECTURE.md",
                "# Map\n\n### `egret-model`\n\nWords.\nInvariant: nothing else.\n",
            ),
            TextFile::new("crates/egret-model/Cargo.toml", "[package]\n"),
            TextFile::new("crates/egret-model/src/lib.rs", "//! The words.\n"),
        ];
        let report = check(&tidy);
        assert_eq!((report.errors, report.warnings), (Vec::new(), Vec::new()));

        let faults = [
            TextFile::new("crates/egret-model/src/a.rs", "use std::fmt;\n"),
            TextFile::new("crates/egret-model/src/b.rs", "//! B.\nfn f() {\n    println!(\"x\");\n}\n"),
            TextFile::new("crates/egret-model/src/c.rs", "//! C.\nstruct RowManager;\n"),
            TextFile::new("crates/egret-model/src/misc.rs", "//! Misc.\n"),
            TextFile::new("crates/egret-new/Cargo.toml", "[package]\n"),
            TextFile::new("README.md", "line\n".repeat(151)),
        ];
        let files: Vec<TextFile> = tidy.into_iter().chain(faults.clone()).collect();
        assert_eq!(check(&files).errors.len(), faults.len());
    }
}
