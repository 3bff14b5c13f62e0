//! What is told for two documents, and that it is all there is to tell.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::change::Operation;
use crate::render::patch;
use crate::shape::DocumentPath;
use crate::testing::document;

fn told(before: Json, after: Json, shape: &Shape) -> Vec<String> {
    let (before, after) = (shape.canonical(before), shape.canonical(after));
    let line = |change: &Change| {
        let value = |value: &Option<Json>| value.as_ref().map(Json::to_string).unwrap_or_default();
        let (before, after) = (value(&change.before), value(&change.after));
        format!("{} {} {before} -> {after}", change.operation.as_str(), change.path.readable())
    };
    diff(&before, &after, shape).iter().map(line).collect()
}

fn ordered(path: &str) -> Shape {
    Shape { ordered: vec![DocumentPath::parse(path).unwrap()], ..Shape::default() }
}

#[test]
fn members_come_go_and_change() {
    let before = json!({"name": "a", "mfa": true, "old": 1, "tags": {"team": "red"}});
    let after = json!({"name": "a", "mfa": false, "new": [2], "tags": {"team": "blue"}});
    assert_eq!(
        told(before, after, &Shape::default()),
        [
            "change mfa true -> false",
            "remove old 1 -> ",
            r#"change tags.team "red" -> "blue""#,
            "add new  -> [2]"
        ]
    );
}

#[test]
fn an_inserted_object_is_one_addition() {
    let before = json!({"keys": [{"id": "b", "on": true}, {"id": "c", "on": true}]});
    let after = json!({"keys": [{"id": "a", "on": true}, {"id": "b", "on": true}, {"id": "c", "on": false}]});
    assert_eq!(
        told(before, after, &Shape::default()),
        ["change keys[id=c].on true -> false", r#"add keys[id=a]  -> {"id":"a","on":true}"#]
    );
}

#[test]
fn scalars_in_lists_are_a_set() {
    let shape = Shape::default();
    assert_eq!(told(json!({"g": ["a", "b"]}), json!({"g": ["b", "a"]}), &shape), Vec::<String>::new());
    assert_eq!(
        told(json!({"g": ["a", "b"]}), json!({"g": ["b", "b"]}), &shape),
        [r#"remove g[0] "a" -> "#, r#"add g[1]  -> "b""#]
    );
}

#[test]
fn one_object_without_identity_changes() {
    let before = json!([{"port": 22, "from": "10.0.0.0/8"}, {"port": 80, "from": "0.0.0.0/0"}]);
    let after = json!([{"port": 22, "from": "0.0.0.0/0"}, {"port": 80, "from": "0.0.0.0/0"}]);
    assert_eq!(told(before, after, &Shape::default()), [r#"change [1].from "10.0.0.0/8" -> "0.0.0.0/0""#]);
}

#[test]
fn declared_fields_tell_objects_apart() {
    let path = DocumentPath::parse("$.rules").unwrap();
    let shape = Shape { identity: vec![(path, "port".to_owned())], ..Shape::default() };
    let before = json!({"rules": [{"id": 1, "port": 22}, {"id": 2, "port": 80}]});
    let after = json!({"rules": [{"id": 2, "port": 22}, {"id": 1, "port": 80}]});
    assert_eq!(
        told(before, after, &shape),
        ["change rules[port=22].id 1 -> 2", "change rules[port=80].id 2 -> 1"]
    );
}

#[test]
fn what_moves_is_told_where_order_matters() {
    let before = json!({"rules": ["a", "b", "c", "d"]});
    let after = json!({"rules": ["d", "a", "b", "c"]});
    assert_eq!(told(before.clone(), after.clone(), &ordered("$.rules")), [r#"move rules[0] "d" -> "d""#]);
    assert_eq!(told(before, after, &Shape::default()), Vec::<String>::new());
}

#[test]
fn what_moves_and_changes_is_told_as_both() {
    let before = json!([{"id": 1, "on": true}, {"id": 2, "on": true}, {"id": 3, "on": true}]);
    let after = json!([{"id": 3, "on": false}, {"id": 1, "on": true}, {"id": 2, "on": true}]);
    let changes = diff(&before, &after, &ordered("$"));
    let operations: Vec<Operation> = changes.iter().map(|change| change.operation).collect();
    assert_eq!(operations, [Operation::Change, Operation::Move]);
    assert_eq!(changes[1].from.as_ref().map(Path::pointer).as_deref(), Some("/2"));
}

fn shuffled(value: &Json, seed: u64) -> Json {
    match value {
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(|item| shuffled(item, seed)).collect();
            let length = items.len().max(1);
            items.rotate_left(usize::try_from(seed).unwrap() % length);
            Json::Array(items)
        }
        Json::Object(object) => {
            let mut members: Vec<_> =
                object.iter().map(|(name, value)| (name.clone(), shuffled(value, seed))).collect();
            members.reverse();
            Json::Object(members.into_iter().collect())
        }
        scalar => scalar.clone(),
    }
}

proptest! {
    /// Applied to the document before, by another's implementation of RFC 6902, the changes give the document after.
    #[test]
    fn changes_lead_from_one_to_the_other(before in document(), after in document(), is_ordered: bool) {
        let shape = if is_ordered { ordered("$..*") } else { Shape::default() };
        let shape = Shape { ordered: [shape.ordered, if is_ordered { vec![DocumentPath::parse("$").unwrap()] } else { vec![] }].concat(), ..shape };
        let (before, after) = (shape.canonical(before), shape.canonical(after));
        let changes = diff(&before, &after, &shape);
        let patch: json_patch::Patch = serde_json::from_value(Json::Array(patch(&changes))).unwrap();
        let mut patched = before.clone();
        json_patch::patch(&mut patched, &patch).unwrap();
        prop_assert_eq!(shape.canonical(patched), after.clone(), "{:#?}", changes);
        prop_assert_eq!(changes.is_empty(), before == after);
    }

    /// The same data in another order has not changed.
    #[test]
    fn order_is_no_change(document in document(), seed in 0..7_u64) {
        let shape = Shape::default();
        let other = shape.canonical(shuffled(&document, seed));
        let document = shape.canonical(document);
        prop_assert_eq!(document.to_string(), other.to_string());
        prop_assert!(diff(&document, &other, &shape).is_empty());
    }
}
