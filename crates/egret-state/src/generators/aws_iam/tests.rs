//! Against moto, and against answers as AWS documents them where moto has none: pages, failures.

use serde_json::json;

use super::GENERATOR_TYPE;
use crate::generators::aws::testing::{ACCOUNT, HERE, Place, World, found, refused};
use crate::generators::documented::check_documented;
use crate::generators::peer::{Asked, Reply};

const ALLOW: &str =
    r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
const DENY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Sid": "x+y z", "Effect": "Deny", "Action": "*", "Resource": "*"}]}"#;
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;

async fn act(world: &World, place: Place<'_>, action: &str, fields: &[(&str, &str)]) -> String {
    let answer = world.act("iam", place, action, fields).await;
    answer.child(&format!("{action}Result")).and_then(|result| result.children.first().cloned()).map_or_else(
        String::new,
        |child| {
            child.text_of("AccessKeyId").to_owned() + child.text_of("Arn") + child.text_of("SerialNumber")
        },
    )
}

/// An account with one of each.
async fn furnish(world: &World, place: Place<'_>) {
    let limits =
        act(world, place, "CreatePolicy", &[("PolicyName", "limits"), ("PolicyDocument", ALLOW)]).await;
    let version = [("PolicyArn", limits.as_str()), ("PolicyDocument", DENY), ("SetAsDefault", "true")];
    act(world, place, "CreatePolicyVersion", &version).await;
    let ada = [
        ("UserName", "ada"),
        ("Path", "/staff/"),
        ("PermissionsBoundary", limits.as_str()),
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "platform"),
    ];
    act(world, place, "CreateUser", &ada).await;
    act(world, place, "CreateUser", &[("UserName", "bob")]).await;
    act(world, place, "CreateGroup", &[("GroupName", "engineers")]).await;
    act(world, place, "AddUserToGroup", &[("GroupName", "engineers"), ("UserName", "ada")]).await;
    let inline = [("PolicyName", "own"), ("PolicyDocument", DENY)];
    act(world, place, "PutUserPolicy", &[inline[0], inline[1], ("UserName", "ada")]).await;
    act(world, place, "PutGroupPolicy", &[inline[0], inline[1], ("GroupName", "engineers")]).await;
    let attach = ("PolicyArn", limits.as_str());
    act(world, place, "AttachUserPolicy", &[attach, ("UserName", "ada")]).await;
    act(world, place, "AttachGroupPolicy", &[attach, ("GroupName", "engineers")]).await;
    act(world, place, "CreateRole", &[("RoleName", "deploy"), ("AssumeRolePolicyDocument", TRUST)]).await;
    act(world, place, "PutRolePolicy", &[inline[0], inline[1], ("RoleName", "deploy")]).await;
    act(world, place, "AttachRolePolicy", &[attach, ("RoleName", "deploy")]).await;
    act(world, place, "CreateInstanceProfile", &[("InstanceProfileName", "deploy")]).await;
    let profile = [("InstanceProfileName", "deploy"), ("RoleName", "deploy")];
    act(world, place, "AddRoleToInstanceProfile", &profile).await;
    act(world, place, "CreateAccessKey", &[("UserName", "ada")]).await;
    act(world, place, "CreateLoginProfile", &[("UserName", "ada"), ("Password", "correct horse")]).await;
    let device = act(world, place, "CreateVirtualMFADevice", &[("VirtualMFADeviceName", "ada")]).await;
    let codes = [("AuthenticationCode1", "123456"), ("AuthenticationCode2", "654321")];
    let enable = [("UserName", "ada"), ("SerialNumber", device.as_str()), codes[0], codes[1]];
    act(world, place, "EnableMFADevice", &enable).await;
    act(
        world,
        place,
        "UpdateAccountPasswordPolicy",
        &[("MinimumPasswordLength", "14"), ("RequireSymbols", "true")],
    )
    .await;
    act(world, place, "CreateAccountAlias", &[("AccountAlias", "example-prod")]).await;
    let metadata = format!(
        "<EntityDescriptor entityID=\"https://idp\"><X509Certificate>MIIB</X509Certificate>{}</EntityDescriptor>",
        " ".repeat(1000)
    );
    act(world, place, "CreateSAMLProvider", &[("Name", "okta"), ("SAMLMetadataDocument", &metadata)]).await;
    let actions = [
        ("Url", "https://token.actions.githubusercontent.com"),
        ("ClientIDList.member.1", "sts.amazonaws.com"),
        ("ThumbprintList.member.1", "6938fd4d98bab03faadb97b34396831e3780aea1"),
    ];
    act(world, place, "CreateOpenIDConnectProvider", &actions).await;
}

#[tokio::test]
async fn an_account_is_described() {
    let world = World::with_moto(|_| Reply::Forward).await;
    furnish(&world, HERE).await;
    let run = world.run("aws_iam", "").await.unwrap();
    assert_eq!((run.failed.as_slice(), run.notes.as_slice()), (&[][..], &[][..]));
    let keys: Vec<&str> = run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "123456789012/account/123456789012",
            "123456789012/group/engineers",
            "123456789012/oidc_provider/token.actions.githubusercontent.com",
            "123456789012/password_policy/123456789012",
            "123456789012/policy/limits",
            "123456789012/role/deploy",
            "123456789012/saml_provider/okta",
            "123456789012/user/ada",
            "123456789012/user/bob",
        ]
    );
    check_documented(&GENERATOR_TYPE, &run.listed);

    let limits = format!("arn:aws:iam::{ACCOUNT}:policy/limits");
    let deny = json!({"Version": "2012-10-17",
        "Statement": [{"Sid": "x+y z", "Effect": "Deny", "Action": "*", "Resource": "*"}]});
    let inline = json!([{"PolicyName": "own", "PolicyDocument": deny}]);
    let attached = json!([{"PolicyName": "limits", "PolicyArn": limits}]);
    let ada = found(&run, "123456789012/user/ada");
    assert_eq!((&ada["UserPolicyList"], &ada["AttachedManagedPolicies"]), (&inline, &attached));
    assert_eq!((&ada["GroupList"], &ada["Tags"]), (&json!(["engineers"]), &json!({"team": "platform"})));
    assert_eq!(
        (&ada["AccessKeys"][0]["Status"], ada["AccessKeys"].as_array().unwrap().len()),
        (&json!("Active"), 1)
    );
    assert_eq!(ada["MFADevices"].as_array().unwrap().len(), 1);
    assert_eq!(ada["LoginProfile"]["PasswordResetRequired"], false);
    let bob = found(&run, "123456789012/user/bob");
    assert_eq!(
        (&bob["AccessKeys"], &bob["MFADevices"], bob.get("LoginProfile")),
        (&json!([]), &json!([]), None)
    );
    assert!(bob.get("PasswordLastUsed").is_none() && bob.get("PermissionsBoundary").is_none());
    let group = found(&run, "123456789012/group/engineers");
    assert_eq!((&group["GroupPolicyList"], &group["AttachedManagedPolicies"]), (&inline, &attached));
    let role = found(&run, "123456789012/role/deploy");
    assert_eq!((&role["RolePolicyList"], &role["AttachedManagedPolicies"]), (&inline, &attached));
    assert_eq!(role["AssumeRolePolicyDocument"], serde_json::from_str::<serde_json::Value>(TRUST).unwrap());
    assert_eq!(role["InstanceProfileList"][0]["InstanceProfileName"], "deploy");
    let policy = found(&run, "123456789012/policy/limits");
    assert_eq!((&policy["PolicyDocument"], &policy["DefaultVersionId"]), (&deny, &json!("v2")));
    assert_eq!(policy["PolicyVersionList"].as_array().unwrap().len(), 2);
    let password_policy = found(&run, "123456789012/password_policy/123456789012");
    assert_eq!(password_policy["MinimumPasswordLength"], 14);
    assert_eq!(
        (&password_policy["RequireSymbols"], &password_policy["RequireNumbers"]),
        (&json!(true), &json!(false))
    );
    let account = found(&run, "123456789012/account/123456789012");
    assert_eq!(
        (&account["AccountAliases"], &account["AccountMFAEnabled"]),
        (&json!(["example-prod"]), &json!(0))
    );
    let saml = found(&run, "123456789012/saml_provider/okta");
    assert_eq!((&saml["EntityID"], &saml["X509Certificates"]), (&json!("https://idp"), &json!(["MIIB"])));

    // Another run finds the same.
    assert_eq!(world.run("aws_iam", "").await.unwrap().listed, run.listed);
    let some = world.run("aws_iam", "kinds = [\"group\", \"account\"]\n last_used = true").await.unwrap();
    assert_eq!(some.listed, [run.listed[0].clone(), run.listed[1].clone()]);
    let used = world.run("aws_iam", "kinds = [\"user\", \"role\"]\n last_used = true").await.unwrap();
    let ada = found(&used, "123456789012/user/ada");
    assert!(ada["AccessKeys"][0]["AccessKeyLastUsed"]["Region"].is_string(), "{ada}");
}

#[tokio::test]
async fn accounts_are_told_apart_and_one_that_fails_leaves_the_others() {
    let others = ["111111111111", "222222222222", "333333333333"];
    let answer = |asked: &Asked| {
        let is_denied = asked.path.contains("333333333333") && asked.path.contains("AssumeRole");
        if is_denied { refused(403, "AccessDenied") } else { Reply::Forward }
    };
    let world = World::with_moto(answer).await;
    for (account, user) in others.iter().zip(["eve", "mallory"]) {
        let place = Place { region: "eu-west-1", account: Some(account) };
        act(&world, place, "CreateUser", &[("UserName", user)]).await;
    }
    let attributes = r#"kinds = ["user"]
        accounts = ["arn:aws:iam::111111111111:role/egret",
                    { role_arn = "arn:aws:iam::222222222222:role/egret", external_id = "e-2" },
                    "arn:aws:iam::333333333333:role/egret", "own"]"#;
    let run = world.run("aws_iam", attributes).await.unwrap();
    let keys: Vec<&str> = run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(keys, ["111111111111/user/eve", "222222222222/user/mallory"]);
    let [failed] = run.failed.as_slice() else { panic!("{:?}", run.failed) };
    let start =
        "333333333333: nobody is signed in as arn:aws:iam::333333333333:role/egret: there are no usable AWS";
    assert!(failed.starts_with(start) && failed.contains("AccessDenied"), "{failed}");
    let assumed: Vec<String> =
        world.peer.asked().iter().filter_map(|asked| asked.field("ExternalId")).collect();
    assert_eq!(assumed, ["e-2"]);
}

#[tokio::test]
async fn a_permission_that_is_missing_fails_its_part_only() {
    for (action, part, permission) in [
        ("ListMFADevices", "user", "iam:ListMFADevices"),
        ("GetLoginProfile", "user", "iam:GetLoginProfile"),
        ("ListAccountAliases", "account", "iam:ListAccountAliases"),
        ("GetAccountPasswordPolicy", "password_policy", "iam:GetAccountPasswordPolicy"),
        ("GetSAMLProvider", "saml_provider", "iam:GetSAMLProvider"),
    ] {
        let answer = move |asked: &Asked| match asked.field("Action") {
            Some(asked) if asked == action => refused(403, "AccessDenied"),
            _ => Reply::Forward,
        };
        let world = World::with_moto(answer).await;
        if action == "ListMFADevices" {
            furnish(&world, HERE).await;
        }
        let run = world.run("aws_iam", "").await.unwrap();
        let expected = format!(
            "{ACCOUNT}/{part}: the permission {permission} is missing: 127.0.0.1 answered AccessDenied: as documented"
        );
        assert_eq!(run.failed, [expected]);
        assert!(run.listed.iter().all(|line| !line.contains(&format!("/{part}/"))), "{action}");
        assert!(run.listed.len() >= 6, "{action}: {:?}", run.listed);
    }
}

#[tokio::test]
async fn without_credentials_that_are_good_there_is_no_state() {
    for (status, code) in [(403, "InvalidClientTokenId"), (403, "ExpiredToken"), (400, "AuthFailure")] {
        for at in ["GetCallerIdentity", "GetAccount"] {
            let answer = move |asked: &Asked| match asked.field("Action") {
                Some(action) if at == "GetAccount" && action == "GetCallerIdentity" => Reply::text(
                    200,
                    "<R><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></R>",
                ),
                _ => refused(status, code),
            };
            let world = World::scripted(answer).await;
            let error = world.run("aws_iam", "").await.unwrap_err();
            assert_eq!(error.to_string(), format!("127.0.0.1 answered {code}: as documented"));
            assert!(world.peer.asked().len() <= 6, "nothing is asked again: {}", world.peer.asked().len());
        }
    }
}

/// A page of users; the token of the next.
fn page(asked: &Asked) -> Reply {
    let users = |names: &[&str]| -> String {
        names
            .iter()
            .map(|name| {
                format!(
                    "<member><UserName>{name}</UserName><Arn>arn:aws:iam::1:user/{name}</Arn><PermissionsBoundary>\
                     <PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>arn:x\
                     </PermissionsBoundaryArn></PermissionsBoundary><UserPolicyList/></member>"
                )
            })
            .collect()
    };
    let (names, more): (&[&str], &str) = match asked.field("Marker").as_deref() {
        None => (&["ada", "bob"], "<IsTruncated>true</IsTruncated><Marker>m+1=</Marker>"),
        Some("m+1=") => (&[], "<IsTruncated>true</IsTruncated><Marker>m2</Marker>"),
        Some("m2") => (&["eve"], "<IsTruncated>false</IsTruncated>"),
        Some(other) => panic!("{other}"),
    };
    Reply::text(
        200,
        format!(
            "<R><GetAccountAuthorizationDetailsResult><UserDetailList>{}</UserDetailList>{more}\
             </GetAccountAuthorizationDetailsResult></R>",
            users(names)
        ),
    )
}

fn paged(asked: &Asked) -> Reply {
    match asked.field("Action").as_deref() {
        Some("GetCallerIdentity") => Reply::text(
            200,
            "<R><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></R>",
        ),
        Some("GetAccountAuthorizationDetails") => page(asked),
        Some("GetLoginProfile") => refused(404, "NoSuchEntity"),
        // Deleted since the page was made.
        Some("ListAccessKeys") if asked.field("UserName").as_deref() == Some("bob") => {
            refused(404, "NoSuchEntity")
        }
        Some(action) => Reply::text(
            200,
            format!("<R><{action}Result><IsTruncated>false</IsTruncated></{action}Result></R>"),
        ),
        None => panic!("{asked:?}"),
    }
}

#[tokio::test]
async fn pages_are_followed_and_what_went_away_is_left_out() {
    let world = World::scripted(paged).await;
    let run = world.run("aws_iam", "kinds = [\"user\"]").await.unwrap();
    let keys: Vec<&str> = run.listed.iter().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(
        (keys.as_slice(), run.failed.len()),
        (&["123456789012/user/ada", "123456789012/user/eve"][..], 0)
    );
    let boundary = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:x"});
    let ada = found(&run, "123456789012/user/ada");
    assert_eq!((&ada["PermissionsBoundary"], &ada["UserPolicyList"]), (&boundary, &json!([])));
    let filter = world.peer.asked().iter().find_map(|asked| asked.field("Filter.member.1"));
    assert_eq!(filter.as_deref(), Some("User"));
    assert!(world.peer.asked()[0].header("authorization").contains("/us-east-1/sts/aws4_request"));
    assert!(world.peer.asked()[1].header("authorization").contains("/us-east-1/iam/aws4_request"));
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let busy = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&busy);
    let answer = move |asked: &Asked| {
        let is_keys = asked.field("Action").as_deref() == Some("ListAccessKeys");
        if is_keys && counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 3 {
            return refused(400, "Throttling").with_header("retry-after", "0");
        }
        paged(asked)
    };
    let world = World::scripted(answer).await;
    let run = world.run("aws_iam", "kinds = [\"user\"]").await.unwrap();
    assert_eq!((run.listed.len(), run.failed.len()), (2, 0));
    assert!(busy.load(std::sync::atomic::Ordering::Relaxed) > 3);
}
