//! JSON text: paths into it, and the part they lead to. Nothing here builds a tree of the document.

use std::borrow::Cow;

use jiter::{Jiter, Peek};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Into the member with this key.
    Key(String),
    /// Into the element at this place; negative ones count from the end.
    Index(i64),
    /// A step of a JSON pointer: a key, or a place if it meets an array.
    KeyOrIndex(String),
    /// Into every element or member: the path leads to many values.
    Every,
}

/// Reads a path as DuckDB does: `$.a[0]."b c"`, `/a/0`, and any other text is one key.
pub(crate) fn parse_path(text: &str) -> Result<Vec<Step>, String> {
    if let Some(pointer) = text.strip_prefix('/') {
        let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
        return Ok(pointer.split('/').map(|part| Step::KeyOrIndex(unescape(part))).collect());
    }
    match text.strip_prefix('$') {
        Some(rest) if rest.is_empty() || rest.starts_with(['.', '[']) => parse_steps(text, rest),
        _ => Ok(vec![Step::Key(text.to_owned())]),
    }
}

/// Whether the path leads to a list of values.
pub(crate) fn leads_to_many(steps: &[Step]) -> bool {
    steps.contains(&Step::Every)
}

/// The text of the value that `steps` lead to, as it stands in `json`. What is not JSON has no values.
pub(crate) fn find<'j>(json: &'j str, steps: &[Step]) -> Option<&'j str> {
    let mut jiter = Jiter::new(json.as_bytes());
    let mut peek = jiter.peek().ok()?;
    for step in steps {
        peek = match (step, peek) {
            (Step::Key(key) | Step::KeyOrIndex(key), Peek::Object) => enter_member(&mut jiter, key)?,
            (Step::Index(index), Peek::Array) => enter_element(&mut jiter, *index)?,
            (Step::KeyOrIndex(index), Peek::Array) => enter_element(&mut jiter, index.parse().ok()?)?,
            _ => return None,
        };
    }
    let start = jiter.current_index();
    jiter.known_skip(peek).ok()?;
    json.get(start..jiter.current_index())
}

/// The texts of all values that `steps` lead to, in the order of the document.
pub(crate) fn find_all<'j>(json: &'j str, steps: &[Step]) -> Vec<&'j str> {
    let Some(at) = steps.iter().position(|step| *step == Step::Every) else {
        return find(json, steps).into_iter().collect();
    };
    let Some(container) = find(json, &steps[..at]) else { return Vec::new() };
    let inner = children(container).unwrap_or_default();
    inner.into_iter().flat_map(|child| find_all(child, &steps[at + 1..])).collect()
}

/// The texts of the elements of an array or the members of an object; `None` if it is neither.
pub(crate) fn children(json: &str) -> Option<Vec<&str>> {
    let mut jiter = Jiter::new(json.as_bytes());
    let mut found = Vec::new();
    match jiter.peek().ok()? {
        Peek::Array => {
            let mut next = jiter.known_array().ok()?;
            while let Some(peek) = next {
                found.push(skip(json, &mut jiter, peek)?);
                next = jiter.array_step().ok()?;
            }
        }
        Peek::Object => {
            let mut more = jiter.known_object().ok()?.is_some();
            while more {
                let peek = jiter.peek().ok()?;
                found.push(skip(json, &mut jiter, peek)?);
                more = jiter.next_key().ok()?.is_some();
            }
        }
        _ => return None,
    }
    Some(found)
}

/// The keys of an object; `None` if it is none.
pub(crate) fn keys(json: &str) -> Option<Vec<String>> {
    let mut jiter = Jiter::new(json.as_bytes());
    if jiter.peek().ok()? != Peek::Object {
        return None;
    }
    let mut found = Vec::new();
    let mut next = jiter.known_object().ok()?.map(str::to_owned);
    while let Some(key) = next {
        found.push(key);
        jiter.next_skip().ok()?;
        next = jiter.next_key().ok()?.map(str::to_owned);
    }
    Some(found)
}

/// The JSON type of a value's text as DuckDB names it; `None` if it is not JSON.
pub(crate) fn type_name(json: &str) -> Option<&'static str> {
    let mut jiter = Jiter::new(json.as_bytes());
    let peek = jiter.peek().ok()?;
    let value = skip(json, &mut jiter, peek)?;
    jiter.finish().ok()?;
    Some(match peek {
        Peek::Null => "NULL",
        Peek::True | Peek::False => "BOOLEAN",
        Peek::String => "VARCHAR",
        Peek::Array => "ARRAY",
        Peek::Object => "OBJECT",
        _ if value.contains(['.', 'e', 'E']) => "DOUBLE",
        _ if value.starts_with('-') => "BIGINT",
        _ => "UBIGINT",
    })
}

/// A value's text as SQL text: a string without its quotes, anything else as JSON, null as nothing.
pub(crate) fn to_text(value: &str) -> Option<Cow<'_, str>> {
    if value == "null" {
        return None;
    }
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Some(to_compact(value));
    };
    if memchr::memchr(b'\\', inner.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(value).ok().map(Cow::Owned)
}

/// A value's text without needless spaces and escapes.
pub(crate) fn to_compact(value: &str) -> Cow<'_, str> {
    let is_compact = !value.bytes().any(|byte| byte.is_ascii_whitespace() || byte == b'\\');
    if is_compact {
        return Cow::Borrowed(value);
    }
    let mut compact = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(quote) = rest.find('"') {
        compact.extend(rest[..quote].chars().filter(|c| !c.is_ascii_whitespace()));
        let end = string_end(&rest[quote..]).map_or(rest.len(), |length| quote + length);
        push_string(&mut compact, &rest[quote..end]);
        rest = &rest[end..];
    }
    compact.extend(rest.chars().filter(|c| !c.is_ascii_whitespace()));
    Cow::Owned(compact)
}

/// Appends a JSON string with only the escapes that it needs.
fn push_string(compact: &mut String, quoted: &str) {
    let rewritten = if quoted.contains('\\') {
        serde_json::from_str::<String>(quoted).and_then(|text| serde_json::to_string(&text)).ok()
    } else {
        None
    };
    compact.push_str(rewritten.as_deref().unwrap_or(quoted));
}

/// The length of the string at the start of `text`, its quotes included.
fn string_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn skip<'j>(json: &'j str, jiter: &mut Jiter<'j>, peek: Peek) -> Option<&'j str> {
    let start = jiter.current_index();
    jiter.known_skip(peek).ok()?;
    json.get(start..jiter.current_index())
}

/// Moves to the value of the first member called `key`.
fn enter_member(jiter: &mut Jiter, key: &str) -> Option<Peek> {
    let mut found = jiter.known_object().ok()?? == key;
    while !found {
        jiter.next_skip().ok()?;
        found = jiter.next_key().ok()?? == key;
    }
    jiter.peek().ok()
}

/// Moves to the element at `index`.
fn enter_element(jiter: &mut Jiter, index: i64) -> Option<Peek> {
    let steps = match u64::try_from(index) {
        Ok(steps) => steps,
        // The parser reads forward only, so the end has to be found first.
        Err(_) => count_elements(&mut jiter.clone())?.checked_sub(index.unsigned_abs())?,
    };
    let mut element = jiter.known_array().ok()??;
    for _ in 0..steps {
        jiter.known_skip(element).ok()?;
        element = jiter.array_step().ok()??;
    }
    Some(element)
}

fn count_elements(jiter: &mut Jiter) -> Option<u64> {
    let mut count = 0;
    let mut next = jiter.known_array().ok()?;
    while let Some(element) = next {
        jiter.known_skip(element).ok()?;
        count += 1;
        next = jiter.array_step().ok()?;
    }
    Some(count)
}

fn parse_steps(whole: &str, mut rest: &str) -> Result<Vec<Step>, String> {
    let wrong = || format!("`{whole}` is not a JSON path");
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let (step, remaining) = parse_member(after).ok_or_else(wrong)?;
            steps.push(step);
            rest = remaining;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (inside, remaining) = after.split_once(']').ok_or_else(wrong)?;
            steps.push(parse_subscript(inside.trim()).ok_or_else(wrong)?);
            rest = remaining;
        } else {
            return Err(wrong());
        }
    }
    Ok(steps)
}

fn parse_member(text: &str) -> Option<(Step, &str)> {
    if text.starts_with('"') {
        let end = string_end(text)?;
        let key = serde_json::from_str(&text[..end]).ok()?;
        return Some((Step::Key(key), &text[end..]));
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    match &text[..end] {
        "" => None,
        "*" => Some((Step::Every, &text[end..])),
        key => Some((Step::Key(key.to_owned()), &text[end..])),
    }
}

fn parse_subscript(inside: &str) -> Option<Step> {
    if inside == "*" {
        return Some(Step::Every);
    }
    let quoted = inside.strip_prefix(['"', '\'']).and_then(|rest| rest.strip_suffix(['"', '\'']));
    if let Some(key) = quoted {
        return Some(Step::Key(key.to_owned()));
    }
    inside.strip_prefix('#').unwrap_or(inside).parse().ok().map(Step::Index)
}
