//! A letter as one RFC 5424 message of limited length.

use std::fmt::Write as _;

use egret_http::shorten_bytes;
use egret_model::Severity;

use crate::delivery::Letter;
use crate::escape::Escape;
use crate::payload::{LINE, json_within};

/// The facilities, by number.
pub const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

/// A value of structured data has at most so many bytes before it is escaped.
const MAX_VALUE_BYTES: usize = 255;

/// What every receiver must take: where structured data alone would go beyond `max_bytes`, its values get this short.
const MIN_VALUE_BYTES: usize = 32;

/// What MSG is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MsgFormat {
    /// Title and message.
    Text,
    /// Everything.
    Json,
}

impl MsgFormat {
    /// The format that `word` names.
    ///
    /// # Errors
    /// Says which there are.
    pub fn from_word(word: &str) -> Result<Self, String> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("write \"text\" or \"json\"".to_owned()),
        }
    }
}

/// How messages look.
#[derive(Debug)]
pub struct LineStyle {
    /// The facility's number.
    pub facility: u8,
    /// HOSTNAME.
    pub hostname: String,
    /// APP-NAME.
    pub app_name: String,
    /// The name of the structured data.
    pub structured_data_id: String,
    /// What MSG is.
    pub format: MsgFormat,
    /// The longest message.
    pub max_bytes: usize,
}

impl LineStyle {
    /// The message that tells a letter.
    pub fn line(&self, letter: &Letter) -> String {
        let mut line = self.head(letter, MAX_VALUE_BYTES);
        if line.len() * 2 > self.max_bytes {
            line = self.head(letter, MIN_VALUE_BYTES);
        }
        let room = self.max_bytes.saturating_sub(line.len());
        line.push_str(&self.message(letter, room));
        // Only names that are configured and very long come here.
        shorten_bytes(&line, self.max_bytes)
    }

    fn head(&self, letter: &Letter, max_value_bytes: usize) -> String {
        let alert = &letter.delivery.alert;
        let priority = u16::from(self.facility) * 8 + level(letter.message.severity);
        let mut head = format!(
            "<{priority}>1 {} {} {} {} {} ",
            alert.updated_at,
            self.hostname,
            self.app_name,
            std::process::id(),
            letter.delivery.action,
        );
        let count = alert.count.to_string();
        let _ = write!(head, "[{}", self.structured_data_id);
        for (name, value) in [
            ("delivery_id", letter.delivery.delivery_id.as_str()),
            ("alert_id", &alert.alert_id),
            ("action", letter.delivery.action.as_str()),
            ("severity", letter.message.severity.as_str()),
            ("detection_id", &alert.detection_id),
            ("channel", &alert.channel),
            ("count", &count),
            ("by", letter.delivery.by.as_deref().unwrap_or_default()),
        ] {
            if !value.is_empty() {
                let value = shorten_bytes(&Escape::Line.apply(value), max_value_bytes);
                let _ = write!(head, " {name}=\"{}\"", escape_value(&value));
            }
        }
        head.push_str("] ");
        head
    }

    fn message(&self, letter: &Letter, room: usize) -> String {
        if let Some(body) = &letter.message.body {
            // JSON that a template writes in several lines is the same in one; elsewhere a line's end is shown.
            let body = match self.format {
                MsgFormat::Json => body.trim().replace(['\r', '\n'], " "),
                MsgFormat::Text => body.trim().to_owned(),
            };
            return shorten_bytes(&Escape::Line.apply(&body), room);
        }
        match self.format {
            MsgFormat::Text => shorten_bytes(&text(letter), room),
            MsgFormat::Json => json_within(letter.json(), room, LINE).to_string(),
        }
    }
}

/// Syslog's severities. Its 0 and 1 are for machines that are lost.
fn level(severity: Severity) -> u16 {
    match severity {
        Severity::Critical => 2,
        Severity::High => 3,
        Severity::Medium => 4,
        Severity::Low => 5,
        Severity::Informational => 6,
    }
}

fn escape_value(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        if matches!(c, '"' | '\\' | ']') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn text(letter: &Letter) -> String {
    let message = &letter.message;
    let mut text = message.title.written(Escape::Line);
    for part in [&message.text, &message.description] {
        if !part.is_empty() {
            let _ = write!(text, ": {}", part.written(Escape::Line));
            // The description tells of the rule, not of the event: it is there only if nothing else is.
            break;
        }
    }
    if let Some(problem) = &message.problem {
        let _ = write!(text, " (a template could not be used: {})", Escape::Line.apply(problem));
    }
    // What a template wrote may have several lines.
    Escape::Line.apply(&text)
}

#[cfg(test)]
mod tests {
    use egret_model::AlertAction;
    use serde_json::Value as Json;

    use super::*;
    use crate::testing::{delivery, letter};

    fn style(format: MsgFormat, max_bytes: usize) -> LineStyle {
        LineStyle {
            facility: 16,
            hostname: "egret-1".into(),
            app_name: "egret".into(),
            structured_data_id: "egret@32473".into(),
            format,
            max_bytes,
        }
    }

    #[test]
    fn a_message_has_the_parts_of_rfc_5424() {
        let line = style(MsgFormat::Text, 2048).line(&letter(AlertAction::Raise, Escape::Line));
        let expected = format!(
            "<131>1 2023-11-14T22:14:22Z egret-1 egret {} raise [egret@32473 \
             delivery_id=\"fedcba9876543210fedcba9876543210\" alert_id=\"0123456789abcdef0123456789abcdef\" \
             action=\"raise\" severity=\"high\" detection_id=\"root_login\" channel=\"aws.cloudtrail\" count=\"3\"] \
             Root login: root logged in from 198.51.100.7 (and 2 more findings)",
            std::process::id()
        );
        assert_eq!(line, expected);
    }

    #[test]
    fn json_of_templates_stays_json() {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.message.body = Some("{\n  \"a\": 1\n}\n".into());
        assert!(style(MsgFormat::Json, 2048).line(&letter).ends_with("] {   \"a\": 1 }"));
        assert!(style(MsgFormat::Text, 2048).line(&letter).ends_with("] {\\n  \"a\": 1\\n}"));
    }

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(escape_value("a\"b\\c]d"), "a\\\"b\\\\c\\]d");
    }

    #[test]
    fn json_stays_valid_at_every_length() {
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.event.insert("big".into(), "e".repeat(10_000).into());
        delivery.alert.message = "\"ä\\".repeat(3000);
        for room in [0, 2, 50, 130, 200, 300, 500, 900, 1500, 4000, 9000, 50_000] {
            let written = json_within(delivery.to_json(), room, LINE).to_string();
            assert!(written.len() <= room.max(2), "{room}: {}", written.len());
            let value: Json = serde_json::from_str(&written).unwrap();
            let whole = value == delivery.to_json();
            assert!(whole || value["shortened"] == true || written == "{}", "{room}: {written}");
        }
    }
}
