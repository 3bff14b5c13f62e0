//! Templates: how they are read, found in a table and filled.

use serde_json::json;

use crate::testing::{decode, detections, login_table, rows};
use egret_config::Diagnostics;

fn render(template: &str, row: serde_json::Value) -> String {
    let text = format!(
        "detection \"d\" {{\n table = \"login\"\n where = \"ok\"\n message = <<EOT\n{template}\nEOT\n}}"
    );
    let definition = detections(&text).remove(0);
    let table = login_table();
    let mut diagnostics = Diagnostics::new();
    let message = definition.message.unwrap().bind(&table, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    message.unwrap().render(&rows(&table, &[row]), 0)
}

#[test]
fn values_of_every_kind_fill_a_template() {
    let row = json!({
        "event_name": "login", "port": 22, "score": 1.5, "ok": true, "at": "2026-03-17T09:00:00.250Z",
        "day": "2026-03-17", "user": {"name": "anna", "session": {"id": 7, "labels": "{\"a\":[10,{\"b\":\"x\"}]}"}},
        "groups": ["admin", "ops"], "details": "{\"list\":[1,2],\"text\":\"t\",\"none\":null}",
    });
    for (template, expected) in [
        ("no values at all", "no values at all"),
        ("{event_name} on port {port}", "login on port 22"),
        ("{ event_name }{{x}}", "login{x}"),
        ("{EVENT_NAME}", "login"),
        ("{score} {ok} {at} {day}", "1.5 true 2026-03-17T09:00:00.250Z 2026-03-17"),
        ("{user.name} {user.session.id}", "anna 7"),
        ("{user.session.labels.a.0} {user.session.labels.a.1.b}", "10 x"),
        ("{groups}", "admin, ops"),
        (
            "{details.text} {details.list} {details.none} {details.missing} {details.text.deeper}",
            "t [1,2] - - -",
        ),
        ("{details}", r#"{"list":[1,2],"text":"t","none":null}"#),
        ("{user}", r#"{"name":"anna","session":{"id":7,"labels":"{\"a\":[10,{\"b\":\"x\"}]}"}}"#),
        ("{tp_source_ip}", "-"),
    ] {
        assert_eq!(render(template, row.clone()), expected, "{template}");
    }
}

#[test]
fn null_is_a_dash() {
    assert_eq!(render("{event_name} {user.name} {user.session.id} {groups}", json!({"port": 1})), "- - - -");
    assert_eq!(render("{user.session.id}", json!({"user": {"name": "x"}})), "-");
}

#[test]
fn what_a_terminal_would_obey_is_escaped() {
    let row = json!({"event_name": "a\u{1b}[31m\r\nb\u{202e}c\u{7f}é"});
    assert_eq!(render("{event_name}", row), r"a\u{1b}[31m\r\nb\u{202e}c\u{7f}é");
}

#[test]
fn long_values_are_cut() {
    let message = render("<{event_name}>", json!({"event_name": "é".repeat(1_000)}));
    assert_eq!(message, format!("<{}…>", "é".repeat(256)));
}

#[test]
fn json_that_is_none_is_shown_as_it_is() {
    assert_eq!(render("{details}", json!({"details": "{broken"})), "{broken");
    assert_eq!(render("{details.a}", json!({"details": "{broken"})), "-");
}

#[test]
fn unknown_columns_are_told_at_their_place() {
    let text = r#"
detection "d" {
  table   = "login"
  where   = "ok"
  message = "{evnt_name} {user.nam} {port.x} {user.session.labels.anything} {quux}"
}
"#;
    let (definitions, mut diagnostics) = decode(text);
    assert!(definitions[0].message.as_ref().unwrap().bind(&login_table(), &mut diagnostics).is_none());
    insta::assert_snapshot!(diagnostics.render(false));
}
