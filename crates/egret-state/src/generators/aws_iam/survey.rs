//! What is asked of IAM, and what becomes of it.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Map, Value as Json};

use super::members;
use super::providers;
use super::{AwsIam, DETAILED};
use crate::generators::aws::{
    Account, AccountSurvey, AwsError, AwsService, Element, Member, document, policy,
};
use crate::generators::parts::Part;

/// Users at once; requests have a limit of their own.
const AT_ONCE: usize = 16;

/// The answer to a question about something that is not there.
const ABSENT: &str = "NoSuchEntity";

#[async_trait]
impl AccountSurvey for AwsIam {
    async fn survey(&self, account: &Account<'_>) -> Vec<Part> {
        let iam = match account.service("iam", account.home()) {
            Ok(iam) => iam,
            Err(error) => return vec![Part::failed(account.id.as_str(), error)],
        };
        let part = |kind: &str| format!("{}/{kind}", account.id);
        let mut parts = self.details(&iam, &account.id).await;
        for kind in self.kinds.iter().filter(|kind| !DETAILED.contains(kind)) {
            let outcome = match *kind {
                "account" => account_document(&iam, &account.id).await,
                "password_policy" => password_policy(&iam, &account.id).await,
                "saml_provider" => providers::saml(&iam, &account.id).await,
                _ => providers::oidc(&iam, &account.id).await,
            };
            parts.push(Part::new(part(kind), outcome));
        }
        parts
    }
}

/// Pages of all details, by kind.
#[derive(Default)]
struct Details {
    users: Vec<Element>,
    groups: Vec<Json>,
    roles: Vec<Json>,
    policies: Vec<Json>,
}

impl AwsIam {
    /// Users, groups, roles and policies: all of them come in one answer.
    async fn details(&self, iam: &AwsService<'_>, account: &str) -> Vec<Part> {
        let wanted: Vec<&str> = self.kinds.iter().copied().filter(|kind| DETAILED.contains(kind)).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let part = |kind: &str| format!("{account}/{kind}");
        let mut details = match self.all_details(iam, account, &wanted).await {
            Ok(details) => details,
            Err(error) => {
                return wanted.iter().map(|kind| Part::failed(part(kind), error.clone())).collect();
            }
        };
        let mut parts = Vec::new();
        for kind in wanted {
            let outcome = match kind {
                "user" => self.users(iam, account, &details.users).await,
                "group" => Ok(std::mem::take(&mut details.groups)),
                "role" => Ok(std::mem::take(&mut details.roles)),
                _ => Ok(std::mem::take(&mut details.policies)),
            };
            parts.push(Part::new(part(kind), outcome));
        }
        parts
    }

    async fn all_details(
        &self,
        iam: &AwsService<'_>,
        account: &str,
        wanted: &[&str],
    ) -> Result<Details, AwsError> {
        let filters: Vec<(String, &str)> = wanted
            .iter()
            .enumerate()
            .map(|(index, kind)| {
                let filter = match *kind {
                    "user" => "User",
                    "group" => "Group",
                    "role" => "Role",
                    _ => "LocalManagedPolicy",
                };
                (format!("Filter.member.{}", index + 1), filter)
            })
            .collect();
        let mut parameters = vec![("MaxItems", "1000")];
        parameters.extend(filters.iter().map(|(name, filter)| (name.as_str(), *filter)));
        let mut details = Details::default();
        let take = |mut page: Element| {
            for list in &mut page.children {
                match list.name.as_str() {
                    "UserDetailList" => details.users.append(&mut list.children),
                    "GroupDetailList" => {
                        let read = |group| named(members::GROUP.read(group), "group", account, "GroupName");
                        details.groups.extend(list.children.iter().map(read));
                    }
                    "RoleDetailList" => {
                        details.roles.extend(list.children.iter().map(|role| self.role(role, account)));
                    }
                    "Policies" => {
                        details.policies.extend(list.children.iter().map(|one| managed_policy(one, account)));
                    }
                    _ => {}
                }
            }
        };
        iam.pages("GetAccountAuthorizationDetails", &parameters, take).await?;
        Ok(details)
    }

    fn role(&self, role: &Element, account: &str) -> Json {
        let mut document = named(members::ROLE.read(role), "role", account, "RoleName");
        if let Some(used) = role.child("RoleLastUsed").filter(|_| self.last_used) {
            document["RoleLastUsed"] = members::ROLE_LAST_USED.read(used);
        }
        document
    }

    /// The users with what only a request for each of them tells.
    async fn users(
        &self,
        iam: &AwsService<'_>,
        account: &str,
        users: &[Element],
    ) -> Result<Vec<Json>, AwsError> {
        let mut passwords: Map<String, Json> = Map::new();
        if self.last_used {
            let take = |page: Element| {
                for user in page.items("Users") {
                    let used = user.child("PasswordLastUsed").map(|used| Member::Time.read(used));
                    passwords.extend(used.map(|used| (user.text_of("UserName").to_owned(), used)));
                }
            };
            iam.pages("ListUsers", &[("MaxItems", "1000")], take).await?;
        }
        let mut each = Vec::new();
        for user in users {
            each.push(self.user(iam, account, user));
        }
        let documents = stream::iter(each).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
        let mut documents: Vec<Json> = documents.into_iter().flatten().collect();
        for document in &mut documents {
            let used = document["UserName"].as_str().and_then(|name| passwords.remove(name));
            if let Some(used) = used {
                document["PasswordLastUsed"] = used;
            }
        }
        Ok(documents)
    }

    /// A user; `None` if it went away in the meantime.
    async fn user(
        &self,
        iam: &AwsService<'_>,
        account: &str,
        user: &Element,
    ) -> Result<Option<Json>, AwsError> {
        let name = [("UserName", user.text_of("UserName"))];
        let (Some(mut keys), Some(devices)) = (
            listed(iam, "ListAccessKeys", &name, "AccessKeyMetadata", &members::ACCESS_KEY).await?,
            listed(iam, "ListMFADevices", &name, "MFADevices", &members::MFA_DEVICE).await?,
        ) else {
            return Ok(None);
        };
        if self.last_used {
            for key in &mut keys {
                let id = key["AccessKeyId"].as_str().unwrap_or_default();
                let used = iam.query("GetAccessKeyLastUsed", &[("AccessKeyId", id)]).await?;
                let used =
                    used.child("AccessKeyLastUsed").map(|used| members::ACCESS_KEY_LAST_USED.read(used));
                key["AccessKeyLastUsed"] = used.unwrap_or_default();
            }
        }
        let mut document = named(members::USER.read(user), "user", account, "UserName");
        document["AccessKeys"] = Json::Array(keys);
        document["MFADevices"] = Json::Array(devices);
        if let Some(profile) = present(iam.query("GetLoginProfile", &name).await)?
            && let Some(profile) = profile.child("LoginProfile")
        {
            document["LoginProfile"] = members::LOGIN_PROFILE.read(profile);
        }
        Ok(Some(document))
    }
}

/// A policy of the customer's, with its default document beside the list of its versions.
fn managed_policy(policy_detail: &Element, account: &str) -> Json {
    let mut document = named(members::POLICY.read(policy_detail), "policy", account, "PolicyName");
    let versions = policy_detail.items("PolicyVersionList");
    let default = versions.iter().find(|version| version.text_of("IsDefaultVersion") == "true");
    if let Some(default) = default {
        document["PolicyDocument"] = policy(default.text_of("Document"));
    }
    document
}

/// All items of a list; `None` if what they are of is not there.
async fn listed(
    iam: &AwsService<'_>,
    action: &str,
    parameters: &[(&str, &str)],
    list: &str,
    member: &Member,
) -> Result<Option<Vec<Json>>, AwsError> {
    let mut items = Vec::new();
    let take = |page: Element| items.extend(page.items(list).iter().map(|item| member.read(item)));
    let pages = iam.pages(action, parameters, take).await;
    Ok(present(pages)?.map(|()| items))
}

/// `None` if the answer is that there is no such thing.
pub(super) fn present<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code == ABSENT => Ok(None),
        Err(error) => Err(error),
    }
}

/// A document that the value of a member names; else the end of its ARN, which is the same.
fn named(said: Json, kind: &str, account: &str, name: &str) -> Json {
    let of_arn = || said["Arn"].as_str().and_then(|arn| arn.rsplit('/').next());
    let id = said[name].as_str().or_else(of_arn).unwrap_or_default().to_owned();
    document(kind, account, None, &id, said)
}

/// What there is one of: the account itself.
async fn account_document(iam: &AwsService<'_>, account: &str) -> Result<Vec<Json>, AwsError> {
    let summary = iam.query("GetAccountSummary", &[]).await?;
    let entry = |name: &str| summary.items("SummaryMap").iter().find(|entry| entry.text_of("key") == name);
    let values = members::SUMMARY.iter().filter_map(|name| {
        let value = entry(name)?.child("value")?;
        Some(((*name).to_owned(), Member::Number.read(value)))
    });
    let mut said: Map<String, Json> = values.collect();
    let aliases = listed(iam, "ListAccountAliases", &[], "AccountAliases", &Member::Text).await?;
    said.insert("AccountAliases".into(), Json::Array(aliases.unwrap_or_default()));
    Ok(vec![document("account", account, None, account, Json::Object(said))])
}

/// The policy of passwords, if one was ever set.
async fn password_policy(iam: &AwsService<'_>, account: &str) -> Result<Vec<Json>, AwsError> {
    let answer = present(iam.query("GetAccountPasswordPolicy", &[]).await)?;
    let said = answer.as_ref().and_then(|answer| answer.child("PasswordPolicy"));
    let said = said.map(|said| members::PASSWORD_POLICY.read(said));
    Ok(said.into_iter().map(|said| document("password_policy", account, None, account, said)).collect())
}
