//! Values as Rust types: booleans, numbers, texts, lists, maps, secrets, severities, durations, sizes.

use std::collections::BTreeMap;
use std::time::Duration;

use egret_model::time::parse_duration;
use egret_model::{Secret, Severity};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::place::{Located, Location};
use crate::value::{Number, Value, ValueKind};

/// A type that an attribute can have.
pub trait FromValue: Sized {
    /// What to write, for messages: `a string`, `a list of strings`.
    const EXPECTED: &'static str;

    /// Whether the value must never be shown.
    const SECRET: bool = false;

    /// Reads `value`; `None` after a mistake, which was reported.
    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self>;
}

impl Value {
    /// The mistake that this value is not `expected`.
    pub fn wrong_type(&self, expected: &str) -> Diagnostic {
        let mistake =
            Diagnostic::error(format!("expected {expected}, found {}", self.describe())).at(&self.location);
        let (ValueKind::Reference(path), true) = (&self.kind, expected.starts_with("a string")) else {
            return mistake;
        };
        match path.as_slice() {
            [word] => mistake.hint(format!("write a text in double quotes: \"{word}\"")),
            _ => mistake.hint("a reference names another block; write a text in double quotes"),
        }
    }

    /// The text; for implementing [`FromValue`] for a type that is written as one.
    pub fn expect_text(&self, expected: &str, diagnostics: &mut Diagnostics) -> Option<&str> {
        let text = self.as_str();
        if text.is_none() {
            diagnostics.push(self.wrong_type(expected));
        }
        text
    }
}

impl FromValue for Value {
    const EXPECTED: &'static str = "a value";

    fn from_value(value: &Value, _: &mut Diagnostics) -> Option<Self> {
        Some(value.clone())
    }
}

impl FromValue for bool {
    const EXPECTED: &'static str = "true or false";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ValueKind::Bool(bool) = value.kind else {
            let written = value.as_str().filter(|text| matches!(*text, "true" | "false"));
            let hint = written.map(|text| format!("write {text} without quotes"));
            diagnostics.push(value.wrong_type(Self::EXPECTED).hint_if(hint));
            return None;
        };
        Some(bool)
    }
}

impl FromValue for String {
    const EXPECTED: &'static str = "a string";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let Some(text) = value.as_str() {
            return Some(text.to_owned());
        }
        let plain = matches!(value.kind, ValueKind::Bool(_) | ValueKind::Number(_)) && !value.from_outside;
        let hint = plain.then(|| format!("write it in double quotes: \"{}\"", value.location.text()));
        diagnostics.push(value.wrong_type(Self::EXPECTED).hint_if(hint));
        None
    }
}

impl FromValue for Secret {
    const EXPECTED: &'static str = "a string";
    const SECRET: bool = true;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        value.expect_text(Self::EXPECTED, diagnostics).map(Self::new)
    }
}

fn integer<T: TryFrom<i128>>(value: &Value, expected: &str, diagnostics: &mut Diagnostics) -> Option<T> {
    let converted = match value.kind {
        ValueKind::Number(Number::Integer(integer)) => T::try_from(integer).ok(),
        _ => None,
    };
    if converted.is_none() {
        let digits = value.as_str().filter(|text| text.parse::<i128>().is_ok());
        let hint = digits.map(|_| "write it without quotes");
        diagnostics.push(value.wrong_type(expected).hint_if(hint));
    }
    converted
}

macro_rules! integer_from_value {
    ($($type:ty => $expected:literal),+ $(,)?) => {
        $(
            impl FromValue for $type {
                const EXPECTED: &'static str = $expected;

                fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
                    integer(value, Self::EXPECTED, diagnostics)
                }
            }
        )+
    };
}

integer_from_value! {
    i64 => "a whole number",
    u64 => "a whole number from 0 up",
    u32 => "a whole number from 0 to 4294967295",
    u16 => "a whole number from 0 to 65535",
    usize => "a whole number from 0 up",
}

impl FromValue for f64 {
    const EXPECTED: &'static str = "a number";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ValueKind::Number(number) = value.kind else {
            diagnostics.push(value.wrong_type(Self::EXPECTED));
            return None;
        };
        Some(number.to_f64())
    }
}

impl FromValue for Severity {
    const EXPECTED: &'static str = "a string with a severity";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_text(value, Self::EXPECTED, diagnostics, |text| {
            text.parse::<Self>().map_err(|unknown| unknown.to_string())
        })
    }
}

impl FromValue for Duration {
    const EXPECTED: &'static str = "a string with a duration such as \"15m\"";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        parse_text(value, Self::EXPECTED, diagnostics, |text| {
            // No sign is read, so the number is never negative.
            parse_duration(text).map(|micros| Self::from_micros(micros.unsigned_abs()))
        })
    }
}

/// A number of bytes, written `"384MiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

impl ByteSize {
    /// Reads a size such as `384MiB`, `1.5 GiB`, `10MB` or `4096`. `K`, `M`, … alone count in 1024.
    ///
    /// # Errors
    /// Says which units are accepted.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a size; write a number and a unit, like 64KiB, 384MiB or 2GiB");
        let trimmed = text.trim();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(digits);
        let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            "t" | "tib" => 1 << 40,
            "kb" => 1_000,
            "mb" => 1_000_000,
            "gb" => 1_000_000_000,
            "tb" => 1_000_000_000_000,
            _ => return Err(wrong()),
        };
        if let Ok(whole) = number.parse::<u64>() {
            return whole.checked_mul(factor).map(Self).ok_or_else(wrong);
        }
        let bytes = number.parse::<f64>().map_err(|_| wrong())? * factor as f64;
        if bytes >= u64::MAX as f64 {
            return Err(wrong());
        }
        Ok(Self(bytes as u64))
    }
}

impl FromValue for ByteSize {
    const EXPECTED: &'static str = "a string with a size such as \"384MiB\"";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        if let ValueKind::Number(Number::Integer(bytes)) = value.kind
            && let Ok(bytes) = u64::try_from(bytes)
        {
            return Some(Self(bytes));
        }
        parse_text(value, Self::EXPECTED, diagnostics, Self::parse)
    }
}

/// A path to another block, as written: `format.regex.mine` or `connection.aws.prod`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its parts: kind, then labels.
    pub path: Vec<String>,
    /// Where it is written.
    pub location: Location,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path.join("."))
    }
}

impl FromValue for Reference {
    const EXPECTED: &'static str = "a reference to a block, such as `format.regex.mine`";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ValueKind::Reference(path) = &value.kind else {
            let hint = value.as_str().map(|_| "a reference is written without quotes");
            diagnostics.push(value.wrong_type(Self::EXPECTED).hint_if(hint));
            return None;
        };
        Some(Self { path: path.clone(), location: value.location.clone() })
    }
}

impl<T: FromValue> FromValue for Located<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        Some(Self::new(T::from_value(value, diagnostics)?, value.location.clone()))
    }
}

impl<T: FromValue> FromValue for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        match value.kind {
            ValueKind::Null => Some(None),
            _ => T::from_value(value, diagnostics).map(Some),
        }
    }
}

/// Reads every item, so that all mistakes are reported.
impl<T: FromValue> FromValue for Vec<T> {
    const EXPECTED: &'static str = "a list";
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ValueKind::List(items) = &value.kind else {
            let hint = format!("a list of one is written [{}]", value.location.text());
            let plain =
                value.as_str().is_some() && !value.from_outside && !value.location.text().contains('\n');
            diagnostics.push(value.wrong_type(Self::EXPECTED).hint_if((plain && !T::SECRET).then_some(hint)));
            return None;
        };
        let converted: Vec<Option<T>> = items.iter().map(|item| T::from_value(item, diagnostics)).collect();
        converted.into_iter().collect()
    }
}

/// The entries of a map, in the order written.
impl<T: FromValue> FromValue for Vec<(Located<String>, T)> {
    const EXPECTED: &'static str = "a map";
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let ValueKind::Map(entries) = &value.kind else {
            diagnostics.push(value.wrong_type("a map such as { name = \"value\" }"));
            return None;
        };
        let mut converted = Some(Self::new());
        for (key, entry) in entries {
            match (T::from_value(entry, diagnostics), &mut converted) {
                (Some(entry), Some(converted)) => converted.push((key.clone(), entry)),
                _ => converted = None,
            }
        }
        converted
    }
}

/// The entries of a map, sorted by name.
impl<T: FromValue> FromValue for BTreeMap<String, T> {
    const EXPECTED: &'static str = "a map";
    const SECRET: bool = T::SECRET;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let entries = Vec::<(Located<String>, T)>::from_value(value, diagnostics)?;
        Some(entries.into_iter().map(|(key, entry)| (key.value, entry)).collect())
    }
}

/// Reads a text by `parse`, whose error already says what is accepted.
fn parse_text<T>(
    value: &Value,
    expected: &str,
    diagnostics: &mut Diagnostics,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let text = value.expect_text(expected, diagnostics)?;
    match parse(text) {
        Ok(parsed) => Some(parsed),
        Err(_) if value.from_outside => {
            let message = format!("the value from outside is not {expected}");
            diagnostics.push(Diagnostic::error(message).at(&value.location));
            None
        }
        Err(message) => {
            // `"soon" is not a duration; write …`: the second half is what to do.
            let (what, how) = message.split_once("; ").unwrap_or((&message, ""));
            let hint = (!how.is_empty()).then(|| how.to_owned());
            diagnostics.push(Diagnostic::error(what).at(&value.location).hint_if(hint));
            None
        }
    }
}
