//! The blocks of a message, within the limits of Block Kit.

use egret_http::shorten;
use egret_model::{AlertAction, AlertStatus, Severity};
use serde_json::{Map, Value, json};

use crate::delivery::Letter;
use crate::escape::{Escape, break_links, one_line, visible};
use crate::message::{ALERT, Link, Message, SEVERITY, Text};

/// Slack's limit for a header.
const MAX_HEADER: usize = 150;

/// Slack takes 3,000 characters in a section, but only about 12,000 in all blocks.
const MAX_TEXT: usize = 1500;
const MAX_DESCRIPTION: usize = 1000;
const MAX_EVENT: usize = 1500;
const MAX_LINKS: usize = 1000;
const MAX_LINK_TITLE: usize = 100;
const MAX_PROBLEM: usize = 300;

/// Slack takes 10 fields in a section.
const FIELDS_A_SECTION: usize = 10;
const MAX_FIELDS: usize = 20;
const MAX_FIELD_NAME: usize = 40;
const MAX_FIELD_VALUE: usize = 150;

/// The message for a letter, without where it goes.
pub(super) fn message(letter: &Letter, with_event: bool) -> Map<String, Value> {
    let (delivery, message) = (&letter.delivery, &letter.message);
    let title = message.title.shortened(Escape::Slack, MAX_HEADER);
    let mut blocks = Vec::new();
    let told = match delivery.action {
        AlertAction::Raise | AlertAction::Update | AlertAction::Reopen => true,
        AlertAction::Acknowledge | AlertAction::Close | AlertAction::Comment => false,
    };
    blocks.extend(section(&message.text.shortened(Escape::Slack, MAX_TEXT)));
    if told {
        blocks.extend(section(&message.description.shortened(Escape::Slack, MAX_DESCRIPTION)));
        blocks.extend(fields(message));
        blocks.extend(section(&links(&message.links)));
        if with_event {
            blocks.extend(event(letter));
        }
    }
    blocks.push(context(letter));
    let attachment = json!({
        "color": colour(message.severity, delivery.alert.status),
        "fallback": &title,
        "blocks": blocks,
    });
    let text = json!({
        "text": title,
        "blocks": [header(&message.title)],
        "attachments": [attachment],
        "unfurl_links": false,
        "unfurl_media": false,
    });
    match text {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// A header shows text as it is. What a template wrote in mark-up goes into a section.
fn header(title: &Text) -> Value {
    match title {
        Text::Plain(title) => {
            let title = visible(title).replace('\n', " ");
            let title = if title.trim().is_empty() { "Alert".to_owned() } else { title };
            let text = json!({"type": "plain_text", "text": shorten(&title, MAX_HEADER), "emoji": false});
            json!({"type": "header", "text": text})
        }
        Text::MarkUp(title) => {
            let title = if title.trim().is_empty() { "Alert" } else { title };
            json!({"type": "section", "text": mrkdwn(&shorten(title, MAX_TEXT))})
        }
    }
}

/// `verbatim`: Slack looks for no links and names in text that has none in its own mark-up.
fn mrkdwn(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

fn section(text: &str) -> Option<Value> {
    (!text.trim().is_empty()).then(|| json!({"type": "section", "text": mrkdwn(text)}))
}

fn fields(message: &Message) -> Vec<Value> {
    let fields = message.fields_without(&[SEVERITY, ALERT]);
    let shown: Vec<Value> = fields
        .iter()
        .take(MAX_FIELDS)
        .map(|(name, value)| {
            let name = shorten(&Escape::Slack.apply(&one_line(name)), MAX_FIELD_NAME);
            mrkdwn(&format!("*{name}*\n{}", value.in_field(Escape::Slack, MAX_FIELD_VALUE)))
        })
        .collect();
    let mut sections: Vec<Value> =
        shown.chunks(FIELDS_A_SECTION).map(|fields| json!({"type": "section", "fields": fields})).collect();
    if fields.len() > MAX_FIELDS {
        sections.extend(section(&format!("… and {} more fields", fields.len() - MAX_FIELDS)));
    }
    sections
}

fn links(links: &[Link]) -> String {
    let mut text = String::new();
    for link in links {
        let Some(target) = link.target() else { continue };
        let title = shorten(&Escape::Slack.apply_in_label(&link.title), MAX_LINK_TITLE);
        let line = format!("• <{}|{title}>\n", target.replace('&', "&amp;"));
        if text.chars().count() + line.chars().count() > MAX_LINKS {
            break;
        }
        text.push_str(&line);
    }
    text
}

fn event(letter: &Letter) -> Option<Value> {
    let event = serde_json::to_string_pretty(&letter.delivery.event_for_people()).ok()?;
    // In a block of code only three characters mean something, and what ends it.
    let event = break_links(&visible(&event)).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let event = shorten(&event.replace('`', "\u{2060}`\u{2060}"), MAX_EVENT);
    section(&format!("```{event}```"))
}

/// Severity and id, which the fields leave out, and what is wrong with a template.
fn context(letter: &Letter) -> Value {
    let alert = &letter.delivery.alert;
    let mut elements =
        vec![mrkdwn(&shorten(&format!("{} · alert {}", alert.severity, alert.alert_id), MAX_PROBLEM))];
    if let Some(problem) = &letter.message.problem {
        elements.push(mrkdwn(&shorten(&Escape::Slack.apply(problem), MAX_PROBLEM)));
    }
    json!({"type": "context", "elements": elements})
}

fn colour(severity: Severity, status: AlertStatus) -> &'static str {
    match severity {
        _ if status == AlertStatus::Closed => "#2eb67d",
        Severity::Critical => "#a30200",
        Severity::High => "#e01e5a",
        Severity::Medium => "#ecb22e",
        Severity::Low => "#36c5f0",
        Severity::Informational => "#9aa0a6",
    }
}
