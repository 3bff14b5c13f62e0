//! What is of the organisation itself: settings, people, teams, webhooks, rulesets, apps.

use std::collections::{BTreeMap, BTreeSet};

use egret_http::CallError;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Map, Value as Json, json};

use super::client::{GitHubError, Session};
use super::shown::{plain, shown_url};
use crate::generators::parts::Part;
use crate::generators::picked::picked;

/// Teams at once; requests have a limit of their own.
const AT_ONCE: usize = 8;

const SETTINGS: &[&str] = &[
    "id",
    "login",
    "name",
    "company",
    "blog",
    "location",
    "email",
    "billing_email",
    "description",
    "is_verified",
    "created_at",
    "has_organization_projects",
    "has_repository_projects",
    "default_repository_branch",
    "default_repository_permission",
    "two_factor_requirement_enabled",
    "web_commit_signoff_required",
    "readers_can_create_discussions",
    "deploy_keys_enabled_for_repositories",
    "members_allowed_repository_creation_type",
    "members_can_change_repo_visibility",
    "members_can_create_internal_repositories",
    "members_can_create_pages",
    "members_can_create_private_pages",
    "members_can_create_private_repositories",
    "members_can_create_public_pages",
    "members_can_create_public_repositories",
    "members_can_create_repositories",
    "members_can_create_teams",
    "members_can_delete_issues",
    "members_can_delete_repositories",
    "members_can_fork_private_repositories",
    "members_can_invite_outside_collaborators",
    "members_can_view_dependency_insights",
    "advanced_security_enabled_for_new_repositories",
    "dependabot_alerts_enabled_for_new_repositories",
    "dependabot_security_updates_enabled_for_new_repositories",
    "dependency_graph_enabled_for_new_repositories",
    "secret_scanning_enabled_for_new_repositories",
    "secret_scanning_push_protection_custom_link_enabled",
    "secret_scanning_push_protection_enabled_for_new_repositories",
];

const PERSON: &[&str] = &["id", "login", "type", "site_admin"];
const TEAM: &[&str] = &["id", "slug", "name", "description", "privacy", "permission", "notification_setting"];
const WEBHOOK: &[&str] = &["id", "name", "type", "active", "events", "created_at"];
const APP: &[&str] = &[
    "id",
    "app_id",
    "app_slug",
    "target_type",
    "repository_selection",
    "permissions",
    "events",
    "created_at",
    "suspended_at",
];
pub(super) const RULESET: &[&str] = &[
    "id",
    "name",
    "target",
    "source_type",
    "source",
    "enforcement",
    "bypass_actors",
    "conditions",
    "created_at",
];

type Found = Result<Vec<Json>, GitHubError>;

impl Session<'_> {
    /// The parts of the organisation that are wanted.
    pub(super) async fn organisation(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        for kind in &self.github.kinds {
            let found = match *kind {
                "organisation" => self.settings().await,
                "member" => self.members().await,
                "outside_collaborator" => self.outside_collaborators().await,
                "team" => {
                    parts.extend(self.teams().await);
                    continue;
                }
                "webhook" => self.webhooks(self.organisation_url(&["hooks"]), None).await,
                "ruleset" => self.rulesets().await,
                "app" => self.apps().await,
                // Of repositories.
                _ => continue,
            };
            parts.push(Part::new(*kind, found));
        }
        parts
    }

    /// A document of the organisation, or of one of its repositories.
    pub(super) fn document(
        &self,
        kind: &str,
        repository: Option<&str>,
        path: &str,
        mut said: Map<String, Json>,
    ) -> Json {
        let path = match repository {
            Some(repository) => {
                said.insert("repository".into(), repository.into());
                format!("repository/{repository}/{path}")
            }
            None => path.to_owned(),
        };
        said.insert("path".into(), path.into());
        said.insert("kind".into(), kind.into());
        said.insert("organisation".into(), self.github.organisation.as_str().into());
        Json::Object(said)
    }

    async fn settings(&self) -> Found {
        let said = self.one(self.organisation_url(&[])).await?;
        Ok(vec![self.document("organisation", None, "organisation", picked(&said, SETTINGS))])
    }

    async fn members(&self) -> Found {
        let mut found = BTreeMap::new();
        for role in ["member", "admin"] {
            let mut url = self.organisation_url(&["members"]);
            url.query_pairs_mut().append_pair("role", role);
            for person in self.pages(url, None).await? {
                let mut said = picked(&person, PERSON);
                said.insert("role".into(), role.into());
                found.insert(text(&person["login"]), said);
            }
        }
        self.people("member", &["members"], found).await
    }

    async fn outside_collaborators(&self) -> Found {
        let list = ["outside_collaborators"];
        let people = self.pages(self.organisation_url(&list), None).await?;
        let found = people.iter().map(|person| (text(&person["login"]), picked(person, PERSON))).collect();
        self.people("outside_collaborator", &list, found).await
    }

    /// People, with whether they have a second factor.
    async fn people(&self, kind: &str, list: &[&str], people: BTreeMap<String, Map<String, Json>>) -> Found {
        let mut without = BTreeSet::new();
        if self.github.two_factor {
            let mut url = self.organisation_url(list);
            url.query_pairs_mut().append_pair("filter", "2fa_disabled");
            let listed = self.pages(url, None).await.map_err(|error| {
                let is_refused = error.status.is_some_and(|status| status.is_client_error());
                match error.error {
                    CallError::Refused { message } if is_refused => CallError::refused(format!(
                        "only an owner's token is told who has no second factor, unless `two_factor = false`: {message}"
                    ))
                    .into(),
                    _ => error,
                }
            })?;
            without.extend(listed.iter().map(|person| text(&person["login"])));
        }
        let document = |(login, mut said): (String, Map<String, Json>)| {
            if self.github.two_factor {
                said.insert("two_factor_disabled".into(), without.contains(&login).into());
            }
            self.document(kind, None, &format!("{kind}/{login}"), said)
        };
        Ok(people.into_iter().map(document).collect())
    }

    /// The teams, each a part of its own.
    async fn teams(&self) -> Vec<Part> {
        let teams = match self.pages(self.organisation_url(&["teams"]), None).await {
            Ok(teams) => teams,
            Err(error) => return vec![Part::failed("team", error)],
        };
        let mut each = Vec::new();
        for team in &teams {
            each.push(self.team(team));
        }
        let mut parts = stream::iter(each).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        if parts.is_empty() {
            // That there is none was seen.
            parts.push(Part::new("team", Ok::<_, CallError>(Vec::new())));
        }
        parts
    }

    async fn team(&self, team: &Json) -> Part {
        let slug = text(&team["slug"]);
        Part::new(format!("team/{slug}"), self.describe_team(&slug, team).await)
    }

    async fn describe_team(&self, slug: &str, team: &Json) -> Found {
        let mut members = BTreeMap::new();
        for role in ["member", "maintainer"] {
            let mut url = self.organisation_url(&["teams", slug, "members"]);
            url.query_pairs_mut().append_pair("role", role);
            for person in self.pages(url, None).await? {
                members.insert(text(&person["login"]), role);
            }
        }
        let repositories = self.pages(self.organisation_url(&["teams", slug, "repos"]), None).await?;
        let repositories: BTreeMap<String, String> = repositories
            .iter()
            .map(|repository| (text(&repository["full_name"]), role_of(repository)))
            .collect();
        let mut said = picked(team, TEAM);
        if let Some(parent) = team["parent"]["slug"].as_str() {
            said.insert("parent".into(), parent.into());
        }
        let members = members.iter().map(|(login, role)| json!({"login": login, "role": role}));
        said.insert("members".into(), members.collect());
        let repositories =
            repositories.iter().map(|(name, role)| json!({"full_name": name, "role_name": role}));
        said.insert("repositories".into(), repositories.collect());
        Ok(vec![self.document("team", None, &format!("team/{slug}"), said)])
    }

    /// The webhooks of the organisation, or of a repository.
    pub(super) async fn webhooks(&self, url: egret_http::Url, repository: Option<&str>) -> Found {
        let hooks = self.pages(url, None).await?;
        let document = |hook: &Json| {
            let mut said = picked(hook, WEBHOOK);
            let config = &hook["config"];
            said.insert("url".into(), shown_url(config["url"].as_str().unwrap_or_default()).into());
            said.extend(picked(config, &["content_type"]));
            // A text, or a number.
            let insecure = match &config["insecure_ssl"] {
                Json::Number(number) => number.to_string(),
                other => text(other),
            };
            said.insert("insecure_ssl".into(), insecure.into());
            let has_secret = config["secret"].as_str().is_some_and(|secret| !secret.is_empty());
            said.insert("has_secret".into(), has_secret.into());
            self.document("webhook", repository, &format!("webhook/{}", hook["id"]), said)
        };
        Ok(hooks.iter().map(document).collect())
    }

    async fn rulesets(&self) -> Found {
        let mut documents = Vec::new();
        for ruleset in self.pages(self.organisation_url(&["rulesets"]), None).await? {
            let id = ruleset["id"].to_string();
            let said = self.one(self.organisation_url(&["rulesets", &id])).await?;
            documents.push(self.ruleset(None, &said));
        }
        Ok(documents)
    }

    /// The document of a ruleset.
    pub(super) fn ruleset(&self, repository: Option<&str>, said: &Json) -> Json {
        let mut ruleset = picked(said, RULESET);
        let rules = said["rules"].as_array().into_iter().flatten();
        ruleset.insert(
            "rules".into(),
            rules.map(|rule| Json::Object(picked(&plain(rule), &["type", "parameters"]))).collect(),
        );
        self.document("ruleset", repository, &format!("ruleset/{}", said["id"]), ruleset)
    }

    async fn apps(&self) -> Found {
        let installed = self.pages(self.organisation_url(&["installations"]), Some("installations")).await?;
        let document = |app: &Json| {
            let mut said = picked(app, APP);
            if let Some(by) = app["suspended_by"]["login"].as_str() {
                said.insert("suspended_by".into(), by.into());
            }
            self.document("app", None, &format!("app/{}", app["id"]), said)
        };
        Ok(installed.iter().map(document).collect())
    }
}

/// What a team may do in a repository: its role, else the greatest of its permissions.
fn role_of(repository: &Json) -> String {
    if let Some(role) = repository["role_name"].as_str() {
        return role.to_owned();
    }
    let permissions = [("admin", "admin"), ("maintain", "maintain"), ("push", "write"), ("triage", "triage")];
    let greatest = permissions.iter().find(|(permission, _)| repository["permissions"][*permission] == true);
    greatest.map_or("read", |(_, role)| *role).to_owned()
}

pub(super) fn text(value: &Json) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
