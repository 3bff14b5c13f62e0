//! States that are compared, and whether those of the built-in detections are like what generators give.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, json};

use super::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-04-01T00:00:00Z").unwrap()
}

#[test]
fn what_is_told_is_what_a_run_would_tell() {
    let rehearsal = Rehearsal::new().unwrap();
    let module =
        |name: &str, state: &str| json!({"name": name, "size": 1, "state": state, "used_by": ["b", "a"]});
    let before = [module("one", "Live"), module("two", "Live")];
    let after = [module("two", "Unloading"), module("three", "Live")];
    let told = rehearsal.changes("kernel_modules", None, &before, &after, now()).unwrap();
    assert_eq!(told.channel, "host.kernel_modules");
    let lines = told.lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let mut told: Vec<Json> = lines.collect();
    told.sort_by_key(|line| line["key"].to_string());
    let [one, three, two] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&one["operation"], &one["key"]), (&json!("remove"), &json!("one")));
    assert_eq!((&three["operation"], &three["first_seen"]), (&json!("add"), &json!("2026-04-01T00:00:00Z")));
    assert_eq!(
        (&two["path"], &two["before"], &two["after"]),
        (&json!("/state"), &json!("Live"), &json!("Unloading"))
    );
    assert_eq!(two["first_seen"], "2026-03-31T23:00:00Z");
    // Nothing of one comparison is left for the next.
    let again = rehearsal.changes("kernel_modules", Some("other"), &after, &after, now()).unwrap();
    assert_eq!(again, Rehearsed { channel: "other".into(), lines: String::new() });
}

#[test]
fn an_unknown_type_is_told() {
    let error = Rehearsal::new().unwrap().changes("aws_iamm", None, &[], &[], now()).unwrap_err();
    assert_eq!(error.to_string(), "there is no generator type `aws_iamm`; did you mean `aws_iam`?");
}

/// Members whose names are the user's own.
const FREE: [&str; 8] = [
    "Tags",
    "PolicyDocument",
    "AssumeRolePolicyDocument",
    "Policy",
    "permissions",
    "aliases",
    "exec",
    "parameters",
];

/// What a generator's documentation shows: the documents of each kind, or all of them taken together.
fn shown(generator_type: &GeneratorType) -> BTreeMap<String, Vec<Json>> {
    let mut shown: BTreeMap<String, Vec<Json>> = BTreeMap::new();
    for block in generator_type.documents.split("```json\n").skip(1) {
        let document: Json = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
        let kind = document["kind"].as_str().unwrap_or_default().to_owned();
        shown.entry(kind).or_default().push(document);
    }
    shown
}

/// Kinds are shown one by one by some generators; by others one document stands for all.
fn shown_for<'a>(shown: &'a BTreeMap<String, Vec<Json>>, document: &Json) -> Vec<&'a Json> {
    match document["kind"].as_str().and_then(|kind| shown.get(kind)) {
        Some(documents) => documents.iter().collect(),
        None => shown.values().flatten().collect(),
    }
}

/// A member that is not among those that are shown.
fn undocumented(place: &str, shown: &[&Json], found: &Json) -> Option<String> {
    match found {
        Json::Object(members) => members.iter().find_map(|(name, value)| {
            let below: Vec<&Json> = shown.iter().filter_map(|shown| shown.get(name)).collect();
            let place = format!("{place}.{name}");
            match (below.is_empty(), FREE.contains(&name.as_str())) {
                (true, _) => Some(place),
                (false, true) => None,
                (false, false) => undocumented(&place, &below, value),
            }
        }),
        Json::Array(items) => {
            let below: Vec<&Json> = shown.iter().filter_map(|shown| shown.as_array()).flatten().collect();
            let below = if below.is_empty() { return None } else { below };
            items.iter().find_map(|item| undocumented(&format!("{place}[]"), &below, item))
        }
        _ => None,
    }
}

/// A detection that is tested with documents which no generator gives would be right about nothing.
#[test]
fn states_of_the_built_in_detections_are_like_those_of_generators() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/change");
    let (mut files, mut documents) = (0, 0);
    let mut pending = vec![folder];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.to_string_lossy().ends_with(".tests.jsonl") {
                files += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                for line in text.lines() {
                    documents += check_line(&path, line);
                }
            }
        }
    }
    assert!(files >= 35 && documents > 4 * files, "{files} files, {documents} documents");
}

fn check_line(path: &Path, line: &str) -> usize {
    let test: Map<String, Json> = serde_json::from_str(line).unwrap();
    let Some(name) = test.get("generator") else { return 0 };
    let generator_type = find(name.as_str().unwrap()).unwrap();
    let shown = shown(generator_type);
    let given = ["before", "after"].into_iter().filter_map(|state| test.get(state)?.as_array()).flatten();
    let mut count = 0;
    for document in given {
        count += 1;
        for field in generator_type.key {
            assert!(
                document.get(field).is_some(),
                "{}: a document without {field}: {document}",
                path.display()
            );
        }
        if let Some(place) = undocumented("", &shown_for(&shown, document), document) {
            panic!("{}: {name} has no member {place}: {document}", path.display());
        }
    }
    count
}
