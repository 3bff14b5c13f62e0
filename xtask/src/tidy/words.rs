//! Checks of words: nothing unfinished, nothing about one machine.

use crate::workspace::TextFile;

/// Marks of unfinished work, in two halves so that this file passes its own check.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX")];

/// Folders of one machine, in two halves for the same reason.
const MACHINE_FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Marks of unfinished work: finish it, or write an issue.
pub fn unfinished(file: &TextFile) -> Vec<String> {
    complaints(file, &UNFINISHED, "finish it or leave it out")
}

/// Paths that exist on one machine only. Samples of logs hold whatever logs hold.
pub fn machine_paths(file: &TextFile) -> Vec<String> {
    if matches!(file.ending(), "json" | "jsonl" | "sql") {
        return Vec::new();
    }
    complaints(file, &MACHINE_FOLDERS, "a path of one machine; use a relative one")
}

fn complaints(file: &TextFile, words: &[&str], advice: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for word in words.iter().filter(|word| stands_alone(line, word)) {
            found.push(format!("{}:{}: `{word}`: {advice}", file.path, index + 1));
        }
    }
    found
}

/// Whether `word` stands in `line` and is no part of a longer word.
fn stands_alone(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let continues = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // A word that ends in `/` is a folder: what follows is what lies in it.
        !continues(before) && (word.ends_with('/') || !continues(after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unfinished() {
        let text = format!("//! A.\n// {}: more\n", UNFINISHED[0]);
        assert_eq!(unfinished(&TextFile::new("a.rs", text)).len(), 1);
        let text = format!("mktemp /tmp/a.{0}{0}\nMETHO{1}\n", UNFINISHED[2], UNFINISHED[0]);
        assert_eq!(unfinished(&TextFile::new("a.sh", text)), Vec::<String>::new());
    }

    #[test]
    fn no_path_of_one_machine() {
        let text = format!("cp {}a b\n", MACHINE_FOLDERS[0]);
        assert_eq!(machine_paths(&TextFile::new("a.sh", text.clone())).len(), 1);
        assert_eq!(machine_paths(&TextFile::new("sample.json", text)), Vec::<String>::new());
        let text = format!("see home{}a\n", MACHINE_FOLDERS[0]);
        assert_eq!(machine_paths(&TextFile::new("a.md", text)), Vec::<String>::new());
    }
}
