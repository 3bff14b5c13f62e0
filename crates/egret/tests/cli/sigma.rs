//! Sigma rules: in the stream, over files, over history; listed, checked, tested.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use snapbox::{assert_data_eq, str};

use crate::place::{Lake, Place, Said};

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
    let servers = SECRETS.replace("cs-method: get", "c-ip|expand: '%Servers%'").replace("0f0001", "0f0002");
    place.folder.write("rules/servers.yml", servers);
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

#[test]
fn metrics_say_what_each_rule_took() {
    let place = place();
    let lake = lake(&place);
    let scanned = place.run(&["scan", "logs/nginx", "--rules", "rules", "--metrics", "scan.prom"]);
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    lake.collect(&["--metrics", "collect.prom"]);
    for (file, partition) in [("scan.prom", "scan"), ("collect.prom", "web")] {
        let text = String::from_utf8(place.folder.read(file)).unwrap();
        let value = |name: &str, rule: &str| {
            let labels = format!("{{table=\"nginx_access_log\",partition=\"{partition}\"{rule}}} ");
            text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(&labels)?.parse::<f64>().ok())
        };
        let rule = ",rule=\"5a1c0f3e-2a55-4a0e-9d1c-0c7b8e0f0001\"";
        assert!(value("egret_rows_total", "") > Some(400.0), "{text}");
        assert_eq!(value("egret_rule_hits_total", rule), Some(48.0), "{text}");
        assert!(value("egret_rule_evaluations_total", rule) > Some(0.0), "{text}");
        assert!(value("egret_rule_time_seconds_total", rule).is_some(), "{text}");
    }
    let wrong = place.run(&["scan", "logs/nginx", "--rules", "rules", "--metrics", "nowhere/scan.prom"]);
    assert_eq!(wrong.code, Some(3), "{wrong:?}");
    assert!(wrong.stderr.contains("cannot write the metrics to nowhere/scan.prom"), "{wrong:?}");
}

/// A configuration in a folder of its own, with rules below it, used from another folder.
#[test]
fn a_rules_block_names_files_from_its_own_folder_and_by_globs() {
    let place = Place::with_logs(1);
    place.folder.write("etc/rules/web/secrets.yml", SECRETS);
    place.folder.write("etc/rules/notes.txt", "no rule");
    for paths in ["rules", "rules/**", "rules/*/*.yml", "rules/web/secrets.yml"] {
        place.folder.write("etc/rules.hcl", format!("rules \"ours\" {{\n  paths = [\"{paths}\"]\n}}\n"));
        let said = place.run(&["scan", "logs/nginx", "--rules", "etc/rules.hcl", "-o", "ndjson"]);
        assert_eq!(sigma_findings(&said.stdout).len(), 48, "{paths}: {said:?}");
    }
    place.folder.write("etc/rules.hcl", "rules \"ours\" {\n  paths = [\"rules/*.yaml\"]\n}\n");
    let said = place.run(&["rule", "list", "etc/rules.hcl"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("there is nothing at")
            && said.stderr.contains("the configuration has 1 mistake\n")
    );
}

#[test]
fn of_rules_with_the_same_id_one_runs() {
    let place = Place::with_logs(1);
    place.folder.write("rules/a.yml", SECRETS);
    place.folder.write("rules/b.yml", SECRETS.replace("looks for", "asks for"));
    let said = place.run(&["scan", "logs/nginx", "--rules", "rules", "-o", "ndjson"]);
    let found = sigma_findings(&said.stdout);
    assert_eq!(found.len(), 48);
    assert!(found.windows(2).all(|pair| pair[0]["finding_id"] != pair[1]["finding_id"]));
    assert!(said.stderr.contains("rules: 2, of which run 1, with the id of another 1"), "{said:?}");
    let listed = place.run(&["rule", "list", "rules", "-o", "csv"]);
    assert!(listed.stdout.contains("the rule at rules/a.yml:2:1 has the same id"), "{listed:?}");
}

#[test]
fn a_rule_that_cannot_be_read_stops_no_other() {
    let place = Place::with_logs(1);
    place.folder.write("rules/a.yml", SECRETS);
    place.folder.write("rules/latin.yml", b"title: caf\xe9\n");
    let said = place.run(&["scan", "logs/nginx", "--rules", "rules", "-o", "ndjson"]);
    assert_eq!(sigma_findings(&said.stdout).len(), 48, "{said:?}");
    let checked = place.run(&["rule", "check", "rules"]);
    assert_eq!(checked.code, Some(2), "{checked:?}");
    assert!(
        checked.stderr.contains("the file cannot be read: stream did not contain valid UTF-8"),
        "{checked:?}"
    );
}

#[test]
fn a_table_that_a_log_source_misspells_is_a_mistake() {
    let place = Place::empty();
    let logsource = "logsource \"own\" {\n  product = \"shop\"\n  table = \"nginx_acess_log\"\n  any {}\n}\n";
    place.folder.write("own.hcl", logsource);
    let said = place.run(&["rule", "list", "own.hcl"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("there is no table `nginx_acess_log`"), "{said:?}");
    assert!(said.stderr.contains("did you mean `nginx_access_log`?") && said.stderr.contains("own.hcl:3:11"));
}

#[test]
fn a_scan_knows_compressed_streams_and_refuses_unknown_formats() {
    let place = Place::with_logs(1);
    let log = place.folder.read("logs/nginx/access.log");
    let mut command = place.egret(&["scan", "-", "-o", "ndjson"]);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(&crate::logs::gzip(&log)).unwrap();
    let said = Said::from(process.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stdout.is_empty());
    let said = place.run(&["scan", "logs/nginx", "--format", "jsnol"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("there is no format `jsnol`") && said.stderr.contains("did you mean `json"));
}
