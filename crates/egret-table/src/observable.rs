//! Observables: what kinds there are, which column collects each, and what a valid value looks like.

use std::net::IpAddr;

use egret_config::{Diagnostic, Diagnostics, FromValue, Located, Value};
use egret_model::suggest;

/// What the values of a column are, for those who look for one address or name in every table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ObservableKind {
    /// An IP address; a name where one is expected goes to the domains.
    Ip,
    /// A domain name.
    Domain,
    /// An e-mail address.
    Email,
    /// The name of a user.
    Username,
    /// The name of a resource, such as an ARN.
    Aka,
    /// A tag.
    Tag,
    /// The hash of a file. No column collects these: findings take them from the column itself.
    Hash,
}

impl ObservableKind {
    /// All kinds.
    pub const ALL: [Self; 7] =
        [Self::Ip, Self::Domain, Self::Email, Self::Username, Self::Aka, Self::Tag, Self::Hash];

    /// The word in a definition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Domain => "domain",
            Self::Email => "email",
            Self::Username => "username",
            Self::Aka => "aka",
            Self::Tag => "tag",
            Self::Hash => "hash",
        }
    }

    /// The column that collects values of this kind.
    pub const fn column(self) -> Option<&'static str> {
        match self {
            Self::Ip => Some("tp_ips"),
            Self::Domain => Some("tp_domains"),
            Self::Email => Some("tp_emails"),
            Self::Username => Some("tp_usernames"),
            Self::Aka => Some("tp_akas"),
            Self::Tag => Some("tp_tags"),
            Self::Hash => None,
        }
    }

    /// The kind that the column `tp_…` collects.
    pub fn of_column(column: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.column() == Some(column))
    }

    /// The kind as which `value`, found where this kind is expected, is collected.
    pub fn accept(self, value: &str) -> Option<Self> {
        match self {
            Self::Ip if is_ip(value) => Some(Self::Ip),
            Self::Ip | Self::Domain => is_domain(value).then_some(Self::Domain),
            Self::Email => is_email(value).then_some(Self::Email),
            Self::Hash => None,
            Self::Username | Self::Aka | Self::Tag => (!matches!(value, "" | "-")).then_some(self),
        }
    }
}

impl FromValue for ObservableKind {
    const EXPECTED: &'static str = "a string with a kind of observable";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = value.expect_text(Self::EXPECTED, diagnostics)?;
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        if found.is_none() {
            let names = Self::ALL.map(Self::as_str);
            let hint = match suggest::nearest(text, names) {
                Some(near) => format!("did you mean \"{near}\"?"),
                None => format!("the kinds are {}", names.join(", ")),
            };
            let mistake = Diagnostic::error(format!("{text:?} is no kind of observable"));
            diagnostics.push(mistake.at(&value.location).hint(hint));
        }
        found
    }
}

/// Where in a column observable values lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservableRule {
    /// The way into a struct or JSON column: `session_context.session_issuer.arn`, `[*].ARN`. Empty for the
    /// column itself.
    pub path: Located<String>,
    /// What lies there.
    pub kind: ObservableKind,
}

/// Whether `value` is an IPv4 or IPv6 address.
pub(crate) fn is_ip(value: &str) -> bool {
    // The shortest is `::`, and no address has a letter beyond f.
    let plausible = value.as_bytes().first().is_some_and(|byte| byte.is_ascii_hexdigit() || *byte == b':');
    plausible && value.len() >= 2 && value.parse::<IpAddr>().is_ok()
}

/// Whether `value` looks like a domain name: labels of letters, digits and hyphens with dots between them, the
/// last one not a number.
fn is_domain(value: &str) -> bool {
    let name = value.strip_suffix('.').unwrap_or(value);
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(label) && last.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else { return false };
    !local.is_empty() && !local.contains(char::is_whitespace) && is_domain(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_before_they_are_collected() {
        use ObservableKind::{Aka, Domain, Email, Hash, Ip, Username};
        for (expected, value, collected) in [
            (Ip, "203.0.113.7", Some(Ip)),
            (Ip, "2001:db8::1", Some(Ip)),
            (Ip, "::", Some(Ip)),
            (Ip, "cloudtrail.amazonaws.com", Some(Domain)),
            (Ip, "AWS Internal", None),
            (Ip, "203.0.113.300", None),
            (Ip, "203.0.113.7:22", None),
            (Ip, "-", None),
            (Ip, "", None),
            (Domain, "example.org.", Some(Domain)),
            (Domain, "localhost", None),
            (Domain, "a..b", None),
            (Domain, "10.0.0.1", None),
            (Email, "a.b@example.org", Some(Email)),
            (Email, "a b@example.org", None),
            (Email, "@example.org", None),
            (Username, "a b", Some(Username)),
            (Username, "", None),
            (Username, "-", None),
            (Aka, "arn:aws:iam::1:user/a", Some(Aka)),
            (Hash, "d41d8cd98f00b204e9800998ecf8427e", None),
        ] {
            assert_eq!(expected.accept(value), collected, "{expected:?} {value:?}");
        }
    }

    #[test]
    fn every_kind_but_hashes_has_a_common_column() {
        let columns = egret_model::schema::common_columns();
        for kind in ObservableKind::ALL {
            match kind.column() {
                Some(name) => {
                    assert!(columns.iter().any(|column| column.name == name), "{name}");
                    assert_eq!(ObservableKind::of_column(name), Some(kind));
                }
                None => assert_eq!(kind, ObservableKind::Hash),
            }
        }
    }
}
