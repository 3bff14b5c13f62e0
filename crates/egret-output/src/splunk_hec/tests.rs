//! Against a recorder: events as the collector takes them, and what its codes mean.

use egret_peer::{Answer, HttpPeer};

use super::*;
use crate::definition::OutputDefinition;
use crate::message::Message;
use crate::testing::{delivery, letter, monstrous_letter, output_of};

fn output(peer: &HttpPeer, more: &str) -> OutputDefinition {
    let url = peer.url("");
    output_of(&format!("output \"splunk_hec\" \"s\" {{\n url = \"{url}\"\n token = \"t0ken\"\n {more}\n}}"))
}

fn success() -> Answer {
    Answer::json(200, &json!({"text": "Success", "code": 0}))
}

/// The events of a request, checked against what the collector's documentation says of them.
fn events(body: &str) -> Vec<Value> {
    assert!(body.len() <= 1_000_000, "{}", body.len());
    let events: Vec<Value> =
        serde_json::Deserializer::from_str(body).into_iter().collect::<Result<_, _>>().unwrap();
    for event in &events {
        for (name, value) in event.as_object().unwrap() {
            match name.as_str() {
                "time" => assert!(value.is_number()),
                "host" | "source" | "sourcetype" | "index" => assert!(value.is_string()),
                "event" => assert!(value.is_object() || value.as_str().is_some_and(|text| !text.is_empty())),
                // Flat: no objects within.
                "fields" => assert!(value.as_object().unwrap().values().all(Value::is_string)),
                other => panic!("the collector does not know {other}"),
            }
        }
        assert!(event.get("event").is_some());
    }
    events
}

#[tokio::test]
async fn sends_events_in_one_request() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(success());
    let output = output(
        &peer,
        "index = \"alerts\"\n host = \"h\"\n fields = { team = \"soc\", table = \"{{ alert.table }}\" }",
    );
    let letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Comment, Escape::Json)];
    assert_eq!(output.output.send(&letters).await, [Ok(Receipt::default()), Ok(Receipt::default())]);
    assert_eq!(peer.requests().len(), 1);
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/services/collector/event"));
    assert_eq!(request.header("authorization"), "Splunk t0ken");
    let events = events(&request.text());
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[1],
        json!({
            "time": 1_700_000_062.0,
            "source": "egret",
            "sourcetype": "egret:alert",
            "index": "alerts",
            "host": "h",
            "event": letters[1].delivery.to_json(),
            "fields": {
                "alert_id": "0123456789abcdef0123456789abcdef",
                "detection_id": "root_login",
                "severity": "high",
                "team": "soc",
                "table": "aws_cloudtrail_log",
            },
        })
    );
}

#[tokio::test]
async fn a_template_writes_the_event() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(success());
    let output = output(&peer, "template {\n body = \"{{ alert.title }} by {{ alert.event.user }}\"\n }");
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.event.insert("user".into(), "\"}{\"event\": \"forged\"}\n".into());
    let message = Message::of(&delivery, output.output.escape(), &[&output.templates]);
    assert!(output.output.send(&[Letter { delivery, message }]).await[0].is_ok());
    let events = events(&peer.last().text());
    assert_eq!(events.len(), 1);
    assert!(events[0]["event"].as_str().unwrap().starts_with("Root login by "));
}

#[tokio::test]
async fn monsters_fit() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(success());
    let letters = [
        monstrous_letter(AlertAction::Raise),
        letter(AlertAction::Raise, Escape::Json),
        monstrous_letter(AlertAction::Close),
    ];
    let answers = output(&peer, "").output.send(&letters).await;
    assert!(answers.len() == 3 && answers.iter().all(Result::is_ok));
    let sent: Vec<Value> = peer.requests().iter().flat_map(|request| events(&request.text())).collect();
    let actions: Vec<&Value> = sent.iter().map(|event| &event["event"]["action"]).collect();
    assert_eq!(actions, ["raise", "raise", "close"]);
}

#[tokio::test]
async fn only_what_is_refused_alone_is_refused() {
    let peer = HttpPeer::start().await.unwrap();
    let wrong =
        || Answer::json(400, &json!({"text": "Invalid data format", "code": 6, "invalid-event-number": 1}));
    peer.script([wrong(), success(), wrong(), success()]);
    let letters: Vec<Letter> = (0..3).map(|_| letter(AlertAction::Raise, Escape::Json)).collect();
    let answers = output(&peer, "").output.send(&letters).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(
        matches!(&answers[1], Err(SendError::Refused { message }) if message.contains("Invalid data format"))
    );
    assert_eq!(peer.requests().len(), 4);
    // A token is wrong for all of them.
    peer.script([Answer::json(403, &json!({"text": "Invalid token", "code": 4}))]);
    let answers = output(&peer, "").output.send(&letters).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(SendError::Refused { .. }))));
    assert_eq!(peer.requests().len(), 5);
    // The server goes away: the others are asked for later.
    peer.script([wrong(), success(), Answer::Reset]);
    let answers = output(&peer, "").output.send(&letters).await;
    assert!(answers[0].is_ok());
    assert!(answers[1..].iter().all(|answer| matches!(answer, Err(SendError::Retry { .. }))));
    assert_eq!(peer.requests().len(), 8);
}

#[tokio::test]
async fn codes_say_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    let code = |status: u16, code: i64| Answer::json(status, &json!({"text": "as documented", "code": code}));
    for (answer, retried, says) in [
        (code(503, 9).with_header("retry-after", "7"), true, "code 9"),
        (code(500, 8), true, "code 8"),
        (code(429, 26), true, "code 26"),
        (code(200, 9), true, "code 9"),
        (code(403, 4), false, "look at `token`"),
        (code(401, 3), false, "look at `token`"),
        (code(403, 1), false, "look at `token`"),
        (code(400, 7), false, "look at `index`"),
        (code(400, 12), false, "as documented"),
        (code(200, 6), true, "look at `url`"),
        (Answer::Status(200, Vec::new(), "<html>Welcome</html>".into()), true, "look at `url`"),
        (Answer::status(502), true, "502"),
        (Answer::status(429).with_header("retry-after", "7"), true, "429"),
        (Answer::status(404), false, "404"),
        (Answer::status(413), false, "413"),
    ] {
        peer.script([answer.clone()]);
        let error =
            output(&peer, "").output.send(&[letter(AlertAction::Raise, Escape::Json)]).await.remove(0);
        let error = error.unwrap_err();
        assert_eq!(matches!(error, SendError::Retry { .. }), retried, "{answer:?}: {error}");
        assert!(error.to_string().contains(says), "{answer:?}: {error}");
        assert!(!error.to_string().contains("t0ken"), "{error}");
        if format!("{answer:?}").contains("retry-after") {
            assert!(matches!(error, SendError::Retry { after: Some(after), .. } if after.as_secs() == 7));
        }
    }
}

#[tokio::test]
async fn the_collectors_path_is_added_once() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(success());
    for (given, expected) in [
        ("", "/services/collector/event"),
        ("/", "/services/collector/event"),
        ("/splunk", "/splunk/services/collector/event"),
        ("/services/collector", "/services/collector"),
        ("/services/collector/event/1.0", "/services/collector/event/1.0"),
    ] {
        let url = peer.url(given);
        let output =
            output_of(&format!("output \"splunk_hec\" \"s\" {{\n url = \"{url}\"\n token = \"t\"\n}}"));
        assert!(output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await[0].is_ok());
        assert_eq!(peer.last().path, expected);
    }
}

#[tokio::test]
async fn a_try_of_several_requests_has_one_time_limit() {
    let peer = HttpPeer::start().await.unwrap();
    let wrong = Answer::json(400, &json!({"text": "Invalid data format", "code": 6}));
    peer.script([success(), wrong, success()]);
    peer.always(Answer::Late(std::time::Duration::from_secs(30)));
    let letters: Vec<Letter> = (0..3).map(|_| letter(AlertAction::Raise, Escape::Json)).collect();
    let output = output(&peer, "timeout = \"2s\"");
    // The client is made when it is first used, which takes a while.
    assert!(output.output.send(&letters[..1]).await[0].is_ok());
    let answers = output.output.send(&letters).await;
    assert!(answers[0].is_ok());
    for answer in &answers[1..] {
        assert!(
            matches!(answer, Err(SendError::Retry { message, .. }) if message.contains("in time")),
            "{answer:?}"
        );
    }
    assert_eq!(peer.requests().len(), 4);
}
