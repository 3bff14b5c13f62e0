//! `slack`: the people and channels of a workspace of Slack, its user groups and integrations.

mod client;
mod survey;

use std::sync::Arc;

use async_trait::async_trait;
use egret_config::AttributeDocumentation;
use egret_http::{Address, HTTP_ATTRIBUTES, Http};
use egret_model::Secret;

use super::kinds::decode_kinds;
use super::parts::{Part, Parts};
use super::patience::Patience;
use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// The kinds of documents, and those that every token with its scopes can have.
const KINDS: &[&str] = &["user", "channel", "usergroup", "integration"];
const DEFAULT_KINDS: &[&str] = &["user", "channel"];

/// The generator type `slack`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "slack",
    description: "People, channels, user groups and integrations of a workspace of Slack.",
    channel: "slack.workspace",
    key: &["kind", "id"],
    ignore: &[],
    ordered: &[],
    attributes: &[
        &[
            AttributeDocumentation::required(
                "token",
                "a string",
                "The token of a Slack app: `xoxb-…` or `xoxp-…`.",
            ),
            AttributeDocumentation::optional(
                "kinds",
                "a list of strings",
                "What to look at: user, channel, usergroup, integration. Default: user and channel.",
            ),
            AttributeDocumentation::optional(
                "team_id",
                "a string",
                "The workspace, for a token that is of a whole organisation.",
            ),
            AttributeDocumentation::optional(
                "url",
                "a string",
                "Where the API is. Default: https://slack.com/api; of GovSlack, https://slack-gov.com/api.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"generator "slack" "workspace" {
  every   = "1h"
  token   = env("SLACK_TOKEN")
  kinds   = ["user", "channel", "usergroup", "integration"]
  team_id = "T0123456789"
  url     = "https://slack.com/api"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    documents: DOCUMENTS,
    permissions: PERMISSIONS,
    decode: |reader, context| {
        let token = reader.required::<Secret>("token");
        let kinds = decode_kinds(reader, KINDS, DEFAULT_KINDS);
        let team_id = reader.optional_or("team_id", None::<String>);
        let url = Address::decode_or(reader, "url", "https://slack.com/api");
        let http = Http::decode(reader, &context.service);
        Some(Arc::new(Slack {
            token: token?,
            kinds: kinds?,
            team_id: team_id?,
            url: url?,
            http: http?,
            patience: Patience::new(1),
        }))
    },
};

const DOCUMENTS: &str = r#"One document for each thing, of the `kind` that it says, with Slack's `id` of it. What Slack does not say is not there; lists
have no order. A part of the state is a kind.

`user`, with bots and those who were deleted. `email` takes another scope, and `has_2fa` and `two_factor_type` are said to admins
only:

```json
{"api_app_id": "A0123456789", "deleted": false, "email": "ada@example.org", "enterprise_id": "E0123456789", "has_2fa": true, "id": "U0123456789",
 "is_admin": true, "is_app_user": false, "is_bot": false, "is_email_confirmed": true, "is_owner": false, "is_primary_owner": false,
 "is_restricted": false, "is_ultra_restricted": false, "kind": "user", "name": "ada", "real_name": "Ada Lovelace",
 "team_id": "T0123456789", "two_factor_type": "app"}
```

`channel`, with archived ones, and of the private ones those that the token's user is in. `is_ext_shared` is one that is shared
with another organisation, in `shared_team_ids`:

```json
{"connected_team_ids": ["T9876543210"], "context_team_id": "T0123456789", "created": 1704103200, "creator": "U0123456789", "id": "C0123456789",
 "is_archived": false, "is_ext_shared": true, "is_general": false, "is_org_shared": false, "is_pending_ext_shared": false,
 "is_private": false, "is_shared": true, "kind": "channel", "name": "security",
 "pending_connected_team_ids": ["T1111111111"], "shared_team_ids": ["T0123456789", "T9876543210"]}
```

`usergroup`, with disabled ones; `users` are its members:

```json
{"auto_provision": false, "auto_type": "admin", "created_by": "U0123456789", "handle": "admins", "id": "S0123456789", "is_disabled": false,
 "is_external": false, "kind": "usergroup", "name": "Workspace admins", "team_id": "T0123456789", "users": ["U0123456789"]}
```

`integration`: an app (`app_id`) or a service (`service_id`) that was added and not removed since, as the last entry about it in the
log of integrations says. Who did it is `user_id`, and what, `change_type`:

```json
{"app_id": "A0123456789", "change_type": "expanded", "channel": "C0123456789", "date": "2024-01-01T10:00:00Z", "id": "A0123456789",
 "is_enabled": true, "kind": "integration", "name": "Deploy Bot", "reason": "user", "scopes": ["channels:read", "chat:write"],
 "service_id": "1234567890", "user_id": "U0123456789", "user_name": "ada"}
```

Times of the last change of a profile, time zones, status, topics and numbers of members are left out: they change all the time."#;

const PERMISSIONS: &str = r#"A Slack app that is installed in the workspace, with these scopes: `users:read` and, for addresses, `users:read.email`;
`channels:read` and, for private channels, `groups:read`; for `usergroup` also `usergroups:read`; for `integration` the
user scope `admin`, of an admin of a paid workspace. Who uses two-factor authentication is told to a user token (`xoxp-…`) of an
admin. Make the app at https://api.slack.com/apps, add the scopes under "OAuth & Permissions", and install it."#;

#[derive(Debug)]
struct Slack {
    token: Secret,
    kinds: Vec<&'static str>,
    team_id: Option<String>,
    url: Address,
    http: Http,
    /// One request after the other: Slack counts them by the minute.
    patience: Patience,
}

#[async_trait]
impl Generator for Slack {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let mut parts = Parts::new(documents);
        for kind in &self.kinds {
            parts.take(Part::new(*kind, self.survey(kind).await))?;
        }
        parts.finish()
    }
}

#[cfg(test)]
mod tests;
