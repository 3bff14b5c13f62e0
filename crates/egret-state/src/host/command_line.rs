//! Command lines as they may be kept: without what looks like a secret.

use std::sync::LazyLock;

use regex::Regex;

/// A longer command line is cut.
const MAX_BYTES: usize = 4096;

const HIDDEN: &str = "***";

/// Names that end so have a secret as their value.
const SECRET: &str = "(?:password|passwd|passphrase|passwort|pwd|secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|credentials?)";

/// A value: quoted, or up to the end of the word.
const VALUE: &str = r#"(?:"[^"]*"|'[^']*'|[^\s"';|&]+)"#;

/// Patterns of secrets; the first group is what stays before one.
static SECRETS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    [
        // --password hunter2, -Dpassword=hunter2, PGPASSWORD=hunter2
        format!(r"(?i)((?:^|[\s'])--?[\w.-]*{SECRET}(?:=|\s+)){VALUE}"),
        format!(r"(?i)([\w.-]*{SECRET}\s?[=:]\s?){VALUE}"),
        // https://ada:hunter2@example.com
        r"(://[^/\s:@]*:)[^/\s@]+(?:@)".to_owned(),
        // Authorization: Bearer hunter2
        format!(r"(?i)(authorization:\s*(?:basic|bearer|token)\s+){VALUE}"),
        // curl -u ada:hunter2
        format!(r"((?:^|\s)(?:-u|--user)[\s=]\s*[^\s:]+:){VALUE}"),
    ]
    .iter()
    .filter_map(|pattern| Regex::new(pattern).ok())
    .collect()
});

/// A command without the values of options and variables that are called like a secret.
pub(crate) fn without_secrets(command: &str) -> String {
    let mut text = command.to_owned();
    for pattern in SECRETS.iter() {
        if let std::borrow::Cow::Owned(replaced) =
            pattern.replace_all(&text, |found: &regex::Captures<'_>| {
                // Of sudo: whether it asks for a password.
                if ["NOPASSWD", "PASSWD"].contains(&found[1].trim_end_matches([' ', ':'])) {
                    return found[0].to_owned();
                }
                let at = if found[0].ends_with('@') { "@" } else { "" };
                format!("{}{HIDDEN}{at}", &found[1])
            })
        {
            text = replaced;
        }
    }
    text
}

/// The command line of a process, as the kernel gives it: arguments with a NUL after each.
///
/// Programs write a title over it, with what they do at the moment. Of a title only what is before `: ` stays.
pub(crate) fn command_line(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    let text = String::from_utf8_lossy(bytes);
    let arguments: Vec<&str> = text.trim_end_matches('\0').split('\0').collect();
    if let [title] = arguments[..]
        && let Some((name, _)) = title.split_once(": ")
    {
        return name.to_owned();
    }
    without_secrets(arguments.join(" ").trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out() {
        assert_eq!(SECRETS.len(), 5);
        for (command, expected) in [
            ("mysqldump --password=hunter2 --all", "mysqldump --password=*** --all"),
            ("tool --db-password 'a b' run", "tool --db-password *** run"),
            ("PGPASSWORD=\"a b\" psql", "PGPASSWORD=*** psql"),
            ("AWS_SECRET_ACCESS_KEY=abc; run", "AWS_SECRET_ACCESS_KEY=***; run"),
            ("curl https://ada:hunter2@example.com/x", "curl https://ada:***@example.com/x"),
            ("curl -u ada:hunter2 x", "curl -u ada:*** x"),
            ("curl -H 'Authorization: Bearer abc' x", "curl -H 'Authorization: Bearer ***' x"),
            ("curl -H 'X-Api-Key: abc' x", "curl -H 'X-Api-Key: ***' x"),
            (
                "tool --password-file /etc/secret --token-ttl 5",
                "tool --password-file /etc/secret --token-ttl 5",
            ),
            ("(root) NOPASSWD: /bin/x, PASSWD : /bin/y", "(root) NOPASSWD: /bin/x, PASSWD : /bin/y"),
            ("reset-password ada", "reset-password ada"),
            ("sshd -D -p 22", "sshd -D -p 22"),
        ] {
            assert_eq!(without_secrets(command), expected);
        }
    }

    #[test]
    fn titles_do_not_move() {
        assert_eq!(command_line(b"/usr/bin/python3\0-m\0http.server\0"), "/usr/bin/python3 -m http.server");
        let title = "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups";
        assert_eq!(command_line(title.as_bytes()), "sshd");
        assert_eq!(command_line(b"nginx: worker process\0\0\0\0"), "nginx");
        assert_eq!(command_line(b""), "");
        assert_eq!(command_line(&[b'x'; 9999]).len(), MAX_BYTES);
    }
}
