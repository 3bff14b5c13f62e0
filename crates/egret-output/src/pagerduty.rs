//! `pagerduty`: alerts as events of PagerDuty's Events API v2, which open, acknowledge and resolve incidents.

mod event;

use egret_config::{AttributeDocumentation, BlockReader, Located};
use egret_http::{Address, HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, ServiceContext};
use egret_model::{AlertAction, Secret};

use crate::delivery::{Letter, Receipt, SendError};
use crate::http::{HttpOutput, HttpService};
use crate::registry::OutputType;
use crate::template::check;

/// Where accounts of the United States' region send events to.
const API_URL: &str = "https://events.pagerduty.com";

/// The output type `pagerduty`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "pagerduty",
    description: "Opens, acknowledges and resolves incidents of PagerDuty.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "routing_key",
                "a string",
                "The integration key of an Events API v2 integration; a secret.",
            ),
            AttributeDocumentation::optional(
                "source",
                "a template",
                "The system that is affected. Default: the alert's channel.",
            ),
            AttributeDocumentation::optional("component", "a template", "The part of it that is affected."),
            AttributeDocumentation::optional("group", "a template", "What it belongs to."),
            AttributeDocumentation::optional(
                "class",
                "a template",
                "The kind of event. Default: the detection's id.",
            ),
            AttributeDocumentation::optional(
                "client",
                "a template",
                "The name of what sends the event. Default: Egret.",
            ),
            AttributeDocumentation::optional(
                "client_url",
                "a template",
                "A link to it; what comes from logs is encoded as a part of a URL.",
            ),
            AttributeDocumentation::optional(
                "images",
                "a map of templates",
                "Images to show: a description and an https URL each; what comes from logs is encoded.",
            ),
            AttributeDocumentation::optional(
                "api_url",
                "a string",
                "Where events go. Default: https://events.pagerduty.com; accounts in Europe: https://events.eu.pagerduty.com.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "pagerduty" "on_call" {
  routing_key = env("PAGERDUTY_ROUTING_KEY")
  source      = "{{ alert.channel }}"
  component   = "{{ alert.table }}"
  group       = "{{ alert.partition }}"
  class       = "{{ alert.detection_id }}"
  client      = "Egret"
  client_url  = "https://egret.example.org/alerts/{{ alert.alert_id }}"
  images      = { Graph = "https://graphs.example.org/{{ alert.detection_id }}.png" }
  # api_url            = "https://events.eu.pagerduty.com"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "New, updated and reopened alerts are `trigger` events, acknowledged ones `acknowledge`, closed ones \
        `resolve`. All carry the alert's id as `dedup_key`: PagerDuty keeps one incident for it, and an event that \
        comes twice changes nothing. An update of an incident that somebody resolved there opens it again. \
        PagerDuty's events have no comments, so by default it is not told of them.\n\n\
        The summary is the title in one line of at most 1,024 characters; it is followed by severity (critical is \
        `critical`, high `error`, medium `warning`, the rest `info`), the time of the first event, `source`, \
        `component`, `group` and `class`. In `custom_details` are the text, why it matters, the fields (at most 50, \
        of 1,000 characters), and the event of the first finding without the columns that are Egret's own (`tp_…`): \
        whole up to 128 KiB, else the beginning of its JSON. So the whole stays under PagerDuty's 512 KB. Links and \
        images go along, at most 20 of each.\n\n\
        PagerDuty shows text as text, so nothing is escaped; control characters, and those that turn the direction of \
        writing, are shown as signs. A template may say title, text, description, fields and links; `body` is not used.\n\n\
        202 is taken; 429 and 5xx are tried again; 400, such as for a wrong key, is refused for good.",
    permissions: "In PagerDuty, open the service, choose Integrations, add one of the type Events API v2, and take its \
        integration key. It can send events to this service and nothing else. A key of an event orchestration does as \
        well.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let routing_key = reader.required::<Secret>("routing_key");
        let mut template = |name| read_template(reader, name);
        let source = template("source");
        let component = template("component");
        let group = template("group");
        let class = template("class");
        let client = template("client");
        let client_url = template("client_url");
        let images = reader.optional_or("images", Vec::<(Located<String>, Located<String>)>::new());
        for (_, template) in images.iter().flatten() {
            check(template, reader.diagnostics());
        }
        let address = Address::decode_or(reader, "api_url", API_URL);
        let service = PagerDuty {
            routing_key: routing_key?,
            address: address?,
            source: source?,
            component: component?,
            group: group?,
            class: class?,
            client: client?,
            client_url: client_url?,
            images: images?,
        };
        Some(HttpOutput::output(http?, service))
    },
};

#[derive(Debug)]
struct PagerDuty {
    routing_key: Secret,
    address: Address,
    source: Option<Located<String>>,
    component: Option<Located<String>>,
    group: Option<Located<String>>,
    class: Option<Located<String>>,
    client: Option<Located<String>>,
    client_url: Option<Located<String>>,
    images: Vec<(Located<String>, Located<String>)>,
}

fn read_template(reader: &mut BlockReader<'_>, name: &'static str) -> Option<Option<Located<String>>> {
    let template = reader.optional_or(name, None::<Located<String>>)?;
    if let Some(template) = &template {
        check(template, reader.diagnostics());
    }
    Some(template)
}

impl HttpService for PagerDuty {
    fn actions(&self) -> &'static [AlertAction] {
        &[
            AlertAction::Raise,
            AlertAction::Update,
            AlertAction::Acknowledge,
            AlertAction::Close,
            AlertAction::Reopen,
        ]
    }

    fn request(&self, letter: &Letter, _context: &ServiceContext) -> Result<HttpRequest, SendError> {
        Ok(HttpRequest::json(self.address.join("v2/enqueue"), &event::event(self, letter)?))
    }

    fn receipt(&self, _letter: &Letter, response: &HttpResponse) -> Result<Receipt, SendError> {
        Ok(Receipt { reference: response.json()["dedup_key"].as_str().map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests;
