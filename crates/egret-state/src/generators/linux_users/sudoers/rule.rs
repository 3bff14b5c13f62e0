//! A rule of sudo, and whom it fits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::lines::plain;
use crate::host::{self, Accounts, User};

static NOPASSWD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bNOPASSWD\s*:").ok());

/// Aliases that name each other are followed so far.
const MAX_DEPTH: usize = 16;

/// Who may do what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Users, groups, aliases, as written.
    pub users: Vec<String>,
    /// Where, as whom, and what: the rest of the line.
    pub grants: String,
    /// Whether some of it needs no password.
    pub nopasswd: bool,
    pub file: String,
}

/// Whom rules may fit.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    name: &'a str,
    uid: u32,
    groups: Vec<(&'a str, u32)>,
    own_group: u32,
}

impl<'a> Person<'a> {
    pub(crate) fn of(user: &'a User, accounts: &'a Accounts) -> Self {
        let groups = accounts.groups_of(user).map(|group| (group.name.as_str(), group.gid)).collect();
        Self { name: &user.name, uid: user.uid, groups, own_group: user.gid }
    }
}

impl Rule {
    /// Reads a line; `None` if it is no rule.
    pub(super) fn parse(line: &str, file: &str) -> Option<Self> {
        let (users, rest) = items_of(line);
        let rest = rest.trim();
        if users.is_empty() || !rest.contains('=') {
            return None;
        }
        let nopasswd = NOPASSWD.as_ref().is_some_and(|pattern| pattern.is_match(rest));
        // People write it with spaces and without.
        let grants = host::without_secrets(rest).replacen(" =", "=", 1).replacen("= ", "=", 1);
        Some(Self { users, grants, nopasswd, file: file.to_owned() })
    }

    /// The word through which it fits a person; `None` if it does not.
    pub(super) fn fits(&self, person: &Person<'_>, aliases: &BTreeMap<String, Vec<String>>) -> Option<&str> {
        let (item, fits) = last_match(&self.users, person, aliases, 0)?;
        fits.then_some(item)
    }
}

/// The last item of a list that is about a person decides: as it is, or the other way round after a `!`.
fn last_match<'l>(
    items: &'l [String],
    person: &Person<'_>,
    aliases: &BTreeMap<String, Vec<String>>,
    depth: usize,
) -> Option<(&'l str, bool)> {
    if depth > MAX_DEPTH {
        return None;
    }
    items.iter().rev().find_map(|item| {
        let name = item.trim_start_matches('!');
        let is_negated = (item.len() - name.len()) % 2 == 1;
        let fits = match aliases.get(name) {
            Some(items) => last_match(items, person, aliases, depth + 1)?.1,
            None => is_about(name, person).then_some(true)?,
        };
        Some((item.as_str(), fits != is_negated))
    })
}

fn is_about(item: &str, person: &Person<'_>) -> bool {
    let item = plain(item);
    if item == "ALL" {
        return true;
    }
    if let Some(group) = item.strip_prefix('%') {
        return match group.strip_prefix('#') {
            Some(gid) => gid.parse().is_ok_and(|gid: u32| {
                gid == person.own_group || person.groups.iter().any(|(_, own)| *own == gid)
            }),
            None => person.groups.iter().any(|(name, _)| *name == group),
        };
    }
    match item.strip_prefix('#') {
        Some(uid) => uid.parse() == Ok(person.uid),
        None => item == person.name,
    }
}

/// The items of the list that a text begins with, separated by commas, and the rest.
pub(super) fn items_of(text: &str) -> (Vec<String>, &str) {
    let mut items = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let mut item = String::new();
        let mut is_quoted = false;
        let mut letters = rest.char_indices();
        let mut end = rest.len();
        while let Some((at, letter)) = letters.next() {
            let is_negation = letter == ' ' && !item.is_empty() && item.chars().all(|letter| letter == '!');
            match letter {
                '\\' => {
                    item.push('\\');
                    item.extend(letters.next().map(|(_, escaped)| escaped));
                }
                '"' => {
                    is_quoted = !is_quoted;
                    item.push('"');
                }
                _ if is_negation => {}
                ' ' | ',' | '=' if !is_quoted => {
                    end = at;
                    break;
                }
                letter => item.push(letter),
            }
        }
        rest = &rest[end..];
        if !item.is_empty() {
            items.push(item);
        }
        match rest.trim_start().strip_prefix(',') {
            Some(after) => rest = after,
            None => return (items, rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(line: &str, aliases: &[(&str, &str)]) -> Option<String> {
        let accounts =
            Accounts::parse("ada:x:1000:1000::/:\n", "ada:x:1000:\nsudo:x:27:ada\ndomain users:x:30:ada\n");
        let person = Person::of(&accounts.users[0], &accounts);
        let aliases = aliases.iter().map(|(name, text)| ((*name).to_owned(), items_of(text).0)).collect();
        Rule::parse(line, "f").unwrap().fits(&person, &aliases).map(str::to_owned)
    }

    #[test]
    fn a_list_ends_where_no_comma_is() {
        let items = |text| {
            let (items, rest) = items_of(text);
            (items.join("|"), rest.trim().to_owned())
        };
        let pair = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        assert_eq!(items("ada , %sudo ,bob ALL = ALL"), pair("ada|%sudo|bob", "ALL = ALL"));
        assert_eq!(items("\"a b\", c\\ d ALL=ALL"), pair("\"a b\"|c\\ d", "ALL=ALL"));
        assert_eq!(items("! ada, !!bob ALL=ALL"), pair("!ada|!!bob", "ALL=ALL"));
        assert_eq!(items(""), pair("", ""));
        assert_eq!(items("a,"), pair("a", ""));
    }

    #[test]
    fn rules_fit_users_groups_numbers_and_aliases() {
        let aliases = [
            ("ADMINS", "%wheel, DEVELOPERS"),
            ("DEVELOPERS", "bob, ada"),
            ("LOOP", "LOOP"),
            ("NOT", "ALL, !ada"),
        ];
        for (line, expected) in [
            ("ada ALL=ALL", Some("ada")),
            ("bob ALL=ALL", None),
            ("%sudo ALL=ALL", Some("%sudo")),
            ("%\"domain users\" ALL=ALL", Some("%\"domain users\"")),
            ("%domain\\ users ALL=ALL", Some("%domain\\ users")),
            ("%#27 ALL=ALL", Some("%#27")),
            ("#1000 ALL=ALL", Some("#1000")),
            ("ALL ALL=ALL", Some("ALL")),
            ("ALL, !ada ALL=ALL", None),
            ("!ada, ALL ALL=ALL", Some("ALL")),
            ("!!ada ALL=ALL", Some("!!ada")),
            ("ADMINS ALL=ALL", Some("ADMINS")),
            ("NOT ALL=ALL", None),
            ("!NOT ALL=ALL", Some("!NOT")),
            ("LOOP ALL=ALL", None),
            ("+netgroup ALL=ALL", None),
            ("UNKNOWN ALL=ALL", None),
        ] {
            assert_eq!(fits(line, &aliases).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn what_is_granted_is_the_rest() {
        let rule = Rule::parse("ada ALL = (root) NOPASSWD : /bin/x -p --token=abc", "f").unwrap();
        assert_eq!(rule.grants, "ALL=(root) NOPASSWD : /bin/x -p --token=***");
        assert!(rule.nopasswd);
        assert!(!Rule::parse("ada ALL=PASSWD: ALL", "f").unwrap().nopasswd);
        assert_eq!(Rule::parse("nonsense", "f"), None);
        assert_eq!(Rule::parse("= x", "f"), None);
    }
}
