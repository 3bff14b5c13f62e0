//! Lines of tests, and what is wrong with one.

use serde_json::json;

use super::*;
use crate::test_definition::States;
use crate::testing::detections;

const RULES: &str = r#"
detection "first" {
  table = "login"
  where = "a"
}

detection "second" {
  table = "login"
  where = "b"
}
"#;

#[test]
fn a_line_belongs_to_the_rule_beside_it() {
    let mut definitions = detections(RULES);
    definitions.truncate(1);
    let text = "\n{\"name\":\"event\",\"expect\":true,\"event\":{\"a\":1},\"message\":\"m\"}\r\n\
                {\"name\":\"record\",\"expect\":false,\"event\":\"a=1\",\"table\":\"t\"}\n  \n\
                {\"name\":\"row\",\"expect\":false,\"row\":{\"a\":1}}";
    let mut diagnostics = Diagnostics::new();
    attach_tests(&mut definitions, &SourceFile::new("rules.tests.jsonl", text), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let [event, record, row] = &definitions[0].tests[..] else { panic!() };
    let object = json!({"a": 1}).as_object().unwrap().clone();
    assert_eq!((&*event.name, event.expect, event.message.as_deref()), ("event", true, Some("m")));
    assert_eq!(event.input, TestInput::Event(object.clone()));
    assert_eq!((&record.input, record.table.as_deref()), (&TestInput::Record("a=1".into()), Some("t")));
    assert_eq!(row.input, TestInput::Row(object));
    assert_eq!(row.location.as_ref().unwrap().line(), 5);
}

#[test]
fn states_are_of_a_generator() {
    let mut definitions = detections(RULES);
    definitions.truncate(1);
    let text = r#"{"name":"x","expect":true,"generator":"aws_iam","after":[{"id":1}],"count":1,"keys":["1"]}
{"name":"y","expect":true,"before":[]}
{"name":"z","expect":true,"generator":"aws_iam","event":{}}"#;
    let mut diagnostics = Diagnostics::new();
    attach_tests(&mut definitions, &SourceFile::new("rules.tests.jsonl", text), &mut diagnostics);
    let [test] = &definitions[0].tests[..] else { panic!() };
    let states = States {
        generator: "aws_iam".into(),
        channel: None,
        before: Vec::new(),
        after: vec![json!({"id": 1})],
    };
    assert_eq!(test.input, TestInput::States(states));
    assert_eq!((test.count, test.keys.as_deref()), (Some(1), Some(&["1".to_owned()][..])));
    assert_eq!(diagnostics.iter().count(), 2);
}

#[test]
fn of_several_rules_one_is_named() {
    let mut definitions = detections(RULES);
    let text = r#"{"name":"x","expect":true,"event":{},"rule":"second"}"#;
    attach_tests(&mut definitions, &SourceFile::new("rules.tests.jsonl", text), &mut Diagnostics::new());
    assert_eq!((definitions[0].tests.len(), definitions[1].tests.len()), (0, 1));
}

#[test]
fn mistakes_are_told_with_their_line() {
    let text = r#"{"name":"which","expect":true,"event":{}}
{"name":"none","expect":true,"event":{},"rule":"third"}
{"name":"typo","expects":true,"event":{},"rule":"first"}
{"name":"no input","expect":true,"rule":"first"}
{"name":"number","expect":true,"event":1,"rule":"first"}
not json"#;
    let mut definitions = detections(RULES);
    let mut diagnostics = Diagnostics::new();
    attach_tests(&mut definitions, &SourceFile::new("rules.tests.jsonl", text), &mut diagnostics);
    let alone = r#"{"name":"x","expect":true,"event":{}}"#;
    attach_tests(&mut definitions, &SourceFile::new("other.tests.jsonl", alone), &mut diagnostics);
    insta::assert_snapshot!(diagnostics.render(false));
}

#[test]
fn files_are_found_by_name() {
    assert_eq!(tests_path("a/root.login.hcl".as_ref()), PathBuf::from("a/root.login.tests.jsonl"));
    assert!(is_test_file("a/root.login.tests.jsonl".as_ref()));
    assert!(!is_test_file("a/tests.jsonl".as_ref()));
    assert!(!is_test_file("a/root.jsonl".as_ref()));
}

#[test]
fn files_beside_rules_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rules.hcl");
    std::fs::write(&path, &RULES[..RULES.find("detection \"second\"").unwrap()]).unwrap();
    std::fs::write(tests_path(&path), r#"{"name":"x","expect":true,"event":{}}"#).unwrap();
    let mut diagnostics = Diagnostics::new();
    let kinds = [crate::DETECTION];
    let environment = egret_config::Environment::default();
    let configuration = egret_config::Configuration::load(&[&path], &kinds, &environment, &mut diagnostics);
    let mut definitions: Vec<DetectionDefinition> = configuration
        .blocks
        .iter()
        .filter_map(|block| egret_config::decode_block(block, &mut diagnostics))
        .collect();
    attach_tests_beside(&mut definitions, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    assert_eq!(definitions[0].tests.len(), 1);
}
