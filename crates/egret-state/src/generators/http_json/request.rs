//! What is asked, and how patiently.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use egret_config::{BlockReader, Diagnostic, Located};
use egret_http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use egret_http::{Address, CallError, Http, HttpRequest, HttpResponse, Method, Url};
use egret_model::Secret;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use crate::generators::hidden::Hidden;
use crate::generators::request_parts::{read_headers, read_method};

use super::paging::Page;

/// So much of a page is read.
const MAX_PAGE_BYTES: usize = 32 << 20;

/// How often a page is asked for if the service does not say when to come back.
const TRIES: u32 = 5;

/// The first pause between two tries. Each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// So much of a run is left for what is to be done when it was waited in vain.
const RESERVE: Duration = Duration::from_millis(500);

/// What is asked.
pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Option<Secret>,
    /// What must not be shown.
    pub hidden: Hidden,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).field("host", &self.url.host_str()).finish()
    }
}

impl Request {
    pub(super) fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let url = reader.required::<Address>("url");
        let method = reader.optional_or("method", None::<Located<String>>);
        let headers = reader.optional_or("headers", Vec::<(Located<String>, Secret)>::new());
        let query = reader.optional_or("query", Vec::<(Located<String>, Secret)>::new());
        let body = reader.optional_or("body", None::<Secret>);
        let authorization = decode_authorization(reader);
        let method = method.and_then(|method| match method {
            Some(method) => read_method(&method, [Method::GET, Method::POST], reader).map(Some),
            None => Some(None),
        });
        let headers = headers.and_then(|headers| {
            let map = read_headers(&headers, reader)?;
            Some((headers, map))
        });
        let (body, query) = (body?, query?);
        let (given, mut headers) = headers?;
        let (authorization, secret) = authorization?.unzip();
        let method = method?.unwrap_or(if body.is_some() { Method::POST } else { Method::GET });
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("application/json"));
        if body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        let mut url = url?.url().clone();
        for (name, value) in &query {
            url.query_pairs_mut().append_pair(&name.value, value.expose());
        }
        let secrets = given.iter().chain(&query).map(|(_, value)| value).chain(&secret);
        let hidden = Hidden::new(secrets);
        Some(Self { method, url, headers, body, hidden })
    }
}

/// Reads `bearer`, or `user` and `password`: the header, and what in it is secret.
fn decode_authorization(reader: &mut BlockReader<'_>) -> Option<Option<(HeaderValue, Secret)>> {
    let bearer = reader.optional_or("bearer", None::<Secret>);
    let user = reader.optional_or("user", None::<String>);
    let password = reader.optional_or("password", None::<Secret>);
    let (text, secret) = match (bearer?, user?, password?) {
        (None, None, None) => return Some(None),
        (Some(token), None, None) => (format!("Bearer {}", token.expose()), token),
        (None, Some(user), Some(password)) => {
            (format!("Basic {}", BASE64.encode(format!("{user}:{}", password.expose()))), password)
        }
        _ => {
            let mistake = Diagnostic::error("it is not clear who to be").at(reader.location());
            reader.diagnostics().push(mistake.hint("write `bearer`, or `user` and `password`"));
            return None;
        }
    };
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        let location = reader.location().clone();
        reader.diagnostics().error(&location, "`bearer` cannot be a part of a header");
        return None;
    };
    value.set_sensitive(true);
    Some(Some((value, secret)))
}

/// Reads `rate`: the time between two requests.
pub(super) fn decode_rate(reader: &mut BlockReader<'_>) -> Option<Option<Duration>> {
    let Some(rate) = reader.optional_or("rate", None::<Located<String>>)? else { return Some(None) };
    let read = |text: &str| {
        let (count, unit) = text.split_once('/')?;
        let unit = match unit.trim() {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let count: u32 = count.trim().parse().ok().filter(|count| *count > 0)?;
        Some(Duration::from_secs(unit) / count)
    };
    let pause = read(&rate.value);
    if pause.is_none() {
        let mistake = Diagnostic::error(format!("`{}` is no rate", rate.value)).at(&rate.location);
        reader
            .diagnostics()
            .push(mistake.hint("write a number of requests and a unit: \"5/s\", \"100/m\", \"1000/h\""));
    }
    pause.map(Some)
}

/// How it is asked.
#[derive(Debug)]
pub(super) struct Asking {
    http: Http,
    /// The time between two requests.
    pace: Option<Duration>,
    timeout: Duration,
}

/// How long it may be waited within a run.
#[derive(Debug)]
pub(super) struct Patience<'a> {
    asking: &'a Asking,
    deadline: Instant,
    /// When the next request may be sent.
    next: Mutex<Instant>,
}

impl Asking {
    pub(super) fn new(http: Http, pace: Option<Duration>, timeout: Duration) -> Self {
        Self { http, pace, timeout }
    }

    /// A run begins.
    pub(super) fn begin(&self) -> Patience<'_> {
        let now = Instant::now();
        Patience { asking: self, deadline: now + self.timeout.saturating_sub(RESERVE), next: Mutex::new(now) }
    }
}

impl Patience<'_> {
    /// Asks for a page until there is an answer, a failure that does not pass, or no more time.
    pub(super) async fn ask(&self, request: &Request, page: &Page) -> Result<HttpResponse, CallError> {
        let (mut pause, mut tries) = (FIRST_PAUSE, 1);
        loop {
            let error = match self.ask_once(request, page).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let wait = match &error {
                CallError::Retry { after: Some(after), .. } => (*after).max(pause),
                CallError::Retry { after: None, .. } if tries < TRIES => pause,
                _ => return Err(hide(error, request)),
            };
            if Instant::now() + wait > self.deadline {
                return Err(hide(error, request));
            }
            sleep(wait).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn ask_once(&self, request: &Request, page: &Page) -> Result<HttpResponse, CallError> {
        if let Some(pace) = self.asking.pace {
            let mut next = self.next.lock().await;
            sleep_until(*next).await;
            *next = Instant::now() + pace;
        }
        let request = HttpRequest {
            method: request.method.clone(),
            url: page.url.clone(),
            headers: page.headers.clone(),
            body: page.body.as_ref().map(|body| Bytes::from(body.expose().to_owned())).unwrap_or_default(),
        };
        let place = page.url.host_str().unwrap_or_default();
        let late =
            |_| Err(CallError::retry(format!("{place} did not answer before the time of the run was over")));
        let asked = self.asking.http.send_within(request, MAX_PAGE_BYTES);
        let response = tokio::time::timeout_at(self.deadline, asked).await.unwrap_or_else(late)?;
        response.whole(place)
    }
}

/// The failure without what a server repeats of the request.
fn hide(error: CallError, request: &Request) -> CallError {
    match error {
        CallError::Retry { message, after } => {
            CallError::Retry { message: request.hidden.hide(&message), after }
        }
        CallError::Refused { message } => CallError::Refused { message: request.hidden.hide(&message) },
    }
}
