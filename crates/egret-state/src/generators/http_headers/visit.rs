//! Asks for an address and for those that it redirects to.

use std::fmt;

use egret_http::header::{HeaderMap, LOCATION};
use egret_http::{CallError, Http, HttpRequest, HttpResponse, Method, StatusCode, Url};

use crate::generators::hidden::Hidden;

use super::described::LEFT_OUT;

/// How addresses are asked for.
pub(super) struct Visitor {
    pub http: Http,
    pub method: Method,
    /// Secrets, for the places that the user named only.
    pub headers: HeaderMap,
    /// So many redirects are followed.
    pub redirects: usize,
    pub hidden: Hidden,
}

impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor")
            .field("method", &self.method)
            .field("redirects", &self.redirects)
            .finish_non_exhaustive()
    }
}

/// What an address answered in the end, and what on the way there.
#[derive(Debug)]
pub(super) struct Visit {
    /// The redirects that were followed: what was asked for, and how it was answered.
    pub redirects: Vec<(Url, StatusCode)>,
    /// What was asked for last.
    pub url: Url,
    pub response: HttpResponse,
    /// If that is a redirect too: why it was not followed, and where it leads.
    pub stopped: Option<(&'static str, String)>,
}

impl Visitor {
    pub(super) async fn visit(&self, first: &Url) -> Result<Visit, CallError> {
        let (mut url, mut redirects) = (first.clone(), Vec::new());
        loop {
            let response = self.http.call_for_headers(self.request(&url, first)).await?;
            let stopped = match target(&url, &response) {
                None => None,
                Some(Err(location)) => Some(("address", self.hidden.hide(&location))),
                Some(Ok(next)) => {
                    let is_known = next == url || redirects.iter().any(|(known, _)| *known == next);
                    if redirects.len() < self.redirects && !is_known {
                        redirects.push((url, response.status));
                        url = next;
                        continue;
                    }
                    let why = if is_known { "circle" } else { "limit" };
                    Some((why, self.hidden.hide(&shown(&next))))
                }
            };
            return Ok(Visit { redirects, url, response, stopped });
        }
    }

    fn request(&self, url: &Url, first: &Url) -> HttpRequest {
        let headers = if url.origin() == first.origin() { self.headers.clone() } else { HeaderMap::new() };
        HttpRequest { method: self.method.clone(), url: url.clone(), headers, body: Default::default() }
    }
}

/// Where an answer leads, if it is a redirect; or what it says in place of an address.
fn target(url: &Url, response: &HttpResponse) -> Option<Result<Url, String>> {
    let is_redirect = matches!(
        response.status,
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = response.headers.get(LOCATION).filter(|_| is_redirect)?;
    let location = String::from_utf8_lossy(location.as_bytes());
    // Of what cannot be read it is not known either what may be a secret.
    let Ok(mut next) = url.join(&location) else { return Some(Err(LEFT_OUT.to_owned())) };
    next.set_fragment(None);
    Some(match (next.scheme(), next.has_host()) {
        ("http" | "https", true) => Ok(next),
        (_, true) => Err(shown(&next)),
        (scheme, false) => Err(format!("{scheme}:{LEFT_OUT}")),
    })
}

/// An address that a server named. What it gives parameters as values changes each time where somebody has to sign in, and
/// may be secret: of them only the names stay.
pub(super) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    let _ = shown.set_username("");
    let _ = shown.set_password(None);
    shown.set_query(None);
    let path: Vec<String> = url.path().split('/').map(without_values(';')).collect();
    shown.set_path("");
    let path = path.join("/");
    let query = url.query().map(|query| {
        let pairs: Vec<String> = query.split('&').map(without_values_of_pair).collect();
        format!("?{}", pairs.join("&"))
    });
    format!("{}{path}{}", shown.as_str().trim_end_matches('/'), query.unwrap_or_default())
}

/// `a;jsessionid=1` without what is after the `=`.
fn without_values(mark: char) -> impl Fn(&str) -> String {
    move |step| {
        let (name, rest) = match step.split_once(mark) {
            Some((name, rest)) => (name, rest),
            None => return step.to_owned(),
        };
        let pairs: Vec<String> = rest.split(mark).map(without_values_of_pair).collect();
        format!("{name}{mark}{}", pairs.join(&mark.to_string()))
    }
}

fn without_values_of_pair(pair: &str) -> String {
    pair.split_once('=').map_or_else(|| pair.to_owned(), |(name, _)| format!("{name}={LEFT_OUT}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_parameters_are_left_out() {
        for (url, expected) in [
            ("https://a.example", "https://a.example/"),
            ("https://ada:pw@a.example:8443/x/", "https://a.example:8443/x/"),
            ("http://[::1]:80/?state=r4nd0m&flag&b=", "http://[::1]/?state=…&flag&b=…"),
            ("https://a.example/x;jsessionid=1;v=2/y?", "https://a.example/x;jsessionid=…;v=…/y?"),
        ] {
            assert_eq!(shown(&Url::parse(url).unwrap()), expected);
        }
    }
}
