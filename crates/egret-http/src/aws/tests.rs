//! Signatures, credentials, answers: against a server that records, and against moto.

use std::time::Duration;

use bytes::Bytes;
use egret_peer::{Answer, HttpPeer, Moto};
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::*;
use crate::testing;

const KEYS: &str = "access_key = \"AKIDEXAMPLE\"\n secret_key = \"s3cr3t/K7MDENG\"";
const SECRET_KEY: &str = "s3cr3t/K7MDENG";

fn identity(variables: &[(&str, &str)], attributes: &str) -> AwsIdentity {
    let context = testing::context(variables, Duration::from_secs(60));
    let (identity, mistakes) = testing::decode(attributes, |reader| AwsIdentity::decode(reader, &context));
    identity.unwrap_or_else(|| panic!("{mistakes}"))
}

fn service(name: &str, variables: &[(&str, &str)], attributes: &str) -> Aws {
    let context = testing::context(variables, Duration::from_secs(60));
    let (aws, mistakes) =
        testing::decode(attributes, |reader| Aws::decode(reader, &context, name, Some("eu-west-1")));
    aws.unwrap_or_else(|| panic!("{mistakes}"))
}

async fn get(service: &Aws, path: &str) -> Result<HttpResponse, CallError> {
    let mut url = service.endpoint().clone();
    url.set_path(path);
    service.call(HttpRequest::get(url), service.deadline()).await
}

/// A service at the peer, as an identity.
fn at(peer: &HttpPeer, identity: &AwsIdentity, name: &str, region: &str) -> Aws {
    let url = format!("endpoint = \"{}\"", peer.url(""));
    let (endpoint, _) = testing::decode(&url, |reader| reader.required::<Address>("endpoint"));
    Aws::new(identity, name, region, endpoint.as_ref()).unwrap()
}

#[tokio::test]
async fn requests_are_signed_as_they_arrive() {
    let peer = HttpPeer::start().await.unwrap();
    let more = format!("{KEYS}\n session_token = \"t0ken==\"\n endpoint = \"{}\"", peer.url(""));
    for (name, method, path, body) in [
        ("sns", Method::POST, "/", "Action=Publish&Message=%C3%BC"),
        (
            "ec2",
            Method::GET,
            "/?Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=b&Filter.1.Name=a",
            "",
        ),
        ("s3", Method::PUT, "/bucket/a%20b/%C3%A4%2B%25%281%29~/dt%3D2023/x.json", "{}"),
    ] {
        let service = service(name, &[], &more);
        assert!(!format!("{service:?}").contains(SECRET_KEY), "{service:?}");
        let url = Url::parse(&peer.url(path)).unwrap();
        let body = Bytes::from(body);
        let request = HttpRequest { method, url, headers: HeaderMap::new(), body: body.clone() };
        service.call(request, service.deadline()).await.unwrap();
        let request = peer.last();
        assert_eq!(request.path, path);
        assert_eq!(request.authorization_part("Signature"), request.aws_signature(SECRET_KEY), "{name}");
        assert_eq!(request.header("x-amz-content-sha256"), hex(&Sha256::digest(&body)));
        assert_eq!(request.header("x-amz-security-token"), "t0ken==");
        let scope = format!("/eu-west-1/{name}/aws4_request");
        assert!(request.authorization_part("Credential").ends_with(&scope));
        for signed in ["host", "x-amz-date", "x-amz-content-sha256"] {
            assert!(request.authorization_part("SignedHeaders").contains(signed), "{signed}");
        }
    }
}

/// Who signs a request with these variables and attributes: the access key, or why there is none.
async fn signer(peer: &HttpPeer, variables: &[(&str, &str)], more: &str) -> Result<String, CallError> {
    let more = format!("endpoint = \"{}\"\n {more}", peer.url(""));
    get(&service("sns", variables, &more), "/sns").await?;
    Ok(access_key(peer))
}

fn access_key(peer: &HttpPeer) -> String {
    peer.last().authorization_part("Credential").split('/').next().unwrap().to_owned()
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

fn paths(peer: &HttpPeer) -> Vec<String> {
    peer.requests().iter().map(|request| request.path.clone()).collect()
}

#[tokio::test]
async fn machines_and_containers_have_credentials() {
    let peer = HttpPeer::start().await.unwrap();
    let text = |text: &str| Answer::Status(200, Vec::new(), text.into());
    peer.script([text("session"), text("role"), Answer::json(200, &temporary("MACHINE"))]);
    let metadata = peer.url("");
    let machine = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str())];
    assert_eq!(signer(&peer, &machine, "").await.unwrap(), "MACHINE");
    assert_eq!(
        paths(&peer),
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

const ROLE: &str = "role_arn = \"arn:aws:iam::123456789012:role/egret\"\n external_id = \"e-1\"";

#[tokio::test]
async fn a_role_is_assumed() {
    let peer = HttpPeer::start().await.unwrap();
    let moto = tokio::task::spawn_blocking(Moto::shared).await.unwrap();
    let at_moto = moto.unwrap_or_else(|problem| panic!("{problem}")).url();
    let variables = [("AWS_ENDPOINT_URL_STS", at_moto.as_str())];
    let access_key = signer(&peer, &variables, &format!("{ROLE}\n {KEYS}")).await.unwrap();
    assert!(access_key.starts_with("ASIA"), "{access_key}");
    assert!(!peer.last().header("x-amz-security-token").is_empty());

    // What is asked, and how it is signed: for the public name.
    let at_peer = peer.url("");
    let variables = [("AWS_ENDPOINT_URL_STS", at_peer.as_str())];
    let denied =
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>";
    peer.script([Answer::Status(403, Vec::new(), denied.into())]);
    let error = signer(&peer, &variables, &format!("{ROLE}\n {KEYS}")).await.unwrap_err();
    assert!(
        matches!(&error, CallError::Retry { message, .. } if message.contains("AccessDenied")),
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

/// What STS answers.
fn assumed(access_key: &str) -> Answer {
    let text = format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{access_key}</AccessKeyId>\
         <SecretAccessKey>x</SecretAccessKey><SessionToken>of-{access_key}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    );
    Answer::Status(200, Vec::new(), text)
}

#[tokio::test]
async fn an_identity_is_asked_for_once_and_good_for_many_services() {
    let peer = HttpPeer::start().await.unwrap();
    let at_peer = peer.url("");
    let hub = identity(&[("AWS_ENDPOINT_URL_STS", at_peer.as_str())], &format!("{KEYS}\n {ROLE}"));
    let (first, second) = (
        hub.assuming("arn:aws:iam::111111111111:role/reader", None),
        hub.assuming("arn:aws:iam::222222222222:role/reader", Some(egret_model::Secret::new("e-2"))),
    );
    peer.script([assumed("HUBHUBHUBHUBHUBHUB"), assumed("FIRSTFIRSTFIRSTFIRST")]);
    for (name, region) in [("ec2", "eu-west-1"), ("ec2", "us-east-1"), ("iam", "eu-west-1")] {
        get(&at(&peer, &first.clone(), name, region), "/service").await.unwrap();
        assert_eq!(access_key(&peer), "FIRSTFIRSTFIRSTFIRST");
        let signed_for = if name == "iam" { "us-east-1" } else { region };
        let scope = format!("/{signed_for}/{name}/aws4_request");
        assert!(peer.last().authorization_part("Credential").ends_with(&scope));
        assert_eq!(peer.last().authorization_part("Signature"), peer.last().aws_signature("x"));
    }
    // The second account needs no other hub.
    peer.script([assumed("SECONDSECONDSECOND")]);
    get(&at(&peer, &second, "ec2", "us-east-1"), "/service").await.unwrap();
    get(&at(&peer, &hub, "ec2", "us-east-1"), "/service").await.unwrap();
    let signed_by: Vec<(String, String)> = peer
        .requests()
        .iter()
        .map(|request| {
            let key = request.authorization_part("Credential").split('/').next().unwrap().to_owned();
            let account = request.path.split("iam%3A%3A").nth(1).map(|rest| rest[..3].to_owned());
            (key, account.unwrap_or_default())
        })
        .collect();
    let expected = [
        ("AKIDEXAMPLE", "123"),
        ("HUBHUBHUBHUBHUBHUB", "111"),
        ("FIRSTFIRSTFIRSTFIRST", ""),
        ("FIRSTFIRSTFIRSTFIRST", ""),
        ("FIRSTFIRSTFIRSTFIRST", ""),
        ("HUBHUBHUBHUBHUBHUB", "222"),
        ("SECONDSECONDSECOND", ""),
        ("HUBHUBHUBHUBHUBHUB", ""),
    ];
    let expected: Vec<(String, String)> =
        expected.iter().map(|(key, account)| ((*key).to_owned(), (*account).to_owned())).collect();
    assert_eq!(signed_by, expected);
}

#[tokio::test]
async fn without_credentials_it_says_what_to_do() {
    let peer = HttpPeer::start().await.unwrap();
    let error = signer(&peer, &[("AWS_EC2_METADATA_DISABLED", "true")], "").await.unwrap_err();
    assert!(
        matches!(&error, CallError::Retry { message, .. } if message.contains("name an `access_key`")),
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
    let json = |kind: &str| Answer::json(400, &serde_json::json!({"__type": kind, "message": "no"}));
    let rest = |kind: &str| {
        Answer::json(404, &serde_json::json!({"message": "no"})).with_header("x-amzn-errortype", kind)
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
        (json("com.amazonaws.sqs#QueueDoesNotExist"), false, "QueueDoesNotExist: no"),
        (json("com.amazon.coral.service#RequestThrottled"), true, "RequestThrottled"),
        (rest("ResourceNotFoundException:http://internal.example/x"), false, "ResourceNotFoundException: no"),
        (rest("TooManyRequestsException"), true, "TooManyRequestsException: no"),
        (Answer::status(502), true, "502"),
        (Answer::status(413), false, "413"),
        (Answer::Reset, true, "cannot reach"),
    ] {
        peer.script([answer.clone()]);
        let error = signer(&peer, &[], KEYS).await.unwrap_err();
        assert_eq!(matches!(error, CallError::Retry { .. }), retried, "{answer:?}: {error}");
        assert!(
            error.to_string().contains(says) && !error.to_string().contains(SECRET_KEY),
            "{answer:?}: {error}"
        );
    }
}

#[test]
fn mistakes_have_hints() {
    for (attributes, expected) in [
        ("", "in which region the service is"),
        ("region = \"evil.example.org/\"", "`evil.example.org/` is no region"),
        ("region = \"eu-west-1\"\n access_key = \"a\"", "an `access_key` with its `secret_key`"),
        ("region = \"eu-west-1\"\n external_id = \"a\"", "an `external_id` goes with a `role_arn`"),
    ] {
        let context = testing::context(&[], Duration::from_secs(1));
        let (none, mistakes) =
            testing::decode(attributes, |reader| Aws::decode(reader, &context, "sqs", None));
        assert!(none.is_none() && mistakes.contains(expected), "{attributes}: {mistakes}");
    }
}

#[test]
fn the_region_is_what_is_named_or_known_or_of_the_environment() {
    let variables = [("AWS_REGION", "eu-north-1")];
    let context = testing::context(&variables, Duration::from_secs(1));
    for (attributes, known, expected) in [
        ("region = \"eu-west-1\"", Some("us-east-1"), "https://sqs.eu-west-1.amazonaws.com/"),
        ("", Some("us-east-1"), "https://sqs.us-east-1.amazonaws.com/"),
        ("", None, "https://sqs.eu-north-1.amazonaws.com/"),
    ] {
        let (aws, _) = testing::decode(attributes, |reader| Aws::decode(reader, &context, "sqs", known));
        assert_eq!(aws.unwrap().endpoint().as_str(), expected);
    }
    let (identity, _) = testing::decode(KEYS, |reader| AwsIdentity::decode(reader, &context));
    let error = Aws::new(&identity.unwrap(), "sqs", "a.b/", None).unwrap_err();
    assert_eq!(error, CallError::refused("`a.b/` is no region"));
}
