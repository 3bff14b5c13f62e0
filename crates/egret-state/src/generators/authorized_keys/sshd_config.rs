//! Where sshd looks for keys.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::generator::GenerateError;
use crate::host::{self, MountTable, PathPattern};

const CONFIG: &str = "/etc/ssh/sshd_config";
/// Where what it includes is, unless it says so in full.
const FOLDER: &str = "/etc/ssh";

/// Looked for whatever is configured: people put keys there.
const DEFAULT: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];

/// sshd includes no deeper either.
const MAX_DEPTH: usize = 16;
/// So many files are read.
const MAX_FILES: usize = 500;

/// All patterns that hold for anybody, of a `Match` too.
///
/// # Errors
/// If the configuration is there and cannot be read.
pub(super) fn patterns(root: &Path) -> Result<BTreeSet<String>, GenerateError> {
    let mut patterns: BTreeSet<String> = DEFAULT.iter().map(|pattern| (*pattern).to_owned()).collect();
    let mut waiting = vec![(PathBuf::from(CONFIG), 0)];
    let mut seen = BTreeSet::new();
    let mounts = MountTable::live();
    while let Some((file, depth)) = waiting.pop() {
        if depth > MAX_DEPTH || seen.len() >= MAX_FILES || !seen.insert(file.clone()) {
            continue;
        }
        let text = host::read_optional(root, &file)?.unwrap_or_default();
        for line in text.lines() {
            let words = words(line);
            let Some((keyword, values)) = words.split_first() else { continue };
            match keyword.to_ascii_lowercase().as_str() {
                "authorizedkeysfile" => {
                    patterns.extend(values.iter().filter(|value| *value != "none").cloned());
                }
                "include" => {
                    for value in values {
                        let path = Path::new(FOLDER).join(value);
                        let included = included(root, &path, &mounts);
                        waiting.extend(included.into_iter().map(|path| (path, depth + 1)));
                    }
                }
                _ => {}
            }
        }
    }
    Ok(patterns)
}

/// The files that an `Include` means: its last step may be a glob.
fn included(root: &Path, path: &Path, mounts: &MountTable) -> Vec<PathBuf> {
    let Ok(pattern) = PathPattern::parse(&path.to_string_lossy()) else { return Vec::new() };
    if pattern.base == path {
        return vec![path.to_owned()];
    }
    host::expand_files(root, &pattern, mounts)
}

/// Words of a line; the keyword may be set off with `=`, and what has spaces is quoted.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    for letter in line.chars() {
        let is_end = letter.is_whitespace() || (letter == '=' && words.is_empty());
        match letter {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted && word.is_empty() => break,
            _ if is_end && !is_quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            letter => word.push(letter),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    // `Keyword = value`
    if words.get(1).is_some_and(|word| word == "=") {
        words.remove(1);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_all_files_hold() {
        let root = crate::testing::root(&[
            (
                "etc/ssh/sshd_config",
                "# AuthorizedKeysFile no\nInclude sshd_config.d/*.conf\nInclude /etc/ssh/missing\nAuthorizedKeysFile=/etc/keys/%u none\n\
                 Match User ada\n  authorizedkeysfile \"%h/a b\" # why\n",
            ),
            (
                "etc/ssh/sshd_config.d/more.conf",
                "AuthorizedKeysFile = /more/%U\nInclude /etc/ssh/sshd_config\n",
            ),
            ("etc/ssh/sshd_config.d/left.bak", "AuthorizedKeysFile /left\n"),
        ]);
        let patterns: Vec<String> = patterns(root.path()).unwrap().into_iter().collect();
        assert_eq!(
            patterns,
            ["%h/a b", ".ssh/authorized_keys", ".ssh/authorized_keys2", "/etc/keys/%u", "/more/%U"]
        );
    }
}
