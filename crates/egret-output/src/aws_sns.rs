//! `aws_sns`: messages to a topic of Amazon SNS.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, Diagnostic, Located};
use egret_http::aws::{self, Aws};
use egret_http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use egret_http::{HTTP_ATTRIBUTES, HttpRequest, Method};
use url::form_urlencoded::Serializer;

use crate::aws_message::{is_fifo, message_attributes, message_text};
use crate::delivery::{Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputType;

/// A message with its attributes: 256 KiB.
const MAX_MESSAGE_BYTES: usize = 262_144;

/// Characters of a subject, all of them ASCII.
const MAX_SUBJECT: usize = 100;

/// The output type `aws_sns`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "aws_sns",
    description: "Publishes the alert to a topic of Amazon SNS.",
    attributes: &[
        &[AttributeDocumentation::required("topic_arn", "a string", "The topic.")],
        aws::PLACE_ATTRIBUTES,
        aws::IDENTITY_ATTRIBUTES,
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "aws_sns" "oncall" {
  topic_arn = "arn:aws:sns:eu-west-1:123456789012:alerts"
  region    = "eu-west-1"
  role_arn    = "arn:aws:iam::123456789012:role/egret-alerts"
  external_id = env("EGRET_EXTERNAL_ID")
  # profile = "alerts"
  # or
  # access_key    = env("ALERTS_ACCESS_KEY")
  # secret_key    = env("ALERTS_SECRET_KEY")
  # session_token = env("ALERTS_SESSION_TOKEN")
  # endpoint           = "https://vpce-0123.sns.eu-west-1.vpce.amazonaws.com"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One message for each thing that happens to an alert. Its subject is the title, in ASCII, of at most 100 \
        characters; its text is `{\"delivery_id\", \"action\", \"by\", \"remark\", \"alert\": {…}}`, or what a \
        `template` with a `body` says, with the values from logs escaped for the inside of JSON strings: write one \
        for topics that send mail. The message attributes `severity`, `detection`, `channel` and `action` are there \
        for filter policies.\n\n\
        Text and attributes stay within 256 KiB: what is longer loses the ends of long strings, lists and objects and \
        says `\"shortened\": true`. Characters that SNS refuses are written as `?`.\n\n\
        On a FIFO topic the alert's id is the message group, so everything about an alert comes in order, and the \
        delivery's id is the deduplication id, so a repetition within five minutes is dropped. Other topics pass \
        repetitions on: the `delivery_id` tells them.",
    permissions: "`sns:Publish` on the topic; with a key of KMS also `kms:GenerateDataKey*` and `kms:Decrypt` on that \
        key. For `role_arn`: `sts:AssumeRole` on the role, whose trust policy names who may assume it and, if it is \
        another account's, the external id.",
    decode: |reader, context| {
        let topic = reader.required::<Located<String>>("topic_arn");
        let known_region = topic.as_ref().and_then(|topic| aws::region_of_arn(&topic.value));
        let service = Aws::decode(reader, context, "sns", known_region);
        let topic = topic?;
        let parts = topic.value.split(':').collect::<Vec<_>>();
        if parts.len() != 6 || parts[0] != "arn" || parts[2] != "sns" || parts[5].is_empty() {
            let mistake = Diagnostic::error("this is not the ARN of a topic").at(&topic.location);
            reader.diagnostics().push(mistake.hint("write \"arn:aws:sns:REGION:ACCOUNT:TOPIC\""));
            return None;
        }
        Some(Arc::new(Sns { service: service?, topic: topic.value }))
    },
};

#[derive(Debug)]
struct Sns {
    service: Aws,
    topic: String,
}

#[async_trait]
impl Output for Sns {
    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        16
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.publish(letter)).await
    }
}

impl Sns {
    async fn publish(&self, letter: &Letter) -> Result<Receipt, SendError> {
        self.service.call(self.request(letter), self.service.deadline()).await?;
        Ok(Receipt::default())
    }

    fn request(&self, letter: &Letter) -> HttpRequest {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "Publish");
        form.append_pair("Version", "2010-03-31");
        form.append_pair("TopicArn", &self.topic);
        form.append_pair("Subject", &subject(letter));
        form.append_pair("Message", &message_text(letter, MAX_MESSAGE_BYTES));
        for (index, (name, value)) in message_attributes(letter).iter().enumerate() {
            let entry = format!("MessageAttributes.entry.{}", index + 1);
            form.append_pair(&format!("{entry}.Name"), name);
            form.append_pair(&format!("{entry}.Value.DataType"), "String");
            form.append_pair(&format!("{entry}.Value.StringValue"), value);
        }
        if is_fifo(&self.topic) {
            form.append_pair("MessageGroupId", &letter.delivery.alert.alert_id);
            form.append_pair("MessageDeduplicationId", &letter.delivery.delivery_id);
        }
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        let url = self.service.endpoint().clone();
        HttpRequest { method: Method::POST, url, headers, body: Bytes::from(form.finish()) }
    }
}

/// The title as a subject: ASCII that can be seen, beginning with something other than a space.
fn subject(letter: &Letter) -> String {
    let title = letter.message.title.written(Escape::Nothing);
    let ascii = |c: char| match c {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2013}' | '\u{2014}' => '-',
        c if c.is_ascii_graphic() => c,
        c if c.is_whitespace() || c.is_control() => ' ',
        _ => '?',
    };
    let line: String = title.chars().map(ascii).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.len() {
        0 => "Alert".to_owned(),
        1..=MAX_SUBJECT => line,
        _ => format!("{}...", &line[..MAX_SUBJECT - 3]),
    }
}

#[cfg(test)]
mod tests;
