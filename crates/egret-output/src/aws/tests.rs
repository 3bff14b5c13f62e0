//! What the outputs to AWS share: signatures, credentials, answers. Other tests ask moto with what is here.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use egret_config::{Configuration, Diagnostics, Environment};
use egret_model::AlertAction;
use egret_peer::{Answer, HttpPeer, Moto, Recorded};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::*;
use crate::definition::OUTPUT_BLOCK;
use crate::escape::Escape;
use crate::testing::{letter, mistakes_of, output_in};

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
    let context = OutputContext { timeout: Duration::from_secs(60), ..OutputContext::for_tests() };
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
    answer::element(&text, wanted).unwrap_or_else(|| panic!("{text}")).to_owned()
}

/// The signature that a request should have, computed from what arrived, by the text of AWS's documentation.
fn expected_signature(request: &Recorded, secret: &str) -> String {
    let authorization = request.header("authorization");
    let part = |name: &str| {
        let start = authorization.find(&format!("{name}=")).unwrap() + name.len() + 1;
        authorization[start..].split(',').next().unwrap()
    };
    let signed = part("SignedHeaders");
    let (_, scope) = part("Credential").split_once('/').unwrap();
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let mut query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let headers: String = signed
        .split(';')
        .map(|name| {
            format!("{name}:{}\n", request.header(name).split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    let hash = hex(&Sha256::digest(&request.body));
    let canonical = format!("{}\n{path}\n{}\n{headers}\n{signed}\n{hash}", request.method, query.join("&"));
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        request.header("x-amz-date"),
        hex(&Sha256::digest(canonical.as_bytes()))
    );
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| mac(&key, part));
    hex(&mac(&key, &to_sign))
}

fn assert_signed(request: &Recorded, secret: &str) {
    let signature = request.header("authorization").rsplit("Signature=").next().unwrap();
    assert_eq!(signature, expected_signature(request, secret));
    assert_eq!(request.header("x-amz-content-sha256"), hex(&Sha256::digest(&request.body)));
    let authorization = request.header("authorization");
    for signed in ["host", "x-amz-date", "x-amz-content-sha256"] {
        assert!(authorization.contains(signed), "{authorization}");
    }
}

/// The example of the documentation of Signature Version 4: without it, the check above would check itself.
#[test]
fn the_check_of_signatures_is_right() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "iam.amazonaws.com"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("x-amz-date", "20150830T123600Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature=?",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let request = Recorded {
        method: "GET".into(),
        path: "/?Action=ListUsers&Version=2010-05-08".into(),
        headers,
        body: Bytes::new(),
    };
    assert_eq!(
        expected_signature(&request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    );
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
        let output = output_in(&block, &OutputContext::for_tests());
        assert!(!format!("{output:?}").contains(SECRET_KEY), "{output:?}");
        let answers = output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await;
        assert!(answers[0].is_ok(), "{kind}: {answers:?}");
        let request = peer.last();
        assert_signed(&request, SECRET_KEY);
        assert_eq!(request.header("x-amz-security-token"), "t0ken==");
        let scope = format!("/eu-west-1/{}/aws4_request", kind.trim_start_matches("aws_"));
        assert!(request.header("authorization").contains(&scope));
    }
    let checksum = BASE64.encode(Sha256::digest(&peer.last().body));
    assert_eq!(peer.last().header("x-amz-checksum-sha256"), checksum);
    assert_eq!(
        peer.last().path,
        "/bucket/a%20b/%C3%A4%2B%25%281%29~/dt%3D2023/0123456789abcdef0123456789abcdef.json"
    );
}

/// Who signs a letter to SNS with these variables and attributes: the access key, or why there is none.
async fn signer(peer: &HttpPeer, variables: &[(&str, &str)], more: &str) -> Result<String, SendError> {
    let environment = Environment::new(variables.iter().copied()).in_folder(std::env::temp_dir());
    let context = OutputContext { environment: environment.into(), ..OutputContext::for_tests() };
    let url = peer.url("/sns");
    let block = format!(
        "output \"aws_sns\" \"a\" {{\n topic_arn = \"arn:aws:sns:eu-west-1:1:t\"\n endpoint = \"{url}\"\n {more}\n}}"
    );
    let output = output_in(&block, &OutputContext { timeout: Duration::from_secs(60), ..context });
    output.output.send(&[letter(AlertAction::Raise, Escape::Json)]).await.remove(0)?;
    let authorization = peer.last().header("authorization").to_owned();
    let (_, credential) = authorization.split_once("Credential=").unwrap();
    Ok(credential.split('/').next().unwrap().to_owned())
}

#[tokio::test]
async fn credentials_are_found_where_aws_puts_them() {
    let peer = HttpPeer::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials");
    let profiles = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = x\n\
                    [soc]\naws_access_key_id = PROFILE\naws_secret_access_key = x\n";
    std::fs::write(&file, profiles).unwrap();
    let file = file.to_str().unwrap();
    let keys = [("AWS_ACCESS_KEY_ID", "VARIABLE"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let profile = [keys[0], keys[1], ("AWS_SHARED_CREDENTIALS_FILE", file)];
    let attributes = "access_key = \"ATTRIBUTE\"\n secret_key = \"x\"";
    assert_eq!(signer(&peer, &profile, attributes).await.unwrap(), "ATTRIBUTE");
    assert_eq!(signer(&peer, &profile, "profile = \"soc\"").await.unwrap(), "PROFILE");
    assert_eq!(signer(&peer, &profile, "").await.unwrap(), "VARIABLE");
    assert_eq!(signer(&peer, &profile[2..], "").await.unwrap(), "DEFAULT");
}

fn temporary(access_key: &str) -> Value {
    serde_json::json!({
        "Code": "Success",
        "AccessKeyId": access_key,
        "SecretAccessKey": "x",
        "Token": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    })
}

#[tokio::test]
async fn machines_and_containers_have_credentials() {
    let peer = HttpPeer::start().await.unwrap();
    let text = |text: &str| Answer::Status(200, Vec::new(), text.into());
    peer.script([text("session"), text("role"), Answer::json(200, &temporary("MACHINE"))]);
    let machine = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer.url(""))];
    let machine: Vec<(&str, &str)> = machine.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(signer(&peer, &machine, "").await.unwrap(), "MACHINE");
    let paths: Vec<String> = peer.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(
        paths,
        [
            "/latest/api/token",
            "/latest/meta-data/iam/security-credentials/",
            "/latest/meta-data/iam/security-credentials/role",
            "/sns"
        ]
    );
    assert_eq!(peer.requests()[1].header("x-aws-ec2-metadata-token"), "session");

    peer.script([Answer::json(200, &temporary("CONTAINER"))]);
    let address = peer.url("/credentials");
    let container = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", address.as_str())];
    assert_eq!(signer(&peer, &container, "").await.unwrap(), "CONTAINER");
}

#[tokio::test]
async fn a_role_is_assumed() {
    let (peer, moto) = (HttpPeer::start().await.unwrap(), moto().await);
    let role = "role_arn = \"arn:aws:iam::123456789012:role/egret\"\n external_id = \"e-1\"";
    let keys = "access_key = \"AKIDEXAMPLE\"\n secret_key = \"s3cr3t/K7MDENG\"";
    let at_moto = moto.url();
    let variables = [("AWS_ENDPOINT_URL_STS", at_moto.as_str())];
    let access_key = signer(&peer, &variables, &format!("{role}\n {keys}")).await.unwrap();
    assert!(access_key.starts_with("ASIA"), "{access_key}");
    assert!(!peer.last().header("x-amz-security-token").is_empty());

    // What is asked, and how it is signed: for the public name.
    let at_peer = peer.url("");
    let variables = [("AWS_ENDPOINT_URL_STS", at_peer.as_str())];
    let denied =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
    peer.script([Answer::Status(403, Vec::new(), denied.into())]);
    let error = signer(&peer, &variables, &format!("{role}\n {keys}")).await.unwrap_err();
    assert!(
        matches!(&error, SendError::Retry { message, .. } if message.contains("AccessDenied")),
        "{error}"
    );
    let asked = peer.last();
    assert!(
        asked.path.contains("Action=AssumeRole") && asked.path.contains("ExternalId=e-1"),
        "{}",
        asked.path
    );
    assert!(asked.path.contains("RoleSessionName=egret"), "{}", asked.path);
    assert_eq!(asked.header("host"), "sts.eu-west-1.amazonaws.com");
}

#[tokio::test]
async fn without_credentials_it_says_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    let error = signer(&peer, &[("AWS_EC2_METADATA_DISABLED", "true")], "").await.unwrap_err();
    assert!(
        matches!(&error, SendError::Retry { message, .. } if message.contains("name an `access_key`")),
        "{error}"
    );
    assert!(peer.requests().is_empty());
}

#[tokio::test]
async fn answers_say_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    let xml = |status: u16, code: &str| {
        let body = format!(
            "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>as documented</Message></Error>"
        );
        Answer::Status(status, Vec::new(), body)
    };
    for (answer, retried, says) in [
        (xml(503, "SlowDown").with_header("retry-after", "4"), true, "SlowDown: as documented"),
        (xml(400, "Throttling"), true, "Throttling"),
        (xml(400, "RequestTimeout"), true, "RequestTimeout"),
        (xml(403, "RequestTimeTooSkewed"), true, "RequestTimeTooSkewed"),
        (xml(403, "ExpiredToken"), true, "ExpiredToken"),
        (xml(500, "InternalError"), true, "InternalError"),
        (xml(403, "AuthorizationError"), false, "AuthorizationError: as documented"),
        (xml(404, "NotFound"), false, "NotFound"),
        (
            xml(301, "PermanentRedirect").with_header("x-amz-bucket-region", "eu-north-1"),
            false,
            "the bucket is in eu-north-1: look at `region`",
        ),
        (
            Answer::json(
                400,
                &serde_json::json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no"}),
            ),
            false,
            "QueueDoesNotExist: no",
        ),
        (
            Answer::json(400, &serde_json::json!({"__type": "com.amazon.coral.service#RequestThrottled"})),
            true,
            "RequestThrottled",
        ),
        (Answer::status(502), true, "502"),
        (Answer::status(413), false, "413"),
        (Answer::Reset, true, "cannot reach"),
    ] {
        peer.script([answer.clone()]);
        let keys = "access_key = \"A\"\n secret_key = \"s3cr3t\"";
        let error = signer(&peer, &[], keys).await.unwrap_err();
        assert_eq!(matches!(error, SendError::Retry { .. }), retried, "{answer:?}: {error}");
        assert!(
            error.to_string().contains(says) && !error.to_string().contains("s3cr3t"),
            "{answer:?}: {error}"
        );
    }
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

#[test]
fn services_are_where_aws_has_them() {
    assert_eq!(service("sqs", None).endpoint().as_str(), "https://sqs.eu-west-1.amazonaws.com/");
    assert_eq!(domain("cn-north-1"), "amazonaws.com.cn");
    assert_eq!(domain("us-gov-west-1"), "amazonaws.com");
    assert_eq!(region_of_arn("arn:aws-cn:sns:cn-north-1:1:t"), Some("cn-north-1"));
}
