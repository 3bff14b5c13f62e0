//! What findings share and where they differ: examples, and a property over random events.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::finding;

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn merged(events: &[Json]) -> Alert {
    let findings: Vec<Finding> = events
        .iter()
        .enumerate()
        .map(|(number, event)| Finding { event: event.to_string(), ..finding("d", number as i64) })
        .collect();
    let mut alert = open(&findings[0], Map::new(), Vec::new(), Timestamp::from_seconds(0));
    for finding in &findings[1..] {
        absorb(&mut alert, finding);
    }
    alert
}

#[test]
fn says_what_findings_share_and_where_they_differ() {
    let alert = merged(&[
        json!({"name": "login", "user": {"name": "root", "id": 1}, "ip": "a"}),
        json!({"name": "login", "user": {"name": "root", "id": 2}, "ip": "b", "error": "x"}),
        json!({"name": "login", "user": {"name": "root", "id": 2}, "ip": "b"}),
    ]);
    assert_eq!(alert.count, 3);
    assert_eq!(alert.common, object(json!({"name": "login", "user": {"name": "root"}})));
    let values: Vec<Json> =
        alert.differences.iter().map(|difference| difference.values.clone().into()).collect();
    assert_eq!(
        values,
        [
            json!({"user": {"id": 1}, "ip": "a"}),
            json!({"user": {"id": 2}, "ip": "b", "error": "x"}),
            json!({"user": {"id": 2}, "ip": "b"}),
        ]
    );
}

#[test]
fn an_alert_keeps_some_and_counts_all() {
    let events: Vec<Json> = (0..120).map(|number| json!({"n": number, "same": true})).collect();
    let alert = merged(&events);
    assert_eq!((alert.count, alert.differences.len(), alert.finding_ids.len()), (120, 20, 50));
    assert_eq!(alert.common, object(json!({"same": true})));
    assert_eq!(alert.time_last.micros() - alert.time_first.micros(), 119_000_000);
}

/// However large the events, an alert stays small enough to be sent.
#[test]
fn large_differences_are_let_go() {
    let events: Vec<Json> =
        (0..30).map(|number| json!({"text": format!("{number}{}", "x".repeat(10_000))})).collect();
    let alert = merged(&events);
    assert_eq!((alert.count, alert.differences.len()), (30, 3));
    // The first is shared until the second comes, and is a difference from then on.
    let large = "y".repeat(200_000);
    let alert = merged(&[json!({"text": large}), json!({"text": "small"})]);
    assert_eq!((alert.count, alert.differences.len()), (2, 0));
}

#[test]
fn a_window_is_about_all_events() {
    let alert = merged(&[json!({}), json!({}), json!({})]);
    let window = 10_000_000;
    let at = |seconds: i64| Timestamp::from_micros(alert.time_first.micros() + seconds * 1_000_000);
    for (seconds, expected) in [(0, true), (9, true), (10, false), (-7, true), (-8, false)] {
        assert_eq!(fits(&alert, at(seconds), window), expected, "{seconds}");
    }
}

/// Events of few names and values, so that they share some.
fn event() -> impl Strategy<Value = Json> {
    let leaf =
        prop_oneof![(0..3_i64).prop_map(Json::from), Just(Json::Null), Just(json!([1, 2])), Just(json!({}))];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| map.into_iter().collect())
    });
    prop::collection::btree_map("[a-d]", value, 0..4).prop_map(|map| map.into_iter().collect())
}

/// The paths to everything that is no object with something in it.
fn leaves(prefix: &str, value: &Json, into: &mut Vec<(String, Json)>) {
    match value {
        Json::Object(object) if !object.is_empty() => {
            for (key, value) in object {
                leaves(&format!("{prefix}/{key}"), value, into);
            }
        }
        other => into.push((prefix.to_owned(), other.clone())),
    }
}

fn leaves_of(object: &Map<String, Json>) -> Vec<(String, Json)> {
    let mut found = Vec::new();
    for (key, value) in object {
        leaves(&format!("/{key}"), value, &mut found);
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

proptest! {
    /// Leaf by leaf: what is common is in every event, and what is common and a finding's own make its event.
    #[test]
    fn nothing_is_lost_and_nothing_is_made_up(events in prop::collection::vec(event(), 2..6)) {
        let alert = merged(&events);
        let all: Vec<Vec<(String, Json)>> = events.iter().map(|event| leaves_of(&object(event.clone()))).collect();
        let expected: Vec<(String, Json)> =
            all[0].iter().filter(|leaf| all.iter().all(|event| event.contains(leaf))).cloned().collect();
        prop_assert_eq!(leaves_of(&alert.common), expected);
        for (difference, event) in alert.differences.iter().zip(&events) {
            let mut whole = alert.common.clone();
            add(&mut whole, &difference.values);
            prop_assert_eq!(leaves_of(&whole), leaves_of(&object(event.clone())));
        }
    }
}
