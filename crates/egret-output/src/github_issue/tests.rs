//! Tests of `github_issue`: issues and their search, against what GitHub documents.

use egret_peer::{Answer, HttpPeer, Recorded};

use super::*;
use crate::message::Message;
use crate::testing::{delivery, hostile, monstrous, output_of, two_faced};

const MARK: &str = "<!-- egret alert 0123456789abcdef0123456789abcdef -->";

fn block(peer: &HttpPeer, more: &str) -> String {
    format!(
        "output \"github_issue\" \"g\" {{\n repository = \"acme/soc\"\n token = \"ghp_secret\"\n api_url = \"{}\"\n {more}\n}}",
        peer.url("/api/v3")
    )
}

async fn send(block: &str, delivery: Delivery) -> Result<Receipt, SendError> {
    let definition = output_of(block);
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    definition.output.send(&[Letter { delivery, message }]).await.remove(0)
}

fn none() -> Answer {
    Answer::json(200, &json!([]))
}

fn made(number: u64) -> Answer {
    Answer::json(201, &json!({"number": number, "state": "open"}))
}

/// Method and path of all requests, each of which has what GitHub's documentation asks of every request.
fn steps(peer: &HttpPeer) -> Vec<String> {
    let step = |request: &Recorded| {
        assert_eq!(request.header("authorization"), "Bearer ghp_secret");
        assert_eq!(request.header("accept"), "application/vnd.github+json");
        assert_eq!(request.header("x-github-api-version"), "2022-11-28");
        assert!(request.header("user-agent").starts_with("egret/"));
        format!("{} {}", request.method, request.path.split('?').next().unwrap())
    };
    peer.requests().iter().map(step).collect()
}

/// What GitHub takes as a new issue.
fn check(issue: &Value) {
    assert!((1..=256).contains(&issue["title"].as_str().unwrap().chars().count()));
    assert!(!issue["title"].as_str().unwrap().contains('\n'));
    let body = issue["body"].as_str().unwrap();
    assert!(body.chars().count() <= 65_536);
    assert!(body.ends_with(MARK));
    let fences: Vec<&str> = body.lines().filter(|line| line.starts_with("```")).collect();
    assert!(
        fences.len() == 2 && fences[0] == format!("{}json", fences[1]),
        "the block of code ends: {fences:?}"
    );
    assert!(
        issue["labels"].as_array().unwrap().iter().all(|label| label.as_str().unwrap().chars().count() <= 50)
    );
    assert!(issue["assignees"].as_array().unwrap().len() <= 10);
}

#[tokio::test]
async fn an_alert_is_one_issue() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), made(7)]);
    let more = "labels = [\"alert\", \"severity: {{ alert.severity }}\", \"{{ alert.event.nothing }}\"]\n assignees = [\"octocat\"]";
    let receipt = send(&block(&peer, more), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("7"));
    assert_eq!(steps(&peer), ["GET /api/v3/repos/acme/soc/issues", "POST /api/v3/repos/acme/soc/issues"]);
    let list = &peer.requests()[0].path;
    assert!(list.contains("state=all") && list.contains("since=2023-11-14T21%3A14%3A21Z"), "{list}");
    let issue = peer.last().json();
    check(&issue);
    assert_eq!(issue["title"], "Root login");
    assert_eq!(issue["labels"], json!(["alert", "severity: high"]));
    assert_eq!(issue["assignees"], json!(["octocat"]));
    let body = issue["body"].as_str().unwrap();
    assert!(body.contains("- **Severity:** high\n"), "{body}");
    let link = "\n\n* [example\\.org: runbook](https://example.org/runbook)\n";
    assert!(body.contains(link), "links are a list of their own: {body}");
    assert!(body.contains("\"event_name\": \"ConsoleLogin\"") && !body.contains("tp_id"), "{body}");
}

#[tokio::test]
async fn what_happens_later_is_said_in_the_issue() {
    for (action, expected) in [
        (AlertAction::Update, vec!["POST /api/v3/repos/acme/soc/issues/7/comments"]),
        (AlertAction::Acknowledge, vec!["POST /api/v3/repos/acme/soc/issues/7/comments"]),
        (AlertAction::Comment, vec!["POST /api/v3/repos/acme/soc/issues/7/comments"]),
        (
            AlertAction::Close,
            vec!["PATCH /api/v3/repos/acme/soc/issues/7", "POST /api/v3/repos/acme/soc/issues/7/comments"],
        ),
        (
            AlertAction::Reopen,
            vec!["PATCH /api/v3/repos/acme/soc/issues/7", "POST /api/v3/repos/acme/soc/issues/7/comments"],
        ),
        (AlertAction::Raise, vec![]),
    ] {
        let peer = HttpPeer::start().await.unwrap();
        let delivery = Delivery { reference: Some("7".into()), ..delivery(action) };
        let receipt = send(&block(&peer, ""), delivery).await.unwrap();
        assert_eq!(receipt.reference.as_deref(), Some("7"));
        assert_eq!(steps(&peer), expected, "{action}");
        match action {
            AlertAction::Close => {
                let change = peer.requests()[0].json();
                assert_eq!(change, json!({"state": "closed", "state_reason": "completed"}));
                assert_eq!(peer.last().json(), json!({"body": "closed by ada: a drill"}));
            }
            AlertAction::Reopen => assert_eq!(peer.requests()[0].json()["state"], "open"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn an_issue_whose_making_was_not_answered_is_found() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), Answer::Reset]);
    let error = send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
    assert!(matches!(error, SendError::Retry { .. }), "{error}");
    let body = peer.last().json()["body"].clone();
    let quoted =
        json!({"number": 9, "body": format!("> {MARK}\n\nmine"), "created_at": "2023-11-14T22:20:00Z"});
    let other = json!({"number": 8, "body": null, "created_at": "2023-11-14T22:20:00Z"});
    let ours = json!({"number": 7, "body": body, "created_at": "2023-11-14T22:20:00Z"});
    peer.script([Answer::json(200, &json!([quoted, other, ours]))]);
    let receipt = send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("7"));
    assert_eq!(peer.last().method, "GET", "no second issue");
}

#[tokio::test]
async fn the_search_ends() {
    let page = |created: &str| {
        let issues: Vec<Value> =
            (0..30).map(|number| json!({"number": number, "body": "x", "created_at": created})).collect();
        Answer::json(200, &issues.into())
    };
    let peer = HttpPeer::start().await.unwrap();
    peer.script([page("2023-11-14T22:20:00Z"), page("2023-11-14T20:00:00Z"), made(7)]);
    send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(peer.requests().len(), 3, "older issues are not looked at");

    let peer = HttpPeer::start().await.unwrap();
    peer.script((0..MAX_PAGES).map(|_| page("2023-11-14T22:20:00Z")).chain([made(7)]));
    send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap();
    assert_eq!(peer.requests().len(), MAX_PAGES + 1);
}

#[tokio::test]
async fn an_alert_without_an_issue_gets_one_unless_it_is_closed() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none()]);
    assert_eq!(send(&block(&peer, ""), delivery(AlertAction::Close)).await, Ok(Receipt::default()));
    peer.script([none(), made(7), Answer::status(201)]);
    send(&block(&peer, ""), delivery(AlertAction::Comment)).await.unwrap();
    assert_eq!(
        steps(&peer)[2..],
        [
            "POST /api/v3/repos/acme/soc/issues".to_owned(),
            "POST /api/v3/repos/acme/soc/issues/7/comments".to_owned()
        ]
    );
}

#[tokio::test]
async fn too_many_requests_are_no_refusal() {
    let peer = HttpPeer::start().await.unwrap();
    let says = |status: u16, message: &str| Answer::json(status, &json!({"message": message}));
    let later =
        Timestamp::from_micros(egret_model::Clock::now(&egret_model::SystemClock).micros() + 90_000_000);
    let reset = (later.micros() / 1_000_000).to_string();
    for (answer, retried, after) in [
        (
            says(403, "You have exceeded a secondary rate limit.").with_header("retry-after", "30"),
            true,
            Some(30..=30),
        ),
        (says(403, "You have exceeded a secondary rate limit."), true, Some(60..=60)),
        (
            says(403, "API rate limit exceeded")
                .with_header("x-ratelimit-remaining", "0")
                .with_header("x-ratelimit-reset", &reset),
            true,
            Some(30..=91),
        ),
        (says(429, "slow down").with_header("retry-after", "5"), true, Some(5..=5)),
        (says(502, "bad gateway"), true, None),
        (says(403, "Resource not accessible by personal access token"), false, None),
        (says(403, "no").with_header("x-ratelimit-remaining", "4999"), false, None),
        (says(401, "Bad credentials"), false, None),
        (says(404, "Not Found"), false, None),
        (says(410, "Issues are disabled for this repo"), false, None),
        (says(422, "Validation Failed"), false, None),
    ] {
        peer.script([none(), answer.clone()]);
        let error = send(&block(&peer, ""), delivery(AlertAction::Raise)).await.unwrap_err();
        assert!(!error.to_string().contains("ghp_secret"), "{error}");
        match error {
            SendError::Retry { after: found, .. } => {
                assert!(retried, "{answer:?}");
                let seconds = found.map(|found| found.as_secs());
                assert!(seconds.is_some() == after.is_some(), "{answer:?}: {seconds:?}");
                assert!(
                    after.is_none_or(|after| after.contains(&seconds.unwrap())),
                    "{answer:?}: {seconds:?}"
                );
            }
            SendError::Refused { .. } => assert!(!retried, "{answer:?}"),
        }
    }
}

#[tokio::test]
async fn logs_do_not_format_mention_or_link() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), made(7)]);
    send(&block(&peer, ""), hostile(AlertAction::Raise)).await.unwrap();
    let issue = peer.last().json();
    check(&issue);
    let body = issue["body"].as_str().unwrap();
    let (text, code) = body.split_once("```").unwrap();
    for harm in [
        "@everyone",
        "@U1",
        "](http:",
        "http://evil",
        "<script",
        " #12",
        "\u{1b}",
        "\0",
        "\n# ",
        "\n> ",
        "\n===",
    ] {
        assert!(!text.contains(harm), "{harm:?} in {text}");
    }
    // The fence is longer than any run of backticks within.
    let fence = code.split("json").next().unwrap().len() + 3;
    assert!(fence > 3 && code.contains(&"`".repeat(fence)), "{code}");
    send(&block(&peer, ""), Delivery { reference: Some("7".into()), ..hostile(AlertAction::Comment) })
        .await
        .unwrap();
    assert!(!peer.last().text().contains("@everyone"));
}

#[tokio::test]
async fn a_field_stays_in_its_list() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), made(7), none(), made(8)]);
    send(&block(&peer, ""), two_faced(AlertAction::Raise)).await.unwrap();
    let body = peer.last().json()["body"].as_str().unwrap().to_owned();
    assert!(body.contains("\n- **user:** bob ↵ Severity: low\n"), "{body}");
    assert!(body.contains("\n- **na ↵ me:** value\n"), "{body}");

    let template = "template {\n fields = { User = \"a\\n- {{ alert.merged_by.user }}\" }\n}";
    send(&block(&peer, template), two_faced(AlertAction::Raise)).await.unwrap();
    let body = peer.last().json()["body"].as_str().unwrap().to_owned();
    assert!(body.contains("\n- **User:** a\n  - bob ↵ Severity: low\n"), "{body}");
}

#[tokio::test]
async fn a_monstrous_alert_stays_within_the_limits() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), made(7)]);
    send(&block(&peer, "labels = [\"{{ alert.title }}\"]"), monstrous(AlertAction::Raise)).await.unwrap();
    let issue = peer.last().json();
    check(&issue);
    let body = issue["body"].as_str().unwrap();
    assert!(body.contains("(shortened)") && body.contains("more fields"));
    for action in [AlertAction::Update, AlertAction::Comment] {
        send(&block(&peer, ""), Delivery { reference: Some("7".into()), ..monstrous(action) }).await.unwrap();
        let comment = peer.last().json()["body"].as_str().unwrap().to_owned();
        assert!(comment.chars().count() <= 65_536 && comment.contains("(shortened)"));
    }
}

#[tokio::test]
async fn templates_say_parts_or_everything() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([none(), made(7), none(), made(8)]);
    let template = "template {\n title = \"[{{ alert.detection_id }}] {{ alert.event.text }}\"\n text = \"**{{ alert.detection_id }}**\"\n}";
    send(&block(&peer, template), delivery(AlertAction::Raise)).await.unwrap();
    let issue = peer.last().json();
    check(&issue);
    assert_eq!(issue["title"], "[root_login]");
    assert!(issue["body"].as_str().unwrap().starts_with("**root\\_login**\n"));
    send(
        &block(&peer, "template {\n body = \"see {{ alert.detection_id }}\"\n}"),
        delivery(AlertAction::Raise),
    )
    .await
    .unwrap();
    assert_eq!(peer.last().json()["body"], format!("see root\\_login\n\n{MARK}"));
}
