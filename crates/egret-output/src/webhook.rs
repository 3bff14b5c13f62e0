//! `webhook`: the alert as JSON, or as a template says, to any HTTP server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::header::{HeaderMap, HeaderName, HeaderValue};
use egret_http::{Address, HTTP_ATTRIBUTES, Http, HttpRequest, Method, ServiceContext};
use egret_model::{AlertAction, Secret};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::delivery::{Letter, SendError};
use crate::escape::Escape;
use crate::http::{HttpOutput, HttpService};
use crate::registry::OutputType;
use crate::template::{check, render};

/// The output type `webhook`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "webhook",
    description: "Sends the alert to any HTTP server, as JSON or as a template says.",
    attributes: &[
        &[
            AttributeDocumentation::required("url", "a string", "Where to."),
            AttributeDocumentation::optional(
                "method",
                "a string",
                "POST (the default), PUT, PATCH or GET; a GET has no body.",
            ),
            AttributeDocumentation::optional(
                "headers",
                "a map of strings",
                "Headers to add; their values are secrets.",
            ),
            AttributeDocumentation::optional(
                "query",
                "a map of templates",
                "Parameters to add to the URL: { id = \"{{ alert.alert_id }}\" }.",
            ),
            AttributeDocumentation::optional(
                "content_type",
                "a string",
                "The body's type. Default: application/json.",
            ),
            AttributeDocumentation::optional(
                "signing_secret",
                "a string",
                "Signs requests as Standard Webhooks says: `whsec_` and a key in base64, or any text.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "webhook" "siem" {
  url            = "https://siem.example.org/alerts"
  method         = "POST"
  headers        = { Authorization = "Bearer ${env("SIEM_TOKEN")}" }
  query          = { severity = "{{ alert.severity }}" }
  content_type   = "application/json"
  signing_secret = env("SIEM_SIGNING_SECRET")
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One request for each thing that happens to an alert. The body is \
        `{\"delivery_id\", \"action\", \"by\", \"remark\", \"alert\": {…}}`; a `template` with a `body` says it otherwise, and the \
        values from logs are escaped there for the inside of JSON strings.\n\n\
        The headers `Idempotency-Key` and `webhook-id` carry the delivery's id: a server that has seen it may answer \
        200 and do nothing. With a `signing_secret` there are `webhook-timestamp` and `webhook-signature` as \
        [Standard Webhooks](https://www.standardwebhooks.com) has them.\n\n\
        2xx is taken; 408, 425, 429 and 5xx are tried again, after `Retry-After` if there is one; every other \
        answer, redirects included, is refused for good.",
    permissions: "Whatever the server asks for: a token in `headers`, a client certificate, or the signature.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let url = reader.required::<Address>("url");
        let method = reader.optional_or("method", None::<Located<String>>);
        let headers = reader.optional_or("headers", Vec::<(Located<String>, Secret)>::new());
        let query = reader.optional_or("query", Vec::<(Located<String>, Located<String>)>::new());
        let content_type = reader.optional_or("content_type", None::<Located<String>>);
        let signing_secret = reader.optional_or("signing_secret", None::<Secret>);
        for (_, template) in query.iter().flatten() {
            check(template, reader.diagnostics());
        }
        let method = method.and_then(|method| read_method(method, reader));
        let headers = headers.and_then(|headers| read_headers(headers, reader));
        let content_type = content_type.and_then(|text| match text {
            Some(text) => read_content_type(&text, reader),
            None => Some(HeaderValue::from_static("application/json")),
        });
        let webhook = Webhook {
            url: url?,
            method: method?,
            headers: headers?,
            query: query?,
            content_type: content_type?,
            signing_secret: signing_secret?,
        };
        Some(HttpOutput::output(http?, webhook))
    },
};

#[derive(Debug)]
struct Webhook {
    url: Address,
    method: Method,
    headers: HeaderMap,
    query: Vec<(Located<String>, Located<String>)>,
    content_type: HeaderValue,
    signing_secret: Option<Secret>,
}

fn read_method(method: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Method> {
    let Some(method) = method else { return Some(Method::POST) };
    let known = [Method::POST, Method::PUT, Method::PATCH, Method::GET];
    let found = known.into_iter().find(|known| method.value.eq_ignore_ascii_case(known.as_str()));
    if found.is_none() {
        let mistake = Diagnostic::error(format!("`{}` is no method for alerts", method.value));
        reader
            .diagnostics()
            .push(mistake.at(&method.location).hint("the methods are POST, PUT, PATCH and GET"));
    }
    found
}

fn read_headers(headers: Vec<(Located<String>, Secret)>, reader: &mut BlockReader<'_>) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::try_from(&name.value).ok();
        match parsed.zip(HeaderValue::from_str(value.expose()).ok()) {
            Some((name, mut value)) => {
                value.set_sensitive(true);
                map.insert(name, value);
            }
            None => {
                let message = format!("`{}` and its value cannot be a header", name.value);
                reader.diagnostics().error(&name.location, message);
                return None;
            }
        }
    }
    Some(map)
}

fn read_content_type(text: &Located<String>, reader: &mut BlockReader<'_>) -> Option<HeaderValue> {
    let value = HeaderValue::from_str(&text.value).ok();
    if value.is_none() {
        reader.diagnostics().error(&text.location, "this cannot be the value of a header");
    }
    value
}

impl HttpService for Webhook {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn request(&self, letter: &Letter, context: &ServiceContext) -> Result<HttpRequest, SendError> {
        let delivery = &letter.delivery;
        let mut url = self.url.url().clone();
        for (name, template) in &self.query {
            let value = render(&template.value, delivery, Escape::Nothing);
            let value =
                value.map_err(|error| SendError::refused(format!("the query `{}`: {error}", name.value)))?;
            url.query_pairs_mut().append_pair(&name.value, &value);
        }
        let mut headers = self.headers.clone();
        let id = HeaderValue::from_str(&delivery.delivery_id)
            .map_err(|error| SendError::refused(error.to_string()))?;
        headers.insert("idempotency-key", id.clone());
        headers.insert("webhook-id", id);
        let body = match self.method {
            Method::GET => Bytes::new(),
            _ => {
                headers.insert("content-type", self.content_type.clone());
                Bytes::from(letter.payload())
            }
        };
        if let Some(secret) = &self.signing_secret {
            let seconds = context.clock.now().micros().div_euclid(1_000_000);
            let signature = sign(secret, &delivery.delivery_id, seconds, &body);
            headers.insert("webhook-timestamp", HeaderValue::from(seconds));
            let value =
                HeaderValue::from_str(&signature).map_err(|error| SendError::refused(error.to_string()))?;
            headers.insert("webhook-signature", value);
        }
        Ok(HttpRequest { method: self.method.clone(), url, headers, body })
    }
}

/// The signature of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body`, in base64, after its version.
fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> String {
    let text = secret.expose();
    let key = text.strip_prefix("whsec_").and_then(|key| BASE64.decode(key).ok());
    let key = key.unwrap_or_else(|| text.as_bytes().to_vec());
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return String::new() };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body);
    format!("v1,{}", BASE64.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests;
