//! Tests of Kafka, against librdkafka's own brokers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use egret_config::{Configuration, Diagnostics, Environment};
use rdkafka::ClientConfig;
use rdkafka::Message as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Headers as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;
use crate::definition::{OUTPUT_BLOCK, OutputDefinition};
use crate::message::Message;
use crate::registry::OutputContext;
use crate::testing::{delivery, output_of};

type Mock = MockCluster<'static, DefaultProducerContext>;

fn cluster() -> Mock {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic("alerts", 4, 3).unwrap();
    cluster
}

fn output(cluster: &Mock, more: &str) -> OutputDefinition {
    let brokers: Vec<String> =
        cluster.bootstrap_servers().split(',').map(|broker| format!("\"{broker}\"")).collect();
    output_of(&format!(
        "output \"kafka\" \"k\" {{\n brokers = [{}]\n topic = \"alerts\"\n security = \"none\"\n {more}\n}}",
        brokers.join(", ")
    ))
}

fn letter_of(definition: &OutputDefinition, delivery: crate::Delivery) -> Letter {
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    Letter { delivery, message }
}

async fn send(definition: &OutputDefinition, action: AlertAction) -> Result<Receipt, SendError> {
    definition.output.send(&[letter_of(definition, delivery(action))]).await.remove(0)
}

/// Partition, key, headers, value.
type Seen = (i32, String, BTreeMap<String, String>, String);

fn consume(cluster: &Mock, count: usize) -> Vec<Seen> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "test")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let mut partitions = rdkafka::TopicPartitionList::new();
    for partition in 0..4 {
        partitions.add_partition_offset("alerts", partition, rdkafka::Offset::Beginning).unwrap();
    }
    consumer.assign(&partitions).unwrap();
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(30);
    while seen.len() < count && Instant::now() < deadline {
        let Some(Ok(record)) = consumer.poll(Duration::from_millis(100)) else { continue };
        let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap_or_default().to_vec()).unwrap();
        let headers = record.headers().unwrap().iter();
        let headers = headers.map(|header| (header.key.to_owned(), text(header.value))).collect();
        seen.push((record.partition(), text(record.key()), headers, text(record.payload())));
    }
    seen
}

#[tokio::test]
async fn records_have_key_headers_and_the_alert() {
    let cluster = cluster();
    let definition = output(&cluster, "compression = \"gzip\"\n properties = { \"client.id\" = \"test\" }");
    let actions = [AlertAction::Raise, AlertAction::Update, AlertAction::Close];
    let letters: Vec<Letter> =
        actions.into_iter().map(|action| letter_of(&definition, delivery(action))).collect();
    let mut other = delivery(AlertAction::Raise);
    other.alert.alert_id = "99999999999999999999999999999999".into();
    let letters = [letters, vec![letter_of(&definition, other)]].concat();
    assert_eq!(definition.output.send(&letters).await, vec![Ok(Receipt::default()); 4]);
    let mut seen = consume(&cluster, 4);
    let of_other = seen.iter().position(|(_, key, ..)| key.starts_with('9')).unwrap();
    seen.remove(of_other);
    for ((partition, key, headers, value), action) in seen.iter().zip(actions) {
        assert_eq!(key, "0123456789abcdef0123456789abcdef");
        assert_eq!(*partition, seen[0].0);
        assert_eq!(headers["delivery_id"], "fedcba9876543210fedcba9876543210");
        assert_eq!((headers["action"].as_str(), headers["severity"].as_str()), (action.as_str(), "high"));
        let value: serde_json::Value = serde_json::from_str(value).unwrap();
        assert_eq!(value, delivery(action).to_json());
    }
}

#[tokio::test]
async fn a_template_writes_the_value_and_logs_stay_inside_it() {
    let cluster = cluster();
    let definition =
        output(&cluster, "template {\n body = \"{\\\"text\\\": \\\"{{ alert.message }}\\\"}\"\n }");
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.message = "<!channel> \"}, {\" \\ [x](http://evil)\n\u{1b}".into();
    let answers = definition.output.send(&[letter_of(&definition, delivery.clone())]).await;
    assert_eq!(answers, [Ok(Receipt::default())]);
    let (.., value) = consume(&cluster, 1).remove(0);
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    assert_eq!(value, serde_json::json!({"text": delivery.alert.message}));
}

#[tokio::test]
async fn what_is_too_large_is_refused_alone() {
    let cluster = cluster();
    let definition = output(&cluster, "");
    let mut monstrous = delivery(AlertAction::Raise);
    monstrous.alert.title = "t".repeat(10_000);
    monstrous.alert.event.insert("big".into(), "x".repeat(2 << 20).into());
    let letters = [
        letter_of(&definition, delivery(AlertAction::Raise)),
        letter_of(&definition, monstrous.clone()),
        letter_of(&definition, delivery(AlertAction::Close)),
    ];
    let answers = definition.output.send(&letters).await;
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(
        matches!(&answers[1], Err(SendError::Refused { message }) if message.contains("message.max.bytes")),
        "{answers:?}"
    );
    // 200 KiB are no trouble, and the limit can be raised.
    let definition = output(&cluster, "properties = { \"message.max.bytes\" = \"4000000\" }");
    let answers = definition.output.send(&[letter_of(&definition, monstrous)]).await;
    assert_eq!(answers, [Ok(Receipt::default())]);
    assert_eq!(consume(&cluster, 3).len(), 3);
}

#[tokio::test]
async fn answers_of_brokers_say_what_to_do() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_INVALID_RECORD as INVALID, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE as TOO_LARGE,
        RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER as OUT_OF_ORDER,
        RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as NOT_ALLOWED,
    };
    let cluster = cluster();
    for (error, retry) in [(TOO_LARGE, false), (INVALID, false), (NOT_ALLOWED, true), (OUT_OF_ORDER, true)] {
        let definition = output(&cluster, "");
        cluster.request_errors(RDKafkaApiKey::Produce, &[error]);
        let answer = send(&definition, AlertAction::Raise).await.unwrap_err();
        assert_eq!(matches!(answer, SendError::Retry { .. }), retry, "{error:?}: {answer:?}");
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
        // The same client goes on, or another one is made where this one cannot.
        assert_eq!(send(&definition, AlertAction::Raise).await, Ok(Receipt::default()), "{error:?}");
    }
}

#[tokio::test]
async fn trouble_on_the_way_makes_no_duplicates() {
    let cluster = cluster();
    let definition = output(&cluster, "");
    cluster.request_errors(
        RDKafkaApiKey::Produce,
        &[
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__TRANSPORT,
        ],
    );
    assert_eq!(send(&definition, AlertAction::Raise).await, Ok(Receipt::default()));
    assert_eq!(send(&definition, AlertAction::Close).await, Ok(Receipt::default()));
    let actions: Vec<String> =
        consume(&cluster, 2).into_iter().map(|(_, _, headers, _)| headers["action"].clone()).collect();
    assert_eq!(actions, ["raise", "close"]);
}

#[tokio::test]
async fn brokers_that_are_away_are_waited_for() {
    let cluster = cluster();
    let definition = output(&cluster, "timeout = \"2s\"");
    cluster.broker_down(-1).unwrap();
    let answer = send(&definition, AlertAction::Raise).await.unwrap_err();
    assert!(
        matches!(&answer, SendError::Retry { message, .. } if message.contains("did not take the record in time")),
        "{answer:?}"
    );
    cluster.broker_up(-1).unwrap();
    let mut answer = send(&definition, AlertAction::Raise).await;
    for _ in 0..10 {
        if answer.is_ok() {
            break;
        }
        // As the queue does: the client goes back to brokers that were away with some delay.
        answer = send(&definition, AlertAction::Raise).await;
    }
    assert_eq!(answer, Ok(Receipt::default()));
}

#[test]
fn mistakes_are_told() {
    let login = "username = \"egret\"\n password = \"hunter2\"\n sasl_mechanism";
    for (security, line, expected) in [
        ("ssl", String::new(), "`ssl` is no way to protect a connection"),
        ("none", "topic = \"two words\"".into(), "cannot be a topic"),
        ("none", "compression = \"zip\"".into(), "`zip` is no compression"),
        ("none", "username = \"a\"".into(), "name all or none"),
        ("none", format!("{login} = \"PLAIN\""), "unencrypted"),
        ("none", format!("{login} = \"GSSAPI\""), "is no SASL mechanism"),
        ("none", "properties = { acks = \"0\" }".into(), "once all replicas have it"),
        ("none", "properties = { \"sasl.kerberos.kinit.cmd\" = \"sh\" }".into(), "it runs a command"),
        ("none", "properties = { \"no.such\" = \"hunter2\" }".into(), "does not take the property `no.such`"),
        (
            "none",
            "properties = { \"linger.ms\" = \"hunter2\" }".into(),
            "does not take the property `linger.ms`",
        ),
    ] {
        let topic = if line.contains("topic") { "" } else { "topic = \"alerts\"" };
        assert_told(&format!("security = \"{security}\"\n {topic}\n {line}"), expected);
    }
    if cfg!(feature = "kafka-tls") {
        output_of(&format!(
            "output \"kafka\" \"k\" {{\n brokers = [\"localhost:9092\"]\n topic = \"a\"\n security = \"tls\"\n \
             ca_file = \"ca.pem\"\n {login} = \"SCRAM-SHA-256\"\n}}"
        ));
    } else {
        assert_told("topic = \"a\"\n security = \"tls\"", "--features kafka-tls");
        assert_told(
            &format!("topic = \"a\"\n security = \"none\"\n {login} = \"SCRAM-SHA-256\""),
            "kafka-tls",
        );
    }
}

fn assert_told(lines: &str, expected: &str) {
    let text = format!("output \"kafka\" \"k\" {{\n brokers = [\"localhost:9092\"]\n {lines}\n}}");
    let mut diagnostics = Diagnostics::new();
    let none = Environment::default();
    let configuration = Configuration::parse("egret.hcl", &text, &[OUTPUT_BLOCK], &none, &mut diagnostics);
    let block = configuration.blocks_of("output").next().unwrap();
    OutputDefinition::read(block, &OutputContext::for_tests(), &mut diagnostics);
    let shown = diagnostics.render(false);
    assert!(shown.contains(expected), "{lines}: {shown}");
}
