//! Which field tells the objects of a list from each other.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

/// What such fields are called, the best first: a whole name, or how one ends. Case and `_`, `-` do not matter, so that
/// `GroupId`, `group_id` and `group-id` are one.
const NAMES: [&str; 8] = ["id", "arn", "uuid", "guid", "uid", "key", "name", "sid"];

/// The value of a field that can tell an object from others: a text or a number.
pub(crate) fn identifying<'a>(object: &'a Map<String, Json>, field: &str) -> Option<&'a Json> {
    let value = object.get(field)?;
    matches!(value, Json::String(_) | Json::Number(_)).then_some(value)
}

/// The field that best tells a single object from others, by its name alone.
pub(crate) fn field_of(object: &Map<String, Json>) -> Option<&str> {
    let fields = object.keys().filter(|field| identifying(object, field).is_some());
    fields.filter_map(|field| Some((rank(field)?, field))).min().map(|(_, field)| field.as_str())
}

/// The field that tells the objects of `lists` from each other, in each list: `declared` if it does, else the best by its
/// name. `None` if something in them is no object, or no field does.
pub(crate) fn field_of_lists<'a>(lists: [&'a [Json]; 2], declared: Option<&'a str>) -> Option<&'a str> {
    if let Some(field) = declared.filter(|field| tells_apart(lists, field)) {
        return Some(field);
    }
    let first = lists.iter().flat_map(|list| list.iter()).next()?.as_object()?;
    let mut candidates: Vec<(usize, &str)> =
        first.keys().filter_map(|field| Some((rank(field)?, field.as_str()))).collect();
    candidates.sort_unstable();
    candidates.into_iter().map(|(_, field)| field).find(|field| tells_apart(lists, field))
}

/// Whether each object of each list has a value of its own there.
fn tells_apart(lists: [&[Json]; 2], field: &str) -> bool {
    lists.into_iter().all(|list| {
        let mut seen = HashSet::with_capacity(list.len());
        list.iter().all(|item| {
            let value = item.as_object().and_then(|object| identifying(object, field));
            value.is_some_and(|value| seen.insert(value.to_string()))
        })
    })
}

/// How good a name is, the lower the better.
fn rank(field: &str) -> Option<usize> {
    let plain: String = field
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    let whole = NAMES.iter().position(|name| plain == *name);
    let ending = || {
        // `valid` does not end in `Id`: a word begins there.
        let position =
            NAMES.iter().position(|name| plain.ends_with(name) && begins_word(field, name.len()))?;
        Some(NAMES.len() + position)
    };
    whole.or_else(ending)
}

/// Whether the last `length` letters of a field's name are a word of their own.
fn begins_word(field: &str, length: usize) -> bool {
    let letters: Vec<char> = field.chars().collect();
    let Some(at) = letters.len().checked_sub(length).filter(|at| *at > 0) else { return false };
    letters[at].is_uppercase() || matches!(letters[at - 1], '_' | '-')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_fields_are_ranked() {
        let best = |object: Json| field_of(object.as_object().unwrap()).map(str::to_owned);
        assert_eq!(best(json!({"name": "a", "id": 7})).as_deref(), Some("id"));
        assert_eq!(best(json!({"UserName": "a", "Arn": "arn:aws:iam::1:user/a"})).as_deref(), Some("Arn"));
        assert_eq!(best(json!({"GroupName": "g", "GroupId": "sg-1"})).as_deref(), Some("GroupId"));
        assert_eq!(best(json!({"valid": "yes", "paid": 3, "monkey": "x"})), None);
        assert_eq!(best(json!({"id": null, "key": "k"})).as_deref(), Some("key"));
        assert_eq!(best(json!({"id": {"nested": 1}})), None);
    }

    #[test]
    fn a_field_must_tell_all_apart() {
        let field = |before: Json, after: Json, declared: Option<&'static str>| {
            let (before, after) = (before.as_array().unwrap().clone(), after.as_array().unwrap().clone());
            field_of_lists([&before, &after], declared).map(str::to_owned)
        };
        let named = json!([{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]);
        assert_eq!(field(named.clone(), json!([]), None).as_deref(), Some("name"));
        assert_eq!(field(named, json!([{"id": 1}]), None), None);
        assert_eq!(field(json!([1, 2]), json!([]), None), None);
        let ports = json!([{"port": 22, "id": 1}, {"port": 80, "id": 2}]);
        assert_eq!(field(ports.clone(), json!([]), Some("port")).as_deref(), Some("port"));
        assert_eq!(field(ports, json!([]), Some("missing")).as_deref(), Some("id"));
    }
}
