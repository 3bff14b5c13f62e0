//! Rows become differences.

use serde_json::json;

use super::*;
use crate::render::{operations, unified};

fn row(operation: &str, path: &str, path_text: &str) -> Json {
    json!({
        "generator": "iam", "run": "1", "operation": operation, "part": "eu", "key": "alice",
        "path": path, "path_text": path_text, "before": 1, "after": 2,
    })
}

fn told(row: &Json) -> String {
    operations(&ObjectDifference::from_row(row).unwrap()).remove(0).text
}

#[test]
fn a_row_is_a_change() {
    assert_eq!(told(&row("change", "/keys/3/age", "keys[id=a].age")), "~ eu[alice].keys[id=a].age: 1 -> 2");
    assert_eq!(told(&row("add", "/age", "age")), "+ eu[alice].age: 2");
    assert_eq!(told(&row("remove", "", "")), "- eu[alice]: 1");
    let mut moved = row("move", "/rules/0", "rules[name=ssh]");
    moved["path_before"] = json!("/rules/2");
    assert_eq!(told(&moved), "> eu[alice].rules[name=ssh]: from 2 to 0");
}

#[test]
fn rows_of_one_object_and_run_are_one() {
    let mut other_run = row("change", "/b", "b");
    other_run["run"] = json!("2");
    let rows = [row("change", "/a", "a"), other_run, row("change", "/b", "b")];
    let differences = ObjectDifference::from_rows(&rows).unwrap();
    assert_eq!(differences.iter().map(|one| one.changes.len()).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn an_object_that_is_too_large_for_a_row_is_told_by_its_operations() {
    let mut row = row("change", "/age", "age");
    row["object_before"] = json!({"age": 1});
    let lines = unified(&ObjectDifference::from_row(&row).unwrap());
    let lines: Vec<String> = lines.into_iter().map(|line| line.text).collect();
    assert_eq!(lines, ["--- eu[alice]", "+++ eu[alice]", "~ eu[alice].age: 1 -> 2"]);
}

#[test]
fn what_is_no_row_is_said() {
    let error = ObjectDifference::from_row(&json!({"id": 1})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is no row of table `change`: its `operation` is none of add, remove, change, move"
    );
    let error = ObjectDifference::from_row(&row("add", "age", "age")).unwrap_err();
    assert!(error.to_string().ends_with("its `path` is no JSON pointer: age"), "{error}");
}
