//! YAML 1.2 as JSON. What comes from outside is bounded: depth, and what aliases repeat.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};
use serde_json::{Map, Number, Value as Json};

use super::format::Read;

/// Lists and maps may be nested so deep.
const MAX_DEPTH: usize = 64;

/// Aliases may repeat so many values in one file.
const MAX_REPEATED: usize = 1 << 20;

/// The key whose value is taken over by the map that it is in.
const MERGE: &str = "<<";

/// The documents of a text.
pub(super) fn read(text: &str) -> Read {
    let mut reader =
        Reader { parser: Parser::new_from_str(text), open: Vec::new(), anchors: HashMap::new(), repeated: 0 };
    let mut values = Vec::new();
    match reader.read(&mut values) {
        Ok(()) => Read { values, wrong: None },
        Err(wrong) => Read { values: Vec::new(), wrong: Some(wrong) },
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// The lists and maps that are open, with the anchor of each.
    open: Vec<(Open, usize)>,
    /// What anchors stand for, and how many values that is.
    anchors: HashMap<usize, (Json, usize)>,
    repeated: usize,
}

enum Open {
    List(Vec<Json>),
    Map { members: Map<String, Json>, merged: Vec<Json>, key: Option<String> },
}

impl Reader<'_> {
    fn read(&mut self, values: &mut Vec<Json>) -> Result<(), String> {
        let mut root = None;
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event
                .map_err(|error| format!("line {} is no YAML: {}", error.marker().line(), error.info()))?;
            let complete = match event {
                Event::DocumentStart(_) => {
                    self.anchors.clear();
                    None
                }
                Event::DocumentEnd => {
                    // An empty document says nothing.
                    values.extend(root.take().filter(|value: &Json| !value.is_null()));
                    None
                }
                event => self.value(event).map_err(|why| format!("line {}: {why}", span.start.line()))?,
            };
            if let Some(value) = complete {
                let whole = self.place(value).map_err(|why| format!("line {}: {why}", span.start.line()))?;
                root = whole.or(root);
            }
        }
        Ok(())
    }

    /// What an event completes.
    fn value(&mut self, event: Event<'_>) -> Result<Option<Json>, String> {
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref()), anchor),
            Event::Alias(anchor) => {
                let Some((value, size)) = self.anchors.get(&anchor) else {
                    return Err("an alias is inside the value that it stands for".to_owned());
                };
                self.repeated += size;
                if self.repeated > MAX_REPEATED {
                    return Err(format!("aliases repeat more than {MAX_REPEATED} values"));
                }
                if self.open.len() + depth(value) > MAX_DEPTH {
                    return Err(too_deep());
                }
                (value.clone(), 0)
            }
            Event::SequenceStart(anchor, _) => return self.start(Open::List(Vec::new()), anchor),
            Event::MappingStart(anchor, _) => {
                let map = Open::Map { members: Map::new(), merged: Vec::new(), key: None };
                return self.start(map, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((open, anchor)) = self.open.pop() else { return Ok(None) };
                (end(open)?, anchor)
            }
            _ => return Ok(None),
        };
        if anchor > 0 {
            let size = size(&value);
            self.anchors.insert(anchor, (value.clone(), size));
        }
        Ok(Some(value))
    }

    fn start(&mut self, open: Open, anchor: usize) -> Result<Option<Json>, String> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep());
        }
        self.open.push((open, anchor));
        Ok(None)
    }

    /// Puts a value where it belongs; gives it back if it is the whole document.
    fn place(&mut self, value: Json) -> Result<Option<Json>, String> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some((Open::List(items), _)) => items.push(value),
            Some((Open::Map { members, merged, key }, _)) => match (key.take(), value) {
                (None, Json::String(text)) => *key = Some(text),
                (None, Json::Array(_) | Json::Object(_)) => return Err("a key is a list or a map".to_owned()),
                (None, value) => *key = Some(value.to_string()),
                (Some(key), value) if key == MERGE => merged.push(value),
                (Some(key), value) => {
                    if members.contains_key(&key) {
                        return Err(format!("`{key}` is here twice"));
                    }
                    members.insert(key, value);
                }
            },
        }
        Ok(None)
    }
}

/// A list or a map that is whole. What it has itself counts more than what is merged into it, and what is merged first
/// more than what is merged later.
fn end(open: Open) -> Result<Json, String> {
    let (mut members, merged) = match open {
        Open::List(items) => return Ok(Json::Array(items)),
        Open::Map { members, merged, .. } => (members, merged),
    };
    let maps = merged.into_iter().flat_map(|value| match value {
        Json::Array(items) => items,
        value => vec![value],
    });
    for map in maps {
        let Json::Object(map) = map else { return Err("what `<<` merges is no map".to_owned()) };
        for (key, value) in map {
            members.entry(key).or_insert(value);
        }
    }
    Ok(Json::Object(members))
}

/// A scalar as the core schema of YAML 1.2 reads it. What JSON has no number for stays text.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Json {
    let is_text = tag.is_some_and(|tag| !tag.is_yaml_core_schema() || tag.suffix == "str");
    if style != ScalarStyle::Plain || is_text {
        return Json::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::from(true),
        "false" | "False" | "FALSE" => return Json::from(false),
        _ => {}
    }
    number(text).map_or_else(|| Json::from(text), Json::Number)
}

fn number(text: &str) -> Option<Number> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Number::from);
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16).filter(|_| !digits.starts_with('+'));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8).filter(|_| !digits.starts_with('+'));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned.bytes().all(|byte| byte.is_ascii_digit()) && !unsigned.is_empty() {
        let text = text.strip_prefix('+').unwrap_or(text);
        return text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from)).ok();
    }
    let is_float = unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'-' | b'+'))
        && unsigned.bytes().next().is_some_and(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_float { text.parse::<f64>().ok().and_then(Number::from_f64) } else { None }
}

fn too_deep() -> String {
    format!("it is nested deeper than {MAX_DEPTH} levels")
}

/// How deep a value is; bounded as its parts were when they were read.
fn depth(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Json::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fn size(value: &Json) -> usize {
    match value {
        Json::Array(items) => 1 + items.iter().map(size).sum::<usize>(),
        Json::Object(members) => 1 + members.values().map(size).sum::<usize>(),
        // A long text is many short ones.
        Json::String(text) => 1 + text.len() / 16,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> Json {
        let read = read(text);
        assert_eq!(read.wrong, None, "{text}");
        Json::from(read.values)
    }

    fn wrong(text: &str) -> String {
        read(text).wrong.unwrap_or_default()
    }

    #[test]
    fn values_are_read_as_yaml_1_2_says() {
        assert_eq!(
            value(
                "a: 1\nb: [yes, 0x1F, 0o17, -1.5e3, +7, .5, 1., true, ~, '1', \"2\", !!str 3, 1_000, 010, .inf, 1:30]\n2: x\ntrue: y\n"
            ),
            json!([{"a": 1, "b": ["yes", 31, 15, -1500.0, 7, 0.5, 1.0, true, null, "1", "2", "3", "1_000", 10, ".inf", "1:30"],
                "2": "x", "true": "y"}])
        );
        assert_eq!(
            value("big: 18446744073709551615\nbigger: 18446744073709551616"),
            json!([{"big": u64::MAX, "bigger": "18446744073709551616"}])
        );
        assert_eq!(
            value("a: |\n  x\n  y\n---\n- b\n---\n...\n---\n# nothing\n"),
            json!([{"a": "x\ny\n"}, ["b"]])
        );
        assert_eq!(value(""), json!([]));
        assert_eq!(value("when: 2024-02-01T10:00:00Z"), json!([{"when": "2024-02-01T10:00:00Z"}]));
    }

    #[test]
    fn aliases_and_merges_are_followed() {
        let text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nboth:\n  <<: [*base, *other]\n  a: 0\nsame: *base\none: {<<: *other}\n";
        assert_eq!(
            value(text),
            json!([{"base": {"a": 1, "b": 2}, "other": {"b": 3, "c": 4}, "both": {"a": 0, "b": 2, "c": 4},
                "same": {"a": 1, "b": 2}, "one": {"b": 3, "c": 4}}])
        );
    }

    #[test]
    fn what_is_wrong_or_hostile_is_refused() {
        assert_eq!(wrong("a: 1\na: 2\n"), "line 2: `a` is here twice");
        assert!(wrong("a: [1\nb: 2").starts_with("line "));
        assert_eq!(wrong("? [a]\n: b\n"), "line 1: a key is a list or a map");
        assert_eq!(wrong("<<: 1\n"), "line 2: what `<<` merges is no map");
        assert_eq!(wrong(&("[".repeat(65) + &"]".repeat(65))), "line 1: it is nested deeper than 64 levels");
        assert!(wrong(&"[".repeat(100_000)).starts_with("line 1"));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            bomb.push_str(&format!("a{level}: &a{level} [{before}]\n"));
        }
        assert!(wrong(&bomb).contains("aliases repeat more than"), "{}", wrong(&bomb));
        assert!(wrong("a: &a [*a]").contains("inside the value that it stands for"));
        assert!(wrong("a: *missing").starts_with("line 1"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}:,&*a\\-! \n'\"|<0.]{0,60}") {
            let _ = read(&text);
        }
    }
}
