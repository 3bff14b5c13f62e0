//! `splunk_hec`: events for Splunk's HTTP Event Collector, several in one request.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, Located};
use egret_http::{
    Address, HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, Method, Url, judge, said, shorten, until,
};
use egret_model::{AlertAction, Secret};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::delivery::{Delivery, Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::payload::groups;
use crate::registry::OutputType;
use crate::template::{check, render};

/// Splunk Cloud takes a megabyte; older servers of one's own have the same default.
const MAX_REQUEST_BYTES: usize = 1_000_000;

/// What an event may have, so that its envelope has room beside it.
const MAX_EVENT_BYTES: usize = 900_000;

/// Characters of one indexed field.
const MAX_FIELD: usize = 1_000;

const BATCH_SIZE: usize = 50;

/// The output type `splunk_hec`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "splunk_hec",
    description: "Sends the alert as an event to Splunk's HTTP Event Collector.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "url",
                "a string",
                "The collector: https://splunk.example.org:8088; `/services/collector/event` is added.",
            ),
            AttributeDocumentation::required("token", "a string", "The collector's token."),
            AttributeDocumentation::optional(
                "index",
                "a string",
                "The index to write to. Default: the token's default index.",
            ),
            AttributeDocumentation::optional(
                "sourcetype",
                "a string",
                "The event's source type. Default: egret:alert.",
            ),
            AttributeDocumentation::optional("source", "a string", "The event's source. Default: egret."),
            AttributeDocumentation::optional("host", "a string", "The event's host. Default: the token's."),
            AttributeDocumentation::optional(
                "fields",
                "a map of templates",
                "Indexed fields beside `alert_id`, `detection_id` and `severity`: { team = \"soc\" }.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "splunk_hec" "siem" {
  url        = "https://splunk.example.org:8088"
  token      = env("SPLUNK_HEC_TOKEN")
  index      = "alerts"
  sourcetype = "egret:alert"
  source     = "egret"
  host       = "egret-1"
  fields     = { team = "soc", table = "{{ alert.table }}" }
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One event for each thing that happens to an alert, acknowledgements and comments too: `{\"delivery_id\", \
        \"action\", \"by\", \"remark\", \"alert\": {…}}`, at the time when the alert changed. A `template` with a `body` \
        says the event otherwise, as JSON or as text. The indexed fields `alert_id`, `detection_id` and `severity` \
        are for `tstats`.\n\n\
        Up to 50 events, and up to 1,000,000 bytes, go in one request. An event over 900,000 bytes is shortened: long \
        strings, lists and objects lose their ends, and the event says `\"shortened\": true`. Everything is JSON, so \
        nothing from logs can end an event or begin one.\n\n\
        When the collector refuses a batch for what is in it, its events are sent one by one, and only those that are \
        refused alone go to the dead letters. Codes 8, 9, 18 to 20 and 23 to 27 (an error of the server, busy, full, shutting down), 429 \
        and 5xx are tried again. Splunk does not tell repetitions: `| dedup delivery_id` does. With `| dedup \
        alert.alert_id sortby -alert.revision` there is one event an alert.",
    permissions: "A token of the HTTP Event Collector (Settings, Data inputs, HTTP Event Collector), enabled, without \
        indexer acknowledgement, and allowed to write to `index`. For the fields of the JSON to be found, give the \
        source type `KV_MODE = json` in props.conf.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let url = reader.required::<Address>("url");
        let token = reader.required::<Secret>("token");
        let index = reader.optional_or("index", None::<String>);
        let sourcetype = reader.optional_or("sourcetype", "egret:alert".to_owned());
        let source = reader.optional_or("source", "egret".to_owned());
        let host = reader.optional_or("host", None::<String>);
        let fields = reader.optional_or("fields", Vec::<(Located<String>, Located<String>)>::new());
        let fields =
            fields.filter(|fields| fields.iter().all(|(_, template)| check(template, reader.diagnostics())));
        let url = url?;
        Some(Arc::new(SplunkHec {
            http: http?,
            place: format!("{url:?}"),
            url: collector(&url),
            authorization: Secret::new(format!("Splunk {}", token?.expose())),
            index: index?,
            sourcetype: sourcetype?,
            source: source?,
            host: host?,
            fields: fields?,
        }))
    },
};

#[derive(Debug)]
struct SplunkHec {
    http: Http,
    place: String,
    url: Url,
    authorization: Secret,
    index: Option<String>,
    sourcetype: String,
    source: String,
    host: Option<String>,
    fields: Vec<(Located<String>, Located<String>)>,
}

/// Where events go: what the user wrote, if it is the collector's path already.
fn collector(url: &Address) -> Url {
    if url.url().path().contains("/services/collector") {
        return url.url().clone();
    }
    url.join("services/collector/event")
}

#[async_trait]
impl Output for SplunkHec {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        4
    }

    fn batch_size(&self) -> usize {
        BATCH_SIZE
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let events: Vec<String> = letters.iter().map(|letter| self.event(letter)).collect();
        let sizes: Vec<usize> = events.iter().map(String::len).collect();
        let mut answers = Vec::with_capacity(letters.len());
        let deadline = self.http.deadline();
        for group in groups(&sizes, MAX_REQUEST_BYTES, BATCH_SIZE) {
            self.send_group(&events[group], deadline, &mut answers).await;
        }
        answers
    }
}

impl SplunkHec {
    /// The number that comes with a refusal counts from zero or from one, by the reason: only an event that is refused
    /// alone is known to be wrong.
    async fn send_group(
        &self,
        events: &[String],
        deadline: Instant,
        answers: &mut Vec<Result<Receipt, SendError>>,
    ) {
        let (mut answer, is_for_all) = self.post(events.concat(), deadline).await;
        if events.len() == 1 || is_for_all || !matches!(answer, Err(SendError::Refused { .. })) {
            answers.extend(std::iter::repeat_n(answer, events.len()));
            return;
        }
        for event in events {
            // A server that went away in between is not asked again for each.
            if !matches!(answer, Err(SendError::Retry { .. })) {
                (answer, _) = self.post(event.clone(), deadline).await;
            }
            answers.push(answer.clone());
        }
    }

    /// Sends events. Beside the verdict, whether it is the same for every event: the token, the index or the place is
    /// what is wrong.
    async fn post(&self, body: String, deadline: Instant) -> (Result<Receipt, SendError>, bool) {
        match self.exchange(body, deadline).await {
            Ok(response) => {
                let is_for_all = matches!(response.status.as_u16(), 401 | 403 | 404)
                    || matches!(response.json()["code"].as_i64(), Some(1..=4 | 7));
                (self.verdict(response), is_for_all)
            }
            Err(error) => (Err(error), false),
        }
    }

    async fn exchange(&self, body: String, deadline: Instant) -> Result<HttpResponse, SendError> {
        let mut request = HttpRequest::json(self.url.clone(), &Value::Null);
        request.method = Method::POST;
        request.body = Bytes::from(body);
        let request = request.with_secret("authorization", self.authorization.expose())?;
        until(deadline, &self.place, self.http.call(request)).await
    }

    /// What an answer says: its code counts for more than its status, as servers in front of Splunk change that.
    fn verdict(&self, response: HttpResponse) -> Result<Receipt, SendError> {
        let now = self.http.context().clock.now();
        let answer = response.json();
        let code = answer["code"].as_i64();
        let said = said(answer["text"].as_str().unwrap_or_default(), 200);
        match code {
            Some(0) if response.status.is_success() => Ok(Receipt::default()),
            Some(code @ (8 | 9 | 18..=20 | 23..=27)) => Err(SendError::Retry {
                message: format!(
                    "{}: the event collector has no room or is not well: {said} (code {code})",
                    self.place
                ),
                after: response.retry_after(now),
            }),
            Some(code @ 1..=4) => Err(SendError::refused(format!(
                "{}: the event collector does not take the token: {said} (code {code}); look at `token`",
                self.place
            ))),
            Some(7) => Err(SendError::refused(format!(
                "{}: the token may not write to the index, or there is no such index: {said} (code 7); look at `index`",
                self.place
            ))),
            _ => match judge(&self.place, response, now) {
                Err(error) => Err(error),
                // Whatever it was that answered, no event was taken.
                Ok(_) => Err(SendError::retry(format!(
                    "{} answered, but not as an event collector does; look at `url`",
                    self.place
                ))),
            },
        }
    }

    /// An event with its envelope.
    fn event(&self, letter: &Letter) -> String {
        let alert = &letter.delivery.alert;
        let payload = letter.payload_within(MAX_EVENT_BYTES);
        let event: Value = serde_json::from_str(&payload).unwrap_or_else(|_| payload.into());
        // Splunk takes seconds; 53 bits have room for their millionths.
        #[expect(clippy::cast_precision_loss, reason = "microseconds since 1970 stay below 2^53 until 2255")]
        let time = alert.updated_at.micros() as f64 / 1e6;
        let mut envelope = json!({
            "time": time,
            "source": self.source,
            "sourcetype": self.sourcetype,
            "event": event,
            "fields": self.indexed(&letter.delivery),
        });
        for (name, value) in [("index", &self.index), ("host", &self.host)] {
            if let Some(value) = value {
                envelope[name] = value.as_str().into();
            }
        }
        envelope.to_string()
    }

    /// Names that the event's own fields do not have, so that no value is found twice.
    fn indexed(&self, delivery: &Delivery) -> Map<String, Value> {
        let alert = &delivery.alert;
        let mut fields = Map::new();
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                fields.insert(name.to_owned(), shorten(value, MAX_FIELD).into());
            }
        };
        add("alert_id", &alert.alert_id);
        add("detection_id", &alert.detection_id);
        add("severity", alert.severity.as_str());
        for (name, template) in &self.fields {
            match render(&template.value, delivery, Escape::Nothing) {
                Ok(value) => add(&name.value, &value),
                // An alert is told in any case.
                Err(error) => tracing::warn!(field = name.value, error, "a template failed"),
            }
        }
        fields
    }
}

#[cfg(test)]
mod tests;
