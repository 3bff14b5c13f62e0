//! `aws_acm`: the certificates of AWS Certificate Manager, in all regions.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use egret_http::aws;
use egret_http::{CallError, HTTP_ATTRIBUTES};
use egret_model::Timestamp;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value as Json, json};

use super::aws::Member::{self, List, Structure, Tags, Text, Time};
use super::aws::{
    ACCOUNTS, Account, AwsAccounts, AwsError, AwsService, CONCURRENCY, HOME_REGION, REGIONS, RegionSurvey,
    document,
};
use super::parts::Part;
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// Certificates at once; requests have a limit of their own.
const AT_ONCE: usize = 16;

/// More pages are a service that goes round in circles.
const MAX_PAGES: usize = 10_000;

/// All there are: unless they are named, only some are listed.
const KEY_TYPES: [&str; 7] =
    ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"];

/// Where keys of certificates come from: the same.
const KEY_PAIR_ORIGINS: [&str; 3] = ["AWS_MANAGED", "ACME", "CUSTOMER_PROVIDED"];

/// Roots whose certificates are listed only by themselves.
const ROOT_HIERARCHY_TYPES: [&str; 2] = ["N2_AMAZON_MANAGED", "N2_SFG2_AMAZON_MANAGED"];

/// What a region says that does not know a filter.
const UNKNOWN_FILTER: [&str; 3] =
    ["InvalidArgsException", "InvalidParameterException", "ValidationException"];

const DAY_MICROS: i64 = 24 * 3600 * 1_000_000;

/// What counts of a certificate, as the command line of AWS names it.
const CERTIFICATE: Member = Structure(&[
    ("CertificateArn", Text),
    ("DomainName", Text),
    ("SubjectAlternativeNames", List(&Text)),
    ("ManagedBy", Text),
    (
        "DomainValidationOptions",
        List(&Structure(&[
            ("DomainName", Text),
            ("ValidationDomain", Text),
            ("ValidationMethod", Text),
            ("ValidationStatus", Text),
            ("ValidationEmails", List(&Text)),
        ])),
    ),
    ("Serial", Text),
    ("Subject", Text),
    ("Issuer", Text),
    ("CreatedAt", Time),
    ("IssuedAt", Time),
    ("ImportedAt", Time),
    ("Status", Text),
    ("RevokedAt", Time),
    ("RevocationReason", Text),
    ("NotBefore", Time),
    ("NotAfter", Time),
    ("KeyAlgorithm", Text),
    ("SignatureAlgorithm", Text),
    ("InUseBy", List(&Text)),
    ("FailureReason", Text),
    ("Type", Text),
    ("RenewalSummary", Structure(&[("RenewalStatus", Text), ("RenewalStatusReason", Text)])),
    ("KeyUsages", List(&Structure(&[("Name", Text)]))),
    ("ExtendedKeyUsages", List(&Structure(&[("Name", Text), ("OID", Text)]))),
    ("CertificateAuthorityArn", Text),
    ("RenewalEligibility", Text),
    ("Options", Structure(&[("CertificateTransparencyLoggingPreference", Text), ("Export", Text)])),
    ("CertificateKeyPairOrigin", Text),
    ("RootHierarchyType", Text),
]);

const TAGS: Member = Structure(&[("Tags", Tags)]);

/// The generator type `aws_acm`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "aws_acm",
    description: "Certificates of AWS Certificate Manager, and how soon they expire.",
    channel: "aws.acm",
    key: &["account", "region", "id"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[ACCOUNTS, REGIONS, HOME_REGION, CONCURRENCY], aws::IDENTITY_ATTRIBUTES, HTTP_ATTRIBUTES],
    example: r#"generator "aws_acm" "certificates" {
  every       = "6h"
  accounts    = ["own", { role_arn = "arn:aws:iam::321098765432:role/egret", external_id = env("EGRET_EXTERNAL_ID") }]
  regions     = ["eu-west-1", "us-east-1"]
  region      = "eu-west-1"
  concurrency = 8
  role_arn    = "arn:aws:iam::123456789012:role/egret"
  external_id = env("EGRET_EXTERNAL_ID")
  # profile = "security"
  # or
  # access_key    = env("SECURITY_ACCESS_KEY")
  # secret_key    = env("SECURITY_SECRET_KEY")
  # session_token = env("SECURITY_SESSION_TOKEN")
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    documents: r#"One document a certificate, as `aws acm describe-certificate` writes it, with its tags as a map. `id` is what stands behind
the last `/` of its ARN. `expires` says how soon: `expired`, `3 days`, `14 days`, `30 days` (within as many days, each), or
`later`; it is not there until the certificate is issued. So there is a change when the time comes, and not each day. Lists
have no order, and are there even when they are empty; everything else that AWS does not say is not there. A part of the
state is `ACCOUNT/REGION`.

```json
{"CertificateArn": "arn:aws:acm:eu-west-1:123456789012:certificate/7e7a28d2-163f-4b8f-b9cd-822f96c08d6a",
 "CertificateAuthorityArn": "arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1",
 "CertificateKeyPairOrigin": "AWS_MANAGED",
 "CreatedAt": "2024-01-01T10:00:00Z",
 "DomainName": "example.org",
 "DomainValidationOptions": [{"DomainName": "example.org", "ValidationDomain": "example.org", "ValidationEmails": ["admin@example.org"],
   "ValidationMethod": "DNS", "ValidationStatus": "SUCCESS"}],
 "Exported": false,
 "ExtendedKeyUsages": [{"Name": "TLS_WEB_SERVER_AUTHENTICATION", "OID": "1.3.6.1.5.5.7.3.1"}],
 "FailureReason": "CAA_ERROR",
 "ImportedAt": "2024-01-01T10:00:00Z",
 "InUseBy": ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"],
 "IssuedAt": "2024-01-01T10:05:00Z",
 "Issuer": "Amazon",
 "KeyAlgorithm": "RSA-2048",
 "KeyUsages": [{"Name": "DIGITAL_SIGNATURE"}],
 "ManagedBy": "CLOUDFRONT",
 "NotAfter": "2025-01-31T23:59:59Z",
 "NotBefore": "2024-01-01T00:00:00Z",
 "Options": {"CertificateTransparencyLoggingPreference": "ENABLED", "Export": "DISABLED"},
 "RenewalEligibility": "ELIGIBLE",
 "RenewalSummary": {"RenewalStatus": "PENDING_AUTO_RENEWAL", "RenewalStatusReason": "NO_AVAILABLE_CONTACTS"},
 "RevocationReason": "KEY_COMPROMISE",
 "RevokedAt": "2024-02-01T10:00:00Z",
 "RootHierarchyType": "AMAZON_MANAGED",
 "Serial": "0f:c2:15:25:5b:99:1d:1a",
 "SignatureAlgorithm": "SHA256WITHRSA",
 "Status": "ISSUED",
 "Subject": "CN=example.org",
 "SubjectAlternativeNames": ["example.org", "www.example.org"],
 "Tags": {"team": "web"},
 "Type": "AMAZON_ISSUED",
 "account": "123456789012", "expires": "later", "id": "7e7a28d2-163f-4b8f-b9cd-822f96c08d6a", "kind": "certificate",
 "region": "eu-west-1"}
```"#,
    permissions: r#"What this policy says; without `regions` also `ec2:DescribeRegions`:

```json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
  "acm:ListCertificates", "acm:DescribeCertificate", "acm:ListTagsForCertificate", "ec2:DescribeRegions"]}]}
```

For other accounts: `sts:AssumeRole` on the roles in `accounts`, each of which has the policy above, a trust policy that
names who assumes it, and asks for the external id."#,
    decode: |reader, context| {
        let accounts = AwsAccounts::decode(reader, context);
        Some(Arc::new(AwsAcm { accounts: accounts? }))
    },
};

#[derive(Debug)]
struct AwsAcm {
    accounts: AwsAccounts,
}

#[async_trait]
impl Generator for AwsAcm {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        self.accounts.survey_regions(documents, self).await
    }
}

#[async_trait]
impl RegionSurvey for AwsAcm {
    async fn survey_region(&self, account: &Account<'_>, region: &str) -> Vec<Part> {
        vec![Part::new(format!("{}/{region}", account.id), self.certificates(account, region).await)]
    }
}

/// Certificates by their ARN, each with whether its private key was exported.
type Listed = BTreeMap<String, Json>;

impl AwsAcm {
    async fn certificates(&self, account: &Account<'_>, region: &str) -> Result<Vec<Json>, AwsError> {
        let acm = account.service("acm", region)?;
        let mut listed = Listed::new();
        let filter =
            json!({"Includes": {"keyTypes": KEY_TYPES}, "CertificateKeyPairOrigins": KEY_PAIR_ORIGINS});
        list(&acm, filter.clone(), &mut listed).await?;
        let mut others = filter;
        others["RootHierarchyTypes"] = json!(ROOT_HIERARCHY_TYPES);
        match list(&acm, others, &mut listed).await {
            Err(error) if UNKNOWN_FILTER.contains(&error.code.as_str()) => {}
            outcome => outcome?,
        }
        let mut each = Vec::new();
        for (arn, exported) in &listed {
            each.push(self.certificate(&acm, &account.id, region, arn, exported));
        }
        let documents = stream::iter(each).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        Ok(documents.into_iter().flatten().collect())
    }

    /// A certificate; `None` if it went away in the meantime.
    async fn certificate(
        &self,
        acm: &AwsService<'_>,
        account: &str,
        region: &str,
        arn: &str,
        exported: &Json,
    ) -> Result<Option<Json>, AwsError> {
        let body = json!({"CertificateArn": arn});
        let answer = match acm.json("CertificateManager.DescribeCertificate", &body).await {
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            answer => answer?,
        };
        let tags = match acm.json("CertificateManager.ListTagsForCertificate", &body).await {
            Err(error) if error.code == "ResourceNotFoundException" => return Ok(None),
            tags => tags?,
        };
        let mut said = CERTIFICATE.pick(&answer["Certificate"]);
        if !said.is_object() {
            let message = "acm:DescribeCertificate was answered without a certificate";
            return Err(CallError::refused(message).into());
        }
        said["Tags"] = TAGS.pick(&tags)["Tags"].take();
        // Only the list says whether somebody has the private key.
        if exported.is_boolean() {
            said["Exported"] = exported.clone();
        }
        let not_after = said["NotAfter"].as_str().and_then(Timestamp::parse);
        if let Some(not_after) = not_after {
            said["expires"] = expires(not_after, self.accounts.now()).into();
        }
        let id = arn.rsplit('/').next().unwrap_or(arn);
        Ok(Some(document("certificate", account, Some(region), id, said)))
    }
}

/// Adds the certificates that a filter finds.
async fn list(acm: &AwsService<'_>, filter: Json, listed: &mut Listed) -> Result<(), AwsError> {
    let mut asked = filter;
    asked["MaxItems"] = 1000.into();
    for _ in 0..MAX_PAGES {
        let mut page = acm.json("CertificateManager.ListCertificates", &asked).await?;
        let certificates = page["CertificateSummaryList"].as_array().into_iter().flatten();
        listed.extend(
            certificates.filter_map(|one| {
                Some((one["CertificateArn"].as_str()?.to_owned(), one["Exported"].clone()))
            }),
        );
        let next = page["NextToken"].take();
        if next.as_str().is_none_or(str::is_empty) {
            return Ok(());
        }
        if next == asked["NextToken"] {
            break;
        }
        asked["NextToken"] = next;
    }
    Err(CallError::retry("acm:ListCertificates gives the same page again and again").into())
}

/// How soon a certificate expires, in few words, so that they change seldom.
fn expires(not_after: Timestamp, now: Timestamp) -> &'static str {
    match not_after.micros() - now.micros() {
        left if left <= 0 => "expired",
        left if left <= 3 * DAY_MICROS => "3 days",
        left if left <= 14 * DAY_MICROS => "14 days",
        left if left <= 30 * DAY_MICROS => "30 days",
        _ => "later",
    }
}

#[cfg(test)]
mod tests;
