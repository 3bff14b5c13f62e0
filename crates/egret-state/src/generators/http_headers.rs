//! `http_headers`: what web servers answer apart from the page itself: where it is, how it is protected, which cookies it sets.

mod described;
mod visit;
mod wanted;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::{HTTP_ATTRIBUTES, Http, Method, Url};
use egret_model::Secret;
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::hidden::Hidden;
use crate::generators::parts::{Part, Parts};
use crate::generators::request_parts::{read_headers, read_method};
use crate::registry::GeneratorType;

use visit::{Visit, Visitor};
use wanted::Wanted;

/// So many addresses are asked for at once.
const CONCURRENCY: usize = 16;

/// Longer chains are not followed by browsers either.
const MAX_REDIRECTS: usize = 20;

/// The generator type `http_headers`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "http_headers",
    description: "What web servers answer: status, redirects, the headers that protect pages, and how cookies are set.",
    channel: "network.http_headers",
    key: &["url"],
    ignore: &[],
    ordered: &["$.redirects"],
    attributes: &[
        &[
            AttributeDocumentation::required("urls", "a list of strings", "What to ask for."),
            AttributeDocumentation::optional(
                "headers",
                "a string or a list of strings",
                "Which headers of the answers count: \"security\", \"all\" (but those that change each time), or their names. \
                 Default: \"security\".",
            ),
            AttributeDocumentation::optional("method", "a string", "GET or HEAD. Default: GET."),
            AttributeDocumentation::optional(
                "redirects",
                "a number",
                "So many redirects are followed, one after the other; 20 at most. Default: 0.",
            ),
            AttributeDocumentation::optional(
                "request_headers",
                "a map of strings",
                "Headers to send; their values are secrets.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "http_headers" "site" {
  urls            = ["https://www.example.org/", "https://www.example.org/login", "http://example.org/"]
  headers         = "security"
  method          = "GET"
  redirects       = 5
  request_headers = { User-Agent = "Mozilla/5.0", Authorization = env("SITE_AUTHORIZATION") }
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    documents: DOCUMENTS,
    permissions: "To open connections to the servers, and to those that they redirect to. `request_headers` are sent to the scheme, \
        host and port of the URL alone, and not to where a redirect leads beyond it; a client certificate is shown to whom asks \
        for one.",
    decode: |reader, context| {
        let urls = reader.required::<Located<Vec<Located<String>>>>("urls");
        let wanted = reader.optional_or("headers", Wanted::Security);
        let method = reader.optional_or("method", None::<Located<String>>);
        let redirects = reader.optional_or("redirects", None::<Located<u64>>);
        let headers = reader.optional_or("request_headers", Vec::<(Located<String>, Secret)>::new());
        let http = Http::decode(reader, &context.service);
        let urls = urls.and_then(|urls| read_urls(&urls, reader));
        let method = method.and_then(|method| match method {
            Some(method) => read_method(&method, [Method::GET, Method::HEAD], reader),
            None => Some(Method::GET),
        });
        let redirects = redirects.and_then(|redirects| read_redirects(redirects, reader));
        let headers = headers.and_then(|headers| {
            let hidden = Hidden::new(headers.iter().map(|(_, value)| value));
            read_headers(&headers, reader).map(|headers| (headers, hidden))
        });
        let (headers, hidden) = headers?;
        let visitor = Visitor { http: http?, method: method?, headers, redirects: redirects?, hidden };
        Some(Arc::new(HttpHeaders { urls: urls?, wanted: wanted?, visitor }))
    },
};

const DOCUMENTS: &str = r#"One document a URL, whatever the status of the answer:

```json
{"url": "http://example.org/", "redirects": [{"url": "http://example.org/", "status": 301}], "final_url": "https://www.example.org/",
 "status": 200, "tls": true, "stopped": null, "location": null,
 "headers": {
   "content-security-policy": [{"default-src": ["'self'"], "script-src": ["'nonce-…'", "'strict-dynamic'"], "upgrade-insecure-requests": []}],
   "server": "nginx", "strict-transport-security": {"includesubdomains": true, "max-age": 31536000}, "x-content-type-options": "nosniff"},
 "cookies": [{"name": "session", "secure": true, "http_only": true, "same_site": "Lax", "domain": null, "path": "/"}]}
```

`redirects` are those that were followed, in their order; everything else is of the last answer, that of `final_url`. If that
redirects too, `location` is where to, and `stopped` why it was not followed: `limit` (`redirects` allows no more), `circle` (it
leads to where it came from), `address` (it leads to no address of HTTP). Of addresses that servers name, the values of parameters
are left out.

`headers` are those that count, by their name in lower case; one that comes several times is a list. `strict-transport-security` is
taken apart into its directives, and `content-security-policy`, also the one that ends in `-report-only`, into policies, all of which
hold, with their directives. Nonces are left out. `"security"` stands for these headers, those that begin with
`cross-origin-` and `access-control-allow-`, and `access-control-expose-headers`, `origin-agent-cluster`, `permissions-policy`,
`referrer-policy`, `server`, `x-aspnet-version`, `x-aspnetmvc-version`, `x-content-type-options`, `x-frame-options`, `x-generator`,
`x-permitted-cross-domain-policies`, `x-powered-by` and `x-xss-protection`. `"all"` leaves out what changes each time, such as
`age`, `date`, `etag`, and numbers of requests.

`cookies` are those that the last answer sets, never with their values. Cookies are not kept, and pages are not read.

Each URL is a part: one that is not answered, whose certificate is not trusted, or that redirects to such a place, fails alone. An
answer may have 100 headers of 400 KiB."#;

fn read_urls(urls: &Located<Vec<Located<String>>>, reader: &mut BlockReader<'_>) -> Option<Vec<Url>> {
    if urls.value.is_empty() {
        let mistake = Diagnostic::error("`urls` names nothing to ask for").at(&urls.location);
        reader.diagnostics().push(mistake.hint("write the addresses: [\"https://www.example.org/\"]"));
        return None;
    }
    let read: Vec<Option<Url>> = urls.value.iter().map(|url| read_url(url, reader)).collect();
    let mut urls: Vec<Url> = read.into_iter().collect::<Option<_>>()?;
    urls.sort();
    urls.dedup();
    Some(urls)
}

fn read_url(text: &Located<String>, reader: &mut BlockReader<'_>) -> Option<Url> {
    let url = Url::parse(&text.value).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(mut url) = url else {
        let mistake = Diagnostic::error("this is no URL of HTTP").at(&text.location);
        reader.diagnostics().push(mistake.hint("write it whole: \"https://www.example.org/\""));
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        let mistake = Diagnostic::error("documents show the URL: it may name no user").at(&text.location);
        let hint = "write `request_headers = { Authorization = … }`; its value is not shown";
        reader.diagnostics().push(mistake.hint(hint));
        return None;
    }
    url.set_fragment(None);
    Some(url)
}

fn read_redirects(redirects: Option<Located<u64>>, reader: &mut BlockReader<'_>) -> Option<usize> {
    let Some(redirects) = redirects else { return Some(0) };
    let found = usize::try_from(redirects.value).ok().filter(|count| *count <= MAX_REDIRECTS);
    if found.is_none() {
        let message = format!("at most {MAX_REDIRECTS} redirects are followed");
        reader.diagnostics().error(&redirects.location, message);
    }
    found
}

#[derive(Debug)]
struct HttpHeaders {
    urls: Vec<Url>,
    wanted: Wanted,
    visitor: Visitor,
}

#[async_trait]
impl Generator for HttpHeaders {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let visits = self.urls.iter().cloned().map(|url| self.part(url));
        // In their order, so that of several failures always the first is told.
        let mut visits = futures_util::stream::iter(visits).buffered(CONCURRENCY);
        let mut parts = Parts::new(documents);
        while let Some(part) = visits.next().await {
            parts.take(part)?;
        }
        parts.finish()
    }
}

impl HttpHeaders {
    async fn part(&self, url: Url) -> Part {
        let visited = self.visitor.visit(&url).await;
        Part::new(url.as_str(), visited.map(|visit| vec![self.describe(&url, &visit)]))
    }

    fn describe(&self, first: &Url, visit: &Visit) -> Json {
        // The user's own address is shown as it is.
        let shown = |url: &Url| match url == first {
            true => url.as_str().to_owned(),
            false => self.visitor.hidden.hide(&visit::shown(url)),
        };
        let redirects: Json = visit
            .redirects
            .iter()
            .map(|(url, status)| json!({"url": shown(url), "status": status.as_u16()}))
            .collect();
        let (stopped, location) =
            visit.stopped.as_ref().map(|(why, location)| (*why, location.as_str())).unzip();
        json!({
            "url": first.as_str(),
            "redirects": redirects,
            "final_url": shown(&visit.url),
            "status": visit.response.status.as_u16(),
            "tls": visit.url.scheme() == "https",
            "stopped": stopped,
            "location": location,
            "headers": described::headers(&visit.response.headers, &self.wanted, &self.visitor.hidden),
            "cookies": described::cookies(&visit.response.headers, &self.visitor.hidden),
        })
    }
}

#[cfg(test)]
mod tests;
