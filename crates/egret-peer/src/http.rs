//! An HTTP server that records what it is sent.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificates::Authority;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `POST`.
    pub method: String,
    /// `/path?query`.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Recorded {
    /// The body as JSON; null if it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// How to answer a request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// With a status, headers and a body.
    Status(u16, Vec<(String, String)>, String),
    /// Only after this time, with 200.
    Late(Duration),
    /// By closing the connection.
    Reset,
}

impl Answer {
    /// With a status and no body.
    pub fn status(status: u16) -> Self {
        Self::Status(status, Vec::new(), String::new())
    }

    /// With a status and JSON.
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        let kind = ("content-type".to_owned(), "application/json".to_owned());
        Self::Status(status, vec![kind], body.to_string())
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(self, name: &str, value: &str) -> Self {
        match self {
            Self::Status(status, mut headers, body) => {
                headers.push((name.to_owned(), value.to_owned()));
                Self::Status(status, headers, body)
            }
            other => other,
        }
    }
}

#[derive(Debug)]
struct State {
    requests: Vec<Recorded>,
    script: VecDeque<Answer>,
    always: Answer,
}

/// A server on loopback. It lives as long as this value and the runtime that it was started on.
#[derive(Debug)]
pub struct HttpPeer {
    address: SocketAddr,
    scheme: &'static str,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

impl Drop for HttpPeer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl HttpPeer {
    /// One that answers everything with 200.
    ///
    /// # Errors
    /// If loopback cannot be used.
    pub async fn start() -> io::Result<Self> {
        Self::start_with(None).await
    }

    /// The same over TLS, as `localhost`; with `mutual` only for clients of the authority.
    ///
    /// # Errors
    /// If loopback cannot be used, or the certificate cannot be made.
    pub async fn start_tls(authority: &Authority, mutual: bool) -> io::Result<Self> {
        let server = authority.server(mutual).map_err(|error| io::Error::other(error.to_string()))?;
        Self::start_with(Some(TlsAcceptor::from(server))).await
    }

    async fn start_with(tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = State { requests: Vec::new(), script: VecDeque::new(), always: Answer::status(200) };
        let state = Arc::new(Mutex::new(state));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let accepting = tokio::spawn(accept(listener, tls, Arc::clone(&state)));
        Ok(Self { address, scheme, state, accepting })
    }

    /// The address of `path` on it.
    pub fn url(&self, path: &str) -> String {
        let host = if self.scheme == "https" { "localhost" } else { "127.0.0.1" };
        format!("{}://{host}:{}{path}", self.scheme, self.address.port())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How it answers the next requests, one after the other, before it goes back to what it answers always.
    pub fn script(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state().script.extend(answers);
    }

    /// How it answers when there is no script.
    pub fn always(&self, answer: Answer) {
        self.state().always = answer;
    }

    /// What it was sent so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().requests.clone()
    }

    /// The last request; empty if there was none.
    pub fn last(&self) -> Recorded {
        self.state().requests.last().cloned().unwrap_or_else(|| Recorded {
            method: String::new(),
            path: String::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, state).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn serve<S>(stream: S, state: Arc<Mutex<State>>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| answer(request, Arc::clone(&state)));
    // An error is a client that went away, or an answer that was to be a reset.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let recorded = Recorded {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: head.headers,
        body,
    };
    let answer = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.requests.push(recorded);
        state.script.pop_front().unwrap_or_else(|| state.always.clone())
    };
    match answer {
        Answer::Reset => Err(io::Error::other("reset")),
        Answer::Late(time) => {
            tokio::time::sleep(time).await;
            Ok(Response::new(Full::new(Bytes::new())))
        }
        Answer::Status(status, headers, body) => {
            let mut response = Response::new(Full::new(Bytes::from(body)));
            *response.status_mut() = StatusCode::from_u16(status).map_err(io::Error::other)?;
            for (name, value) in headers {
                let name = hyper::header::HeaderName::try_from(name).map_err(io::Error::other)?;
                let value = hyper::header::HeaderValue::try_from(value).map_err(io::Error::other)?;
                response.headers_mut().insert(name, value);
            }
            Ok(response)
        }
    }
}
