//! Windows events: the same event gives the same columns whoever wrote it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Map, Value};

use super::{Reader, folder};
use crate::Tables;

/// The samples that have the same events, each in its own shape. The first one has all of them.
const SHAPES: [&str; 6] =
    ["winlogbeat.jsonl", "nxlog.jsonl", "xml.jsonl", "evtx_dump.jsonl", "flat.jsonl", "openwec.jsonl"];

/// What says nothing of the event: where the row was read from, and what no column holds.
const OF_THE_RECORD: [&str; 3] = ["tp_id", "tp_source_location", "extra"];

/// What some shippers leave out, or only one of them writes.
const NOT_IN_ALL: [&str; 12] = [
    "Level",
    "Task",
    "Category",
    "Opcode",
    "OpcodeValue",
    "Keywords",
    "Message",
    "SourceName",
    "EventType",
    "AccountName",
    "AccountType",
    "Domain",
];

/// Written as it is by everyone: the same but for line ends, or for upper and lower case.
fn comparable(name: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(text) if name == "Message" => text.replace("\r\n", "\n").into(),
        Some(text) if name == "Provider_Guid" => text.to_lowercase().into(),
        _ => value.clone(),
    }
}

/// The rows of a sample by the number of the event in its log.
fn rows_of(reader: &Reader, sample: &str) -> BTreeMap<i64, Map<String, Value>> {
    let bytes = fs::read(folder().join("windows_event_log/samples").join(sample)).unwrap();
    let mapped = reader.map(sample, &bytes);
    assert!(mapped.quarantined.is_empty(), "{sample}");
    assert_eq!(mapped.misfits, 0, "{sample}");
    let rows = crate::testing::rows_of(&mapped.rows);
    rows.into_iter().map(|row| (row["RecordNumber"].as_i64().unwrap(), row)).collect()
}

#[test]
fn every_shape_gives_the_same_columns() {
    let reader = Reader::new(Tables::builtin().get("windows_event_log").unwrap());
    let shapes: Vec<_> = SHAPES.iter().map(|sample| (*sample, rows_of(&reader, sample))).collect();
    let (_, events) = &shapes[0];
    let ids: Vec<&Value> = events.values().map(|row| &row["EventID"]).collect();
    for id in [1, 3, 11, 13, 4688, 4624, 4625, 4104] {
        assert!(ids.contains(&&Value::from(id)), "{id}");
    }
    for number in events.keys() {
        let rows: Vec<(&str, &Map<String, Value>)> =
            shapes.iter().filter_map(|(sample, rows)| Some((*sample, rows.get(number)?))).collect();
        // OpenWEC leaves user data as XML, so of one event it has no sample.
        assert!(rows.len() >= SHAPES.len() - 1, "{number}");
        // A field that is empty is left out by some.
        let filled = |row: &'_ Map<String, Value>| {
            row.iter().filter(|(_, value)| **value != "").map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let names: BTreeSet<String> = rows.iter().flat_map(|(_, row)| filled(row)).collect();
        for name in names.into_iter().filter(|name| !OF_THE_RECORD.contains(&name.as_str())) {
            let values: Vec<(&str, Value)> = rows
                .iter()
                .filter_map(|(sample, row)| Some((*sample, comparable(&name, row.get(&name)?))))
                .collect();
            let (first, expected) = &values[0];
            for (sample, value) in &values {
                assert_eq!(value, expected, "{name} of event {number} in {sample} and in {first}");
            }
            let in_all = values.len() == rows.len() || NOT_IN_ALL.contains(&name.as_str());
            assert!(in_all, "{name} of event {number} is only in {values:?}");
        }
    }
}

#[test]
fn what_every_event_has_cannot_be_forged_by_its_data() {
    let reader = Reader::new(Tables::builtin().get("windows_event_log").unwrap());
    let data = r#"{"Channel":"forged","Computer":"forged","EventID":"9","ProviderName":"forged","Level":9,"TimeCreated":"1999-01-01T00:00:00Z"}"#;
    let system = r#""EventID":4688,"Channel":"Security","Computer":"pc1","Level":0"#;
    let winlog = r#""event_id":4688,"channel":"Security","computer_name":"pc1","provider_name":"p""#;
    for record in [
        format!(
            r#"{{"Event":{{"EventData":{data},"System":{{{system},"Provider":{{"@Name":"p"}},"TimeCreated":{{"@SystemTime":"2024-02-01T10:00:00Z"}}}}}}}}"#
        ),
        format!(
            r#"{{"EventData":{data},"System":{{{system},"Provider":{{"Name":"p"}},"TimeCreated":"2024-02-01T10:00:00Z"}}}}"#
        ),
        format!(r#"{{"winlog":{{"event_data":{data},{winlog}}},"@timestamp":"2024-02-01T10:00:00Z"}}"#),
    ] {
        let row = &crate::testing::rows_of(&reader.map("forged", record.as_bytes()).rows)[0];
        let got = ["EventID", "Channel", "Computer", "Provider_Name", "tp_timestamp", "tp_index"]
            .map(|name| &row[name]);
        assert_eq!(
            got,
            [
                &4688.into(),
                &"Security".into(),
                &"pc1".into(),
                &"p".into(),
                &"2024-02-01T10:00:00".into(),
                &Value::from("pc1")
            ]
        );
    }
}

#[test]
fn names_of_columns_and_of_their_fields_are_unique() {
    let tables = Tables::builtin();
    let schema = tables.get("windows_event_log").unwrap().schema();
    let names: BTreeSet<String> = schema.columns.iter().map(|column| column.name.to_lowercase()).collect();
    assert_eq!(names.len(), schema.columns.len());
    assert_eq!(schema.column("CommandLine").unwrap().sources, ["CommandLine"]);
    assert_eq!(schema.column("tp_id").unwrap().sources, Vec::<String>::new());
    assert!(schema.roots.iter().any(|root| root == "winlog.event_data"));
    // Of several columns with one field those that a rule means would depend on the order of columns.
    let shared = ["SourceName", "ProviderName", "Hash"];
    let mut seen = BTreeMap::new();
    for column in schema.columns.iter().filter(|column| !column.name.starts_with("tp_")) {
        for source in &column.sources {
            if let Some(other) = seen.insert(source.as_str(), column.name.as_str()) {
                assert!(shared.contains(&source.as_str()), "{source} fills {other} and {}", column.name);
            }
        }
    }
}
