//! GitHub's REST API: pages, limits, and what its errors mean.

use std::collections::HashMap;
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::Duration;

use egret_http::header::{ACCEPT, HeaderValue, LINK};
use egret_http::{CallError, HttpRequest, HttpResponse, StatusCode, Url, judge, said, until};
use egret_model::Timestamp;
use serde_json::Value as Json;

use super::GitHub;
use crate::generators::patience::Passing;

/// The version of the API that this speaks.
const API_VERSION: &str = "2022-11-28";

/// So much of one answer is read: a page has a hundred repositories of some KiB each.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// More pages are a service that goes round in circles.
const MAX_PAGES: usize = 10_000;

/// So much of what GitHub says is shown.
const MAX_SHOWN: usize = 300;

/// How long to wait after a secondary limit that does not say.
const SECONDARY: Duration = Duration::from_secs(60);

const SECOND_MICROS: i64 = 1_000_000;

/// Why a request failed.
#[derive(Debug, Clone)]
pub(super) struct GitHubError {
    /// The status of the answer, if there was one.
    pub status: Option<StatusCode>,
    /// What GitHub says of it.
    pub message: String,
    pub error: CallError,
}

impl From<CallError> for GitHubError {
    fn from(error: CallError) -> Self {
        Self { status: None, message: String::new(), error }
    }
}

impl From<GitHubError> for CallError {
    fn from(error: GitHubError) -> Self {
        error.error
    }
}

impl Passing for GitHubError {
    fn passes(&self) -> Option<Option<Duration>> {
        self.error.passes()
    }
}

/// A run: what it found out about the token holds until its end.
#[derive(Debug)]
pub(super) struct Session<'g> {
    pub github: &'g GitHub,
    /// Why nothing else will be answered.
    stopped: OnceLock<CallError>,
    /// When a limit ends: nobody asks before.
    pause: RwLock<Option<tokio::time::Instant>>,
}

impl<'g> Session<'g> {
    pub(super) fn new(github: &'g GitHub) -> Self {
        Self { github, stopped: OnceLock::new(), pause: RwLock::new(None) }
    }

    /// The address of a path, each of whose steps is one name.
    pub(super) fn url(&self, steps: &[&str]) -> Url {
        let mut url = self.github.url.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(steps);
        }
        url
    }

    /// The address of a path below the organisation.
    pub(super) fn organisation_url(&self, steps: &[&str]) -> Url {
        self.url(&[&["orgs", self.github.organisation.as_str()], steps].concat())
    }

    /// All items of a list, page by page. Some lists are a member of the answer.
    pub(super) async fn pages(&self, url: Url, list: Option<&str>) -> Result<Vec<Json>, GitHubError> {
        let (mut items, mut places) = (Vec::new(), HashMap::new());
        let mut next = url;
        next.query_pairs_mut().append_pair("per_page", "100");
        for _ in 0..MAX_PAGES {
            let response = self.get(next.clone()).await?;
            let mut page = self.json(&next, &response)?;
            let page = match list {
                Some(list) => page[list].take(),
                None => page,
            };
            let Json::Array(page) = page else {
                let message = format!("{} was answered without a list", next.path());
                return Err(CallError::refused(message).into());
            };
            for item in page {
                // What moves while pages are turned comes twice: as it was last.
                let id = item.get("id").map(ToString::to_string);
                match id.as_ref().and_then(|id| places.get(id)) {
                    Some(place) => items[*place] = item,
                    None => {
                        places.extend(id.map(|id| (id, items.len())));
                        items.push(item);
                    }
                }
            }
            let Some(after) = next_page(&response) else { return Ok(items) };
            if after.origin() != next.origin() {
                // The token is for this place only.
                let message = format!("the next page of {} would be at another place", next.path());
                return Err(CallError::refused(message).into());
            }
            if after == next {
                break;
            }
            next = after;
        }
        Err(CallError::retry(format!("{} has no end", next.path())).into())
    }

    /// One answer.
    pub(super) async fn one(&self, url: Url) -> Result<Json, GitHubError> {
        let response = self.get(url.clone()).await?;
        self.json(&url, &response)
    }

    fn json(&self, url: &Url, response: &HttpResponse) -> Result<Json, GitHubError> {
        serde_json::from_slice(&response.body).map_err(|error| {
            CallError::refused(format!("{} was answered with something that is no JSON: {error}", url.path()))
                .into()
        })
    }

    /// Asks, for as long as that is of use.
    async fn get(&self, url: Url) -> Result<HttpResponse, GitHubError> {
        let mut request = HttpRequest::get(url)
            .with_secret("authorization", &format!("Bearer {}", self.github.token.expose()))?;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        request.headers.insert("x-github-api-version", HeaderValue::from_static(API_VERSION));
        let request = &request;
        let ask = || async move {
            if let Some(error) = self.stopped.get() {
                return Err(error.clone().into());
            }
            let pause = *self.pause.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(end) = pause {
                tokio::time::sleep_until(end).await;
            }
            let http = &self.github.http;
            let path = request.url.path();
            let work = http.call_within(request.clone(), MAX_ANSWER_BYTES);
            let response = until(http.deadline(), path, work).await?;
            self.read(path, response)
        };
        self.github.patience.ask(ask).await
    }

    fn read(&self, path: &str, response: HttpResponse) -> Result<HttpResponse, GitHubError> {
        let status = response.status;
        let now = self.github.http.context().clock.now();
        if status.is_success() {
            return Ok(response.whole(path)?);
        }
        let message = said(response.json()["message"].as_str().unwrap_or_default(), MAX_SHOWN);
        let failed = |error: CallError| GitHubError { status: Some(status), message: message.clone(), error };
        let error = match status {
            StatusCode::UNAUTHORIZED => {
                let error = CallError::refused(format!(
                    "GitHub does not take the token: {message}; set `token` to a new one"
                ));
                let _ = self.stopped.set(error.clone());
                error
            }
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => match limit(&response, &message, now) {
                Some(limit) => self.limited(limit, now),
                None => {
                    CallError::refused(format!("{path} may not be read: {message}{}", permissions(&response)))
                }
            },
            StatusCode::NOT_FOUND => {
                let hint = permissions(&response);
                CallError::refused(format!(
                    "{path} is not there, or the token may not see it: {message}{hint}"
                ))
            }
            _ if message.is_empty() => match judge(path, response, now) {
                Ok(response) => return Ok(response),
                Err(error) => error,
            },
            _ => {
                let text = format!("{path} answered {status}: {message}");
                match status.is_server_error() {
                    true => CallError::Retry { message: text, after: response.retry_after(now) },
                    false => CallError::refused(text),
                }
            }
        };
        Err(failed(error))
    }

    /// What a limit means: all wait together, or, if it is long, nothing else is asked in this run.
    fn limited(&self, limit: Limit, now: Timestamp) -> CallError {
        let end = now.plus_micros(i64::try_from(limit.wait.as_micros()).unwrap_or(i64::MAX));
        let message = match limit.is_primary {
            true => format!(
                "the token may make no more requests until {end}: run it less often, or with fewer `kinds`"
            ),
            false => "GitHub asks for fewer requests at once: lower `concurrency`".to_owned(),
        };
        let error = CallError::Retry { message, after: Some(limit.wait) };
        if limit.wait > crate::generators::patience::LONGEST_ASKED {
            let _ = self.stopped.set(error.clone());
        } else {
            *self.pause.write().unwrap_or_else(PoisonError::into_inner) =
                Some(tokio::time::Instant::now() + limit.wait);
        }
        error
    }
}

/// A limit that was reached.
struct Limit {
    wait: Duration,
    is_primary: bool,
}

/// The limit that an answer tells of, if it does.
fn limit(response: &HttpResponse, message: &str, now: Timestamp) -> Option<Limit> {
    let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(wait) = response.retry_after(now) {
        return Some(Limit { wait, is_primary: false });
    }
    if header("x-ratelimit-remaining") == Some("0") {
        let reset = header("x-ratelimit-reset").and_then(|reset| reset.parse::<i64>().ok())?;
        // The second that it names may not be over.
        let left = reset.saturating_add(1).saturating_mul(SECOND_MICROS).saturating_sub(now.micros());
        return Some(Limit {
            wait: Duration::from_micros(u64::try_from(left).unwrap_or(0)),
            is_primary: true,
        });
    }
    let lower = message.to_ascii_lowercase();
    let is_secondary = response.status == StatusCode::TOO_MANY_REQUESTS
        || lower.contains("secondary rate limit")
        || lower.contains("abuse detection");
    is_secondary.then_some(Limit { wait: SECONDARY, is_primary: false })
}

/// Which permission is missing, as far as GitHub says it.
fn permissions(response: &HttpResponse) -> String {
    let header = |name: &str| {
        let value = response.headers.get(name).and_then(|value| value.to_str().ok())?;
        Some(said(value, MAX_SHOWN)).filter(|value| !value.is_empty())
    };
    if let Some(needed) = header("x-accepted-github-permissions") {
        return format!("; it needs the permission {needed}");
    }
    match (header("x-accepted-oauth-scopes"), header("x-oauth-scopes")) {
        (Some(needed), Some(has)) => {
            format!("; it needs one of the scopes {needed}, and the token has {has}")
        }
        (Some(needed), None) => format!("; it needs one of the scopes {needed}"),
        _ => String::new(),
    }
}

/// The next page: `<https://…>; rel="next"`.
fn next_page(response: &HttpResponse) -> Option<Url> {
    let links = response.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let next = links.flat_map(|links| links.split(',')).find_map(|link| {
        let (address, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next =
            parameters.split(';').any(|parameter| matches!(parameter.trim(), "rel=\"next\"" | "rel=next"));
        is_next.then_some(address)
    })?;
    Url::parse(next).ok()
}
