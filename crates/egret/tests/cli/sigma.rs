//! Sigma rules: in the stream, over files, over history; listed, checked, tested.

use serde_json::Value;
use snapbox::{assert_data_eq, str};

use crate::place::{Lake, Place};

const SECRETS: &str = r"
title: Somebody looks for secrets
id: 5a1c0f3e-2a55-4a0e-9d1c-0c7b8e0f0001
logsource:
  category: webserver
detection:
  selection:
    cs-method: get
    cs-uri-query|startswith: /.ENV
  filter:
    c-ip: 192.0.2.40
  condition: selection and not filter
level: medium
tags: [attack.t1595]
";

const TESTS: &str = r#"
{"name": "asks for it", "expect": true, "table": "nginx_access_log", "event": "192.0.2.9 - - [17/Mar/2026:10:00:00 +0000] \"GET /.env HTTP/1.1\" 404 1 \"-\" \"curl/8\""}
{"name": "our scanner", "expect": false, "table": "nginx_access_log", "event": "192.0.2.40 - - [17/Mar/2026:10:00:00 +0000] \"GET /.env HTTP/1.1\" 404 1 \"-\" \"curl/8\""}
"#;

/// Logs, and a folder of rules of which one runs.
fn place() -> Place {
    let place = Place::with_logs(1);
    place.folder.write("rules/web/secrets.yml", SECRETS);
    place.folder.write("rules/web/secrets.tests.jsonl", TESTS);
    let other = |product: &str| SECRETS.replace("category: webserver", &format!("product: {product}"));
    place.folder.write("rules/mac.yml", other("macos"));
    place.folder.write("rules/servers.yml", SECRETS.replace("cs-method: get", "c-ip|expand: '%Servers%'"));
    place
}

/// A lake with these rules beside the detections in SQL.
fn lake(place: &Place) -> Lake<'_> {
    let lake = place.lake("lake");
    let text = std::fs::read_to_string(&lake.config).unwrap();
    place.folder.write("lake.hcl", format!("{text}\nrules \"ours\" {{\n  paths = [\"rules\"]\n}}\n"));
    lake
}

fn sigma_findings(lines: &str) -> Vec<Value> {
    let all = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut found: Vec<Value> = all.filter(|finding| finding["detection_kind"] == "sigma").collect();
    found.sort_by_key(|finding| finding["finding_id"].to_string());
    found
}

#[test]
fn stream_hunt_and_scan_find_the_same_with_evidence() {
    let place = place();
    let lake = lake(&place);
    lake.collect(&[]);
    let listed = lake.run(&["finding", "list", "-o", "ndjson"]);
    let in_the_stream = sigma_findings(&listed.stdout);
    // Of 500 lines every tenth asks, two of them from an address of ours.
    assert_eq!(in_the_stream.len(), 48);
    let finding = &in_the_stream[0];
    assert_eq!(finding["detection_id"], "5a1c0f3e-2a55-4a0e-9d1c-0c7b8e0f0001");
    assert_eq!(finding["severity"], "medium");
    assert_eq!(
        finding["evidence"].to_string(),
        r#"[{"selection":"selection","field":"request_method","value":"GET","test":"is like get"},"#
            .to_owned()
            + r#"{"selection":"selection","field":"request_uri","value":"/.env","test":"is like /.ENV*"}]"#
    );

    let ids =
        |findings: &[Value]| findings.iter().map(|found| found["finding_id"].clone()).collect::<Vec<_>>();
    let hunted = lake.run(&["hunt", "Somebody looks*", "-o", "ndjson"]);
    assert_eq!(hunted.code, Some(0), "{hunted:?}");
    assert_eq!(ids(&sigma_findings(&hunted.stdout)), ids(&in_the_stream));

    let scanned =
        place.run(&["scan", "logs/nginx", "--rules", "rules", "--no-progress", "-o", "ndjson", "--stats"]);
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    assert_eq!(sigma_findings(&scanned.stdout).len(), 48);
    assert!(scanned.stderr.contains("rules: 3, of which run 1,"), "{}", scanned.stderr);
    assert!(scanned.stderr.contains("Somebody looks for secrets): 50 candidates, "), "{}", scanned.stderr);
}

#[test]
fn rules_are_listed_with_the_reason_why_they_do_not_run() {
    let place = place();
    let said = place.run(&["rule", "list", "rules", "-o", "csv"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let states: Vec<&str> = said.stdout.lines().filter(|line| line.contains("unused")).collect();
    assert_eq!(states.len(), 2, "{said:?}");
    assert!(states.iter().any(|line| line.contains("no table has the log source product macos")), "{said:?}");
    assert!(states.iter().any(|line| line.contains("placeholder %Servers% has no values")), "{said:?}");
    assert_data_eq!(
        said.stderr,
        str![[r#"
rules: 3, of which run 1, without a table that has their log source 1, without values for a placeholder 1

"#]]
    );
    let said = place.run(&["rule", "show", "Somebody looks*", "rules"]);
    let rule: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(
        rule["looks_for"]["nginx_access_log"].as_str().unwrap().contains("request_uri = '/.ENV*'"),
        "{rule}"
    );
}

#[test]
fn mistakes_in_rules_are_shown_where_they_stand() {
    let place = Place::empty();
    place.folder.write("bad.yml", SECRETS.replace("|startswith", "|startwith"));
    let said = place.run(&["rule", "check", "bad.yml"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert_data_eq!(
        said.stderr,
        str![[r#"
rules: 1, of which run 0, with mistakes 1

error: there is no modifier `startwith`
 --> bad.yml:9:18
  |
9 |     cs-uri-query|startwith: /.ENV
  |                  ^^^^^^^^^
  |
  = help: did you mean `startswith`?

error: the configuration has 1 mistake

"#]]
    );
}

#[test]
fn events_beside_a_rule_test_it() {
    let place = place();
    let said = place.run(&["test", "rules/web", "-o", "ndjson"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(r#"{"passed":2,"failed":0,"errored":0,"skipped":0,"rules":1}"#), "{said:?}");
    place.folder.write("rules/web/secrets.tests.jsonl", TESTS.replace("192.0.2.9 ", "192.0.2.40 "));
    let said = place.run(&["test", "rules/web", "-o", "ndjson"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("remote_addr = 192.0.2.40"), "it says what it saw: {said:?}");
}

#[test]
fn a_block_of_rules_chooses_among_them() {
    let place = place();
    let lake = lake(&place);
    let text = std::fs::read_to_string(&lake.config).unwrap();
    let enabled = |more: &str| {
        place
            .folder
            .write("lake.hcl", text.replace("paths = [\"rules\"]", &format!("paths = [\"rules\"]\n{more}")));
        let said = lake.run(&["rule", "list", "-o", "ndjson"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout.lines().filter(|line| line.contains("\"sigma\"") && line.contains("\"enabled\"")).count()
    };
    place.folder.write("values.yml", "Servers: [10.0.0.1, '10.0.1.*']\n");
    assert_eq!(enabled(""), 1);
    assert_eq!(enabled("level = \"high\""), 0);
    assert_eq!(enabled("exclude = [\"5a1c0f3e-2a55-4a0e-9d1c-0c7b8e0f0001\"]"), 0);
    assert_eq!(enabled("enabled = false"), 0);
    assert_eq!(enabled("placeholders = \"values.yml\""), 2);
}
