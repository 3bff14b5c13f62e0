//! What the outputs to AWS share in their tests, which ask moto; their requests and mistakes.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use egret_config::{BlockReader, Configuration, Diagnostics, Environment};
use egret_http::aws::Aws;
use egret_http::header::{HeaderMap, HeaderValue};
use egret_http::{HttpRequest, Method, ServiceContext};
use egret_model::AlertAction;
use egret_peer::{Answer, HttpPeer, Moto};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::definition::OUTPUT_BLOCK;
use crate::escape::Escape;
use crate::registry::OutputContext;
use crate::testing::{letter, mistakes_of, output_of};

/// Keys that every server here takes.
pub(crate) const KEYS: &str =
    "region = \"eu-west-1\"\n access_key = \"AKIDEXAMPLE\"\n secret_key = \"s3cr3t/K7MDENG\"";
const SECRET_KEY: &str = "s3cr3t/K7MDENG";

/// The services of AWS.
pub(crate) async fn moto() -> &'static Moto {
    let started = tokio::task::spawn_blocking(Moto::shared).await.unwrap();
    started.unwrap_or_else(|problem| panic!("{problem}"))
}

/// An output to moto; patient, as moto loads a service when it is first asked for.
pub(crate) fn block(kind: &str, moto: &Moto, more: &str) -> String {
    let endpoint = moto.url();
    format!(
        "output \"{kind}\" \"a\" {{\n {KEYS}\n endpoint = \"{endpoint}\"\n timeout = \"60s\"\n {more}\n}}"
    )
}

/// A service as outputs use it, for setting it up and looking into it.
pub(crate) fn service(name: &'static str, endpoint: Option<&str>) -> Aws {
    let endpoint = endpoint.map(|url| format!("endpoint = \"{url}\"")).unwrap_or_default();
    let text = format!("output \"x\" \"x\" {{\n {KEYS}\n {endpoint}\n}}");
    let mut diagnostics = Diagnostics::new();
    let none = Environment::default();
    let configuration = Configuration::parse("a.hcl", &text, &[OUTPUT_BLOCK], &none, &mut diagnostics);
    let block = configuration.blocks_of("output").next().unwrap();
    let context = ServiceContext { timeout: Duration::from_secs(60), ..OutputContext::for_tests().service };
    let aws = Aws::decode(&mut BlockReader::new(block, &mut diagnostics), &context, name, None);
    aws.unwrap_or_else(|| panic!("{}", diagnostics.render(false)))
}

/// A call of the JSON protocol.
pub(crate) async fn sqs(moto: &Moto, action: &str, body: &Value) -> Value {
    let service = service("sqs", Some(&moto.url()));
    let mut request = HttpRequest::json(service.endpoint().clone(), body);
    request.headers.insert("content-type", HeaderValue::from_static("application/x-amz-json-1.0"));
    request.headers.insert("x-amz-target", HeaderValue::from_str(&format!("AmazonSQS.{action}")).unwrap());
    service.call(request, service.deadline()).await.unwrap().json()
}

/// A call of the query protocol; gives the text of one element of the answer.
pub(crate) async fn query(
    moto: &Moto,
    name: &'static str,
    parameters: &[(&str, &str)],
    wanted: &str,
) -> String {
    let service = service(name, Some(&moto.url()));
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    let url = service.endpoint().clone();
    let answer = service
        .call(HttpRequest { method: Method::POST, url, headers, body: body.into() }, service.deadline())
        .await
        .unwrap();
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let element = text.split_once(&format!("<{wanted}>")).and_then(|(_, rest)| rest.split_once("</"));
    element.unwrap_or_else(|| panic!("{text}")).0.to_owned()
}

#[tokio::test]
async fn requests_are_signed_as_they_arrive() {
    let peer = HttpPeer::start().await.unwrap();
    let url = peer.url("");
    let answer = "{\"Successful\": [{\"Id\": \"0\"}]}";
    peer.always(Answer::Status(200, Vec::new(), answer.into()));
    for (kind, more) in [
        ("aws_sns", "topic_arn = \"arn:aws:sns:eu-west-1:123456789012:t\""),
        ("aws_sqs", "queue_url = \"https://sqs.eu-west-1.amazonaws.com/123456789012/q\""),
        ("aws_s3", "bucket = \"bucket\"\n key = \"a b/ä+%%(1)~/dt=%Y/{{ alert.alert_id }}.json\""),
    ] {
        let block = format!(
            "output \"{kind}\" \"a\" {{\n {KEYS}\n session_token = \"t0ken==\"\n endpoint = \"{url}\"\n {more}\n}}"
        );
        let output = output_of(&block);
        assert!(!format!("{output:?}").contains(SECRET_KEY), "{output:?}");
        let answers = output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await;
        assert!(answers[0].is_ok(), "{kind}: {answers:?}");
        let request = peer.last();
        assert_eq!(request.authorization_part("Signature"), request.aws_signature(SECRET_KEY), "{kind}");
        assert_eq!(request.header("x-amz-security-token"), "t0ken==");
        let scope = format!("/eu-west-1/{}/aws4_request", kind.trim_start_matches("aws_"));
        assert!(request.authorization_part("Credential").ends_with(&scope));
    }
    let checksum = BASE64.encode(Sha256::digest(&peer.last().body));
    assert_eq!(peer.last().header("x-amz-checksum-sha256"), checksum);
    assert_eq!(
        peer.last().path,
        "/bucket/a%20b/%C3%A4%2B%25%281%29~/dt%3D2023/0123456789abcdef0123456789abcdef.json"
    );
}

#[test]
fn mistakes_have_hints() {
    let topic = "topic_arn = \"arn:aws:sns:eu-west-1:1:t\"";
    for (kind, attributes, expected) in [
        ("aws_s3", "bucket = \"bucket\"", "in which region the service is"),
        (
            "aws_s3",
            "bucket = \"bucket\"\n region = \"evil.example.org/\"",
            "`evil.example.org/` is no region",
        ),
        ("aws_s3", "bucket = \"s3://bucket/x\"\n region = \"eu-west-1\"", "without s3://"),
        (
            "aws_s3",
            "bucket = \"bucket\"\n region = \"r\"\n encryption = \"rot13\"",
            "`rot13` is no way to encrypt",
        ),
        ("aws_s3", "bucket = \"bucket\"\n region = \"r\"\n kms_key = \"k\"", "goes with encryption"),
        ("aws_s3", "bucket = \"bucket\"\n region = \"r\"\n key = \"{{ a\"", "the template is wrong"),
        ("aws_sns", "topic_arn = \"alerts\"\n region = \"eu-west-1\"", "this is not the ARN of a topic"),
        ("aws_sns", &format!("{topic}\n access_key = \"a\""), "an `access_key` with its `secret_key`"),
        ("aws_sns", &format!("{topic}\n external_id = \"a\""), "an `external_id` goes with a `role_arn`"),
        ("aws_sqs", "queue_url = \"alerts\"\n region = \"eu-west-1\"", "this is not the URL of a queue"),
        (
            "aws_sqs",
            "queue_url = \"https://sqs.eu-west-1.amazonaws.com/1/q\"\n max_bytes = \"2MiB\"",
            "between 16KiB",
        ),
    ] {
        let mistakes = mistakes_of(&format!("output \"{kind}\" \"a\" {{\n {attributes}\n}}"));
        assert!(mistakes.contains(expected), "{kind}: {mistakes}");
    }
}
