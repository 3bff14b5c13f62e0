//! What EC2 says of its things, as the command line of AWS names it. What is not here does not count.

use crate::generators::aws::Member::{self, Flag, List, Number, Structure, Tags, Text, Time};

const PERMISSION: Member = Structure(&[
    ("IpProtocol", Text),
    ("FromPort", Number),
    ("ToPort", Number),
    ("IpRanges", List(&Structure(&[("CidrIp", Text), ("Description", Text)]))),
    ("Ipv6Ranges", List(&Structure(&[("CidrIpv6", Text), ("Description", Text)]))),
    ("PrefixListIds", List(&Structure(&[("PrefixListId", Text), ("Description", Text)]))),
    (
        "UserIdGroupPairs=groups",
        List(&Structure(&[
            ("GroupId", Text),
            ("UserId", Text),
            ("VpcId", Text),
            ("VpcPeeringConnectionId", Text),
            ("PeeringStatus", Text),
            ("Description", Text),
        ])),
    ),
]);

/// The lists of a permission, each of which names sources.
pub(super) const SOURCES: [&str; 4] = ["IpRanges", "Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs"];

pub(super) const SECURITY_GROUP: Member = Structure(&[
    ("GroupId", Text),
    ("GroupName", Text),
    ("Description=groupDescription", Text),
    ("OwnerId", Text),
    ("VpcId", Text),
    ("IpPermissions", List(&PERMISSION)),
    ("IpPermissionsEgress", List(&PERMISSION)),
    ("Tags=tagSet", Tags),
]);

const GROUPS: Member = List(&Structure(&[("GroupId", Text), ("GroupName", Text)]));

pub(super) const INSTANCE: Member = Structure(&[
    ("InstanceId", Text),
    ("InstanceType", Text),
    ("ImageId", Text),
    ("KeyName", Text),
    // Its code says the same, with internal bits.
    ("State=instanceState", Structure(&[("Name", Text)])),
    ("PublicIpAddress=ipAddress", Text),
    ("PublicDnsName=dnsName", Text),
    ("PrivateIpAddress", Text),
    ("VpcId", Text),
    ("SubnetId", Text),
    ("SecurityGroups=groupSet", GROUPS),
    ("IamInstanceProfile", Structure(&[("Arn", Text), ("Id", Text)])),
    (
        "MetadataOptions",
        Structure(&[
            ("HttpTokens", Text),
            ("HttpEndpoint", Text),
            ("HttpPutResponseHopLimit", Number),
            ("HttpProtocolIpv6", Text),
            ("InstanceMetadataTags", Text),
        ]),
    ),
    (
        "NetworkInterfaces=networkInterfaceSet",
        List(&Structure(&[
            ("NetworkInterfaceId", Text),
            ("Association", Structure(&[("PublicIp", Text)])),
            ("Ipv6Addresses=ipv6AddressesSet", List(&Structure(&[("Ipv6Address", Text)]))),
            ("Groups=groupSet", GROUPS),
        ])),
    ),
    ("Tags=tagSet", Tags),
]);

pub(super) const SNAPSHOT: Member = Structure(&[
    ("SnapshotId", Text),
    ("VolumeId", Text),
    ("VolumeSize", Number),
    ("Description", Text),
    ("OwnerId", Text),
    ("Encrypted", Flag),
    ("KmsKeyId", Text),
    ("StartTime", Time),
    ("Tags=tagSet", Tags),
]);

pub(super) const CREATE_VOLUME_PERMISSIONS: Member = Structure(&[(
    "CreateVolumePermissions=createVolumePermission",
    List(&Structure(&[("Group", Text), ("UserId", Text)])),
)]);

pub(super) const IMAGE: Member = Structure(&[
    ("ImageId", Text),
    ("Name", Text),
    ("Description", Text),
    ("OwnerId=imageOwnerId", Text),
    ("Public=isPublic", Flag),
    ("CreationDate", Time),
    ("Tags=tagSet", Tags),
]);

pub(super) const LAUNCH_PERMISSIONS: Member = Structure(&[(
    "LaunchPermissions=launchPermission",
    List(&Structure(&[
        ("Group", Text),
        ("UserId", Text),
        ("OrganizationArn", Text),
        ("OrganizationalUnitArn", Text),
    ])),
)]);

pub(super) const KEY_PAIR: Member = Structure(&[
    ("KeyPairId", Text),
    ("KeyName", Text),
    ("KeyType", Text),
    ("KeyFingerprint", Text),
    ("CreateTime", Time),
    ("Tags=tagSet", Tags),
]);

pub(super) const NETWORK_ACL: Member = Structure(&[
    ("NetworkAclId", Text),
    ("VpcId", Text),
    ("OwnerId", Text),
    ("IsDefault=default", Flag),
    ("Associations=associationSet", List(&Structure(&[("SubnetId", Text)]))),
    (
        "Entries=entrySet",
        List(&Structure(&[
            ("RuleNumber", Number),
            ("RuleAction", Text),
            ("Egress", Flag),
            ("Protocol", Text),
            ("CidrBlock", Text),
            ("Ipv6CidrBlock", Text),
            ("PortRange", Structure(&[("From", Number), ("To", Number)])),
            ("IcmpTypeCode", Structure(&[("Type", Number), ("Code", Number)])),
        ])),
    ),
    ("Tags=tagSet", Tags),
]);

pub(super) const INTERNET_GATEWAY: Member = Structure(&[
    ("InternetGatewayId", Text),
    ("OwnerId", Text),
    ("Attachments=attachmentSet", List(&Structure(&[("VpcId", Text), ("State", Text)]))),
    ("Tags=tagSet", Tags),
]);
