//! Tests of `delimited`: lines and what they become, odd ones, and configuration.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::block::{Block, MAX_RECORD_BYTES};
use crate::registry::formats_of;
use crate::rows::RowBuilder;
use crate::testing::{decode, decode_after, plan};

fn csv() -> DelimitedFormat {
    DelimitedFormat::default()
}

#[test]
fn records_become_rows() {
    let columns = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let with = |columns, header| DelimitedFormat { columns, header, ..csv() };
    for (format, text, expected) in [
        (csv(), "a,b\n1,x y\n2,\"p,q\"", vec![json!({"a": "1", "b": "x y"}), json!({"a": "2", "b": "p,q"})]),
        (
            csv(),
            "a,b\r\n1,\"l1\nl2 \"\"q\"\"\"\r\n\r\n2,\r\n",
            vec![json!({"a": "1", "b": "l1\nl2 \"q\""}), json!({"a": "2"})],
        ),
        (
            csv(),
            "\u{feff} a ,,a,a\n1,2,3,4\n",
            vec![json!({"a": "1", "column1": "2", "a_1": "3", "a_2": "4"})],
        ),
        (
            with(None, false),
            "1,2\n3\n",
            vec![json!({"column0": "1", "column1": "2"}), json!({"column0": "3"})],
        ),
        (with(columns(&["x", "y"]), false), "1,2\n", vec![json!({"x": "1", "y": "2"})]),
        (with(columns(&["x", "y"]), true), "a,b\n1,2\n", vec![json!({"x": "1", "y": "2"})]),
        (
            DelimitedFormat { delimiter: b'\t', quote: None, comment: Some(b'#'), ..csv() },
            "# c\na\tb\n#x\n1\t\"q\n",
            vec![json!({"a": "1", "b": "\"q"})],
        ),
        (DelimitedFormat { escape: Some(b'\\'), ..csv() }, "a\n\"x\\\"y\"\n", vec![json!({"a": "x\"y"})]),
        (DelimitedFormat { null_padding: true, ..csv() }, "a,b\n1\n", vec![json!({"a": "1"})]),
        (
            DelimitedFormat { null_texts: vec!["-".into(), "NULL".into()], normalize_names: true, ..csv() },
            "A b,2c,D\n-,NULL,\n",
            vec![json!({"d": ""})],
        ),
        (csv(), "a,b\n\"\",\"\"\n", vec![Value::Null]),
    ] {
        let outcome = decode(&format, &plan(""), text);
        assert_eq!(outcome.extras(), expected, "{text:?} {:?}", outcome.reasons());
        assert_eq!(outcome.quarantined, []);
    }
}

#[test]
fn a_record_of_the_wrong_length_goes_to_quarantine() {
    let outcome = decode(&csv(), &plan("a integer, b varchar"), "a,b\n1,x\n2\n3,y,z\n\0\0\0\n4,w\n");
    assert_eq!(outcome.rows, [json!({"a": 1, "b": "x"}), json!({"a": 4, "b": "w"})]);
    assert_eq!(outcome.reasons()[..2], ["expected 2 values, found 1", "expected 2 values, found 3"]);
    assert!(outcome.reasons()[2].contains("NUL"));
    assert_eq!(outcome.quarantined[1].raw.as_deref(), Some(&b"3,y,z"[..]));
    assert_eq!((outcome.spans[1].offset, outcome.spans[1].length), (20, 3));
}

#[test]
fn an_open_quote_costs_its_own_line_only() {
    let outcome = decode(&csv(), &plan("a integer, b varchar"), "a,b\n1,x\n2,\"y\n3,z\n4,w");
    assert_eq!(outcome.rows.len(), 3);
    assert_eq!(outcome.reasons(), ["a quote that is never closed"]);
    assert_eq!(outcome.quarantined[0].raw.as_deref(), Some(&b"2,\"y"[..]));

    let short = DelimitedFormat { max_record_bytes: 20, ..csv() };
    let long = "x".repeat(50);
    let text = format!("a,b\n1,\"y\n2,{long}\r\n3,\"{long}\n4,{}\n5,z\n", "x".repeat(18));
    let outcome = decode(&short, &plan("a integer, b varchar"), text);
    assert_eq!(outcome.rows, [json!({"a": 5, "b": "z"})]);
    let lengths: Vec<u64> = outcome.quarantined.iter().map(|quarantined| quarantined.length).collect();
    assert_eq!(lengths, [4, 21, 21, 10, 21, 21, 11, 20]);
}

#[test]
fn a_comment_without_end_is_passed_over() {
    let format = DelimitedFormat { comment: Some(b'#'), ..csv() };
    let plan = plan("a integer");
    let mut decoder = format.decoder(&plan, &crate::testing::object());
    let mut bytes = b"a\n1\n\n#".to_vec();
    bytes.resize(MAX_RECORD_BYTES + 100, b',');
    bytes.extend(b"\n2\n");
    let (mut at, mut rows_found) = (0, 0);
    for _ in 0..4 {
        let to = bytes.len().min(at + MAX_RECORD_BYTES);
        let block = Block::new(bytes[at..to].to_vec(), at as u64, to == bytes.len());
        let mut rows = RowBuilder::new(&plan, &block, 0);
        at += decoder.decode(&block, &mut rows);
        let decoded = rows.finish();
        assert_eq!(decoded.quarantined, []);
        rows_found += decoded.spans.len();
    }
    assert_eq!((at, rows_found), (bytes.len(), 2));

    let short = DelimitedFormat { max_record_bytes: 5, ..format };
    let outcome =
        decode(&short, &plan, "#,,,,,,,,,,,,\na\n1\n#,,,,,,,,,,,,,,,,,,,,\n\n#,\n2\n#,,,,,,,,,,,,,,,,");
    assert_eq!(outcome.rows, [json!({"a": 1}), json!({"a": 2})], "{:?}", outcome.reasons());
}

#[test]
fn a_broken_header_spoils_all() {
    let outcome = decode(&csv(), &plan(""), "a,\"b\n1,2\n");
    assert_eq!(outcome.reasons(), ["a quote that is never closed", "expected 0 values, found 2"]);
}

#[test]
fn what_is_stored_already_still_has_its_header_read() {
    let outcome = decode_after(&csv(), &plan("a integer"), "a\n1\n2\n3\n", 4);
    assert_eq!(outcome.rows, [json!({"a": 2}), json!({"a": 3})]);
    assert_eq!(csv().framing(), Framing::Stateful);
    assert_eq!(DelimitedFormat { header: false, ..csv() }.framing(), Framing::Lines);
}

#[test]
fn invalid_text_keeps_its_bytes() {
    let outcome = decode(&csv(), &plan("a varchar"), b"a,b\nx\xff,1\ny,2\n");
    assert_eq!(outcome.rows[0], json!({"a": "x\u{fffd}", "extra": {"b": "1", "_invalid_utf8": "eP8sMQ=="}}));
    assert_eq!(outcome.rows[1], json!({"a": "y", "extra": {"b": "2"}}));
}

#[test]
fn configuration_is_checked() {
    let configured =
        |attributes: &str| formats_of(&format!("format \"delimited\" \"x\" {{\n{attributes}\n}}\n"));
    let (formats, diagnostics) = configured(
        "delimiter = \"\\\\t\"\nquote = \"'\"\nescape = \"'\"\ncolumns = [\"a\", \"b\"]\nnull_str = [\"\", \"-\"]
         sample_size = 10\nall_varchar = true\nmax_line_size = 100\ntimestamp_format = \"%d\"",
    );
    assert_eq!(formats[0].as_ref().unwrap().fields().unwrap(), ["a", "b"]);
    let messages: Vec<&str> = diagnostics.iter().map(|warning| warning.message.as_str()).collect();
    assert_eq!(messages, ["`timestamp_format` has no effect"]);
    assert!(!diagnostics.has_errors());
    for (attributes, message) in [
        ("delimiter = \"::\"", "one ASCII character"),
        ("delimiter = \"\\\"\"", "must differ"),
        ("delimiter = \"\\n\"", "must differ"),
        ("columns = [\"a\", \"a\"]", "twice"),
        ("columns = []", "is empty"),
        ("max_line_size = 0", "out of range"),
        ("null_str = 5", "expected a string or a list"),
        ("header = 1", "expected true or false"),
    ] {
        let (formats, diagnostics) = configured(attributes);
        assert!(formats[0].is_none(), "{attributes}");
        let mistake = diagnostics.iter().next().unwrap();
        assert!(mistake.message.contains(message), "{}", mistake.message);
    }
}

fn render(value: &str, always: bool) -> String {
    if always || value.is_empty() || value.contains([',', '"', '\n', '\r', '\u{feff}']) {
        return format!("\"{}\"", value.replace('"', "\"\""));
    }
    value.to_owned()
}

proptest! {
    #[test]
    fn rendered_records_come_back(
        records in proptest::collection::vec(("[^\\x00]{1,12}", "[a-z,\"\n\r é]{1,8}", "\\PC{1,9}"), 0..8),
        always in any::<bool>(),
        end in "\r?\n",
    ) {
        let mut text = format!("a,b,c{end}");
        let mut expected = vec![];
        for (a, b, c) in &records {
            text.push_str(&format!("{},{},{}{end}", render(a, always), render(b, always), render(c, always)));
            expected.push(json!({"a": a, "b": b, "c": c}));
        }
        let outcome = decode(&csv(), &plan(""), text);
        prop_assert_eq!(outcome.extras(), expected);
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[a,\"\\\\#\n\ré]{0,60}") {
        let odd = DelimitedFormat { escape: Some(b'\\'), comment: Some(b'#'), max_record_bytes: 10, ..csv() };
        for format in [csv(), DelimitedFormat { header: false, ..csv() }, odd] {
            decode(&format, &plan("a varchar"), &bytes);
            decode(&format, &plan("a varchar"), &text);
        }
    }
}
