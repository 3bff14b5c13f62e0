//! Against moto in several regions and accounts, and against answers as AWS documents them: pages, failures.

use egret_http::Method;
use serde_json::{Value as Json, json};

use super::GENERATOR_TYPE;
use crate::generators::aws::testing::{ACCOUNT, Place, World, found, refused};
use crate::generators::documented::check_documented;
use crate::generators::peer::{Asked, Reply};

const WEST: Place<'_> = Place { region: "eu-west-1", account: None };
const EAST: Place<'_> = Place { region: "us-east-1", account: None };
const OTHER: Place<'_> = Place { region: "us-east-1", account: Some("111111111111") };

async fn put(world: &World, place: Place<'_>, path: &str, body: &str) {
    world.send("s3", place, Method::PUT, path, &[], body).await;
}

async fn create(world: &World, place: Place<'_>, bucket: &str) {
    let body = format!(
        "<CreateBucketConfiguration><LocationConstraint>{}</LocationConstraint></CreateBucketConfiguration>",
        place.region
    );
    put(world, place, &format!("/{bucket}"), if place.region == "us-east-1" { "" } else { &body }).await;
}

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*"}]}"#;

/// A bucket with one of everything.
async fn furnish(world: &World) {
    create(world, WEST, "data").await;
    for (query, body) in [
        ("policy", POLICY),
        (
            "publicAccessBlock",
            "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>false</IgnorePublicAcls>\
             <BlockPublicPolicy>false</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>\
             </PublicAccessBlockConfiguration>",
        ),
        (
            "encryption",
            "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
             <KMSMasterKeyID>k-1</KMSMasterKeyID></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>true</BucketKeyEnabled>\
             </Rule></ServerSideEncryptionConfiguration>",
        ),
        ("versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"),
        (
            "website",
            "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><RoutingRules><RoutingRule>\
             <Condition><KeyPrefixEquals>b/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>c/</ReplaceKeyPrefixWith>\
             </Redirect></RoutingRule><RoutingRule><Condition><KeyPrefixEquals>a/</KeyPrefixEquals></Condition><Redirect>\
             <HostName>example.org</HostName></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>",
        ),
        (
            "cors",
            "<CORSConfiguration><CORSRule><AllowedMethod>PUT</AllowedMethod><AllowedMethod>GET</AllowedMethod>\
             <AllowedOrigin>*</AllowedOrigin><MaxAgeSeconds>3000</MaxAgeSeconds></CORSRule><CORSRule>\
             <AllowedMethod>DELETE</AllowedMethod><AllowedOrigin>https://example.org</AllowedOrigin></CORSRule></CORSConfiguration>",
        ),
        (
            "ownershipControls",
            "<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>",
        ),
        (
            "acl",
            "<AccessControlPolicy><Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>\
             <AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
             <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant>\
             </AccessControlList></AccessControlPolicy>",
        ),
    ] {
        put(world, WEST, &format!("/data?{query}"), body).await;
    }
    let block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
                 <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
                 </PublicAccessBlockConfiguration>";
    let headers = [("x-amz-account-id", ACCOUNT)];
    world.send("s3", WEST, Method::PUT, "/v20180820/configuration/publicAccessBlock", &headers, block).await;
}

#[tokio::test]
async fn a_bucket_is_described() {
    let world = World::with_moto(|_| Reply::Forward).await;
    furnish(&world).await;
    create(&world, EAST, "plain").await;
    let run = world.run("aws_s3", "").await.unwrap();
    assert_eq!(run.failed, [""; 0]);
    check_documented(&GENERATOR_TYPE, &run.listed);
    let mut data = found(&run, "123456789012/bucket/data");
    assert!(data["CreationDate"].take().is_string() && data["Owner"].take()["ID"].is_string(), "{data}");
    assert_eq!(
        data,
        json!({
            "CORSRules": [
                {"AllowedHeaders": [], "AllowedMethods": ["GET", "PUT"], "AllowedOrigins": ["*"], "ExposeHeaders": [], "MaxAgeSeconds": 3000},
                {"AllowedHeaders": [], "AllowedMethods": ["DELETE"], "AllowedOrigins": ["https://example.org"], "ExposeHeaders": []},
            ],
            "CreationDate": null,
            "Grants": [{"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}],
            "Name": "data",
            "Owner": null,
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
            "Policy": serde_json::from_str::<Json>(POLICY).unwrap(),
            "PolicyStatus": {"IsPublic": true},
            "PublicAccessBlockConfiguration": {
                "BlockPublicAcls": true, "BlockPublicPolicy": false, "IgnorePublicAcls": false, "RestrictPublicBuckets": false},
            "ServerSideEncryptionConfiguration": {"Rules": [{
                "ApplyServerSideEncryptionByDefault": {"KMSMasterKeyID": "k-1", "SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": true}]},
            "Versioning": {"Status": "Enabled"},
            "Website": {"IndexDocument": {"Suffix": "index.html"}, "RoutingRules": [
                {"Condition": {"KeyPrefixEquals": "b/"}, "Redirect": {"ReplaceKeyPrefixWith": "c/"}},
                {"Condition": {"KeyPrefixEquals": "a/"}, "Redirect": {"HostName": "example.org"}}]},
            "account": ACCOUNT, "id": "data", "kind": "bucket", "region": "eu-west-1",
        })
    );
    let plain = found(&run, "123456789012/bucket/plain");
    assert_eq!(
        (&plain["region"], &plain["Versioning"], &plain["CORSRules"]),
        (&json!("us-east-1"), &json!({}), &json!([]))
    );
    assert!(plain.get("Policy").is_none() && plain.get("PolicyStatus").is_none(), "{plain}");
    let account = found(&run, "123456789012/account/123456789012");
    assert_eq!(account["PublicAccessBlockConfiguration"]["RestrictPublicBuckets"], true);
    assert_eq!(world.run("aws_s3", "").await.unwrap().listed, run.listed);

    let one_region = world.run("aws_s3", "regions = [\"us-east-1\"]").await.unwrap();
    assert_eq!(one_region.listed, [run.listed[0].clone(), run.listed[2].clone()]);
}

#[tokio::test]
async fn a_bucket_that_shuts_us_out_leaves_the_others() {
    let answer = |asked: &Asked| match asked.path.as_str() {
        "/shut?policy" => refused(403, "AccessDenied"),
        "/gone?acl" => refused(404, "NoSuchBucket"),
        _ => Reply::Forward,
    };
    let world = World::with_moto(answer).await;
    for bucket in ["shut", "gone", "open"] {
        create(&world, EAST, bucket).await;
    }
    create(&world, OTHER, "theirs").await;
    let attributes = "accounts = [\"own\", \"arn:aws:iam::111111111111:role/egret\"]";
    let run = world.run("aws_s3", attributes).await.unwrap();
    let keys: Vec<&str> = run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "111111111111/account/111111111111",
            "111111111111/bucket/theirs",
            "123456789012/account/123456789012",
            "123456789012/bucket/open"
        ]
    );
    let why = "the permission s3:GetBucketPolicy is missing: 127.0.0.1 answered AccessDenied: as documented";
    assert_eq!(run.failed, [format!("{ACCOUNT}/bucket/shut: {why}")]);
}

/// Two pages of buckets with their regions, as AWS answers.
fn recorded(asked: &Asked) -> Reply {
    if asked.field("Action").as_deref() == Some("GetCallerIdentity") {
        let text =
            format!("<R><GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult></R>");
        return Reply::text(200, text);
    }
    let bucket = |name: &str, region: &str| {
        format!(
            "<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Buckets><Bucket><Name>{name}</Name>\
             <CreationDate>2024-01-01T10:00:00.000Z</CreationDate><BucketRegion>{region}</BucketRegion></Bucket></Buckets>"
        )
    };
    let end = "</ListAllMyBucketsResult>";
    let region = asked.header("authorization").split('/').nth(2).unwrap_or_default();
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    match (path, query, asked.field("continuation-token").as_deref()) {
        ("/", _, None) => {
            let token = "<ContinuationToken>t/+=</ContinuationToken>";
            Reply::text(200, format!("{}{token}{end}", bucket("one", "eu-west-1")))
        }
        ("/", _, Some("t/+=")) => Reply::text(200, format!("{}{end}", bucket("two", "us-east-1"))),
        ("/v20180820/configuration/publicAccessBlock", ..) => {
            assert_eq!(asked.header("x-amz-account-id"), ACCOUNT);
            refused(404, "NoSuchPublicAccessBlockConfiguration")
        }
        ("/one", ..) if region != "eu-west-1" => panic!("{region}"),
        ("/two", ..) if region != "us-east-1" => panic!("{region}"),
        (_, "policy" | "policyStatus", _) => refused(404, "NoSuchBucketPolicy"),
        (_, "publicAccessBlock", _) => refused(404, "NoSuchPublicAccessBlockConfiguration"),
        (_, "encryption", _) => refused(404, "ServerSideEncryptionConfigurationNotFoundError"),
        (_, "website", _) => refused(404, "NoSuchWebsiteConfiguration"),
        (_, "cors", _) => refused(404, "NoSuchCORSConfiguration"),
        (_, "ownershipControls", _) => refused(404, "OwnershipControlsNotFoundError"),
        (_, "acl" | "logging" | "versioning", _) => {
            Reply::text(200, "<X xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>")
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn pages_say_where_buckets_are() {
    let world = World::scripted(recorded).await;
    let run = world.run("aws_s3", "").await.unwrap();
    assert_eq!(run.failed, [""; 0]);
    assert_eq!(
        run.listed,
        [
            r#"123456789012/account/123456789012 {"account":"123456789012","id":"123456789012","kind":"account"}"#,
            r#"123456789012/bucket/one {"CORSRules":[],"CreationDate":"2024-01-01T10:00:00Z","Grants":[],"Name":"one","Versioning":{},"account":"123456789012","id":"one","kind":"bucket","region":"eu-west-1"}"#,
            r#"123456789012/bucket/two {"CORSRules":[],"CreationDate":"2024-01-01T10:00:00Z","Grants":[],"Name":"two","Versioning":{},"account":"123456789012","id":"two","kind":"bucket","region":"us-east-1"}"#,
        ]
    );
}

#[tokio::test]
async fn busy_is_waited_out_and_a_list_that_is_refused_is_a_part() {
    let busy = std::sync::atomic::AtomicU32::new(0);
    let world = World::scripted(move |asked| match asked.path.as_str() {
        "/one?acl" if busy.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 2 => {
            refused(503, "SlowDown").with_header("retry-after", "0")
        }
        _ => recorded(asked),
    })
    .await;
    let run = world.run("aws_s3", "").await.unwrap();
    assert_eq!((run.listed.len(), run.failed.len()), (3, 0));
    let world = World::scripted(|asked| match asked.path.starts_with("/?max-buckets") {
        true => refused(403, "AccessDenied"),
        false => recorded(asked),
    })
    .await;
    let run = world.run("aws_s3", "").await.unwrap();
    let why = "the permission s3:ListAllMyBuckets is missing: 127.0.0.1 answered AccessDenied: as documented";
    assert_eq!((run.listed.len(), run.failed), (1, vec![format!("{ACCOUNT}/bucket: {why}")]));
}

#[tokio::test]
async fn revoked_credentials_give_no_state() {
    let world = World::scripted(|asked| match asked.field("Action") {
        Some(_) => recorded(asked),
        None => refused(403, "InvalidAccessKeyId"),
    })
    .await;
    let error = world.run("aws_s3", "").await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 answered InvalidAccessKeyId: as documented");
}
