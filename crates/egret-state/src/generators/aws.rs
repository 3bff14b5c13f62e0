//! What generators of AWS share: which accounts and regions, requests in the protocols of AWS, and their answers.

mod member;
mod role;
mod service;
mod xml;

#[cfg(test)]
pub(crate) mod testing;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Diagnostics, Located};
use egret_http::CallError;
use egret_http::aws::{Aws, AwsIdentity, is_region, region_of_environment};
use egret_model::Timestamp;
use futures_util::stream::{self, StreamExt as _};
use serde_json::{Map, Value as Json};

use crate::documents::Documents;
use crate::generator::{GenerateError, GeneratorContext};
use crate::generators::parts::{Part, Parts};
use crate::generators::patience::Patience;

use role::{Role, read_roles};

pub(crate) use member::{Member, policy};
pub(crate) use service::{AwsError, AwsService};
pub(crate) use xml::Element;

/// The attributes of all generators of AWS that say where, beside
/// [`IDENTITY_ATTRIBUTES`](egret_http::aws::IDENTITY_ATTRIBUTES).
pub(crate) const ACCOUNTS: AttributeDocumentation = AttributeDocumentation::optional(
    "accounts",
    "a list",
    "The accounts to look at: for each the ARN of a role to assume there, or `{ role_arn = \"…\", external_id = \"…\" }`, \
     or \"own\" for the account of the credentials themselves. Default: the own one.",
);
/// See [`ACCOUNTS`].
pub(crate) const REGIONS: AttributeDocumentation = AttributeDocumentation::optional(
    "regions",
    "a list of strings",
    "The regions to look at. Default: all that are enabled for the account.",
);
/// See [`ACCOUNTS`].
pub(crate) const HOME_REGION: AttributeDocumentation = AttributeDocumentation::optional(
    "region",
    "a string",
    "The region to sign in at, and to ask what is one for all regions; it says which part of AWS it is (China, GovCloud). \
     Default: the first of `regions`, else AWS_REGION, else us-east-1.",
);
/// See [`ACCOUNTS`].
pub(crate) const CONCURRENCY: AttributeDocumentation = AttributeDocumentation::optional(
    "concurrency",
    "a number",
    "So many requests are made at once. Default: 8.",
);

/// Requests at once, unless the block says otherwise.
const REQUESTS_AT_ONCE: usize = 8;

/// Accounts, and regions of an account, at once. Requests have a limit of their own.
const AT_ONCE: usize = 8;

/// Which accounts to look at, as whom, and where.
#[derive(Debug)]
pub(crate) struct AwsAccounts {
    identity: AwsIdentity,
    roles: Vec<Role>,
    regions: Option<Vec<String>>,
    home: String,
    is_home_guessed: bool,
    patience: Patience,
}

/// An account, and who to be there.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    /// Its number.
    pub id: String,
    identity: AwsIdentity,
    of: &'a AwsAccounts,
}

/// Looks at an account.
#[async_trait]
pub(crate) trait AccountSurvey: Sync {
    /// What came of its parts.
    async fn survey(&self, account: &Account<'_>) -> Vec<Part>;
}

/// Looks at a region of an account.
#[async_trait]
pub(crate) trait RegionSurvey: Sync {
    /// What came of its parts.
    async fn survey_region(&self, account: &Account<'_>, region: &str) -> Vec<Part>;
}

impl AwsAccounts {
    /// Reads which accounts and regions, and who to be; `None` after a mistake, which was reported.
    pub(crate) fn decode(reader: &mut BlockReader<'_>, context: &GeneratorContext) -> Option<Self> {
        let regions = reader.optional_or("regions", None::<Located<Vec<Located<String>>>>);
        let regions = regions.and_then(|regions| read_regions(regions, reader.diagnostics()));
        let accounts = Self::decode_global(reader, context);
        let (regions, mut accounts) = (regions?, accounts?);
        if let Some(first) = regions.as_ref().and_then(|regions| regions.first())
            && accounts.is_home_guessed
        {
            accounts.home.clone_from(first);
        }
        accounts.regions = regions;
        Some(accounts)
    }

    /// The same for what is one for all regions.
    pub(crate) fn decode_global(reader: &mut BlockReader<'_>, context: &GeneratorContext) -> Option<Self> {
        let identity = AwsIdentity::decode(reader, &context.service);
        let roles = reader.optional_or("accounts", None::<Located<Vec<Located<Role>>>>);
        let roles = roles.and_then(|roles| read_roles(roles, reader.diagnostics()));
        let home = reader.optional_or("region", None::<Located<String>>);
        let home = home.and_then(|home| match home {
            Some(home) => read_region(home, reader.diagnostics()).map(Some),
            None => Some(None),
        });
        let concurrency = reader.optional_or("concurrency", REQUESTS_AT_ONCE);
        let home = home?;
        let of_environment = || region_of_environment(&context.service).filter(|region| is_region(region));
        Some(Self {
            identity: identity?,
            roles: roles?,
            regions: None,
            is_home_guessed: home.is_none(),
            home: home.or_else(of_environment).unwrap_or_else(|| "us-east-1".to_owned()),
            patience: Patience::new(concurrency?),
        })
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        self.identity.http().context().clock.now()
    }

    /// The regions that the block names.
    pub(crate) fn named_regions(&self) -> Option<&[String]> {
        self.regions.as_deref()
    }

    /// Looks at all accounts.
    ///
    /// # Errors
    /// If nothing could be looked at, or documents cannot be kept.
    pub(crate) async fn survey(
        &self,
        documents: &mut Documents,
        survey: &dyn AccountSurvey,
    ) -> Result<(), GenerateError> {
        let mut parts = Parts::new(documents);
        let mut accounts = Vec::new();
        for role in &self.roles {
            accounts.push(self.survey_account(role, survey));
        }
        let mut surveyed = stream::iter(accounts).buffer_unordered(AT_ONCE);
        while let Some(of_account) = surveyed.next().await {
            for part in of_account {
                parts.take(part)?;
            }
        }
        drop(surveyed);
        parts.finish()
    }

    /// Looks at all regions of all accounts.
    ///
    /// # Errors
    /// If nothing could be looked at, or documents cannot be kept.
    pub(crate) async fn survey_regions(
        &self,
        documents: &mut Documents,
        survey: &dyn RegionSurvey,
    ) -> Result<(), GenerateError> {
        self.survey(documents, &EachRegion(survey)).await
    }

    async fn survey_account(&self, role: &Role, survey: &dyn AccountSurvey) -> Vec<Part> {
        match self.sign_in(role).await {
            Ok(account) => survey.survey(&account).await,
            // Without its number nobody can tell which documents are missing.
            Err((account, error)) => vec![Part::failed(account, error)],
        }
    }

    /// Who is there, and in which account; else the account if it is known, and why not.
    async fn sign_in(&self, role: &Role) -> Result<Account<'_>, (String, CallError)> {
        let (expected, identity) = match role {
            Role::Own => (String::new(), self.identity.clone()),
            Role::Assumed { account, role_arn, external_id } => {
                (account.clone(), self.identity.assuming(role_arn.as_str(), external_id.clone()))
            }
        };
        let mut account = Account { id: expected.clone(), identity, of: self };
        match account.number().await {
            Ok(number) => {
                account.id = number;
                Ok(account)
            }
            Err(error) => Err((expected, role.explain(error.into()))),
        }
    }
}

impl<'a> Account<'a> {
    /// A service in a region.
    pub(crate) fn service(&self, name: &'static str, region: &str) -> Result<AwsService<'a>, AwsError> {
        let aws = Aws::new(&self.identity, name, region, None)?;
        Ok(AwsService::new(aws, name, &self.of.patience))
    }

    /// The region to ask what is one for all regions.
    pub(crate) fn home(&self) -> &'a str {
        &self.of.home
    }

    /// The account of who asks, which everybody may ask.
    async fn number(&self) -> Result<String, AwsError> {
        let caller = self.service("sts", &self.of.home)?.query("GetCallerIdentity", &[]).await?;
        match caller.text_of("Account") {
            "" => Err(CallError::refused("sts:GetCallerIdentity was answered without an account").into()),
            account => Ok(account.to_owned()),
        }
    }

    /// The regions to look at.
    async fn regions(&self) -> Result<Vec<String>, AwsError> {
        if let Some(named) = &self.of.regions {
            return Ok(named.clone());
        }
        let answer = self.service("ec2", &self.of.home)?.query("DescribeRegions", &[]).await?;
        let regions = answer.items("regionInfo").iter().map(|region| region.text_of("regionName"));
        let regions: Vec<String> = regions.filter(|region| is_region(region)).map(str::to_owned).collect();
        if regions.is_empty() {
            return Err(CallError::refused("ec2:DescribeRegions gives no region; name `regions`").into());
        }
        Ok(regions)
    }
}

/// A document: what a service says of something, with what tells it from everything else.
pub(crate) fn document(kind: &str, account: &str, region: Option<&str>, id: &str, said: Json) -> Json {
    let mut document = match said {
        Json::Object(said) => said,
        _ => Map::new(),
    };
    document.insert("kind".into(), kind.into());
    document.insert("account".into(), account.into());
    document.insert("id".into(), id.into());
    if let Some(region) = region {
        document.insert("region".into(), region.into());
    }
    Json::Object(document)
}

/// Looks at the regions of an account, several at once.
struct EachRegion<'s>(&'s dyn RegionSurvey);

#[async_trait]
impl AccountSurvey for EachRegion<'_> {
    async fn survey(&self, account: &Account<'_>) -> Vec<Part> {
        let regions = match account.regions().await {
            Ok(regions) => regions,
            Err(error) => return vec![Part::failed(account.id.as_str(), error)],
        };
        let mut each = Vec::new();
        for region in &regions {
            each.push(self.0.survey_region(account, region));
        }
        stream::iter(each).buffer_unordered(AT_ONCE).concat().await
    }
}

fn read_regions(
    named: Option<Located<Vec<Located<String>>>>,
    diagnostics: &mut Diagnostics,
) -> Option<Option<Vec<String>>> {
    let Some(named) = named else { return Some(None) };
    if named.value.is_empty() {
        let mistake = Diagnostic::error("`regions` names no region").at(&named.location);
        diagnostics.push(mistake.hint("without `regions` all that are enabled are looked at"));
        return None;
    }
    let mut regions = Vec::new();
    for region in named.value {
        let region = read_region(region, diagnostics)?;
        // Twice would be asked twice.
        if !regions.contains(&region) {
            regions.push(region);
        }
    }
    Some(Some(regions))
}

fn read_region(region: Located<String>, diagnostics: &mut Diagnostics) -> Option<String> {
    if is_region(&region.value) {
        return Some(region.value);
    }
    let mistake = Diagnostic::error(format!("`{}` is no region", region.value)).at(&region.location);
    diagnostics.push(mistake.hint("write it like \"eu-west-1\""));
    None
}

#[cfg(test)]
mod tests;
