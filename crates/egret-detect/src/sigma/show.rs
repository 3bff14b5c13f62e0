//! Conditions as text in one line, for tests and for people who want to know how a rule was understood.

use std::fmt::{self, Write as _};

use egret_match::{
    Comparison, Condition, FieldRelation, Predicate, Subject, Test, TextPattern, TextRelation, TimePart,
};

/// Shows a condition: `selection{Image = '*\\cmd.exe' and not User is null}`.
///
/// Text is in single quotes, with wildcards, and `==` tells upper and lower case apart; a number has no quotes.
#[derive(Debug, Clone, Copy)]
pub struct ShownCondition<'a>(
    /// What to show.
    pub &'a Condition,
);

impl fmt::Display for ShownCondition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, false)
    }
}

/// Shows `condition`, in parentheses if it has several parts and is `inside` another.
fn show(f: &mut fmt::Formatter<'_>, condition: &Condition, inside: bool) -> fmt::Result {
    match condition {
        Condition::Always(true) => f.write_str("always"),
        Condition::Always(false) => f.write_str("never"),
        Condition::Test(predicate) => show_predicate(f, predicate),
        Condition::All(parts) => show_parts(f, parts, " and ", inside),
        Condition::Any(parts) => show_parts(f, parts, " or ", inside),
        Condition::AtLeast(count, parts) => {
            write!(f, "{count} of ")?;
            show_parts(f, parts, ", ", true)
        }
        Condition::Not(inner) => {
            f.write_str("not ")?;
            show(f, inner, true)
        }
        Condition::Named(name, inner) => {
            write!(f, "{name}{{")?;
            show(f, inner, false)?;
            f.write_str("}")
        }
    }
}

fn show_parts(f: &mut fmt::Formatter<'_>, parts: &[Condition], between: &str, inside: bool) -> fmt::Result {
    f.write_str(if inside { "(" } else { "" })?;
    for (index, part) in parts.iter().enumerate() {
        f.write_str(if index > 0 { between } else { "" })?;
        show(f, part, true)?;
    }
    f.write_str(if inside { ")" } else { "" })
}

fn show_predicate(f: &mut fmt::Formatter<'_>, predicate: &Predicate) -> fmt::Result {
    let subject = match &predicate.subject {
        Subject::Field(name) => name,
        Subject::AnyValue => "any value",
    };
    match &predicate.test {
        Test::Exists => write!(f, "{subject} exists"),
        Test::Null => write!(f, "{subject} is null"),
        Test::Text(pattern) => show_text(f, subject, pattern),
        Test::Regex(regex) => write!(f, "{subject} ~ /{regex}/"),
        Test::Cidr(network) => write!(f, "{subject} in {network}"),
        Test::Number(comparison, number) => write!(f, "{subject} {} {number}", sign(*comparison)),
        Test::Boolean(value) => write!(f, "{subject} is {value}"),
        Test::Field(relation) => show_relation(f, subject, relation),
        Test::Time(part, comparison, number) => {
            write!(f, "{}({subject}) {} {number}", part_name(*part), sign(*comparison))
        }
    }
}

fn show_text(f: &mut fmt::Formatter<'_>, subject: &str, pattern: &TextPattern) -> fmt::Result {
    let sign = if pattern.is_cased() { "==" } else { "=" };
    write!(f, "{subject} {sign} '")?;
    for c in pattern.to_string().chars() {
        // Such as `wide` and `utf16` make would be invisible.
        match c.is_control() || c == '\u{feff}' {
            true => write!(f, "{}", c.escape_unicode())?,
            false => f.write_char(c)?,
        }
    }
    f.write_char('\'')
}

fn show_relation(f: &mut fmt::Formatter<'_>, subject: &str, relation: &FieldRelation) -> fmt::Result {
    let verb = match (relation.relation, relation.cased) {
        (TextRelation::Equals, false) => "=",
        (TextRelation::Equals, true) => "==",
        (TextRelation::Contains, _) => "contains",
        (TextRelation::StartsWith, _) => "starts with",
        (TextRelation::EndsWith, _) => "ends with",
    };
    let cased = if relation.cased && relation.relation != TextRelation::Equals { "cased " } else { "" };
    write!(f, "{subject} {cased}{verb} field {}", relation.other)
}

fn sign(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

fn part_name(part: TimePart) -> &'static str {
    match part {
        TimePart::Minute => "minute",
        TimePart::Hour => "hour",
        TimePart::Day => "day",
        TimePart::Week => "week",
        TimePart::Month => "month",
        TimePart::Year => "year",
    }
}
