//! Tests of `slack`: a bot's and a webhook's messages, against what Slack documents.

use egret_peer::{Answer, HttpPeer};

use super::*;
use crate::message::Message;
use crate::testing::{delivery, hostile, monstrous, output_of, two_faced};

fn bot(peer: &HttpPeer, more: &str) -> String {
    format!(
        "output \"slack\" \"s\" {{\n token = \"xoxb-1\"\n channel = \"C1\"\n api_url = \"{}\"\n {more}\n}}",
        peer.url("/api")
    )
}

async fn send(block: &str, delivery: Delivery) -> Result<Receipt, SendError> {
    let definition = output_of(block);
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    definition.output.send(&[Letter { delivery, message }]).await.remove(0)
}

fn taken(ts: &str) -> Answer {
    Answer::json(200, &json!({"ok": true, "channel": "C1", "ts": ts, "message": {}}))
}

/// What Slack's documentation asks of a message.
fn check(message: &Value) {
    let mut blocks: Vec<&Value> = message["blocks"].as_array().unwrap().iter().collect();
    for attachment in message["attachments"].as_array().unwrap() {
        assert!(attachment["color"].as_str().unwrap().starts_with('#'));
        blocks.extend(attachment["blocks"].as_array().unwrap());
    }
    assert!(blocks.len() <= 50);
    let mut all = 0;
    let mut text = |value: &Value, kinds: &[&str], limit: usize| {
        assert!(kinds.contains(&value["type"].as_str().unwrap()), "{value}");
        let length = value["text"].as_str().unwrap().chars().count();
        assert!((1..=limit).contains(&length), "{value}");
        all += length;
    };
    for block in blocks {
        match block["type"].as_str().unwrap() {
            "header" => text(&block["text"], &["plain_text"], 150),
            "section" => {
                assert!(block["text"].is_object() != block["fields"].is_array(), "{block}");
                if block["text"].is_object() {
                    text(&block["text"], &["mrkdwn"], 3000);
                }
                let fields = block["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
                assert!(fields.len() <= 10);
                fields.iter().for_each(|field| text(field, &["mrkdwn"], 2000));
            }
            "context" => {
                let elements = block["elements"].as_array().unwrap();
                assert!((1..=10).contains(&elements.len()));
                elements.iter().for_each(|element| text(element, &["mrkdwn"], 2000));
            }
            other => panic!("a block of type {other}"),
        }
    }
    assert!(all <= 10_000, "{all} characters in all blocks");
    assert!(!message["text"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn an_alert_has_one_thread() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([taken("17.1"), taken("17.2")]);
    let receipt = send(&bot(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("C1:17.1"));
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/chat.postMessage"));
    assert_eq!(request.header("authorization"), "Bearer xoxb-1");
    let message = request.json();
    check(&message);
    assert_eq!(message["channel"], "C1");
    assert_eq!(message["text"], "Root login");
    assert_eq!(message["client_msg_id"], "fedcba98-7654-3210-fedc-ba9876543210");
    assert_eq!(message["metadata"]["event_payload"]["alert_id"], "0123456789abcdef0123456789abcdef");
    assert_eq!(message["thread_ts"], Value::Null);
    assert_eq!(message["attachments"][0]["color"], "#e01e5a");
    let attached = message["attachments"].to_string();
    assert_eq!(attached.matches("high · alert 0123456789abcdef0123456789abcdef").count(), 1);
    assert!(!attached.contains("*Severity*") && !attached.contains("*Alert*"), "{attached}");
    assert!(request.text().contains("<https://example.org/runbook|example.org: runbook>"));

    let later = Delivery { reference: receipt.reference, ..delivery(AlertAction::Close) };
    let receipt = send(&bot(&peer, ""), later).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("C1:17.1"), "the thread stays the first message's");
    let message = peer.last().json();
    check(&message);
    assert_eq!((&message["thread_ts"], &message["channel"]), (&json!("17.1"), &json!("C1")));
    assert!(message.to_string().contains("closed by ada: a drill"));
}

#[tokio::test]
async fn the_event_is_shown_to_those_who_want_it() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    send(&bot(&peer, "event = true"), delivery(AlertAction::Raise)).await.unwrap();
    check(&peer.last().json());
    let text = peer.last().text();
    assert!(text.contains("event_name") && !text.contains("tp_id"), "{text}");
}

#[tokio::test]
async fn a_thread_that_was_deleted_begins_again() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([Answer::json(200, &json!({"ok": false, "error": "thread_not_found"})), taken("18.1")]);
    let later = Delivery { reference: Some("C0:17.1".into()), ..delivery(AlertAction::Update) };
    let receipt = send(&bot(&peer, ""), later).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("C1:18.1"));
    assert_eq!(peer.last().json()["thread_ts"], Value::Null);
    assert_eq!(peer.last().json()["channel"], "C1");
}

#[tokio::test]
async fn an_id_that_slack_half_remembers_holds_up_no_alert() {
    let peer = HttpPeer::start().await.unwrap();
    let error = json!({"ok": false, "error": "duplicate_message_not_found"});
    peer.script([Answer::json(200, &error), taken("17.1")]);
    send(&bot(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert!(peer.last().json()["client_msg_id"].is_null());
}

#[tokio::test]
async fn a_webhook_gets_the_same_message() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::Status(200, Vec::new(), "ok".into()));
    let block = format!("output \"slack\" \"s\" {{\n url = \"{}\"\n}}", peer.url("/services/T/B/secret"));
    assert_eq!(send(&block, delivery(AlertAction::Raise)).await, Ok(Receipt::default()));
    check(&peer.last().json());
    assert_eq!(peer.last().path, "/services/T/B/secret");
    assert!(!output_of(&block).actions.contains(&AlertAction::Update));
    peer.always(Answer::Status(404, Vec::new(), "no_service".into()));
    let error = send(&block, delivery(AlertAction::Raise)).await.unwrap_err();
    assert!(matches!(&error, SendError::Refused { message } if message.contains("no_service")), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[tokio::test]
async fn what_slack_says_no_to() {
    let peer = HttpPeer::start().await.unwrap();
    let says = |error: &str| Answer::json(200, &json!({"ok": false, "error": error}));
    for (answer, retried, after, text) in [
        (says("ratelimited").with_header("retry-after", "9"), true, Some(9), "ratelimited"),
        (says("internal_error"), true, None, "internal_error"),
        (Answer::status(429).with_header("retry-after", "3"), true, Some(3), "429"),
        (Answer::status(503), true, None, "503"),
        (Answer::status(200), true, None, "api_url"),
        (says("channel_not_found"), false, None, "invite the app"),
        (says("invalid_auth"), false, None, "valid `token`"),
        (says("invalid_blocks"), false, None, "invalid_blocks"),
    ] {
        peer.script([answer.clone()]);
        let error = send(&bot(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
        assert!(error.to_string().contains(text) && !error.to_string().contains("xoxb"), "{error}");
        match error {
            SendError::Retry { after: found, .. } => {
                assert!(retried, "{answer:?}");
                assert_eq!(found.map(|after| after.as_secs()), after, "{answer:?}");
            }
            SendError::Refused { .. } => assert!(!retried, "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn logs_do_not_format_mention_or_link() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    send(&bot(&peer, "event = true"), hostile(AlertAction::Raise)).await.unwrap();
    let message = peer.last().json();
    check(&message);
    let mut texts = Vec::new();
    collect(&message, &mut texts);
    let texts = texts.join("\n");
    for harm in ["<!channel>", "<@U1>", "http://evil", "\u{1b}", "<script>", "\n>"] {
        assert!(!texts.contains(harm), "{harm:?} in {texts}");
    }
    assert!(texts.contains("&lt;!channel&gt;"));
}

/// All `mrkdwn`, and nothing else: a header shows text as it is.
fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(object) if object.get("type") == Some(&json!("mrkdwn")) => {
            assert_eq!(object["verbatim"], true);
            texts.push(object["text"].as_str().unwrap().to_owned());
        }
        Value::Object(object) => object.values().for_each(|value| collect(value, texts)),
        Value::Array(items) => items.iter().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

#[tokio::test]
async fn a_value_makes_no_field_of_its_own() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    send(&bot(&peer, ""), two_faced(AlertAction::Raise)).await.unwrap();
    let mut texts = Vec::new();
    collect(&peer.last().json(), &mut texts);
    for text in ["*user*\nbob ↵ Severity: low", "*na ↵ me*\nvalue"] {
        assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
    }
}

#[tokio::test]
async fn a_monstrous_alert_stays_within_the_limits() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    for delivery in [monstrous(AlertAction::Raise), monstrous(AlertAction::Comment)] {
        send(&bot(&peer, "event = true"), delivery).await.unwrap();
        check(&peer.last().json());
    }
    peer.requests().iter().for_each(|request| assert!(request.text().contains("(shortened)")));
}

#[tokio::test]
async fn templates_say_parts_or_everything() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    let template = "template {\n title = \"<!here> {{ alert.title }}\"\n}";
    send(&bot(&peer, template), hostile(AlertAction::Raise)).await.unwrap();
    let message = peer.last().json();
    check(&message);
    let title = message["blocks"][0]["text"]["text"].as_str().unwrap();
    assert!(title.starts_with("<!here> &lt;!channel&gt;"), "{title}");

    let template = r#"template { links = { "https://e.org/a_b" = "https://e.org/a_b" } }"#;
    send(&bot(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    assert!(peer.last().text().contains("<https://e.org/a_b|https://e.org/a_b>"), "{}", peer.last().text());

    let template = r#"template { body = "{\"text\": \"{{ alert.title }}\", \"mrkdwn\": true}" }"#;
    send(&bot(&peer, template), hostile(AlertAction::Raise)).await.unwrap();
    let message = peer.last().json();
    assert_eq!((&message["channel"], &message["mrkdwn"]), (&json!("C1"), &json!(true)));
    assert!(message["text"].as_str().unwrap().starts_with("&lt;!channel&gt;"), "{message}");
    assert!(message["blocks"].is_null());

    let template = r#"template { body = "no JSON" }"#;
    send(&bot(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    check(&peer.last().json());
    assert!(peer.last().text().contains("no JSON object"), "the alert is told nevertheless");
}

#[tokio::test]
async fn a_template_that_fails_is_told() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(taken("1.1"));
    send(
        &bot(&peer, "template {\n title = \"{{ alert.title | nothing }}\"\n}"),
        delivery(AlertAction::Raise),
    )
    .await
    .unwrap();
    check(&peer.last().json());
    assert!(peer.last().text().contains("the template at"), "{}", peer.last().text());
}
