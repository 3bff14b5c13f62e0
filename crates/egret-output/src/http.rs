//! What services have in common that are one authenticated request: the client, its limits, and what answers mean.

mod answer;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostics, FromValue, Value};
use egret_model::AlertAction;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, StatusCode, Url};
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::delivery::{Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputContext;
use crate::tls::Tls;

pub use answer::{judge, retry_after};

/// So much of an answer is read.
const MAX_ANSWER_BYTES: usize = 256 << 10;

/// So many requests to one service run at once.
const CONCURRENCY: usize = 16;

/// An attribute of every output that speaks HTTP, beside those for TLS.
pub const PROXY: AttributeDocumentation =
    AttributeDocumentation::optional("proxy", "a string", "The URL of an HTTP proxy to go through.");

/// Where to send to. Such addresses often have a secret in their path: only the host is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

impl Address {
    /// The URL itself.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Reads the attribute `name`, whose default is a constant.
    pub fn decode_or(reader: &mut BlockReader<'_>, name: &'static str, default: &str) -> Option<Self> {
        match reader.optional_or(name, None::<Self>)? {
            Some(address) => Some(address),
            None => Url::parse(default).ok().map(Self),
        }
    }

    /// The address of `path` below this one.
    pub fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{}", url.path().trim_end_matches('/'), path.trim_start_matches('/')));
        url
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&host(&self.0))
    }
}

impl FromValue for Address {
    const EXPECTED: &'static str = "a string with a URL such as \"https://example.org/alerts\"";
    const SECRET: bool = true;

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let text = value.expect_text(Self::EXPECTED, diagnostics)?;
        let url =
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            diagnostics.error(&value.location, format!("expected {}", Self::EXPECTED));
        }
        url.map(Self)
    }
}

/// A URL as it may be shown.
fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}

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
    pub fn with_secret(mut self, name: &'static str, value: &str) -> Result<Self, SendError> {
        let value = HeaderValue::from_str(value);
        let mut value = value
            .map_err(|_| SendError::refused(format!("the value for `{name}` cannot be one of a header")))?;
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
}

impl HttpResponse {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
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
    context: OutputContext,
    client: OnceCell<Client>,
}

impl Http {
    /// Reads the attributes that all HTTP outputs have.
    pub fn decode(reader: &mut BlockReader<'_>, context: &OutputContext) -> Option<Self> {
        let tls = Tls::decode(reader, context);
        let proxy = reader.optional_or("proxy", None::<Address>);
        Some(Self { tls: tls?, proxy: proxy?, context: context.clone(), client: OnceCell::new() })
    }

    /// The same without a proxy, for places that only this machine reaches.
    pub fn without_proxy(&self) -> Self {
        Self { tls: self.tls.clone(), proxy: None, context: self.context.clone(), client: OnceCell::new() }
    }

    /// When a try that begins now must be over.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.context.timeout
    }

    /// What the output may use of the world.
    pub fn context(&self) -> &OutputContext {
        &self.context
    }

    /// Sends a request and reads the answer, whatever its status.
    ///
    /// # Errors
    /// If there is none; to be tried again.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        self.call_within(request, MAX_ANSWER_BYTES).await
    }

    /// As [`Http::call`], for answers that may be larger than most.
    ///
    /// # Errors
    /// If there is none; to be tried again.
    pub async fn call_within(
        &self,
        request: HttpRequest,
        max_bytes: usize,
    ) -> Result<HttpResponse, SendError> {
        let client = self.client.get_or_try_init(async || self.make_client()).await?;
        let place = host(&request.url);
        let failed = |error: reqwest::Error| SendError::retry(explain(&place, error));
        let sent = client
            .request(request.method, request.url)
            .headers(request.headers)
            .body(request.body)
            .send()
            .await
            .map_err(failed)?;
        let (status, headers) = (sent.status(), sent.headers().clone());
        let mut sent = sent;
        let mut body = Vec::new();
        while body.len() < max_bytes {
            match sent.chunk().await.map_err(failed)? {
                Some(chunk) => body.extend_from_slice(&chunk[..chunk.len().min(max_bytes - body.len())]),
                None => break,
            }
        }
        Ok(HttpResponse { status, headers, body: body.into() })
    }

    /// Sends a request, and takes every answer that is no success for a failure.
    ///
    /// # Errors
    /// If there is no answer, or the answer says no.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, SendError> {
        let place = host(&request.url);
        let response = self.call(request).await?;
        judge(&place, response, self.context.clock.now())
    }

    fn make_client(&self) -> Result<Client, SendError> {
        let tls = self.tls.client_config().map_err(|error| SendError::retry(error.to_string()))?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .timeout(self.context.timeout)
            // A redirect would carry what is secret to a place that nobody configured.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("egret/", env!("CARGO_PKG_VERSION")))
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            let proxy = reqwest::Proxy::all(proxy.url().clone());
            builder = builder.proxy(proxy.map_err(|error| SendError::refused(explain("the proxy", error)))?);
        }
        builder.build().map_err(|error| SendError::retry(explain("the client", error)))
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
pub(crate) async fn until<T>(
    deadline: Instant,
    place: &str,
    work: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    let late = |_| Err(SendError::retry(format!("{place} did not answer in time")));
    tokio::time::timeout_at(deadline, work).await.unwrap_or_else(late)
}

/// A service that is one request a letter.
pub trait HttpService: Send + Sync + fmt::Debug + 'static {
    /// What it is told of unless its block says otherwise.
    fn actions(&self) -> &'static [AlertAction];

    /// How what came from logs must be written there.
    fn escape(&self) -> Escape {
        Escape::Nothing
    }

    /// The request that tells a letter.
    ///
    /// # Errors
    /// If it cannot be told.
    fn request(&self, letter: &Letter, context: &OutputContext) -> Result<HttpRequest, SendError>;

    /// What a successful answer says. Services that answer 200 to what they refuse look into it.
    ///
    /// # Errors
    /// If it is a refusal.
    fn receipt(&self, _letter: &Letter, _response: &HttpResponse) -> Result<Receipt, SendError> {
        Ok(Receipt::default())
    }
}

/// The output that a service is.
#[derive(Debug)]
pub struct HttpOutput<S> {
    http: Http,
    service: S,
}

impl<S: HttpService> HttpOutput<S> {
    /// The output, for the registry.
    pub fn output(http: Http, service: S) -> Arc<dyn Output> {
        Arc::new(Self { http, service })
    }

    async fn send_one(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let request = self.service.request(letter, &self.http.context)?;
        let response = self.http.send(request).await?;
        self.service.receipt(letter, &response)
    }
}

#[async_trait]
impl<S: HttpService> Output for HttpOutput<S> {
    fn actions(&self) -> &'static [AlertAction] {
        self.service.actions()
    }

    fn escape(&self) -> Escape {
        self.service.escape()
    }

    fn concurrency(&self) -> usize {
        CONCURRENCY
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.send_one(letter)).await
    }
}

#[cfg(test)]
mod tests;
