//! An event of PagerDuty's Events API v2, within its limits.

use egret_config::Located;
use egret_http::{shorten, shorten_bytes};
use egret_model::{AlertAction, Severity};
use serde_json::{Map, Value, json};

use super::PagerDuty;
use crate::delivery::{Delivery, Letter, SendError};
use crate::escape::{Escape, visible};
use crate::message::{ALERT, Link, Message, SEVERITY, Text};
use crate::template::render;

/// PagerDuty's limits for a summary and for a key.
const MAX_SUMMARY: usize = 1024;

/// PagerDuty takes 512 KB in all; these keep even the widest characters below that.
const MAX_TEXT: usize = 4000;
const MAX_FIELDS: usize = 50;
const MAX_FIELD: usize = 1000;
const MAX_EVENT_BYTES: usize = 128 << 10;
const MAX_CUT_EVENT_BYTES: usize = 64 << 10;

/// For names, of which PagerDuty's documentation does not say how long they may be.
const MAX_NAME: usize = 255;

/// So many links and images go along.
const MAX_LINKS: usize = 20;

pub(super) fn event(service: &PagerDuty, letter: &Letter) -> Result<Value, SendError> {
    let delivery = &letter.delivery;
    let action = match delivery.action {
        AlertAction::Raise | AlertAction::Update | AlertAction::Reopen => "trigger",
        AlertAction::Acknowledge => "acknowledge",
        AlertAction::Close => "resolve",
        AlertAction::Comment => {
            return Err(SendError::refused(
                "pagerduty's events have no comments: leave `comment` out of `actions`",
            ));
        }
    };
    let mut event = json!({
        "routing_key": service.routing_key.expose(),
        "event_action": action,
        "dedup_key": delivery.alert.alert_id,
    });
    if action != "trigger" {
        return Ok(event);
    }
    let mut problems: Vec<String> = letter.message.problem.iter().cloned().collect();
    let client = service.client.as_ref().and_then(|name| say(name, delivery, &mut problems));
    event["client"] = client.unwrap_or_else(|| "Egret".into()).into();
    if let Some(url) = service.client_url.as_ref().and_then(|url| say_url(url, delivery, &mut problems)) {
        event["client_url"] = url.into();
    }
    event["links"] = links(&letter.message).into();
    event["images"] = images(service, delivery, &mut problems).into();
    event["payload"] = payload(service, letter, &mut problems);
    Ok(event)
}

fn payload(service: &PagerDuty, letter: &Letter, problems: &mut Vec<String>) -> Value {
    let (delivery, alert) = (&letter.delivery, &letter.delivery.alert);
    let title = plain(&letter.message.title);
    let title = if title.trim().is_empty() { "Alert" } else { title };
    let mut say = |template: &Option<Located<String>>, otherwise: &str| {
        let said = template.as_ref().and_then(|template| say(template, delivery, problems));
        said.unwrap_or_else(|| shorten(otherwise, MAX_NAME))
    };
    let source = say(&service.source, &alert.channel);
    let mut payload = json!({
        "summary": shorten(&Escape::Line.apply(title), MAX_SUMMARY),
        "severity": severity(letter.message.severity),
        "timestamp": alert.time_first.to_string(),
        "source": if source.is_empty() { "Egret".to_owned() } else { source },
    });
    for (name, value) in [
        ("component", say(&service.component, "")),
        ("group", say(&service.group, "")),
        ("class", say(&service.class, &alert.detection_id)),
    ] {
        if !value.is_empty() {
            payload[name] = value.into();
        }
    }
    payload["custom_details"] = details(letter, problems).into();
    payload
}

fn details(letter: &Letter, problems: &[String]) -> Map<String, Value> {
    let message = &letter.message;
    let mut details = Map::new();
    for (name, text) in [("Text", &message.text), ("Description", &message.description)] {
        if !text.is_empty() {
            details.insert(name.into(), shorten(&visible(plain(text)), MAX_TEXT).into());
        }
    }
    // The event says them in its own places.
    let fields = message.fields_without(&[SEVERITY, ALERT]);
    for (name, value) in fields.iter().take(MAX_FIELDS) {
        let value = shorten(&visible(plain(value)), MAX_FIELD);
        // Of two fields with one name, such as evidence, both are told.
        let name = shorten(&visible(name), MAX_NAME);
        let free = (1..).map(|count| if count == 1 { name.clone() } else { format!("{name} {count}") });
        let free = free.into_iter().find(|name| !details.contains_key(name));
        details.insert(free.unwrap_or(name), value.into());
    }
    if fields.len() > MAX_FIELDS {
        let rest = format!("{} more fields", fields.len() - MAX_FIELDS);
        details.insert("Left out".into(), rest.into());
    }
    let event = visible_json(letter.delivery.event_for_people());
    let text = event.to_string();
    let event =
        if text.len() <= MAX_EVENT_BYTES { event } else { shorten_bytes(&text, MAX_CUT_EVENT_BYTES).into() };
    details.insert("Event".into(), event);
    if !problems.is_empty() {
        details.insert("Problem".into(), shorten(&visible(&problems.join("; ")), MAX_FIELD).into());
    }
    details
}

/// PagerDuty shows strings as they are, and what they do to the text around them.
fn visible_json(json: Value) -> Value {
    match json {
        Value::String(text) => visible(&text).into(),
        Value::Array(items) => items.into_iter().map(visible_json).collect(),
        Value::Object(object) => {
            object.into_iter().map(|(name, value)| (visible(&name), visible_json(value))).collect()
        }
        other => other,
    }
}

fn links(message: &Message) -> Vec<Value> {
    let link = |link: &Link| Some(json!({"href": link.target()?, "text": shorten(&link.title, MAX_NAME)}));
    message.links.iter().filter_map(link).take(MAX_LINKS).collect()
}

/// PagerDuty shows images by https only.
fn images(service: &PagerDuty, delivery: &Delivery, problems: &mut Vec<String>) -> Vec<Value> {
    let images = service.images.iter().filter_map(|(name, template)| {
        let source = say_url(template, delivery, problems).filter(|url| url.starts_with("https://"))?;
        Some(json!({"src": source, "alt": shorten(&name.value, MAX_NAME)}))
    });
    images.take(MAX_LINKS).collect()
}

/// What a template says; nothing if it fails, which is told but holds up no alert.
fn say(template: &Located<String>, delivery: &Delivery, problems: &mut Vec<String>) -> Option<String> {
    let text = written(template, delivery, Escape::Line, problems)?;
    Some(shorten(&text, MAX_NAME))
}

fn say_url(template: &Located<String>, delivery: &Delivery, problems: &mut Vec<String>) -> Option<String> {
    let url = written(template, delivery, Escape::Url, problems)?;
    Link { title: String::new(), url }.target()
}

fn written(
    template: &Located<String>,
    delivery: &Delivery,
    escape: Escape,
    problems: &mut Vec<String>,
) -> Option<String> {
    match render(&template.value, delivery, escape) {
        Ok(text) => Some(text),
        Err(error) => {
            problems.push(format!("the template at {}: {error}", template.location));
            None
        }
    }
}

fn plain(text: &Text) -> &str {
    match text {
        Text::Plain(text) | Text::MarkUp(text) => text,
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Informational => "info",
    }
}
