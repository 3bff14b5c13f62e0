//! The registry of tables.

use egret_config::{Configuration, Diagnostics, Environment};

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

#[test]
fn a_recognised_format_has_its_table() {
    let tables = Tables::builtin();
    for (kind, preset, expected) in [
        ("json", "records", Some("aws_cloudtrail_log")),
        ("nginx_access_log", "combined", Some("nginx_access_log")),
        ("apache_access_log", "common", Some("apache_access_log")),
        ("aws_vpc_flow_log", "default", Some("aws_vpc_flow_log")),
        ("syslog", "default", Some("syslog")),
        ("jsonl", "default", None),
    ] {
        let table = tables.recognise(kind, preset).next().map(|table| table.name.value.as_str());
        assert_eq!(table, expected, "{kind}.{preset}");
    }
}
