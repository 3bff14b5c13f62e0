//! The lines of a sudoers file, whole and without comments, and what kind each is.

use std::sync::LazyLock;

use regex::Regex;

/// Where the next definition of an alias begins, in a line with several.
static NEXT_ALIAS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r":\s*([A-Z][A-Z0-9_]*)\s*=").ok());

const ALIASES: [&str; 5] = ["User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias"];

/// Lines with what they continue on, without comments, with single spaces.
pub(super) fn logical(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut is_quoted = false;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some('\n') => line.push(' '),
                Some('\r') if letters.peek() == Some(&'\n') => {
                    letters.next();
                    line.push(' ');
                }
                Some(escaped) => line.extend(['\\', escaped]),
                None => {}
            },
            '\n' => {
                is_quoted = false;
                end(&mut line, &mut lines);
            }
            '"' => {
                is_quoted = !is_quoted;
                line.push('"');
            }
            '#' if !is_quoted && !is_number(&line, letters.clone()) => {
                // A comment is not continued. An include of old begins like one.
                let comment: String =
                    std::iter::from_fn(|| letters.next_if(|letter| *letter != '\n')).collect();
                let is_include = comment.starts_with("include ")
                    || comment.starts_with("include\t")
                    || comment.starts_with("includedir ")
                    || comment.starts_with("includedir\t");
                if is_include && line.trim().is_empty() {
                    line = format!("@{comment}");
                }
            }
            letter => line.push(letter),
        }
    }
    end(&mut line, &mut lines);
    lines
}

fn end(line: &mut String, lines: &mut Vec<String>) {
    let words = std::mem::take(line);
    let words: Vec<&str> = words.split_whitespace().collect();
    if !words.is_empty() {
        lines.push(words.join(" "));
    }
}

/// Whether a `#` after `before` begins the number of a user or group.
fn is_number(before: &str, mut after: impl Iterator<Item = char>) -> bool {
    let is_start =
        before.chars().next_back().is_none_or(|letter| letter.is_whitespace() || ",!=(:%".contains(letter));
    is_start && after.next().is_some_and(|letter| letter.is_ascii_digit())
}

/// What a line includes: whether a folder, and the path.
pub(super) fn include(line: &str) -> Option<(bool, String)> {
    let (word, path) = line.split_once(' ')?;
    let is_folder = match word {
        "@include" => false,
        "@includedir" => true,
        _ => return None,
    };
    Some((is_folder, plain(path)))
}

/// Whether a line sets defaults.
pub(super) fn is_defaults(line: &str) -> bool {
    let rest = line.strip_prefix("Defaults");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '@', ':', '!', '>']))
}

/// The aliases that a line defines, if it is one that does: whether they are of users, and each name with its meaning.
pub(super) fn aliases(line: &str) -> Option<(bool, Vec<(String, String)>)> {
    let (word, rest) = line.split_once(' ')?;
    let is_of_users = word == *ALIASES.iter().find(|alias| **alias == word)? && word == ALIASES[0];
    // A colon may stand in a meaning too; one before `NAME =` separates.
    let rest = format!(": {rest}");
    let starts: Vec<_> = NEXT_ALIAS.as_ref()?.captures_iter(&rest).collect();
    let mut definitions = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        let (whole, name) = (start.get(0)?, start.get(1)?);
        let end = starts.get(index + 1).and_then(|next| next.get(0)).map_or(rest.len(), |next| next.start());
        definitions.push((name.as_str().to_owned(), rest[whole.end()..end].trim().to_owned()));
    }
    Some((is_of_users, definitions))
}

/// A word without quotes and escapes.
pub(super) fn plain(word: &str) -> String {
    let mut text = String::new();
    let mut letters = word.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            '"' => {}
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_whole_and_without_comments() {
        let text = "# a comment \\\nroot ALL=(ALL) \\\n   ALL  # why\n#1000, %#27 ALL = NOPASSWD: ALL\n\
                    Defaults x=\"a # b\"\n#include /etc/old\n#includedir /etc/old.d\n#included\n ada\\ b ALL=/bin/\\#x\n\
                    last ALL=(#0) ALL";
        assert_eq!(
            logical(text),
            [
                "root ALL=(ALL) ALL",
                "#1000, %#27 ALL = NOPASSWD: ALL",
                "Defaults x=\"a # b\"",
                "@include /etc/old",
                "@includedir /etc/old.d",
                "ada\\ b ALL=/bin/\\#x",
                "last ALL=(#0) ALL",
            ]
        );
        assert_eq!(logical("a\\\r\nb\r\n\\"), ["a b"]);
    }

    #[test]
    fn lines_are_told_apart() {
        assert_eq!(include("@include \"/etc/a b\""), Some((false, "/etc/a b".to_owned())));
        assert_eq!(include("@includedir sudoers.d"), Some((true, "sudoers.d".to_owned())));
        assert_eq!(include("@including x"), None);
        assert!(is_defaults("Defaults:ada !authenticate") && is_defaults("Defaults env_reset"));
        assert!(!is_defaults("Defaultsx ALL=ALL"));
    }

    #[test]
    fn several_aliases_share_a_line() {
        let line = "Cmnd_Alias A = sha224:0Gom== /bin/ls, /bin/x : B_2=/sbin/halt";
        let pair = |name: &str, meaning: &str| (name.to_owned(), meaning.to_owned());
        assert_eq!(
            aliases(line),
            Some((false, vec![pair("A", "sha224:0Gom== /bin/ls, /bin/x"), pair("B_2", "/sbin/halt")]))
        );
        assert_eq!(aliases("User_Alias X = ada, %dev"), Some((true, vec![pair("X", "ada, %dev")])));
        assert_eq!(aliases("ada ALL=ALL"), None);
    }
}
