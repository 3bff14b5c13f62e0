//! The registry of tables.

use egret_config::{Configuration, Diagnostics, Environment};
use serde_json::{Value, json};

use super::Tables;
use crate::builtin::TABLE_BLOCK;

fn tables(text: &str) -> Tables {
    let mut diagnostics = Diagnostics::new();
    let configuration =
        Configuration::parse("egret.hcl", text, &[TABLE_BLOCK], &Environment::default(), &mut diagnostics);
    let tables = Tables::new(&configuration, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    tables
}

#[test]
fn own_tables_stand_beside_and_on_top_of_built_in_ones() {
    let tables = tables(
        r#"table "doors" {
             column "tp_timestamp" { source = "t" }
           }
           table "syslog" {
             column "site" { source = "host" }
           }"#,
    );
    assert!(tables.names().any(|name| name == "doors"));
    let syslog = tables.get("syslog").unwrap();
    assert_eq!(syslog.columns.last().unwrap().name.value, "site");
    assert_eq!(syslog.channel(), "linux.syslog");
    assert!(tables.names().is_sorted());
}

#[test]
fn an_unknown_table_gets_the_nearest_name() {
    let tables = Tables::builtin();
    let error = tables.get("aws_cloudtrail_logs").unwrap_err();
    assert_eq!(error.to_string(), "there is no table `aws_cloudtrail_logs`");
    assert_eq!(error.hint, "did you mean `aws_cloudtrail_log`?");
    assert!(tables.get("quux").unwrap_err().hint.contains("apache_access_log, aws_cloudtrail_log"));
}

/// The tables for a file of `format.KIND.PRESET` that starts with `records`.
fn recognised(kind: &str, preset: &str, records: &[Value]) -> Vec<String> {
    let tables = Tables::builtin();
    let found = tables.recognise(kind, preset, records);
    found.into_iter().map(|table| table.name.value.clone()).collect()
}

#[test]
fn a_recognised_format_has_its_table() {
    for (kind, preset, expected) in [
        ("json", "records", Some("aws_cloudtrail_log")),
        ("nginx_access_log", "combined", Some("nginx_access_log")),
        ("apache_access_log", "common", Some("apache_access_log")),
        ("aws_vpc_flow_log", "default", Some("aws_vpc_flow_log")),
        ("syslog", "default", Some("syslog")),
        ("jsonl", "default", None),
        ("json", "default", None),
    ] {
        assert_eq!(recognised(kind, preset, &[]).first().map(String::as_str), expected, "{kind}.{preset}");
    }
}

#[test]
fn json_is_recognised_by_the_fields_of_most_records() {
    let windows = [
        json!({"EventID": 1, "Channel": "Security", "Hostname": "pc1"}),
        json!({"EventID": "4688", "SourceName": "Microsoft-Windows-Security-Auditing", "Hostname": "pc1"}),
        json!({"@timestamp": "2024-02-01T10:00:00Z", "winlog": {"channel": "Security", "event_id": 4688}}),
        json!({"winlog.channel": "Security"}),
        json!({"Event": {"System": {"EventID": 4688}, "EventData": {}}}),
        json!({"System": {"EventID": {"Value": 4688}, "Channel": "Security"}}),
    ];
    for record in &windows {
        for kind in ["jsonl", "json"] {
            assert_eq!(
                recognised(kind, "default", std::slice::from_ref(record)),
                ["windows_event_log"],
                "{record}"
            );
        }
    }
    let call = json!({"eventVersion": "1.08", "eventSource": "iam.amazonaws.com"});
    for (kind, preset) in [("jsonl", "default"), ("json", "default"), ("json", "records")] {
        assert_eq!(recognised(kind, preset, std::slice::from_ref(&call)), ["aws_cloudtrail_log"]);
    }
    let others = [json!({"EventID": 1}), json!({"Event": "x"}), json!({}), json!({"Channel": "news"})];
    for record in &others {
        assert_eq!(
            recognised("jsonl", "default", std::slice::from_ref(record)),
            Vec::<String>::new(),
            "{record}"
        );
        assert_eq!(
            recognised("json", "records", std::slice::from_ref(record)),
            Vec::<String>::new(),
            "{record}"
        );
    }
    let mixed = [&windows[..2], &others[..1]].concat();
    assert_eq!(recognised("jsonl", "default", &mixed), ["windows_event_log"]);
    assert_eq!(recognised("jsonl", "default", &mixed[1..]), Vec::<String>::new(), "half of them is not most");
}
