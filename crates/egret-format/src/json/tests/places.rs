//! Columns with several places in a record: preferred ones, roots, members written as pairs.

use std::sync::Arc;

use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{JsonFormat, JsonLinesFormat};
use crate::plan::{PlanColumn, PlanParts, RecordPlan};
use crate::rows::INVALID_UTF8;
use crate::testing::{Outcome, decode};

/// A plan of columns written as `name type source,source`.
fn plan(columns: &[&str], roots: &[&str]) -> Arc<RecordPlan> {
    let columns: Vec<PlanColumn> = columns
        .iter()
        .map(|column| {
            let mut words = column.split(' ');
            let mut word = || words.next().unwrap();
            PlanColumn {
                name: word().into(),
                column_type: word().parse().unwrap(),
                sources: word().split(',').map(str::to_owned).collect(),
                null_if: vec!["-".into()],
            }
        })
        .collect();
    let roots: Vec<String> = roots.iter().map(|root| (*root).to_owned()).collect();
    let parts = PlanParts { columns: &columns, roots: &roots, ..PlanParts::default() };
    Arc::new(RecordPlan::from_parts(parts, Tz::UTC).unwrap())
}

fn rows(plan: &Arc<RecordPlan>, records: &[Value]) -> Outcome {
    let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
    let outcome = decode(&JsonLinesFormat, plan, &lines);
    let document = decode(&JsonFormat::default(), plan, &lines);
    assert_eq!(document.rows, outcome.rows, "as documents");
    outcome
}

#[test]
fn the_preferred_source_counts_wherever_it_stands() {
    let plan = plan(&["c varchar a,b.c,d"], &[]);
    let cases = [
        (json!({"a": "1", "d": "3"}), json!({"c": "1", "extra": {"d": "3"}})),
        (json!({"d": "3", "a": "1"}), json!({"c": "1", "extra": {"d": "3"}})),
        (
            json!({"d": "3", "b": {"c": "2"}, "a": "1"}),
            json!({"c": "1", "extra": {"d": "3", "b": {"c": "2"}}}),
        ),
        (json!({"d": "3", "b": {"c": "2"}}), json!({"c": "2", "extra": {"d": "3"}})),
        (json!({"d": "3", "b.c": "2"}), json!({"c": "2", "extra": {"d": "3"}})),
        (json!({"d": "3"}), json!({"c": "3"})),
        (json!({"d": "3", "a": null}), json!({"c": "3", "extra": {"a": null}})),
        (json!({"x": 1}), json!({"extra": {"x": 1}})),
    ];
    let records: Vec<Value> = cases.iter().map(|(record, _)| record.clone()).collect();
    let expected: Vec<Value> = cases.iter().map(|(_, row)| row.clone()).collect();
    assert_eq!(rows(&plan, &records).rows, expected);
    for (record, row) in cases {
        assert_eq!(rows(&plan, &[record]).rows, [row], "the same alone as among others");
    }
}

#[test]
fn a_value_that_does_not_fit_leaves_its_place_to_the_next() {
    let plan = plan(&["n integer a,b,c"], &[]);
    let cases = [
        (json!({"a": "x", "b": 2}), json!({"n": 2, "extra": {"a": "x"}}), 0),
        (json!({"b": 2, "a": "x"}), json!({"n": 2, "extra": {"a": "x"}}), 0),
        (json!({"c": 3, "b": "y", "a": "x"}), json!({"n": 3, "extra": {"b": "y", "a": "x"}}), 0),
        (json!({"a": "x", "b": "y"}), json!({"extra": {"a": "x", "b": "y"}}), 2),
        (json!({"a": "-", "b": 2}), json!({"n": 2}), 0),
        (json!({"b": 2, "a": "-"}), json!({"n": 2, "extra": {"a": "-"}}), 0),
        (json!({"c": 3, "b": "2", "a": "x"}), json!({"n": 2, "extra": {"c": 3, "b": "2", "a": "x"}}), 0),
    ];
    for (record, row, misfits) in cases {
        let outcome = rows(&plan, std::slice::from_ref(&record));
        assert_eq!((&outcome.rows[..], outcome.misfits), (&[row][..], misfits), "{record}");
    }
}

#[test]
fn members_of_roots_are_fields_of_the_record() {
    let plan = plan(
        &["image varchar Image", "id integer Id,System.Id,System.Id.text", "data varchar Data,Data.text"],
        &["Event", "win.event", "User.*"],
    );
    for (record, row) in [
        (json!({"Image": "a"}), json!({"image": "a"})),
        (json!({"Event": {"Image": "a", "x": 1}}), json!({"image": "a", "extra": {"Event": {"x": 1}}})),
        (json!({"win": {"event": {"Image": "a"}}}), json!({"image": "a"})),
        (json!({"win.event.Image": "a"}), json!({"image": "a"})),
        (
            json!({"User": {"Cleared": {"Image": "a", "x": 1}, "plain": 2}}),
            json!({"image": "a", "extra": {"User": {"Cleared": {"x": 1}, "plain": 2}}}),
        ),
        (
            json!({"win": {"event": {"Image": "b"}}, "Event": {"Image": "a"}}),
            json!({"image": "a", "extra": {"win": {"event": {"Image": "b"}}}}),
        ),
        (json!({"Event": {"Id": 2}, "System": {"Id": 1}}), json!({"id": 1, "extra": {"Event": {"Id": 2}}})),
        (json!({"Event": {"System": {"Id": 1}}}), json!({"id": 1})),
        // A column that names a place inside an object takes that and not the object.
        (
            json!({"System": {"Id": {"text": 7, "q": 0}}}),
            json!({"id": 7, "extra": {"System": {"Id": {"q": 0}}}}),
        ),
        (json!({"Event": {"Data": {"text": "d"}}}), json!({"data": "d"})),
        (json!({"Event": {"Data": "d"}}), json!({"data": "d"})),
        (json!({"Event": "no object"}), json!({"extra": {"Event": "no object"}})),
    ] {
        assert_eq!(rows(&plan, std::slice::from_ref(&record)).rows, [row], "{record}");
    }
}

#[test]
fn members_may_be_written_as_pairs() {
    let plan =
        plan(&["image varchar Image", "id integer Id", "data varchar Data,Data.#text"], &["E", "E.Data"]);
    for (record, row) in [
        (
            json!({"E": {"Data": [{"@Name": "Image", "#text": "a"}, {"@Name": "Id", "#text": 1}]}}),
            json!({"image": "a", "id": 1}),
        ),
        (
            json!({"E": {"Data": [
                {"@Name": "Image", "#text": "a"}, {"@Name": "Id", "#text": "1"}, {"@Name": "x", "#text": "y"},
                {"@Name": "empty"}, {"@Name": "Image", "#text": "b"},
            ]}}),
            json!({"image": "a", "id": 1, "extra": {"E": {"Data": {"Id": "1", "x": "y", "empty": null, "Image": "b"}}}}),
        ),
        (json!({"E": {"Data": {"@Name": "Image", "#text": "a"}}}), json!({"image": "a"})),
        (
            json!({"E": {"Data": ["a", "b"]}}),
            json!({"data": "[\"a\",\"b\"]", "extra": {"E": {"Data": ["a", "b"]}}}),
        ),
        (
            json!({"E": {"Data": {"#text": ["a", "b"]}}}),
            json!({"data": "[\"a\",\"b\"]", "extra": {"E": {"Data": {"#text": ["a", "b"]}}}}),
        ),
        (json!({"E": {"Data": []}}), json!({"data": "[]", "extra": {"E": {"Data": []}}})),
    ] {
        assert_eq!(rows(&plan, std::slice::from_ref(&record)).rows, [row], "{record}");
    }
}

#[test]
fn a_lone_surrogate_hides_no_pair() {
    let plan = plan(&["image varchar Image"], &["Data"]);
    let line = r##"{"Data":[{"@Name":"Image","#text":"\ud800.exe"}]}"##;
    let row = &decode(&JsonLinesFormat, &plan, line).rows[0];
    assert_eq!(row["image"], "\u{fffd}.exe");
    assert!(row["extra"].get(INVALID_UTF8).is_some(), "what was written is kept");
    assert_eq!(decode(&JsonLinesFormat, &plan, &line[..30]).quarantined.len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_best_place_that_fits_counts_in_any_order(
        records in prop::collection::vec(
            prop::collection::vec((0_usize..4, prop::sample::select(&["1", "2", "x", "-"][..])), 0..6),
            1..6,
        )
    ) {
        let plan = plan(&["n integer a,b,c,d"], &[]);
        let names = ["a", "b", "c", "d"];
        let line = |record: &Vec<(usize, &str)>| {
            let fields: Vec<String> =
                record.iter().map(|(name, value)| format!("\"{}\":\"{value}\"", names[*name])).collect();
            format!("{{{}}}\n", fields.join(","))
        };
        let lines: String = records.iter().map(line).collect();
        let outcome = decode(&JsonLinesFormat, &plan, &lines);
        for (row, record) in outcome.rows.iter().zip(&records) {
            let fitting = record.iter().filter_map(|(name, value)| Some((*name, value.parse::<i64>().ok()?)));
            let best = fitting.min_by_key(|(name, _)| *name).map(|(_, value)| json!(value));
            prop_assert_eq!(row.get("n"), best.as_ref(), "{:?}", record);
        }
    }
}
