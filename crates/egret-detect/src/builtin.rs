//! The detections that are there without configuration, with their tests: the files below `rules/`, embedded.

use egret_config::{Configuration, Diagnostics, Environment, SourceFile, decode_block};
use include_dir::{Dir, DirEntry, include_dir};

use crate::definition::{DETECTION, DetectionDefinition};
use crate::test_file::{attach_tests, is_test_file};

static RULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules");

/// Folders below `rules/` are looked into this deep.
const MAX_DEPTH: usize = 4;

/// Path (from `rules/` on) and text of each file, sorted by path.
pub fn sources() -> Vec<(String, &'static str)> {
    let mut files = Vec::new();
    collect(&RULES, MAX_DEPTH, &mut files);
    files.sort_unstable();
    files
}

fn collect(folder: &Dir<'static>, depth: usize, files: &mut Vec<(String, &'static str)>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) if depth > 0 => collect(inner, depth - 1, files),
            DirEntry::Dir(_) => {}
            DirEntry::File(file) => {
                if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
                    files.push((format!("rules/{path}"), text));
                }
            }
        }
    }
}

/// The built-in detections with their tests, in the order of their files. A mistake in one of them goes to
/// `diagnostics`; a test sees that there is none.
pub fn definitions(diagnostics: &mut Diagnostics) -> Vec<DetectionDefinition> {
    let (tests, rules): (Vec<_>, Vec<_>) =
        sources().into_iter().partition(|(path, _)| is_test_file(path.as_ref()));
    let rules = rules.into_iter().filter(|(path, _)| path.ends_with(".hcl"));
    let configuration = Configuration::parse_all(rules, &[DETECTION], &Environment::default(), diagnostics);
    let blocks = configuration.blocks_of(DETECTION.name);
    let mut definitions: Vec<DetectionDefinition> =
        blocks.filter_map(|block| decode_block(block, diagnostics)).collect();
    for (path, text) in tests {
        attach_tests(&mut definitions, &SourceFile::new(path, text), diagnostics);
    }
    definitions
}

#[cfg(test)]
mod tests;
