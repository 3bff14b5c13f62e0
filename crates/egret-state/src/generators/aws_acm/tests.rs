//! Against moto in several regions and accounts, and against answers as AWS documents them: pages, failures.

use serde_json::{Value as Json, json};

use super::*;
use crate::generators::aws::testing::{ACCOUNT, HERE, Place, World, found, refused};
use crate::generators::documented::check_documented;
use crate::generators::peer::{Asked, Reply};

const NORTH: Place<'_> = Place { region: "eu-north-1", account: None };
const OTHER: Place<'_> = Place { region: "eu-west-1", account: Some("111111111111") };

async fn request(world: &World, place: Place<'_>, domain: &str) {
    let body = json!({
        "DomainName": domain,
        "SubjectAlternativeNames": [format!("www.{domain}")],
        "ValidationMethod": "DNS",
        "KeyAlgorithm": "EC_prime256v1",
        "Tags": [{"Key": "team", "Value": "web"}],
    });
    let answer = world.operate("acm", place, "CertificateManager.RequestCertificate", &body).await;
    assert!(answer["CertificateArn"].is_string(), "{answer}");
}

#[tokio::test]
async fn certificates_of_regions_and_accounts_are_described() {
    let world = World::with_moto(|_| Reply::Forward).await;
    for (place, domain) in [(HERE, "a.example.org"), (NORTH, "b.example.org"), (OTHER, "c.example.org")] {
        request(&world, place, domain).await;
    }
    let attributes = "regions = [\"eu-west-1\", \"eu-north-1\"]\n accounts = [\"own\", \"arn:aws:iam::111111111111:role/egret\"]";
    let run = world.run("aws_acm", attributes).await.unwrap();
    assert_eq!((run.failed.len(), run.listed.len()), (0, 3), "{run:?}");
    check_documented(&GENERATOR_TYPE, &run.listed);
    let starts = ["111111111111/eu-west-1/", "123456789012/eu-north-1/", "123456789012/eu-west-1/"];
    assert!(run.listed.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{:?}", run.listed);
    let key = run.listed[2].split(' ').next().unwrap();
    let certificate = found(&run, key);
    assert_eq!(
        (&certificate["DomainName"], &certificate["Tags"]),
        (&json!("a.example.org"), &json!({"team": "web"}))
    );
    assert_eq!(certificate["kind"], "certificate");
    assert!(certificate.get("expires").is_none_or(|expires| expires == "later"), "{certificate}");
    assert_eq!(world.run("aws_acm", attributes).await.unwrap().listed, run.listed);
}

#[tokio::test]
async fn all_regions_that_are_enabled_are_looked_at() {
    let world = World::with_moto(|_| Reply::Forward).await;
    request(&world, NORTH, "b.example.org").await;
    let run = world.run("aws_acm", "region = \"eu-west-1\"").await.unwrap();
    assert_eq!((run.failed.len(), run.listed.len()), (0, 1), "{run:?}");
    let listed = world.peer.asked().iter().filter(|asked| target(asked) == "ListCertificates").count();
    assert!(listed > 10, "{listed}");
}

fn target(asked: &Asked) -> &str {
    asked.header("x-amz-target").rsplit('.').next().unwrap()
}

fn region(asked: &Asked) -> &str {
    asked.header("authorization").split('/').nth(2).unwrap_or_default()
}

fn arn(region: &str, name: &str) -> String {
    format!("arn:aws:acm:{region}:{ACCOUNT}:certificate/{name}")
}

/// Two regions with two pages of certificates, as AWS answers.
fn recorded(asked: &Asked) -> Reply {
    let body: Json = serde_json::from_str(&asked.body).unwrap_or_default();
    let region = region(asked);
    if asked.field("Action").as_deref() == Some("GetCallerIdentity") {
        let text =
            format!("<R><GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult></R>");
        return Reply::text(200, text);
    }
    let summary = |name: &str| json!({"CertificateArn": arn(region, name), "DomainName": "example.org", "Exported": true});
    if body["RootHierarchyTypes"].is_array() && region == "us-east-1" {
        return Reply::json(400, &json!({"__type": "ValidationException", "message": "RootHierarchyTypes"}));
    }
    let answer = match (target(asked), body["NextToken"].as_str()) {
        ("ListCertificates", None) => {
            assert_eq!(body["Includes"]["keyTypes"].as_array().unwrap().len(), 7);
            json!({"CertificateSummaryList": [summary("one"), summary("gone")], "NextToken": "t=="})
        }
        ("ListCertificates", Some("t==")) => json!({"CertificateSummaryList": [summary("two")]}),
        ("DescribeCertificate", _) if body["CertificateArn"].as_str().unwrap().ends_with("gone") => {
            return Reply::json(400, &json!({"__type": "ResourceNotFoundException", "message": "gone"}));
        }
        ("DescribeCertificate", _) => json!({"Certificate": {
            "CertificateArn": body["CertificateArn"], "Status": "EXPIRED", "NotAfter": 1_704_067_200.123,
            "RenewalSummary": {"RenewalStatus": "FAILED", "UpdatedAt": 1_704_067_200},
        }}),
        ("ListTagsForCertificate", _) => json!({"Tags": []}),
        other => panic!("{other:?}"),
    };
    Reply::json(200, &answer)
}

const REGIONS: &str = "regions = [\"eu-west-1\", \"us-east-1\"]";

#[tokio::test]
async fn pages_are_followed_and_times_are_read() {
    let world = World::scripted(recorded).await;
    let run = world.run("aws_acm", REGIONS).await.unwrap();
    let keys: Vec<&str> = run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "123456789012/eu-west-1/one",
            "123456789012/eu-west-1/two",
            "123456789012/us-east-1/one",
            "123456789012/us-east-1/two"
        ]
    );
    assert_eq!(
        found(&run, keys[0]),
        json!({
            "CertificateArn": arn("eu-west-1", "one"), "DomainValidationOptions": [], "Exported": true, "ExtendedKeyUsages": [],
            "InUseBy": [], "KeyUsages": [], "NotAfter": "2024-01-01T00:00:00Z",
            "RenewalSummary": {"RenewalStatus": "FAILED"}, "Status": "EXPIRED", "SubjectAlternativeNames": [],
            "Tags": {}, "account": ACCOUNT, "expires": "expired", "id": "one", "kind": "certificate",
            "region": "eu-west-1",
        })
    );
}

#[tokio::test]
async fn a_region_that_fails_leaves_the_others() {
    let denied = json!({"__type": "AccessDeniedException", "Message": "not you"});
    let world = World::scripted(move |asked| match (target(asked), region(asked)) {
        ("ListTagsForCertificate", "us-east-1") => Reply::json(400, &denied),
        _ => recorded(asked),
    })
    .await;
    let run = world.run("aws_acm", REGIONS).await.unwrap();
    assert_eq!(run.listed.len(), 2);
    let why = "the permission acm:ListTagsForCertificate is missing: 127.0.0.1 answered AccessDeniedException: not you";
    assert_eq!(run.failed, [format!("{ACCOUNT}/us-east-1: {why}")]);
}

#[tokio::test]
async fn revoked_credentials_give_no_state() {
    let world = World::scripted(|asked| match target(asked) {
        "ListCertificates" => Reply::json(
            400,
            &json!({"__type": "UnrecognizedClientException", "message": "The security token is invalid"}),
        ),
        _ => recorded(asked),
    })
    .await;
    let error = world.run("aws_acm", REGIONS).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "127.0.0.1 answered UnrecognizedClientException: The security token is invalid"
    );
    // Without `regions` that fails sooner.
    let world = World::scripted(|asked| match asked.field("Action").as_deref() {
        Some("DescribeRegions") => refused(403, "UnauthorizedOperation"),
        _ => recorded(asked),
    })
    .await;
    let error = world.run("aws_acm", "").await.unwrap_err();
    assert!(error.to_string().starts_with("the permission ec2:DescribeRegions is missing: "), "{error}");
}

#[test]
fn how_soon_is_said_in_steps() {
    let now = Timestamp::parse("2024-02-01T00:00:00Z").unwrap();
    for (days, expected) in [
        (-1, "expired"),
        (0, "expired"),
        (1, "3 days"),
        (3, "3 days"),
        (4, "14 days"),
        (14, "14 days"),
        (15, "30 days"),
        (31, "later"),
    ] {
        assert_eq!(expires(now.plus_micros(days * DAY_MICROS), now), expected, "{days}");
    }
}
