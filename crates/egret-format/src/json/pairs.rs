//! Objects that are written as a list of their members, each a pair of name and value.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// A member: `{"@Name": "Image", "#text": "a.exe"}`, as XML becomes JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pair<'t> {
    pub(super) name: Cow<'t, str>,
    /// The value in JSON; `null` of an empty element, which has no text.
    pub(super) value: &'t str,
}

/// How a single pair starts: other objects may have a `Name` and a `Value`.
const PAIR_NAMES: [&str; 3] = ["\"@Name\"", "\"#text\"", "\"#attributes\""];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'t> {
    #[serde(borrow, alias = "@Name", alias = "Name")]
    name: Option<Cow<'t, str>>,
    #[serde(borrow, rename = "#attributes")]
    attributes: Option<Attributes<'t>>,
    #[serde(borrow, alias = "#text", alias = "Value", alias = "text")]
    value: Option<&'t RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Attributes<'t> {
    #[serde(borrow, rename = "Name")]
    name: Cow<'t, str>,
}

/// The pairs that the list at the start of `text` consists of; `None` if anything in it is none, or says more than a
/// pair can.
pub(super) fn pairs_in(text: &str) -> Option<Vec<Pair<'_>>> {
    let list: Vec<Written<'_>> = first(text)?;
    let pairs: Option<Vec<Pair<'_>>> = list.into_iter().map(pair).collect();
    pairs.filter(|pairs| !pairs.is_empty())
}

/// The one pair that stands alone at the start of `text`, where a list of them may stand.
pub(super) fn single_pair(text: &str) -> Option<Pair<'_>> {
    let first_name = text.strip_prefix('{')?.trim_ascii_start();
    if !PAIR_NAMES.iter().any(|name| first_name.starts_with(name)) {
        return None;
    }
    pair(first(text)?)
}

/// The value at the start of `text`.
fn first<'t, T: Deserialize<'t>>(text: &'t str) -> Option<T> {
    serde_json::Deserializer::from_str(text).into_iter().next()?.ok()
}

fn pair(written: Written<'_>) -> Option<Pair<'_>> {
    let name = match (written.name, written.attributes) {
        (Some(name), None) | (None, Some(Attributes { name })) => name,
        _ => return None,
    };
    Some(Pair { name, value: written.value.map_or("null", RawValue::get) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_told_from_other_lists() {
        let read = |raw: &'static str| {
            let pairs = pairs_in(raw)?;
            Some(pairs.into_iter().map(|pair| (pair.name.into_owned(), pair.value)).collect::<Vec<_>>())
        };
        let written = r##"[{"@Name":"a","#text":"x"},{"#text":2,"@Name":"b"},{"@Name":"c"},
            {"#attributes":{"Name":"d"},"#text":"\u00e9"},{"Name":"e","Value":null},{"name":"f","value":{"g":1}}]"##;
        let expected = [
            ("a", "\"x\""),
            ("b", "2"),
            ("c", "null"),
            ("d", "\"\\u00e9\""),
            ("e", "null"),
            ("f", "{\"g\":1}"),
        ];
        assert_eq!(read(written).unwrap(), expected.map(|(name, value)| (name.to_owned(), value)));
        for other in [
            "[]",
            r##"["x"]"##,
            r##"[{"@Name":"a","#text":"x"},"y"]"##,
            r##"[{"#text":"x"}]"##,
            r##"[{"@Name":"a","#text":"x","@Type":"win:UnicodeString"}]"##,
            r##"[{"@Name":"a","Name":"b","#text":"x"}]"##,
            r##"[{"@Name":"a","#attributes":{"Name":"b"}}]"##,
            r##"[{"@Name":1}]"##,
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn a_pair_may_stand_alone() {
        let alone = single_pair(r##"{ "@Name": "a", "#text": "x" }, "other": 1}"##).unwrap();
        assert_eq!((alone.name.as_ref(), alone.value), ("a", "\"x\""));
        for other in [
            r##"{"#text":["x","y"]}"##,
            r##"{"Name":"a","Value":"x"}"##,
            r##"{"#attributes":{"Name":"a"},"Image":"x"}"##,
            "{}",
            r##"["@Name"]"##,
        ] {
            assert_eq!(single_pair(other), None, "{other}");
        }
    }
}
