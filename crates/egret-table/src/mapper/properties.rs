//! Properties: nothing of a record is lost, cutting differently changes nothing, observables are sound.

use std::fmt::Write;
use std::net::IpAddr;

use egret_format::json::JsonLinesFormat;
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::testing::{map_at, map_lines, mapper, rows_of, table};

const FIELDS: [&str; 6] = ["a", "b", "userName", "c", "d", "tp_id"];
const TYPES: [&str; 9] = [
    "varchar",
    "integer",
    "double",
    "boolean",
    "timestamp",
    "json",
    "varchar[]",
    "bigint[]",
    "struct(user_name varchar, n integer, inner struct(x json))",
];

/// A second source of a column.
const OTHERS: [&str; 5] = ["a", "user_name", "b.n", "c.inner.x", "d.userName"];
const ROOTS: [&str; 4] = ["d", "other.inner", "c.*", "*"];

/// A column and the fields that it takes.
#[derive(Debug, Clone)]
struct TestColumn {
    fields: Vec<&'static str>,
    column_type: &'static str,
    is_transform: bool,
}

fn column() -> impl Strategy<Value = TestColumn> {
    let fields = (prop::sample::select(&FIELDS[..]), prop::option::of(prop::sample::select(&OTHERS[..])));
    (fields, prop::sample::select(&TYPES[..]), prop::bool::weighted(0.2)).prop_map(
        |((field, other), column_type, is_transform)| {
            let fields = Some(field).into_iter().chain(other.filter(|_| !is_transform)).collect();
            TestColumn { fields, column_type, is_transform }
        },
    )
}

fn roots() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(&ROOTS[..]), 0..3)
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 4.0)),
        "[a-z\"\\\\é]{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["1", "2.5", "true", "2024-02-01T10:00:00Z", "2024-02-01", "{}"])
            .prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        let name = prop::sample::select(vec!["userName", "user_name", "n", "inner", "x", "z"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name, inner, 0..4).prop_map(|map| {
                Value::Object(map.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

fn record() -> impl Strategy<Value = Map<String, Value>> {
    let name = prop::sample::select(vec!["a", "b", "userName", "c", "d", "tp_id", "other", "x.y"]);
    prop::collection::btree_map(name, value(), 0..6).prop_map(|fields| {
        let mut record: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        record.insert("t".to_owned(), Value::from("2024-02-01T10:00:00Z"));
        record
    })
}

fn definition(columns: &[TestColumn], roots: &[&str], map_fields: &str) -> String {
    let mut text = format!(
        "table \"t\" {{\n map_fields = {map_fields}\n roots = {roots:?}\n column \"tp_timestamp\" {{ source = \"t\" }}\n"
    );
    for (index, column) in columns.iter().enumerate() {
        let TestColumn { fields, column_type, is_transform } = column;
        let _ = match is_transform {
            true => writeln!(text, "column \"k{index}\" {{ transform = \"upper({})\" }}", fields[0]),
            false => {
                writeln!(text, "column \"k{index}\" {{\n source = {fields:?}\n type = \"{column_type}\"\n}}")
            }
        };
    }
    text + "}"
}

/// Whether a column may take what lies at `path` of the record; a transform's field may become a column of its own.
fn may_take(column: &TestColumn, roots: &[&str], path: &[String]) -> bool {
    let is = |pattern: &str| {
        let names: Vec<&str> = pattern.split('.').collect();
        names.len() == path.len() && names.iter().zip(path).all(|(name, own)| *name == "*" || name == own)
    };
    let below = |field: &&str| roots.iter().any(|root| is(&format!("{root}.{field}")));
    column.fields.iter().any(|field| is(field) || below(field))
}

/// Whether `places` give back `original`, which lies at `path`: `extra` has only what no column holds of an object, so
/// objects may be spread over several places. `columns` has the columns that may take what lies at a path.
fn is_given_back(
    path: &mut Vec<String>,
    original: &Value,
    mut places: Vec<Value>,
    columns: &dyn Fn(&[String]) -> Vec<Value>,
) -> bool {
    places.extend(columns(path));
    if places.iter().any(|place| same(place, original)) {
        return true;
    }
    let Value::Object(fields) = original else { return false };
    let inside = |name: &str| -> Vec<Value> {
        let spelled =
            |key: &str| key == name || key.replace('_', "").eq_ignore_ascii_case(&name.replace('_', ""));
        let objects = places.iter().filter_map(Value::as_object);
        objects
            .flat_map(|object| object.iter().filter(|(key, _)| spelled(key)).map(|(_, value)| value.clone()))
            .collect()
    };
    fields.iter().all(|(name, value)| {
        path.push(name.clone());
        let is_given_back = is_given_back(path, value, inside(name), columns);
        path.pop();
        is_given_back
    })
}

/// Equal, or one is the text of the other: JSON columns and mapped fields are text, times lose their `Z`.
fn same(kept: &Value, original: &Value) -> bool {
    if kept == original {
        return true;
    }
    match (kept, original) {
        (Value::Number(kept), Value::Number(original)) => kept.as_f64() == original.as_f64(),
        (Value::Array(kept), Value::Array(original)) => {
            kept.len() == original.len()
                && kept.iter().zip(original).all(|(kept, original)| same(kept, original))
        }
        (Value::String(kept), Value::String(original)) => {
            format!("{kept}Z") == *original || parses_to(kept, &Value::from(original.as_str()))
        }
        (Value::String(kept), original) => parses_to(kept, original),
        _ => false,
    }
}

fn parses_to(text: &str, original: &Value) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|parsed| parsed == *original)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_and_extra_are_the_record(
        columns in prop::collection::vec(column(), 0..5),
        roots in roots(),
        map_fields in prop::sample::select(vec!["[]", "[\"*\"]", "[\"o*\", \"a\"]"]),
        records in prop::collection::vec(record(), 1..4),
    ) {
        let mapper = mapper(&table(&definition(&columns, &roots, map_fields)));
        let lines: String = records.iter().map(|record| format!("{}\n", Value::Object(record.clone()))).collect();
        let mapped = map_lines(&mapper, &lines);
        prop_assert_eq!(mapped.quarantined.len(), 0);
        let rows = rows_of(&mapped.rows);
        prop_assert_eq!(rows.len(), records.len());
        for (row, record) in rows.iter().zip(&records) {
            let extra = row.get("extra").and_then(Value::as_str).unwrap_or("{}");
            let extra: Map<String, Value> = serde_json::from_str(extra).unwrap();
            let taken = |path: &[String]| -> Vec<Value> {
                let taking = columns.iter().enumerate().filter(|(_, column)| may_take(column, &roots, path));
                let name = |(index, column): (usize, &TestColumn)| match column.is_transform {
                    true => column.fields[0].to_owned(),
                    false => format!("k{index}"),
                };
                taking.map(name).filter_map(|name| row.get(&name).cloned()).collect()
            };
            for (field, original) in record {
                let mut places: Vec<Value> = extra.get(field).cloned().into_iter().collect();
                if field == "t" {
                    places.extend(row.get("tp_timestamp").cloned());
                } else if !field.starts_with("tp_") {
                    places.extend(row.get(field).cloned());
                }
                let is_given_back = is_given_back(&mut vec![field.clone()], original, places, &taken);
                prop_assert!(is_given_back, "{field}: {original} of {row:?}");
            }
            for field in extra.keys() {
                prop_assert!(record.contains_key(field), "{field} was never in the record");
            }
        }
    }

    #[test]
    fn cutting_differently_gives_the_same_rows(
        columns in prop::collection::vec(column(), 0..4),
        roots in roots(),
        records in prop::collection::vec(record(), 2..6),
        cut in 1usize..5,
    ) {
        let mapper = mapper(&table(&definition(&columns, &roots, "[\"*\"]")));
        let lines: Vec<String> = records.iter().map(|record| format!("{}\n", Value::Object(record.clone()))).collect();
        let cut = cut.min(lines.len() - 1);
        let (first, second) = (lines[..cut].concat(), lines[cut..].concat());
        let whole = rows_of(&map_lines(&mapper, &lines.concat()).rows);
        let mut parts = rows_of(&map_lines(&mapper, &first).rows);
        parts.extend(rows_of(&map_at(&mapper, &JsonLinesFormat, second.as_bytes(), first.len() as u64).rows));
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn observables_are_sound(
        values in prop::collection::vec("([0-9]{1,3}\\.){3}[0-9]{1,3}|[a-f0-9:]{0,12}|[a-z]{1,5}(\\.[a-z]{0,4}){0,2}|AWS Internal", 1..8)
    ) {
        let definition = r#"table "t" {
            column "tp_timestamp" { source = "t" }
            column "a" { observable = "ip" }
            column "b" {
              type = "varchar[]"
              observable = "ip"
            }
        }"#;
        let record = serde_json::json!({"t": 1_706_781_600, "a": values[0], "b": values});
        let rows = rows_of(&map_lines(&mapper(&table(definition)), &format!("{record}\n")).rows);
        let list = |name: &str| -> Vec<String> {
            let list = rows[0].get(name).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().map(|value| value.as_str().unwrap().to_owned()).collect()
        };
        let (ips, domains) = (list("tp_ips"), list("tp_domains"));
        let mut expected: Vec<String> = Vec::new();
        for value in &values {
            if value.parse::<IpAddr>().is_ok() && !expected.contains(value) {
                expected.push(value.clone());
            }
        }
        prop_assert_eq!(ips, expected, "every address, once, in order");
        for domain in &domains {
            prop_assert!(values.contains(domain) && domain.parse::<IpAddr>().is_err() && domain.contains('.'));
        }
    }
}
