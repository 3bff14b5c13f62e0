//! `github_issue`: an issue for each alert in a repository of GitHub.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, Located};
use egret_http::header::HeaderValue;
use egret_http::{Address, HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, Method, StatusCode, Url, judge};
use egret_model::{AlertAction, Secret, Timestamp};
use serde_json::{Value, json};

use crate::delivery::{Delivery, Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::issue::{Dialect, Tracker, compose, labels, tell, title};
use crate::registry::OutputType;
use crate::template::check;

/// Where GitHub's REST API is.
const API_URL: &str = "https://api.github.com";

/// GitHub's limits, in characters.
const MAX_TITLE: usize = 256;
const MAX_BODY: usize = 65_536;
const MAX_LABEL: usize = 50;

/// The issue of an alert is looked for among those made since; GitHub's clock is not ours.
const CLOCK_MARGIN_MICROS: i64 = 3_600_000_000;

/// So many issues at most are looked at. A page is as large as its issues' bodies, each character of which may be six
/// bytes of JSON.
const PAGE: usize = 30;
const MAX_PAGES: usize = 10;
const MAX_PAGE_BYTES: usize = 16 << 20;

/// How long GitHub asks to wait if it does not say so.
const PATIENCE: Duration = Duration::from_secs(60);

/// The output type `github_issue`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "github_issue",
    description: "Opens an issue for each alert in a repository of GitHub, and comments on it.",
    attributes: &[
        &[
            AttributeDocumentation::required("repository", "a string", "The repository: \"owner/name\"."),
            AttributeDocumentation::required(
                "token",
                "a string",
                "A token that may write issues there; a secret.",
            ),
            AttributeDocumentation::optional(
                "labels",
                "a list of templates",
                "Labels of new issues, of at most 50 characters.",
            ),
            AttributeDocumentation::optional(
                "assignees",
                "a list of strings",
                "Who new issues are assigned to: logins, at most ten.",
            ),
            AttributeDocumentation::optional(
                "api_url",
                "a string",
                "Where the REST API is. Default: https://api.github.com; of a GitHub Enterprise Server https://HOST/api/v3.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "github_issue" "triage" {
  repository = "example/security"
  token      = env("GITHUB_TOKEN")
  labels     = ["alert", "severity: {{ alert.severity }}"]
  assignees  = ["octocat"]
  # api_url            = "https://github.example.org/api/v3"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "A new alert is an issue: the title in at most 256 characters, and in the body, of at most 65,536, \
        the text, why it matters, the fields as a list, the links, and the event of the first finding as JSON, \
        without the columns that are Egret's own (`tp_…`). Each part has its share, the event what is left; what is \
        longer ends with `… (shortened)`.\n\n\
        Updates, acknowledgements and comments are comments on that issue. Closing the alert closes the issue as \
        completed, reopening opens it again; a comment says who did it.\n\n\
        What comes from logs is escaped: no formatting, no links, no mentions, no references to other issues. A \
        template is written in GitHub's Markdown; its `title` is shown as it is, and its `body` replaces the whole text \
        of issues and comments.\n\n\
        The body ends with an invisible comment that names the alert. Before an issue is made, those made since the \
        alert was opened, at most 300, are searched for it, so that an issue whose making was not answered is not made \
        twice. A comment may come twice. The grouping key is that mark, and the issue's number once it is known.\n\n\
        403 and 429 with `Retry-After`, with no requests left, or for too many at once are tried again when GitHub \
        says; one request runs at a time, as GitHub asks for.",
    permissions: "Make a fine-grained personal access token, or better an installation token of a GitHub App, for this \
        repository alone, with the permission Issues: read and write. Assignees must be able to be assigned there. \
        Labels that do not exist are made if the token may push.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let repository = reader.required::<Located<String>>("repository");
        let token = reader.required::<Secret>("token");
        let labels = reader.optional_or("labels", Vec::<Located<String>>::new());
        let assignees = reader.optional_or("assignees", Vec::<String>::new());
        let address = Address::decode_or(reader, "api_url", API_URL);
        for template in labels.iter().flatten() {
            check(template, reader.diagnostics());
        }
        let repository = repository?;
        if !is_repository(&repository.value) {
            reader.diagnostics().error(&repository.location, "a repository is written as \"owner/name\"");
            return None;
        }
        Some(Arc::new(GitHubIssue {
            http: http?,
            address: address?,
            repository: repository.value,
            token: token?,
            labels: labels?,
            assignees: assignees?,
        }))
    },
};

fn is_repository(text: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
}

const DIALECT: Dialect = Dialect {
    escape: Escape::GitHub,
    field: |name, value| format!("- **{name}:** {value}"),
    // Another bullet than that of fields: with the same, both would be one list, and each of its lines a paragraph.
    link: |title, target| format!("* [{title}]({target})"),
    code: |text| {
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        format!("{fence}json\n{text}\n{fence}")
    },
};

#[derive(Debug)]
struct GitHubIssue {
    http: Http,
    address: Address,
    repository: String,
    token: Secret,
    labels: Vec<Located<String>>,
    assignees: Vec<String>,
}

#[async_trait]
impl Output for GitHubIssue {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::GitHub
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| tell(self, letter)).await
    }
}

#[async_trait]
impl Tracker for GitHubIssue {
    async fn find(&self, delivery: &Delivery) -> Result<Option<String>, SendError> {
        let mark = mark(delivery);
        let since = delivery.alert.opened_at.plus_micros(-CLOCK_MARGIN_MICROS);
        for page in 1..=MAX_PAGES {
            let mut url = self.url("issues");
            url.query_pairs_mut()
                .append_pair("state", "all")
                .append_pair("sort", "created")
                .append_pair("direction", "desc")
                .append_pair("since", &since.to_string())
                .append_pair("per_page", &PAGE.to_string())
                .append_pair("page", &page.to_string());
            let answer = self.call(HttpRequest::get(url)).await?;
            let Value::Array(issues) = answer.json() else {
                return Err(SendError::retry("github's list of issues cannot be read: is `api_url` right?"));
            };
            let is_it =
                |issue: &&Value| issue["body"].as_str().is_some_and(|body| body.trim_end().ends_with(&mark));
            if let Some(number) = issues.iter().find(is_it).and_then(|issue| issue["number"].as_u64()) {
                return Ok(Some(number.to_string()));
            }
            let oldest = issues.last().and_then(|issue| Timestamp::parse(issue["created_at"].as_str()?));
            if issues.len() < PAGE || oldest.is_some_and(|oldest| oldest < since) {
                break;
            }
        }
        Ok(None)
    }

    async fn open(&self, letter: &Letter) -> Result<String, SendError> {
        let issue = json!({
            "title": title(&letter.message.title, MAX_TITLE),
            "body": compose(letter, &DIALECT, MAX_BODY, &mark(&letter.delivery)),
            "labels": labels(&self.labels, &letter.delivery, MAX_LABEL),
            "assignees": self.assignees,
        });
        let made = self.call(HttpRequest::json(self.url("issues"), &issue)).await?;
        let number = made.json()["number"].as_u64();
        let number = number.ok_or_else(|| SendError::retry("github's answer names no issue"))?;
        Ok(number.to_string())
    }

    async fn comment(&self, issue: &str, letter: &Letter) -> Result<(), SendError> {
        let body = json!({"body": compose(letter, &DIALECT, MAX_BODY, "")});
        self.call(HttpRequest::json(self.url(&format!("issues/{issue}/comments")), &body)).await?;
        Ok(())
    }

    async fn set_open(&self, issue: &str, open: bool) -> Result<(), SendError> {
        let (state, reason) = if open { ("open", "reopened") } else { ("closed", "completed") };
        let change = json!({"state": state, "state_reason": reason});
        let mut request = HttpRequest::json(self.url(&format!("issues/{issue}")), &change);
        request.method = Method::PATCH;
        self.call(request).await?;
        Ok(())
    }
}

/// What names the alert in the body of its issue: not shown.
fn mark(delivery: &Delivery) -> String {
    format!("<!-- egret alert {} -->", delivery.alert.alert_id)
}

impl GitHubIssue {
    fn url(&self, path: &str) -> Url {
        self.address.join(&format!("repos/{}/{path}", self.repository))
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        let mut request = request.with_secret("authorization", &format!("Bearer {}", self.token.expose()))?;
        request.headers.insert("accept", HeaderValue::from_static("application/vnd.github+json"));
        request.headers.insert("x-github-api-version", HeaderValue::from_static("2022-11-28"));
        let response = self.http.call_within(request, MAX_PAGE_BYTES).await?;
        let now = self.http.context().clock.now();
        let wait = wait(&response, now);
        match judge("github", response, now) {
            // Too many requests are a 403 there, too.
            Err(SendError::Refused { message }) if wait.is_some() => {
                Err(SendError::Retry { message, after: wait })
            }
            Err(SendError::Retry { message, after }) => {
                Err(SendError::Retry { message, after: after.or(wait) })
            }
            judged => judged,
        }
    }
}

/// How long to wait if GitHub refused a request because there were too many.
fn wait(response: &HttpResponse, now: Timestamp) -> Option<Duration> {
    if !matches!(response.status, StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS) {
        return None;
    }
    if let Some(after) = response.retry_after(now) {
        return Some(after);
    }
    let number = |name: &str| response.headers.get(name)?.to_str().ok()?.parse::<i64>().ok();
    if number("x-ratelimit-remaining") == Some(0) {
        let seconds = number("x-ratelimit-reset").map(|at| at - now.micros().div_euclid(1_000_000));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        return Some(seconds.map_or(PATIENCE, |seconds| Duration::from_secs(seconds.min(3600))));
    }
    let said = response.json()["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    said.contains("rate limit").then_some(PATIENCE)
}

#[cfg(test)]
mod tests;
