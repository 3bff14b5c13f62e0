//! Stream, hunt and scan find the same; DuckDB counts the same.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::logs::DETECTIONS;
use crate::place::{Lake, Place, Said};

const TABLES: [&str; 5] = ["aws_cloudtrail_log", "shop_event", "nginx_access_log", "finding", "quarantine"];

fn finding_ids(lines: &str) -> BTreeSet<String> {
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["finding_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn hunt_and_scan_find_what_the_stream_found() {
    let place = Place::with_logs(3);
    let lake = place.lake("lake");
    lake.collect(&[]);
    let listed = lake.run(&["finding", "list", "--limit", "100000", "-o", "ndjson"]);
    let in_the_stream = finding_ids(&listed.stdout);
    assert_eq!(in_the_stream.len(), listed.stdout.lines().count());
    // Of 3 times 60 events of CloudTrail, 3 times 150 of the shop and 500 of the web server, every tenth.
    assert_eq!(in_the_stream.len(), 18 + 45 + 50);

    let hunted = lake.run(&[&["hunt", "-o", "ndjson"], &DETECTIONS[..]].concat());
    assert_eq!(hunted.code, Some(0), "{hunted:?}");
    assert_eq!(finding_ids(&hunted.stdout), in_the_stream);

    let scan = |arguments: &[&str]| {
        let rules = ["--rules", "lake.hcl", "--no-progress", "-o", "ndjson"];
        let said = place.run(&[&["scan"], arguments, &rules].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        finding_ids(&said.stdout).len()
    };
    assert_eq!(scan(&["logs/cloudtrail", "logs/nginx"]), 18 + 50);
    assert_eq!(scan(&["logs/shop", "--table", "shop_event"]), 45);
}

/// What the real DuckDB prints for each of the statements, with the lake attached. Without a DuckDB the test
/// fails: agreement unproven is not agreement.
fn duckdb(lake: &Lake<'_>, statements: &[String]) -> Vec<String> {
    let script = egret_testkit::crate_folder().join("../egret-lake/tests/duckdb/agree.py");
    let python = std::env::var("EGRET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let said = Said::of(Command::new(python).arg(script).arg(&lake.folder).args(statements));
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    said.stdout.split_terminator("-- end\n").map(|rows| rows.trim().to_owned()).collect()
}

#[test]
fn duckdb_counts_what_egret_counts() {
    let place = Place::with_logs(6);
    let lake = place.lake("lake");
    // Rows that are collected again leave files behind that only the catalog knows to be superseded.
    lake.collect(&[]);
    lake.collect(&["--overwrite", "--from", "2026-03-02"]);
    let counting =
        |from: &str, id: &str| format!("select count(*) || ' ' || count(distinct {id}) from {from}");
    let ids = TABLES.map(|table| match table {
        "finding" => "finding_id",
        "quarantine" => "quarantine_id",
        _ => "tp_id",
    });
    let ours: Vec<String> = TABLES
        .iter()
        .zip(ids)
        .map(|(table, id)| {
            let [all, distinct] = ["", "distinct "]
                .map(|distinct| lake.count(&format!("select count({distinct}{id}) from {table}")));
            assert!(all > 0, "{table} is empty");
            format!("{all} {distinct}")
        })
        .collect();
    let attached: Vec<String> = TABLES.iter().zip(ids).map(|(table, id)| counting(table, id)).collect();
    assert_eq!(duckdb(&lake, &attached), ours, "attached");

    let compacted = lake.run(&["lake", "compact", "--now"]);
    assert_eq!(compacted.code, Some(0), "{compacted:?}");
    assert_eq!(duckdb(&lake, &attached), ours, "attached, compacted");
    let globs: Vec<String> = TABLES
        .iter()
        .zip(ids)
        .map(|(table, id)| {
            let glob = lake.folder.join("data/main").join(table).join("**/*.parquet");
            counting(&format!("read_parquet('{}')", glob.display()), id)
        })
        .collect();
    assert_eq!(duckdb(&lake, &globs), ours, "by globs");
}

/// The lake stores JSON as text, and has no column before a row has it: a hunt must not mind.
#[test]
fn a_hunt_finds_in_json_what_the_stream_finds() {
    let place = Place::with_logs(1);
    let lake = place.lake("lake");
    let mut configuration = std::fs::read_to_string(&lake.config).unwrap();
    configuration += r#"
detection "json" {
  table    = "aws_cloudtrail_log"
  severity = "low"
  where    = "request_parameters ->> 'key' = '0/7' and error_code is null"
  message  = "{request_parameters.key}"
}
"#;
    std::fs::write(&lake.config, configuration).unwrap();
    lake.collect(&[]);
    let shown = |arguments: &[&str]| {
        let said = lake.run(arguments);
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        let mut finding: Value = serde_json::from_str(said.stdout.trim()).unwrap();
        for differs in ["detected_at", "origin"] {
            finding.as_object_mut().unwrap().remove(differs);
        }
        finding
    };
    let stream = shown(&["finding", "list", "--detection", "json", "-o", "ndjson"]);
    assert_eq!(stream["event"]["request_parameters"]["key"], "0/7", "{stream}");
    assert_eq!(shown(&["hunt", "json", "-o", "ndjson"]), stream);
    let restricted = ["hunt", "json", "--save", "--from", "2026-03-01", "--at", "2100-01-01", "-o", "ndjson"];
    assert_eq!(lake.run(&restricted).code, Some(0));
    assert_eq!(
        lake.count("select count(*) from finding where detection_id = 'json'"),
        1,
        "it is there already"
    );
}

#[test]
fn a_table_without_rows_can_be_asked() {
    let place = Place::empty();
    place.folder.write("logs/shop/0.jsonl", "");
    let lake = place.lake("empty");
    for table in TABLES {
        assert_eq!(lake.count(&format!("select count(*) from {table}")), 0, "{table}");
    }
}

#[test]
fn a_scan_runs_the_rules_of_every_table_that_a_format_has() {
    let place = Place::empty();
    place.folder.write(
        "auth.log",
        "Mar  1 10:00:00 web sshd[7]: Accepted password for root from 192.0.2.1 port 50000 ssh2\n",
    );
    let rules = r#"
detection "root_login" {
  table = "linux_auth_log"
  where = "event_type = 'login' and user = 'root'"
}
detection "sshd" {
  table = "syslog"
  where = "program = 'sshd'"
}
"#;
    place.folder.write("rules.hcl", rules);
    let said = place.run(&["scan", "auth.log", "--rules", "rules.hcl", "--no-progress", "-o", "ndjson"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.lines().count(), 2, "{said:?}");
}

/// Names that differ only in case are one in SQL: the lake must stay readable, whatever logs bring.
#[test]
fn of_names_that_differ_only_in_case_one_is_a_column() {
    let place = Place::empty();
    let lake = place.lake("lake");
    let line = |name: &str| format!("{{\"time\":\"2026-03-01T10:00:00Z\",\"{name}\":\"x\"}}\n");
    place.folder.write("logs/shop/0.jsonl", line("Foo"));
    place.folder.write("logs/shop/1.jsonl", line("foo"));
    lake.collect(&["shop_event"]);
    place.folder.write("logs/shop/2.jsonl", line("FOO"));
    lake.collect(&["shop_event"]);
    let count = "select count(*), count(foo), count(extra) from shop_event".to_owned();
    assert_eq!(duckdb(&lake, &[count]), ["3 | 1 | 2"]);
}
