//! The Adaptive Card of a message, as large as Teams takes it.

use egret_http::shorten;
use egret_model::{AlertAction, AlertStatus, Severity};
use serde_json::{Value, json};

use crate::delivery::Letter;
use crate::escape::{Escape, break_links, one_line, visible};
use crate::message::{ALERT, Message, SEVERITY, Text};

/// Teams takes 28 KB; a workflow wraps the card once more.
pub(super) const MAX_BYTES: usize = 26_000;

const MAX_TITLE: usize = 250;
const MAX_LINKS: usize = 6;
const MAX_LINK_TITLE: usize = 80;
const MAX_FACT_NAME: usize = 60;
const MAX_PROBLEM: usize = 300;

/// So many lines stand below each other; the rest goes into the last one.
const MAX_LINES: usize = 40;

/// How long the parts may be.
struct Limits {
    text: usize,
    description: usize,
    facts: usize,
    fact: usize,
    event: usize,
    links: usize,
}

/// From generous to what fits whatever the characters are.
const LIMITS: [Limits; 4] = [
    Limits { text: 4000, description: 2000, facts: 30, fact: 400, event: 6000, links: MAX_LINKS },
    Limits { text: 2000, description: 1000, facts: 20, fact: 200, event: 2500, links: MAX_LINKS },
    Limits { text: 800, description: 400, facts: 15, fact: 100, event: 800, links: 3 },
    Limits { text: 300, description: 200, facts: 8, fact: 60, event: 0, links: 1 },
];

/// The message for a letter.
pub(super) fn message(letter: &Letter, with_event: bool) -> Value {
    let mut message = Value::Null;
    for limits in &LIMITS {
        message = with_card(card(letter, with_event, limits));
        if message.to_string().len() <= MAX_BYTES {
            break;
        }
    }
    message
}

/// The message that carries a card.
pub(super) fn with_card(card: Value) -> Value {
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn card(letter: &Letter, with_event: bool, limits: &Limits) -> Value {
    let (delivery, message) = (&letter.delivery, &letter.message);
    let told = match delivery.action {
        AlertAction::Raise | AlertAction::Update | AlertAction::Reopen => true,
        AlertAction::Acknowledge | AlertAction::Close | AlertAction::Comment => false,
    };
    let mut body = vec![title(message, delivery.alert.status)];
    body.extend(text(&message.text, limits.text));
    if told {
        body.extend(text(&message.description, limits.description));
        body.extend(facts(message, limits));
        if with_event && limits.event > 0 {
            body.push(event(letter, limits.event));
        }
    }
    // The fields leave out what this says.
    let mut end = format!("{} · alert {}", delivery.alert.severity, delivery.alert.alert_id);
    if let Some(problem) = &message.problem {
        end = format!("{end} · {}", shorten(problem, MAX_PROBLEM));
    }
    body.push(runs(&end, json!({"isSubtle": true, "size": "Small"})));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": shorten(&visible(&plain(&message.title)), MAX_TITLE),
        "msteams": {"width": "Full"},
        "body": body,
    });
    let actions = if told { actions(message, limits.links) } else { Vec::new() };
    if !actions.is_empty() {
        card["actions"] = actions.into();
    }
    card
}

fn title(message: &Message, status: AlertStatus) -> Value {
    let title = message.title.shortened(Escape::AdaptiveCard, MAX_TITLE);
    let title = if title.trim().is_empty() { "Alert".to_owned() } else { title };
    let block =
        json!({"type": "TextBlock", "text": title, "wrap": true, "weight": "Bolder", "size": "Large"});
    json!({"type": "Container", "style": style(message.severity, status), "bleed": true, "items": [block]})
}

/// Foreign text stands in runs, which know no Markdown; what a template wrote is Markdown.
fn text(text: &Text, limit: usize) -> Vec<Value> {
    match text {
        _ if text.is_empty() => Vec::new(),
        Text::MarkUp(text) => {
            vec![json!({"type": "TextBlock", "text": shorten(text, limit), "wrap": true})]
        }
        Text::Plain(text) => {
            let text = shorten(&visible(text), limit);
            let lines = text.splitn(MAX_LINES, '\n').filter(|line| !line.trim().is_empty());
            lines.map(|line| runs(line, json!({}))).collect()
        }
    }
}

fn runs(text: &str, look: Value) -> Value {
    let mut run = json!({"type": "TextRun", "text": break_links(&visible(text))});
    if let (Value::Object(run), Value::Object(look)) = (&mut run, look) {
        run.extend(look);
    }
    json!({"type": "RichTextBlock", "inlines": [run], "spacing": "Small"})
}

fn facts(message: &Message, limits: &Limits) -> Option<Value> {
    let fields = message.fields_without(&[SEVERITY, ALERT]);
    let mut facts: Vec<Value> = fields
        .iter()
        .take(limits.facts)
        .map(|(name, value)| {
            let name = shorten(&Escape::AdaptiveCard.apply(&one_line(name)), MAX_FACT_NAME);
            json!({"title": name, "value": value.in_field(Escape::AdaptiveCard, limits.fact)})
        })
        .collect();
    if fields.len() > limits.facts {
        let rest = format!("{} more fields were left out", fields.len() - limits.facts);
        facts.push(json!({"title": "…", "value": rest}));
    }
    (!facts.is_empty()).then(|| json!({"type": "FactSet", "facts": facts}))
}

fn event(letter: &Letter, limit: usize) -> Value {
    let event = letter.delivery.event_for_people().to_string();
    runs(&shorten(&event, limit), json!({"fontType": "Monospace", "size": "Small"}))
}

fn actions(message: &Message, most: usize) -> Vec<Value> {
    let links = message.links.iter().filter_map(|link| {
        let title = shorten(&visible(&link.title), MAX_LINK_TITLE);
        Some(json!({"type": "Action.OpenUrl", "title": title, "url": link.target()?}))
    });
    links.take(most).collect()
}

fn plain(text: &Text) -> String {
    match text {
        Text::Plain(text) | Text::MarkUp(text) => text.clone(),
    }
}

fn style(severity: Severity, status: AlertStatus) -> &'static str {
    match severity {
        _ if status == AlertStatus::Closed => "good",
        Severity::Critical | Severity::High => "attention",
        Severity::Medium => "warning",
        Severity::Low => "accent",
        Severity::Informational => "emphasis",
    }
}
