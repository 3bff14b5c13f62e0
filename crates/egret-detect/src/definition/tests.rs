//! What a `detection` block may say, and what is wrong with one.

use egret_model::Severity;
use serde_json::json;

use super::*;
use crate::test_definition::{States, TestInput};
use crate::testing::{decode, detections, short_detections};

#[test]
fn what_is_not_written_has_a_default() {
    let [detection] = &short_detections(r#"detection "root_login-v2" { table = "t"; where = "a" }"#)[..]
    else {
        panic!()
    };
    assert_eq!(detection.title, "Root login v2");
    assert_eq!(detection.severity, Severity::Medium);
    assert!(detection.enabled);
    assert_eq!(detection.target.value, Target::Table("t".into()));
    assert_eq!((&*detection.description, detection.tags.len(), detection.message.is_none()), ("", 0, true));
}

#[test]
fn everything_can_be_written() {
    let text = r#"
        detection "d" {
          channel        = "aws.*"
          where          = "a = 1"
          severity       = "critical"
          title          = "A title"
          description    = <<-EOT
            Two
            lines.
          EOT
          tags           = ["attack.t1078", "aws"]
          message        = "it is {a}"
          references     = ["https://example.org"]
          falsepositives = ["Tests."]
          enabled        = false

          test "an event" {
            expect  = true
            event   = { a = 1, b = { c = [true, null, 1.5, "x"] } }
            message = "it is 1"
          }
          test "a record" {
            expect = false
            record = "a=2"
            table  = "other"
          }
          test "a row" {
            expect = false
            row    = { a = 2 }
          }
          test "two states" {
            expect    = true
            generator = "aws_iam"
            channel   = "aws.iam.prod"
            before    = [{ id = 1, tags = [] }]
            after     = [{ id = 1, tags = ["x"] }, "text"]
            count     = 2
            keys      = ["1", "text"]
          }
        }
    "#;
    let [detection] = &detections(text)[..] else { panic!() };
    assert!(detection.target.value.covers("anything", "aws.cloudtrail"));
    assert!(!detection.target.value.covers("aws", "gcp.audit"));
    assert_eq!(detection.description, "Two\nlines.");
    assert_eq!(detection.message.as_ref().unwrap().text(), "it is {a}");
    assert!(!detection.enabled);
    let [event, record, row, states] = &detection.tests[..] else { panic!() };
    let expected = json!({"a": 1, "b": {"c": [true, null, 1.5, "x"]}});
    assert_eq!(event.input, TestInput::Event(expected.as_object().unwrap().clone()));
    assert_eq!(event.message.as_deref(), Some("it is 1"));
    assert_eq!((&record.input, record.table.as_deref()), (&TestInput::Record("a=2".into()), Some("other")));
    assert_eq!(row.input, TestInput::Row(json!({"a": 2}).as_object().unwrap().clone()));
    let expected = States {
        generator: "aws_iam".into(),
        channel: Some("aws.iam.prod".into()),
        before: vec![json!({"id": 1, "tags": []})],
        after: vec![json!({"id": 1, "tags": ["x"]}), json!("text")],
    };
    assert_eq!(states.input, TestInput::States(expected));
    assert_eq!((states.count, states.keys.as_deref()), (Some(2), Some(&["1".into(), "text".into()][..])));
}

#[test]
fn a_table_and_a_channel_narrow_each_other() {
    let [detection] =
        &short_detections(r#"detection "d" { table = "change"; channel = "aws.**"; where = "a" }"#)[..]
    else {
        panic!()
    };
    let target = &detection.target.value;
    assert!(target.covers("change", "aws.iam"));
    assert!(
        !target.covers("change", "slack.workspace") && !target.covers("aws_cloudtrail_log", "aws.cloudtrail")
    );
}

#[test]
fn every_mistake_has_its_place() {
    let text = r#"
detection "nothing" {}

detection "typo" {
  table    = "a"
  channel  = "b"
  where    = "c"
  serverity = "high"
}

detection "texts" {
  table    = "a"
  where    = "c"
  severity = "terrible"
  tags     = "one"
  message  = "no end: {column"
}

detection "braces" {
  table   = "a"
  where   = "c"
  message = "{} or }"
}

detection "tests" {
  table = "a"
  where = "c"
  test "neither" { expect = true }
  test "both" {
    expect = true
    event  = { a = 1 }
    record = "a"
  }
  test "no map" {
    expect = true
    event  = [1]
  }
  test "a reference" {
    expect = true
    event  = { a = table.x }
  }
  test "no answer" { record = "a" }
  test "no generator" {
    expect = true
    before = []
  }
  test "states and a row" {
    expect    = true
    generator = "aws_iam"
    row       = { a = 1 }
  }
}
"#;
    insta::assert_snapshot!(decode(text).1.render(false));
}

#[test]
fn the_version_knows_the_meaning_and_not_the_layout() {
    let version = |text: &str| short_detections(text)[0].version();
    let plain = version(r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x", "y"] }"#);
    let laid_out = detections(
        r#"
        # A comment.
        detection "d" {
          tags  = ["y", "x"]
          table = "t"
          where = <<-EOT
            a = 1
          EOT
          references = ["https://example.org"]
          test "t" {
            expect = true
            event  = {}
          }
        }
        "#,
    );
    assert_eq!(plain, laid_out[0].version());
    assert_eq!(plain.len(), 64);
    for other in [
        r#"detection "e" { table = "t"; where = "a = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { table = "u"; where = "a = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { channel = "t"; where = "a = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { table = "t"; channel = "t"; where = "a = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { table = "t"; channel = "u"; where = "a = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { table = "t"; where = "a  = 1"; tags = ["x", "y"] }"#,
        r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x"] }"#,
        r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x", "y"]; title = "D!" }"#,
        r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x", "y"]; message = "D" }"#,
        r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x", "y"]; severity = "low" }"#,
        r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x", "y"]; description = "D" }"#,
    ] {
        assert_ne!(version(other), plain, "{other}");
    }
}

/// Versions are stored with findings: a change here would make every rule look changed.
#[test]
fn golden_version() {
    let text = r#"detection "d" { table = "t"; where = "a = 1"; tags = ["x"]; message = "m {a}" }"#;
    insta::assert_snapshot!(short_detections(text)[0].version());
}
