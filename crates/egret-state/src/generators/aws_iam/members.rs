//! What IAM says of its things, as the command line of AWS names it. What is not here does not count: times of last use,
//! counters, the roles in an instance profile.

use crate::generators::aws::Member::{self, Flag, List, Number, Policy, Structure, Tags, Text, Time};

const INLINE: Member = Structure(&[("PolicyName", Text), ("PolicyDocument", Policy)]);
const ATTACHED: Member = Structure(&[("PolicyName", Text), ("PolicyArn", Text)]);
const BOUNDARY: Member = Structure(&[("PermissionsBoundaryType", Text), ("PermissionsBoundaryArn", Text)]);

pub(super) const USER: Member = Structure(&[
    ("Path", Text),
    ("UserName", Text),
    ("UserId", Text),
    ("Arn", Text),
    ("CreateDate", Time),
    ("UserPolicyList", List(&INLINE)),
    ("GroupList", List(&Text)),
    ("AttachedManagedPolicies", List(&ATTACHED)),
    ("PermissionsBoundary", BOUNDARY),
    ("Tags", Tags),
]);

pub(super) const GROUP: Member = Structure(&[
    ("Path", Text),
    ("GroupName", Text),
    ("GroupId", Text),
    ("Arn", Text),
    ("CreateDate", Time),
    ("GroupPolicyList", List(&INLINE)),
    ("AttachedManagedPolicies", List(&ATTACHED)),
]);

pub(super) const ROLE: Member = Structure(&[
    ("Path", Text),
    ("RoleName", Text),
    ("RoleId", Text),
    ("Arn", Text),
    ("CreateDate", Time),
    ("AssumeRolePolicyDocument", Policy),
    (
        "InstanceProfileList",
        List(&Structure(&[
            ("Path", Text),
            ("InstanceProfileName", Text),
            ("InstanceProfileId", Text),
            ("Arn", Text),
            ("CreateDate", Time),
        ])),
    ),
    ("RolePolicyList", List(&INLINE)),
    ("AttachedManagedPolicies", List(&ATTACHED)),
    ("PermissionsBoundary", BOUNDARY),
    ("Tags", Tags),
]);

/// What is added to a role if last use was asked for.
pub(super) const ROLE_LAST_USED: Member = Structure(&[("LastUsedDate", Time), ("Region", Text)]);

pub(super) const POLICY: Member = Structure(&[
    ("PolicyName", Text),
    ("PolicyId", Text),
    ("Arn", Text),
    ("Path", Text),
    ("DefaultVersionId", Text),
    ("Description", Text),
    ("CreateDate", Time),
    (
        "PolicyVersionList",
        List(&Structure(&[("VersionId", Text), ("IsDefaultVersion", Flag), ("CreateDate", Time)])),
    ),
]);

pub(super) const ACCESS_KEY: Member =
    Structure(&[("AccessKeyId", Text), ("Status", Text), ("CreateDate", Time)]);

pub(super) const ACCESS_KEY_LAST_USED: Member =
    Structure(&[("LastUsedDate", Time), ("ServiceName", Text), ("Region", Text)]);

pub(super) const MFA_DEVICE: Member = Structure(&[("SerialNumber", Text), ("EnableDate", Time)]);

pub(super) const LOGIN_PROFILE: Member = Structure(&[("CreateDate", Time), ("PasswordResetRequired", Flag)]);

pub(super) const PASSWORD_POLICY: Member = Structure(&[
    ("MinimumPasswordLength", Number),
    ("RequireSymbols", Flag),
    ("RequireNumbers", Flag),
    ("RequireUppercaseCharacters", Flag),
    ("RequireLowercaseCharacters", Flag),
    ("AllowUsersToChangePassword", Flag),
    ("ExpirePasswords", Flag),
    ("MaxPasswordAge", Number),
    ("PasswordReusePrevention", Number),
    ("HardExpiry", Flag),
]);

pub(super) const SAML_PROVIDER: Member = Structure(&[
    ("CreateDate", Time),
    ("ValidUntil", Time),
    ("AssertionEncryptionMode", Text),
    ("Tags", Tags),
]);

pub(super) const OIDC_PROVIDER: Member = Structure(&[
    ("Url", Text),
    ("ClientIDList", List(&Text)),
    ("ThumbprintList", List(&Text)),
    ("CreateDate", Time),
    ("Tags", Tags),
]);

/// What of the account's summary says something about its security: of the root user. The rest are counters and quotas.
pub(super) const SUMMARY: [&str; 4] = [
    "AccountAccessKeysPresent",
    "AccountMFAEnabled",
    "AccountPasswordPresent",
    "AccountSigningCertificatesPresent",
];
