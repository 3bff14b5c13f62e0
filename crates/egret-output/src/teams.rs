//! `teams`: an Adaptive Card in a channel or chat of Microsoft Teams, through a workflow or an incoming webhook.

mod card;

use egret_config::AttributeDocumentation;
use egret_http::{
    Address, HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, ServiceContext, StatusCode, shorten,
};
use egret_model::AlertAction;

use crate::delivery::{Letter, Receipt, SendError};
use crate::escape::Escape;
use crate::http::{HttpOutput, HttpService};
use crate::registry::OutputType;

/// The output type `teams`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "teams",
    description: "Shows alerts as Adaptive Cards in Microsoft Teams.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "url",
                "a string",
                "The URL of the workflow, or of an incoming webhook; a secret.",
            ),
            AttributeDocumentation::optional(
                "event",
                "true or false",
                "Whether the event of the first finding is shown too. Default: false.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "teams" "soc" {
  url   = env("TEAMS_WORKFLOW_URL")
  event = true
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "A message with one Adaptive Card of the full width: the title on a ground in the style of the severity \
        (`attention` for critical and high, `warning` for medium, `accent` for low, `good` once the alert is closed), \
        the text, why it matters, the fields as facts, and the links as buttons.\n\n\
        Teams takes messages of 28 KB. The card is made with long texts and up to 30 facts, and if it is larger than \
        that with shorter ones, until it fits: what was shortened ends with `… (shortened)`, and facts that were left \
        out are counted. At most six links are shown.\n\n\
        Text from logs stands where Teams reads no mark-up; titles, facts and templates are read as Markdown, and \
        values from logs are escaped there. A template's parts are Markdown as cards know it: emphasis, lists, links. \
        Its `body` is the JSON of the card, or of the whole message if it has `attachments`.\n\n\
        Everything that happens is a card of its own: a workflow says nothing about what it posted, so there are no \
        threads. By default it is told of new, reopened and closed alerts. Teams knows no idempotency key: a card whose \
        acceptance was lost on the way comes twice.\n\n\
        A workflow answers 202 before it posts. What goes wrong afterwards is in its run history in Power Automate. \
        Incoming webhooks answer 200 with the error as text, which is read.",
    permissions: "In Teams, open the channel's Workflows, and add the one named for posting to a channel when a webhook \
        request is received; the URL that it shows at the end is `url`. It needs somebody who may post there, and stops \
        when they leave: give it a second owner. Who knows the URL can post: keep it like a password.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let url = reader.required::<Address>("url");
        let event = reader.optional_or("event", false);
        Some(HttpOutput::output(http?, Teams { url: url?, event: event? }))
    },
};

#[derive(Debug)]
struct Teams {
    url: Address,
    event: bool,
}

impl HttpService for Teams {
    fn actions(&self) -> &'static [AlertAction] {
        &[AlertAction::Raise, AlertAction::Reopen, AlertAction::Close]
    }

    fn escape(&self) -> Escape {
        Escape::AdaptiveCard
    }

    fn request(&self, letter: &Letter, _context: &ServiceContext) -> Result<HttpRequest, SendError> {
        let message = match letter.own_object(usize::MAX) {
            Ok(Some(body)) if body.contains_key("attachments") => body.into(),
            Ok(Some(body)) => card::with_card(body.into()),
            Ok(None) => card::message(letter, self.event),
            Err(letter) => card::message(&letter, self.event),
        };
        Ok(HttpRequest::json(self.url.url().clone(), &message))
    }

    /// An incoming webhook answers 200 with `1`, or with what Teams answered to it.
    fn receipt(&self, _letter: &Letter, response: &HttpResponse) -> Result<Receipt, SendError> {
        let text = String::from_utf8_lossy(&response.body);
        if !text.contains("Webhook message delivery failed") {
            return Ok(Receipt::default());
        }
        let message = shorten(&format!("teams says: {}", Escape::Line.apply(text.trim())), 300);
        let status = text.split("HTTP error ").nth(1).and_then(|rest| rest.get(..3)?.parse::<u16>().ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        Err(match status {
            Some(status)
                if status.is_client_error()
                    && status != StatusCode::TOO_MANY_REQUESTS
                    && status != StatusCode::REQUEST_TIMEOUT =>
            {
                SendError::Refused { message }
            }
            _ => SendError::Retry { message, after: None },
        })
    }
}

#[cfg(test)]
mod tests;
