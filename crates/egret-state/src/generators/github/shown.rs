//! What of GitHub's answers goes into documents: no addresses of the API, names in place of descriptions, no secrets.

use egret_http::Url;
use serde_json::{Map, Value as Json};

/// What stands where something was left out.
const LEFT_OUT: &str = "…";

/// A part of a path from this length on may be a secret.
const SECRET_LENGTH: usize = 16;

/// An address as it may be shown: without user, query and fragment, and without what in its path looks like a secret, such
/// as at the end of addresses of chat services.
pub(super) fn shown_url(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return LEFT_OUT.to_owned() };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let path: Vec<&str> =
        url.path().split('/').map(|step| if is_like_secret(step) { LEFT_OUT } else { step }).collect();
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), path.join("/"))
}

/// Long, and not words alone.
fn is_like_secret(step: &str) -> bool {
    let has = |wanted: fn(&char) -> bool| step.chars().any(|letter| wanted(&letter));
    let is_mixed = has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase);
    step.len() >= SECRET_LENGTH && (has(char::is_ascii_digit) || is_mixed)
}

/// The same without addresses, with people as their logins, teams and apps as their slugs.
pub(super) fn plain(value: &Json) -> Json {
    match value {
        Json::Object(object) => {
            let mut plainer = Map::new();
            for (name, member) in object {
                if name == "url" || name.ends_with("_url") || member.is_null() {
                    continue;
                }
                let member = match name.as_str() {
                    "users" => names(member, "login"),
                    "teams" | "apps" => names(member, "slug"),
                    _ => plain(member),
                };
                plainer.insert(name.clone(), member);
            }
            Json::Object(plainer)
        }
        Json::Array(items) => Json::Array(items.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn names(list: &Json, name: &str) -> Json {
    let items = list.as_array().into_iter().flatten();
    Json::Array(items.map(|item| item.get(name).cloned().unwrap_or_else(|| plain(item))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_of_addresses_are_left_out() {
        for (url, expected) in [
            ("https://ci.example.org/github-webhook/", "https://ci.example.org/github-webhook/"),
            ("https://ada:pw@ci.example.org:8443/hook?token=1#x", "https://ci.example.org:8443/hook"),
            (
                "https://hooks.slack.com/services/T0123456/B0123456/XXXXabcdXXXXabcdXXXXabcd",
                "https://hooks.slack.com/services/T0123456/B0123456/…",
            ),
            (
                "https://discord.com/api/webhooks/1234567890123456789/abc",
                "https://discord.com/api/webhooks/…/abc",
            ),
            ("http://[::1]/a", "http://[::1]/a"),
            ("not an address", "…"),
        ] {
            assert_eq!(shown_url(url), expected);
        }
    }

    #[test]
    fn answers_become_plain() {
        let value = json!({
            "url": "https://x", "contexts_url": "https://x", "enabled": true, "description": null,
            "restrictions": {"users": [{"login": "a", "id": 1}], "teams": [{"slug": "t", "url": "u"}], "apps": []},
        });
        let expected = json!({"enabled": true, "restrictions": {"users": ["a"], "teams": ["t"], "apps": []}});
        assert_eq!(plain(&value), expected);
    }
}
