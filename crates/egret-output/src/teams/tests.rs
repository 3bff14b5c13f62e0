//! Tests of `teams`: cards, against what Teams and the schema of Adaptive Cards ask.

use egret_model::{AlertStatus, Severity};
use egret_peer::{Answer, HttpPeer};
use serde_json::{Value, json};

use super::*;
use crate::delivery::Delivery;
use crate::message::Message;
use crate::testing::{delivery, hostile, monstrous, output_of, two_faced};

fn block(peer: &HttpPeer, more: &str) -> String {
    format!("output \"teams\" \"t\" {{\n url = \"{}\"\n {more}\n}}", peer.url("/workflows/secret?sig=secret"))
}

async fn send(block: &str, delivery: Delivery) -> Result<Receipt, SendError> {
    let definition = output_of(block);
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    definition.output.send(&[Letter { delivery, message }]).await.remove(0)
}

/// What the schema of Adaptive Cards and Teams' documentation ask of a message; its card.
fn check(request: &egret_peer::Recorded) -> Value {
    assert!(request.body.len() <= 28_000, "{} bytes", request.body.len());
    assert_eq!(request.header("content-type"), "application/json");
    let message = request.json();
    assert_eq!(message["type"], "message");
    let attachments = message["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0]["contentType"], "application/vnd.microsoft.card.adaptive");
    let card = &attachments[0]["content"];
    assert_eq!((&card["type"], &card["version"]), (&json!("AdaptiveCard"), &json!("1.4")));
    card["body"].as_array().unwrap().iter().for_each(check_element);
    for action in card["actions"].as_array().map(Vec::as_slice).unwrap_or_default() {
        assert_eq!(action["type"], "Action.OpenUrl");
        assert!(action["url"].as_str().unwrap().starts_with("http"));
        assert!(!action["title"].as_str().unwrap().is_empty());
    }
    assert!(card["actions"].as_array().is_none_or(|actions| (1..=6).contains(&actions.len())));
    card.clone()
}

fn check_element(element: &Value) {
    match element["type"].as_str().unwrap() {
        "TextBlock" => assert!(element["text"].is_string()),
        "RichTextBlock" => {
            for run in element["inlines"].as_array().unwrap() {
                assert!(run["type"] == "TextRun" && run["text"].is_string(), "{run}");
            }
        }
        "FactSet" => {
            for fact in element["facts"].as_array().unwrap() {
                assert!(fact["title"].is_string() && fact["value"].is_string(), "{fact}");
            }
        }
        "Container" => {
            let styles = ["default", "emphasis", "good", "attention", "warning", "accent"];
            assert!(styles.contains(&element["style"].as_str().unwrap()));
            element["items"].as_array().unwrap().iter().for_each(check_element);
        }
        other => panic!("an element of type {other}"),
    }
}

#[tokio::test]
async fn a_card_tells_the_alert() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::status(202));
    assert_eq!(send(&block(&peer, ""), delivery(AlertAction::Raise)).await, Ok(Receipt::default()));
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/workflows/secret?sig=secret"));
    let card = check(&request);
    assert_eq!(card["body"][0]["style"], "attention");
    assert_eq!(card["body"][0]["items"][0]["text"], "Root login");
    assert_eq!(
        card["body"][1]["inlines"][0]["text"],
        "root logged in from 198.51.100.7 (and 2 more findings)"
    );
    assert_eq!(card["actions"][0]["url"], "https://example.org/runbook");
    let facts = card["body"].as_array().unwrap().iter().find(|element| element["type"] == "FactSet").unwrap();
    assert_eq!(facts["facts"][0], json!({"title": "Detection", "value": "root_login"}));
    assert_eq!(request.text().matches("high").count(), 1, "the last line says it");
    assert_eq!(request.text().matches("0123456789abcdef0123456789abcdef").count(), 1);

    send(&block(&peer, "event = true"), delivery(AlertAction::Raise)).await.unwrap();
    let text = peer.last().text();
    assert!(text.contains("event_name") && !text.contains("tp_id"), "{text}");

    let mut closed = delivery(AlertAction::Close);
    closed.alert.status = AlertStatus::Closed;
    send(&block(&peer, ""), closed).await.unwrap();
    let card = check(&peer.last());
    assert_eq!(card["body"][0]["style"], "good");
    assert!(card["actions"].is_null());
}

#[tokio::test]
async fn every_severity_has_its_style() {
    let peer = HttpPeer::start().await.unwrap();
    let mut styles = Vec::new();
    for severity in Severity::ALL {
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.severity = severity;
        send(&block(&peer, ""), delivery).await.unwrap();
        styles.push(check(&peer.last())["body"][0]["style"].as_str().unwrap().to_owned());
    }
    assert_eq!(styles, ["emphasis", "accent", "warning", "attention", "attention"]);
}

#[tokio::test]
async fn errors_within_a_200_are_seen() {
    let peer = HttpPeer::start().await.unwrap();
    let says = |status: u16| {
        let text = format!(
            "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {status} \
             with ContextId tcid=0,server=x.."
        );
        Answer::Status(200, Vec::new(), text)
    };
    for (answer, retried, after) in [
        (says(429), true, None),
        (says(502), true, None),
        (says(413), false, None),
        (says(400), false, None),
        (Answer::status(429).with_header("retry-after", "4"), true, Some(4)),
        (Answer::status(502), true, None),
        (Answer::status(404), false, None),
    ] {
        peer.script([answer.clone()]);
        let error = send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        match error {
            SendError::Retry { after: found, .. } => {
                assert!(retried, "{answer:?}");
                assert_eq!(found.map(|after| after.as_secs()), after, "{answer:?}");
            }
            SendError::Refused { .. } => assert!(!retried, "{answer:?}"),
        }
    }
    peer.script([Answer::Status(200, Vec::new(), "1".into())]);
    assert!(send(&block(&peer, ""), delivery(AlertAction::Raise)).await.is_ok());
}

/// What is read as Markdown, and what is not.
fn collect(value: &Value, markdown: &mut String, runs: &mut String) {
    match value {
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("TextBlock") => markdown.push_str(&format!("{}\n", object["text"].as_str().unwrap())),
            Some("TextRun") => runs.push_str(&format!("{}\n", object["text"].as_str().unwrap())),
            Some("FactSet") => {
                for fact in object["facts"].as_array().unwrap() {
                    let (title, value) = (fact["title"].as_str().unwrap(), fact["value"].as_str().unwrap());
                    markdown.push_str(&format!("{title}\n{value}\n"));
                }
            }
            _ => object.values().for_each(|value| collect(value, markdown, runs)),
        },
        Value::Array(items) => items.iter().for_each(|item| collect(item, markdown, runs)),
        _ => {}
    }
}

#[tokio::test]
async fn logs_do_not_format_mention_or_link() {
    let peer = HttpPeer::start().await.unwrap();
    send(&block(&peer, "event = true"), hostile(AlertAction::Raise)).await.unwrap();
    let card = check(&peer.last());
    let (mut markdown, mut runs) = (String::new(), String::new());
    collect(&card, &mut markdown, &mut runs);
    for harm in
        ["](", "http://evil", "<script", "<at", "\u{1b}", "\0", "\n# ", "\n> ", "\n1. ", "\n===", " *b*"]
    {
        assert!(!markdown.contains(harm), "{harm:?} in {markdown}");
    }
    for harm in ["http://evil", "\u{1b}", "\0"] {
        assert!(!runs.contains(harm), "{harm:?} in {runs}");
    }
    assert!(runs.contains("<!channel> <@U1> @everyone"), "runs show text as it is: {runs}");
}

#[tokio::test]
async fn a_value_makes_no_fact_of_its_own() {
    let peer = HttpPeer::start().await.unwrap();
    send(&block(&peer, ""), two_faced(AlertAction::Raise)).await.unwrap();
    let card = check(&peer.last());
    let facts = card["body"].as_array().unwrap().iter().find(|element| element["type"] == "FactSet").unwrap();
    for (title, value) in [("user", "bob ↵ Severity: low"), ("na ↵ me", "value")] {
        let fact = json!({"title": title, "value": value});
        assert!(facts["facts"].as_array().unwrap().contains(&fact), "{fact} in {facts}");
    }
}

#[tokio::test]
async fn a_monstrous_alert_stays_within_the_limits() {
    let peer = HttpPeer::start().await.unwrap();
    for action in [AlertAction::Raise, AlertAction::Update, AlertAction::Comment] {
        send(&block(&peer, "event = true"), monstrous(action)).await.unwrap();
        check(&peer.last());
        assert!(peer.last().text().contains("(shortened)"));
    }
    let mut wide = monstrous(AlertAction::Raise);
    wide.alert.title = "\u{1}".repeat(10_000);
    wide.alert.message = "𝄞".repeat(100_000);
    wide.alert.description = "\"\n".repeat(10_000);
    send(&block(&peer, "event = true"), wide).await.unwrap();
    check(&peer.last());
}

#[tokio::test]
async fn templates_say_parts_or_everything() {
    let peer = HttpPeer::start().await.unwrap();
    let template = "template {\n text = \"**{{ alert.title }}** [x](https://example.org)\"\n}";
    send(&block(&peer, template), hostile(AlertAction::Raise)).await.unwrap();
    let text = check(&peer.last())["body"][1]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("**") && text.ends_with("** [x](https://example.org)"), "{text}");
    assert!(!text.contains("http://evil"), "{text}");

    let template = r#"template { body = "{\"type\": \"AdaptiveCard\", \"version\": \"1.4\", \"body\": [{\"type\": \"TextBlock\", \"text\": \"{{ alert.title }}\"}]}" }"#;
    send(&block(&peer, template), hostile(AlertAction::Raise)).await.unwrap();
    let card = check(&peer.last());
    assert!(!card["body"][0]["text"].as_str().unwrap().contains("]("), "{card}");

    let template = r#"template { body = "{\"type\": \"message\", \"attachments\": []}" }"#;
    send(&block(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(peer.last().json(), json!({"type": "message", "attachments": []}));

    send(&block(&peer, "template {\n body = \"[]\"\n}"), delivery(AlertAction::Raise)).await.unwrap();
    check(&peer.last());
    assert!(peer.last().text().contains("no JSON object"), "the alert is told nevertheless");
}

#[tokio::test]
async fn a_template_that_fails_is_told() {
    let peer = HttpPeer::start().await.unwrap();
    let template = "template {\n title = \"{{ alert.title | nothing }}\"\n}";
    send(&block(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    check(&peer.last());
    assert!(peer.last().text().contains("the template at"), "{}", peer.last().text());
}
