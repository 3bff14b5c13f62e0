//! Where a service is, as a block says it.

use std::fmt;

use egret_config::{BlockReader, Diagnostics, FromValue, Value};
use reqwest::Url;

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

impl From<Url> for Address {
    fn from(url: Url) -> Self {
        Self(url)
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
pub(crate) fn host(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
}
