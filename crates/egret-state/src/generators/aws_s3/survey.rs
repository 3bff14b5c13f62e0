//! What is asked of S3, and what becomes of it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use egret_http::aws::is_region;
use egret_http::header::{HeaderMap, HeaderValue};
use egret_http::{CallError, Url};
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Map, Value as Json};

use super::AwsS3;
use crate::generators::aws::Member::{self, Flag, List, Number, Repeated, Structure, Text, Time};
use crate::generators::aws::{Account, AccountSurvey, AwsError, AwsService, Element, document, policy};
use crate::generators::parts::Part;

/// Buckets at once; requests have a limit of their own.
const AT_ONCE: usize = 16;

/// More pages are a service that goes round in circles.
const MAX_PAGES: usize = 10_000;

const GONE: &str = "NoSuchBucket";
const NO_POLICY: &str = "NoSuchBucketPolicy";
const NO_BLOCK: &str = "NoSuchPublicAccessBlockConfiguration";

/// The display name that a grantee may have says nothing, and services stop giving it.
const GRANT: Member = Structure(&[
    ("Grantee", Structure(&[("Type=xsi:type", Text), ("ID", Text), ("URI", Text), ("EmailAddress", Text)])),
    ("Permission", Text),
]);

const BLOCK: Member = Structure(&[
    ("BlockPublicAcls", Flag),
    ("IgnorePublicAcls", Flag),
    ("BlockPublicPolicy", Flag),
    ("RestrictPublicBuckets", Flag),
]);

/// What can be asked of a bucket.
struct Aspect {
    /// As requests have it: `?acl`.
    query: &'static str,
    permission: &'static str,
    /// The code of a bucket that does not have it.
    absent: &'static str,
    /// Its name in documents; without one its members are those of the document.
    name: Option<&'static str>,
    member: Member,
}

const ASPECTS: [Aspect; 9] = [
    Aspect {
        query: "policyStatus",
        permission: "s3:GetBucketPolicyStatus",
        absent: NO_POLICY,
        name: Some("PolicyStatus"),
        member: Structure(&[("IsPublic", Flag)]),
    },
    Aspect {
        query: "acl",
        permission: "s3:GetBucketAcl",
        absent: "",
        name: None,
        member: Structure(&[
            ("Owner", Structure(&[("ID", Text)])),
            ("Grants=AccessControlList", List(&GRANT)),
        ]),
    },
    Aspect {
        query: "publicAccessBlock",
        permission: "s3:GetBucketPublicAccessBlock",
        absent: NO_BLOCK,
        name: Some("PublicAccessBlockConfiguration"),
        member: BLOCK,
    },
    Aspect {
        query: "encryption",
        permission: "s3:GetEncryptionConfiguration",
        absent: "ServerSideEncryptionConfigurationNotFoundError",
        name: Some("ServerSideEncryptionConfiguration"),
        member: Structure(&[(
            "Rules=Rule",
            Repeated(&Structure(&[
                (
                    "ApplyServerSideEncryptionByDefault",
                    Structure(&[("SSEAlgorithm", Text), ("KMSMasterKeyID", Text)]),
                ),
                ("BucketKeyEnabled", Flag),
                ("BlockedEncryptionTypes", Structure(&[("EncryptionType", Repeated(&Text))])),
            ])),
        )]),
    },
    Aspect {
        query: "versioning",
        permission: "s3:GetBucketVersioning",
        absent: "",
        name: Some("Versioning"),
        member: Structure(&[("Status", Text), ("MFADelete=MfaDelete", Text)]),
    },
    Aspect {
        query: "logging",
        permission: "s3:GetBucketLogging",
        absent: "",
        name: None,
        member: Structure(&[(
            "LoggingEnabled",
            Structure(&[("TargetBucket", Text), ("TargetPrefix", Text), ("TargetGrants", List(&GRANT))]),
        )]),
    },
    Aspect {
        query: "website",
        permission: "s3:GetBucketWebsite",
        absent: "NoSuchWebsiteConfiguration",
        name: Some("Website"),
        member: Structure(&[
            ("RedirectAllRequestsTo", Structure(&[("HostName", Text), ("Protocol", Text)])),
            ("IndexDocument", Structure(&[("Suffix", Text)])),
            ("ErrorDocument", Structure(&[("Key", Text)])),
            (
                "RoutingRules",
                List(&Structure(&[
                    (
                        "Condition",
                        Structure(&[("HttpErrorCodeReturnedEquals", Text), ("KeyPrefixEquals", Text)]),
                    ),
                    (
                        "Redirect",
                        Structure(&[
                            ("HostName", Text),
                            ("HttpRedirectCode", Text),
                            ("Protocol", Text),
                            ("ReplaceKeyPrefixWith", Text),
                            ("ReplaceKeyWith", Text),
                        ]),
                    ),
                ])),
            ),
        ]),
    },
    Aspect {
        query: "cors",
        permission: "s3:GetBucketCORS",
        absent: "NoSuchCORSConfiguration",
        name: None,
        member: Structure(&[(
            "CORSRules=CORSRule",
            Repeated(&Structure(&[
                ("ID", Text),
                ("AllowedHeaders=AllowedHeader", Repeated(&Text)),
                ("AllowedMethods=AllowedMethod", Repeated(&Text)),
                ("AllowedOrigins=AllowedOrigin", Repeated(&Text)),
                ("ExposeHeaders=ExposeHeader", Repeated(&Text)),
                ("MaxAgeSeconds", Number),
            ])),
        )]),
    },
    Aspect {
        query: "ownershipControls",
        permission: "s3:GetBucketOwnershipControls",
        absent: "OwnershipControlsNotFoundError",
        name: Some("OwnershipControls"),
        member: Structure(&[("Rules=Rule", Repeated(&Structure(&[("ObjectOwnership", Text)])))]),
    },
];

#[async_trait]
impl AccountSurvey for AwsS3 {
    async fn survey(&self, account: &Account<'_>) -> Vec<Part> {
        let s3 = match account.service("s3", account.home()) {
            Ok(s3) => s3,
            Err(error) => return vec![Part::failed(account.id.as_str(), error)],
        };
        let buckets = match buckets(&s3).await {
            Ok(buckets) => buckets,
            Err(error) if error.is_of_credentials() => {
                return vec![Part::failed(account.id.as_str(), error)];
            }
            Err(error) => {
                let of_account = account_document(&s3, &account.id).await;
                return vec![
                    Part::failed(format!("{}/bucket", account.id), error),
                    Part::new(format!("{}/account", account.id), of_account),
                ];
            }
        };
        let mut parts =
            vec![Part::new(format!("{}/account", account.id), account_document(&s3, &account.id).await)];
        let mut each = Vec::new();
        for bucket in &buckets {
            each.push(self.bucket(account, bucket));
        }
        let found = stream::iter(each).buffer_unordered(AT_ONCE).collect::<Vec<_>>().await;
        parts.extend(found.into_iter().flatten());
        parts
    }
}

/// What the list of buckets says of one.
#[derive(Debug)]
struct Bucket {
    name: String,
    created: Json,
    /// Empty if it is not said.
    region: String,
}

impl AwsS3 {
    /// The part of a bucket; `None` if it went away in the meantime, or is in a region that nobody wants to look at.
    async fn bucket(&self, account: &Account<'_>, bucket: &Bucket) -> Option<Part> {
        let name = format!("{}/bucket/{}", account.id, bucket.name);
        match self.describe(account, bucket).await {
            Ok(document) => document.map(|document| Part::new(name, Ok::<_, CallError>(vec![document]))),
            Err(error) if error.code == GONE => None,
            Err(error) => Some(Part::failed(name, error)),
        }
    }

    async fn describe(&self, account: &Account<'_>, bucket: &Bucket) -> Result<Option<Json>, AwsError> {
        let region = match bucket.region.as_str() {
            "" => location(&account.service("s3", account.home())?, &bucket.name).await?,
            region => region.to_owned(),
        };
        if self.accounts.named_regions().is_some_and(|wanted| !wanted.contains(&region)) {
            return Ok(None);
        }
        let s3 = account.service("s3", &region)?;
        let mut said = Map::new();
        said.insert("Name".into(), bucket.name.as_str().into());
        said.insert("CreationDate".into(), bucket.created.clone());
        // Lists are there even when they are empty.
        said.insert("CORSRules".into(), Json::Array(Vec::new()));
        let url = url_of(&s3, &bucket.name, "policy");
        match s3.get_text("s3:GetBucketPolicy", url).await {
            Ok(text) => {
                said.insert("Policy".into(), policy(&text));
            }
            Err(error) if error.code == NO_POLICY => {}
            Err(error) => return Err(error),
        }
        for aspect in &ASPECTS {
            let url = url_of(&s3, &bucket.name, aspect.query);
            let answer = match s3.get(aspect.permission, url, HeaderMap::new()).await {
                Err(error) if error.code == aspect.absent && !error.code.is_empty() => continue,
                answer => aspect.member.read(&answer?),
            };
            match (aspect.name, answer) {
                (Some(name), answer) => {
                    said.insert(name.into(), answer);
                }
                (None, Json::Object(members)) => said.extend(members),
                (None, _) => {}
            }
        }
        Ok(Some(document("bucket", &account.id, Some(&region), &bucket.name, Json::Object(said))))
    }
}

/// All buckets of the account, whatever their region.
async fn buckets(s3: &AwsService<'_>) -> Result<Vec<Bucket>, AwsError> {
    let mut found: BTreeMap<String, Bucket> = BTreeMap::new();
    let mut token = String::new();
    for _ in 0..MAX_PAGES {
        let mut url = s3.endpoint().clone();
        // Pages say in which region a bucket is; the whole list does not.
        url.query_pairs_mut().append_pair("max-buckets", "1000");
        if !token.is_empty() {
            url.query_pairs_mut().append_pair("continuation-token", &token);
        }
        let page = s3.get("s3:ListAllMyBuckets", url, HeaderMap::new()).await?;
        for bucket in page.items("Buckets") {
            let name = bucket.text_of("Name").to_owned();
            let created = bucket.child("CreationDate").map(|created| Time.read(created)).unwrap_or_default();
            let region = Some(bucket.text_of("BucketRegion")).filter(|region| is_region(region));
            let region = region.unwrap_or_default().to_owned();
            found.insert(name.clone(), Bucket { name, created, region });
        }
        let next = page.text_of("ContinuationToken");
        if next.is_empty() {
            return Ok(found.into_values().collect());
        }
        if next == token {
            break;
        }
        token = next.to_owned();
    }
    Err(CallError::retry("s3:ListAllMyBuckets gives the same page again and again").into())
}

/// The region of a bucket. The oldest regions have other names here.
async fn location(s3: &AwsService<'_>, bucket: &str) -> Result<String, AwsError> {
    let url = url_of(s3, bucket, "location");
    let answer = s3.get("s3:GetBucketLocation", url, HeaderMap::new()).await?;
    Ok(match answer.text.trim() {
        "" => "us-east-1".to_owned(),
        "EU" => "eu-west-1".to_owned(),
        region => region.to_owned(),
    })
}

/// What holds for all buckets of the account.
async fn account_document(s3: &AwsService<'_>, account: &str) -> Result<Vec<Json>, AwsError> {
    let mut url = s3.endpoint().clone();
    if !s3.is_custom()
        && let Some(host) = url.host_str().and_then(|host| host.strip_prefix("s3."))
    {
        let host = format!("{account}.s3-control.{host}");
        let wrong = |error| CallError::refused(format!("`{host}`: {error}"));
        url.set_host(Some(&host)).map_err(wrong)?;
    }
    url.set_path("/v20180820/configuration/publicAccessBlock");
    let mut headers = HeaderMap::new();
    let value = HeaderValue::from_str(account);
    headers.insert("x-amz-account-id", value.map_err(|_| CallError::refused("the account is no number"))?);
    let mut said = Map::new();
    match s3.get("s3:GetAccountPublicAccessBlock", url, headers).await {
        Ok(answer) => {
            let block: &Element = answer.child("PublicAccessBlockConfiguration").unwrap_or(&answer);
            said.insert("PublicAccessBlockConfiguration".into(), BLOCK.read(block));
        }
        Err(error) if error.code == NO_BLOCK => {}
        Err(error) => return Err(error),
    }
    Ok(vec![document("account", account, None, account, Json::Object(said))])
}

/// Where a bucket is asked: by path, which fits every name of a bucket and every server.
fn url_of(s3: &AwsService<'_>, bucket: &str, query: &str) -> Url {
    let mut url = s3.endpoint().clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().push(bucket);
    }
    url.set_query(Some(query));
    url
}
