//! For tests: what the documentation of a generator shows of its documents, beside what it really gives.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::registry::GeneratorType;

/// The documents that a generator's documentation shows, by their `kind`.
pub(crate) fn documented(generator_type: &GeneratorType) -> BTreeMap<String, Json> {
    let blocks = generator_type.documents.split("```json\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split("```").next().unwrap();
            let document: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
            (document["kind"].as_str().unwrap().to_owned(), document)
        })
        .collect()
}

/// Sees that the documents, as they are listed, have what is documented, and nothing else.
#[track_caller]
pub(crate) fn check_documented(generator_type: &GeneratorType, listed: &[String]) {
    let shown = documented(generator_type);
    for line in listed {
        let (_, text) = line.split_once(" {").unwrap();
        let document: Json = serde_json::from_str(&format!("{{{text}")).unwrap();
        let kind = document["kind"].as_str().unwrap();
        let shown = shown.get(kind).unwrap_or_else(|| panic!("{kind} is not documented"));
        check(kind, shown, &document);
    }
}

#[track_caller]
fn check(place: &str, shown: &Json, found: &Json) {
    match (shown, found) {
        (Json::Object(shown), Json::Object(found)) => {
            // What has names of the user's own cannot be shown.
            let is_free =
                ["Tags", "Document", "Policy", "permissions"].iter().any(|end| place.ends_with(end));
            for (name, value) in found.iter().filter(|_| !is_free) {
                let shown = shown.get(name).unwrap_or_else(|| panic!("{place}.{name} is not documented"));
                check(&format!("{place}.{name}"), shown, value);
            }
        }
        (Json::Array(shown), Json::Array(found)) => {
            for value in found {
                if let Some(shown) = shown.first() {
                    check(&format!("{place}[]"), shown, value);
                }
            }
        }
        (Json::String(_), Json::String(_))
        | (Json::Number(_), Json::Number(_))
        | (Json::Bool(_), Json::Bool(_)) => {}
        (_, Json::Null) => {}
        _ => panic!("{place} is documented as {shown} and found as {found}"),
    }
}
