//! Names with a date in them: `egret-alerts-%Y.%m`.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_model::Timestamp;

/// A name in which `%Y`, `%m`, `%d`, `%H`, `%j`, `%G` and `%V` stand for parts of a time in UTC, and `%%` for itself.
/// A `%` beside a brace is one of a template, and left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DatedName(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Time(char),
}

impl DatedName {
    /// Reads a name; `None` after a mistake, which was reported.
    pub(crate) fn read(text: &Located<String>, diagnostics: &mut Diagnostics) -> Option<Self> {
        match Self::parse(&text.value) {
            Ok(name) => Some(name),
            Err(specifier) => {
                let mistake = Diagnostic::error(format!("`%{specifier}` stands for no part of a date"));
                diagnostics.push(mistake.at(&text.location).hint(
                    "the parts are %Y, %m, %d, %H (hour), %j (day of the year), %G and %V (year and week); \
                     write %% for a percent sign",
                ));
                None
            }
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut before) = (Vec::new(), String::new(), ' ');
        let mut characters = text.chars().peekable();
        while let Some(c) = characters.next() {
            if c != '%' || before == '{' || characters.peek() == Some(&'}') {
                plain.push(c);
                before = c;
                continue;
            }
            match characters.next() {
                Some('%') => plain.push('%'),
                Some(specifier @ ('Y' | 'm' | 'd' | 'H' | 'j' | 'G' | 'V')) => {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Time(specifier));
                }
                other => return Err(other.map(String::from).unwrap_or_default()),
            }
            before = ' ';
        }
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// The name at a time.
    pub(crate) fn at(&self, time: Timestamp) -> String {
        let time: DateTime<Utc> = time.to_datetime().unwrap_or_default();
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Time('Y') => format!("{:04}", time.year()),
            Part::Time('m') => format!("{:02}", time.month()),
            Part::Time('d') => format!("{:02}", time.day()),
            Part::Time('H') => format!("{:02}", time.hour()),
            Part::Time('j') => format!("{:03}", time.ordinal()),
            Part::Time('G') => format!("{:04}", time.iso_week().year()),
            Part::Time(_) => format!("{:02}", time.iso_week().week()),
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_stand_where_they_are_asked_for() {
        let time = Timestamp::parse("2024-02-01T09:05:00Z").unwrap();
        for (text, expected) in [
            ("egret-alerts-%Y.%m", "egret-alerts-2024.02"),
            ("dt=%Y-%m-%d-%H/%j", "dt=2024-02-01-09/032"),
            ("%G-w%V 100%%", "2024-w05 100%"),
            ("{% if a %}%Y{%- endif -%}{%m%}", "{% if a %}2024{%- endif -%}{%m%}"),
            ("plain", "plain"),
        ] {
            assert_eq!(DatedName::parse(text).unwrap().at(time), expected);
        }
        assert_eq!(DatedName::parse("a-%q"), Err("q".into()));
        assert_eq!(DatedName::parse("a-%"), Err(String::new()));
    }
}
