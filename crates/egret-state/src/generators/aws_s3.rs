//! `aws_s3`: buckets of Amazon S3, and who can reach what is in them.

mod survey;

use std::sync::Arc;

use async_trait::async_trait;
use egret_http::HTTP_ATTRIBUTES;
use egret_http::aws;

use super::aws::{ACCOUNTS, AwsAccounts, CONCURRENCY, HOME_REGION, REGIONS};
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// The generator type `aws_s3`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "aws_s3",
    description: "Buckets of Amazon S3: policies, access lists, whether they are public, how they are encrypted and logged.",
    channel: "aws.s3",
    key: &["account", "kind", "id"],
    ignore: &[],
    // The first rule that fits counts.
    ordered: &["$.CORSRules", "$.Website.RoutingRules"],
    attributes: &[&[ACCOUNTS, REGIONS, HOME_REGION, CONCURRENCY], aws::IDENTITY_ATTRIBUTES, HTTP_ATTRIBUTES],
    example: r#"generator "aws_s3" "buckets" {
  every       = "1h"
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
    documents: DOCUMENTS,
    permissions: PERMISSIONS,
    decode: |reader, context| {
        let accounts = AwsAccounts::decode(reader, context);
        Some(Arc::new(AwsS3 { accounts: accounts? }))
    },
};

const DOCUMENTS: &str = r#"One document a bucket (`kind` is `bucket`, `id` its name), and one an account with what holds for all its buckets (`account`).
Members are as AWS's command line writes them: what `get-bucket-versioning` and `get-bucket-website` say is in `Versioning` and
`Website`. Lists are there even when they are empty and have no order, but for the rules of `CORSRules` and `RoutingRules`, of
which the first that fits counts. What a bucket does not have is not there: a bucket without `Policy` has none. A part of the
state is `ACCOUNT/bucket/NAME`, or `ACCOUNT/account`: a bucket whose policy shuts Egret out stays as it was.

```json
{"CORSRules": [{"AllowedHeaders": ["*"], "AllowedMethods": ["GET"], "AllowedOrigins": ["https://example.org"], "ExposeHeaders": ["ETag"],
   "ID": "web", "MaxAgeSeconds": 3000}],
 "CreationDate": "2024-01-01T10:00:00Z",
 "Grants": [{"Grantee": {"EmailAddress": "ada@example.org", "ID": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be",
   "Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"}],
 "LoggingEnabled": {"TargetBucket": "logs", "TargetGrants": [{"Grantee": {"EmailAddress": "…", "ID": "…", "Type": "CanonicalUser", "URI": "…"},
   "Permission": "FULL_CONTROL"}], "TargetPrefix": "example/"},
 "Name": "example-data",
 "Owner": {"ID": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"},
 "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
 "Policy": {"Version": "2012-10-17", "Statement": [{"Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
   "Resource": "arn:aws:s3:::example-data/*"}]},
 "PolicyStatus": {"IsPublic": true},
 "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
 "ServerSideEncryptionConfiguration": {"Rules": [{"ApplyServerSideEncryptionByDefault":
   {"KMSMasterKeyID": "arn:aws:kms:eu-west-1:123456789012:key/1", "SSEAlgorithm": "aws:kms"}, "BlockedEncryptionTypes": {"EncryptionType": ["SSE-C"]},
   "BucketKeyEnabled": true}]},
 "Versioning": {"MFADelete": "Disabled", "Status": "Enabled"},
 "Website": {"ErrorDocument": {"Key": "error.html"}, "IndexDocument": {"Suffix": "index.html"},
   "RedirectAllRequestsTo": {"HostName": "example.org", "Protocol": "https"},
   "RoutingRules": [{"Condition": {"HttpErrorCodeReturnedEquals": "404", "KeyPrefixEquals": "old/"}, "Redirect": {"HostName": "example.org",
     "HttpRedirectCode": "301", "Protocol": "https", "ReplaceKeyPrefixWith": "new/", "ReplaceKeyWith": "index.html"}}]},
 "account": "123456789012", "id": "example-data", "kind": "bucket", "region": "eu-west-1"}
```

(`Type` of a grantee is `Group` with a `URI`, `CanonicalUser` with an `ID`, or `AmazonCustomerByEmail` with an `EmailAddress`.)

```json
{"PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
 "account": "123456789012", "id": "123456789012", "kind": "account"}
```"#;

const PERMISSIONS: &str = r#"What this policy says. No object of any bucket can be read with it:

```json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
  "s3:ListAllMyBuckets", "s3:GetBucketLocation", "s3:GetBucketPolicy", "s3:GetBucketPolicyStatus", "s3:GetBucketAcl",
  "s3:GetBucketPublicAccessBlock", "s3:GetEncryptionConfiguration", "s3:GetBucketVersioning", "s3:GetBucketLogging",
  "s3:GetBucketWebsite", "s3:GetBucketCORS", "s3:GetBucketOwnershipControls", "s3:GetAccountPublicAccessBlock"]}]}
```

For other accounts: `sts:AssumeRole` on the roles in `accounts`, each of which has the policy above, a trust policy that
names who assumes it, and asks for the external id. A bucket whose own policy denies one of these actions is a part that
fails: let its policy make an exception for the role."#;

#[derive(Debug)]
struct AwsS3 {
    accounts: AwsAccounts,
}

#[async_trait]
impl Generator for AwsS3 {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        self.accounts.survey(documents, self).await
    }
}

#[cfg(test)]
mod tests;
