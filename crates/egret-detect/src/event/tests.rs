//! Events that are too large.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{login_table, rows};

fn event_of(object: Json) -> String {
    let table = login_table();
    let rows = rows(&table, &[object]);
    event_json(&JsonRows::new(&rows).with_types(&table).without_nulls(), 0)
}

#[test]
fn an_event_that_fits_is_whole() {
    let event = event_of(json!({"event_name": "x".repeat(200_000), "port": 1}));
    assert!(!event.contains("_truncated"));
    assert_eq!(serde_json::from_str::<Json>(&event).unwrap()["port"], 1);
}

#[test]
fn the_largest_values_are_shortened() {
    let details = format!("{{\"list\":[{}0]}}", "1,".repeat(200_000));
    let event = event_of(json!({
        "event_name": "\"\n".repeat(200_000), "details": details, "port": 22, "groups": ["a"], "tp_id": "id",
    }));
    assert!(event.len() <= MAX_EVENT_BYTES, "{}", event.len());
    assert!(event.len() > MAX_EVENT_BYTES - 100, "as much as fits: {}", event.len());
    let event: Json = serde_json::from_str(&event).unwrap();
    assert_eq!(event["_truncated"], true);
    assert_eq!(
        (&event["port"], &event["groups"], &event["tp_id"]),
        (&json!(22), &json!(["a"]), &json!("id"))
    );
    let name = event["event_name"].as_str().unwrap();
    assert!(name.starts_with("\"\n\"\n") && name.ends_with('…'));
    let details = event["details"].as_str().unwrap();
    assert!(details.starts_with("{\"list\":[1,1,") && details.ends_with('…'));
}

#[test]
fn nothing_fits_beside_names_that_are_too_long() {
    let members = |name: usize| {
        vec![(format!("\"{}\"", "n".repeat(name)), "1".to_owned()), ("\"b\"".into(), "2".into())]
    };
    assert_eq!(shortened_event(members(1_000), 100), r#"{"b":2,"_truncated":true}"#);
    assert_eq!(shortened_event(vec![members(1_000).remove(0)], 100), r#"{"_truncated":true}"#);
}

proptest! {
    #[test]
    fn a_shortened_event_is_json_and_fits(
        values in prop::collection::vec(".{0,300}", 1..20),
        limit in 64usize..2_000,
    ) {
        let members = values.iter().enumerate().map(|(index, value)| {
            (format!("\"c{index}\""), serde_json::to_string(value).unwrap())
        });
        let event = shortened_event(members.collect(), limit);
        prop_assert!(event.len() <= limit, "{} > {limit}", event.len());
        let parsed: Json = serde_json::from_str(&event).unwrap();
        prop_assert_eq!(&parsed["_truncated"], &json!(true));
        for (index, value) in values.iter().enumerate() {
            let Some(kept) = parsed.get(format!("c{index}")) else { continue };
            let kept = kept.as_str().unwrap();
            let whole = kept == value;
            let start = kept.strip_suffix('…').is_some_and(|kept| value.starts_with(kept));
            prop_assert!(whole || start, "{kept:?} of {value:?}");
        }
    }
}
