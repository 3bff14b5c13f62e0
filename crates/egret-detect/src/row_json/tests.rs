//! Every type of value as JSON.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::NullBuffer;
use serde_json::json;

use super::*;
use crate::testing::{login_table, rows};

fn json_of(array: impl Array + 'static) -> String {
    let array: ArrayRef = Arc::new(array);
    let values: Vec<Cell<'_>> = (0..array.len()).map(|row| Cell::new(array.as_ref(), row)).collect();
    serde_json::to_string(&values).unwrap()
}

#[test]
fn numbers_and_truth() {
    assert_eq!(json_of(BooleanArray::from(vec![Some(true), Some(false), None])), "[true,false,null]");
    assert_eq!(json_of(Int8Array::from(vec![-1])), "[-1]");
    assert_eq!(json_of(Int16Array::from(vec![-1])), "[-1]");
    assert_eq!(json_of(Int32Array::from(vec![-1])), "[-1]");
    assert_eq!(json_of(Int64Array::from(vec![i64::MIN])), "[-9223372036854775808]");
    assert_eq!(json_of(UInt8Array::from(vec![1])), "[1]");
    assert_eq!(json_of(UInt16Array::from(vec![1])), "[1]");
    assert_eq!(json_of(UInt32Array::from(vec![1])), "[1]");
    assert_eq!(json_of(UInt64Array::from(vec![u64::MAX])), "[18446744073709551615]");
    assert_eq!(json_of(Float32Array::from(vec![0.1])), "[0.1]");
    let doubles = vec![0.1, 2.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(json_of(Float64Array::from(doubles)), r#"[0.1,2.0,"NaN","Infinity","-Infinity"]"#);
    let decimals = Decimal128Array::from(vec![12_345_678_901_234_567_890_i128, -5]);
    let decimals = decimals.with_precision_and_scale(38, 2).unwrap();
    assert_eq!(json_of(decimals), "[123456789012345678.90,-0.05]");
}

#[test]
fn text_and_bytes() {
    assert_eq!(json_of(StringArray::from(vec!["a\"b\n"])), r#"["a\"b\n"]"#);
    assert_eq!(json_of(LargeStringArray::from(vec!["é"])), r#"["é"]"#);
    assert_eq!(json_of(StringViewArray::from(vec![Some("x"), None])), r#"["x",null]"#);
    assert_eq!(json_of(BinaryArray::from(vec![&b"\xff\x00"[..]])), r#"["/wA="]"#);
    assert_eq!(json_of(BinaryViewArray::from(vec![&b"a"[..]])), r#"["YQ=="]"#);
    let mut dictionary = StringDictionaryBuilder::<Int8Type>::new();
    dictionary.append_value("a");
    dictionary.append_value("b");
    dictionary.append_null();
    dictionary.append_value("a");
    assert_eq!(json_of(dictionary.finish()), r#"["a","b",null,"a"]"#);
}

#[test]
fn times() {
    let noon = 1_773_748_800_i64;
    assert_eq!(json_of(TimestampSecondArray::from(vec![noon])), r#"["2026-03-17T12:00:00Z"]"#);
    assert_eq!(
        json_of(TimestampMillisecondArray::from(vec![noon * 1_000 + 5])),
        r#"["2026-03-17T12:00:00.005Z"]"#
    );
    let micros = TimestampMicrosecondArray::from(vec![noon * 1_000_000, -1]);
    assert_eq!(json_of(micros), r#"["2026-03-17T12:00:00Z","1969-12-31T23:59:59.999999Z"]"#);
    let nanos = TimestampNanosecondArray::from(vec![noon * 1_000_000_000 + 1]).with_timezone("+02:00");
    assert_eq!(json_of(nanos), r#"["2026-03-17T12:00:00.000000001Z"]"#);
    assert_eq!(json_of(Date32Array::from(vec![20_529, -1])), r#"["2026-03-17","1969-12-31"]"#);
    assert_eq!(json_of(Date64Array::from(vec![noon * 1_000])), r#"["2026-03-17"]"#);
    assert_eq!(json_of(Date32Array::from(vec![i32::MAX])), r#"["2147483647 days since 1970"]"#);
    assert_eq!(json_of(Time64MicrosecondArray::from(vec![1])), r#"["00:00:00.000001"]"#);
    assert!(json_of(DurationSecondArray::from(vec![90])).starts_with(r#"["#));
}

#[test]
fn nested_values() {
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, Some(vec![])]);
    assert_eq!(json_of(lists), "[[1,null],null,[]]");
    let fields = vec![
        (
            Arc::new(Field::new("a", DataType::Int32, true)),
            Arc::new(Int32Array::from(vec![Some(1), None])) as ArrayRef,
        ),
        (
            Arc::new(Field::new("b", DataType::Utf8, true)),
            Arc::new(StringArray::from(vec!["x", "y"])) as ArrayRef,
        ),
    ];
    assert_eq!(json_of(StructArray::from(fields)), r#"[{"a":1,"b":"x"},{"a":null,"b":"y"}]"#);
    let mut map = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    map.keys().append_value("k");
    map.values().append_value(1);
    map.append(true).unwrap();
    assert_eq!(json_of(map.finish()), r#"[{"k":1}]"#);
    assert_eq!(json_of(NullArray::new(1)), "[null]");
}

#[test]
fn a_row_of_a_table_is_nested_and_has_no_nulls() {
    let table = login_table();
    let object = json!({
        "event_name": "{\"not\":\"json\"}", "port": 22, "at": "2026-03-17T09:00:00Z", "day": "2026-03-17",
        "user": {"name": null, "session": {"id": 7, "labels": "{\"a\": [1, null]}"}},
        "groups": ["x", null], "details": "{\n  \"text\": \"two\\nlines\"\r\n}", "extra": "{broken",
    });
    let rows = rows(&table, &[object]);
    let json = JsonRows::new(&rows).with_types(&table).without_nulls();
    let text = serde_json::to_string(&json.row(0)).unwrap();
    assert!(!text.contains('\n'), "{text}");
    let expected = json!({
        "event_name": "{\"not\":\"json\"}", "port": 22, "at": "2026-03-17T09:00:00Z", "day": "2026-03-17",
        "user": {"session": {"id": 7, "labels": {"a": [1, null]}}},
        "groups": ["x", null], "details": {"text": "two\nlines"}, "extra": "{broken",
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
}

#[test]
fn json_is_kept_digit_for_digit() {
    let table = login_table();
    let exact = r#"{"n":123456789012345678901234567890.10,"n":1}"#;
    let rows = rows(&table, &[json!({"details": exact})]);
    let json = JsonRows::new(&rows).with_types(&table).without_nulls();
    assert_eq!(serde_json::to_string(&json.row(0)).unwrap(), format!("{{\"details\":{exact}}}"));
}

#[test]
fn json_nested_too_deep_stays_text() {
    let table = login_table();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects =
        [json!({"details": nested(64)}), json!({"details": nested(65)}), json!({"details": "\"[[\\\"[\""})];
    let rows = rows(&table, &objects);
    let json = JsonRows::new(&rows).with_types(&table).without_nulls();
    assert_eq!(serde_json::to_string(&json.row(0)).unwrap(), format!("{{\"details\":{}}}", nested(64)));
    assert_eq!(serde_json::to_string(&json.row(1)).unwrap(), format!("{{\"details\":\"{}\"}}", nested(65)));
    assert_eq!(serde_json::to_string(&json.row(2)).unwrap(), r#"{"details":"[[\"["}"#);
}

#[test]
fn a_null_struct_hides_what_is_below() {
    let inner = StructArray::new(
        vec![Field::new("a", DataType::Int32, true)].into(),
        vec![Arc::new(Int32Array::from(vec![1]))],
        Some(NullBuffer::from(vec![false])),
    );
    assert_eq!(json_of(inner), "[null]");
}
