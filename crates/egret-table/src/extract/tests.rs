//! Patterns over free text.

use serde_json::{Value, json};

use crate::testing::{map_lines, mapper, rows_of, table};

fn rows(body: &str, lines: &[Value]) -> Vec<serde_json::Map<String, Value>> {
    let definition = table(&format!(
        "table \"t\" {{\n map_fields = []\n column \"tp_timestamp\" {{ source = \"t\" }}\n{body}\n}}"
    ));
    let text: String = lines
        .iter()
        .map(|line| {
            let mut line = line.clone();
            line["t"] = json!(1_706_781_600);
            format!("{line}\n")
        })
        .collect();
    rows_of(&map_lines(&mapper(&definition), &text).rows)
}

const COLUMNS: &str = r#"
    column "message" {}
    column "program" {}
    column "user" {}
    column "port" { type = "integer" }
    column "kind" {}
    column "tp_source_ip" { source = "ip" }
    column "ip" { observable = "ip" }
"#;

#[test]
fn the_first_pattern_that_matches_fills_columns() {
    let body = format!(
        r#"{COLUMNS}
        extract "Message" {{
          when = {{ program = ["sshd"] }}
          set  = {{ kind = "login", user = "nobody" }}
          pattern {{ regex = `(?<user>\S*) from (?<ip>\S+) port (?<port>\d+)` }}
          pattern {{
            regex = `(?<user>\S+) .*`
            set   = {{ kind = "other" }}
          }}
        }}
        extract "message" {{ pattern = `.*(?<kind>end)` }}"#
    );
    let lines = [
        json!({"program": "sshd", "message": "eve from 10.0.0.1 port 22"}),
        json!({"program": "sshd", "message": " from 10.0.0.1 port 99999999999"}),
        json!({"program": "sshd", "message": "some more words than twelve bytes"}),
        json!({"program": "su", "message": "eve from 10.0.0.1 port 22"}),
        json!({"program": "su", "message": "the end"}),
        json!({"program": "sshd"}),
        json!({"message": "eve from 10.0.0.1 port 22"}),
    ];
    let rows = rows(&body, &lines);
    let values =
        |name: &str| rows.iter().map(|row| row.get(name).cloned().unwrap_or_default()).collect::<Vec<_>>();
    let null = Value::Null;
    let texts = |texts: [&str; 7]| {
        texts.map(|text| if text.is_empty() { null.clone() } else { json!(text) }).to_vec()
    };
    assert_eq!(values("user"), texts(["eve", "nobody", "some", "", "", "", ""]));
    assert_eq!(values("kind"), texts(["login", "login", "other", "", "end", "", ""]));
    assert_eq!(values("ip"), texts(["10.0.0.1", "10.0.0.1", "", "", "", "", ""]));
    assert_eq!(values("tp_source_ip"), values("ip"), "a common column takes an extracted one");
    assert_eq!(rows[0]["tp_ips"], json!(["10.0.0.1"]));
    assert_eq!(
        values("port"),
        [json!(22), null.clone(), null.clone(), null.clone(), null.clone(), null.clone(), null.clone()]
    );
}

#[test]
fn a_pattern_must_match_the_whole_text() {
    let body = format!("{COLUMNS}\n extract \"message\" {{ pattern = `a|(?<user>b+)|c` }}");
    for (message, user) in [("bb", Some("bb")), ("xbb", None), ("bbx", None), ("a", None), ("b\n", None)] {
        let row = rows(&body, &[json!({"message": message})]).remove(0);
        assert_eq!(row.get("user").and_then(Value::as_str), user, "{message:?}");
    }
}

#[test]
fn what_the_record_says_itself_is_kept() {
    let body = format!("{COLUMNS}\n extract \"message\" {{ pattern = `by (?<user>.*)` }}");
    let lines = [json!({"user": "known", "message": "by eve"}), json!({"message": "by eve"})];
    let users: Vec<Value> = rows(&body, &lines).iter().map(|row| row["user"].clone()).collect();
    assert_eq!(users, ["known", "eve"]);
}

#[test]
fn the_text_may_be_a_field_that_is_no_column() {
    let body = "column \"user\" {}\n column \"kind\" {}\n extract \"text\" {\n pattern = `by (?<user>.*)`\n when = \"kind = 'x'\"\n }";
    let lines = [json!({"kind": "x", "text": "by eve"}), json!({"kind": "y", "text": "by eve"})];
    let rows = rows(body, &lines);
    assert_eq!((rows[0].get("user"), rows[1].get("user")), (Some(&json!("eve")), None));
    assert!(rows[0]["extra"].as_str().unwrap().contains("\"text\":\"by eve\""), "the field is not lost");
}
