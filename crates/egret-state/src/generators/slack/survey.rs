//! What Slack says of people, channels, groups and integrations, and what of it counts.

use std::collections::BTreeMap;

use egret_http::CallError;
use egret_model::Timestamp;
use serde_json::{Map, Value as Json};

use super::Slack;
use crate::generators::picked::picked;

const SECOND_MICROS: i64 = 1_000_000;

/// So many at once.
const PAGE: (&str, &str) = ("limit", "500");

const USER: &[&str] = &[
    "id",
    "team_id",
    "name",
    "deleted",
    "is_admin",
    "is_owner",
    "is_primary_owner",
    "is_restricted",
    "is_ultra_restricted",
    "is_bot",
    "is_app_user",
    "is_email_confirmed",
    "has_2fa",
    "two_factor_type",
];

/// What is said of a user in the profile.
const PROFILE: &[&str] = &["real_name", "email", "api_app_id"];

const CHANNEL: &[&str] = &[
    "id",
    "name",
    "created",
    "creator",
    "context_team_id",
    "is_archived",
    "is_general",
    "is_private",
    "is_shared",
    "is_ext_shared",
    "is_org_shared",
    "is_pending_ext_shared",
    "shared_team_ids",
    "connected_team_ids",
    "pending_connected_team_ids",
];

const USER_GROUP: &[&str] =
    &["id", "team_id", "name", "handle", "is_external", "created_by", "auto_type", "auto_provision", "users"];

const INTEGRATION: &[&str] =
    &["app_id", "service_id", "change_type", "channel", "reason", "user_id", "user_name"];

impl Slack {
    /// All documents of a kind.
    pub(super) async fn survey(&self, kind: &str) -> Result<Vec<Json>, CallError> {
        match kind {
            "user" => Ok(documents(kind, self.pages("users.list", &[PAGE], "members").await?, user)),
            "channel" => {
                let types = ("types", "public_channel,private_channel");
                let channels = self.pages("conversations.list", &[PAGE, types], "channels").await?;
                Ok(documents(kind, channels, |channel| picked(channel, CHANNEL)))
            }
            "usergroup" => {
                let all = [("include_users", "true"), ("include_disabled", "true")];
                let mut answer = self.ask("usergroups.list", &all).await?;
                let groups = match answer["usergroups"].take() {
                    Json::Array(groups) => groups,
                    _ => Vec::new(),
                };
                Ok(documents(kind, groups, user_group))
            }
            _ => Ok(integrations(&self.numbered_pages("team.integrationLogs", "logs").await?)),
        }
    }
}

/// Each thing once: those that move while pages are turned come twice.
fn documents(kind: &str, said: Vec<Json>, read: impl Fn(&Json) -> Map<String, Json>) -> Vec<Json> {
    let mut found = BTreeMap::new();
    for thing in &said {
        let Some(id) = thing["id"].as_str() else { continue };
        let mut document = read(thing);
        document.insert("kind".into(), kind.into());
        found.insert(id.to_owned(), Json::Object(document));
    }
    found.into_values().collect()
}

fn user(said: &Json) -> Map<String, Json> {
    let mut document = picked(said, USER);
    // Some say their name only there.
    document.extend(picked(said, &["real_name"]));
    document.extend(picked(&said["profile"], PROFILE));
    document.extend(picked(&said["enterprise_user"], &["enterprise_id"]));
    document
}

fn user_group(said: &Json) -> Map<String, Json> {
    let mut document = picked(said, USER_GROUP);
    let is_disabled = said["date_delete"].as_i64().is_some_and(|deleted| deleted != 0);
    document.insert("is_disabled".into(), is_disabled.into());
    document
}

/// What is there, by a log of what was added and removed.
fn integrations(log: &[Json]) -> Vec<Json> {
    let mut last: BTreeMap<String, (i64, &Json)> = BTreeMap::new();
    for entry in log {
        let Some(id) = text(&entry["app_id"]).or_else(|| text(&entry["service_id"])) else { continue };
        let date = text(&entry["date"]).and_then(|date| date.parse().ok()).unwrap_or(0);
        let is_later = last.get(&id).is_none_or(|(known, _)| date > *known);
        if is_later {
            last.insert(id, (date, entry));
        }
    }
    let present = last.into_iter().filter(|(_, (_, entry))| entry["change_type"] != "removed");
    present.map(|(id, (date, entry))| integration(&id, date, entry)).collect()
}

fn integration(id: &str, date: i64, entry: &Json) -> Json {
    let mut document = picked(entry, INTEGRATION);
    if let Some(service_id) = text(&entry["service_id"]) {
        document.insert("service_id".into(), service_id.into());
    }
    let name = text(&entry["app_type"]).or_else(|| text(&entry["service_type"]));
    document.extend(name.map(|name| ("name".to_owned(), Json::from(name))));
    let scopes: Vec<&str> =
        entry["scope"].as_str().unwrap_or_default().split(',').filter(|scope| !scope.is_empty()).collect();
    document.insert("scopes".into(), scopes.into());
    document.insert("is_enabled".into(), (entry["change_type"] != "disabled").into());
    let date = Timestamp::from_micros(date.saturating_mul(SECOND_MICROS));
    document.insert("date".into(), date.to_string().into());
    document.insert("id".into(), id.into());
    document.insert("kind".into(), "integration".into());
    Json::Object(document)
}

/// A text, or a number as one: ids come as both.
fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
