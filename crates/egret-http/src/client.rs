//! Requests and answers: the client with the user's settings, and its limits.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader};
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::address::{Address, host};
use crate::answer::{judge, retry_after};
use crate::context::ServiceContext;
use crate::error::CallError;
use crate::tls::{CA_FILE, CLIENT_CERTIFICATE, CLIENT_KEY, Tls};

/// So much of an answer is read unless more was asked for.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 << 10;

/// An attribute of every client that speaks HTTP, beside those for TLS.
pub const PROXY: AttributeDocumentation =
    AttributeDocumentation::optional("proxy", "a string", "The URL of an HTTP proxy to go through.");

/// What [`Http::decode`] reads.
pub const HTTP_ATTRIBUTES: &[AttributeDocumentation] = &[PROXY, CA_FILE, CLIENT_CERTIFICATE, CLIENT_KEY];

/// What is sent.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl HttpRequest {
    /// A POST of JSON.
    pub fn json(url: Url, body: &serde_json::Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Self { method: Method::POST, url, headers, body: Bytes::from(body.to_string()) }
    }

    /// A GET.
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// With one more header, whose value is a secret.
    ///
    /// # Errors
    /// If the value cannot be one of a header.
    pub fn with_secret(mut self, name: &'static str, value: &str) -> Result<Self, CallError> {
        let value = HeaderValue::from_str(value);
        let mut value = value
            .map_err(|_| CallError::refused(format!("the value for `{name}` cannot be one of a header")))?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

/// What comes back.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 256 KiB of it unless more was asked for.
    pub body: Bytes,
    /// Whether there was more of the body.
    pub is_cut: bool,
}

impl HttpResponse {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The same answer, for clients that are of no use with a part of it.
    ///
    /// # Errors
    /// If there was more of the body; refused, as it would be the same again.
    pub fn whole(self, place: &str) -> Result<Self, CallError> {
        if !self.is_cut {
            return Ok(self);
        }
        let read = self.body.len();
        Err(CallError::refused(format!(
            "the answer of {place} is larger than {read} bytes: ask for less at once"
        )))
    }

    /// What `Retry-After` asks for.
    pub fn retry_after(&self, now: egret_model::Timestamp) -> Option<std::time::Duration> {
        retry_after(self.headers.get(RETRY_AFTER)?.to_str().ok()?, now)
    }
}

/// An HTTP client with the user's settings. Made when it is first used: to load certificates takes a while.
#[derive(Debug)]
pub struct Http {
    tls: Tls,
    proxy: Option<Address>,
    /// In place of the network.
    socket: Option<PathBuf>,
    context: ServiceContext,
    client: OnceCell<Client>,
}

impl Http {
    /// Reads the attributes that all clients of HTTP have, [`HTTP_ATTRIBUTES`].
    pub fn decode(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<Self> {
        let tls = Tls::decode(reader, context);
        let proxy = reader.optional_or("proxy", None::<Address>);
        Some(Self::new(tls?, proxy?, None, context))
    }

    /// A client that reaches every host through a socket of this machine. Only `http` is spoken there.
    pub fn over_socket(path: impl Into<PathBuf>, context: &ServiceContext) -> Self {
        Self::new(Tls::default(), None, Some(path.into()), context)
    }

    fn new(tls: Tls, proxy: Option<Address>, socket: Option<PathBuf>, context: &ServiceContext) -> Self {
        Self { tls, proxy, socket, context: context.clone(), client: OnceCell::new() }
    }

    /// The same without a proxy, for places that only this machine reaches.
    pub fn without_proxy(&self) -> Self {
        Self::new(self.tls.clone(), None, self.socket.clone(), &self.context)
    }

    /// When a try that begins now must be over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.context.timeout
    }

    /// What the client may use of the world.
    pub fn context(&self) -> &ServiceContext {
        &self.context
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// If there is none; to be tried again.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        self.call_within(request, MAX_ANSWER_BYTES).await
    }

    /// As [`Http::call`], for answers that may be larger than most. What goes beyond `max_bytes` is left unread, and
    /// the answer says so.
    ///
    /// # Errors
    /// If there is none; to be tried again.
    pub async fn call_within(
        &self,
        request: HttpRequest,
        max_bytes: usize,
    ) -> Result<HttpResponse, CallError> {
        let place = self.place(&request.url);
        let mut sent = self.begin(request).await?;
        let (mut body, mut is_cut) = (Vec::new(), false);
        let failed = |error: reqwest::Error| CallError::retry(explain(&place, error));
        while !is_cut && let Some(chunk) = sent.chunk().await.map_err(failed)? {
            let room = max_bytes - body.len();
            is_cut = chunk.len() > room;
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        let (status, headers) = (sent.status(), sent.headers().clone());
        Ok(HttpResponse { status, headers, body: body.into(), is_cut })
    }

    /// Sends a request and reads the status and the headers of the answer. The body, however long it is or takes, is left
    /// unread: `body` is empty and `is_cut` true.
    ///
    /// # Errors
    /// If there is no answer; to be tried again.
    pub async fn call_for_headers(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        let sent = self.begin(request).await?;
        let (status, headers) = (sent.status(), sent.headers().clone());
        Ok(HttpResponse { status, headers, body: Bytes::new(), is_cut: true })
    }

    /// Sends a request; the answer has begun.
    async fn begin(&self, request: HttpRequest) -> Result<reqwest::Response, CallError> {
        let client = self.client.get_or_try_init(async || self.make_client()).await?;
        let place = self.place(&request.url);
        let request = client.request(request.method, request.url).headers(request.headers).body(request.body);
        request.send().await.map_err(|error| CallError::retry(explain(&place, error)))
    }

    /// Whom a request goes to, as it may be shown.
    fn place(&self, url: &Url) -> String {
        self.socket.as_deref().map_or_else(|| host(url), |socket: &Path| socket.display().to_string())
    }

    /// Sends a request, and takes every answer that is no success for a failure.
    ///
    /// # Errors
    /// If there is no answer, or the answer says no.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, CallError> {
        self.send_within(request, MAX_ANSWER_BYTES).await
    }

    /// As [`Http::send`], for answers that may be larger than most; see [`Http::call_within`].
    ///
    /// # Errors
    /// If there is no answer, or the answer says no.
    pub async fn send_within(
        &self,
        request: HttpRequest,
        max_bytes: usize,
    ) -> Result<HttpResponse, CallError> {
        let place = self.place(&request.url);
        let response = self.call_within(request, max_bytes).await?;
        judge(&place, response, self.context.clock.now())
    }

    fn make_client(&self) -> Result<Client, CallError> {
        let tls = match &self.socket {
            None => self.tls.client_config(),
            // Nobody is met there whose certificate would have to be verified.
            Some(_) => Tls::trusting_nobody(),
        };
        let tls = tls.map_err(|error| CallError::retry(error.to_string()))?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(self.context.timeout)
            // A redirect would carry what is secret to a place that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("egret/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            let proxy = reqwest::Proxy::all(proxy.url().clone());
            builder = builder.proxy(proxy.map_err(|error| CallError::refused(explain("the proxy", error)))?);
        }
        if let Some(socket) = &self.socket {
            builder = builder.unix_socket(socket.as_path());
        }
        builder.build().map_err(|error| CallError::retry(explain("the client", error)))
    }
}

/// What went wrong without an answer, down to its cause, without the URL.
fn explain(place: &str, error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("{place} did not answer in time");
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("cannot reach {place}: {cause}")
}

/// Work of a try that needs several requests: none of them may last longer than the try.
///
/// # Errors
/// As the work says, or if it is not done by then; to be tried again.
pub async fn until<T>(
    deadline: Instant,
    place: &str,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let late = |_| Err(CallError::retry(format!("{place} did not answer in time")));
    tokio::time::timeout_at(deadline, work).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests;
