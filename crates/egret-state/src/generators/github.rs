//! `github`: an organisation of GitHub: who is in it, what they may do, and how its repositories are protected.

mod client;
mod organisation;
mod repositories;
mod shown;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::{Address, HTTP_ATTRIBUTES, Http};
use egret_model::Secret;

use super::kinds::decode_kinds;
use super::parts::Parts;
use super::patience::Patience;
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

use client::Session;

/// The kinds of documents. `ruleset` is also what its rules come to on default branches, `branch_rules`.
const KINDS: &[&str] = &[
    "organisation",
    "member",
    "outside_collaborator",
    "team",
    "repository",
    "deploy_key",
    "webhook",
    "branch_protection",
    "ruleset",
    "app",
];

/// Requests at once: GitHub wants few.
const REQUESTS_AT_ONCE: usize = 4;

/// The generator type `github`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "github",
    description: "An organisation of GitHub: members, teams, repositories and their protection, keys, webhooks, apps.",
    channel: "github.organisation",
    key: &["path"],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::required(
                "organisation",
                "a string",
                "The organisation, as its URL names it.",
            ),
            AttributeDocumentation::required(
                "token",
                "a string",
                "A token; see what it must be allowed to do.",
            ),
            AttributeDocumentation::optional(
                "kinds",
                "a list of strings",
                "What to look at: organisation, member, outside_collaborator, team, repository, deploy_key, webhook, \
             branch_protection, ruleset, app. Default: all. Each of deploy_key, webhook, branch_protection and ruleset takes \
             a request for each repository.",
            ),
            AttributeDocumentation::optional(
                "two_factor",
                "true or false",
                "Whether members and outside collaborators say if they use no second factor, which only owners of the \
             organisation may ask. Default: true.",
            ),
            AttributeDocumentation::optional(
                "url",
                "a string",
                "Where the API is. Default: https://api.github.com; of GitHub Enterprise Server, https://HOST/api/v3.",
            ),
            AttributeDocumentation::optional(
                "concurrency",
                "a number",
                "So many requests are made at once. Default: 4.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "github" "example" {
  every        = "6h"
  organisation = "example"
  token        = env("GITHUB_TOKEN")
  kinds        = ["organisation", "member", "outside_collaborator", "team", "repository", "deploy_key", "webhook", "branch_protection", "ruleset", "app"]
  two_factor   = true
  url          = "https://github.example.org/api/v3"
  concurrency  = 4
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    documents: DOCUMENTS,
    permissions: PERMISSIONS,
    decode: |reader, context| {
        let organisation = read_organisation(reader);
        let token = reader.required::<Secret>("token");
        let kinds = decode_kinds(reader, KINDS, KINDS);
        let two_factor = reader.optional_or("two_factor", true);
        let url = Address::decode_or(reader, "url", "https://api.github.com");
        let concurrency = reader.optional_or("concurrency", REQUESTS_AT_ONCE);
        let http = Http::decode(reader, &context.service);
        Some(Arc::new(GitHub {
            organisation: organisation?,
            token: token?,
            kinds: kinds?,
            two_factor: two_factor?,
            url: url?,
            http: http?,
            patience: Patience::new(concurrency?),
        }))
    },
};

const DOCUMENTS: &str = r#"One document for each thing, of the `kind` that it says. `path` tells it from all others of the organisation; the other members
are GitHub's. What GitHub does not say is not there; lists have no order. Times of the last push, use or change, counters and URLs
are left out. Parts of the state are `organisation`, `member`, `outside_collaborator`, `app`, `team` with `team/SLUG`, `webhook` and
`ruleset` of the organisation, and `repository` with `repository/NAME/deploy_key`, `…/webhook`, `…/branch_protection` and `…/ruleset`.

`organisation`:

```json
{"advanced_security_enabled_for_new_repositories": false, "billing_email": "billing@example.org", "blog": "https://example.org",
 "company": "Example", "created_at": "2014-03-04T18:58:10Z", "default_repository_branch": "main", "default_repository_permission": "read",
 "dependabot_alerts_enabled_for_new_repositories": true, "dependabot_security_updates_enabled_for_new_repositories": true,
 "dependency_graph_enabled_for_new_repositories": true, "deploy_keys_enabled_for_repositories": false, "description": "We make examples",
 "email": "hello@example.org", "has_organization_projects": true, "has_repository_projects": true, "id": 1, "is_verified": true,
 "kind": "organisation", "location": "Berlin", "login": "example", "members_allowed_repository_creation_type": "all",
 "members_can_change_repo_visibility": false, "members_can_create_internal_repositories": true, "members_can_create_pages": true,
 "members_can_create_private_pages": true, "members_can_create_private_repositories": true, "members_can_create_public_pages": true,
 "members_can_create_public_repositories": false, "members_can_create_repositories": true, "members_can_create_teams": true,
 "members_can_delete_issues": false, "members_can_delete_repositories": false, "members_can_fork_private_repositories": false,
 "members_can_invite_outside_collaborators": false, "members_can_view_dependency_insights": true, "name": "Example",
 "organisation": "example", "path": "organisation", "readers_can_create_discussions": true,
 "secret_scanning_enabled_for_new_repositories": true, "secret_scanning_push_protection_custom_link_enabled": false,
 "secret_scanning_push_protection_enabled_for_new_repositories": true, "two_factor_requirement_enabled": true,
 "web_commit_signoff_required": false}
```

`member`, whose `role` is `admin` (an owner) or `member`, and `outside_collaborator`. `two_factor_disabled` is there unless
`two_factor = false`:

```json
{"id": 1, "kind": "member", "login": "octocat", "organisation": "example", "path": "member/octocat", "role": "admin", "site_admin": false,
 "two_factor_disabled": false, "type": "User"}
```

```json
{"id": 2, "kind": "outside_collaborator", "login": "hubot", "organisation": "example", "path": "outside_collaborator/hubot", "site_admin": false,
 "two_factor_disabled": true, "type": "User"}
```

`team`. Members of teams in it are its members too:

```json
{"description": "A great team.", "id": 1, "kind": "team", "members": [{"login": "octocat", "role": "maintainer"}], "name": "Justice League",
 "notification_setting": "notifications_enabled", "organisation": "example", "parent": "heroes", "path": "team/justice-league",
 "permission": "pull", "privacy": "closed", "repositories": [{"full_name": "example/hello-world", "role_name": "write"}],
 "slug": "justice-league"}
```

`repository`. Who may administer it sees all of it:

```json
{"allow_auto_merge": false, "allow_forking": false, "allow_merge_commit": true, "allow_rebase_merge": true, "allow_squash_merge": true,
 "allow_update_branch": false, "archived": false, "created_at": "2011-01-26T19:01:12Z", "custom_properties": {"tier": "1"}, "default_branch": "main",
 "delete_branch_on_merge": true, "description": "My first repository", "disabled": false, "fork": false, "full_name": "example/hello-world",
 "has_pages": false, "id": 1296269, "is_template": false, "kind": "repository", "name": "hello-world", "organisation": "example",
 "path": "repository/hello-world", "private": true,
 "security_and_analysis": {"advanced_security": {"status": "enabled"}, "code_security": {"status": "enabled"},
   "dependabot_security_updates": {"status": "enabled"}, "secret_scanning": {"status": "enabled"},
   "secret_scanning_ai_detection": {"status": "enabled"}, "secret_scanning_non_provider_patterns": {"status": "disabled"},
   "secret_scanning_push_protection": {"status": "enabled"}, "secret_scanning_validity_checks": {"status": "disabled"}},
 "visibility": "internal", "web_commit_signoff_required": false}
```

`deploy_key`:

```json
{"added_by": "octocat", "created_at": "2014-12-10T15:53:42Z", "enabled": true, "id": 1, "key": "ssh-rsa AAA…", "kind": "deploy_key",
 "organisation": "example", "path": "repository/hello-world/deploy_key/1", "read_only": true, "repository": "hello-world",
 "title": "octocat@octomac", "verified": true}
```

`webhook`, of the organisation (`webhook/ID`, without `repository`) or of a repository. Of its URL there are neither user, query nor
parts of the path that look like secrets; whether there is a secret is `has_secret`:

```json
{"active": true, "content_type": "json", "created_at": "2011-09-06T17:26:27Z", "events": ["push"], "has_secret": true, "id": 1,
 "insecure_ssl": "0", "kind": "webhook", "name": "web", "organisation": "example", "path": "repository/hello-world/webhook/1",
 "repository": "hello-world", "type": "Repository", "url": "https://hooks.example.org/services/…"}
```

`branch_protection`, of the default branch if it has one. People, teams and apps are named as `users`, `teams` and `apps`:

```json
{"allow_deletions": {"enabled": false}, "allow_force_pushes": {"enabled": false}, "allow_fork_syncing": {"enabled": false},
 "block_creations": {"enabled": false}, "branch": "main", "enforce_admins": {"enabled": true}, "kind": "branch_protection",
 "lock_branch": {"enabled": false}, "organisation": "example", "path": "repository/hello-world/branch_protection", "repository": "hello-world",
 "required_conversation_resolution": {"enabled": true}, "required_linear_history": {"enabled": false},
 "required_pull_request_reviews": {"bypass_pull_request_allowances": {"apps": [], "teams": [], "users": ["octocat"]},
   "dismiss_stale_reviews": true, "dismissal_restrictions": {"apps": ["octoapp"], "teams": ["justice-league"], "users": ["octocat"]},
   "require_code_owner_reviews": true, "require_last_push_approval": true, "required_approving_review_count": 2},
 "required_signatures": {"enabled": false},
 "required_status_checks": {"checks": [{"app_id": 1, "context": "ci"}], "contexts": ["ci"], "enforcement_level": "everyone", "strict": true},
 "restrictions": {"apps": ["octoapp"], "teams": ["justice-league"], "users": ["octocat"]}}
```

`branch_rules`: the rules that rulesets, of the repository, the organisation or the enterprise, come to on the default branch, if
there are any. `parameters` depend on the `type`:

```json
{"branch": "main", "kind": "branch_rules", "organisation": "example", "path": "repository/hello-world/branch_rules", "repository": "hello-world",
 "rules": [{"parameters": {"required_approving_review_count": 1}, "ruleset_id": 42, "ruleset_source": "example/hello-world",
   "ruleset_source_type": "Repository", "type": "pull_request"}]}
```

`ruleset`: the rulesets of the organisation (`ruleset/ID`, without `repository`), and those of a repository that count on its default
branch, with who may go around them:

```json
{"bypass_actors": [{"actor_id": 5, "actor_type": "Team", "bypass_mode": "always"}],
 "conditions": {"ref_name": {"exclude": [], "include": ["~DEFAULT_BRANCH"]}}, "created_at": "2024-01-01T10:00:00Z", "enforcement": "active",
 "id": 42, "kind": "ruleset", "name": "default branch", "organisation": "example", "path": "repository/hello-world/ruleset/42",
 "repository": "hello-world", "rules": [{"parameters": {"required_approving_review_count": 1}, "type": "pull_request"}],
 "source": "example/hello-world", "source_type": "Repository", "target": "branch"}
```

`app`, one that is installed in the organisation:

```json
{"app_id": 1, "app_slug": "octoapp", "created_at": "2018-02-09T20:51:14Z", "events": ["push"], "id": 1, "kind": "app", "organisation": "example",
 "path": "app/1", "permissions": {"contents": "read"}, "repository_selection": "selected", "suspended_at": "2024-01-01T10:00:00Z",
 "suspended_by": "octocat", "target_type": "Organization"}
```"#;

const PERMISSIONS: &str = r#"A token of an owner of the organisation that may read only. A fine-grained token of the organisation, for all repositories, with
these permissions to read: of repositories `Administration` (deploy keys are there, too), `Metadata` and `Webhooks`; of the organisation
`Administration`, `Members` and `Webhooks`. Or a classic token with the scopes `repo`, `read:org`, `admin:org_hook` and
`read:repo_hook`; GitHub has nothing smaller for private repositories, and organisation webhooks cannot be read with less. Make it at
https://github.com/settings/tokens and let the organisation approve it; with single sign-on, authorise it there.

Without an owner's token set `two_factor = false` and leave what it may not see out of `kinds`. A token may make 5,000 requests an
hour (15,000 with GitHub Enterprise Cloud). A run takes about one for each 100 members and repositories, three for each team, and
one for each repository and kind that belongs to repositories: choose `every` and `kinds` by that."#;

/// The organisation is part of paths.
fn read_organisation(reader: &mut BlockReader<'_>) -> Option<String> {
    let organisation = reader.required::<Located<String>>("organisation")?;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    if !organisation.value.is_empty() && organisation.value.chars().all(allowed) {
        return Some(organisation.value);
    }
    let mistake = Diagnostic::error(format!("`{}` is no organisation of GitHub", organisation.value));
    let mistake = mistake.at(&organisation.location).hint("write it as in https://github.com/ORGANISATION");
    reader.diagnostics().push(mistake);
    None
}

#[derive(Debug)]
struct GitHub {
    organisation: String,
    token: Secret,
    kinds: Vec<&'static str>,
    two_factor: bool,
    url: Address,
    http: Http,
    patience: Patience,
}

impl GitHub {
    fn wants(&self, kind: &str) -> bool {
        self.kinds.contains(&kind)
    }
}

#[async_trait]
impl Generator for GitHub {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let session = Session::new(self);
        let mut parts = Parts::new(documents);
        for part in session.organisation().await {
            parts.take(part)?;
        }
        session.repositories(&mut parts).await?;
        parts.finish()
    }
}

#[cfg(test)]
mod tests;
