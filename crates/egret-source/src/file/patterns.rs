//! The grok patterns that layouts of paths are written with.

/// Name and expression, by name. All compile on a linear-time engine; none has a group that captures.
pub(crate) const PATTERNS: [(&str, &str); 37] = [
    ("ALNUM", r"[A-Za-z0-9]+"),
    ("BASE10NUM", r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)"),
    ("BASE16NUM", r"[+-]?(?:0x)?[0-9A-Fa-f]+"),
    ("DATA", r".*?"),
    ("DATE_EU", r"%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"),
    ("DATE_US", r"%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"),
    (
        "DAY",
        r"(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|Sun(?:day)?)",
    ),
    ("GREEDYDATA", r".*"),
    ("HOST", r"%{HOSTNAME}"),
    ("HOSTNAME", r"[0-9A-Za-z][0-9A-Za-z-]{0,62}(?:\.[0-9A-Za-z][0-9A-Za-z-]{0,62})*\.?"),
    ("HOUR", r"(?:2[0123]|[01]?[0-9])"),
    ("INT", r"[+-]?[0-9]+"),
    ("IP", r"(?:%{IPV6}|%{IPV4})"),
    ("IPORHOST", r"(?:%{IP}|%{HOSTNAME})"),
    ("IPV4", r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})"),
    ("IPV6", r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}"),
    ("ISO8601_TIMEZONE", r"(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))"),
    ("MINUTE", r"[0-5][0-9]"),
    (
        "MONTH",
        r"(?:[Jj]an(?:uary)?|[Ff]eb(?:ruary)?|[Mm]ar(?:ch)?|[Aa]pr(?:il)?|[Mm]ay|[Jj]une?|[Jj]uly?|[Aa]ug(?:ust)?|[Ss]ep(?:tember)?|[Oo]ct(?:ober)?|[Nn]ov(?:ember)?|[Dd]ec(?:ember)?)",
    ),
    ("MONTHDAY", r"(?:0[1-9]|[12][0-9]|3[01]|[1-9])"),
    ("MONTHNUM", r"(?:0[1-9]|1[0-2]|[1-9])"),
    ("MONTHNUM2", r"(?:0[1-9]|1[0-2])"),
    ("NONNEGINT", r"[0-9]+"),
    ("NOTSPACE", r"\S+"),
    ("NUMBER", r"%{BASE10NUM}"),
    ("POSINT", r"[1-9][0-9]*"),
    ("SECOND", r"(?:[0-5][0-9]|60)(?:[:.,][0-9]+)?"),
    ("SPACE", r"\s*"),
    ("TIME", r"%{HOUR}:%{MINUTE}(?::%{SECOND})?"),
    (
        "TIMESTAMP_ISO8601",
        r"%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?",
    ),
    ("UNIXPATH", r"(?:/[^/]*)+"),
    ("USER", r"%{USERNAME}"),
    ("USERNAME", r"[a-zA-Z0-9._-]+"),
    ("UUID", r"[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"),
    ("WEEK", r"(?:0[1-9]|[1-4][0-9]|5[0-3])"),
    ("WORD", r"\w+"),
    ("YEAR", r"[0-9]{4}"),
];

/// The expression of a pattern.
pub(crate) fn expression(name: &str) -> Option<&'static str> {
    PATTERNS.binary_search_by_key(&name, |(name, _)| name).ok().map(|index| PATTERNS[index].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(PATTERNS.is_sorted_by_key(|(name, _)| *name));
        assert_eq!(expression("DATA"), Some(".*?"));
        assert_eq!(expression("NOPE"), None);
    }
}
