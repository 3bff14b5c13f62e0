//! Requests to a service of AWS in the protocols that there are, with what their failures mean.

use std::time::Duration;

use egret_http::aws::Aws;
use egret_http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use egret_http::{CallError, HttpRequest, HttpResponse, Method, Url};
use serde_json::Value as Json;

use super::xml::Element;
use crate::generators::patience::{Passing, Patience};

/// So much of one answer is read: a page of a thousand roles with their policies has some MiB.
const MAX_ANSWER_BYTES: usize = 32 << 20;

/// More pages are a service that goes round in circles.
const MAX_PAGES: usize = 10_000;

/// Codes of a permission that is missing.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "Client.UnauthorizedOperation",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
];

/// Codes of credentials that are of no use any more, or not there.
const CREDENTIALS: &[&str] = &[
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSecurity",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotSignedUp",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
];

/// What a request without credentials says: it was never sent.
const NO_CREDENTIALS: &str = "there are no usable AWS credentials";

/// Why a request failed.
#[derive(Debug, Clone)]
pub(crate) struct AwsError {
    /// The service's code; empty if it has none.
    pub code: String,
    /// What to say of it.
    pub error: CallError,
}

impl AwsError {
    /// What went wrong with a request to `host` that needs `permission`.
    fn new(error: CallError, host: &str, permission: &str) -> Self {
        let text = error.to_string();
        // The client of AWS says it so: `iam.amazonaws.com answered AccessDenied: …`.
        let code = text.strip_prefix(host).and_then(|rest| rest.strip_prefix(" answered "));
        let code = code.and_then(|rest| Some(rest.split_once(':')?.0)).filter(|code| !code.contains(' '));
        let code = code.unwrap_or_default().to_owned();
        if DENIED.contains(&code.as_str()) {
            let error = CallError::refused(format!("the permission {permission} is missing: {text}"));
            return Self { code, error };
        }
        Self { code, error }
    }

    /// Whether nothing else will be answered either.
    pub(crate) fn is_of_credentials(&self) -> bool {
        CREDENTIALS.contains(&self.code.as_str()) || self.error.to_string().starts_with(NO_CREDENTIALS)
    }
}

impl From<CallError> for AwsError {
    fn from(error: CallError) -> Self {
        Self { code: String::new(), error }
    }
}

impl From<AwsError> for CallError {
    fn from(error: AwsError) -> Self {
        error.error
    }
}

impl Passing for AwsError {
    fn passes(&self) -> Option<Option<Duration>> {
        if self.is_of_credentials() { None } else { self.error.passes() }
    }
}

/// A service in a region of an account.
#[derive(Debug)]
pub(crate) struct AwsService<'a> {
    aws: Aws,
    /// As permissions begin: `iam`.
    name: &'static str,
    patience: &'a Patience,
}

impl<'a> AwsService<'a> {
    pub(super) fn new(aws: Aws, name: &'static str, patience: &'a Patience) -> Self {
        Self { aws, name, patience }
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &Url {
        self.aws.endpoint()
    }

    /// Whether that is another place than AWS's.
    pub(crate) fn is_custom(&self) -> bool {
        self.aws.is_custom()
    }

    /// An action of the query protocol: what its answer has.
    pub(crate) async fn query(&self, action: &str, parameters: &[(&str, &str)]) -> Result<Element, AwsError> {
        let mut form = self.endpoint().clone();
        let version = match self.name {
            "ec2" => "2016-11-15",
            "sts" => "2011-06-15",
            _ => "2010-05-08",
        };
        form.query_pairs_mut()
            .clear()
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(parameters);
        let body = form.query().unwrap_or_default().to_owned();
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        let url = self.endpoint().clone();
        let request = HttpRequest { method: Method::POST, url, headers, body: body.into() };
        let root = self.xml(&format!("{}:{action}", self.name), &request).await?;
        let result = root.child(&format!("{action}Result")).cloned();
        Ok(result.unwrap_or(root))
    }

    /// All pages of an action of the query protocol, one after the other.
    pub(crate) async fn pages(
        &self,
        action: &str,
        parameters: &[(&str, &str)],
        mut take: impl FnMut(Element) + Send,
    ) -> Result<(), AwsError> {
        let (asked, answered) =
            if self.name == "ec2" { ("NextToken", "nextToken") } else { ("Marker", "Marker") };
        let mut token = String::new();
        for _ in 0..MAX_PAGES {
            let mut parameters = parameters.to_vec();
            if !token.is_empty() {
                parameters.push((asked, &token));
            }
            let page = self.query(action, &parameters).await?;
            // IAM says beside it whether there is more; EC2 gives a token then.
            let is_last = page.text_of("IsTruncated") == "false";
            let next = page.text_of(answered).to_owned();
            take(page);
            if is_last || next.is_empty() {
                return Ok(());
            }
            if next == token {
                break;
            }
            token = next;
        }
        Err(CallError::retry(format!("{}:{action} gives the same page again and again", self.name)).into())
    }

    /// A GET that is answered in XML.
    pub(crate) async fn get(
        &self,
        permission: &str,
        url: Url,
        headers: HeaderMap,
    ) -> Result<Element, AwsError> {
        let request = HttpRequest { headers, ..HttpRequest::get(url) };
        self.xml(permission, &request).await
    }

    /// A GET whose answer is taken as it is.
    pub(crate) async fn get_text(&self, permission: &str, url: Url) -> Result<String, AwsError> {
        let response = self.send(permission, &HttpRequest::get(url)).await?;
        Ok(String::from_utf8_lossy(&response.body).into_owned())
    }

    /// An operation of the JSON protocol.
    pub(crate) async fn json(&self, target: &str, body: &Json) -> Result<Json, AwsError> {
        let mut request = HttpRequest::json(self.endpoint().clone(), body);
        let target_value = HeaderValue::from_str(target)
            .map_err(|_| CallError::refused(format!("`{target}` cannot be one of a header")))?;
        request.headers.insert(HeaderName::from_static("x-amz-target"), target_value);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
        let operation = target.rsplit('.').next().unwrap_or(target);
        let response = self.send(&format!("{}:{operation}", self.name), &request).await?;
        serde_json::from_slice(&response.body).map_err(|error| {
            let message =
                format!("{}:{operation} was answered with something that is no JSON: {error}", self.name);
            CallError::refused(message).into()
        })
    }

    async fn xml(&self, permission: &str, request: &HttpRequest) -> Result<Element, AwsError> {
        let response = self.send(permission, request).await?;
        Element::parse(&response.body).map_err(|problem| {
            let problem = egret_http::said(&problem, 200);
            CallError::refused(format!("{permission} was answered with something that is no XML: {problem}"))
                .into()
        })
    }

    /// Asks, for as long as that is of use.
    async fn send(&self, permission: &str, request: &HttpRequest) -> Result<HttpResponse, AwsError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let host = host.as_str();
        let ask = || async move {
            let deadline = self.aws.deadline();
            let answer = self.aws.call_within(request.clone(), MAX_ANSWER_BYTES, deadline).await;
            answer
                .and_then(|response| response.whole(host))
                .map_err(|error| AwsError::new(error, host, permission))
        };
        self.patience.ask(ask).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart() {
        let failure = |error: CallError| AwsError::new(error, "iam.amazonaws.com", "iam:ListUsers");
        let denied =
            failure(CallError::refused("iam.amazonaws.com answered AccessDenied: User: arn:x may not"));
        assert_eq!(
            denied.error.to_string(),
            "the permission iam:ListUsers is missing: iam.amazonaws.com answered AccessDenied: User: arn:x may not"
        );
        assert_eq!(
            (denied.code.as_str(), denied.passes(), denied.is_of_credentials()),
            ("AccessDenied", None, false)
        );
        let expired = failure(CallError::retry("iam.amazonaws.com answered ExpiredToken: "));
        assert!(expired.is_of_credentials() && expired.passes().is_none());
        let none = failure(CallError::retry(format!("{NO_CREDENTIALS}: none found; name an `access_key`")));
        assert!(none.is_of_credentials() && none.passes().is_none() && none.code.is_empty());
        let busy = failure(CallError::retry("iam.amazonaws.com answered Throttling: Rate exceeded"));
        assert_eq!((busy.code.as_str(), busy.passes()), ("Throttling", Some(None)));
        let other = failure(CallError::refused("iam.amazonaws.com answered 404 Not Found: Code: x"));
        assert_eq!((other.code.as_str(), other.is_of_credentials()), ("", false));
    }
}
