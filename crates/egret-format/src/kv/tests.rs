//! Tests of `kv`: lines and what they become, odd ones, and configuration.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::block::Block;
use crate::registry::formats_of;
use crate::testing::{decode, plan};

fn firewall() -> KeyValueFormat {
    KeyValueFormat { pair_separator: ";".into(), kv_separator: ":".into(), ..KeyValueFormat::default() }
}

#[test]
fn pairs_become_fields() {
    let logfmt = KeyValueFormat::default();
    for (format, line, expected) in [
        (&logfmt, "level=info msg=\"it works\" n=1", json!({"level": "info", "msg": "it works", "n": "1"})),
        (&logfmt, "  a=1 \t b=2  ", json!({"a": "1", "b": "2"})),
        (&logfmt, "a= b=\"\" debug c=x", json!({"a": "", "b": "", "debug": "true", "c": "x"})),
        (&logfmt, "url=/?q=1&r=2 x=a\"b", json!({"url": "/?q=1&r=2", "x": "a\"b"})),
        (&logfmt, r#"a="q \" b\\ \n \u0041 \z é" b=1"#, json!({"a": "q \" b\\ \n A \\z é", "b": "1"})),
        (&logfmt, "a=1 a=2 a=3 a_2=x", json!({"a": "1", "a_2": "2", "a_3": "3", "a_2_2": "x"})),
        (&logfmt, "a_2=x a=1 a=2", json!({"a_2": "x", "a": "1", "a_3": "2"})),
        (
            &logfmt,
            "a_2=x a=1 a=2 a_2=y a=3",
            json!({"a_2": "x", "a": "1", "a_3": "2", "a_2_2": "y", "a_4": "3"}),
        ),
        (&logfmt, "a=\"x\"y b=1", json!({"a": "\"x\"y", "b": "1"})),
        (&logfmt, "a=1 b=\"cut off he", json!({"a": "1", "b": "\"cut off he"})),
        (&logfmt, "a=1 b=\"cut off \\", json!({"a": "1", "b": "\"cut off \\"})),
        (&logfmt, "\"a key\"=1 =2", json!({"a key": "1", "=2": "true"})),
        (
            &firewall(),
            "src: 10.0.0.1 ;dst:\"a;b\" ; t:12:30;;",
            json!({"src": "10.0.0.1", "dst": "a;b", "t": "12:30"}),
        ),
        (&firewall(), "name : x y ; flag", json!({"name": "x y", "flag": "true"})),
    ] {
        let outcome = decode(format, &plan(""), line);
        assert_eq!(outcome.extras(), [expected], "{line}: {:?}", outcome.reasons());
    }
}

#[test]
fn what_has_no_pair_goes_to_quarantine() {
    let outcome =
        decode(&KeyValueFormat::default(), &plan("a integer"), "\u{feff}a=1\r\nhello world\n\na=2\n\0\0");
    assert_eq!(outcome.rows, [json!({"a": 1}), json!({"a": 2})]);
    assert_eq!(outcome.reasons()[0], "no pair `key=value` in the line");
    let many: String = (0..5_000).map(|n| format!("k{n}=1 ")).collect();
    assert_eq!(
        decode(&KeyValueFormat::default(), &plan(""), many).reasons(),
        ["more than 4096 pairs in a line"]
    );
}

#[test]
fn invalid_text_keeps_its_bytes() {
    let outcome = decode(&KeyValueFormat::default(), &plan("a varchar"), b"a=x\xffy b=1\na=2");
    assert_eq!(
        outcome.rows[0],
        json!({"a": "x\u{fffd}y", "extra": {"b": "1", "_invalid_utf8": "YT14/3kgYj0x"}})
    );
    assert_eq!(outcome.rows[1], json!({"a": "2"}));
}

#[test]
fn a_key_of_a_thousand_times_is_no_trouble() {
    let outcome = decode(&KeyValueFormat::default(), &plan(""), "a=1 ".repeat(4_000));
    assert_eq!(outcome.extras()[0].as_object().unwrap().len(), 4_000);
}

#[test]
fn longer_names_that_are_taken_are_passed_once() {
    let taken: String = (2..2_048).map(|n| format!("a_{n}=1 ")).collect();
    let line = taken + &"a=1 ".repeat(2_000);
    let (format, plan) = (KeyValueFormat::default(), plan(""));
    let mut parser = KeyValueParser { format, plan: plan.clone(), line: 0, keys: HashMap::new() };
    let block = Block::new(line.clone().into_bytes(), 0, true);
    let mut rows = RowBuilder::new(&plan, &block, 0);
    parser.parse(&line, &mut rows).unwrap();
    assert_eq!(parser.keys.len(), 4_046);
    assert_eq!(parser.keys["a"].times, 4_046, "the next one need not try them all");
}

#[test]
fn mistakes_have_hints() {
    for (attribute, message) in [
        ("pair_separator = \"\"", "is empty"),
        ("pair_separator = \"=\"", "are the same"),
        ("quote = \"''\"", "one ASCII character"),
        ("escape = \"é\"", "one ASCII character"),
    ] {
        let (formats, diagnostics) = formats_of(&format!("format \"kv\" \"x\" {{ {attribute} }}\n"));
        assert!(formats[0].is_none());
        let mistake = diagnostics.iter().next().unwrap();
        assert!(mistake.message.contains(message) && mistake.hint.is_some(), "{}", mistake.message);
    }
}

fn render(value: &str) -> String {
    if value.is_empty() || value.contains([' ', '\t', '"', '\\', '\n']) {
        return format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
    }
    value.to_owned()
}

proptest! {
    #[test]
    fn rendered_pairs_come_back(pairs in proptest::collection::btree_map("[a-z][a-z0-9.]{0,8}", "[^\r\\x00]{0,20}", 1..8)) {
        let line: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", render(value))).collect();
        let outcome = decode(&KeyValueFormat::default(), &plan(""), line.join(" "));
        let expected: Value = pairs.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        prop_assert_eq!(outcome.extras(), [expected]);
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a=\" \\\\é;:\n]{0,40}") {
        decode(&KeyValueFormat::default(), &plan("a varchar"), &bytes);
        decode(&KeyValueFormat::default(), &plan("a varchar"), &text);
        decode(&firewall(), &plan("a varchar"), text.replace('=', ":"));
        let doubling = KeyValueFormat { escape: Some(b'"'), ..KeyValueFormat::default() };
        decode(&doubling, &plan("a varchar"), text);
    }
}
