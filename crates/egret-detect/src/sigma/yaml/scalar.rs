//! Scalars: what a plain one means by the core schema of YAML 1.2, with the text as written at hand.

use std::borrow::Cow;

use serde_json::Value as Json;

/// Text as written, and whether it was written plainly, so that it may mean something else than text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::sigma) struct Scalar {
    text: String,
    plain: bool,
}

/// What a scalar means.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sigma) enum Resolved<'a> {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true` or `false`. `yes` and `no` are text.
    Boolean(bool),
    /// A number.
    Number(Number<'a>),
    /// Text.
    Text(&'a str),
}

/// A number, also as it is written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::sigma) struct Number<'a> {
    /// As written.
    pub written: &'a str,
    /// Its value.
    pub value: f64,
    /// All digits of a whole number, as JSON writes them.
    pub integer: Option<Cow<'a, str>>,
}

impl Scalar {
    /// Text that is written plainly or not.
    pub fn new(text: String, plain: bool) -> Self {
        Self { text, plain }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text as written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// What it means.
    pub fn resolve(&self) -> Resolved<'_> {
        let text = self.text.as_str();
        if !self.plain {
            return Resolved::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
            "true" | "True" | "TRUE" => Resolved::Boolean(true),
            "false" | "False" | "FALSE" => Resolved::Boolean(false),
            _ => number(text).map_or(Resolved::Text(text), Resolved::Number),
        }
    }

    /// It as JSON.
    pub fn to_json(&self) -> Json {
        match self.resolve() {
            Resolved::Null => Json::Null,
            Resolved::Boolean(value) => Json::Bool(value),
            Resolved::Text(text) => Json::String(text.to_owned()),
            Resolved::Number(number) => {
                let whole = number.integer.as_ref().and_then(|digits| digits.parse::<i128>().ok());
                whole
                    .and_then(serde_json::Number::from_i128)
                    .or_else(|| serde_json::Number::from_f64(number.value))
                    .map_or(Json::Null, Json::Number)
            }
        }
    }
}

impl Resolved<'_> {
    /// What kind of value it is, in words for messages.
    pub fn description(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) => "text",
        }
    }
}

/// The number that `text` is. `.inf` and `.nan` are text, because in rules the first is a file's ending; so is a
/// number that is too large to be one, such as the digits of a hash with an `e` among them.
fn number(text: &str) -> Option<Number<'_>> {
    let first = *text.as_bytes().first()?;
    if !matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.') {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(text, digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(text, digits, 8);
    }
    if !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let value = text.parse::<f64>().ok().filter(|value| value.is_finite())?;
    let integer = text.strip_prefix(['+', '-']).unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    Some(Number { written: text, value, integer: integer.then(|| canonical(text)) })
}

fn radix<'a>(written: &'a str, digits: &str, radix: u32) -> Option<Number<'a>> {
    let value = u64::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?;
    Some(Number { written, value: value as f64, integer: Some(Cow::Owned(value.to_string())) })
}

/// A whole number without a plus sign and leading zeros.
fn canonical(text: &str) -> Cow<'_, str> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let trimmed = digits.trim_start_matches('0');
    let trimmed = if trimmed.is_empty() { "0" } else { trimmed };
    match (sign, trimmed) {
        (_, "0") => Cow::Borrowed("0"),
        ("", digits) => Cow::Borrowed(digits),
        _ if trimmed.len() == digits.len() => Cow::Borrowed(text),
        (sign, digits) => Cow::Owned(format!("{sign}{digits}")),
    }
}
