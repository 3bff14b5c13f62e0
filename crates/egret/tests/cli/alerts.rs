//! Alerts and their delivery, with the process killed in between.

use std::collections::HashMap;
use std::time::Duration;

use egret_peer::{Answer, HttpPeer};
use egret_testkit::{KillPlan, TemporaryFolder, kill_at_random_moments};
use serde_json::{Value, json};

/// Events of so many users; each user is an alert.
const USERS: usize = 150;

fn kills() -> u32 {
    std::env::var("EGRET_TEST_KILLS")
        .map_or(50, |number| number.parse().expect("EGRET_TEST_KILLS is a number"))
}

struct Place {
    folder: TemporaryFolder,
}

impl Place {
    /// A folder with a configuration that detects every event, an alert for each user.
    fn new(more: &str) -> Self {
        let place = Self { folder: TemporaryFolder::new() };
        place.configure(more);
        place
    }

    /// Goes on with another configuration.
    fn configure(&self, more: &str) {
        let configuration = format!(
            r#"
            partition "aws_cloudtrail_log" "prod" {{
              source "file" {{ paths = ["logs"] }}
            }}
            detection "everything" {{
              table = "aws_cloudtrail_log"
              where = "event_name is not null"
              severity = "high"
              alert {{ dedup = ["event->'user_identity'->>'user_name'"] }}
            }}
            {more}
            "#
        );
        self.folder.write("egret.hcl", configuration);
    }

    /// One more file, with an event of each of these users.
    fn log(&self, name: &str, users: std::ops::Range<usize>) {
        let records: Vec<Value> = users
            .map(|user| {
                json!({
                    "eventTime": "2026-03-01T10:00:00Z", "eventName": "GetObject", "eventID": format!("{name}-{user}"),
                    "eventSource": "s3.amazonaws.com", "awsRegion": "us-east-1", "sourceIPAddress": "198.51.100.7",
                    "userIdentity": {"type": "IAMUser", "userName": format!("user{user}")},
                })
            })
            .collect();
        self.folder.write(format!("logs/{name}.json"), json!({ "Records": records }).to_string());
    }

    fn egret(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_egret"));
        command.current_dir(self.folder.path()).env_remove("EGRET_CONFIG").args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> (String, String, i32) {
        let output = self.egret(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr), output.status.code().unwrap_or(-1))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let (stdout, stderr, code) = self.run(arguments);
        assert_eq!(code, 0, "{arguments:?}: {stderr}");
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {stdout}"))
    }
}

fn webhook(peer: &HttpPeer) -> String {
    format!(
        "output \"webhook\" \"hook\" {{\n url = \"{}\"\n}}\nroute {{ to = [output.webhook.hook] }}",
        peer.url("/")
    )
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Killed at any moment, every alert arrives; and a server that honours the idempotency key sees each once.
#[test]
fn a_killed_delivery_loses_no_alert_and_doubles_none() {
    let runtime = runtime();
    let peer = runtime.block_on(HttpPeer::start()).unwrap();
    let place = Place::new(&webhook(&peer));
    // In five lakes, so that kills fall between reading, merging and sending, and not only at the end.
    let rounds = 5;
    let mut killed = 0;
    for round in 0..rounds {
        std::fs::remove_dir_all(place.folder.join("egret-lake")).ok();
        std::fs::remove_dir_all(place.folder.join("logs")).ok();
        let before = peer.requests().len();
        let plan = KillPlan {
            longest_life: Duration::from_millis(700),
            watch: Some(place.folder.join("egret-lake")),
            ..KillPlan::new(kills().div_ceil(rounds), u64::from(round))
        };
        let report = kill_at_random_moments(
            |process| {
                // The same users again: alerts are raised, then updated.
                place.log(&format!("file{process}"), 0..USERS);
                place.egret(&["collect"])
            },
            &plan,
        );
        killed += report.unwrap().killed;
        place.run(&["alert", "deliver", "--wait"]);

        let requests = peer.requests().split_off(before);
        let mut raised: HashMap<String, HashMap<String, u64>> = HashMap::new();
        for request in &requests {
            let key = request.header("idempotency-key").to_owned();
            let body = request.json();
            let user = body["alert"]["event"]["user_identity"]["user_name"].as_str().unwrap().to_owned();
            if body["action"] == "raise" {
                raised.entry(user).or_default().insert(key, body["alert"]["revision"].as_u64().unwrap());
            }
        }
        assert_eq!(raised.len(), USERS, "round {round}: every alert is raised");
        assert!(
            raised.values().all(|deliveries| deliveries.len() == 1),
            "round {round}: by the key, each is raised once"
        );
        // The same key never says two things.
        let mut bodies: HashMap<String, Value> = HashMap::new();
        for request in &requests {
            let key = request.header("idempotency-key").to_owned();
            let body = request.json();
            let known = bodies.entry(key).or_insert_with(|| body.clone());
            assert_eq!(
                (&known["action"], &known["alert"]["revision"]),
                (&body["action"], &body["alert"]["revision"])
            );
        }
        let counts = place.json(&[
            "query",
            "--output",
            "json",
            "select count(*) as alerts, sum(findings) as findings from alert",
        ]);
        let findings = place.json(&["query", "--output", "json", "select count(*) as findings from finding"]);
        assert_eq!((&counts[0]["alerts"], &counts[0]["findings"]), (&json!(USERS), &findings[0]["findings"]));
    }
    assert!(killed * 2 > kills(), "only {killed} were killed before they were done");
}

#[test]
fn people_can_follow_an_alert() {
    let runtime = runtime();
    let peer = runtime.block_on(HttpPeer::start()).unwrap();
    let place = Place::new(&webhook(&peer));
    place.log("one", 0..2);
    let report = place.json(&["collect"]);
    assert_eq!((&report["alerts"]["raised"], &report["deliveries"][0]["delivered"]), (&json!(2), &json!(2)));
    let (list, _, _) = place.run(&["alert", "list", "--output", "ndjson"]);
    let alert: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let id = alert["alert_id"].as_str().unwrap();
    assert_eq!(place.json(&["alert", "ack", &id[..8], "--by", "ada"])["status"], "acknowledged");
    place.json(&["alert", "comment", id, "looks like a drill", "--by", "ada"]);
    assert_eq!(place.json(&["alert", "close", id, "--reason", "a drill", "--by", "bob"])["status"], "closed");
    let (_, stderr, code) = place.run(&["alert", "close", id, "--reason", "again"]);
    assert!(code == 2 && stderr.contains("it was closed before"), "{stderr}");
    place.json(&["alert", "deliver"]);
    let actions: Vec<String> = peer
        .requests()
        .iter()
        .filter(|request| request.json()["alert"]["alert_id"] == id)
        .map(|request| request.json()["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(actions, ["raise", "acknowledge", "comment", "close"]);
    let shown = place.json(&["alert", "show", id]);
    let history: Vec<&str> =
        shown["history"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(history, ["raised", "acknowledged", "commented", "closed"]);
    let joined = place.json(&[
        "query",
        "--output",
        "json",
        "select a.status, f.message from alert a join finding f on list_contains(a.finding_ids, f.finding_id) \
         where a.closed_by = 'bob'",
    ]);
    assert_eq!(joined[0]["status"], "closed");
}

#[test]
fn an_output_can_be_tried_and_explained() {
    let runtime = runtime();
    let peer = runtime.block_on(HttpPeer::start()).unwrap();
    let place = Place::new(&webhook(&peer));
    assert_eq!(place.json(&["output", "test", "hook"])["taken"], true);
    assert_eq!(peer.last().json()["alert"]["title"], "A sample from Egret");
    peer.always(Answer::status(403));
    let (stdout, _, code) = place.run(&["output", "test", "webhook.hook", "--output", "json"]);
    assert!(code == 3 && stdout.contains("403"), "{stdout}");
    let (_, stderr, code) = place.run(&["output", "test", "hok"]);
    assert!(code == 2 && stderr.contains("did you mean `hook`?"), "{stderr}");
    let routed = place.json(&["route", "test", "--channel", "aws.cloudtrail", "--severity", "high"]);
    assert_eq!(routed["outputs"], json!(["webhook.hook"]));
    let (types, _, _) = place.run(&["output", "list"]);
    assert!(types.lines().count() >= 17, "{types}");
}

#[test]
fn a_staged_detection_is_listed_and_promoted() {
    let place =
        Place::new("output \"file\" \"all\" { path = \"all.jsonl\" }\nroute { to = [output.file.all] }");
    place.log("one", 0..3);
    place.run(&["rule", "stage", "everything", "--by", "ada"]);
    assert_eq!(place.json(&["collect"])["alerts"]["staged"], 3);
    assert!(!place.folder.join("all.jsonl").exists());
    let (list, _, _) = place.run(&["rule", "list", "--output", "ndjson"]);
    let rule: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&rule["stage"], &rule["stage_findings"], &rule["stage_left"]),
        (&json!("staged"), &json!(3), &json!("until promoted"))
    );
    place.run(&["rule", "promote", "every*"]);
    place.log("two", 0..3);
    assert_eq!(place.json(&["collect", "--no-deliver"])["alerts"]["raised"], 3);
    assert!(!place.folder.join("all.jsonl").exists());
    place.json(&["alert", "deliver"]);
    assert_eq!(place.folder.read("all.jsonl").iter().filter(|byte| **byte == b'\n').count(), 3);
}

/// What waits for an output that is not there any more is told, with what to do about it, until somebody does.
#[test]
fn what_waits_for_an_output_that_is_gone_can_be_given_up() {
    let place =
        Place::new("output \"file\" \"old\" { path = \"old.jsonl\" }\nroute { to = [output.file.old] }");
    place.log("one", 0..3);
    place.json(&["collect", "--no-deliver"]);
    place.configure("");
    let (_, stderr, _) = place.run(&["alert", "deliver"]);
    assert!(stderr.contains("3 deliveries to file.old: it is not configured"), "{stderr}");
    assert!(stderr.contains("egret alert drop file.old --reason TEXT"), "{stderr}");
    let (_, stderr, code) = place.run(&["alert", "drop", "file.odl", "--reason", "gone"]);
    assert!(code == 2 && stderr.contains("did you mean `file.old`?"), "{stderr}");
    let dropped = place.json(&["alert", "drop", "file.old", "--reason", "gone", "--by", "ada"]);
    assert_eq!(dropped, json!({"output": "file.old", "dropped": 3}));
    let (_, stderr, code) = place.run(&["alert", "deliver"]);
    assert!(code == 0 && !stderr.contains("file.old"), "{stderr}");
    assert_eq!(place.run(&["alert", "queue", "--output", "ndjson"]).0, "");
    let path = place.folder.join("egret-lake/store.sqlite");
    let entries = runtime().block_on(async {
        let store = egret_store::Store::open(&path).await.unwrap();
        store.audit_of("output:file.old").await.unwrap()
    });
    let told: Vec<_> = entries.iter().map(|entry| (entry.by.as_str(), entry.detail.as_str())).collect();
    assert_eq!(told, [("ada", "3 deliveries: gone")]);
}

#[test]
fn blocks_that_name_no_detection_are_told() {
    let place = Place::new(
        r#"
        output "file" "all" { path = "all.jsonl" }
        suppress "a" {
          detection = "everythin"
          reason    = "a slip"
        }
        suppress "b" {
          detection = "somewhere.*"
          reason    = "a pattern is meant for whatever there is"
        }
        route {
          detection = "quite_another_thing"
          to        = [output.file.all]
        }
        route {
          detection = "egret.delivery_failed"
          to        = [output.file.all]
        }
        "#,
    );
    place.log("one", 0..1);
    for command in [["config", "check"].as_slice(), &["collect"]] {
        let (_, stderr, code) = place.run(command);
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains("warning: there is no detection `everythin`"), "{stderr}");
        assert!(stderr.contains("did you mean `everything`?"), "{stderr}");
        assert!(stderr.contains("`egret rule list` shows the detections"), "{stderr}");
        assert_eq!(stderr.matches("there is no detection").count(), 2, "{stderr}");
    }
}

/// A person gets a page, a program what it always got.
#[test]
fn an_alert_is_shown_as_a_page() {
    let place =
        Place::new("output \"file\" \"all\" { path = \"all.jsonl\" }\nroute { to = [output.file.all] }");
    place.log("one", 0..1);
    place.json(&["collect"]);
    let (list, _, _) = place.run(&["alert", "list", "--output", "ndjson"]);
    let alert: Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let id = alert["alert_id"].as_str().unwrap();
    let (page, _, _) = place.run(&["alert", "show", id, "--output", "table"]);
    for line in ["high, open, 1 finding of everything", "event_name", "GetObject", "delivered", "raised"] {
        assert!(page.contains(line), "{line}: {page}");
    }
    assert!(!page.contains('{') && !page.contains('\u{1b}'), "{page}");
    let shown = place.json(&["alert", "show", id]);
    assert_eq!(shown["findings"].as_array().unwrap().len(), 1);
}

/// What outputs read as a secret is shown by no command, whatever it is called.
#[test]
fn secrets_of_outputs_are_not_shown() {
    let place = Place::new(
        "output \"slack\" \"soc\" { url = \"https://hooks.example.org/services/hunter2\" }\n\
         output \"exec\" \"run\" {\n command = [\"true\"]\n environment = { KEY = \"swordfish\" }\n}\n\
         route { to = [output.slack.soc, output.exec.run] }",
    );
    let (shown, stderr, code) = place.run(&["config", "show"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(shown.contains("output \"slack\" \"soc\""), "{shown}");
    assert!(!shown.contains("hunter2") && !shown.contains("swordfish"), "{shown}");
}
