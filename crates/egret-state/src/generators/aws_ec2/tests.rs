//! Against moto in several regions, and against answers as AWS documents them: pages, failures.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::GENERATOR_TYPE;
use crate::generators::aws::Element;
use crate::generators::aws::testing::{ACCOUNT, HERE, Place, World, found, refused};
use crate::generators::documented::check_documented;
use crate::generators::peer::{Asked, Reply};

/// The first element of this name, wherever it is.
fn find(element: &Element, name: &str) -> Option<String> {
    if element.name == name {
        return Some(element.text.clone());
    }
    element.children.iter().find_map(|child| find(child, name))
}

async fn act(world: &World, action: &str, fields: &[(&str, &str)], answer: &str) -> String {
    let said = world.act("ec2", HERE, action, fields).await;
    find(&said, answer).unwrap_or_else(|| panic!("{action}: {said:?}"))
}

#[tokio::test]
async fn what_is_open_is_described() {
    // Moto has a snapshot for each of the many images that it knows: of them nobody needs to ask it.
    let own_snapshots = Arc::new(Mutex::new(Vec::<String>::new()));
    let known = Arc::clone(&own_snapshots);
    let answer = move |asked: &Asked| {
        let is_other = asked.field("Action").as_deref() == Some("DescribeSnapshotAttribute")
            && !known.lock().unwrap().contains(&asked.field("SnapshotId").unwrap());
        if is_other { Reply::text(200, "<R><createVolumePermission/></R>") } else { Reply::Forward }
    };
    let world = World::with_moto(answer).await;
    let group = [("GroupName", "web"), ("GroupDescription", "web servers")];
    let group = act(&world, "CreateSecurityGroup", &group, "groupId").await;
    let rule = [
        ("GroupId", group.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "443"),
        ("IpPermissions.1.ToPort", "443"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ("IpPermissions.1.IpRanges.1.Description", "everybody"),
        ("IpPermissions.1.IpRanges.2.CidrIp", "10.0.0.0/8"),
    ];
    act(&world, "AuthorizeSecurityGroupIngress", &rule, "requestId").await;
    let key = act(&world, "CreateKeyPair", &[("KeyName", "ada"), ("KeyType", "ed25519")], "keyPairId").await;
    let image = act(&world, "DescribeImages", &[("Owner.1", "amazon")], "imageId").await;
    let run = [
        ("ImageId", image.as_str()),
        ("MinCount", "1"),
        ("MaxCount", "1"),
        ("InstanceType", "t3.micro"),
        ("KeyName", "ada"),
        ("SecurityGroupId.1", group.as_str()),
    ];
    let instance = act(&world, "RunInstances", &run, "instanceId").await;
    let volume = [("Size", "8"), ("AvailabilityZone", "eu-west-1a")];
    let volume = act(&world, "CreateVolume", &volume, "volumeId").await;
    let [public, shared, private] = [
        act(&world, "CreateSnapshot", &[("VolumeId", volume.as_str())], "snapshotId").await,
        act(&world, "CreateSnapshot", &[("VolumeId", volume.as_str())], "snapshotId").await,
        act(&world, "CreateSnapshot", &[("VolumeId", volume.as_str())], "snapshotId").await,
    ];
    own_snapshots.lock().unwrap().extend([public.clone(), shared.clone(), private.clone()]);
    for (snapshot, with) in [(&public, ("UserGroup.1", "all")), (&shared, ("UserId.1", "111111111111"))] {
        let add = ("OperationType", "add");
        let fields = [("SnapshotId", snapshot.as_str()), ("Attribute", "createVolumePermission"), add, with];
        act(&world, "ModifySnapshotAttribute", &fields, "requestId").await;
    }
    let own = [("InstanceId", instance.as_str()), ("Name", "own")];
    let own = act(&world, "CreateImage", &own, "imageId").await;
    let hidden = [("InstanceId", instance.as_str()), ("Name", "hidden")];
    let hidden = act(&world, "CreateImage", &hidden, "imageId").await;
    let fields = [
        ("ImageId", own.as_str()),
        ("Attribute", "launchPermission"),
        ("LaunchPermission.Add.1.UserId", "111111111111"),
    ];
    act(&world, "ModifyImageAttribute", &fields, "requestId").await;
    let gateway = act(&world, "CreateInternetGateway", &[], "internetGatewayId").await;

    let run = world.run("aws_ec2", "regions = [\"eu-west-1\"]").await.unwrap();
    assert_eq!(run.failed, [""; 0]);
    check_documented(&GENERATOR_TYPE, &run.listed);
    let at = |kind: &str, id: &str| format!("{ACCOUNT}/eu-west-1/{kind}/{id}");
    let group_document = found(&run, &at("security_group", &group));
    let source = |range: serde_json::Value| {
        let id = format!("tcp 443 {}", range["CidrIp"].as_str().unwrap());
        json!({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [range], "Ipv6Ranges": [],
               "PrefixListIds": [], "UserIdGroupPairs": [], "id": id})
    };
    let ranges =
        [json!({"CidrIp": "0.0.0.0/0", "Description": "everybody"}), json!({"CidrIp": "10.0.0.0/8"})];
    let permissions = group_document["IpPermissions"].as_array().unwrap();
    assert_eq!(permissions.len(), 2, "{permissions:?}");
    assert!(ranges.into_iter().all(|range| permissions.contains(&source(range))), "{permissions:?}");
    let instance_document = found(&run, &at("instance", &instance));
    assert_eq!(
        (&instance_document["InstanceType"], &instance_document["KeyName"]),
        (&json!("t3.micro"), &json!("ada"))
    );
    assert_eq!(instance_document["SecurityGroups"], json!([{"GroupId": group, "GroupName": "web"}]));
    assert_eq!(instance_document["State"], json!({"Name": "running"}));
    assert!(instance_document["MetadataOptions"]["HttpTokens"].is_string(), "{instance_document}");
    assert_eq!(found(&run, &at("snapshot", &public))["CreateVolumePermissions"], json!([{"Group": "all"}]));
    let accounts = json!([{"UserId": "111111111111"}]);
    assert_eq!(found(&run, &at("snapshot", &shared))["CreateVolumePermissions"], accounts);
    assert_eq!(found(&run, &at("image", &own))["LaunchPermissions"], accounts);
    assert_eq!(found(&run, &at("key_pair", &key))["KeyType"], "ed25519");
    assert_eq!(found(&run, &at("internet_gateway", &gateway))["Attachments"], json!([]));
    for (kind, id) in [("snapshot", &private), ("image", &hidden)] {
        assert!(!run.listed.iter().any(|line| line.starts_with(&at(kind, id))), "{id} is shared with nobody");
    }
    let acl = run.listed.iter().find(|line| line.contains("/network_acl/")).unwrap();
    assert!(acl.contains(r#""IsDefault":true"#) && acl.contains(r#""RuleNumber":100"#), "{acl}");
    // The same again, in whatever order it comes.
    assert_eq!(world.run("aws_ec2", "regions = [\"eu-west-1\"]").await.unwrap().listed, run.listed);

    let public_only = "kinds = [\"snapshot\"]\n shared_snapshots = false\n regions = [\"eu-west-1\"]";
    let asked = world.peer.asked().len();
    let run = world.run("aws_ec2", public_only).await.unwrap();
    assert_eq!(world.peer.asked().len(), asked + 2);
    assert!(run.listed.iter().any(|line| line.starts_with(&at("snapshot", &public))), "{:?}", run.listed);
    assert_eq!(found(&run, &at("snapshot", &public))["CreateVolumePermissions"], json!([{"Group": "all"}]));
}

#[tokio::test]
async fn regions_and_accounts_are_told_apart() {
    let world = World::with_moto(|_| Reply::Forward).await;
    let key = |region, account| (Place { region, account }, [("KeyName", "ada")]);
    for (place, fields) in
        [key("eu-west-1", None), key("us-east-1", None), key("us-east-1", Some("111111111111"))]
    {
        world.act("ec2", place, "CreateKeyPair", &fields).await;
    }
    let attributes =
        "kinds = [\"key_pair\"]\n accounts = [\"own\", \"arn:aws:iam::111111111111:role/egret\"]";
    let run = world.run("aws_ec2", attributes).await.unwrap();
    assert_eq!(run.failed, [""; 0]);
    let places: Vec<&str> = run.listed.iter().map(|line| line.split("/key-").next().unwrap()).collect();
    assert_eq!(
        places,
        [
            "111111111111/us-east-1/key_pair",
            "123456789012/eu-west-1/key_pair",
            "123456789012/us-east-1/key_pair"
        ]
    );
}

fn caller(asked: &Asked) -> Option<Reply> {
    let text =
        format!("<R><GetCallerIdentityResult><Account>{ACCOUNT}</Account></GetCallerIdentityResult></R>");
    (asked.field("Action").as_deref() == Some("GetCallerIdentity")).then(|| Reply::text(200, text))
}

fn denied() -> Reply {
    let body = "<?xml version=\"1.0\"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not \
                authorized.</Message></Error></Errors><RequestID>1</RequestID></Response>";
    Reply::text(403, body)
}

fn region(asked: &Asked) -> &str {
    asked.header("authorization").split('/').nth(2).unwrap_or_default()
}

/// Two pages of groups, and one of keys.
fn recorded(asked: &Asked) -> Reply {
    if let Some(caller) = caller(asked) {
        return caller;
    }
    let group = |id: &str| {
        format!("<securityGroupInfo><item><groupId>{id}</groupId><ipPermissions/></item></securityGroupInfo>")
    };
    let body = match (asked.field("Action").as_deref(), asked.field("NextToken").as_deref()) {
        (Some("DescribeSecurityGroups"), None) => {
            assert_eq!(asked.field("MaxResults").as_deref(), Some("1000"));
            format!("{}<nextToken>t/+=</nextToken>", group("sg-1"))
        }
        (Some("DescribeSecurityGroups"), Some("t/+=")) => format!("{}<nextToken/>", group("sg-2")),
        (Some("DescribeKeyPairs"), None) => {
            "<keySet><item><keyPairId>key-1</keyPairId><keyName>ada</keyName></item></keySet>".to_owned()
        }
        other => panic!("{other:?}"),
    };
    Reply::text(
        200,
        format!("<R xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>{body}</R>"),
    )
}

const TWO: &str = "kinds = [\"security_group\", \"key_pair\"]\n regions = [\"eu-west-1\", \"us-east-1\"]";

fn keys(listed: &[String]) -> Vec<&str> {
    listed.iter().map(|line| line.split(' ').next().unwrap()).collect()
}

#[tokio::test]
async fn a_part_that_fails_leaves_the_others() {
    let world = World::scripted(|asked| match (asked.field("Action").as_deref(), region(asked)) {
        (Some("DescribeKeyPairs"), "eu-west-1") => denied(),
        (_, "us-east-1") if caller(asked).is_none() => refused(401, "AuthFailure"),
        _ => recorded(asked),
    })
    .await;
    let run = world.run("aws_ec2", TWO).await.unwrap();
    assert_eq!(
        keys(&run.listed),
        [
            format!("{ACCOUNT}/eu-west-1/security_group/sg-1"),
            format!("{ACCOUNT}/eu-west-1/security_group/sg-2")
        ]
    );
    let why = "the permission ec2:DescribeKeyPairs is missing: 127.0.0.1 answered UnauthorizedOperation: You are not \
               authorized.";
    assert_eq!(
        run.failed,
        [
            format!("{ACCOUNT}/eu-west-1/key_pair: {why}"),
            format!("{ACCOUNT}/us-east-1: 127.0.0.1 answered AuthFailure: as documented"),
        ]
    );
}

#[tokio::test]
async fn revoked_credentials_give_no_state() {
    let world = World::scripted(|asked| caller(asked).unwrap_or_else(|| refused(401, "AuthFailure"))).await;
    let error = world.run("aws_ec2", TWO).await.unwrap_err();
    assert_eq!(error.to_string(), "127.0.0.1 answered AuthFailure: as documented");
}

#[tokio::test]
async fn a_document_is_as_documented() {
    let world = World::scripted(recorded).await;
    let run = world.run("aws_ec2", TWO).await.unwrap();
    assert_eq!((run.listed.len(), run.failed.len()), (6, 0));
    check_documented(&GENERATOR_TYPE, &run.listed);
    assert_eq!(
        run.listed[0],
        r#"123456789012/eu-west-1/key_pair/key-1 {"KeyName":"ada","KeyPairId":"key-1","Tags":{},"account":"123456789012","id":"key-1","kind":"key_pair","region":"eu-west-1"}"#
    );
}
