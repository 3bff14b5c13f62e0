//! Values of a selection: from a scalar through the modifiers to a condition on a field.

use std::net::IpAddr;
use std::sync::Arc;

use egret_match::{Comparison, Condition, FieldRelation, Predicate, Subject, Test, TextRelation, TimePart};
use ipnet::IpNet;

use super::placeholder::{self, Placeholders};
use super::yaml::{Number, Resolved, Scalar};

mod apply;
mod dashes;
mod encoding;
mod pattern;
mod regex;

pub(super) use apply::{Applied, Problem, apply};
pub(super) use pattern::{Pattern, Piece};

use regex::Regex;

/// A value on its way through the modifiers.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// Truth or falsehood.
    Boolean(bool),
    /// A number.
    Number(OwnedNumber),
    /// Text with wildcards, and whether upper and lower case differ.
    Text(Pattern, bool),
    /// A regular expression.
    Regex(Regex),
    /// A network.
    Network(IpNet),
    /// Another field.
    Field(FieldRelation),
    /// A number to compare with.
    Compared(Comparison, f64),
    /// A part of a time to compare with.
    Time(TimePart, Comparison, i64),
    /// Whether the field is there.
    Exists(bool),
}

/// A number and how it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct OwnedNumber {
    written: String,
    value: f64,
    integer: Option<String>,
}

impl OwnedNumber {
    fn new(number: &Number<'_>) -> Self {
        let integer = number.integer.as_deref().map(str::to_owned);
        Self { written: number.written.to_owned(), value: number.value, integer }
    }
}

impl Value {
    /// The value that `scalar` says; all of it is a regular expression if `regex`.
    pub fn read(scalar: &Scalar, regex: bool) -> Self {
        match scalar.resolve() {
            Resolved::Null => Self::Null,
            Resolved::Boolean(value) => Self::Boolean(value),
            Resolved::Number(_) | Resolved::Text(_) if regex => Self::Regex(Regex::new(scalar.text())),
            Resolved::Number(number) => Self::Number(OwnedNumber::new(&number)),
            Resolved::Text(text) => Self::Text(Pattern::parse(text), false),
        }
    }

    /// As [`Value::read`], with the values of `placeholders` for those in it, `most` at most.
    pub fn expand(
        scalar: &Scalar,
        regex: bool,
        placeholders: &Placeholders,
        most: usize,
    ) -> Result<Vec<Self>, Problem> {
        let resolved = scalar.resolve();
        let Resolved::Text(text) = resolved else {
            let message = format!("`expand` takes text, and this is {}", resolved.description());
            return Err(Problem::value(message, "remove `expand`, or write text with a %placeholder% in it"));
        };
        if regex {
            let sources = placeholder::expand_regex(text, placeholders, most)?;
            return Ok(sources.iter().map(|source| Self::Regex(Regex::new(source))).collect());
        }
        let patterns = placeholder::expand(text, placeholders, most)?;
        Ok(patterns.into_iter().map(|pattern| Self::Text(pattern, false)).collect())
    }

    /// How long the text of its test is.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(pattern, _) => pattern.len(),
            Self::Regex(regex) => regex.len(),
            Self::Number(number) => number.written.len(),
            _ => 0,
        }
    }

    /// What kind of value it is, in words for messages.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(..) => "text",
            Self::Regex(_) => "a regular expression",
            Self::Network(_) => "a network",
            Self::Field(_) => "another field",
            Self::Compared(..) => "a number to compare with",
            Self::Time(..) => "a part of a time",
            Self::Exists(_) => "whether a field is there",
        }
    }

    /// The test that `subject` must pass, or why there is none.
    ///
    /// A keyword is meant anywhere in a value, if not `exact`.
    pub fn into_condition(self, subject: &Subject, exact: bool) -> Result<Condition, Problem> {
        let keyword = *subject == Subject::AnyValue;
        let needs_field = match &self {
            Self::Exists(_) => Some("`exists`"),
            Self::Field(_) => Some("`fieldref`"),
            Self::Null | Self::Boolean(_) => Some(self.description()),
            _ => None,
        };
        if let Some(what) = needs_field.filter(|_| keyword) {
            let hint = "write `field: value`; what is looked for in the whole record is text or a number";
            return Err(Problem::value(format!("{what} needs a field"), hint));
        }
        let test = match self {
            Self::Null => Test::Null,
            Self::Boolean(value) => Test::Boolean(value),
            Self::Exists(true) => Test::Exists,
            Self::Exists(false) => return Ok(on(subject, Test::Exists).negated()),
            Self::Number(number) => return Ok(number_condition(&number, subject, keyword)),
            Self::Text(pattern, cased) => {
                let pattern = if keyword && !exact { pattern.anywhere() } else { pattern };
                Test::Text(pattern.into_text_pattern(cased)?)
            }
            Self::Regex(regex) => Test::Regex(regex.finish()?),
            Self::Network(network) => Test::Cidr(network),
            Self::Field(relation) => Test::Field(relation),
            Self::Compared(comparison, number) => Test::Number(comparison, number),
            Self::Time(part, comparison, number) => {
                check_range(part, comparison, number)?;
                Test::Time(part, comparison, number)
            }
        };
        Ok(on(subject, test))
    }
}

fn on(subject: &Subject, test: Test) -> Condition {
    Condition::Test(Predicate { subject: subject.clone(), test })
}

/// Whole numbers are compared as text, so that `1` matches 1 and "1"; a number that can be written in several ways
/// also as it is written, because `0x17` in a rule may be meant as the text that the log has.
fn number_condition(number: &OwnedNumber, subject: &Subject, keyword: bool) -> Condition {
    let text = |text: &str| {
        let pattern = Pattern::literal(text);
        let pattern = if keyword { pattern.anywhere() } else { pattern };
        pattern
            .into_text_pattern(false)
            .map_or(Condition::Always(false), |pattern| on(subject, Test::Text(pattern)))
    };
    let written = text(&number.written);
    match &number.integer {
        Some(digits) if *digits == number.written => written,
        Some(digits) => Condition::Any(vec![text(digits), written]),
        None if keyword => written,
        None => {
            let same = on(subject, Test::Number(Comparison::Equal, number.value));
            match number.written.contains(['e', 'E']) {
                true => Condition::Any(vec![same, written]),
                false => same,
            }
        }
    }
}

/// A part of a time that is equal to something it never is, is a mistake.
fn check_range(part: TimePart, comparison: Comparison, number: i64) -> Result<(), Problem> {
    let (name, range) = match part {
        TimePart::Minute => ("minute", 0..=59),
        TimePart::Hour => ("hour", 0..=23),
        TimePart::Day => ("day", 1..=31),
        TimePart::Week => ("week", 1..=53),
        TimePart::Month => ("month", 1..=12),
        TimePart::Year => ("year", 0..=9999),
    };
    if comparison != Comparison::Equal || range.contains(&number) {
        return Ok(());
    }
    let hint = format!("the {name} is a number from {} to {}", range.start(), range.end());
    Err(Problem::value(format!("no time has the {name} {number}"), hint))
}

/// The network that `text` is. A single address is one too; bits behind the prefix do not count.
fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    match text.parse::<IpNet>() {
        Ok(network) => Some(network.trunc()),
        Err(_) => text.parse::<IpAddr>().ok().map(IpNet::from),
    }
}

/// Another field, which `name` is the name of.
fn field_relation(name: &str) -> FieldRelation {
    let other: Arc<str> = field_name(name).into();
    FieldRelation { other, relation: TextRelation::Equals, cased: false }
}

/// The name of a field without the spaces in it: rules have `ThreatName` for what Windows calls `Threat Name`.
pub(super) fn field_name(written: &str) -> String {
    written.chars().filter(|c| *c != ' ').collect()
}

#[cfg(test)]
mod tests;
