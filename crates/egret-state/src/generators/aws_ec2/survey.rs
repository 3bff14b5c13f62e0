//! What is asked of EC2 in a region, and what becomes of it.

use async_trait::async_trait;
use egret_http::CallError;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value as Json, json};

use super::AwsEc2;
use super::members::{self, SOURCES};
use crate::generators::aws::{Account, AwsError, AwsService, Element, Member, RegionSurvey, document};
use crate::generators::parts::Part;

/// Snapshots and images at once; requests have a limit of their own.
const AT_ONCE: usize = 16;

/// With more of them, the requests for what each is shared with would outlast a run.
const MAX_SHARED: usize = 5000;

#[async_trait]
impl RegionSurvey for AwsEc2 {
    async fn survey_region(&self, account: &Account<'_>, region: &str) -> Vec<Part> {
        let place = format!("{}/{region}", account.id);
        let ec2 = match account.service("ec2", region) {
            Ok(ec2) => ec2,
            Err(error) => return vec![Part::failed(place, error)],
        };
        let mut parts = Vec::new();
        for kind in &self.kinds {
            let outcome = self.look_at(&ec2, kind).await;
            if let Err(error) = &outcome
                && error.is_of_credentials()
            {
                // The others would say the same.
                parts.push(Part::failed(place, error.clone()));
                return parts;
            }
            let documents = outcome.map(|things| {
                let documents =
                    things.into_iter().map(|(id, said)| document(kind, &account.id, Some(region), &id, said));
                documents.collect()
            });
            parts.push(Part::new(format!("{place}/{kind}"), documents));
        }
        parts
    }
}

/// What was found: its id, and what is said of it.
type Things = Vec<(String, Json)>;

impl AwsEc2 {
    async fn look_at(&self, ec2: &AwsService<'_>, kind: &str) -> Result<Things, AwsError> {
        match kind {
            "security_group" => {
                let list = ("DescribeSecurityGroups", "securityGroupInfo");
                let mut groups = all(ec2, list, &[], &members::SECURITY_GROUP, "GroupId").await?;
                groups.iter_mut().for_each(|(_, group)| split_permissions(group));
                Ok(groups)
            }
            "instance" => instances(ec2).await,
            "snapshot" => self.snapshots(ec2).await,
            "image" => images(ec2).await,
            "key_pair" => {
                // They come in one page.
                let page = ec2.query("DescribeKeyPairs", &[]).await?;
                Ok(page
                    .items("keySet")
                    .iter()
                    .map(|key| thing(key, &members::KEY_PAIR, "KeyPairId"))
                    .collect())
            }
            "network_acl" => {
                let list = ("DescribeNetworkAcls", "networkAclSet");
                all(ec2, list, &[], &members::NETWORK_ACL, "NetworkAclId").await
            }
            _ => {
                let list = ("DescribeInternetGateways", "internetGatewaySet");
                all(ec2, list, &[], &members::INTERNET_GATEWAY, "InternetGatewayId").await
            }
        }
    }

    async fn snapshots(&self, ec2: &AwsService<'_>) -> Result<Things, AwsError> {
        let list = ("DescribeSnapshots", "snapshotSet");
        let own = ("Owner.1", "self");
        if !self.shared_snapshots {
            let filter = [own, ("RestorableBy.1", "all")];
            let mut public = all(ec2, list, &filter, &members::SNAPSHOT, "SnapshotId").await?;
            let everybody = json!([{"Group": "all"}]);
            public.iter_mut().for_each(|(_, said)| said["CreateVolumePermissions"] = everybody.clone());
            return Ok(public);
        }
        let all = all(ec2, list, &[own], &members::SNAPSHOT, "SnapshotId").await?;
        let hint = "set `shared_snapshots = false` to look at public ones only";
        shared(ec2, all, &SNAPSHOT_SHARING, hint).await
    }
}

async fn images(ec2: &AwsService<'_>) -> Result<Things, AwsError> {
    let filter = [("Owner.1", "self"), ("IncludeDeprecated", "true")];
    let all = all(ec2, ("DescribeImages", "imagesSet"), &filter, &members::IMAGE, "ImageId").await?;
    shared(ec2, all, &IMAGE_SHARING, "name `kinds` without \"image\"").await
}

async fn instances(ec2: &AwsService<'_>) -> Result<Things, AwsError> {
    let mut found = Vec::new();
    let take = |page: Element| {
        for reservation in page.items("reservationSet") {
            let instances = reservation.items("instancesSet").iter();
            let read = instances.map(|instance| thing(instance, &members::INSTANCE, "InstanceId"));
            found.extend(read.filter(|(_, instance)| is_public(instance)));
        }
    };
    ec2.pages("DescribeInstances", &[("MaxResults", "1000")], take).await?;
    Ok(found)
}

/// Whether somebody outside could reach it, by IPv4 or IPv6.
fn is_public(instance: &Json) -> bool {
    let interfaces = instance["NetworkInterfaces"].as_array();
    let by_interface = interfaces.into_iter().flatten().any(|interface| {
        let addresses = interface["Ipv6Addresses"].as_array();
        interface["Association"]["PublicIp"].is_string() || addresses.is_some_and(|some| !some.is_empty())
    });
    by_interface || instance["PublicIpAddress"].as_str().is_some_and(|address| !address.is_empty())
}

/// How to ask with whom something is shared.
struct Sharing {
    action: &'static str,
    attribute: &'static str,
    parameter: &'static str,
    members: Member,
    name: &'static str,
    gone: &'static [&'static str],
}

const SNAPSHOT_SHARING: Sharing = Sharing {
    action: "DescribeSnapshotAttribute",
    attribute: "createVolumePermission",
    parameter: "SnapshotId",
    members: members::CREATE_VOLUME_PERMISSIONS,
    name: "CreateVolumePermissions",
    gone: &["InvalidSnapshot.NotFound"],
};

const IMAGE_SHARING: Sharing = Sharing {
    action: "DescribeImageAttribute",
    attribute: "launchPermission",
    parameter: "ImageId",
    members: members::LAUNCH_PERMISSIONS,
    name: "LaunchPermissions",
    gone: &["InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"],
};

/// Those that are shared with somebody, with whom.
async fn shared(
    ec2: &AwsService<'_>,
    things: Things,
    sharing: &Sharing,
    hint: &str,
) -> Result<Things, AwsError> {
    if things.len() > MAX_SHARED {
        let message = format!("there are {} of them, and each takes a request; {hint}", things.len());
        return Err(CallError::refused(message).into());
    }
    let mut each = Vec::new();
    for thing in things {
        each.push(with_permissions(ec2, thing, sharing));
    }
    let found = stream::iter(each).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(found.into_iter().flatten().collect())
}

/// `None` if it is shared with nobody, or went away in the meantime.
async fn with_permissions(
    ec2: &AwsService<'_>,
    (id, mut said): (String, Json),
    sharing: &Sharing,
) -> Result<Option<(String, Json)>, AwsError> {
    let parameters = [("Attribute", sharing.attribute), (sharing.parameter, id.as_str())];
    let answer = match ec2.query(sharing.action, &parameters).await {
        Err(error) if sharing.gone.contains(&error.code.as_str()) => return Ok(None),
        answer => answer?,
    };
    let permissions = sharing.members.read(&answer)[sharing.name].take();
    if permissions.as_array().is_none_or(Vec::is_empty) {
        return Ok(None);
    }
    said[sharing.name] = permissions;
    Ok(Some((id, said)))
}

/// All items of a list, page by page.
async fn all(
    ec2: &AwsService<'_>,
    (action, list): (&str, &str),
    filter: &[(&str, &str)],
    member: &Member,
    id: &str,
) -> Result<Things, AwsError> {
    let parameters = [filter, &[("MaxResults", "1000")]].concat();
    let mut found = Vec::new();
    let take = |page: Element| found.extend(page.items(list).iter().map(|item| thing(item, member, id)));
    ec2.pages(action, &parameters, take).await?;
    Ok(found)
}

fn thing(item: &Element, member: &Member, id: &str) -> (String, Json) {
    let said = member.read(item);
    (said[id].as_str().unwrap_or_default().to_owned(), said)
}

/// Makes one permission of each source. AWS puts those with the same ports together, in no particular way; so a rule that
/// is added is one more permission, whatever the others are, with its ports beside its source.
fn split_permissions(group: &mut Json) {
    for name in ["IpPermissions", "IpPermissionsEgress"] {
        let Some(permissions) = group[name].as_array_mut() else { continue };
        let mut split = Vec::new();
        for permission in permissions.iter_mut() {
            let sources: Vec<(&str, Vec<Json>)> =
                SOURCES.iter().map(|list| (*list, taken(&mut permission[*list]))).collect();
            let empty = || SOURCES.iter().map(|list| ((*list).to_owned(), json!([]))).collect::<Map<_, _>>();
            for (list, sources) in sources {
                for source in sources {
                    let mut one = permission.clone();
                    one.as_object_mut().into_iter().for_each(|one| one.extend(empty()));
                    one["id"] = permission_id(&one, &source).into();
                    one[list] = json!([source]);
                    split.push(one);
                }
            }
        }
        *permissions = split;
    }
}

/// What tells a permission from the others of its list: `tcp 443 0.0.0.0/0`. So one that is replaced by another is not
/// taken for one that has changed.
fn permission_id(permission: &Json, source: &Json) -> String {
    let protocol = match permission["IpProtocol"].as_str() {
        Some("-1") | None => "all",
        Some(protocol) => protocol,
    };
    let ports = match (permission["FromPort"].as_i64(), permission["ToPort"].as_i64()) {
        (Some(from), Some(to)) if from != to => format!(" {from}-{to}"),
        (Some(port), _) => format!(" {port}"),
        (None, _) => String::new(),
    };
    let names = ["CidrIp", "CidrIpv6", "PrefixListId", "UserId", "GroupId"];
    let source: Vec<&str> = names.iter().filter_map(|name| source[*name].as_str()).collect();
    format!("{protocol}{ports} {}", source.join("/"))
}

fn taken(list: &mut Json) -> Vec<Json> {
    match list.take() {
        Json::Array(items) => items,
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_is_of_one_source() {
        let mut group = json!({
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "0.0.0.0/0"}],
                 "Ipv6Ranges": [{"CidrIpv6": "::/0"}], "PrefixListIds": [], "UserIdGroupPairs": []},
                {"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": [{"GroupId": "sg-1"}]},
            ],
            "IpPermissionsEgress": [],
        });
        split_permissions(&mut group);
        let tcp = |list: &str, source: Json| {
            let range = source.as_object().and_then(|source| source.values().next()?.as_str()).unwrap();
            let mut one = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [], "Ipv6Ranges": [],
                                 "PrefixListIds": [], "UserIdGroupPairs": [], "id": format!("tcp 22 {range}")});
            one[list] = json!([source]);
            one
        };
        let all = json!({"IpProtocol": "-1", "IpRanges": [], "Ipv6Ranges": [], "PrefixListIds": [],
                         "UserIdGroupPairs": [{"GroupId": "sg-1"}], "id": "all sg-1"});
        let expected = json!({
            "IpPermissions": [
                tcp("IpRanges", json!({"CidrIp": "10.0.0.0/8"})), tcp("IpRanges", json!({"CidrIp": "0.0.0.0/0"})),
                tcp("Ipv6Ranges", json!({"CidrIpv6": "::/0"})), all,
            ],
            "IpPermissionsEgress": [],
        });
        assert_eq!(group, expected);
    }

    #[test]
    fn an_instance_is_public_by_any_address() {
        for (instance, expected) in [
            (json!({"PublicIpAddress": "203.0.113.1"}), true),
            (json!({"PublicIpAddress": ""}), false),
            (json!({"NetworkInterfaces": []}), false),
            (json!({"NetworkInterfaces": [{"Ipv6Addresses": []}]}), false),
            (json!({"NetworkInterfaces": [{"Ipv6Addresses": [{"Ipv6Address": "2001:db8::1"}]}]}), true),
            (json!({"NetworkInterfaces": [{"Association": {"PublicIp": "203.0.113.1"}}]}), true),
        ] {
            assert_eq!(is_public(&instance), expected, "{instance}");
        }
    }
}
