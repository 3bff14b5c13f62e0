//! Tests of syslog, against `rsyslogd`.

use egret_config::{Configuration, Diagnostics, Environment};
use egret_peer::{Authority, RsyslogPeer};
use serde_json::Value as Json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;
use crate::definition::{OUTPUT_BLOCK, OutputDefinition};
use crate::message::Message;
use crate::registry::OutputContext;
use crate::testing::{delivery, output_of};

fn output(host: &str, port: u16, more: &str) -> OutputDefinition {
    output_of(&format!(
        "output \"syslog\" \"s\" {{\n host = \"{host}\"\n port = {port}\n hostname = \"egret-1\"\n {more}\n}}"
    ))
}

fn letter_of(definition: &OutputDefinition, delivery: crate::Delivery) -> Letter {
    let message = Message::of(&delivery, definition.output.escape(), &[&definition.templates]);
    Letter { delivery, message }
}

async fn send(definition: &OutputDefinition, action: AlertAction) -> Result<Receipt, SendError> {
    definition.output.send(&[letter_of(definition, delivery(action))]).await.remove(0)
}

fn assert_understood(message: &Json, action: &str) {
    for (name, expected) in [
        ("pri", "131"),
        ("protocol_version", "1"),
        ("hostname", "egret-1"),
        ("app_name", "egret"),
        ("msgid", action),
    ] {
        assert_eq!(message[name], expected, "{name}: {message}");
    }
    assert_eq!(message["procid"], std::process::id().to_string());
    let data = message["structured_data"].as_str().unwrap();
    assert!(data.starts_with("[egret@32473 delivery_id=\"fedcba9876543210fedcba9876543210\" "), "{data}");
}

#[tokio::test]
async fn rsyslog_understands_datagrams() {
    let peer = RsyslogPeer::start_udp().await.unwrap();
    let definition = output("127.0.0.1", peer.port(), "transport = \"udp\"");
    assert_eq!(send(&definition, AlertAction::Raise).await, Ok(Receipt::default()));
    let messages = peer.messages(1).await;
    assert_understood(&messages[0], "raise");
    assert_eq!(messages[0]["msg"], "Root login: root logged in from 198.51.100.7 (and 2 more findings)");
}

#[tokio::test]
async fn rsyslog_understands_counted_octets() {
    let peer = RsyslogPeer::start_tcp().await.unwrap();
    let definition = output("127.0.0.1", peer.port(), "transport = \"tcp\"\n format = \"json\"");
    let actions = [AlertAction::Raise, AlertAction::Acknowledge, AlertAction::Close];
    let letters: Vec<Letter> =
        actions.into_iter().map(|action| letter_of(&definition, delivery(action))).collect();
    let answers = definition.output.send(&letters).await;
    assert_eq!(answers, vec![Ok(Receipt::default()); 3]);
    let messages = peer.messages(3).await;
    for (message, action) in messages.iter().zip(actions) {
        assert_understood(message, action.as_str());
        let json: Json = serde_json::from_str(message["msg"].as_str().unwrap()).unwrap();
        assert_eq!(json, delivery(action).to_json());
    }
    assert!(messages[2]["structured_data"].as_str().unwrap().ends_with("by=\"ada\"]"));
}

#[tokio::test]
async fn rsyslog_understands_tls_and_both_sides_are_verified() {
    let authority = Authority::new().unwrap();
    let peer = RsyslogPeer::start_tls(&authority).await.unwrap();
    let client = authority.identity("egret").unwrap();
    let ca = format!("ca_file = \"{}\"", authority.ca_file().display());
    let known = format!(
        "{ca}\n client_certificate = \"{}\"\n client_key = \"{}\"",
        client.certificate.display(),
        client.key.display()
    );
    assert_eq!(
        send(&output("localhost", peer.port(), &known), AlertAction::Raise).await,
        Ok(Receipt::default())
    );
    assert_understood(&peer.messages(1).await[0], "raise");
    for (host, trust) in [("localhost", ""), ("127.0.0.1", known.as_str())] {
        let refused = send(&output(host, peer.port(), trust), AlertAction::Raise).await.unwrap_err();
        assert!(
            matches!(&refused, SendError::Retry { message, .. } if message.contains("certificate")),
            "{refused}"
        );
    }
    // Who shows no certificate is sent away, and notices.
    let refused = send(&output("localhost", peer.port(), &ca), AlertAction::Raise).await;
    assert!(matches!(refused, Err(SendError::Retry { .. })), "{refused:?}");
    assert_eq!(peer.messages(1).await.len(), 1);
}

#[tokio::test]
async fn what_came_from_logs_is_shown_and_not_obeyed() {
    let peer = RsyslogPeer::start_tcp().await.unwrap();
    let definition = output("127.0.0.1", peer.port(), "transport = \"tcp\"");
    let mut delivery = delivery(AlertAction::Comment);
    delivery.by = Some("a\"] [x y=\"z\\".into());
    delivery.alert.title = "one\n<0>1 - evil evil - - - two\u{1b}[31m\0".into();
    delivery.remark = Some("<script> {code} é\r\n12 <0>1 x".into());
    let letters = [letter_of(&definition, delivery)];
    assert_eq!(definition.output.send(&letters).await, [Ok(Receipt::default())]);
    let messages = peer.messages(1).await;
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_understood(&messages[0], "comment");
    let data = messages[0]["structured_data"].as_str().unwrap();
    assert!(data.ends_with("count=\"3\" by=\"a\\\"\\] [x y=\\\"z\\\\\"]"), "{data}");
    let said = messages[0]["msg"].as_str().unwrap();
    assert!(said.starts_with("Comment: one\\n<0>1 - evil evil - - - two\\u{1b}[31m\\u{0}: a\"]"), "{said}");
    assert!(said.ends_with("<script> {code} é\\r\\n12 <0>1 x"), "{said}");
}

#[tokio::test]
async fn a_monstrous_alert_is_one_message_of_limited_length() {
    let peer = RsyslogPeer::start_tcp().await.unwrap();
    let mut sent = 0;
    for (format, max_bytes) in [("text", 480), ("json", 480), ("text", 8192), ("json", 8192)] {
        let more = format!("transport = \"tcp\"\n format = \"{format}\"\n max_bytes = {max_bytes}");
        let definition = output("127.0.0.1", peer.port(), &more);
        let mut delivery = delivery(AlertAction::Raise);
        delivery.alert.title = "ä\"]\\".repeat(2500);
        delivery.alert.detection_id = "]".repeat(10_000);
        delivery.alert.channel = "\"".repeat(10_000);
        for n in 0..500 {
            delivery.alert.event.insert(format!("field{n}"), "x".repeat(400).into());
        }
        let letters = [letter_of(&definition, delivery)];
        assert_eq!(definition.output.send(&letters).await, [Ok(Receipt::default())]);
        sent += 1;
        let message = peer.messages(sent).await.remove(sent - 1);
        assert_understood(&message, "raise");
        let (data, said) = (message["structured_data"].as_str().unwrap(), message["msg"].as_str().unwrap());
        assert!(data.ends_with("count=\"3\"]"), "{data}");
        assert!(data.len() + said.len() <= max_bytes, "{} {}", data.len(), said.len());
        match format {
            "json" => drop(serde_json::from_str::<Json>(said).unwrap()),
            _ => assert!(said.is_empty() || said.ends_with("(shortened)"), "{said}"),
        }
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_noticed_and_found_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let definition = output("127.0.0.1", port, "transport = \"tcp\"");
    // One that takes the connection and is gone at once, and one that is gone before it has read everything.
    for reads in [0, 10] {
        let leave = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut vec![0; reads]).await.unwrap();
        };
        let (answer, ()) = tokio::join!(send(&definition, AlertAction::Raise), leave);
        assert!(matches!(answer, Err(SendError::Retry { .. })), "{reads}: {answer:?}");
    }
    // One that reads everything.
    let read = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    };
    let (answer, text) = tokio::join!(send(&definition, AlertAction::Raise), read);
    assert_eq!(answer, Ok(Receipt::default()));
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len());
    // None at all.
    drop(listener);
    let answer = send(&definition, AlertAction::Raise).await;
    assert!(
        matches!(&answer, Err(SendError::Retry { message, .. }) if message.contains(&format!("127.0.0.1:{port}"))),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_port_without_a_listener_is_noticed_with_udp_too() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    drop(socket);
    let answer = send(&output("127.0.0.1", port, "transport = \"udp\""), AlertAction::Raise).await;
    assert!(matches!(answer, Err(SendError::Retry { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_template_may_say_the_whole_message() {
    let peer = RsyslogPeer::start_udp().await.unwrap();
    let more = "transport = \"udp\"\n facility = \"auth\"\n app_name = \"soc\"\n structured_data_id = \"a@1\"\n \
                template {\n body = \"user={{ alert.title }}\\nx\"\n }";
    let definition = output("127.0.0.1", peer.port(), more);
    assert!(send(&definition, AlertAction::Raise).await.is_ok());
    let message = peer.messages(1).await.remove(0);
    assert_eq!(message["msg"], "user=Root login\\nx");
    assert_eq!((&message["pri"], &message["app_name"]), (&Json::from("35"), &Json::from("soc")));
    assert!(message["structured_data"].as_str().unwrap().starts_with("[a@1 "));
}

#[test]
fn mistakes_are_told() {
    for (line, expected) in [
        ("transport = \"quic\"", "write \"tls\", \"tcp\" or \"udp\""),
        ("format = \"cef\"", "`cef` is no `format`"),
        ("facility = \"local8\"", "local7"),
        ("app_name = \"two words\"", "without spaces"),
        ("structured_data_id = \"a]b\"", "without spaces"),
        ("max_bytes = 100", "at least 480"),
    ] {
        let text = format!("output \"syslog\" \"s\" {{\n host = \"h\"\n {line}\n}}");
        let mut diagnostics = Diagnostics::new();
        let none = Environment::default();
        let configuration =
            Configuration::parse("egret.hcl", &text, &[OUTPUT_BLOCK], &none, &mut diagnostics);
        let block = configuration.blocks_of("output").next().unwrap();
        OutputDefinition::read(block, &OutputContext::for_tests(), &mut diagnostics);
        let shown = diagnostics.render(false);
        assert!(shown.contains(expected), "{shown}");
    }
}
