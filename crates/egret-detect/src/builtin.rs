//! The detections that are there without configuration, with their tests: the files below `rules/`, embedded.

use std::path::Path;

use egret_config::{Configuration, Diagnostic, Diagnostics, Environment, Located, SourceFile, decode_block};
use egret_model::channel::wildcard_matches;
use egret_model::suggest;
use include_dir::{Dir, DirEntry, include_dir};

use crate::definition::{DETECTION, DetectionDefinition};
use crate::test_file::{attach_tests, is_test_file};

static RULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../rules");

/// Where their files seem to be: a folder that nobody has.
const PLACE: &str = "<built-in>";

/// Folders below `rules/` are looked into this deep.
const MAX_DEPTH: usize = 4;

/// Path (with [`PLACE`] for `rules`) and text of each file, sorted by path.
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
                    files.push((format!("{PLACE}/{path}"), text));
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

/// Whether a detection is one of them.
pub fn is_built_in(definition: &DetectionDefinition) -> bool {
    is_built_in_file(&definition.id.location.file.path)
}

/// Whether it is a file of theirs that is at `path`.
pub fn is_built_in_file(path: &Path) -> bool {
    path.starts_with(PLACE)
}

/// Those that one of `patterns` names, by their ids or by folders that they are in: `aws_*`, `change/aws_iam`. A pattern
/// that names none is a warning.
pub fn named(patterns: &[Located<String>], diagnostics: &mut Diagnostics) -> Vec<DetectionDefinition> {
    let mut definitions = definitions(diagnostics);
    for pattern in patterns {
        if !definitions.iter().any(|definition| is_named(definition, &pattern.value)) {
            diagnostics.push(names_none(pattern, &definitions));
        }
    }
    definitions.retain(|definition| patterns.iter().any(|pattern| is_named(definition, &pattern.value)));
    definitions
}

fn is_named(definition: &DetectionDefinition, pattern: &str) -> bool {
    wildcard_matches(pattern, &definition.id.value)
        || folders(definition).any(|folder| wildcard_matches(pattern.trim_end_matches('/'), folder))
}

/// The folders that a built-in detection is in, from the inner to the outer.
fn folders(definition: &DetectionDefinition) -> impl Iterator<Item = &str> {
    let path = definition.id.location.file.path.strip_prefix(PLACE).unwrap_or(Path::new(""));
    path.ancestors().skip(1).filter_map(Path::to_str).filter(|folder| !folder.is_empty())
}

fn names_none(pattern: &Located<String>, definitions: &[DetectionDefinition]) -> Diagnostic {
    let ids = definitions.iter().map(|definition| definition.id.value.as_str());
    let mut all_folders: Vec<&str> = definitions.iter().flat_map(folders).collect();
    all_folders.sort_unstable();
    all_folders.dedup();
    let hint = match suggest::nearest(&pattern.value, ids.chain(all_folders.iter().copied())) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!(
            "write an id with `*` for any characters, or one of the folders {}",
            all_folders.join(", ")
        ),
    };
    let message = format!("no built-in detection is called or lies in `{}`", pattern.value);
    Diagnostic::warning(message).at(&pattern.location).hint(hint)
}

#[cfg(test)]
mod tests;
