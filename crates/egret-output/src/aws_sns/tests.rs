//! Against moto: what a queue gets that is subscribed to the topic.

use egret_model::AlertAction;
use egret_peer::Moto;
use serde_json::{Value, json};

use super::*;
use crate::aws_message::tests::{block, moto, query, sqs};
use crate::message::{Message, Text};
use crate::testing::{delivery, letter, monstrous_letter, output_of};

/// A topic with a queue that gets what is published; the topic's ARN and the queue's URL.
async fn topic_with_queue(moto: &Moto, name: &str) -> (String, String) {
    let fifo = is_fifo(name);
    let attributes = if fifo { json!({"FifoQueue": "true"}) } else { json!({}) };
    let queue = sqs(moto, "CreateQueue", &json!({"QueueName": name, "Attributes": attributes})).await;
    let mut parameters = vec![("Action", "CreateTopic"), ("Version", "2010-03-31"), ("Name", name)];
    if fifo {
        parameters.extend([("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")]);
    }
    let topic = query(moto, "sns", &parameters, "TopicArn").await;
    let endpoint = format!("arn:aws:sqs:eu-west-1:123456789012:{name}");
    let subscribe = [
        ("Action", "Subscribe"),
        ("Version", "2010-03-31"),
        ("TopicArn", &topic),
        ("Protocol", "sqs"),
        ("Endpoint", &endpoint),
    ];
    query(moto, "sns", &subscribe, "SubscriptionArn").await;
    (topic, queue["QueueUrl"].as_str().unwrap().to_owned())
}

async fn received(moto: &Moto, queue: &str) -> Vec<Value> {
    let wanted = json!({"QueueUrl": queue, "MaxNumberOfMessages": 10, "AttributeNames": ["All"]});
    sqs(moto, "ReceiveMessage", &wanted).await["Messages"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_is_published_arrives() {
    let moto = moto().await;
    let (topic, queue) = topic_with_queue(moto, "sns-plain").await;
    let output = output_of(&block("aws_sns", moto, &format!("topic_arn = \"{topic}\"")));
    let mut letter = letter(AlertAction::Close, Escape::Json);
    letter.message.title = Text::Plain("Röot\r\n\u{1b}[31m \u{201c}login\u{201d}".into());
    assert_eq!(output.output.send(std::slice::from_ref(&letter)).await, [Ok(Receipt::default())]);
    let messages = received(moto, &queue).await;
    assert_eq!(messages.len(), 1);
    let envelope: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(envelope["Subject"], "R?ot [31m \"login\"");
    let message: Value = serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap();
    assert_eq!(message, letter.delivery.to_json());
    let attributes = &envelope["MessageAttributes"];
    for (name, value) in [
        ("severity", "high"),
        ("detection", "root_login"),
        ("channel", "aws.cloudtrail"),
        ("action", "close"),
    ] {
        assert_eq!(attributes[name], json!({"Type": "String", "Value": value}));
    }
}

#[tokio::test]
async fn a_fifo_topic_keeps_order_and_drops_repetitions() {
    let moto = moto().await;
    let (topic, queue) = topic_with_queue(moto, "sns-ordered.fifo").await;
    let output = output_of(&block("aws_sns", moto, &format!("topic_arn = \"{topic}\"")));
    let letter = letter(AlertAction::Raise, Escape::Json);
    for _ in 0..2 {
        assert!(output.output.send(std::slice::from_ref(&letter)).await[0].is_ok());
    }
    let messages = received(moto, &queue).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0]["Attributes"]["MessageGroupId"], letter.delivery.alert.alert_id);
    assert_eq!(messages[0]["Attributes"]["MessageDeduplicationId"], letter.delivery.delivery_id);
}

#[tokio::test]
async fn monsters_are_shortened() {
    let moto = moto().await;
    let (topic, queue) = topic_with_queue(moto, "sns-monster").await;
    let output = output_of(&block("aws_sns", moto, &format!("topic_arn = \"{topic}\"")));
    let monster = monstrous_letter(AlertAction::Raise);
    assert_eq!(output.output.send(std::slice::from_ref(&monster)).await, [Ok(Receipt::default())]);
    let messages = received(moto, &queue).await;
    let envelope: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
    let subject = envelope["Subject"].as_str().unwrap();
    assert!(subject.len() == 100 && subject.ends_with("..."), "{subject}");
    assert!(subject.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    let text = envelope["Message"].as_str().unwrap();
    assert!(text.len() <= MAX_MESSAGE_BYTES);
    let message: Value = serde_json::from_str(text).unwrap();
    assert_eq!(message["shortened"], true);
    assert_eq!(message["alert"]["alert_id"], monster.delivery.alert.alert_id);
}

#[tokio::test]
async fn a_template_writes_the_text() {
    let moto = moto().await;
    let (topic, queue) = topic_with_queue(moto, "sns-template").await;
    let more = format!(
        "topic_arn = \"{topic}\"\n template {{\n body = \"{{{{ alert.title }}}}: {{{{ alert.message }}}}\"\n }}"
    );
    let output = output_of(&block("aws_sns", moto, &more));
    let mut delivery = delivery(AlertAction::Raise);
    delivery.alert.message = "a\u{0}\u{fffe}b <script>".into();
    let message = Message::of(&delivery, output.output.escape(), &[&output.templates]);
    assert!(output.output.send(&[Letter { delivery, message }]).await[0].is_ok());
    let messages = received(moto, &queue).await;
    let envelope: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
    assert_eq!(envelope["Message"], "Root login: a\\u0000?b <script>");
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_refused() {
    let moto = moto().await;
    let topic = "topic_arn = \"arn:aws:sns:eu-west-1:123456789012:nowhere\"";
    let output = output_of(&block("aws_sns", moto, topic));
    let error = output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await.remove(0).unwrap_err();
    assert!(matches!(&error, SendError::Refused { message } if message.contains("NotFound")), "{error}");
}

#[test]
fn subjects_are_lines_of_ascii() {
    for (title, expected) in [
        ("Root login", "Root login"),
        ("  \t\n", "Alert"),
        ("a\r\nSubject: b", "a Subject: b"),
        ("\u{202e}evil", "?evil"),
    ] {
        let mut letter = letter(AlertAction::Raise, Escape::Json);
        letter.message.title = Text::Plain(title.into());
        assert_eq!(subject(&letter), expected);
    }
}
