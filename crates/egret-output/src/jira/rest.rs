//! What is said to Jira's REST API, version 2, which Cloud and Data Center have in common but for the search.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use egret_config::Located;
use egret_http::{Address, Http, HttpRequest, HttpResponse, Method, StatusCode, Url, judge};
use egret_model::{AlertAction, Secret, Severity};
use serde_json::{Map, Value, json};

use crate::delivery::{Delivery, Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::{Escape, visible};
use crate::issue::{Dialect, Tracker, compose, labels, tell, title};
use crate::template::render;

/// Jira takes 255 characters of a summary and of a label.
const MAX_SUMMARY: usize = 255;
const MAX_LABEL: usize = 255;

/// Jira takes 32,767 characters, in units of UTF-16.
const MAX_TEXT: usize = 30_000;
const MAX_UNITS: usize = 32_767;

/// So many detections' issues are remembered.
const MAX_RECENT: usize = 1000;

const DIALECT: Dialect = Dialect {
    escape: Escape::JiraWiki,
    field: |name, value| format!("* *{name}:* {value}"),
    link: |title, target| format!("* [{title}|{target}]"),
    code: |text| {
        let text = text.replace("{noformat", "{\u{2060}noformat");
        format!("{{noformat}}\n{text}\n{{noformat}}")
    },
};

#[derive(Debug)]
pub(super) struct Jira {
    pub(super) http: Http,
    pub(super) address: Address,
    pub(super) is_cloud: bool,
    pub(super) authorization: Secret,
    pub(super) project: String,
    pub(super) issue_type: String,
    pub(super) labels: Vec<Located<String>>,
    pub(super) priorities: BTreeMap<Severity, String>,
    pub(super) fields: Vec<(Located<String>, Located<String>)>,
    pub(super) aggregate: bool,
    pub(super) close_transition: Option<String>,
    pub(super) reopen_transition: Option<String>,
    /// The last issue of each detection: the search does not see yet what was made a second ago.
    pub(super) recent: Mutex<HashMap<String, String>>,
}

#[async_trait]
impl Output for Jira {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::JiraWiki
    }

    /// Two alerts of a detection at once would make two issues where there is to be one.
    fn concurrency(&self) -> usize {
        if self.aggregate { 1 } else { 4 }
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| tell(self, letter)).await
    }
}

#[async_trait]
impl Tracker for Jira {
    async fn find(&self, delivery: &Delivery) -> Result<Option<String>, SendError> {
        self.search(&format!("labels = \"{}\"", alert_label(delivery))).await
    }

    async fn open(&self, letter: &Letter) -> Result<String, SendError> {
        let delivery = &letter.delivery;
        if self.aggregate
            && let Some(issue) = self.open_issue_of_detection(delivery).await?
        {
            // The label last: with it, the alert counts as told.
            self.comment(&issue, letter).await?;
            let change = json!({"update": {"labels": [{"add": alert_label(delivery)}]}});
            let mut request = HttpRequest::json(self.issue_url(&issue, ""), &change);
            request.method = Method::PUT;
            self.send_request(request).await?;
            return Ok(issue);
        }
        let issue = self.create(letter).await?;
        self.remember(delivery, &issue);
        Ok(issue)
    }

    async fn comment(&self, issue: &str, letter: &Letter) -> Result<(), SendError> {
        let body = json!({"body": text(letter)});
        self.send_request(HttpRequest::json(self.issue_url(issue, "/comment"), &body)).await?;
        Ok(())
    }

    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SendError> {
        let wanted = if open { &self.reopen_transition } else { &self.close_transition };
        let Some(wanted) = wanted else { return Ok(()) };
        let url = self.issue_url(issue, "/transitions");
        let known = self.send_request(HttpRequest::get(url.clone())).await?.json();
        let leads_there = |transition: &&Value| {
            let is = |name: &Value| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
            is(&transition["name"]) || is(&transition["to"]["name"])
        };
        let transition = known["transitions"].as_array().and_then(|all| all.iter().find(leads_there));
        let Some(id) = transition.and_then(|transition| transition["id"].as_str()) else {
            // It may be there already, or a person may have moved it elsewhere.
            tracing::warn!(issue, transition = wanted, "jira has no such transition for the issue now");
            return Ok(());
        };
        self.send_request(HttpRequest::json(url, &json!({"transition": {"id": id}}))).await?;
        Ok(())
    }
}

impl Jira {
    /// The issue that new alerts of the detection are to join.
    async fn open_issue_of_detection(&self, delivery: &Delivery) -> Result<Option<String>, SendError> {
        let recent = self.recent().get(&delivery.alert.detection_id).cloned();
        if let Some(issue) = recent {
            let mut url = self.issue_url(&issue, "");
            url.set_query(Some("fields=status"));
            let answer = self.call(HttpRequest::get(url)).await?;
            if answer.status != StatusCode::NOT_FOUND {
                let issue_now = self.judge(answer)?.json();
                if issue_now["fields"]["status"]["statusCategory"]["key"] != "done" {
                    return Ok(Some(issue));
                }
            }
            self.recent().remove(&delivery.alert.detection_id);
        }
        let label = detection_label(delivery);
        self.search(&format!("labels = \"{label}\" AND statusCategory != Done")).await
    }

    fn remember(&self, delivery: &Delivery, issue: &str) {
        let mut recent = self.recent();
        if recent.len() >= MAX_RECENT {
            recent.clear();
        }
        recent.insert(delivery.alert.detection_id.clone(), issue.to_owned());
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, HashMap<String, String>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key of the newest issue of the project for which `condition` holds.
    async fn search(&self, condition: &str) -> Result<Option<String>, SendError> {
        let project = self.project.replace(['"', '\\'], "");
        let jql = format!("project = \"{project}\" AND {condition} ORDER BY created DESC");
        let path = if self.is_cloud { "rest/api/2/search/jql" } else { "rest/api/2/search" };
        let query = json!({"jql": jql, "maxResults": 1, "fields": ["status"]});
        let answer = self.send_request(HttpRequest::json(self.address.join(path), &query)).await?.json();
        let Some(issues) = answer["issues"].as_array() else {
            return Err(SendError::retry("jira's answer to a search cannot be read: is `url` right?"));
        };
        Ok(issues.first().and_then(|issue| issue["key"].as_str()).map(str::to_owned))
    }

    async fn create(&self, letter: &Letter) -> Result<String, SendError> {
        let mut fields = self.issue_fields(letter);
        let url = self.address.join("rest/api/2/issue");
        let mut answer = self.call(HttpRequest::json(url.clone(), &json!({"fields": fields}))).await?;
        let without_priority = answer.status == StatusCode::BAD_REQUEST
            && answer.json()["errors"].get("priority").is_some()
            && fields.remove("priority").is_some();
        if without_priority {
            answer = self.call(HttpRequest::json(url, &json!({"fields": fields}))).await?;
        }
        let made = self.judge(answer)?.json();
        made["key"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| SendError::retry("jira's answer names no issue"))
    }

    fn issue_fields(&self, letter: &Letter) -> Map<String, Value> {
        let delivery = &letter.delivery;
        let mut all_labels = vec![alert_label(delivery), detection_label(delivery)];
        let own = labels(&self.labels, delivery, MAX_LABEL);
        all_labels.extend(own.into_iter().map(|label| label.replace(char::is_whitespace, "-")));
        let mut fields = Map::new();
        fields.insert("project".into(), json!({"key": self.project}));
        fields.insert("issuetype".into(), json!({"name": self.issue_type}));
        fields.insert("summary".into(), title(&letter.message.title, MAX_SUMMARY).into());
        fields.insert("description".into(), text(letter).into());
        fields.insert("labels".into(), all_labels.into());
        if let Some(priority) = self.priorities.get(&letter.message.severity) {
            fields.insert("priority".into(), json!({"name": priority}));
        }
        for (name, template) in &self.fields {
            match field(&template.value, delivery) {
                Ok(value) => drop(fields.insert(name.value.clone(), value)),
                Err(error) => {
                    let field = &name.value;
                    tracing::warn!(alert = delivery.alert.alert_id, field, "a field was left out: {error}");
                }
            }
        }
        fields
    }

    fn issue_url(&self, issue: &str, end: &str) -> Url {
        self.address.join(&format!("rest/api/2/issue/{issue}{end}"))
    }

    async fn send_request(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        let answer = self.call(request).await?;
        self.judge(answer)
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        self.http.call(request.with_secret("authorization", self.authorization.expose())?).await
    }

    fn judge(&self, answer: HttpResponse) -> Result<HttpResponse, SendError> {
        judge("jira", answer, self.http.context().clock.now())
    }
}

/// The text of an issue or a comment.
fn text(letter: &Letter) -> String {
    let text = compose(letter, &DIALECT, MAX_TEXT, "");
    if text.encode_utf16().count() <= MAX_UNITS {
        return text;
    }
    // No character is more than two units.
    compose(letter, &DIALECT, MAX_UNITS / 2, "")
}

/// A template that is written as JSON gives JSON; values from logs cannot leave their strings there.
fn field(template: &str, delivery: &Delivery) -> Result<Value, String> {
    let is_json = template.trim_start().starts_with(['{', '[']) && !template.trim_start().starts_with("{{");
    if is_json && !template.trim_start().starts_with("{%") {
        let text = render(template, delivery, Escape::Json)?;
        return serde_json::from_str(&text).map_err(|error| format!("it is no JSON: {error}"));
    }
    Ok(visible(&render(template, delivery, Escape::Nothing)?).into())
}

fn alert_label(delivery: &Delivery) -> String {
    format!("egret-{}", delivery.alert.alert_id)
}

/// Labels have no spaces, and must not end the string that they stand in in a search.
fn detection_label(delivery: &Delivery) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' };
    let id: String = delivery.alert.detection_id.chars().map(allowed).collect();
    format!("egret-detection-{id}").chars().take(MAX_LABEL).collect()
}
