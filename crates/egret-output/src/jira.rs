//! `jira`: an issue for each alert, or for each detection, in a project of Jira Cloud or Jira Data Center.

mod rest;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use egret_config::{AttributeDocumentation, BlockReader, Located};
use egret_http::{Address, HTTP_ATTRIBUTES, Http};
use egret_model::{Secret, Severity};

use crate::registry::OutputType;
use crate::template::check;

use rest::Jira;

/// The output type `jira`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "jira",
    description: "Opens an issue for each alert in a project of Jira, and comments on it.",
    attributes: &[
        &[
            AttributeDocumentation::required(
                "url",
                "a string",
                "Where Jira is: https://example.atlassian.net, or the address of a Data Center.",
            ),
            AttributeDocumentation::required("project", "a string", "The key of the project: SEC."),
            AttributeDocumentation::required(
                "token",
                "a string",
                "An API token (Cloud, with `email`), or a personal access token (Data Center); a secret.",
            ),
            AttributeDocumentation::optional(
                "email",
                "a string",
                "The e-mail address of the token's account. With it, Jira is Jira Cloud.",
            ),
            AttributeDocumentation::optional(
                "issue_type",
                "a string",
                "The type of new issues. Default: Task.",
            ),
            AttributeDocumentation::optional(
                "labels",
                "a list of templates",
                "Labels of new issues, beside Egret's own; spaces become hyphens.",
            ),
            AttributeDocumentation::optional(
                "priorities",
                "a map of strings",
                "The priority for each severity. Default: Highest, High, Medium, Low, Lowest, from critical down.",
            ),
            AttributeDocumentation::optional(
                "fields",
                "a map of templates",
                "More fields of new issues by id; a template that begins with { or [ is JSON.",
            ),
            AttributeDocumentation::optional(
                "aggregate",
                "true or false",
                "Whether new alerts of a detection are comments on its open issue. Default: false.",
            ),
            AttributeDocumentation::optional(
                "close_transition",
                "a string",
                "The transition, or the status it leads to, when an alert is closed. Without it the issue stays as it is.",
            ),
            AttributeDocumentation::optional(
                "reopen_transition",
                "a string",
                "The transition, or the status it leads to, when an alert is reopened.",
            ),
        ],
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "jira" "triage" {
  url        = "https://example.atlassian.net"
  project    = "SEC"
  email      = "egret@example.org"
  token      = env("JIRA_TOKEN")
  issue_type = "Task"
  labels     = ["{{ alert.channel }}"]
  priorities = { critical = "Highest", high = "High" }
  fields = {
    customfield_10010 = "{{ alert.detection_id }}"
    components        = "[{\"name\": \"{{ alert.table }}\"}]"
  }
  close_transition  = "Done"
  reopen_transition = "To Do"
  # aggregate          = true   # in place of the transitions
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "A new alert is an issue: the title in one line of at most 255 characters, and a description of at \
        most 30,000 (Jira takes 32,767) with the text, why it matters, the fields as a list, the links, and the event \
        of the first finding without the columns that are Egret's own (`tp_…`). Each part has its share, the event \
        what is left; what is longer ends with `… (shortened)`. If the project knows no priorities, the issue is made \
        without one.\n\n\
        Updates, acknowledgements and comments are comments on that issue; closing and reopening are, too, after the \
        transition that the block names. A transition that the issue's status does not have is left out.\n\n\
        With `aggregate`, a new alert becomes a comment on the issue of the same detection, as long as that is not \
        done. Such an issue stands for many alerts, so closing one of them makes no transition.\n\n\
        What comes from logs is escaped for Jira's mark-up: no formatting, no links, no mentions, no macros. A template \
        is written in that mark-up; its `title` is shown as it is, and its `body` replaces the whole text of issues and \
        comments.\n\n\
        The label `egret-ALERT` is the grouping key, and `egret-detection-DETECTION` that of `aggregate`. Before an \
        issue is made, one with the alert's label is looked for, so that an issue whose making was not answered is not \
        made twice; Jira's search sees a new issue after some seconds. A comment may come twice.\n\n\
        429 and 5xx are tried again, after `Retry-After`; other answers, such as for a required field that is missing, \
        are refused for good, with what Jira says.",
    permissions: "Make an account for Egret, and give it in the project the permissions Browse Projects, Create Issues, \
        Add Comments, with `aggregate` Edit Issues, and with a transition Transition Issues. In Cloud, make an API \
        token at id.atlassian.com with the account (a token with scopes needs read:jira-work and write:jira-work, and \
        goes with the address https://api.atlassian.com/ex/jira/CLOUD_ID); in Data Center, a personal access token in \
        its profile. The fields summary, description and labels must be on the screen for new issues.",
    decode: |reader, context| {
        let http = Http::decode(reader, context);
        let address = reader.required::<Address>("url");
        let project = reader.required::<String>("project");
        let token = reader.required::<Secret>("token");
        let email = reader.optional_or("email", None::<String>);
        let issue_type = reader.optional_or("issue_type", "Task".to_owned());
        let labels = reader.optional_or("labels", Vec::<Located<String>>::new());
        let priorities = reader.optional_or("priorities", None::<Vec<(Located<String>, String)>>);
        let fields = reader.optional_or("fields", Vec::<(Located<String>, Located<String>)>::new());
        let aggregate = reader.optional_or("aggregate", false);
        let close_transition = reader.optional_or("close_transition", None::<Located<String>>);
        let reopen_transition = reader.optional_or("reopen_transition", None::<Located<String>>);
        let priorities = priorities.and_then(|priorities| read_priorities(priorities, reader));
        for template in labels.iter().flatten() {
            check(template, reader.diagnostics());
        }
        for (_, template) in fields.iter().flatten() {
            check(template, reader.diagnostics());
        }
        let (close_transition, reopen_transition) = (close_transition?, reopen_transition?);
        if let (Some(true), Some(transition)) =
            (aggregate, close_transition.as_ref().or(reopen_transition.as_ref()))
        {
            let mistake = "an issue of many alerts has no transitions: leave out these or `aggregate`";
            reader.diagnostics().error(&transition.location, mistake);
            return None;
        }
        let (email, token) = (email?, token?);
        Some(Arc::new(Jira {
            http: http?,
            address: address?,
            is_cloud: email.is_some(),
            authorization: authorization(email, &token),
            project: project?,
            issue_type: issue_type?,
            labels: labels?,
            priorities: priorities?,
            fields: fields?,
            aggregate: aggregate?,
            close_transition: close_transition.map(|transition| transition.value),
            reopen_transition: reopen_transition.map(|transition| transition.value),
            recent: std::sync::Mutex::default(),
        }))
    },
};

fn authorization(email: Option<String>, token: &Secret) -> Secret {
    Secret::new(match email {
        Some(email) => format!("Basic {}", BASE64.encode(format!("{email}:{}", token.expose()))),
        None => format!("Bearer {}", token.expose()),
    })
}

/// Without any, those that Jira begins with.
fn read_priorities(
    priorities: Option<Vec<(Located<String>, String)>>,
    reader: &mut BlockReader<'_>,
) -> Option<BTreeMap<Severity, String>> {
    let Some(priorities) = priorities else {
        let names = ["Lowest", "Low", "Medium", "High", "Highest"];
        return Some(Severity::ALL.into_iter().zip(names.map(str::to_owned)).collect());
    };
    let mut map = Some(BTreeMap::new());
    for (word, name) in priorities {
        match word.value.parse::<Severity>() {
            Ok(severity) => map.as_mut().and_then(|map| map.insert(severity, name)).map_or((), drop),
            Err(error) => {
                reader.diagnostics().error(&word.location, error.to_string());
                map = None;
            }
        }
    }
    map
}

#[cfg(test)]
mod tests;
