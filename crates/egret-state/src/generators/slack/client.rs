//! Methods of Slack's API: pages, and what its errors mean.

use egret_http::{CallError, HttpRequest, HttpResponse, StatusCode, judge, said, until};
use serde_json::Value as Json;

use super::Slack;

/// So much of one answer is read.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// More pages are a service that goes round in circles.
const MAX_PAGES: usize = 10_000;

/// So much of what Slack says is shown.
const MAX_SHOWN: usize = 200;

/// Errors that may be gone in a moment.
const PASSING: [&str; 6] = [
    "ratelimited",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
];

/// Errors of a token that is of no use any more.
const TOKEN: [&str; 7] = [
    "account_inactive",
    "invalid_auth",
    "not_authed",
    "org_login_required",
    "token_expired",
    "token_revoked",
    "two_factor_setup_required",
];

impl Slack {
    /// All items of a list, page by page.
    pub(super) async fn pages(
        &self,
        method: &str,
        parameters: &[(&str, &str)],
        list: &str,
    ) -> Result<Vec<Json>, CallError> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        for _ in 0..MAX_PAGES {
            let mut parameters = parameters.to_vec();
            if !cursor.is_empty() {
                parameters.push(("cursor", &cursor));
            }
            let mut page = self.ask(method, &parameters).await?;
            items.extend(taken(&mut page[list]));
            let next = page["response_metadata"]["next_cursor"].as_str().unwrap_or_default();
            if next.is_empty() {
                return Ok(items);
            }
            if next == cursor {
                break;
            }
            cursor = next.to_owned();
        }
        Err(CallError::retry(format!("{method} gives the same page again and again")))
    }

    /// All items of a list whose pages are numbered.
    pub(super) async fn numbered_pages(&self, method: &str, list: &str) -> Result<Vec<Json>, CallError> {
        let mut items = Vec::new();
        for number in 1..=MAX_PAGES {
            let number_text = number.to_string();
            let mut page = self.ask(method, &[("count", "1000"), ("page", &number_text)]).await?;
            items.extend(taken(&mut page[list]));
            let pages = page["paging"]["pages"].as_u64().unwrap_or(1);
            if number as u64 >= pages {
                return Ok(items);
            }
        }
        Err(CallError::retry(format!("{method} has no end")))
    }

    /// What a method answers, for as long as asking is of use.
    pub(super) async fn ask(&self, method: &str, parameters: &[(&str, &str)]) -> Result<Json, CallError> {
        let mut url = self.url.join(method);
        url.query_pairs_mut().extend_pairs(parameters);
        if let Some(team_id) = &self.team_id {
            url.query_pairs_mut().append_pair("team_id", team_id);
        }
        let bearer = format!("Bearer {}", self.token.expose());
        let request = HttpRequest::get(url).with_secret("authorization", &bearer)?;
        let request = &request;
        let ask = || async move {
            let work = self.http.call_within(request.clone(), MAX_ANSWER_BYTES);
            let response = until(self.http.deadline(), method, work).await?;
            self.read(method, response)
        };
        self.patience.ask(ask).await
    }

    fn read(&self, method: &str, response: HttpResponse) -> Result<Json, CallError> {
        let now = self.http.context().clock.now();
        if response.status == StatusCode::TOO_MANY_REQUESTS {
            let message = format!("{method} is asked too often");
            return Err(CallError::Retry { message, after: response.retry_after(now) });
        }
        let response = judge(method, response, now)?.whole(method)?;
        let answer = response.json();
        if answer["ok"] == true {
            return Ok(answer);
        }
        let code = said(answer["error"].as_str().unwrap_or_default(), MAX_SHOWN);
        if code.is_empty() {
            return Err(CallError::refused(format!("{method} was not answered by Slack: look at `url`")));
        }
        if PASSING.contains(&code.as_str()) {
            return Err(CallError::Retry {
                message: format!("{method} failed: {code}"),
                after: response.retry_after(now),
            });
        }
        Err(CallError::refused(refusal(method, &code, &answer)))
    }
}

/// What a refusal means, and what to do.
fn refusal(method: &str, code: &str, answer: &Json) -> String {
    let text = |name: &str| said(answer[name].as_str().unwrap_or_default(), MAX_SHOWN);
    match code {
        "missing_scope" => {
            let (needed, provided) = (text("needed"), text("provided"));
            format!(
                "{method} needs the scope {needed}; the token has {provided}: add it to the app and install it again"
            )
        }
        code if TOKEN.contains(&code) => {
            format!(
                "Slack does not take the token: {code}; install the app again and set `token` to the new one"
            )
        }
        "access_denied" | "no_permission" | "not_allowed_token_type" | "not_admin" => {
            format!("{method} is not for this token: {code}; it takes a user token (xoxp-…) of an admin")
        }
        "missing_argument" | "team_not_found" | "team_access_not_granted" => {
            format!(
                "{method} does not know which workspace: {code}; set `team_id` to one that the app is installed in"
            )
        }
        "paid_only" | "plan_upgrade_required" | "paid_teams_only" => {
            format!("{method} is for paid workspaces: {code}; name `kinds` without it")
        }
        code => format!("{method} failed: {code}"),
    }
}

fn taken(list: &mut Json) -> Vec<Json> {
    match list.take() {
        Json::Array(items) => items,
        _ => Vec::new(),
    }
}
