//! `aws_ec2`: what of EC2 is open to the outside: security groups, instances with a public address, shared snapshots and
//! images, keys to sign in with, network ACLs, internet gateways.

mod members;
mod survey;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use egret_http::HTTP_ATTRIBUTES;
use egret_http::aws;

use super::aws::{ACCOUNTS, AwsAccounts, CONCURRENCY, HOME_REGION, REGIONS};
use super::kinds::decode_kinds;
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// The kinds of documents.
const KINDS: &[&str] =
    &["security_group", "instance", "snapshot", "image", "key_pair", "network_acl", "internet_gateway"];

/// The generator type `aws_ec2`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "aws_ec2",
    description: "What of Amazon EC2 is open to the outside: security groups, public instances, shared snapshots and images.",
    channel: "aws.ec2",
    key: &["account", "region", "kind", "id"],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::optional(
                "kinds",
                "a list of strings",
                "What to look at: security_group, instance, snapshot, image, key_pair, network_acl, internet_gateway. \
             Default: all.",
            ),
            AttributeDocumentation::optional(
                "shared_snapshots",
                "true or false",
                "Whether snapshots that are shared with single accounts are looked for, which takes a request for each snapshot \
             that there is. Without, only public ones are found. Default: true.",
            ),
            ACCOUNTS,
            REGIONS,
            HOME_REGION,
            CONCURRENCY,
        ],
        aws::IDENTITY_ATTRIBUTES,
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "aws_ec2" "outside" {
  every            = "15m"
  kinds            = ["security_group", "instance", "snapshot", "image", "key_pair", "network_acl", "internet_gateway"]
  shared_snapshots = true
  accounts         = ["own", { role_arn = "arn:aws:iam::321098765432:role/egret", external_id = env("EGRET_EXTERNAL_ID") }]
  regions          = ["eu-west-1", "us-east-1"]
  region           = "eu-west-1"
  concurrency      = 8
  role_arn         = "arn:aws:iam::123456789012:role/egret"
  external_id      = env("EGRET_EXTERNAL_ID")
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
        let kinds = decode_kinds(reader, KINDS, KINDS);
        let shared_snapshots = reader.optional_or("shared_snapshots", true);
        Some(Arc::new(AwsEc2 { accounts: accounts?, kinds: kinds?, shared_snapshots: shared_snapshots? }))
    },
};

const DOCUMENTS: &str = r#"One document for each thing, of the `kind` that it says, in the `account` and `region` that it says; `id` is the vendor's id of
it. The rest is as AWS's command line writes it, with tags as a map. Lists have no order, and are there even when they are
empty; everything else that AWS does not say is not there. A part of the state is `ACCOUNT/REGION/KIND`.

`security_group`. Each permission is of one source: AWS puts those with the same ports together, and here there is one item
for each range, prefix list or group. So a rule that is added is one item with its ports and its source, which its `id` says:

```json
{"Description": "web servers", "GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "web",
 "IpPermissions": [{"FromPort": 443, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "everybody"}],
   "Ipv6Ranges": [], "PrefixListIds": [], "ToPort": 443, "UserIdGroupPairs": [], "id": "tcp 443 0.0.0.0/0"}],
 "IpPermissionsEgress": [{"IpProtocol": "-1", "FromPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
   "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": "…"}], "PrefixListIds": [{"PrefixListId": "pl-1", "Description": "…"}], "ToPort": 0,
   "UserIdGroupPairs": [{"Description": "…", "GroupId": "sg-1", "PeeringStatus": "active", "UserId": "123456789012",
     "VpcId": "vpc-1", "VpcPeeringConnectionId": "pcx-1"}], "id": "all 0.0.0.0/0"}],
 "OwnerId": "123456789012", "Tags": {"team": "web"}, "VpcId": "vpc-0a1b2c3d",
 "account": "123456789012", "id": "sg-0a1b2c3d4e5f60718", "kind": "security_group", "region": "eu-west-1"}
```

(The second list shows all members that an item can have; in earnest it has one source.)

`instance`, only those with a public address (IPv4, or IPv6):

```json
{"IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/web", "Id": "AIPAIOSFODNN7EXAMPLE"},
 "ImageId": "ami-0a1b2c3d4e5f60718", "InstanceId": "i-0a1b2c3d4e5f60718", "InstanceType": "t3.micro", "KeyName": "ada",
 "MetadataOptions": {"HttpEndpoint": "enabled", "HttpProtocolIpv6": "disabled", "HttpPutResponseHopLimit": 1,
   "HttpTokens": "required", "InstanceMetadataTags": "disabled"},
 "NetworkInterfaces": [{"Association": {"PublicIp": "203.0.113.7"}, "Groups": [{"GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "web"}],
   "Ipv6Addresses": [{"Ipv6Address": "2001:db8::7"}], "NetworkInterfaceId": "eni-0a1b2c3d"}],
 "PrivateIpAddress": "10.0.0.7", "PublicDnsName": "ec2-203-0-113-7.eu-west-1.compute.amazonaws.com", "PublicIpAddress": "203.0.113.7",
 "SecurityGroups": [{"GroupId": "sg-0a1b2c3d4e5f60718", "GroupName": "web"}],
 "State": {"Name": "running"}, "SubnetId": "subnet-0a1b2c3d", "Tags": {"Name": "web-1"}, "VpcId": "vpc-0a1b2c3d",
 "account": "123456789012", "id": "i-0a1b2c3d4e5f60718", "kind": "instance", "region": "eu-west-1"}
```

`snapshot`, only those of the account that are shared: with everybody (`"Group": "all"`), or with accounts (`UserId`):

```json
{"CreateVolumePermissions": [{"Group": "all", "UserId": "210987654321"}],
 "Description": "before the move", "Encrypted": false, "KmsKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1", "OwnerId": "123456789012",
 "SnapshotId": "snap-0a1b2c3d4e5f60718", "StartTime": "2024-01-01T10:00:00Z", "Tags": {}, "VolumeId": "vol-0a1b2c3d", "VolumeSize": 8,
 "account": "123456789012", "id": "snap-0a1b2c3d4e5f60718", "kind": "snapshot", "region": "eu-west-1"}
```

`image`, only those of the account that are shared: with everybody, with accounts, or with organisations:

```json
{"CreationDate": "2024-01-01T10:00:00Z", "Description": "base", "ImageId": "ami-0a1b2c3d4e5f60718",
 "LaunchPermissions": [{"Group": "all", "OrganizationArn": "arn:aws:organizations::123456789012:organization/o-1",
   "OrganizationalUnitArn": "arn:aws:organizations::123456789012:ou/o-1/ou-1", "UserId": "210987654321"}],
 "Name": "base-2024", "OwnerId": "123456789012", "Public": true, "Tags": {},
 "account": "123456789012", "id": "ami-0a1b2c3d4e5f60718", "kind": "image", "region": "eu-west-1"}
```

(An item of either list has one of these members.)

`key_pair`:

```json
{"CreateTime": "2024-01-01T10:00:00Z", "KeyFingerprint": "1f:51:ae:28:bf:89:e9:d8", "KeyName": "ada", "KeyPairId": "key-0a1b2c3d4e5f60718",
 "KeyType": "ed25519", "Tags": {},
 "account": "123456789012", "id": "key-0a1b2c3d4e5f60718", "kind": "key_pair", "region": "eu-west-1"}
```

`network_acl`:

```json
{"Associations": [{"SubnetId": "subnet-0a1b2c3d"}],
 "Entries": [{"CidrBlock": "0.0.0.0/0", "Egress": false, "IcmpTypeCode": {"Code": -1, "Type": -1}, "Ipv6CidrBlock": "::/0",
   "PortRange": {"From": 443, "To": 443}, "Protocol": "6", "RuleAction": "allow", "RuleNumber": 100}],
 "IsDefault": true, "NetworkAclId": "acl-0a1b2c3d", "OwnerId": "123456789012", "Tags": {}, "VpcId": "vpc-0a1b2c3d",
 "account": "123456789012", "id": "acl-0a1b2c3d", "kind": "network_acl", "region": "eu-west-1"}
```

`internet_gateway`:

```json
{"Attachments": [{"State": "available", "VpcId": "vpc-0a1b2c3d"}], "InternetGatewayId": "igw-0a1b2c3d",
 "OwnerId": "123456789012", "Tags": {},
 "account": "123456789012", "id": "igw-0a1b2c3d", "kind": "internet_gateway", "region": "eu-west-1"}
```"#;

const PERMISSIONS: &str = r#"What this policy says, of it what `kinds` needs; without `regions` also `ec2:DescribeRegions`:

```json
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
  "ec2:DescribeRegions", "ec2:DescribeSecurityGroups", "ec2:DescribeInstances", "ec2:DescribeSnapshots",
  "ec2:DescribeSnapshotAttribute", "ec2:DescribeImages", "ec2:DescribeImageAttribute", "ec2:DescribeKeyPairs",
  "ec2:DescribeNetworkAcls", "ec2:DescribeInternetGateways"]}]}
```

For other accounts: `sts:AssumeRole` on the roles in `accounts`, each of which has the policy above, a trust policy that
names who assumes it, and asks for the external id."#;

#[derive(Debug)]
struct AwsEc2 {
    accounts: AwsAccounts,
    kinds: Vec<&'static str>,
    shared_snapshots: bool,
}

#[async_trait]
impl Generator for AwsEc2 {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        self.accounts.survey_regions(documents, self).await
    }
}

#[cfg(test)]
mod tests;
