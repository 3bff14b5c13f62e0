//! `aws_iam`: who may do what in accounts of AWS: users, groups, roles, policies, and how people sign in.

mod members;
mod providers;
mod survey;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use egret_http::HTTP_ATTRIBUTES;
use egret_http::aws;

use super::aws::{ACCOUNTS, AwsAccounts, CONCURRENCY, HOME_REGION};
use super::kinds::decode_kinds;
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// The kinds of documents.
const KINDS: &[&str] =
    &["user", "group", "role", "policy", "password_policy", "account", "saml_provider", "oidc_provider"];

/// Those that come in one answer.
const DETAILED: [&str; 4] = ["user", "group", "role", "policy"];

/// The generator type `aws_iam`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "aws_iam",
    description: "Users, groups, roles and policies of accounts of AWS, and how people sign in.",
    channel: "aws.iam",
    key: &["account", "kind", "id"],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::optional(
                "kinds",
                "a list of strings",
                "What to look at: user, group, role, policy, password_policy, account, saml_provider, oidc_provider. \
             Default: all.",
            ),
            AttributeDocumentation::optional(
                "last_used",
                "true or false",
                "Whether documents say when passwords, access keys and roles were last used. That changes all the time, and \
             takes another request for each access key. Default: false.",
            ),
            ACCOUNTS,
            HOME_REGION,
            CONCURRENCY,
        ],
        aws::IDENTITY_ATTRIBUTES,
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "aws_iam" "prod" {
  every       = "15m"
  kinds       = ["user", "group", "role", "policy", "password_policy", "account", "saml_provider", "oidc_provider"]
  last_used   = false
  accounts    = ["own", "arn:aws:iam::210987654321:role/egret", { role_arn = "arn:aws:iam::321098765432:role/egret", external_id = env("EGRET_EXTERNAL_ID") }]
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
        let accounts = AwsAccounts::decode_global(reader, context);
        let kinds = decode_kinds(reader, KINDS, KINDS);
        let last_used = reader.optional_or("last_used", false);
        Some(Arc::new(AwsIam { accounts: accounts?, kinds: kinds?, last_used: last_used? }))
    },
};

const DOCUMENTS: &str = r#"One document for each thing, of the `kind` that it says. `account` is the number of the account, `id` the name of the thing
in it (of `account` and `password_policy`, the account's number); the rest is as AWS's command line writes it. Lists have
no order, and are there even when they are empty; everything else that AWS does not say is not there. Policies are JSON
whose `Statement` is a list. A part of the state is `ACCOUNT/KIND`.

`user`, with the access keys, MFA devices and the password (`LoginProfile`, if there is one) that it has:

```json
{"AccessKeys": [{"AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "CreateDate": "2024-02-01T10:00:00Z", "Status": "Active"}],
 "Arn": "arn:aws:iam::123456789012:user/staff/ada",
 "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "PolicyName": "ReadOnlyAccess"}],
 "CreateDate": "2024-01-01T10:00:00Z",
 "GroupList": ["engineers"],
 "LoginProfile": {"CreateDate": "2024-01-01T10:05:00Z", "PasswordResetRequired": false},
 "MFADevices": [{"EnableDate": "2024-01-01T10:10:00Z", "SerialNumber": "arn:aws:iam::123456789012:mfa/ada"}],
 "Path": "/staff/",
 "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limits", "PermissionsBoundaryType": "Policy"},
 "Tags": {"team": "platform"},
 "UserId": "AIDAIOSFODNN7EXAMPLE",
 "UserName": "ada",
 "UserPolicyList": [{"PolicyName": "own-keys",
   "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "*"}]}}],
 "account": "123456789012", "id": "ada", "kind": "user"}
```

`group`:

```json
{"Arn": "arn:aws:iam::123456789012:group/engineers",
 "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/PowerUserAccess", "PolicyName": "PowerUserAccess"}],
 "CreateDate": "2024-01-01T10:00:00Z",
 "GroupId": "AGPAIOSFODNN7EXAMPLE",
 "GroupName": "engineers",
 "GroupPolicyList": [{"PolicyName": "no-billing", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}],
 "Path": "/",
 "account": "123456789012", "id": "engineers", "kind": "group"}
```

`role`:

```json
{"Arn": "arn:aws:iam::123456789012:role/deploy",
 "AssumeRolePolicyDocument": {"Version": "2012-10-17",
   "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]},
 "AttachedManagedPolicies": [{"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "PolicyName": "AdministratorAccess"}],
 "CreateDate": "2024-01-01T10:00:00Z",
 "InstanceProfileList": [{"Arn": "arn:aws:iam::123456789012:instance-profile/deploy", "CreateDate": "2024-01-01T10:00:00Z",
   "InstanceProfileId": "AIPAIOSFODNN7EXAMPLE", "InstanceProfileName": "deploy", "Path": "/"}],
 "Path": "/",
 "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/limits", "PermissionsBoundaryType": "Policy"},
 "RoleId": "AROAIOSFODNN7EXAMPLE",
 "RoleName": "deploy",
 "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}],
 "Tags": {"team": "platform"},
 "account": "123456789012", "id": "deploy", "kind": "role"}
```

`policy`, one of the customer's own, with its default version:

```json
{"Arn": "arn:aws:iam::123456789012:policy/limits",
 "CreateDate": "2024-01-01T10:00:00Z",
 "DefaultVersionId": "v2",
 "Description": "What nobody may exceed",
 "Path": "/",
 "PolicyDocument": {"Version": "2012-10-17", "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}]},
 "PolicyId": "ANPAIOSFODNN7EXAMPLE",
 "PolicyName": "limits",
 "PolicyVersionList": [{"CreateDate": "2024-01-01T10:00:00Z", "IsDefaultVersion": false, "VersionId": "v1"},
   {"CreateDate": "2024-02-01T10:00:00Z", "IsDefaultVersion": true, "VersionId": "v2"}],
 "account": "123456789012", "id": "limits", "kind": "policy"}
```

`account`, with what its summary says of the root user; `1` is yes:

```json
{"AccountAccessKeysPresent": 0, "AccountAliases": ["example-prod"], "AccountMFAEnabled": 1, "AccountPasswordPresent": 1,
 "AccountSigningCertificatesPresent": 0,
 "account": "123456789012", "id": "123456789012", "kind": "account"}
```

`password_policy`, if one was ever set:

```json
{"AllowUsersToChangePassword": true, "ExpirePasswords": true, "HardExpiry": false, "MaxPasswordAge": 90,
 "MinimumPasswordLength": 14, "PasswordReusePrevention": 24, "RequireLowercaseCharacters": true, "RequireNumbers": true,
 "RequireSymbols": true, "RequireUppercaseCharacters": true,
 "account": "123456789012", "id": "123456789012", "kind": "password_policy"}
```

`saml_provider`, with the BLAKE3 hash of its metadata, and whom they trust:

```json
{"Arn": "arn:aws:iam::123456789012:saml-provider/okta", "AssertionEncryptionMode": "Allowed",
 "CreateDate": "2024-01-01T10:00:00Z", "EntityID": "https://idp.example.org",
 "SAMLMetadataDocumentHash": "0f2a7c41e5b86d390f2a7c41e5b86d390f2a7c41e5b86d390f2a7c41e5b86d39",
 "Tags": {}, "ValidUntil": "2124-01-01T10:00:00Z", "X509Certificates": ["MIIDqDCCApCgAwIBAgIGAX"],
 "account": "123456789012", "id": "okta", "kind": "saml_provider"}
```

`oidc_provider`:

```json
{"Arn": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com",
 "ClientIDList": ["sts.amazonaws.com"], "CreateDate": "2024-01-01T10:00:00Z", "Tags": {},
 "ThumbprintList": ["6938fd4d98bab03faadb97b34396831e3780aea1"], "Url": "token.actions.githubusercontent.com",
 "account": "123456789012", "id": "token.actions.githubusercontent.com", "kind": "oidc_provider"}
```

With `last_used`, a user has `PasswordLastUsed` (a time), each of its access keys
`AccessKeyLastUsed` (`{"LastUsedDate", "Region", "ServiceName"}`), and a role `RoleLastUsed` (`{"LastUsedDate", "Region"}`)."#;

const PERMISSIONS: &str = r#"What this policy says; it reads only, and no secret of IAM can be read at all:

```json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
  "iam:GetAccountAuthorizationDetails", "iam:ListAccessKeys", "iam:ListMFADevices", "iam:GetLoginProfile",
  "iam:GetAccountPasswordPolicy", "iam:GetAccountSummary", "iam:ListAccountAliases",
  "iam:ListSAMLProviders", "iam:GetSAMLProvider", "iam:ListOpenIDConnectProviders", "iam:GetOpenIDConnectProvider"]}]}
```

With `last_used` also `iam:ListUsers` and `iam:GetAccessKeyLastUsed`. For other accounts: `sts:AssumeRole` on the roles in
`accounts`, each of which has the policy above, a trust policy that names who assumes it, and asks for the external id."#;

#[derive(Debug)]
struct AwsIam {
    accounts: AwsAccounts,
    kinds: Vec<&'static str>,
    last_used: bool,
}

#[async_trait]
impl Generator for AwsIam {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        self.accounts.survey(documents, self).await
    }
}

#[cfg(test)]
mod tests;
