//! Repositories, and what is of each of them.

use egret_http::{CallError, StatusCode, Url};
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value as Json;

use super::client::{GitHubError, Session};
use super::organisation::text;
use super::shown::plain;
use crate::generator::GenerateError;
use crate::generators::parts::{Part, Parts};
use crate::generators::picked::picked;

/// Repositories at once; requests have a limit of their own.
const AT_ONCE: usize = 8;

/// What is asked of each repository.
const OF_EACH: [&str; 4] = ["deploy_key", "webhook", "branch_protection", "ruleset"];

const REPOSITORY: &[&str] = &[
    "id",
    "name",
    "full_name",
    "description",
    "visibility",
    "private",
    "archived",
    "disabled",
    "fork",
    "is_template",
    "default_branch",
    "created_at",
    "has_pages",
    "allow_forking",
    "allow_auto_merge",
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_squash_merge",
    "allow_update_branch",
    "delete_branch_on_merge",
    "web_commit_signoff_required",
    "security_and_analysis",
    "custom_properties",
];

const DEPLOY_KEY: &[&str] =
    &["id", "key", "title", "verified", "read_only", "enabled", "created_at", "added_by"];
const BRANCH_RULE: &[&str] = &["type", "parameters", "ruleset_id", "ruleset_source", "ruleset_source_type"];

/// What GitHub says of a branch that is not protected, or not there yet.
const UNPROTECTED: [&str; 2] = ["Branch not protected", "Branch not found"];

/// How it says that the plan of the organisation has no such thing.
const NOT_IN_PLAN: &str = "Upgrade to ";

type Found = Result<Vec<Json>, GitHubError>;

impl Session<'_> {
    /// Takes the parts of repositories that are wanted, as they come.
    pub(super) async fn repositories(&self, parts: &mut Parts<'_>) -> Result<(), GenerateError> {
        let wanted: Vec<&str> = OF_EACH.into_iter().filter(|kind| self.github.wants(kind)).collect();
        if wanted.is_empty() && !self.github.wants("repository") {
            return Ok(());
        }
        let mut url = self.organisation_url(&["repos"]);
        url.query_pairs_mut().append_pair("type", "all");
        let repositories = match self.pages(url, None).await {
            Ok(repositories) => repositories,
            // What is of each repository is within this part.
            Err(error) => return parts.take(Part::failed("repository", error)),
        };
        if self.github.wants("repository") {
            let document = |said: &Json| {
                let repository = text(&said["name"]);
                self.document(
                    "repository",
                    None,
                    &format!("repository/{repository}"),
                    picked(said, REPOSITORY),
                )
            };
            let documents = repositories.iter().map(document).collect();
            parts.take(Part::new("repository", Ok::<_, CallError>(documents)))?;
        }
        let mut each = Vec::new();
        for repository in &repositories {
            for kind in &wanted {
                each.push(self.of_repository(repository, kind));
            }
        }
        let mut found = stream::iter(each).buffer_unordered(AT_ONCE);
        while let Some(part) = found.next().await {
            parts.take(part)?;
        }
        Ok(())
    }

    async fn of_repository(&self, repository: &Json, kind: &str) -> Part {
        let name = text(&repository["name"]);
        let branch = text(&repository["default_branch"]);
        let found = match kind {
            "deploy_key" => self.deploy_keys(&name).await,
            "webhook" => self.webhooks(self.repository_url(&name, &["hooks"]), Some(&name)).await,
            // Nothing was ever pushed to it.
            _ if branch.is_empty() => Ok(Vec::new()),
            "branch_protection" => self.branch_protection(&name, &branch).await,
            _ => self.branch_rules(&name, &branch).await,
        };
        Part::new(format!("repository/{name}/{kind}"), found)
    }

    fn repository_url(&self, name: &str, steps: &[&str]) -> Url {
        self.url(&[&["repos", self.github.organisation.as_str(), name], steps].concat())
    }

    async fn deploy_keys(&self, name: &str) -> Found {
        let keys = self.pages(self.repository_url(name, &["keys"]), None).await?;
        let document = |key: &Json| {
            let path = format!("deploy_key/{}", key["id"]);
            self.document("deploy_key", Some(name), &path, picked(key, DEPLOY_KEY))
        };
        Ok(keys.iter().map(document).collect())
    }

    async fn branch_protection(&self, name: &str, branch: &str) -> Found {
        let url = self.repository_url(name, &["branches", branch, "protection"]);
        let Some(said) = unless_absent(self.one(url).await)? else { return Ok(Vec::new()) };
        let Json::Object(mut said) = plain(&said) else { return Ok(Vec::new()) };
        said.shift_remove("name");
        said.insert("branch".into(), branch.into());
        Ok(vec![self.document("branch_protection", Some(name), "branch_protection", said)])
    }

    /// What rulesets come to on the default branch, and those of them that are the repository's own.
    async fn branch_rules(&self, name: &str, branch: &str) -> Found {
        let url = self.repository_url(name, &["rules", "branches", branch]);
        let rules = unless_absent(self.pages(url, None).await)?.unwrap_or_default();
        if rules.is_empty() {
            return Ok(Vec::new());
        }
        let own = rules.iter().filter(|rule| rule["ruleset_source_type"] == "Repository");
        let mut own: Vec<String> = own.map(|rule| rule["ruleset_id"].to_string()).collect();
        own.sort();
        own.dedup();
        let mut documents = Vec::new();
        for id in own {
            let said = self.one(self.repository_url(name, &["rulesets", &id])).await?;
            documents.push(self.ruleset(Some(name), &said));
        }
        let rules = rules.iter().map(|rule| Json::Object(picked(&plain(rule), BRANCH_RULE)));
        let mut said = serde_json::Map::new();
        said.insert("branch".into(), branch.into());
        said.insert("rules".into(), rules.collect());
        documents.push(self.document("branch_rules", Some(name), "branch_rules", said));
        Ok(documents)
    }
}

/// `None` if the answer is that there is no such thing, which is not a failure.
fn unless_absent<T>(answer: Result<T, GitHubError>) -> Result<Option<T>, GitHubError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error)
            if error.status == Some(StatusCode::NOT_FOUND)
                && UNPROTECTED.contains(&error.message.as_str()) =>
        {
            Ok(None)
        }
        Err(error)
            if error.status == Some(StatusCode::FORBIDDEN) && error.message.starts_with(NOT_IN_PLAN) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
