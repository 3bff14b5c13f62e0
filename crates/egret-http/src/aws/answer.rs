//! What answers of AWS mean: in XML or in JSON, with a code that says more than the status.

use egret_model::Timestamp;

use crate::client::HttpResponse;
use crate::error::CallError;
use crate::text::said;

/// Codes of what may go well later although the status is one of refusals: too much at once, a clock that is wrong,
/// credentials that are renewed.
const RETRIED: [&str; 22] = [
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalFailure",
    "KMSThrottling",
    "KMSThrottlingException",
    "KmsThrottled",
    "OperationAborted",
    "OverLimit",
    "PriorRequestNotComplete",
    "RequestExpired",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeTooSkewed",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
];

/// So much of a message is shown.
const MAX_SHOWN: usize = 300;

/// Whether what has this code may go well later.
pub fn is_retried(code: &str) -> bool {
    RETRIED.contains(&code) || code == "TooManyRequestsException"
}

/// The answer if it is a success.
///
/// # Errors
/// To be tried again, or refused, with the code and the message of the service.
pub fn judge(place: &str, response: HttpResponse, now: Timestamp) -> Result<HttpResponse, CallError> {
    if response.status.is_success() {
        return Ok(response);
    }
    let (code, text) = reason(&response);
    let Some(code) = code else { return crate::answer::judge(place, response, now) };
    let said = said(&text, MAX_SHOWN);
    let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    let region = header("x-amz-bucket-region").filter(|_| response.status.is_redirection());
    let region = region.map(|region| format!("; the bucket is in {region}: look at `region`"));
    let message = format!("{place} answered {code}: {said}{}", region.unwrap_or_default());
    let may_change =
        response.status.is_server_error() || response.status.as_u16() == 429 || is_retried(&code);
    if may_change {
        return Err(CallError::Retry { message, after: response.retry_after(now) });
    }
    Err(CallError::Refused { message })
}

/// Code and message: `{"__type": "namespace#Code", "message": …}`, the code in a header, or
/// `<Error><Code>…</Code><Message>…`.
fn reason(response: &HttpResponse) -> (Option<String>, String) {
    let json = response.json();
    let header = response.headers.get("x-amzn-errortype").and_then(|kind| kind.to_str().ok());
    if let Some(kind) = json["__type"].as_str().or(json["code"].as_str()).or(header) {
        let code = kind.rsplit('#').next().and_then(|kind| kind.split(':').next()).unwrap_or(kind);
        let said = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
        return (Some(shown(code)), said.to_owned());
    }
    let body = String::from_utf8_lossy(&response.body);
    let said = element(&body, "Message").unwrap_or_default();
    (element(&body, "Code").map(shown), said.to_owned())
}

fn shown(code: &str) -> String {
    said(code, 100)
}

/// The text of the first element of this name.
fn element<'t>(xml: &'t str, name: &str) -> Option<&'t str> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[start..].find(&format!("</{name}>"))? + start;
    Some(&xml[start..end])
}
