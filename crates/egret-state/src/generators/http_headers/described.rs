//! What headers say, taken apart where their form is known: policies to directives, cookies to attributes.

use egret_http::escape_line;
use egret_http::header::HeaderMap;
use serde_json::{Map, Value as Json, json};

use crate::generators::hidden::Hidden;

use super::wanted::Wanted;

/// What stands for what changes each time, or may be secret.
pub(super) const LEFT_OUT: &str = "…";

/// The headers that count, by name. One that comes several times is a list.
pub(super) fn headers(answer: &HeaderMap, wanted: &Wanted, hidden: &Hidden) -> Map<String, Json> {
    let mut described = Map::new();
    for name in answer.keys().filter(|name| wanted.takes(name)) {
        let values = answer.get_all(name).iter();
        let values: Vec<String> = values.map(|value| shown(value.as_bytes(), hidden)).collect();
        let value = match name.as_str() {
            "strict-transport-security" => one_or_list(values.iter().map(|value| transport_security(value))),
            "content-security-policy" | "content-security-policy-report-only" => {
                values.iter().flat_map(|value| content_security(value)).collect()
            }
            _ => one_or_list(values.into_iter().map(Json::String)),
        };
        described.insert(name.as_str().to_owned(), value);
    }
    described
}

/// The cookies that are set, without their values.
pub(super) fn cookies(answer: &HeaderMap, hidden: &Hidden) -> Json {
    let set = answer.get_all("set-cookie").iter();
    set.map(|value| cookie(&shown(value.as_bytes(), hidden))).collect()
}

fn shown(value: &[u8], hidden: &Hidden) -> String {
    escape_line(&hidden.hide(&String::from_utf8_lossy(value)))
}

fn one_or_list(values: impl Iterator<Item = Json>) -> Json {
    let mut values: Vec<Json> = values.collect();
    if values.len() == 1 { values.remove(0) } else { Json::Array(values) }
}

/// `max-age=31536000; includeSubDomains` (RFC 6797): names in lower case, the first of several counts.
fn transport_security(value: &str) -> Json {
    let mut directives = Map::new();
    for directive in value.split(';').map(str::trim).filter(|directive| !directive.is_empty()) {
        let (name, value) = match directive.split_once('=') {
            Some((name, value)) => {
                let text = value.trim().trim_matches('"');
                (name, text.parse::<u64>().map_or_else(|_| text.into(), Json::from))
            }
            None => (directive, true.into()),
        };
        directives.entry(name.trim().to_ascii_lowercase()).or_insert(value);
    }
    Json::Object(directives)
}

/// The policies in a header, each with its directives (Content Security Policy Level 3, 2.2): names in lower case, the first
/// of several counts. All of them hold at once.
fn content_security(value: &str) -> Vec<Json> {
    let policies = value.split(',').map(|policy| {
        let mut directives = Map::new();
        for directive in policy.split(';') {
            let mut words = directive.split_ascii_whitespace();
            let Some(name) = words.next() else { continue };
            let sources = words.map(source).collect();
            directives.entry(name.to_ascii_lowercase()).or_insert(sources);
        }
        Json::Object(directives)
    });
    policies.filter(|policy| policy != &json!({})).collect()
}

/// A nonce is another each time.
fn source(word: &str) -> String {
    match word.get(..7) {
        Some(start) if start.eq_ignore_ascii_case("'nonce-") => format!("'nonce-{LEFT_OUT}'"),
        _ => word.to_owned(),
    }
}

/// `name=value; Secure; Path=/` (RFC 6265, 5.2), as a browser takes it: of several attributes the last counts.
fn cookie(value: &str) -> Json {
    let mut parts = value.split(';').map(str::trim);
    // Without a `=` all of it is the value.
    let name = parts.next().and_then(|pair| pair.split_once('=')).map_or("", |(name, _)| name.trim());
    let mut cookie = json!({
        "name": name, "secure": false, "http_only": false, "same_site": null, "domain": null, "path": null,
    });
    for part in parts {
        let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match attribute.trim().to_ascii_lowercase().as_str() {
            "secure" => cookie["secure"] = true.into(),
            "httponly" => cookie["http_only"] = true.into(),
            "samesite" => {
                let known = ["Strict", "Lax", "None"].into_iter();
                cookie["same_site"] =
                    known.into_iter().find(|known| known.eq_ignore_ascii_case(value)).into();
            }
            "domain" => {
                let domain = value.strip_prefix('.').unwrap_or(value).to_ascii_lowercase();
                cookie["domain"] = Some(domain).filter(|domain| !domain.is_empty()).into();
            }
            "path" => cookie["path"] = Some(value).filter(|path| path.starts_with('/')).into(),
            _ => {}
        }
    }
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_taken_apart() {
        for (value, expected) in [
            (
                "max-age=31536000; includeSubDomains; preload",
                json!({"max-age": 31_536_000, "includesubdomains": true, "preload": true}),
            ),
            ("MAX-AGE=\"0\";; max-age = 7", json!({"max-age": 0})),
            ("max-age=soon;x=", json!({"max-age": "soon", "x": ""})),
            ("", json!({})),
        ] {
            assert_eq!(transport_security(value), expected, "{value}");
        }
        for (value, expected) in [
            (
                "default-src 'self'; Script-Src  'nonce-r4nd0m' 'strict-dynamic'\t https:; upgrade-insecure-requests;",
                json!([{"default-src": ["'self'"], "script-src": ["'nonce-…'", "'strict-dynamic'", "https:"], "upgrade-insecure-requests": []}]),
            ),
            ("img-src a, img-src b; img-src c", json!([{"img-src": ["a"]}, {"img-src": ["b"]}])),
            (" , ; ", json!([])),
            ("script-src 'nonceä'", json!([{"script-src": ["'nonceä'"]}])),
        ] {
            assert_eq!(Json::Array(content_security(value)), expected, "{value}");
        }
    }

    #[test]
    fn cookies_are_taken_apart() {
        let cookie_with = |name: &str, more: Json| {
            let mut cookie = json!({"name": name, "secure": false, "http_only": false, "same_site": null, "domain": null, "path": null});
            cookie.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            cookie
        };
        for (value, name, expected) in [
            ("a=hunter2", "a", json!({})),
            ("hunter2; Secure", "", json!({"secure": true})),
            (
                " a = hunter2=x ;HTTPONLY;secure=no; SameSite=strict;Domain=.Example.ORG; Path=/x",
                "a",
                json!({"http_only": true, "secure": true, "same_site": "Strict", "domain": "example.org", "path": "/x"}),
            ),
            (
                "a=; path=/x; path=; domain=; samesite=maybe; Expires=Wed, 09 Jun 2021 10:18:14 GMT",
                "a",
                json!({}),
            ),
            ("", "", json!({})),
        ] {
            assert_eq!(cookie(value), cookie_with(name, expected), "{value}");
        }
    }
}
