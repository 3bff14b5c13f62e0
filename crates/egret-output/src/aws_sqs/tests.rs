//! Against moto: what can be received from the queue; and verdicts on parts of a batch.

use egret_peer::{Answer, HttpPeer, Moto};

use super::*;
use crate::aws_message::tests::{KEYS, block, moto, sqs};
use crate::definition::OutputDefinition;
use crate::message::Message;
use crate::testing::{delivery, letter, monstrous_letter, output_of};

async fn output(moto: &Moto, name: &str, more: &str) -> (OutputDefinition, String) {
    let attributes = if is_fifo(name) { json!({"FifoQueue": "true"}) } else { json!({}) };
    let made = sqs(moto, "CreateQueue", &json!({"QueueName": name, "Attributes": attributes})).await;
    let queue = made["QueueUrl"].as_str().unwrap().to_owned();
    (output_of(&block("aws_sqs", moto, &format!("queue_url = \"{queue}\"\n {more}"))), queue)
}

async fn received(moto: &Moto, queue: &str) -> Vec<Value> {
    let wanted = json!({
        "QueueUrl": queue,
        "MaxNumberOfMessages": 10,
        "AttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    });
    sqs(moto, "ReceiveMessage", &wanted).await["Messages"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn what_is_sent_can_be_received() {
    let moto = moto().await;
    let (output, queue) = output(moto, "sqs-plain", "").await;
    let letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Comment, Escape::Json)];
    assert_eq!(output.output.send(&letters).await, [Ok(Receipt::default()), Ok(Receipt::default())]);
    let mut messages = received(moto, &queue).await;
    messages.sort_by_key(|message| message["MessageAttributes"]["action"]["StringValue"].to_string());
    let bodies: Vec<Value> = messages
        .iter()
        .map(|message| serde_json::from_str(message["Body"].as_str().unwrap()).unwrap())
        .collect();
    assert_eq!(bodies, [letters[1].delivery.to_json(), letters[0].delivery.to_json()]);
    let attribute = |name: &str| messages[1]["MessageAttributes"][name]["StringValue"].clone();
    assert_eq!(
        [attribute("severity"), attribute("detection"), attribute("channel"), attribute("action")],
        ["high", "root_login", "aws.cloudtrail", "raise"]
    );
}

#[tokio::test]
async fn a_fifo_queue_keeps_order_and_drops_repetitions() {
    let moto = moto().await;
    let (output, queue) = output(moto, "sqs-ordered.fifo", "").await;
    let mut letters = [letter(AlertAction::Raise, Escape::Json), letter(AlertAction::Close, Escape::Json)];
    letters[1].delivery.delivery_id = "second".into();
    for _ in 0..2 {
        assert!(output.output.send(&letters).await.iter().all(Result::is_ok));
    }
    let messages = received(moto, &queue).await;
    let ids: Vec<&Value> =
        messages.iter().map(|message| &message["Attributes"]["MessageDeduplicationId"]).collect();
    assert_eq!(ids, [&letters[0].delivery.delivery_id, "second"]);
    assert_eq!(messages[0]["Attributes"]["MessageGroupId"], letters[0].delivery.alert.alert_id);
}

#[tokio::test]
async fn monsters_and_hostile_text_are_taken() {
    let moto = moto().await;
    let more = "max_bytes = \"32KiB\"\n template {\n body = \"{{ by }}{{ alert.message | safe }}\"\n }";
    let (output, queue) = output(moto, "sqs-monster", more).await;
    let mut hostile = delivery(AlertAction::Raise);
    hostile.alert.message = "a\u{0}\u{1b}\u{ffff}b\n".into();
    let message = Message::of(&hostile, output.output.escape(), &[&output.templates]);
    let letters = [
        monstrous_letter(AlertAction::Raise),
        Letter { delivery: hostile, message },
        monstrous_letter(AlertAction::Close),
        letter(AlertAction::Comment, Escape::Json),
    ];
    let answers = output.output.send(&letters).await;
    assert!(answers.len() == 4 && answers.iter().all(Result::is_ok), "{answers:?}");
    let messages = received(moto, &queue).await;
    let bodies: Vec<&str> = messages.iter().map(|message| message["Body"].as_str().unwrap()).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| body.len() <= 32 << 10));
    assert!(bodies.contains(&"a???b\n"), "{bodies:?}");
    let shortened = bodies.iter().filter(|body| body.contains("\"shortened\":true"));
    assert!(shortened.clone().all(|body| serde_json::from_str::<Value>(body).is_ok()));
    assert_eq!(shortened.count(), 2);
}

#[tokio::test]
async fn a_monster_stays_within_what_every_queue_takes() {
    let moto = moto().await;
    let small = json!({"QueueName": "sqs-small", "Attributes": {"MaximumMessageSize": "262144"}});
    let made = sqs(moto, "CreateQueue", &small).await;
    let queue = made["QueueUrl"].as_str().unwrap();
    let output = output_of(&block("aws_sqs", moto, &format!("queue_url = \"{queue}\"")));
    let letters = [monstrous_letter(AlertAction::Raise), monstrous_letter(AlertAction::Close)];
    assert!(output.output.send(&letters).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_queue_that_is_not_there_is_refused() {
    let moto = moto().await;
    let queue = "queue_url = \"https://sqs.eu-west-1.amazonaws.com/123456789012/nowhere\"";
    let output = output_of(&block("aws_sqs", moto, queue));
    let error = output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await.remove(0).unwrap_err();
    let expected =
        |message: &str| message.contains("QueueDoesNotExist") || message.contains("NonExistentQueue");
    assert!(matches!(&error, SendError::Refused { message } if expected(message)), "{error}");
}

#[tokio::test]
async fn each_message_has_its_own_verdict() {
    let peer = HttpPeer::start().await.unwrap();
    let failed = |id: &str, code: &str, fault: bool| json!({"Id": id, "Code": code, "Message": "as documented", "SenderFault": fault});
    peer.always(Answer::json(
        200,
        &json!({
            "Successful": [{"Id": "3", "MessageId": "m", "MD5OfMessageBody": "x"}],
            "Failed": [
                failed("0", "InvalidMessageContents", true),
                failed("1", "InternalError", false),
                failed("2", "RequestThrottled", true),
            ],
        }),
    ));
    // The queue's URL says where the service is.
    let url = peer.url("/123456789012/q");
    let output = output_of(&format!("output \"aws_sqs\" \"a\" {{\n {KEYS}\n queue_url = \"{url}\"\n}}"));
    let letters: Vec<Letter> = (0..5).map(|_| letter(AlertAction::Raise, Escape::Json)).collect();
    let kinds: Vec<&str> = output
        .output
        .send(&letters)
        .await
        .iter()
        .map(|answer| match answer {
            Ok(_) => "taken",
            Err(SendError::Retry { .. }) => "retry",
            Err(SendError::Refused { .. }) => "refused",
        })
        .collect();
    assert_eq!(kinds, ["refused", "retry", "retry", "taken", "retry"]);
    let request = peer.last();
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/"));
    assert_eq!(request.header("x-amz-target"), "AmazonSQS.SendMessageBatch");
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.0");
    assert_eq!(request.json()["QueueUrl"], url);
    assert_eq!(request.json()["Entries"].as_array().unwrap().len(), 5);
}
