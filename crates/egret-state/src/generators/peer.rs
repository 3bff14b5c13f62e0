//! For tests: a service on loopback that answers by what it is asked, whatever the order, or hands the question on to
//! another server.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value as Json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub method: String,
    /// `/path?query`.
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// What to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// These bytes, and no more.
    Raw(String),
    /// What the server behind says.
    Forward,
}

/// The service. It ends with this value.
#[derive(Debug)]
pub(crate) struct Peer {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    accepting: JoinHandle<()>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value.as_str())
    }

    /// A field of the form in the body, or of the query.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let pairs = egret_http::Url::parse(&format!("http://x/?{}&{query}", self.body)).unwrap();
        pairs.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

impl Reply {
    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn json(status: u16, body: &Json) -> Self {
        Self::text(status, body.to_string()).with_header("content-type", "application/json")
    }

    pub(crate) fn with_header(self, name: &str, value: impl Into<String>) -> Self {
        match self {
            Self::Answer { status, mut headers, body } => {
                headers.push((name.to_owned(), value.into()));
                Self::Answer { status, headers, body }
            }
            Self::Raw(_) | Self::Forward => self,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Peer {
    /// One that answers so, with the server at `behind` (`http://127.0.0.1:1`) behind it.
    pub(crate) async fn start(
        behind: Option<String>,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = Serving::new(behind, answer);
        let asked = Arc::clone(&serving.record);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        Self { url, asked, accepting }
    }

    /// One at a socket of this machine.
    pub(crate) fn start_at(socket: &Path, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = UnixListener::bind(socket).unwrap();
        let serving = Serving::new(None, answer);
        let asked = Arc::clone(&serving.record);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        Self { url: socket.display().to_string(), asked, accepting }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How requests are answered.
#[derive(Clone)]
struct Serving {
    behind: Option<String>,
    record: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<dyn Fn(&Asked) -> Reply + Send + Sync>,
}

impl Serving {
    fn new(behind: Option<String>, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let behind = behind.map(|url| url.trim_start_matches("http://").to_owned());
        Self { behind, record: Arc::default(), answer: Arc::new(answer) }
    }

    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Option<()> {
        let asked = read(&mut stream).await?;
        self.record.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
        match ((self.answer)(&asked), &self.behind) {
            (Reply::Answer { status, headers, body }, _) => {
                let mut head = format!(
                    "HTTP/1.1 {status} said\r\nconnection: close\r\ncontent-length: {}\r\n",
                    body.len()
                );
                headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
                stream.write_all(format!("{head}\r\n{body}").as_bytes()).await.ok()?;
            }
            (Reply::Raw(bytes), _) => stream.write_all(bytes.as_bytes()).await.ok()?,
            (Reply::Forward, Some(behind)) => {
                let mut onward = TcpStream::connect(behind).await.ok()?;
                let mut head = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", asked.method, asked.path);
                let others =
                    asked.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("connection"));
                others.for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
                onward.write_all(format!("{head}\r\n{}", asked.body).as_bytes()).await.ok()?;
                tokio::io::copy(&mut onward, &mut stream).await.ok()?;
            }
            (Reply::Forward, None) => {}
        }
        stream.shutdown().await.ok()
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut asked = Asked { method, path, headers, body: String::new() };
    let length: usize = asked.header("content-length").parse().unwrap_or(0);
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    asked.body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
    Some(asked)
}
