//! Against a recorder: the lines of bulk requests, and the verdict on each document.

use egret_peer::{Answer, HttpPeer};
use serde_json::json;

use super::*;
use crate::definition::OutputDefinition;
use crate::message::Message;
use crate::testing::{delivery, letter, monstrous_letter, output_of};

fn output(peer: &HttpPeer, more: &str) -> OutputDefinition {
    let url = peer.url("/es");
    output_of(&format!("output \"elasticsearch\" \"e\" {{\n url = \"{url}\"\n {more}\n}}"))
}

fn letters(count: usize) -> Vec<Letter> {
    (0..count).map(|_| letter(AlertAction::Raise, Escape::Json)).collect()
}

/// An answer as the bulk API gives it, filtered.
fn answer(items: &[(u16, &str)]) -> Answer {
    let items: Vec<Value> = items
        .iter()
        .map(|(status, error)| match error.is_empty() {
            true => json!({"index": {"status": status}}),
            false => {
                json!({"index": {"status": status, "error": {"type": error, "reason": "as documented"}}})
            }
        })
        .collect();
    let errors = items.iter().any(|item| item["index"].get("error").is_some());
    Answer::json(200, &json!({"errors": errors, "items": items}))
}

/// Pairs of action and document, checked against what the bulk API asks for.
fn documents(body: &str) -> Vec<(Value, Value)> {
    assert!(body.ends_with('\n') && body.len() <= 8 << 20, "{}", body.len());
    let lines: Vec<Value> = body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() % 2, 0);
    let pairs: Vec<(Value, Value)> = lines.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    for (action, document) in &pairs {
        assert_eq!(action.as_object().unwrap().len(), 1);
        let what = action.get("index").or(action.get("create")).unwrap();
        assert!(what["_id"].as_str().unwrap().len() <= 512);
        let index = what["_index"].as_str().unwrap();
        assert!(index.len() <= 255 && index.to_lowercase() == index);
        assert!(document.is_object() && document["@timestamp"].is_string());
    }
    pairs
}

#[tokio::test]
async fn a_document_an_alert_with_its_revision() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(answer(&[(201, ""), (200, "")]));
    let output = output(&peer, "api_key = \"a2V5\"");
    let letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Close, Escape::Json)];
    assert_eq!(output.output.send(&letters).await, [Ok(Receipt::default()), Ok(Receipt::default())]);
    let request = peer.last();
    assert_eq!(request.method, "POST");
    assert!(request.path.starts_with("/es/_bulk?filter_path=errors%2Citems"), "{}", request.path);
    assert_eq!(request.header("authorization"), "ApiKey a2V5");
    assert_eq!(request.header("content-type"), "application/x-ndjson");
    let documents = documents(&request.text());
    let (action, document) = &documents[1];
    assert_eq!(
        *action,
        json!({"index": {
            "_index": "egret-alerts-2023.11",
            "_id": "0123456789abcdef0123456789abcdef",
            "version": 2,
            "version_type": "external",
        }})
    );
    let mut expected = letters[1].delivery.to_json();
    expected["@timestamp"] = "2023-11-14T22:14:22Z".into();
    assert_eq!(*document, expected);
}

#[tokio::test]
async fn a_data_stream_keeps_everything() {
    let peer = HttpPeer::start().await.unwrap();
    let there = json!({"errors": true, "items": [{"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}]});
    peer.always(Answer::json(200, &there));
    let block = "index = \"alerts-egret\"\n data_stream = true\n username = \"u\"\n password = \"p\"";
    assert!(output(&peer, block).output.send(&letters(1)).await[0].is_ok());
    let (action, _) = documents(&peer.last().text()).remove(0);
    assert_eq!(
        action,
        json!({"create": {"_index": "alerts-egret", "_id": "fedcba9876543210fedcba9876543210"}})
    );
    assert_eq!(peer.last().header("authorization"), "Basic dTpw");
}

#[tokio::test]
async fn each_document_has_its_own_verdict() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([answer(&[
        (201, ""),
        (429, "es_rejected_execution_exception"),
        (409, "version_conflict_engine_exception"),
        (404, "index_not_found_exception"),
        (503, "unavailable_shards_exception"),
        (403, "security_exception"),
        (403, "cluster_block_exception"),
    ])]);
    let answers = output(&peer, "").output.send(&letters(7)).await;
    let kinds: Vec<&str> = answers
        .iter()
        .map(|answer| match answer {
            Ok(_) => "taken",
            Err(SendError::Retry { .. }) => "retry",
            Err(SendError::Refused { .. }) => "refused",
        })
        .collect();
    assert_eq!(kinds, ["taken", "retry", "taken", "refused", "retry", "refused", "retry"]);
    let refused = answers[3].as_ref().unwrap_err().to_string();
    assert!(refused.contains("404: index_not_found_exception: as documented"), "{refused}");
    assert_eq!(peer.last().header("authorization"), "");
}

#[tokio::test]
async fn an_event_that_does_not_fit_goes_as_text() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([
        answer(&[(201, ""), (400, "document_parsing_exception"), (400, "mapper_parsing_exception")]),
        answer(&[(201, ""), (400, "mapper_parsing_exception")]),
    ]);
    let answers = output(&peer, "").output.send(&letters(3)).await;
    assert!(answers[0].is_ok() && answers[1].is_ok());
    assert!(matches!(&answers[2], Err(SendError::Refused { message }) if message.contains("mapping")));
    assert_eq!(peer.requests().len(), 2);
    let again = documents(&peer.last().text());
    assert_eq!(again.len(), 2);
    let document = &again[0].1;
    assert!(document["alert"].get("event").is_none() && document["alert"]["alert_id"].is_string());
    let text: Value = serde_json::from_str(document["alert_text"].as_str().unwrap()).unwrap();
    assert_eq!(text["event"]["event_name"], "ConsoleLogin");
}

#[tokio::test]
async fn the_whole_request_may_fail() {
    let peer = HttpPeer::start().await.unwrap();
    for (given, retried) in [
        (Answer::status(429).with_header("retry-after", "3"), true),
        (Answer::status(503), true),
        (Answer::status(401), false),
        (Answer::status(413), false),
        (Answer::Status(200, Vec::new(), "<html>".into()), true),
        (answer(&[(201, "")]), true),
        (Answer::Reset, true),
    ] {
        peer.script([given.clone()]);
        let answers = output(&peer, "api_key = \"s3cret\"").output.send(&letters(2)).await;
        assert_eq!(answers.len(), 2);
        for answer in answers {
            let error = answer.unwrap_err();
            assert_eq!(matches!(error, SendError::Retry { .. }), retried, "{given:?}: {error}");
            assert!(!error.to_string().contains("s3cret"));
        }
    }
}

#[tokio::test]
async fn monsters_and_hostile_text_stay_documents() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(answer(&[(201, ""), (201, "")]));
    let block = "template {\n body = \"{{ '{' }}\\\"text\\\": \\\"{{ alert.message }}\\\"}\"\n }";
    let output = output(&peer, block);
    let mut hostile = delivery(AlertAction::Raise);
    hostile.alert.message = "\"}\n{\"delete\": {\"_index\": \"x\"}}\n\u{0}<script>".into();
    let message = Message::of(&hostile, output.output.escape(), &[&output.templates]);
    let letters = [Letter { delivery: hostile.clone(), message }, monstrous_letter(AlertAction::Raise)];
    let answers = output.output.send(&letters).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let documents = documents(&peer.last().text());
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].1["text"], hostile.alert.message);
    assert_eq!(documents[1].1["shortened"], true);
    assert!(documents[1].1.to_string().len() <= 2 << 20);
}

#[test]
fn mistakes_have_hints() {
    for (attribute, expected) in [
        ("index = \"Alerts\"", "`Alerts` cannot be the name of an index"),
        ("index = \"alerts-%q\"", "`%q` stands for no part of a date"),
        ("api_key = \"a\"\n username = \"u\"", "name an `api_key`, or a `username` with its `password`"),
        ("username = \"u\"", "it is not clear who to be"),
    ] {
        let block = format!("output \"elasticsearch\" \"e\" {{\n url = \"http://x\"\n {attribute}\n}}");
        let mistakes = crate::testing::mistakes_of(&block);
        assert!(mistakes.contains(expected), "{mistakes}");
    }
}
