//! Rows as documents: what all databases share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use egret_http::{CallError, said};
use serde_json::{Map, Number, Value as Json};

/// The longest name of a column that is shown.
const MAX_SHOWN: usize = 100;

/// Arrays may be nested so deep; no database allows more.
const MAX_DEPTH: usize = 16;

/// A row, column by column.
#[derive(Debug, Default)]
pub(super) struct Row(Map<String, Json>);

impl Row {
    /// Puts a column into it.
    ///
    /// # Errors
    /// If there is one with that name, or its value cannot be read.
    pub(super) fn put(&mut self, name: &str, value: Result<Json, String>) -> Result<(), CallError> {
        let value = value
            .map_err(|why| CallError::refused(format!("the column `{}` {why}", said(name, MAX_SHOWN))))?;
        if self.0.insert(name.to_owned(), value).is_some() {
            return Err(CallError::refused(format!(
                "the query gives the column `{}` twice: name one of them otherwise, with AS",
                said(name, MAX_SHOWN)
            )));
        }
        Ok(())
    }

    /// The row as a document.
    pub(super) fn document(self) -> Json {
        Json::Object(self.0)
    }
}

/// Bytes as text.
pub(super) fn base64(bytes: &[u8]) -> Json {
    Json::from(BASE64.encode(bytes))
}

/// A whole number that is written as text.
pub(super) fn integer(text: &str) -> Json {
    let number = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
    number.map_or_else(|_| Json::from(text), Json::Number)
}

/// A floating-point number that is written as text.
pub(super) fn float(text: &str) -> Json {
    text.parse::<f64>().ok().and_then(Number::from_f64).map_or_else(|| Json::from(text), Json::Number)
}

/// JSON that is written as text.
pub(super) fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("has JSON that cannot be read: {error}"))
}

/// A moment as databases write it, as RFC 3339 does: with a `T` inside, and a `Z` if it is `utc`. What is written
/// otherwise, such as `infinity`, stays as it is.
pub(super) fn timestamp(text: &str, utc: bool) -> Json {
    let Some((date, time)) = text.split_once(' ') else { return Json::from(text) };
    let is_plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-'));
    let time = match (utc, time.strip_suffix("+00")) {
        (true, Some(time)) => time,
        _ => time,
    };
    if !is_plain(date) || !is_plain(time) {
        return Json::from(text);
    }
    Json::from(format!("{date}T{time}{}", if utc { "Z" } else { "" }))
}

/// An array as PostgreSQL writes it: `{1,NULL,"a \"b\""}`, perhaps with its bounds before.
pub(super) fn array(
    text: &str,
    delimiter: char,
    item: &impl Fn(&str) -> Result<Json, String>,
) -> Result<Json, String> {
    // Bounds other than the usual ones: `[0:2]={…}`.
    let text = if text.starts_with('[') { text.split_once('=').map_or(text, |(_, text)| text) } else { text };
    let mut letters = text.char_indices().peekable();
    let wrong = || "has an array that cannot be read".to_owned();
    let (value, rest) = items(text, &mut letters, delimiter, item, 0)?.ok_or_else(wrong)?;
    if rest { Err(wrong()) } else { Ok(value) }
}

type Letters<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

/// One array, and whether something follows it.
fn items(
    text: &str,
    letters: &mut Letters<'_>,
    delimiter: char,
    item: &impl Fn(&str) -> Result<Json, String>,
    depth: usize,
) -> Result<Option<(Json, bool)>, String> {
    if depth > MAX_DEPTH || letters.next().is_none_or(|(_, letter)| letter != '{') {
        return Ok(None);
    }
    let mut found = Vec::new();
    if letters.next_if(|(_, letter)| *letter == '}').is_some() {
        return Ok(Some((Json::Array(found), letters.peek().is_some())));
    }
    loop {
        match letters.peek() {
            Some((_, '{')) => match items(text, letters, delimiter, item, depth + 1)? {
                Some((value, _)) => found.push(value),
                None => return Ok(None),
            },
            Some((_, '"')) => match quoted(letters) {
                Some(text) => found.push(item(&text)?),
                None => return Ok(None),
            },
            Some((start, _)) => {
                let start = *start;
                let mut end = start;
                while let Some((index, letter)) =
                    letters.next_if(|(_, letter)| *letter != delimiter && *letter != '}')
                {
                    end = index + letter.len_utf8();
                }
                found.push(match &text[start..end] {
                    "NULL" => Json::Null,
                    text => item(text)?,
                });
            }
            None => return Ok(None),
        }
        match letters.next() {
            Some((_, letter)) if letter == delimiter => {}
            Some((_, '}')) => return Ok(Some((Json::Array(found), letters.peek().is_some()))),
            _ => return Ok(None),
        }
    }
}

/// Text in double quotes, in which a backslash takes away the meaning of what follows.
fn quoted(letters: &mut Letters<'_>) -> Option<String> {
    letters.next();
    let mut text = String::new();
    loop {
        match letters.next()?.1 {
            '"' => return Some(text),
            '\\' => text.push(letters.next()?.1),
            letter => text.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arrays_are_read_as_postgres_writes_them() {
        let read = |text| array(text, ',', &|text| Ok(json!(text)));
        assert_eq!(read("{}"), Ok(json!([])));
        assert_eq!(read("{a,NULL,\"NULL\",\"\"}"), Ok(json!(["a", null, "NULL", ""])));
        assert_eq!(read(r#"{"a \"b\" \\ {},ä","c,d"}"#), Ok(json!(["a \"b\" \\ {},ä", "c,d"])));
        assert_eq!(read("{{1,2},{3,4}}"), Ok(json!([["1", "2"], ["3", "4"]])));
        assert_eq!(read("[0:1]={1,2}"), Ok(json!(["1", "2"])));
        assert_eq!(
            array("{(1,2),(3,4);(5,6),(7,8)}", ';', &|text| Ok(json!(text))),
            Ok(json!(["(1,2),(3,4)", "(5,6),(7,8)"]))
        );
        for text in ["", "1", "{", "{1", "{1,", "{\"a", "{\"a\\", "{1}2", "{{1}", "{\"a\"b}"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(&"{".repeat(100_000)).is_err());
    }

    #[test]
    fn moments_are_written_as_rfc_3339_says() {
        assert_eq!(timestamp("2024-02-01 10:00:00.5+00", true), json!("2024-02-01T10:00:00.5Z"));
        assert_eq!(timestamp("2024-02-01 10:00:00", true), json!("2024-02-01T10:00:00Z"));
        assert_eq!(timestamp("2024-02-01 10:00:00", false), json!("2024-02-01T10:00:00"));
        for odd in ["infinity", "0044-03-15 00:00:00+00 BC", "-infinity", ""] {
            assert_eq!(timestamp(odd, true), json!(odd));
        }
    }

    #[test]
    fn numbers_lose_nothing() {
        assert_eq!(integer("18446744073709551615"), json!(u64::MAX));
        assert_eq!(integer("-9223372036854775808"), json!(i64::MIN));
        assert_eq!(integer("99999999999999999999"), json!("99999999999999999999"));
        assert_eq!(float("1.5"), json!(1.5));
        assert_eq!(float("NaN"), json!("NaN"));
        assert_eq!(float("-Infinity"), json!("-Infinity"));
    }

    proptest::proptest! {
        #[test]
        fn any_array_comes_back(items in proptest::collection::vec("[a-z\"\\\\{}, ]{0,6}", 0..6)) {
            let quoted: Vec<String> = items
                .iter()
                .map(|item| format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            let read = array(&format!("{{{}}}", quoted.join(",")), ',', &|text| Ok(json!(text)));
            proptest::prop_assert_eq!(read, Ok(json!(items)));
        }

        #[test]
        fn any_text_is_read(text in "[{}\",\\\\a ]{0,30}") {
            let _ = array(&text, ',', &|text| Ok(json!(text)));
        }
    }
}
