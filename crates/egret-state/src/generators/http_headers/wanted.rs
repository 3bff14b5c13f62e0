//! Which headers of an answer count.

use egret_config::{Diagnostics, FromValue, Value, ValueKind};
use egret_http::header::{HeaderName, SET_COOKIE};

/// Headers that say how safe a page is, and what a server tells of itself. One that ends in `-` stands for all that begin so.
const SECURITY: &[&str] = &[
    "access-control-allow-",
    "access-control-expose-headers",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-",
    "origin-agent-cluster",
    "permissions-policy",
    "referrer-policy",
    "server",
    "strict-transport-security",
    "x-aspnet-version",
    "x-aspnetmvc-version",
    "x-content-type-options",
    "x-frame-options",
    "x-generator",
    "x-permitted-cross-domain-policies",
    "x-powered-by",
    "x-xss-protection",
];

/// Headers that are others each time, or with each change of what is below them.
const VOLATILE: &[&str] = &[
    "age",
    "cf-cache-status",
    "cf-ray",
    "content-length",
    "date",
    "etag",
    "expires",
    "last-modified",
    "nel",
    "report-to",
    "retry-after",
    "server-timing",
    "traceparent",
    "tracestate",
    "x-amz-cf-id",
    "x-amz-cf-pop",
    "x-amz-id-2",
    "x-azure-ref",
    "x-b3-",
    "x-cache",
    "x-cache-hits",
    "x-cloud-trace-context",
    "x-fb-debug",
    "x-guploader-uploadid",
    "x-response-time",
    "x-runtime",
    "x-served-by",
    "x-timer",
    "x-varnish",
    "x-vercel-id",
];

/// How names of such headers end, whoever invents them.
const VOLATILE_ENDS: &[&str] =
    &["request-id", "requestid", "correlation-id", "trace-id", "-remaining", "-reset"];

/// Which headers count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Security,
    /// All but those that change each time.
    All,
    Named(Vec<HeaderName>),
}

impl Wanted {
    /// Whether a header counts. Cookies have a place of their own.
    pub(super) fn takes(&self, name: &HeaderName) -> bool {
        match self {
            _ if name == SET_COOKIE => false,
            Self::Security => is_in(SECURITY, name.as_str()),
            Self::All => {
                !is_in(VOLATILE, name.as_str())
                    && !VOLATILE_ENDS.iter().any(|end| name.as_str().ends_with(end))
            }
            Self::Named(names) => names.contains(name),
        }
    }
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| *known == name || known.ends_with('-') && name.starts_with(known))
}

impl FromValue for Wanted {
    const EXPECTED: &'static str = "\"security\", \"all\" or a list of names of headers";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        let items = match &value.kind {
            ValueKind::List(items) => items,
            _ => {
                let all = match value.as_str() {
                    Some("security") => return Some(Self::Security),
                    Some("all") => return Some(Self::All),
                    _ => value.wrong_type(Self::EXPECTED),
                };
                let is_map = matches!(value.kind, ValueKind::Map(_));
                diagnostics.push(all.hint_if(is_map.then_some("headers to send go into `request_headers`")));
                return None;
            }
        };
        let mut names = Some(Vec::new());
        for item in items {
            match (read_name(item, diagnostics), &mut names) {
                (Some(name), Some(names)) => names.push(name),
                _ => names = None,
            }
        }
        names.map(Self::Named)
    }
}

fn read_name(value: &Value, diagnostics: &mut Diagnostics) -> Option<HeaderName> {
    let text = value.expect_text("a string", diagnostics)?;
    let name = HeaderName::try_from(text).ok();
    match name {
        Some(SET_COOKIE) => {
            let message = "what cookies have in them may be secret; `cookies` of the document tells the rest";
            diagnostics.error(&value.location, message);
            None
        }
        None => {
            diagnostics.error(&value.location, format!("`{text}` cannot be the name of a header"));
            None
        }
        name => name,
    }
}
