//! The structured data of RFC 5424: `[id name="value" …][…]`.

use serde_json::{Map, Value};

/// Reads the structured data at the start of `rest`: as JSON, `{"id": {"name": "value"}}`, if there is any, and what
/// follows. `None` if what stands there is neither structured data nor the sign for none.
pub(super) fn read(rest: &str) -> Option<(Option<String>, &str)> {
    if let Some(after) = rest.strip_prefix('-') {
        return match after.strip_prefix(' ') {
            Some(message) => Some((None, message)),
            None => after.is_empty().then_some((None, after)),
        };
    }
    let mut elements = Map::new();
    let mut after = rest;
    while after.starts_with('[') {
        let (id, element, next) = read_element(&after[1..])?;
        put(&mut elements, id, Value::Object(element));
        after = next;
    }
    if elements.is_empty() {
        return None;
    }
    let message = after.strip_prefix(' ').or_else(|| after.is_empty().then_some(after))?;
    Some((Some(Value::Object(elements).to_string()), message))
}

/// Reads an element behind its opening bracket.
fn read_element(text: &str) -> Option<(&str, Map<String, Value>, &str)> {
    let end = text.find([' ', ']'])?;
    let (id, mut rest) = text.split_at(end);
    let mut element = Map::new();
    while let Some(parameter) = rest.strip_prefix(' ') {
        let (name, value) = parameter.split_once("=\"")?;
        if name.is_empty() || name.contains([' ', ']', '"']) {
            return None;
        }
        let (value, after) = read_value(value)?;
        put(&mut element, name, Value::String(value));
        rest = after;
    }
    let after = rest.strip_prefix(']')?;
    (!id.is_empty()).then_some((id, element, after))
}

/// Reads a value behind its opening quote. A backslash makes a quote, a backslash or a bracket part of it.
fn read_value(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\' | ']')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            plain => value.push(plain),
        }
    }
    None
}

/// Puts a value. One whose name is there already makes a list of both.
fn put(map: &mut Map<String, Value>, name: &str, value: Value) {
    match map.get_mut(name) {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(Value::Array(values)) => values.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}
