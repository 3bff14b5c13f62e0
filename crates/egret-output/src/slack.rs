//! `slack`: messages in a channel, through an app's token, which keeps an alert in one thread, or an incoming webhook.

mod blocks;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader};
use egret_http::{Address, HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, said};
use egret_model::{AlertAction, Secret};
use serde_json::{Map, Value, json};

use crate::delivery::{Delivery, Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputType;

/// Where Slack's Web API is.
const API_URL: &str = "https://slack.com/api";

/// What Slack calls errors that pass.
const PASSING: [&str; 9] = [
    "ratelimited",
    "rate_limited",
    "message_limit_exceeded",
    "internal_error",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "team_added_to_org",
    "external_channel_migrating",
];

/// What Slack says of a thread that is not there any more.
const LOST_THREAD: [&str; 4] =
    ["invalid_thread_ts", "thread_not_found", "message_not_found", "cannot_reply_to_message"];

/// The output type `slack`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "slack",
    description: "Writes into a channel of Slack, with everything about an alert in one thread.",
    attributes: &[
        &[
            AttributeDocumentation::optional(
                "token",
                "a string",
                "The token of a Slack app, `xoxb-…`; a secret. With it goes `channel`.",
            ),
            AttributeDocumentation::optional(
                "channel",
                "a string",
                "The channel, best by its id: C0123456789. With it goes `token`.",
            ),
            AttributeDocumentation::optional(
                "url",
                "a string",
                "The URL of an incoming webhook, in place of `token` and `channel`; a secret.",
            ),
            AttributeDocumentation::optional(
                "event",
                "true or false",
                "Whether the event of the first finding is shown too. Default: false.",
            ),
            AttributeDocumentation::optional(
                "api_url",
                "a string",
                "Where Slack's Web API is. Default: https://slack.com/api; GovSlack has its own.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "slack" "soc" {
  token   = env("SLACK_TOKEN")
  channel = "C0123456789"
  event   = true
  # url                = env("SLACK_WEBHOOK_URL")   # in place of token and channel
  # api_url            = "https://slack-gov.com/api"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "A message of blocks: the title as a header, the text, why it matters, the fields in two columns, \
        the links, and the severity with the alert's id, with a bar in the colour of the severity (green once the \
        alert is closed). `text` holds one line for notifications.\n\n\
        With a token, what happens later to the same alert goes into the thread of its first message. If that \
        message was deleted, a new one begins. A webhook does not say which message it made, so everything is a \
        message of its own there; by default it is not told of updates, acknowledgements and comments.\n\n\
        Kept are Slack's limits: 150 characters of title, 3,000 of a section (here 1,500), 2,000 of a field (here \
        150), and about 12,000 of all blocks together. What is longer ends with `… (shortened)`, and fields beyond \
        the twentieth are counted. `&`, `<` and `>` from logs are escaped, and `*`, `~`, backticks, addresses, and \
        `_` at the edge of a word are taken apart with invisible characters, so that nothing in a log formats, \
        mentions or links.\n\n\
        A template is written in Slack's `mrkdwn`: `<!here>` in it does mention. A `title` of a template is no header \
        but a bold line. Its `body` is the JSON of the whole message; channel and thread are added to it.\n\n\
        The delivery's id goes along as `client_msg_id` and, with the alert's id, in the message's metadata. Slack \
        drops most repetitions of the first, but promises nothing. The grouping key is the thread.",
    permissions: "For a token: make an app at api.slack.com/apps, give its bot the scope `chat:write`, install it in the \
        workspace, take the bot's token, and invite the app into the channel with `/invite`. With `chat:write.public` \
        it need not be invited into public channels.\n\n\
        For a webhook: switch on Incoming Webhooks in an app, and add one for the channel. Who knows its URL can write \
        into the channel: keep it like a password.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let way = read_way(reader);
        let event = reader.optional_or("event", false);
        Some(Arc::new(Slack { http: http?, way: way?, event: event? }))
    },
};

/// How to reach a channel.
#[derive(Debug)]
enum Way {
    /// An incoming webhook.
    Webhook(Address),
    /// The Web API.
    Token { address: Address, token: Secret, channel: String },
}

#[derive(Debug)]
struct Slack {
    http: Http,
    way: Way,
    event: bool,
}

fn read_way(reader: &mut BlockReader<'_>) -> Option<Way> {
    let url = reader.optional_or("url", None::<Address>)?;
    let token = reader.optional_or("token", None::<Secret>)?;
    let channel = reader.optional_or("channel", None::<String>)?;
    let address = Address::decode_or(reader, "api_url", API_URL)?;
    match (url, token, channel) {
        (Some(url), None, None) => Some(Way::Webhook(url)),
        (None, Some(token), Some(channel)) => Some(Way::Token { address, token, channel }),
        _ => {
            let location = reader.location().clone();
            let mistake =
                "a channel of Slack is reached by `token` and `channel`, or by the `url` of a webhook";
            reader.diagnostics().error(&location, mistake);
            None
        }
    }
}

#[async_trait]
impl Output for Slack {
    fn actions(&self) -> &'static [AlertAction] {
        match self.way {
            Way::Token { .. } => &AlertAction::ALL,
            Way::Webhook(_) => &[AlertAction::Raise, AlertAction::Close, AlertAction::Reopen],
        }
    }

    fn escape(&self) -> Escape {
        Escape::Slack
    }

    fn concurrency(&self) -> usize {
        4
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.send_one(letter)).await
    }
}

impl Slack {
    async fn send_one(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let message = self.message(letter);
        match &self.way {
            Way::Webhook(url) => {
                self.http.send(HttpRequest::json(url.url().clone(), &Value::Object(message))).await?;
                Ok(Receipt::default())
            }
            Way::Token { .. } => self.post(&letter.delivery, message).await,
        }
    }

    /// The message without where it goes.
    fn message(&self, letter: &Letter) -> Map<String, Value> {
        match letter.own_object(usize::MAX) {
            Ok(Some(body)) => body,
            Ok(None) => blocks::message(letter, self.event),
            Err(letter) => blocks::message(&letter, self.event),
        }
    }

    /// Writes into the thread of the alert, or begins one.
    async fn post(&self, delivery: &Delivery, mut message: Map<String, Value>) -> Result<Receipt, SendError> {
        let Way::Token { channel, .. } = &self.way else { return Ok(Receipt::default()) };
        message.insert("client_msg_id".into(), uuid(&delivery.delivery_id).into());
        let identity = json!({"delivery_id": delivery.delivery_id, "alert_id": delivery.alert.alert_id});
        message.insert("metadata".into(), json!({"event_type": "egret_alert", "event_payload": identity}));
        // The thread is in the channel where it began, whatever the block says by now.
        let thread = delivery.reference.as_deref().and_then(|reference| reference.split_once(':'));
        let (place, thread) = thread.map_or((channel.as_str(), None), |(place, ts)| (place, Some(ts)));
        message.insert("channel".into(), place.into());
        if let Some(ts) = thread {
            message.insert("thread_ts".into(), ts.into());
        }
        let (mut response, mut answer) = self.call(&message).await?;
        let error = answer["error"].as_str().unwrap_or_default();
        let is_lost = thread.is_some() && LOST_THREAD.contains(&error);
        // Slack remembers the id, but not the message that had it.
        let is_forgotten = error.starts_with("duplicate_");
        if is_lost {
            message.remove("thread_ts");
            message.insert("channel".into(), channel.as_str().into());
        }
        if is_forgotten {
            message.remove("client_msg_id");
        }
        if is_lost || is_forgotten {
            (response, answer) = self.call(&message).await?;
        }
        let receipt = self.receipt(&response, &answer)?;
        let goes_on = thread.is_some() && !is_lost;
        Ok(if goes_on { Receipt { reference: delivery.reference.clone() } } else { receipt })
    }

    async fn call(&self, message: &Map<String, Value>) -> Result<(HttpResponse, Value), SendError> {
        let Way::Token { address, token, .. } = &self.way else {
            return Err(SendError::refused("there is no token"));
        };
        let request = HttpRequest::json(address.join("chat.postMessage"), &Value::Object(message.clone()));
        let request = request.with_secret("authorization", &format!("Bearer {}", token.expose()))?;
        let response = self.http.send(request).await?;
        let answer = response.json();
        Ok((response, answer))
    }

    /// What an answer of the Web API says: 200 does not mean that the message was taken.
    fn receipt(&self, response: &HttpResponse, answer: &Value) -> Result<Receipt, SendError> {
        if answer["ok"] == Value::Bool(true) {
            let reference = answer["channel"].as_str().zip(answer["ts"].as_str());
            return Ok(Receipt { reference: reference.map(|(channel, ts)| format!("{channel}:{ts}")) });
        }
        let Some(error) = answer["error"].as_str() else {
            return Err(SendError::retry("slack's answer is none of its Web API: is `api_url` right?"));
        };
        let message = format!("slack says {}{}", said(error, 100), hint(error));
        Err(if PASSING.contains(&error) {
            let after = response.retry_after(self.http.context().clock.now());
            SendError::Retry { message, after }
        } else {
            SendError::refused(message)
        })
    }
}

/// What to do about an error.
fn hint(error: &str) -> &'static str {
    match error {
        "not_in_channel" | "channel_not_found" => ": invite the app into `channel`, and name that by its id",
        "is_archived" => ": the channel is archived, name another `channel`",
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
            ": give a valid `token` of a bot"
        }
        "missing_scope" | "no_permission" => ": give the app the scope chat:write, and install it again",
        _ => "",
    }
}

/// Slack knows messages by UUID.
fn uuid(id: &str) -> String {
    let hex: String =
        id.chars().filter(char::is_ascii_hexdigit).chain("0".chars().cycle()).take(32).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests;
