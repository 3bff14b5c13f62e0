//! Tests of `registry`: lines and what they become, odd ones, and configuration.

use std::collections::BTreeSet;

use egret_config::{BlockKind, Configuration, Environment};
use serde_json::json;

use super::*;

/// The formats of `text`, and the mistakes in it.
pub(crate) fn formats_of(text: &str) -> (Vec<Option<Arc<dyn Format>>>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let kinds = [BlockKind::new("format", &["type", "name"])];
    let environment = Environment::default();
    let configuration = Configuration::parse("formats.hcl", text, &kinds, &environment, &mut diagnostics);
    let formats = configuration
        .blocks_of("format")
        .map(|block| decode_format(block.label(0).unwrap(), block, &mut diagnostics))
        .collect();
    (formats, diagnostics)
}

#[test]
fn every_example_is_valid() {
    for format_type in FORMAT_TYPES {
        let (formats, diagnostics) = formats_of(format_type.example);
        assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
        let kind = formats[0].as_ref().unwrap().kind();
        assert_eq!(kind, format_type.name);
    }
}

#[test]
fn every_attribute_is_documented_and_read() {
    for format_type in FORMAT_TYPES {
        let (_, diagnostics) =
            formats_of(&format!("format \"{}\" \"x\" {{ zzzzzzzzzzzzzzzz = 1 }}", format_type.name));
        let unknown = diagnostics.iter().find(|mistake| mistake.message.contains("zzzzzzzz")).unwrap();
        let read: BTreeSet<&str> = unknown.hint.as_ref().unwrap().split('`').skip(1).step_by(2).collect();
        let mut documented: BTreeSet<&str> =
            format_type.attributes.iter().map(|attribute| attribute.name).collect();
        documented.insert("description");
        assert_eq!(read, documented, "{}", format_type.name);
    }
}

#[test]
fn every_preset_makes_a_format_of_its_type() {
    for format_type in FORMAT_TYPES {
        for preset in format_type.presets {
            assert_eq!(preset.format().unwrap().kind(), format_type.name, "{}", preset.name);
        }
    }
    assert!(preset("jsonl", "default").is_some());
    assert!(preset("jsonl", "nothing").is_none());
    assert!(preset("nothing", "default").is_none());
}

#[test]
fn an_unknown_type_gets_the_nearest_name() {
    let (formats, diagnostics) = formats_of("format \"json1\" \"x\" {}\nformat \"parquet\" \"x\" {}\n");
    assert!(formats.iter().all(Option::is_none));
    let hints: Vec<&str> = diagnostics.iter().filter_map(|mistake| mistake.hint.as_deref()).collect();
    assert!(hints[0].contains("did you mean `json"), "{}", hints[0]);
    assert!(hints[1].contains("jsonl"), "{}", hints[1]);
}

#[test]
fn formats_are_recognised_by_their_first_bytes() {
    let combined =
        "203.0.113.7 - - [01/Feb/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 612 \"-\" \"curl/8\"\n";
    let common = "203.0.113.7 - - [01/Feb/2024:10:00:00 +0000] \"GET / HTTP/1.1\" 200 612\n";
    let flow = "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK\n";
    let long = format!("{{\"Records\": [{{\"a\":\"{}\"", "x".repeat(2 * RECOGNISE_BYTES));
    let long_line = format!("{{\"a\":\"{}\"", "x".repeat(2 * RECOGNISE_BYTES));
    for (text, expected) in [
        ("{\"Records\":[{\"eventVersion\":\"1.08\"}]}", Some(("json", "records"))),
        ("\u{feff}{\n  \"Records\": [\n", Some(("json", "records"))),
        (long.as_str(), Some(("json", "records"))),
        (long_line.as_str(), Some(("jsonl", "default"))),
        ("[{\"a\":1},\n{\"a\":2}]", Some(("json", "default"))),
        ("{\n  \"a\": 1\n}\n", Some(("json", "default"))),
        ("{\"a\":1}\n{\"a\":2}\n", Some(("jsonl", "default"))),
        ("{\"a\":1}", Some(("jsonl", "default"))),
        (
            "Feb  1 10:00:00 h sshd[1]: x\n  continued\nFeb  1 10:00:00 h sshd[1]: x\n",
            Some(("syslog", "default")),
        ),
        ("<34>1 2003-10-11T22:14:15.003Z h su - ID47 - x\n", Some(("syslog", "default"))),
        ("2024-02-01T10:00:00.123456+00:00 h sshd[1]: x\n", Some(("syslog", "default"))),
        (combined, Some(("nginx_access_log", "combined"))),
        (common, Some(("apache_access_log", "common"))),
        (flow, Some(("aws_vpc_flow_log", "default"))),
        ("version srcaddr dstaddr\n2 10.0.0.1 10.0.0.2\n", Some(("aws_vpc_flow_log", "default"))),
        ("time,user,action\n2024-02-01T10:00:00Z,alice,login\n", Some(("delimited", "default"))),
        ("time\tuser\n1\talice\n", Some(("delimited", "tab"))),
        ("time;user\n1;\"a\nb\"\n2;b\n", Some(("delimited", "semicolon"))),
        ("time|user\n1|alice\n", Some(("delimited", "pipe"))),
        ("Dear all, this is a letter,\nnothing else.\n", None),
        ("[2024-02-01 10:00:00] starting\n", None),
        ("", None),
        ("\n\n", None),
    ] {
        let found = recognise(text.as_bytes()).map(|recognised| (recognised.kind, recognised.preset));
        assert_eq!(found, expected, "{}", &text[..text.len().min(80)]);
    }
}

#[test]
fn the_first_records_are_read_as_far_as_they_go() {
    let read = |kind, name, text: &str| first_records(preset(kind, name).unwrap().as_ref(), text.as_bytes());
    let records = [json!({"a": {"b": 1}}), json!({"a": 2})];
    assert_eq!(read("jsonl", "default", "{\"a\":{\"b\":1}}\n{\"a\":2}"), records);
    assert_eq!(read("json", "records", "{\"Records\":[{\"a\":{\"b\":1}},{\"a\":2}"), records);
    assert_eq!(read("json", "default", "{\n\"a\":{\"b\":1}\n}{\"a\":2}"), records);
    assert_eq!(read("delimited", "default", "a,b\n1,2\n"), [json!({"a": "1", "b": "2"})]);
    let cut = format!("{{\"a\":2}}\n{{\"a\":\"{}\"}}\n", "x".repeat(RECOGNISE_BYTES));
    assert_eq!(read("jsonl", "default", &cut), records[1..]);
    assert_eq!(read("jsonl", "default", &cut[8..]), Vec::<serde_json::Value>::new());
    assert_eq!(read("jsonl", "default", &"{\"a\":2}\n".repeat(50)).len(), 10);
}

proptest::proptest! {
    #[test]
    fn whatever_is_recognised_exists(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..100), text in "[\\[{\"a:,1 \n]{0,50}") {
        for bytes in [&bytes[..], text.as_bytes()] {
            if let Some(recognised) = recognise(bytes) {
                let format = recognised.format().unwrap();
                first_records(format.as_ref(), bytes);
            }
        }
    }
}
