//! Checks of names: one that fits anything says nothing.

use crate::workspace::TextFile;

/// Words that are no part of a type's or file's name.
const VAGUE: [&str; 6] = ["manager", "helper", "helpers", "util", "utils", "utilities"];

/// Words that are no whole name of a file or folder.
const VAGUE_ALONE: [&str; 3] = ["common", "misc", "stuff"];

/// What declares a type.
const DECLARATIONS: [&str; 5] = ["struct", "enum", "trait", "type", "union"];

/// A path with a name that fits anything.
pub fn vague_path(file: &TextFile) -> Option<String> {
    let vague = file.path.split('/').find(|part| {
        let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
        let alone = VAGUE_ALONE.contains(&stem.as_str());
        let inside = stem.split(['_', '-']).any(|word| VAGUE.contains(&word));
        alone || inside
    })?;
    Some(format!("{}: `{vague}` fits anything; name the file after what it owns", file.path))
}

/// Declarations of types with a name that fits anything.
pub fn vague_types(file: &TextFile) -> Vec<String> {
    let mut complaints = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let Some(name) = declared_type(line) else { continue };
        let words = camel_case_words(name);
        if words.iter().any(|word| VAGUE.contains(&word.as_str())) {
            complaints.push(format!("{}:{}: `{name}` fits anything; say what it does", file.path, index + 1));
        }
    }
    complaints
}

/// The name that a line declares, if it declares a type.
fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let mut word = words.next()?;
    if word.starts_with("pub") {
        word = words.next()?;
    }
    if !DECLARATIONS.contains(&word) {
        return None;
    }
    let name = words.next()?;
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    Some(&name[..end])
}

/// `RowManager` → `row`, `manager`.
fn camel_case_words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for c in name.chars() {
        match words.last_mut() {
            Some(word) if !c.is_uppercase() => word.push(c),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_they_own() {
        for path in ["src/common.rs", "crates/x/tests/common/mod.rs", "src/string_utils.rs", "docs/misc.md"] {
            assert!(vague_path(&TextFile::new(path, "")).is_some(), "{path}");
        }
        for path in ["src/common_columns.rs", "src/utilisation.rs", "crates/egret-lake/src/lib.rs"] {
            assert_eq!(vague_path(&TextFile::new(path, "")), None, "{path}");
        }
    }

    #[test]
    fn types_say_what_they_do() {
        let text = "pub struct RowManager<T>;\npub(crate) trait SqlHelper {}\nenum Utilisation {}\nlet type_manager = 1;\n";
        let complaints = vague_types(&TextFile::new("a.rs", text));
        assert_eq!(complaints.len(), 2, "{complaints:?}");
        assert!(complaints[0].starts_with("a.rs:1: `RowManager`"));
        assert!(complaints[1].starts_with("a.rs:2: `SqlHelper`"));
    }
}
