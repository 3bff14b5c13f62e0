//! How a user logs in with a password, without the password or its hash.

use std::collections::HashMap;

use egret_model::Timestamp;
use serde_json::{Value as Json, json};

use crate::host::User;

const SECONDS_PER_DAY: i64 = 86_400;

/// What a hash begins with, and the name of the algorithm.
const ALGORITHMS: [(&str, &str); 14] = [
    ("$y$", "yescrypt"),
    ("$gy$", "gost_yescrypt"),
    ("$7$", "scrypt"),
    ("$6$", "sha512"),
    ("$5$", "sha256"),
    ("$2a$", "bcrypt"),
    ("$2b$", "bcrypt"),
    ("$2x$", "bcrypt"),
    ("$2y$", "bcrypt"),
    ("$sha1", "sha1"),
    ("$md5", "sun_md5"),
    ("$3$", "nt"),
    ("$1$", "md5"),
    ("$", "unknown"),
];

/// A line of `/etc/shadow`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Shadow {
    password: String,
    /// Last change, min, max, warn, inactive, expire: in days.
    days: [Option<i64>; 6],
}

impl Shadow {
    /// Reads the file; of two lines for a user the first counts.
    pub(super) fn parse_all(text: &str) -> HashMap<String, Self> {
        let mut lines = HashMap::new();
        for line in text.lines() {
            let mut fields = line.split(':');
            let Some(name) = fields.next().filter(|name| !name.is_empty() && !name.starts_with('#')) else {
                continue;
            };
            let Some(password) = fields.next() else { continue };
            let mut shadow = Self { password: password.to_owned(), ..Self::default() };
            for (days, field) in shadow.days.iter_mut().zip(fields) {
                // -1 is nothing too.
                *days = field.trim().parse().ok().filter(|days| *days >= 0);
            }
            lines.entry(name.to_owned()).or_insert(shadow);
        }
        lines
    }
}

/// How a user logs in.
#[derive(Debug)]
pub(super) struct Login {
    password: &'static str,
    algorithm: Option<&'static str>,
    days: [Option<i64>; 6],
}

impl Login {
    /// What both files say of a user.
    pub(super) fn of(user: &User, shadow: Option<&Shadow>) -> Self {
        // Another text than `x` is the password itself, or that there is none.
        let is_shadowed = user.password == "x" || user.password.starts_with("##");
        let shadow = shadow.filter(|_| is_shadowed);
        let field = match shadow {
            Some(shadow) => shadow.password.as_str(),
            None if is_shadowed => "*",
            None => user.password.as_str(),
        };
        let (password, algorithm) = read_password(field);
        Self { password, algorithm, days: shadow.map(|shadow| shadow.days).unwrap_or_default() }
    }

    /// What of it is in a document.
    pub(super) fn members(&self) -> impl Iterator<Item = (String, Json)> + use<> {
        let [changed, min, max, warn, inactive, expires] = self.days;
        let members = [
            ("password", json!(self.password)),
            ("password_algorithm", json!(self.algorithm)),
            // The first day of all stands for: at the next login.
            ("password_changed", json!(changed.filter(|day| *day > 0).and_then(date))),
            ("password_must_change", json!(changed == Some(0))),
            ("password_min_days", json!(min)),
            ("password_max_days", json!(max)),
            ("password_warn_days", json!(warn)),
            ("password_inactive_days", json!(inactive)),
            ("account_expires", json!(expires.and_then(date))),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value))
    }
}

fn date(days: i64) -> Option<String> {
    Some(Timestamp::from_seconds(days.checked_mul(SECONDS_PER_DAY)?).date()?.to_string())
}

/// Whether there is a password, and how it is hashed.
fn read_password(field: &str) -> (&'static str, Option<&'static str>) {
    let hash = field.trim_start_matches('!');
    let algorithm = algorithm_of(hash);
    match (field, algorithm) {
        ("", _) => ("empty", None),
        (_, None) => ("none", None),
        (_, Some(_)) if hash.len() < field.len() => ("locked", algorithm),
        (_, Some(_)) => ("set", algorithm),
    }
}

/// `None` if no password has this hash.
fn algorithm_of(hash: &str) -> Option<&'static str> {
    if let Some((_, name)) = ALGORITHMS.iter().find(|(start, _)| hash.starts_with(start)) {
        return Some(name);
    }
    let is_plain = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
    match hash.len() {
        13 if is_plain => Some("des"),
        20 if hash.starts_with('_') => Some("bsdi_des"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_told_by_kind() {
        for (field, expected) in [
            ("", ("empty", None)),
            ("*", ("none", None)),
            ("!", ("none", None)),
            ("!!", ("none", None)),
            ("!*", ("none", None)),
            ("*LK*", ("none", None)),
            ("$y$j9T$salt$hash", ("set", Some("yescrypt"))),
            ("!$6$salt$hash", ("locked", Some("sha512"))),
            ("!!$1$salt$hash", ("locked", Some("md5"))),
            ("$2b$12$abc", ("set", Some("bcrypt"))),
            ("$new$x", ("set", Some("unknown"))),
            ("aaQSqAReePlq6", ("set", Some("des"))),
            ("no password", ("none", None)),
        ] {
            assert_eq!(read_password(field), expected, "{field}");
        }
    }

    #[test]
    fn lines_of_any_form_are_read() {
        let lines =
            Shadow::parse_all("ada:$y$x:19000:0:99999:7:::\nada:*:1\n\nshort\n#x:y\nbob:*:0::-1:a:\n:x\n");
        assert_eq!(lines.len(), 2);
        assert_eq!(lines["ada"].days, [Some(19000), Some(0), Some(99999), Some(7), None, None]);
        assert_eq!(lines["bob"].days, [Some(0), None, None, None, None, None]);
        assert_eq!(date(19000).as_deref(), Some("2022-01-08"));
        assert_eq!(date(i64::MAX), None);
    }
}
