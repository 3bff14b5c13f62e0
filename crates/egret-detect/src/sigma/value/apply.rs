//! What each modifier does with a value.

use std::ops::Range;

use egret_match::{Comparison, FieldRelation, TextRelation, TimePart};

use super::pattern::Pattern;
use super::{OwnedNumber, Value, dashes, encoding, field_relation, network};
use crate::sigma::modifier::Modifier;

/// What a modifier makes of a value.
#[derive(Debug)]
pub(in crate::sigma) enum Applied {
    /// Another.
    One(Value),
    /// Several, of which one has to match, even if all values of a list must.
    Several(Vec<Value>),
}

/// Why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sigma) enum Problem {
    /// It is wrong itself.
    Value {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
        /// Its bytes that are meant, if not all.
        inside: Option<Range<usize>>,
    },
    /// The modifier cannot follow those before it.
    Modifier {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// These placeholders have no values.
    Missing(Vec<String>),
}

impl Problem {
    /// A wrong value.
    pub fn value(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Value { message: message.into(), hint: hint.into(), inside: None }
    }

    /// The same with a place inside the value.
    pub fn inside(self, inside: Range<usize>) -> Self {
        match self {
            Self::Value { message, hint, .. } => Self::Value { message, hint, inside: Some(inside) },
            other => other,
        }
    }
}

/// Does to `value` what `modifier`, which is called `name`, says. It becomes `most` values at most.
pub(in crate::sigma) fn apply(
    modifier: Modifier,
    name: &str,
    value: Value,
    most: usize,
) -> Result<Applied, Problem> {
    let one = |value| Ok(Applied::One(value));
    match (modifier, value) {
        (Modifier::Position(relation), value) => position(relation, name, value).map(Applied::One),
        (Modifier::Cased, Value::Text(pattern, _)) => one(Value::Text(pattern, true)),
        (Modifier::Cased, Value::Field(relation)) => {
            one(Value::Field(FieldRelation { cased: true, ..relation }))
        }
        (Modifier::Exists, Value::Boolean(exists)) => one(Value::Exists(exists)),
        (Modifier::WinDash, Value::Text(pattern, cased)) => windash(&pattern, cased, most),
        // A value that is read as a regular expression is one from the beginning.
        (Modifier::Regex, value @ Value::Regex(_)) => one(value),
        (Modifier::Flag(flag), Value::Regex(regex)) => one(Value::Regex(regex.flag(flag))),
        (Modifier::Utf16(kind), Value::Text(pattern, cased)) => {
            one(Value::Text(encoding::utf16(pattern, kind), cased))
        }
        (Modifier::Base64, Value::Text(pattern, cased)) => {
            let encoded = encoding::base64(plain_bytes(&pattern, name)?);
            one(Value::Text(Pattern::literal(&encoded), cased))
        }
        (Modifier::Base64Offset, Value::Text(pattern, cased)) => base64_offset(&pattern, cased, name),
        (Modifier::Compare(comparison), value) => compare(comparison, name, value).map(Applied::One),
        (Modifier::Time(part), value) => time(part, name, value).map(Applied::One),
        (Modifier::Cidr, Value::Text(pattern, _)) => cidr(&pattern).map(Applied::One),
        (Modifier::FieldRef, Value::Text(pattern, cased)) => match pattern.text() {
            Some(text) if !text.trim().is_empty() => {
                one(Value::Field(FieldRelation { cased, ..field_relation(text) }))
            }
            _ => {
                let hint = "write one name; `contains`, `startswith` and `endswith` stand behind `fieldref`";
                Err(Problem::value(format!("`{name}` takes the name of a field"), hint))
            }
        },
        (modifier, value) => Err(mismatch(modifier, name, &value)),
    }
}

fn position(relation: TextRelation, name: &str, value: Value) -> Result<Value, Problem> {
    let place = |pattern: Pattern| match relation {
        TextRelation::Equals => pattern,
        TextRelation::Contains => pattern.anywhere(),
        TextRelation::StartsWith => pattern.at_start(),
        TextRelation::EndsWith => pattern.at_end(),
    };
    Ok(match value {
        Value::Text(pattern, cased) => Value::Text(place(pattern), cased),
        Value::Number(number) => Value::Text(place(Pattern::literal(&number.written)), false),
        Value::Regex(regex) => Value::Regex(regex.at(relation)),
        Value::Field(field) => Value::Field(FieldRelation { relation, ..field }),
        value => return Err(mismatch(Modifier::Position(relation), name, &value)),
    })
}

fn windash(pattern: &Pattern, cased: bool, most: usize) -> Result<Applied, Problem> {
    let Some(patterns) = dashes::all_dashes(pattern, most) else {
        let message = format!("`windash` makes more than {most} values of this");
        return Err(Problem::value(message, "look for fewer options in one value: list them and add `all`"));
    };
    Ok(Applied::Several(patterns.into_iter().map(|pattern| Value::Text(pattern, cased)).collect()))
}

fn base64_offset(pattern: &Pattern, cased: bool, name: &str) -> Result<Applied, Problem> {
    let texts = encoding::base64_offsets(plain_bytes(pattern, name)?);
    // An empty text would be found everywhere.
    if texts.iter().any(String::is_empty) {
        return Err(Problem::value("this is too short for `base64offset`", "write at least two characters"));
    }
    Ok(Applied::Several(texts.iter().map(|text| Value::Text(Pattern::literal(text), cased)).collect()))
}

fn plain_bytes<'a>(pattern: &'a Pattern, name: &str) -> Result<&'a [u8], Problem> {
    pattern.bytes().ok_or_else(|| wildcards(name, "takes text without wildcards"))
}

fn wildcards(name: &str, takes: &str) -> Problem {
    let hint = format!("write `\\*` and `\\?` for the signs themselves, and `contains` behind `{name}`");
    Problem::value(format!("`{name}` {takes}"), hint)
}

fn cidr(pattern: &Pattern) -> Result<Value, Problem> {
    pattern
        .text()
        .and_then(network)
        .map(Value::Network)
        .ok_or_else(|| Problem::value("this is no network", "write one such as 10.0.0.0/8 or fe80::/10"))
}

fn compare(comparison: Comparison, name: &str, value: Value) -> Result<Value, Problem> {
    match value {
        Value::Number(OwnedNumber { value, .. }) => Ok(Value::Compared(comparison, value)),
        Value::Time(part, Comparison::Equal, number) => Ok(Value::Time(part, comparison, number)),
        value => Err(mismatch(Modifier::Compare(comparison), name, &value)),
    }
}

fn time(part: TimePart, name: &str, value: Value) -> Result<Value, Problem> {
    let (comparison, number) = match value {
        Value::Number(OwnedNumber { value, .. }) => (Comparison::Equal, value),
        Value::Compared(comparison, value) => (comparison, value),
        value => return Err(mismatch(Modifier::Time(part), name, &value)),
    };
    if number.fract() != 0.0 || number.abs() > 1e9 {
        return Err(Problem::value(format!("`{name}` takes a whole number"), "write it without a fraction"));
    }
    Ok(Value::Time(part, comparison, number as i64))
}

/// The mistake of a modifier before a value that it can do nothing with: the value's, if it is as written in the
/// file, else that of the modifier before.
fn mismatch(modifier: Modifier, name: &str, value: &Value) -> Problem {
    let takes = takes(modifier);
    let is = value.description();
    match value {
        Value::Text(..)
            if matches!(modifier, Modifier::Compare(_) | Modifier::Time(_) | Modifier::Exists) =>
        {
            Problem::value(format!("`{name}` takes {takes}, and this is {is}"), "write it without quotes")
        }
        Value::Null | Value::Boolean(_) | Value::Number(_) | Value::Text(..) => {
            let hint = match value {
                Value::Number(_) => "put it in quotes if text is meant".to_owned(),
                _ => format!("remove `{name}`, or write {takes}"),
            };
            Problem::value(format!("`{name}` takes {takes}, and this is {is}"), hint)
        }
        _ => Problem::Modifier {
            message: format!("`{name}` takes {takes}, and the modifiers before it make {is} of the value"),
            hint: format!("remove `{name}`"),
        },
    }
}

fn takes(modifier: Modifier) -> &'static str {
    match modifier {
        Modifier::Compare(_) | Modifier::Time(_) => "a number",
        Modifier::Exists => "true or false",
        Modifier::Flag(_) => "a regular expression",
        _ => "text",
    }
}
