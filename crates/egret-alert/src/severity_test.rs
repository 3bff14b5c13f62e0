//! A test of severities as routes write it: `high`, `>= high`, `< medium`.

use std::cmp::Ordering;

use egret_config::{Diagnostic, Diagnostics, FromValue, Value};
use egret_model::Severity;

/// Which severities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SeverityTest {
    less: bool,
    equal: bool,
    greater: bool,
    than: Severity,
}

impl SeverityTest {
    pub(crate) fn holds(self, severity: Severity) -> bool {
        match severity.cmp(&self.than) {
            Ordering::Less => self.less,
            Ordering::Equal => self.equal,
            Ordering::Greater => self.greater,
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let word = text.trim_start_matches(['<', '>', '=']);
        let (less, equal, greater) = match &text[..text.len() - word.len()] {
            "" | "=" | "==" => (false, true, false),
            ">=" => (false, true, true),
            ">" => (false, false, true),
            "<=" => (true, true, false),
            "<" => (true, false, false),
            other => return Err(format!("`{other}` compares nothing; write >=, >, <=, < or =")),
        };
        let than = word.trim().parse::<Severity>().map_err(|error| error.to_string())?;
        Ok(Self { less, equal, greater, than })
    }
}

impl FromValue for SeverityTest {
    const EXPECTED: &'static str = "a string with a severity such as \">= high\"";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = value.expect_text(Self::EXPECTED, diagnostics)?;
        match Self::parse(text) {
            Ok(test) => Some(test),
            Err(message) => {
                let (what, how) = message.split_once("; ").unwrap_or((&message, ""));
                diagnostics.push(Diagnostic::error(what).at(&value.location).hint(how));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_as_written() {
        for (text, low, medium, high) in [
            ("medium", false, true, false),
            (">= medium", false, true, true),
            (">medium", false, false, true),
            ("<= medium", true, true, false),
            ("< medium", true, false, false),
        ] {
            let test = SeverityTest::parse(text).unwrap();
            let found =
                [Severity::Low, Severity::Medium, Severity::High].map(|severity| test.holds(severity));
            assert_eq!(found, [low, medium, high], "{text}");
        }
        assert!(SeverityTest::parse("=> high").unwrap_err().contains("write >="));
        assert!(SeverityTest::parse(">= bad").is_err());
    }
}
