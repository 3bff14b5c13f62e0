//! `kafka`: a record for each thing that happens to an alert, in a topic of a Kafka cluster.

mod producer;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Located};
use egret_model::AlertAction;

use crate::delivery::{Letter, Output, Receipt, SendError};
use crate::escape::Escape;
use crate::registry::OutputType;
use producer::Cluster;
use settings::read_settings;

/// So many records are on their way at once.
const BATCH: usize = 500;

/// The output type `kafka`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "kafka",
    description: "Produces records to a topic of a Kafka cluster.",
    attributes: &[&[
        AttributeDocumentation::required("brokers", "a list of strings", "Where to begin: [\"host:9092\"]."),
        AttributeDocumentation::required("topic", "a string", "The topic."),
        AttributeDocumentation::required(
            "security",
            "a string",
            "tls, which needs a build with the feature kafka-tls, or none.",
        ),
        AttributeDocumentation::optional(
            "sasl_mechanism",
            "a string",
            "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512; the last two need the feature kafka-tls.",
        ),
        AttributeDocumentation::optional("username", "a string", "Whom to log in as."),
        AttributeDocumentation::optional("password", "a string", "The password; a secret."),
        AttributeDocumentation::optional(
            "allow_unencrypted",
            "true or false",
            "Whether the password may be sent with `security = \"none\"`. Default: false.",
        ),
        AttributeDocumentation::optional(
            "compression",
            "a string",
            "none (the default), gzip, snappy or lz4.",
        ),
        AttributeDocumentation::optional(
            "properties",
            "a map of strings",
            "Further properties of librdkafka; their values are secrets.",
        ),
        AttributeDocumentation::optional(
            "ca_file",
            "a string",
            "A PEM file with certificates to trust in place of the system's.",
        ),
    ]],
    example: r#"output "kafka" "alerts" {
  brokers           = ["kafka-1.example.org:9092", "kafka-2.example.org:9092"]
  topic             = "security-alerts"
  security          = "none"
  sasl_mechanism    = "PLAIN"
  username          = "egret"
  password          = env("KAFKA_PASSWORD")
  allow_unencrypted = true
  compression       = "gzip"
  properties        = { "message.max.bytes" = "2000000" }
  # security = "tls" # in builds with the feature kafka-tls, and without allow_unencrypted
  # ca_file  = "ca.pem"
}
"#,
    arrives: "A record for each thing that happens to an alert. Its value is the JSON that a webhook gets, or what a \
        template's `body` says, with values from logs escaped for the inside of JSON strings. Its key is the alert's id, so that \
        all records of an alert are in one partition, in their order, and a compacted topic keeps the last of each \
        alert. The headers are `delivery_id`, which tells repetitions, `action` and `severity`.\n\n\
        A record counts as taken once all replicas in sync have it (`acks=all`), and librdkafka's own repetitions make \
        no duplicates (`enable.idempotence=true`). A record that is larger than `message.max.bytes` (1,000,000) or than \
        what the brokers allow is refused for good, as is one that they call invalid. Everything else is tried again: \
        brokers that are away, a topic that is not there, missing permissions.",
    permissions: "`Write` and `Describe` on the topic, and `IdempotentWrite` on the cluster with brokers before 2.8; \
        `Create` on it if the topic is to be made by itself.\n\n\
        TLS and SCRAM need OpenSSL, which ordinary builds do not have: build with `--features kafka-tls`. Without it, \
        `security = \"none\"` sends alerts in the clear, and a password too if `allow_unencrypted` says so.",
    decode: |reader, context| {
        let topic = reader.required::<Located<String>>("topic").and_then(|topic| read_topic(topic, reader));
        let settings = read_settings(reader, context);
        Some(Arc::new(Kafka { topic: topic?, cluster: Cluster::new(settings?, context.timeout) }))
    },
};

/// A name that brokers take.
fn read_topic(topic: Located<String>, reader: &mut BlockReader<'_>) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name = topic.value;
    if name.is_empty()
        || name.len() > 249
        || !name.chars().all(is_allowed)
        || matches!(name.as_str(), "." | "..")
    {
        let message =
            format!("`{name}` cannot be a topic: use letters, digits, `.`, `_` and `-`, at most 249");
        reader.diagnostics().error(&topic.location, message);
        return None;
    }
    Some(name)
}

#[derive(Debug)]
struct Kafka {
    topic: String,
    cluster: Cluster,
}

#[async_trait]
impl Output for Kafka {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn batch_size(&self) -> usize {
        BATCH
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        self.cluster.produce(&self.topic, letters).await
    }
}

#[cfg(test)]
mod tests;
