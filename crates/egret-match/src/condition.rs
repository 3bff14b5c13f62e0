//! The algebra that rule languages lower to: tests of fields under and, or, not.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::text::TextPattern;

/// What must hold for a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// Always or never.
    Always(bool),
    /// A test.
    Test(Predicate),
    /// All of these; nothing holds for none of them too.
    All(Vec<Self>),
    /// At least one of these.
    Any(Vec<Self>),
    /// At least so many of these.
    AtLeast(usize, Vec<Self>),
    /// Not this. A test of a field that the row does not have fails, so its opposite holds.
    Not(Box<Self>),
    /// A part that a rule has a name for, such as a selection: findings say which of them held.
    Named(Arc<str>, Box<Self>),
}

/// A test of one field, or of all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// What is looked at.
    pub subject: Subject,
    /// What must hold for it.
    pub test: Test,
}

/// What a predicate looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The field of this name or path, in the words of the rule. A test holds for a list if it holds for one of its
    /// elements.
    Field(Arc<str>),
    /// Every value of the record, also those inside lists and objects: keywords.
    AnyValue,
}

/// A test of a value. All but [`Test::Exists`], [`Test::Null`] fail for a field that is missing or null.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The record has the field, even if it is null.
    Exists,
    /// The field is missing or null.
    Null,
    /// The value as text is like this. Numbers and truth values have the text that JSON gives them.
    Text(TextPattern),
    /// A match of this regular expression is somewhere in the value as text. Its flags stand in it.
    Regex(Arc<str>),
    /// The value is an address in this network.
    Cidr(IpNet),
    /// The value is a number, or a text that is one, and compares so.
    Number(Comparison, f64),
    /// The value is truth or falsehood, or a text that says so.
    Boolean(bool),
    /// The value is related so to the other field's, as text.
    Field(FieldRelation),
    /// The value is a time, and this part of it, in UTC, compares so.
    Time(TimePart, Comparison, i64),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// The value is the same.
    Equal,
    /// The value is less.
    Less,
    /// The value is less or the same.
    LessOrEqual,
    /// The value is greater.
    Greater,
    /// The value is greater or the same.
    GreaterOrEqual,
}

/// How the text of a field relates to that of another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldRelation {
    /// The other field. If it is missing, null or a list, no relation holds.
    pub other: Arc<str>,
    /// How.
    pub relation: TextRelation,
    /// Whether upper and lower case differ.
    pub cased: bool,
}

/// Where one text is in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TextRelation {
    /// It is all of it.
    Equals,
    /// It is somewhere in it.
    Contains,
    /// It is at its beginning.
    StartsWith,
    /// It is at its end.
    EndsWith,
}

/// A part of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimePart {
    /// 0 to 59.
    Minute,
    /// 0 to 23.
    Hour,
    /// The day of the month, 1 to 31.
    Day,
    /// The week of the year as in ISO 8601, 1 to 53.
    Week,
    /// 1 to 12.
    Month,
    /// With all its digits.
    Year,
}

impl Condition {
    /// A test of the field called `field`.
    pub fn field(field: &str, test: Test) -> Self {
        Self::Test(Predicate { subject: Subject::Field(field.into()), test })
    }

    /// A test of every value of the record.
    pub fn any_value(test: Test) -> Self {
        Self::Test(Predicate { subject: Subject::AnyValue, test })
    }

    /// The opposite.
    #[must_use]
    pub fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            Self::Always(always) => Self::Always(!always),
            other => Self::Not(Box::new(other)),
        }
    }

    /// The tests in it, in the order they are written.
    pub fn predicates(&self) -> Vec<&Predicate> {
        let mut found = Vec::new();
        let mut left = vec![self];
        while let Some(condition) = left.pop() {
            match condition {
                Self::Always(_) => {}
                Self::Test(predicate) => found.push(predicate),
                Self::All(parts) | Self::Any(parts) | Self::AtLeast(_, parts) => {
                    left.extend(parts.iter().rev())
                }
                Self::Not(inner) | Self::Named(_, inner) => left.push(inner),
            }
        }
        found
    }
}

impl Predicate {
    /// Whether it is not decided by the value of one field.
    pub(crate) fn is_late(&self) -> bool {
        self.subject == Subject::AnyValue || matches!(self.test, Test::Field(_))
    }
}

impl Comparison {
    /// Whether `left` compares so with `right`.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

/// The address that `text` is, if it is one. An address of version 4 written as one of version 6 is of version 4.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// For people.
impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("exists"),
            Self::Null => f.write_str("is null"),
            Self::Text(pattern) if pattern.is_cased() => write!(f, "is like {pattern} in this case"),
            Self::Text(pattern) => write!(f, "is like {pattern}"),
            Self::Regex(regex) => write!(f, "matches {regex}"),
            Self::Cidr(network) => write!(f, "is in {network}"),
            Self::Number(comparison, number) => write!(f, "{comparison} {number}"),
            Self::Boolean(truth) => write!(f, "is {truth}"),
            Self::Field(relation) => {
                let word = match relation.relation {
                    TextRelation::Equals => "equals",
                    TextRelation::Contains => "contains",
                    TextRelation::StartsWith => "starts with",
                    TextRelation::EndsWith => "ends with",
                };
                write!(f, "{word} {}", relation.other)
            }
            Self::Time(part, comparison, number) => {
                let part = match part {
                    TimePart::Minute => "minute",
                    TimePart::Hour => "hour",
                    TimePart::Day => "day",
                    TimePart::Week => "week",
                    TimePart::Month => "month",
                    TimePart::Year => "year",
                };
                write!(f, "{part} {comparison} {number}")
            }
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}
