//! What becomes of JSON: records found in documents, values put into columns, and what is odd.

mod places;

use std::sync::Arc;

use serde_json::{Value, json};

use super::{JsonFormat, JsonLinesFormat};
use crate::block::{Block, MAX_RECORD_BYTES};
use crate::decoder::Format;
use crate::plan::{PlanColumn, RecordPlan};
use crate::rows::RowBuilder;
use crate::testing::{decode, decode_after, object, plan, plan_in};

fn documents(path: &str) -> JsonFormat {
    path.parse().unwrap()
}

#[test]
fn records_are_found_wherever_the_path_leads() {
    let cases = [
        ("", r#"{"a":1}"#, vec![json!({"a": 1})]),
        ("", "{\"a\":1}\n{\"a\":2} {\"a\":3}", vec![json!({"a": 1}), json!({"a": 2}), json!({"a": 3})]),
        ("", r#"[{"a":1},{"a":2}]"#, vec![json!({"a": 1}), json!({"a": 2})]),
        ("", r#"[{"a":1}][{"a":2}]"#, vec![json!({"a": 1}), json!({"a": 2})]),
        ("[*]", r#" [ {"a":1} , {"a":2} ] "#, vec![json!({"a": 1}), json!({"a": 2})]),
        ("$[*]", r#"[{"a":1}]"#, vec![json!({"a": 1})]),
        ("Records[*]", r#"{"Records":[{"a":1},{"a":2}]}"#, vec![json!({"a": 1}), json!({"a": 2})]),
        ("Records[*]", r#"{"next":{"Records":[0]},"Records":[{"a":1}],"n":12}"#, vec![json!({"a": 1})]),
        (
            "Records[*]",
            r#"{"Records":[{"a":1}]}{"Records":[{"a":2}]}"#,
            vec![json!({"a": 1}), json!({"a": 2})],
        ),
        ("Records[*]", r#"{"Records":[]}"#, vec![]),
        ("Records[*]", "{}", vec![]),
        ("data.events[*]", r#"{"data":{"x":1,"events":[{"a":1}]}}"#, vec![json!({"a": 1})]),
        ("data", r#"{"data":{"a":1}}"#, vec![json!({"a": 1})]),
        (
            "a[*].b[*]",
            r#"{"a":[{"b":[{"c":1}]},{"b":[{"c":2},{"c":3}]}]}"#,
            vec![json!({"c": 1}), json!({"c": 2}), json!({"c": 3})],
        ),
        ("[*][*]", r#"[[{"a":1}],[],[{"a":2}]]"#, vec![json!({"a": 1}), json!({"a": 2})]),
        ("", "\u{feff}{\"a\":1}", vec![json!({"a": 1})]),
        ("", " \r\n\t", vec![]),
    ];
    for (path, document, expected) in cases {
        let outcome = decode(&documents(path), &plan(""), document);
        assert_eq!(outcome.extras(), expected, "{path:?} in {document}");
        assert_eq!(outcome.reasons(), Vec::<&str>::new(), "{path:?} in {document}");
    }
}

#[test]
fn what_is_no_record_is_quarantined_and_the_others_are_read() {
    let cases = [
        (
            "",
            r#"[{"a":1},2,{"a":3}]"#,
            vec![json!({"a": 1}), json!({"a": 3})],
            vec!["expected a JSON object, found a number"],
        ),
        (
            "",
            r#""text" null [true,"x",[1]]"#,
            vec![],
            vec![
                "expected a JSON object, found a string",
                "expected a JSON object, found null",
                "expected a JSON object, found true or false",
                "expected a JSON object, found a string",
                "expected a JSON object, found an array",
            ],
        ),
        (
            "Records[*]",
            r#"{"Records":{"a":1}} {"Records":[{"a":2}]}"#,
            vec![json!({"a": 2})],
            vec!["expected an array here, on the way to the records"],
        ),
        (
            "a.b[*]",
            r#"{"a":[1]} {"a":{"b":[{"c":1}]}}"#,
            vec![json!({"c": 1})],
            vec!["expected an object here, on the way to the records"],
        ),
    ];
    for (path, document, rows, reasons) in cases {
        let outcome = decode(&documents(path), &plan(""), document);
        assert_eq!(outcome.extras(), rows, "{path:?} in {document}");
        assert_eq!(outcome.reasons(), reasons, "{path:?} in {document}");
    }
}

#[test]
fn a_document_that_breaks_off_keeps_its_records_and_says_so() {
    let cases = [
        (r#"{"Records":[{"a":1},{"a":"#, "the document ends in the middle of a value"),
        (r#"{"Records":[{"a":1},{"a":2"#, "the document ends in the middle of a value"),
        (r#"{"Records":[{"a":1},{"a" 2}]}"#, "not valid JSON: expected `:` at byte 5"),
        (r#"{"Records":[{"a":1},nope]}"#, "not valid JSON: expected ident at byte 1"),
    ];
    for (document, reason) in cases {
        // The rest of a broken document is quarantined block by block: here it is one.
        let outcome = decode_after(&documents("Records[*]"), &plan(""), document, 0);
        assert_eq!(outcome.extras(), [json!({"a": 1})], "{document}");
        assert_eq!(outcome.reasons().first(), Some(&reason), "{document}");
    }
}

#[test]
fn a_path_that_names_no_place_is_refused() {
    for path in ["a..b", "a[0]", "a[*", "a]", "a[*]b", "[].x"] {
        assert!(path.parse::<JsonFormat>().is_err(), "{path}");
    }
}

#[test]
fn records_stored_already_are_passed_over() {
    let document = r#"{"Records":[{"a":1},{"a":2},{"a":3}]}"#;
    let second = document.find(r#"{"a":2}"#).unwrap() as u64;
    let outcome = decode_after(&documents("Records[*]"), &plan(""), document, second);
    assert_eq!(outcome.extras(), [json!({"a": 2}), json!({"a": 3})]);
    assert_eq!(outcome.spans[0].offset, second);
}

#[test]
fn bytes_that_are_no_text_are_kept_beside_the_row() {
    let outcome = decode(&documents("[*]"), &plan("a varchar"), b"[{\"a\":\"x\xffy\"},{\"a\":\"z\"}]");
    assert_eq!(outcome.rows[0]["a"], "x?y");
    assert_eq!(outcome.rows[0]["extra"], json!({"_invalid_utf8": "eyJhIjoieP95In0="}));
    assert_eq!(outcome.rows[1], json!({"a": "z"}));

    let outcome = decode(&JsonLinesFormat, &plan("a varchar"), b"{\"a\":\"x\xffy\"}\n{\"a\":\"z\"}\n");
    assert_eq!(outcome.rows[0]["a"], "x\u{fffd}y");
    assert_eq!(outcome.rows[0]["extra"], json!({"_invalid_utf8": "eyJhIjoieP95In0="}));
    assert_eq!(outcome.rows[1], json!({"a": "z"}));
}

#[test]
fn a_line_is_one_object() {
    let lines = "{\"a\":1}\r\n\n{\"a\":2} {\"a\":3}\n[1]\n{\"a\":\n\0\0\n{\"a\":4}";
    let outcome = decode(&JsonLinesFormat, &plan(""), lines);
    assert_eq!(outcome.extras(), [json!({"a": 1}), json!({"a": 4})]);
    assert_eq!(
        outcome.reasons(),
        [
            "not valid JSON: more than one value, the second one at byte 7",
            "expected a JSON object, found an array",
            "not valid JSON: EOF while parsing a value at byte 5",
            "a line of NUL bytes: the writer or its machine crashed here",
        ]
    );
    assert_eq!(outcome.quarantined[0].raw.as_deref(), Some(&b"{\"a\":2} {\"a\":3}"[..]));
}

#[test]
fn a_value_that_would_fill_the_memory_is_quarantined() {
    let mut bytes = b"[\"".to_vec();
    bytes.resize(MAX_RECORD_BYTES, b'x');
    for (format, reason) in [
        (&documents("[*]") as &dyn Format, "a value longer than 64 MiB"),
        (&JsonLinesFormat, "part of a line that is longer than 64 MiB or was stored before it was whole"),
    ] {
        let plan = plan("");
        let mut decoder = format.decoder(&plan, &object());
        // The opening bracket is done with; what follows is a block of its own.
        let block = Block::new(bytes.clone(), 0, false);
        let mut rows = RowBuilder::new(&plan, &block, 0);
        let used = decoder.decode(&block, &mut rows);
        let rest = [&bytes[used..], b"xxxx"].concat();
        let block = Block::new(rest, used as u64, false);
        let mut more = RowBuilder::new(&plan, &block, 0);
        decoder.decode(&block, &mut more);
        let quarantined = [rows.finish().quarantined, more.finish().quarantined].concat();
        assert_eq!(quarantined[0].reason, reason);
    }
}

/// What a column of a type makes of a value: the column, and what `extra` keeps of the value.
#[test]
fn a_value_is_in_its_column_or_in_extra_as_it_was() {
    let null = Value::Null;
    let cases = [
        // A value that the column gives back.
        ("varchar", r#""a""#, json!("a"), null.clone()),
        ("varchar", r#""é\n""#, json!("é\n"), null.clone()),
        ("varchar", r#""""#, json!(""), null.clone()),
        ("boolean", "true", json!(true), null.clone()),
        ("tinyint", "-128", json!(-128), null.clone()),
        ("bigint", "9223372036854775807", json!(i64::MAX), null.clone()),
        ("ubigint", "18446744073709551615", json!(u64::MAX), null.clone()),
        ("double", "1.5", json!(1.5), null.clone()),
        ("double", "12", json!(12.0), null.clone()),
        ("double", "1.0", json!(1.0), null.clone()),
        ("double", "-0.25", json!(-0.25), null.clone()),
        ("double", "0.1234567890123456", json!(0.123_456_789_012_345_6), null.clone()),
        ("double", "9007199254740992", json!(9_007_199_254_740_992.0), null.clone()),
        ("float", "0.1", json!(0.1), null.clone()),
        ("float", "16777216", json!(16_777_216.0), null.clone()),
        ("timestamp", r#""2024-05-01T10:00:00Z""#, json!("2024-05-01T10:00:00"), null.clone()),
        ("timestamp", r#""2024-05-01T10:00:00.123Z""#, json!("2024-05-01T10:00:00.123"), null.clone()),
        ("date", r#""2024-05-01""#, json!("2024-05-01"), null.clone()),
        ("json", r#"{"b": [1, 2]}"#, json!(r#"{"b": [1, 2]}"#), null.clone()),
        ("json", r#""a\"b""#, json!(r#""a\"b""#), null.clone()),
        ("varchar[]", r#"["a", null, "b"]"#, json!(["a", null, "b"]), null.clone()),
        ("bigint[]", "[1, 2]", json!([1, 2]), null.clone()),
        ("varchar[]", "[]", json!([]), null.clone()),
        // One that it holds, written in another way.
        ("varchar", "12", json!("12"), json!(12)),
        ("varchar", r#"{"b":1}"#, json!(r#"{"b":1}"#), json!({"b": 1})),
        ("boolean", r#""yes""#, json!(true), json!("yes")),
        ("bigint", r#""12""#, json!(12), json!("12")),
        (
            "timestamp",
            r#""2024-05-01 12:00:00+02:00""#,
            json!("2024-05-01T10:00:00"),
            json!("2024-05-01 12:00:00+02:00"),
        ),
        ("timestamp", "1714557600", json!("2024-05-01T10:00:00"), json!(1_714_557_600)),
        ("bigint", r#""2024-05-01T10:00:00Z""#, json!(1_714_557_600_000_i64), json!("2024-05-01T10:00:00Z")),
        ("varchar[]", r#""a""#, json!(["a"]), json!("a")),
        ("bigint[]", r#"[1, "x"]"#, json!([1, null]), json!([1, "x"])),
        ("double", "1.50", json!(1.5), json!(1.5)),
        ("double", "1e3", json!(1_000.0), json!(1e3)),
        ("double", "9007199254740993", json!(9_007_199_254_740_992.0), json!(9_007_199_254_740_993_i64)),
        (
            "double",
            "0.12345678901234567890123",
            json!(0.123_456_789_012_345_68),
            json!(0.123_456_789_012_345_68),
        ),
        ("float", "16777217", json!(16_777_216.0), json!(16_777_217)),
        ("float", "0.123456789", json!(0.123_456_79), json!(0.123_456_789)),
        // One that it cannot hold.
        ("tinyint", "128", null.clone(), json!(128)),
        ("bigint", "1.5", null.clone(), json!(1.5)),
        ("ubigint", "-1", null.clone(), json!(-1)),
        ("boolean", r#""perhaps""#, null.clone(), json!("perhaps")),
        ("timestamp", r#""soon""#, null.clone(), json!("soon")),
        ("date", "true", null.clone(), json!(true)),
        // Null stands in `extra`, so that it can be told from a field that is missing.
        ("varchar", "null", null.clone(), Value::Null),
    ];
    for (column_type, written, column, kept) in cases {
        let line = format!(r#"{{"a":{written}}}"#);
        let outcome = decode(&JsonLinesFormat, &plan(&format!("a {column_type}")), &line);
        let row = &outcome.rows[0];
        assert_eq!(row.get("a").cloned().unwrap_or_default(), column, "{written} as {column_type}");
        let extra = row.get("extra").and_then(|extra| extra.get("a")).cloned();
        let expected = (!kept.is_null() || written == "null").then_some(kept);
        assert_eq!(extra, expected, "what is kept of {written} as {column_type}");
        let misfit = column.is_null() && written != "null";
        assert_eq!(outcome.misfits, u64::from(misfit), "{written} as {column_type}");
    }
}

#[test]
fn a_field_that_comes_twice_is_kept_twice() {
    let outcome = decode(&JsonLinesFormat, &plan("a varchar"), r#"{"a":"1","a":"2"}"#);
    assert_eq!(outcome.rows, [json!({"a": "1", "extra": {"a": "2"}})]);
}

#[test]
fn a_struct_takes_the_spellings_of_vendors_and_leaves_the_rest_in_extra() {
    let plan = plan("user_identity struct(user_name varchar, inner struct(mfa boolean))");
    let lines = r#"{"user_identity":{"userName":"ann","Inner":{"mfa":true,"x":1},"type":"T"}}
{"user_identity":{}}
{"user_identity":"text"}
{}"#;
    let outcome = decode(&JsonLinesFormat, &plan, lines);
    assert_eq!(
        outcome.rows,
        [
            json!({
                "user_identity": {"user_name": "ann", "inner": {"mfa": true}},
                "extra": {"user_identity": {"Inner": {"x": 1}, "type": "T"}},
            }),
            json!({"user_identity": {}}),
            json!({"extra": {"user_identity": "text"}}),
            json!({}),
        ]
    );
}

#[test]
fn deep_nesting_is_kept_as_it_is_or_refused_but_never_too_deep_for_the_stack() {
    for (depth, rows) in [(150, 1), (100_000, 0)] {
        let line = format!(r#"{{"a":{}1{}}}"#, r#"{"b":"#.repeat(depth), "}".repeat(depth));
        let outcome = decode_after(&JsonLinesFormat, &plan("a json"), &line, 0);
        assert_eq!((outcome.rows.len(), outcome.quarantined.len()), (rows, 1 - rows), "{depth} deep");
    }
}

/// RFC 8259 allows a lone surrogate in a string: who writes one must not hide a record, or those behind it.
#[test]
fn a_lone_surrogate_hides_no_record() {
    let record = r#"{"a":"\ud800 evil","b":"\udc00","c":{"d":"\ud83d\ude00 \ud83d","e":1},"n":[1,"\ud800"]}"#;
    let expected = json!({
        "a": "\u{fffd} evil",
        "c": {"d": "\u{1f600} \u{fffd}"},
        "n": ["1", "\u{fffd}"],
        "extra": {
            "a": r"\ud800 evil",
            "b": r"\udc00",
            "c": {"d": r"\ud83d\ude00 \ud83d", "e": 1},
            "n": r#"[1,"\ud800"]"#,
        },
    });
    let plan = plan("a varchar, c struct(d varchar), n varchar[]");
    let behind = r#"{"a":"behind"}"#;
    let document = format!(
        r#"{{"x":"\ud800","\udc00":1,"y":{{"\ud800":[]}},"Records":[{{"a":"before"}},{record},{behind}],"z":"\ud800"}}"#
    );
    let outcome = decode(&documents("Records[*]"), &plan, &document);
    assert_eq!(outcome.rows, [json!({"a": "before"}), expected.clone(), json!({"a": "behind"})]);
    assert_eq!(outcome.reasons(), Vec::<&str>::new());
    assert_eq!(u64::from(outcome.spans[1].length), record.len() as u64);
    let stored = document.find(behind).unwrap() as u64;
    let later = decode_after(&documents("Records[*]"), &plan, &document, stored);
    assert_eq!(later.rows, [json!({"a": "behind"})], "also when it is stored already");

    let outcome = decode(&JsonLinesFormat, &plan, format!("{record} \n{behind}\n{record} 1\n"));
    assert_eq!(outcome.rows, [expected, json!({"a": "behind"})]);
    let reason = format!("not valid JSON: more than one value, the second one at byte {}", record.len());
    assert_eq!(outcome.reasons(), [reason]);
}

/// Where `extra` keeps what was mended, or a name was, the whole record is kept beside it.
#[test]
fn a_lone_surrogate_is_never_lost() {
    let record = r#"{"\ud800":{"b":"\ud800"}}"#;
    let outcome = decode(&JsonLinesFormat, &plan("a varchar"), record);
    let original = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, record);
    let expected = json!({"\u{fffd}": {"b": "\u{fffd}"}, "_invalid_utf8": original});
    assert_eq!(outcome.extras(), [expected]);
}

#[test]
fn a_record_that_is_no_json_costs_itself_only() {
    for bad in [
        r#"{"a":"\x"}"#,
        r#"{"a":"\ud800\x"}"#,
        r#"{"a" 2}"#,
        r#"{"a":[{"b":tru}]}"#,
        "NaN",
        r#""\q""#,
        "[\"\t\"]",
    ] {
        for (path, document) in [
            ("Records[*]", format!(r#"{{"Records":[{{"a":1}},{bad} ,{{"a":2}}]}}"#)),
            ("", format!(r#"[{{"a":1}},{bad},{{"a":2}}]"#)),
        ] {
            let outcome = decode(&documents(path), &plan(""), &document);
            assert_eq!(outcome.extras(), [json!({"a": 1}), json!({"a": 2})], "{document}");
            assert_eq!(outcome.quarantined[0].raw.as_deref(), Some(bad.as_bytes()), "{document}");
            assert_eq!(outcome.quarantined.len(), 1, "{document}");
        }
    }
    let deep = format!(r#"[{{"a":1}},{}{},{{"a":2}}]"#, "[".repeat(1_000), "]".repeat(1_000));
    assert_eq!(decode_after(&documents(""), &plan(""), deep, 0).rows.len(), 2);
}

#[test]
fn fields_inside_an_object_that_a_column_takes_whole_are_as_written() {
    let columns = [("whole", "a", "json"), ("big", "a.big", "varchar"), ("twice", "a.b.twice", "bigint")];
    let columns: Vec<PlanColumn> = columns
        .into_iter()
        .map(|(name, source, column_type)| PlanColumn {
            name: name.into(),
            column_type: column_type.parse().unwrap(),
            sources: vec![source.into()],
            null_if: vec![],
        })
        .collect();
    let plan = Arc::new(RecordPlan::new(&columns, vec![], &[], chrono_tz::Tz::UTC).unwrap());
    let deep = format!("{}{}", "[".repeat(150), "]".repeat(150));
    let whole = format!(r#"{{"big":123456789012345678901234,"b":{{"twice":1,"twice":2}},"deep":{deep}}}"#);
    let outcome = decode(&JsonLinesFormat, &plan, format!(r#"{{"a":{whole}}}"#));
    assert_eq!(outcome.rows, [json!({"whole": whole, "big": "123456789012345678901234", "twice": 1})]);
}

#[test]
fn a_number_is_kept_as_written_unless_its_column_prints_it_so() {
    for (column_type, written) in [
        ("double", "9007199254740993"),
        ("double", "0.12345678901234567890123"),
        ("double", "1.50"),
        ("double", "1.00"),
        ("double", "1e3"),
        ("double", "-123456789012345678"),
        ("float", "0.123456789"),
        ("float", "1.10"),
    ] {
        let outcome = decode(
            &JsonLinesFormat,
            &plan(&format!("a {column_type}, x json")),
            format!(r#"{{"a":{written}}}"#),
        );
        assert!(outcome.rows[0].get("extra").is_some(), "{written} as {column_type}");
        let text = decode(
            &crate::kv::KeyValueFormat::default(),
            &plan(&format!("a {column_type}")),
            format!("a={written}"),
        );
        assert_eq!(text.extras(), [json!({"a": written})], "{column_type}");
    }
    for written in ["1", "1.0", "-0.5", "0", "123456.789", "1234567890.1234567", "100000000000000000000"] {
        let text = decode(&crate::kv::KeyValueFormat::default(), &plan("a double"), format!("a={written}"));
        assert_eq!(text.extras(), [Value::Null], "{written}");
    }
    for written in ["+1", "01", ".5", "5.", "inf", "nan", "1e400"] {
        let text = decode(&crate::kv::KeyValueFormat::default(), &plan("a double"), format!("a={written}"));
        assert_eq!(text.extras(), [json!({"a": written})], "{written}");
    }
}

#[test]
fn a_date_is_the_same_day_in_every_zone() {
    for timezone in [chrono_tz::Tz::Europe__Berlin, chrono_tz::Tz::America__New_York] {
        let outcome = decode(&JsonLinesFormat, &plan_in("a date", timezone), r#"{"a":"2024-02-01"}"#);
        assert_eq!(outcome.rows, [json!({"a": "2024-02-01"})]);
        let outcome = decode(&JsonLinesFormat, &plan_in("a date", timezone), r#"{"a":"2024-02-30"}"#);
        assert_eq!((outcome.misfits, outcome.extras()), (1, vec![json!({"a": "2024-02-30"})]));
    }
}

#[test]
fn a_misfit_counts_once_however_often_its_record_is_read() {
    let plan = plan("a integer");
    for (record, rows) in
        [(r#"{"a":"x","b":"\ud800"}"#, 1), (r#"{"a":"x","b":"\q"}"#, 0), (r#"{"a":"x","b":"y"}"#, 1)]
    {
        let outcome = decode(&documents("[*]"), &plan, format!("[{record}]"));
        assert_eq!((outcome.rows.len(), outcome.misfits), (rows, rows as u64), "{record}");
        let outcome = decode(&JsonLinesFormat, &plan, record);
        assert_eq!((outcome.rows.len(), outcome.misfits), (rows, rows as u64), "{record}");
    }
}

proptest::proptest! {
    #[test]
    fn no_string_hides_the_records_behind_it(
        texts in proptest::collection::vec(r#"(\\ud800|\\udc00|\\ud8|\\\\|\\"|\\q|\\n|x|é|[\[\]{},:]){0,6}"#, 1..5),
        name in r#"(\\ud83d|\\ude00|a){0,3}"#,
    ) {
        let records: Vec<String> = texts.iter().map(|text| format!(r#"{{"{name}":"{text}","c":["{text}"]}}"#)).collect();
        let document = format!(r#"[{},{{"behind":1}}]"#, records.join(","));
        let outcome = decode(&documents(""), &plan("a varchar, c varchar[]"), &document);
        proptest::prop_assert_eq!(outcome.rows.len() + outcome.quarantined.len(), texts.len() + 1);
        proptest::prop_assert_eq!(outcome.rows.last(), Some(&json!({"extra": {"behind": 1}})));
        let lines = decode(&JsonLinesFormat, &plan("a varchar, c varchar[]"), records.join("\n"));
        proptest::prop_assert_eq!(&lines.rows, &outcome.rows[..outcome.rows.len() - 1]);
    }
}
