//! Tests of `regex`: lines and what they become, odd ones, and configuration.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::registry::formats_of;
use crate::testing::{decode, plan};

fn format(layout: &str) -> RegexFormat {
    layout.parse().unwrap()
}

#[test]
fn named_groups_become_fields() {
    let apache = r"^(?P<host>\S+) \[(?<time>[^\]]+)\] (?:user=(?P<user>\w+) )?(?P<message>.*)$";
    for (layout, line, expected) in [
        (apache, "h [t] user=u m n", json!({"host": "h", "time": "t", "user": "u", "message": "m n"})),
        (apache, "h [t] m", json!({"host": "h", "time": "t", "message": "m"})),
        (apache, "h [t] ", json!({"host": "h", "time": "t", "message": ""})),
        (r"(?P<number>\d+)", "a 12 b 13", json!({"number": "12", "_before": "a ", "_after": " b 13"})),
        (r"^(?P<a>.)(.)(?P<b>.)$", "xÿz", json!({"a": "x", "b": "z"})),
    ] {
        assert_eq!(decode(&format(layout), &plan(""), line).extras(), [expected], "{layout}");
    }
}

#[test]
fn a_line_without_a_match_goes_to_quarantine() {
    let outcome = decode(&format(r"^(?P<n>\d+)$"), &plan("n integer"), "1\nx\r\n\n2\r\n\0\0\n3");
    assert_eq!(outcome.rows, [json!({"n": 1}), json!({"n": 2}), json!({"n": 3})]);
    assert_eq!(
        outcome.reasons(),
        ["the line does not match the layout", "a line of NUL bytes: the writer or its machine crashed here"]
    );
}

#[test]
fn mistakes_point_into_the_layout() {
    for (layout, marked, message) in [
        (r"`^(?P<a>\d+) (?P<b>[z-a])$`", "z-a", "invalid character class range"),
        (r"`^(?P<a>\d+) (?=x)`", "(?=", "look-around"),
        (r"`^(?P<a>\d+`", "(", "unclosed group"),
        (r"`^(?P<a>\pX)`", "\\pX", "nicode property"),
        (r"`^\d+ (.*)$`", r"^\d+ (.*)$", "no named group"),
        (r"`(?P<a>(\w{1000}){1000})`", r"(?P<a>(\w{1000}){1000})", "size limit"),
    ] {
        let (formats, diagnostics) =
            formats_of(&format!("format \"regex\" \"x\" {{\n  layout = {layout}\n}}\n"));
        assert!(formats[0].is_none());
        let mistake = diagnostics.iter().next().unwrap();
        assert!(mistake.message.contains(message), "{}", mistake.message);
        assert!(!mistake.message.ends_with('.') && mistake.hint.is_some());
        assert_eq!(mistake.location.as_ref().unwrap().text(), marked, "{layout}");
    }
}

#[test]
fn fields_are_known_before_any_data() {
    assert_eq!(format(r"(?P<a>.)(x)(?P<b>.)").fields().unwrap(), ["a", "b"]);
}

proptest! {
    #[test]
    fn rendered_fields_come_back(a in "[^ \r\n\\x00]{1,20}", b in proptest::option::of("[a-z]{1,9}"), c in "[^\r\n]{0,40}") {
        let line = format!("{a} {}{c}", b.as_ref().map_or(String::new(), |b| format!("<{b}> ")));
        prop_assume!(b.is_some() || !c.starts_with('<'));
        let outcome = decode(&format(r"^(?P<a>\S+) (?:<(?P<b>\w+)> )?(?P<c>.*)$"), &plan(""), &line);
        prop_assume!(!a.contains(char::is_whitespace) && !a.starts_with('\u{feff}'));
        let mut expected = json!({"a": a});
        if let Some(b) = b {
            expected["b"] = json!(b);
        }
        expected["c"] = json!(c);
        prop_assert_eq!(outcome.extras(), [expected]);
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        decode(&format(r"^(?P<a>\S+)(?P<b> \d+)?"), &plan("a varchar"), bytes);
    }
}
