//! Tests of `pagerduty`: events, against what PagerDuty documents.

use egret_peer::{Answer, HttpPeer};
use serde_json::{Value, json};

use super::*;
use crate::delivery::Delivery;
use crate::testing::{delivery, hostile, monstrous, output_of};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn block(peer: &HttpPeer, more: &str) -> String {
    format!(
        "output \"pagerduty\" \"p\" {{\n routing_key = \"R0UTINGKEYR0UTINGKEYR0UTINGKEY12\"\n api_url = \"{}\"\n {more}\n}}",
        peer.url("")
    )
}

async fn send(block: &str, delivery: Delivery) -> Result<Receipt, SendError> {
    let definition = output_of(block);
    let message =
        crate::message::Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    definition.output.send(&[Letter { delivery, message }]).await.remove(0)
}

async fn peer() -> HttpPeer {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::json(
        202,
        &json!({"status": "success", "message": "Event processed", "dedup_key": KEY}),
    ));
    peer
}

/// What the documentation of the Events API v2 asks of an event.
fn check(request: &egret_peer::Recorded) -> Value {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v2/enqueue"));
    assert_eq!(request.header("content-type"), "application/json");
    assert!(request.body.len() <= 512_000, "{} bytes", request.body.len());
    let event = request.json();
    assert_eq!(event["routing_key"].as_str().unwrap().len(), 32);
    assert!((1..=255).contains(&event["dedup_key"].as_str().unwrap().len()));
    match event["event_action"].as_str().unwrap() {
        "trigger" => {
            let payload = &event["payload"];
            let summary = payload["summary"].as_str().unwrap();
            assert!((1..=1024).contains(&summary.chars().count()));
            assert!(!summary.contains('\n') && !summary.contains('\u{1b}'));
            assert!(
                ["critical", "error", "warning", "info"].contains(&payload["severity"].as_str().unwrap())
            );
            assert!(!payload["source"].as_str().unwrap().is_empty());
            assert!(egret_model::Timestamp::parse(payload["timestamp"].as_str().unwrap()).is_some());
            assert!(payload["custom_details"].is_object());
            for link in event["links"].as_array().unwrap() {
                assert!(link["href"].as_str().unwrap().starts_with("http") && link["text"].is_string());
            }
            for image in event["images"].as_array().unwrap() {
                assert!(image["src"].as_str().unwrap().starts_with("https://"));
            }
        }
        "acknowledge" | "resolve" => assert!(event["payload"].is_null()),
        other => panic!("an action {other}"),
    }
    event
}

#[tokio::test]
async fn an_alert_is_one_incident() {
    let peer = peer().await;
    for (action, word) in [
        (AlertAction::Raise, "trigger"),
        (AlertAction::Update, "trigger"),
        (AlertAction::Acknowledge, "acknowledge"),
        (AlertAction::Close, "resolve"),
        (AlertAction::Reopen, "trigger"),
    ] {
        let receipt = send(&block(&peer, ""), delivery(action)).await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some(KEY));
        let event = check(&peer.last());
        assert_eq!((&event["event_action"], &event["dedup_key"]), (&json!(word), &json!(KEY)), "{action}");
    }
    let error = send(&block(&peer, ""), delivery(AlertAction::Comment)).await.unwrap_err();
    assert!(matches!(&error, SendError::Refused { message } if message.contains("`actions`")), "{error}");
    assert!(!output_of(&block(&peer, "")).actions.contains(&AlertAction::Comment));
}

#[tokio::test]
async fn an_event_tells_the_alert() {
    let peer = peer().await;
    send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    let event = check(&peer.last());
    let payload = &event["payload"];
    assert_eq!(payload["summary"], "Root login");
    assert_eq!(payload["severity"], "error");
    assert_eq!((&payload["source"], &payload["class"]), (&json!("aws.cloudtrail"), &json!("root_login")));
    assert_eq!(payload["timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(payload["custom_details"]["Event"]["event_name"], "ConsoleLogin");
    let details = &payload["custom_details"];
    assert!(details["Event"]["tp_id"].is_null(), "{details}");
    assert!(details["Severity"].is_null() && details["Alert"].is_null(), "{details}");
    assert_eq!(payload["custom_details"]["Text"], "root logged in from 198.51.100.7 (and 2 more findings)");
    assert_eq!(
        event["links"],
        json!([{"href": "https://example.org/runbook", "text": "example.org: runbook"}])
    );

    let more = r#"source = "{{ alert.event.source_ip }}"
        component  = "{{ alert.event.nothing }}"
        group      = "{{ alert.event | nonsense }}"
        client_url = "https://egret.example.org/{{ alert.title }}"
        images     = { Graph = "https://g.example.org/{{ alert.alert_id }}.png", Bad = "http://g.example.org/" }"#;
    send(&block(&peer, more), delivery(AlertAction::Raise)).await.unwrap();
    let event = check(&peer.last());
    assert_eq!(event["payload"]["source"], "198.51.100.7");
    assert_eq!(event["payload"]["component"], Value::Null);
    assert_eq!(event["payload"]["group"], Value::Null);
    assert!(event["payload"]["custom_details"]["Problem"].as_str().unwrap().contains("the template at"));
    assert_eq!(event["client_url"], "https://egret.example.org/Root%20login");
    assert_eq!(event["images"], json!([{"src": format!("https://g.example.org/{KEY}.png"), "alt": "Graph"}]));
}

#[tokio::test]
async fn what_logs_say_is_text() {
    let peer = peer().await;
    let more = "client_url = \"{{ alert.title }}\"\n source = \"{{ alert.title }}\"";
    let mut delivery = hostile(AlertAction::Raise);
    let inner = json!([{"a\u{202e}b": "x\u{1b}[31m\u{202e}gpj.exe\u{7f}"}]);
    delivery.alert.event.insert("inner".into(), inner);
    delivery.alert.merged_by.insert("na\u{202e}me".into(), "root".into());
    send(&block(&peer, more), delivery).await.unwrap();
    let event = check(&peer.last());
    let shown = &event["payload"]["custom_details"]["Event"]["inner"];
    assert_eq!(shown, &json!([{"a\u{fffd}b": "x\u{241b}[31m\u{fffd}gpj.exe\u{2421}"}]));
    let harmful = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!texts(&event).contains(harmful), "{event}");
    assert!(event["client_url"].is_null());
    assert!(!event["payload"]["source"].as_str().unwrap().contains('\n'));
    assert!(!event["payload"]["custom_details"]["Text"].as_str().unwrap().contains('\u{1b}'));
    assert_eq!(event["links"].as_array().unwrap().len(), 1, "no link came from the log");
}

/// Every name and string.
fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| format!("{name}{}", texts(value))).collect()
        }
        _ => String::new(),
    }
}

#[tokio::test]
async fn a_monstrous_alert_stays_within_the_limits() {
    let peer = peer().await;
    send(&block(&peer, ""), monstrous(AlertAction::Raise)).await.unwrap();
    let event = check(&peer.last());
    let details = event["payload"]["custom_details"].as_object().unwrap();
    assert!(details["Event"].as_str().unwrap().ends_with("(shortened)"));
    assert!(details["Left out"].is_string());

    let mut wide = monstrous(AlertAction::Raise);
    for number in 0..500 {
        wide.alert.merged_by.insert(format!("field_{number}"), "𝄞".repeat(5000).into());
    }
    wide.alert.message = "\"\\".repeat(50_000);
    send(&block(&peer, ""), wide).await.unwrap();
    check(&peer.last());
}

#[tokio::test]
async fn answers_say_what_to_do() {
    let peer = peer().await;
    let invalid = json!({"status": "invalid event", "message": "Event object is invalid",
        "errors": ["Length of 'routing_key' is incorrect (should be 32 characters)"]});
    for (answer, retried, after) in [
        (Answer::status(429), true, None),
        (Answer::status(429).with_header("retry-after", "60"), true, Some(60)),
        (Answer::status(500), true, None),
        (Answer::json(400, &invalid), false, None),
        (Answer::status(413), false, None),
    ] {
        peer.script([answer.clone()]);
        let error = send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
        assert!(!error.to_string().contains("R0UTINGKEY"), "{error}");
        match error {
            SendError::Retry { after: found, .. } => {
                assert!(retried, "{answer:?}");
                assert_eq!(found.map(|after| after.as_secs()), after, "{answer:?}");
            }
            SendError::Refused { message } => {
                assert!(!retried, "{answer:?}");
                assert!(message.contains("400") == message.contains("invalid event"), "{message}");
            }
        }
    }
}
