//! `aws_sqs`: messages to a queue of Amazon SQS, ten in one request.

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, ByteSize, Diagnostic, Located};
use egret_http::aws::{self, Aws};
use egret_http::header::{CONTENT_TYPE, HeaderValue};
use egret_http::{HTTP_ATTRIBUTES, HttpRequest, Url, said};
use egret_model::AlertAction;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::aws_message::{is_fifo, message_attributes, message_text};
use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::payload::groups;
use crate::registry::OutputType;

/// A message with its attributes, and all messages of a request together: what every queue takes.
const MAX_BYTES: ByteSize = ByteSize(256 << 10);

/// What SQS allows at most and, for alerts to make sense, at least.
const ALLOWED_BYTES: std::ops::RangeInclusive<u64> = 16 << 10..=1 << 20;

/// Messages in a request.
const BATCH_SIZE: usize = 10;

/// The output type `aws_sqs`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "aws_sqs",
    description: "Sends the alert to a queue of Amazon SQS.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "queue_url",
                "a string",
                "The queue: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.",
            ),
            AttributeDocumentation::optional(
                "max_bytes",
                "a size",
                "What a message may have, as the queue is set: at most 1MiB. Default: 256KiB.",
            ),
        ],
        aws::PLACE_ATTRIBUTES,
        aws::IDENTITY_ATTRIBUTES,
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "aws_sqs" "soar" {
  queue_url = "https://sqs.eu-west-1.amazonaws.com/123456789012/alerts"
  max_bytes = "256KiB"
  region    = "eu-west-1"
  role_arn    = "arn:aws:iam::123456789012:role/egret-alerts"
  external_id = env("EGRET_EXTERNAL_ID")
  # profile = "alerts"
  # or
  # access_key    = env("ALERTS_ACCESS_KEY")
  # secret_key    = env("ALERTS_SECRET_KEY")
  # session_token = env("ALERTS_SESSION_TOKEN")
  # endpoint           = "https://vpce-0123.sqs.eu-west-1.vpce.amazonaws.com"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One message for each thing that happens to an alert, acknowledgements and comments too: \
        `{\"delivery_id\", \"action\", \"by\", \"remark\", \"alert\": {…}}`, or what a `template` with a `body` says. The \
        message attributes `severity`, `detection`, `channel` and `action` say the same without opening it.\n\n\
        Text and attributes stay within `max_bytes`: what is longer loses the ends of long strings, lists and objects \
        and says `\"shortened\": true`. Characters that SQS refuses are written as `?`. Up to ten messages go in one \
        request, and each has its own answer.\n\n\
        In a FIFO queue the alert's id is the message group, so everything about an alert comes in order, and the \
        delivery's id is the deduplication id, so a repetition within five minutes is dropped. Other queues keep \
        repetitions: the `delivery_id` tells them.",
    permissions: "`sqs:SendMessage` on the queue; with a key of KMS also `kms:GenerateDataKey` and `kms:Decrypt` on that \
        key. For `role_arn`: `sts:AssumeRole` on the role, whose trust policy names who may assume it and, if it is \
        another account's, the external id.",
    decode: |reader, context| {
        let queue = reader.required::<Located<String>>("queue_url");
        let max_bytes = reader.optional_or("max_bytes", MAX_BYTES);
        let url = queue.as_ref().and_then(|queue| Url::parse(&queue.value).ok()).filter(Url::has_host);
        let known_region = url.as_ref().and_then(region_of_queue);
        let service = Aws::decode(reader, context, "sqs", known_region.as_deref());
        let (queue, max_bytes) = (queue?, max_bytes?);
        let Some(url) = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.path().len() > 1)
        else {
            let mistake = Diagnostic::error("this is not the URL of a queue").at(&queue.location);
            reader
                .diagnostics()
                .push(mistake.hint("write \"https://sqs.REGION.amazonaws.com/ACCOUNT/NAME\""));
            return None;
        };
        if !ALLOWED_BYTES.contains(&max_bytes.0) {
            let location = reader.location().clone();
            reader.diagnostics().error(&location, "`max_bytes` must be between 16KiB and 1MiB");
            return None;
        }
        let service = service?;
        // The queue's own address, unless there is another.
        let mut place = if service.is_custom() { service.endpoint().clone() } else { url };
        place.set_path("/");
        place.set_query(None);
        let max_bytes = usize::try_from(max_bytes.0).unwrap_or(usize::MAX);
        Some(Arc::new(Sqs { service, place, queue: queue.value, max_bytes }))
    },
};

#[derive(Debug)]
struct Sqs {
    service: Aws,
    place: Url,
    queue: String,
    max_bytes: usize,
}

/// `sqs.eu-west-1.amazonaws.com`.
fn region_of_queue(url: &Url) -> Option<String> {
    let mut labels = url.host_str()?.split('.');
    (labels.next()? == "sqs").then(|| labels.next().map(str::to_owned)).flatten()
}

#[async_trait]
impl Output for Sqs {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        8
    }

    fn batch_size(&self) -> usize {
        BATCH_SIZE
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        let messages: Vec<(Map<String, Value>, usize)> =
            letters.iter().map(|letter| self.message(letter)).collect();
        let sizes: Vec<usize> = messages.iter().map(|(_, size)| *size).collect();
        let mut answers = Vec::with_capacity(letters.len());
        let deadline = self.service.deadline();
        for group in groups(&sizes, self.max_bytes, BATCH_SIZE) {
            answers.extend(self.send_group(&messages[group], deadline).await);
        }
        answers
    }
}

impl Sqs {
    /// A message, and what it counts.
    fn message(&self, letter: &Letter) -> (Map<String, Value>, usize) {
        let text = message_text(letter, self.max_bytes);
        let mut size = text.len();
        let mut attributes = Map::new();
        for (name, value) in message_attributes(letter) {
            size += name.len() + "String".len() + value.len();
            attributes.insert(name.to_owned(), json!({"DataType": "String", "StringValue": value}));
        }
        let mut message = Map::new();
        message.insert("MessageBody".into(), text.into());
        message.insert("MessageAttributes".into(), attributes.into());
        if is_fifo(&self.queue) {
            message.insert("MessageGroupId".into(), letter.delivery.alert.alert_id.as_str().into());
            message.insert("MessageDeduplicationId".into(), letter.delivery.delivery_id.as_str().into());
        }
        (message, size)
    }

    async fn send_group(
        &self,
        messages: &[(Map<String, Value>, usize)],
        deadline: Instant,
    ) -> Vec<Result<Receipt, SendError>> {
        let entries: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(index, (message, _))| {
                let mut message = message.clone();
                message.insert("Id".into(), index.to_string().into());
                message.into()
            })
            .collect();
        let count = entries.len();
        let body = json!({"QueueUrl": self.queue, "Entries": entries});
        let mut request = HttpRequest::json(self.place.clone(), &body);
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        request.headers.insert("x-amz-target", HeaderValue::from_static("AmazonSQS.SendMessageBatch"));
        match self.service.call(request, deadline).await {
            Ok(response) => {
                let answer = response.json();
                (0..count).map(|index| verdict(&answer, &index.to_string())).collect()
            }
            Err(error) => vec![Err(error); count],
        }
    }
}

/// What the answer says of one message.
fn verdict(answer: &Value, id: &str) -> Result<Receipt, SendError> {
    let find =
        |list: &str| answer[list].as_array().and_then(|list| list.iter().find(|entry| entry["Id"] == id));
    if find("Successful").is_some() {
        return Ok(Receipt::default());
    }
    let Some(failed) = find("Failed") else {
        return Err(SendError::retry("the queue's answer says nothing of the message; look at `queue_url`"));
    };
    let code = failed["Code"].as_str().unwrap_or_default();
    let text = failed["Message"].as_str().unwrap_or_default();
    let said = said(&format!("{code}: {text}"), 300);
    let message = format!("the queue did not take the message: {said}");
    if failed["SenderFault"] == true && !aws::is_retried(code) {
        return Err(SendError::Refused { message });
    }
    Err(SendError::retry(message))
}

#[cfg(test)]
mod tests;
