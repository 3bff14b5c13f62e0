//! Tests of `jira`: issues and their search, against what Jira documents.

use egret_model::AlertAction;
use egret_peer::{Answer, HttpPeer, Recorded};
use serde_json::{Value, json};

use super::*;
use crate::definition::OutputDefinition;
use crate::delivery::{Delivery, Letter, Receipt, SendError};
use crate::message::Message;
use crate::testing::{delivery, hostile, monstrous, output_of, two_faced};

const LABEL: &str = "egret-0123456789abcdef0123456789abcdef";

fn jira(peer: &HttpPeer, more: &str) -> OutputDefinition {
    output_of(&format!(
        "output \"jira\" \"j\" {{\n url = \"{}\"\n project = \"SEC\"\n token = \"hunter2\"\n {more}\n}}",
        peer.url("")
    ))
}

async fn send(output: &OutputDefinition, delivery: Delivery) -> Result<Receipt, SendError> {
    let message = Message::of(&delivery, output.output.escape(), &[&output.templates]);
    output.output.send(&[Letter { delivery, message }]).await.remove(0)
}

fn later(action: AlertAction) -> Delivery {
    Delivery { reference: Some("SEC-1".into()), ..delivery(action) }
}

fn found(keys: &[&str]) -> Answer {
    let issues: Vec<Value> = keys.iter().map(|key| json!({"id": "1", "key": key})).collect();
    Answer::json(200, &json!({"issues": issues, "isLast": true}))
}

fn made(key: &str) -> Answer {
    Answer::json(
        201,
        &json!({"id": "1", "key": key, "self": "https://example.atlassian.net/rest/api/2/issue/1"}),
    )
}

fn steps(peer: &HttpPeer) -> Vec<String> {
    let step = |request: &Recorded| {
        assert_eq!(request.header("authorization"), "Bearer hunter2");
        format!("{} {}", request.method, request.path)
    };
    peer.requests().iter().map(step).collect()
}

/// What Jira takes as a new issue; its fields.
fn check(request: &Recorded) -> Value {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/rest/api/2/issue"));
    let fields = request.json()["fields"].clone();
    assert_eq!(fields["project"]["key"], "SEC");
    assert!(fields["issuetype"]["name"].is_string());
    let summary = fields["summary"].as_str().unwrap();
    assert!((1..=255).contains(&summary.chars().count()) && !summary.contains(['\n', '\r']));
    let description = fields["description"].as_str().unwrap();
    assert!(description.encode_utf16().count() <= 32_767, "{}", description.encode_utf16().count());
    assert_eq!(description.matches("{noformat}").count(), 2, "the block of code ends");
    for label in fields["labels"].as_array().unwrap() {
        let label = label.as_str().unwrap();
        assert!(label.chars().count() <= 255 && !label.contains(char::is_whitespace), "{label}");
    }
    fields
}

#[tokio::test]
async fn an_alert_is_one_issue() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([found(&[]), made("SEC-1")]);
    let more = r#"labels = ["from {{ alert.channel }}", "{{ alert.event.nothing }}"]
        fields = {
          customfield_1 = "{{ alert.message }}"
          components    = "[{\"name\": \"{{ alert.event.quoted }}\"}]"
          bad           = "{{ alert.title | nonsense }}"
        }"#;
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.event.insert("quoted".into(), "a\"}, {\"name\": \"b".into());
    let receipt = send(&jira(&peer, more), delivery).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("SEC-1"));
    assert_eq!(steps(&peer), ["POST /rest/api/2/search", "POST /rest/api/2/issue"]);
    let search = peer.requests()[0].json();
    assert_eq!(search["jql"], format!("project = \"SEC\" AND labels = \"{LABEL}\" ORDER BY created DESC"));
    let fields = check(&peer.last());
    assert_eq!(fields["summary"], "Root login");
    assert_eq!(fields["priority"]["name"], "High");
    assert_eq!(fields["issuetype"]["name"], "Task");
    assert_eq!(fields["labels"], json!([LABEL, "egret-detection-root_login", "from-aws.cloudtrail"]));
    assert_eq!(fields["customfield_1"], "root logged in from 198.51.100.7");
    assert_eq!(fields["components"], json!([{"name": "a\"}, {\"name\": \"b"}]));
    assert!(fields.get("bad").is_none());
    let description = fields["description"].as_str().unwrap();
    assert!(description.contains("* *Severity:* high\n"), "{description}");
    assert!(description.contains("\"event_name\"") && !description.contains("tp_id"), "{description}");
    assert!(description.contains("* [example.org: runbook|https://example.org/runbook]\n"), "{description}");
}

#[tokio::test]
async fn cloud_has_its_own_search_and_login() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([found(&[]), made("SEC-1")]);
    send(&jira(&peer, "email = \"e@example.org\""), delivery(AlertAction::Raise)).await.unwrap();
    let search = &peer.requests()[0];
    assert_eq!(search.path, "/rest/api/2/search/jql");
    let login = BASE64.encode("e@example.org:hunter2");
    assert_eq!(search.header("authorization"), format!("Basic {login}"));
}

#[tokio::test]
async fn an_issue_whose_making_was_not_answered_is_found() {
    let peer = HttpPeer::start().await.unwrap();
    let output = jira(&peer, "");
    peer.script([found(&[]), Answer::Reset, found(&["SEC-1"])]);
    assert!(matches!(send(&output, delivery(AlertAction::Raise)).await, Err(SendError::Retry { .. })));
    let receipt = send(&output, delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("SEC-1"));
    assert_eq!(peer.last().path, "/rest/api/2/search", "no second issue");
}

#[tokio::test]
async fn what_happens_later_is_said_in_the_issue() {
    let comment = "POST /rest/api/2/issue/SEC-1/comment".to_owned();
    for action in [AlertAction::Update, AlertAction::Acknowledge, AlertAction::Comment, AlertAction::Close] {
        let peer = HttpPeer::start().await.unwrap();
        let receipt = send(&jira(&peer, ""), later(action)).await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some("SEC-1"));
        assert_eq!(steps(&peer).join(", "), comment, "{action}");
    }
    let transitions = Answer::json(
        200,
        &json!({"transitions": [
            {"id": "11", "name": "Start", "to": {"name": "In Progress"}},
            {"id": "31", "name": "Resolve", "to": {"name": "Done"}}
        ]}),
    );
    let more = "close_transition = \"done\"\n reopen_transition = \"To Do\"";
    let peer = HttpPeer::start().await.unwrap();
    peer.script([transitions.clone()]);
    send(&jira(&peer, more), later(AlertAction::Close)).await.unwrap();
    let url = "/rest/api/2/issue/SEC-1/transitions";
    assert_eq!(steps(&peer), [format!("GET {url}"), format!("POST {url}"), comment.clone()]);
    assert_eq!(peer.requests()[1].json(), json!({"transition": {"id": "31"}}));
    assert_eq!(peer.last().json()["body"], "closed by ada: a drill");

    let peer = HttpPeer::start().await.unwrap();
    peer.script([transitions]);
    send(&jira(&peer, more), later(AlertAction::Reopen)).await.unwrap();
    assert_eq!(steps(&peer), [format!("GET {url}"), comment], "a transition that is not there is left out");
}

#[tokio::test]
async fn alerts_of_a_detection_share_its_open_issue() {
    let peer = HttpPeer::start().await.unwrap();
    let output = jira(&peer, "aggregate = true");
    assert_eq!(output.output.concurrency(), 1);
    let status = |key: &str| {
        Answer::json(200, &json!({"key": "SEC-1", "fields": {"status": {"statusCategory": {"key": key}}}}))
    };
    // The first makes the issue, the second joins it before the search sees it.
    peer.script([found(&[]), found(&[]), made("SEC-1")]);
    send(&output, delivery(AlertAction::Raise)).await.unwrap();
    let searched = peer.requests()[1].json()["jql"].as_str().unwrap().to_owned();
    assert!(searched.contains("\"egret-detection-root_login\" AND statusCategory != Done"), "{searched}");
    let mut second = delivery(AlertAction::Raise);
    second.alert.alert_id = "second".into();
    peer.script([found(&[]), status("new"), Answer::status(201), Answer::status(204)]);
    let receipt = send(&output, second.clone()).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("SEC-1"));
    assert_eq!(
        steps(&peer)[3..],
        [
            "POST /rest/api/2/search",
            "GET /rest/api/2/issue/SEC-1?fields=status",
            "POST /rest/api/2/issue/SEC-1/comment",
            "PUT /rest/api/2/issue/SEC-1"
        ]
    );
    assert_eq!(peer.last().json(), json!({"update": {"labels": [{"add": "egret-second"}]}}));

    // Once that is done, a new one is made; after a restart, the search finds it.
    peer.script([found(&[]), status("done"), found(&[]), made("SEC-2")]);
    let receipt = send(&output, second.clone()).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("SEC-2"));
    peer.script([found(&[]), found(&["SEC-2"]), Answer::status(201), Answer::status(204)]);
    let receipt = send(&jira(&peer, "aggregate = true"), second).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("SEC-2"));
}

#[test]
fn transitions_and_aggregation_exclude_each_other() {
    let result = std::panic::catch_unwind(|| {
        output_of(
            "output \"jira\" \"j\" {\n url = \"http://127.0.0.1\"\n project = \"SEC\"\n token = \"x\"\n aggregate = true\n close_transition = \"Done\"\n}",
        )
    });
    let mistake = result.unwrap_err().downcast::<String>().unwrap();
    assert!(
        mistake.contains("leave out these or `aggregate`") && mistake.contains("egret.hcl:6"),
        "{mistake}"
    );
}

#[tokio::test]
async fn a_project_without_priorities_gets_issues_too() {
    let peer = HttpPeer::start().await.unwrap();
    let says = |field: &str| {
        Answer::json(
            400,
            &json!({"errorMessages": [], "errors": {field: "cannot be set. It is not on the appropriate screen"}}),
        )
    };
    peer.script([found(&[]), says("priority"), made("SEC-1")]);
    send(&jira(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert!(check(&peer.last()).get("priority").is_none());
    peer.script([found(&[]), says("customfield_1")]);
    let error = send(&jira(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
    assert!(matches!(&error, SendError::Refused { message } if message.contains("customfield_1")), "{error}");
}

#[tokio::test]
async fn answers_say_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    for (answer, retried, after) in [
        (Answer::status(429).with_header("retry-after", "12"), true, Some(12)),
        (Answer::status(503), true, None),
        (Answer::Status(200, Vec::new(), "<html>login</html>".into()), true, None),
        (Answer::json(401, &json!({"message": "Client must be authenticated"})), false, None),
        (Answer::status(403), false, None),
        (Answer::json(400, &json!({"errorMessages": ["no project"]})), false, None),
    ] {
        peer.script([answer.clone()]);
        let error = send(&jira(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
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
    peer.script([found(&[]), made("SEC-1")]);
    let mut delivery = hostile(AlertAction::Raise);
    delivery.alert.detection_id = "a \" OR project = X".into();
    send(&jira(&peer, ""), delivery).await.unwrap();
    let fields = check(&peer.last());
    assert_eq!(fields["labels"][1], "egret-detection-a---OR-project---X");
    let description = fields["description"].as_str().unwrap();
    let (text, code) = description.split_once("{noformat}").unwrap();
    for harm in ["http://evil", "\u{1b}", "\0", "\n# ", " *b*"] {
        assert!(!text.contains(harm), "{harm:?} in {text}");
    }
    for mark in ["{code}", "{noformat", "[x]", "@everyone", "!channel"] {
        let at = text.find(&mark[1..]).unwrap_or(0);
        assert!(at == 0 || text[..at].ends_with(&format!("\\{}", &mark[..1])), "{mark} in {text}");
    }
    assert_eq!(code.matches("{noformat}").count(), 1);
}

#[tokio::test]
async fn a_field_stays_in_its_list() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([found(&[]), made("SEC-1")]);
    send(&jira(&peer, ""), two_faced(AlertAction::Raise)).await.unwrap();
    let description = check(&peer.last())["description"].as_str().unwrap().to_owned();
    assert!(description.contains("\n* *user:* bob ↵ Severity: low\n"), "{description}");
    assert!(description.contains("\n* *na ↵ me:* value\n"), "{description}");
}

#[tokio::test]
async fn a_monstrous_alert_stays_within_the_limits() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([found(&[]), made("SEC-1")]);
    send(&jira(&peer, "labels = [\"{{ alert.title }}\"]"), monstrous(AlertAction::Raise)).await.unwrap();
    let description = check(&peer.last())["description"].as_str().unwrap().to_owned();
    assert!(description.contains("(shortened)") && description.contains("more fields"));
    // Jira counts in units of UTF-16.
    let mut wide = monstrous(AlertAction::Raise);
    wide.alert.description = "𝄞".repeat(100_000);
    wide.alert.event.insert("a".into(), "𝄞".repeat(100_000).into());
    wide.alert.merged_by.values_mut().for_each(|value| *value = "𝄞".repeat(1000).into());
    peer.script([found(&[]), made("SEC-2")]);
    send(&jira(&peer, ""), wide).await.unwrap();
    check(&peer.last());
    for action in [AlertAction::Update, AlertAction::Comment] {
        let delivery = Delivery { reference: Some("SEC-1".into()), ..monstrous(action) };
        send(&jira(&peer, ""), delivery).await.unwrap();
        let comment = peer.last().json()["body"].as_str().unwrap().to_owned();
        assert!(comment.encode_utf16().count() <= 32_767 && comment.contains("(shortened)"));
    }
}

#[tokio::test]
async fn templates_say_parts_or_everything() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([found(&[]), made("SEC-1"), found(&[]), made("SEC-2")]);
    let template =
        "template {\n title = \"[{{ alert.detection_id }}]\"\n text = \"h2. {{ alert.detection_id }}\"\n}";
    send(&jira(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    let fields = check(&peer.last());
    assert_eq!(fields["summary"], "[root_login]");
    assert!(fields["description"].as_str().unwrap().starts_with("h2. root\\_login\n"));
    send(&jira(&peer, "template {\n body = \"see {{ alert.severity }}\"\n}"), delivery(AlertAction::Raise))
        .await
        .unwrap();
    assert_eq!(peer.last().json()["fields"]["description"], "see high");
}
