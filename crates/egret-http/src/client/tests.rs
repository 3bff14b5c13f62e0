//! What answers mean and how much of them is read, how certificates are verified, and what is shown of an address.

use std::time::Duration;

use egret_peer::{Answer, Authority, HttpPeer};

use super::*;
use crate::testing;

fn client(attributes: &str) -> Http {
    let context = testing::context(&[], Duration::from_secs(1));
    let (http, mistakes) = testing::decode(attributes, |reader| Http::decode(reader, &context));
    http.unwrap_or_else(|| panic!("{mistakes}"))
}

async fn send(url: &str, attributes: &str) -> Result<HttpResponse, CallError> {
    client(attributes).send(HttpRequest::get(Url::parse(url).unwrap())).await
}

#[tokio::test]
async fn what_may_change_is_tried_again_and_nothing_else() {
    let peer = HttpPeer::start().await.unwrap();
    for (answer, retried, after) in [
        (Answer::status(429).with_header("retry-after", "7"), true, Some(7)),
        (Answer::status(503), true, None),
        (Answer::status(500), true, None),
        (Answer::status(408), true, None),
        (Answer::status(400), false, None),
        (Answer::status(401), false, None),
        (Answer::status(413), false, None),
        (Answer::status(501), false, None),
        (Answer::status(307).with_header("location", "http://127.0.0.1:1/"), false, None),
        (Answer::Reset, true, None),
        (Answer::Late(Duration::from_secs(5)), true, None),
    ] {
        peer.script([answer.clone()]);
        let before = peer.requests().len();
        match send(&peer.url("/"), "").await.unwrap_err() {
            CallError::Retry { message, after: found } => {
                assert!(retried, "{answer:?}: {message}");
                assert_eq!(found.map(|after| after.as_secs()), after, "{answer:?}");
            }
            CallError::Refused { message } => assert!(!retried, "{answer:?}: {message}"),
        }
        assert_eq!(peer.requests().len(), before + 1, "{answer:?} is asked once");
    }
}

#[tokio::test]
async fn an_answer_says_whether_it_was_cut() {
    let peer = HttpPeer::start().await.unwrap();
    let http = client("");
    for (length, limit, expected) in [
        (0, 0, 0),
        (1, 0, 0),
        (99_999, 100_000, 99_999),
        (100_000, 100_000, 100_000),
        (100_001, 100_000, 100_000),
    ] {
        peer.script([Answer::Status(200, Vec::new(), "x".repeat(length))]);
        let request = HttpRequest::get(Url::parse(&peer.url("/")).unwrap());
        let answer = http.send_within(request, limit).await.unwrap();
        assert_eq!((answer.body.len(), answer.is_cut), (expected, length > limit), "{length} within {limit}");
        assert_eq!(answer.whole("the peer").is_err(), length > limit, "{length} within {limit}");
    }
    // What is no success says so, however much it says.
    peer.script([Answer::Status(500, Vec::new(), "x".repeat(10_000))]);
    let request = HttpRequest::get(Url::parse(&peer.url("/")).unwrap());
    let error = http.send_within(request, 100).await.unwrap_err();
    assert!(matches!(&error, CallError::Retry { .. }) && error.to_string().contains("500"), "{error}");
}

#[tokio::test]
async fn certificates_are_verified() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, false).await.unwrap();
    let wrong = send(&peer.url("/"), "").await.unwrap_err();
    assert!(wrong.to_string().contains("certificate"), "{wrong}");
    let trusted = format!("ca_file = \"{}\"", authority.ca_file().display());
    assert!(send(&peer.url("/"), &trusted).await.is_ok());
    let by_address = peer.url("/").replace("localhost", "127.0.0.1");
    let wrong = send(&by_address, &trusted).await.unwrap_err();
    assert!(wrong.to_string().contains("certificate"), "{wrong}");
    assert_eq!(peer.requests().len(), 1);
}

#[tokio::test]
async fn nobody_there_says_so() {
    let error = send("http://127.0.0.1:1/secret", "").await.unwrap_err().to_string();
    assert!(error.starts_with("cannot reach http://127.0.0.1:1: "), "{error}");
    assert!(!error.contains("secret"), "{error}");
}
