//! Values: what the expressions of a configuration evaluate to, each with its place.

use std::fmt;

use crate::place::{Located, Location};

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// The expression that gave it.
    pub location: Location,
    /// Whether `env()` or `file()` had a part in it: then the expression is shown instead of the value.
    pub from_outside: bool,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueKind {
    /// `null`, which counts as not written.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// `[…]`
    List(Vec<Value>),
    /// `{…}`, in the order written.
    Map(Vec<(Located<String>, Value)>),
    /// A path to another block, such as `format.regex.mine`. Whoever reads it resolves it.
    Reference(Vec<String>),
}

/// A number: whole ones are exact far beyond 64 bits, others are 64-bit floats and always finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// A whole number.
    Integer(i128),
    /// Any other.
    Float(f64),
}

impl Value {
    /// `kind`, given by the expression at `location`, with nothing from outside.
    pub fn new(kind: ValueKind, location: Location) -> Self {
        Self { kind, location, from_outside: false }
    }

    /// What to call it in a message: `a string`, `the number 5`, `the reference `format.regex.x``. A string's
    /// content is never told: it may be a secret.
    pub fn describe(&self) -> String {
        match &self.kind {
            ValueKind::Null => "null".to_owned(),
            ValueKind::Bool(value) => format!("the boolean {value}"),
            ValueKind::Number(_) if self.from_outside => "a number".to_owned(),
            ValueKind::Number(number) => format!("the number {number}"),
            ValueKind::String(_) => "a string".to_owned(),
            ValueKind::List(_) => "a list".to_owned(),
            ValueKind::Map(_) => "a map".to_owned(),
            ValueKind::Reference(path) => format!("the reference `{}`", path.join(".")),
        }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether `env()` or `file()` had a part in it or in anything inside it.
    pub fn holds_outside(&self) -> bool {
        self.from_outside
            || match &self.kind {
                ValueKind::List(items) => items.iter().any(Self::holds_outside),
                ValueKind::Map(entries) => entries.iter().any(|(_, value)| value.holds_outside()),
                _ => false,
            }
    }

    /// Whether both are the same, wherever they are written.
    pub fn same_as(&self, other: &Self) -> bool {
        match (&self.kind, &other.kind) {
            (ValueKind::List(left), ValueKind::List(right)) => {
                left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.same_as(right))
            }
            (ValueKind::Map(left), ValueKind::Map(right)) => {
                left.len() == right.len()
                    && left.iter().all(|(key, value)| {
                        right.iter().any(|(other, right)| other.value == key.value && right.same_as(value))
                    })
            }
            (ValueKind::Number(left), ValueKind::Number(right)) => left.same_as(*right),
            (left, right) => left == right,
        }
    }
}

impl Number {
    /// As a float, rounded where it has too many digits.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// A float, as a whole number where it is one. `None` for infinity and what is no number.
    pub fn from_f64(value: f64) -> Option<Self> {
        // Beyond 2^53 a float no longer tells neighbours apart; keep it what it is.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if !value.is_finite() {
            return None;
        }
        let whole = value.fract() == 0.0 && value.abs() <= EXACT;
        Some(if whole { Self::Integer(value as i128) } else { Self::Float(value) })
    }

    /// Whether both are the same number.
    pub fn same_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left == right,
            (left, right) => left.to_f64() == right.to_f64(),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
        }
    }
}
