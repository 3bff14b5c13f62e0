//! The daemon: where it is, which version of the API it speaks, and what it answers.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use egret_config::{BlockReader, Diagnostic};
use egret_http::{
    Address, CallError, Http, HttpRequest, HttpResponse, ServiceContext, StatusCode, Url, judge,
};
use serde_json::Value as Json;
use tokio::net::UnixStream;

/// Where Docker has its socket.
pub(super) const SOCKET: &str = "/var/run/docker.sock";

/// The version of the API that this speaks, if the daemon does.
const VERSION: Version = Version(1, 41);

/// So much of one answer is read: a thousand containers have some MiB.
const MAX_ANSWER_BYTES: usize = 32 << 20;

#[derive(Debug)]
pub(super) struct Daemon {
    http: Http,
    address: Address,
    pub socket: Option<PathBuf>,
}

/// A version of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Version(u32, u32);

/// A daemon that was found to speak a version of the API.
#[derive(Debug)]
pub(super) struct Session<'d> {
    daemon: &'d Daemon,
    version: Version,
}

impl Daemon {
    pub(super) fn decode(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<Self> {
        let socket = reader.optional_or("socket", None::<String>);
        let is_socket_named = socket.as_ref().is_some_and(Option::is_some);
        let url = reader.optional_or("url", None::<Address>);
        let http = Http::decode(reader, context);
        if is_socket_named && url.as_ref().is_some_and(Option::is_some) {
            let mistake = Diagnostic::error("it is not clear where the daemon is").at(reader.location());
            reader.diagnostics().push(mistake.hint("write `socket`, or `url`"));
            return None;
        }
        let (socket, http) = (socket?, http?);
        if let Some(address) = url? {
            return Some(Self { http, address, socket: None });
        }
        let socket = context.folder().join(socket.unwrap_or_else(|| SOCKET.to_owned()));
        // Every host is reached through the socket; daemons do not care how they are called.
        let address = Address::from(Url::parse("http://localhost/").ok()?);
        Some(Self { http: Http::over_socket(&socket, context), address, socket: Some(socket) })
    }

    /// Begins a run.
    pub(super) async fn begin(&self) -> Result<Session<'_>, CallError> {
        if let Some(socket) = &self.socket {
            // What the system says when it is opened says most.
            UnixStream::connect(socket).await.map_err(|error| cannot_open(socket, &error))?;
        }
        let said = self.get(&["version"], &[]).await?;
        let said =
            said.ok_or_else(|| CallError::refused(format!("{} is no daemon of containers", self.place())))?;
        let version = |name: &str| said[name].as_str().and_then(Version::parse);
        let Some(newest) = version("ApiVersion") else {
            let message = format!("{} does not say which version of the API it speaks", self.place());
            return Err(CallError::refused(message));
        };
        let oldest = version("MinAPIVersion").unwrap_or(newest);
        Ok(Session { daemon: self, version: VERSION.min(newest).max(oldest) })
    }

    /// What the daemon answers; `None` if it knows no such thing.
    async fn get(&self, steps: &[&str], query: &[(&str, &str)]) -> Result<Option<Json>, CallError> {
        let mut url = self.address.url().clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(steps);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let place = format!("{}: {}", self.place(), url.path());
        let response = self.http.call_within(HttpRequest::get(url), MAX_ANSWER_BYTES).await?;
        if response.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let response = judge(&place, spoken(response), self.http.context().clock.now())?.whole(&place)?;
        serde_json::from_slice(&response.body).map(Some).map_err(|error| {
            CallError::refused(format!("{place} was answered with something that is no JSON: {error}"))
        })
    }

    fn place(&self) -> String {
        match &self.socket {
            Some(socket) => socket.display().to_string(),
            None => format!("{:?}", self.address),
        }
    }
}

/// An error has its message in JSON.
fn spoken(response: HttpResponse) -> HttpResponse {
    match response.json()["message"].as_str() {
        Some(message) if !response.status.is_success() => {
            HttpResponse { body: Bytes::from(message.to_owned()), ..response }
        }
        _ => response,
    }
}

fn cannot_open(socket: &Path, error: &std::io::Error) -> CallError {
    let place = socket.display();
    match error.kind() {
        ErrorKind::PermissionDenied => CallError::refused(format!(
            "may not open {place}: {error}; it needs root's rights, or to be in the group of the socket"
        )),
        ErrorKind::NotFound => CallError::retry(format!(
            "there is no {place}: does the daemon run? if its socket is elsewhere, name it as `socket`"
        )),
        ErrorKind::ConnectionRefused => {
            CallError::retry(format!("nobody listens at {place}: does the daemon run?"))
        }
        _ => CallError::retry(format!("cannot open {place}: {error}")),
    }
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl Session<'_> {
    /// The containers there are: their ids and names.
    pub(super) async fn containers(&self, stopped: bool) -> Result<Vec<(String, String)>, CallError> {
        let all = if stopped { "1" } else { "0" };
        let said = self.get(&["containers", "json"], &[("all", all)]).await?;
        let wrong = || CallError::refused(format!("{} gave no list of containers", self.daemon.place()));
        let said = said.ok_or_else(wrong)?;
        let items = said.as_array().ok_or_else(wrong)?;
        items.iter().map(|item| listed(item).ok_or_else(wrong)).collect()
    }

    /// All that is known of a container; `None` if it is gone.
    pub(super) async fn container(&self, id: &str) -> Result<Option<Json>, CallError> {
        self.get(&["containers", id, "json"], &[]).await
    }

    /// All that is known of an image; `None` if it is gone.
    pub(super) async fn image(&self, id: &str) -> Result<Option<Json>, CallError> {
        self.get(&["images", id, "json"], &[]).await
    }

    async fn get(&self, steps: &[&str], query: &[(&str, &str)]) -> Result<Option<Json>, CallError> {
        let version = format!("v{}.{}", self.version.0, self.version.1);
        self.daemon.get(&[&[version.as_str()], steps].concat(), query).await
    }
}

/// The id and the name of a container. Others may have names for it, with theirs before: `/other/alias`.
fn listed(item: &Json) -> Option<(String, String)> {
    let id = item["Id"].as_str()?;
    let names = item["Names"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let mut names = names.map(|name| name.strip_prefix('/').unwrap_or(name));
    let name = names.find(|name| !name.is_empty() && !name.contains('/')).unwrap_or(id);
    Some((id.to_owned(), name.to_owned()))
}
