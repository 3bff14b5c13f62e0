//! The list of output types, with their documentation.

use std::fmt;
use std::io::Write;
use std::ops::Deref;
use std::sync::{Arc, Mutex};

#[cfg(test)]
use egret_config::Environment;
use egret_config::{AttributeDocumentation, BlockReader};
use egret_http::ServiceContext;

use crate::delivery::Output;
use crate::{
    aws_s3, aws_sns, aws_sqs, elasticsearch, email, exec, file, github_issue, jira, pagerduty, slack,
    splunk_hec, stdout, syslog, teams, webhook,
};

/// One type of output.
#[derive(Debug)]
pub struct OutputType {
    /// Its name: `output "slack" "soc" { … }`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// What can be configured beside what all outputs have: its own, the required first, then lists that it shares.
    pub attributes: &'static [&'static [AttributeDocumentation]],
    /// A block that uses every attribute.
    pub example: &'static str,
    /// What arrives there, and how it is shortened: a paragraph or two in Markdown.
    pub arrives: &'static str,
    /// What Egret must be allowed to do there, and how to set that up: Markdown.
    pub permissions: &'static str,
    /// Makes the output that a block describes; `None` after a mistake, which was reported.
    pub decode: fn(&mut BlockReader<'_>, &OutputContext) -> Option<Arc<dyn Output>>,
}

impl OutputType {
    /// What can be configured beside what all outputs have.
    pub fn attributes(&self) -> impl Iterator<Item = &'static AttributeDocumentation> {
        self.attributes.iter().copied().flatten()
    }
}

/// All output types, by name. To add one, write its module and name it here.
pub fn output_types() -> &'static [OutputType] {
    &[
        aws_s3::OUTPUT_TYPE,
        aws_sns::OUTPUT_TYPE,
        aws_sqs::OUTPUT_TYPE,
        elasticsearch::OUTPUT_TYPE,
        email::OUTPUT_TYPE,
        exec::OUTPUT_TYPE,
        file::OUTPUT_TYPE,
        github_issue::OUTPUT_TYPE,
        jira::OUTPUT_TYPE,
        #[cfg(feature = "kafka")]
        crate::kafka::OUTPUT_TYPE,
        pagerduty::OUTPUT_TYPE,
        slack::OUTPUT_TYPE,
        splunk_hec::OUTPUT_TYPE,
        stdout::OUTPUT_TYPE,
        syslog::OUTPUT_TYPE,
        teams::OUTPUT_TYPE,
        webhook::OUTPUT_TYPE,
    ]
}

/// What every output may have beside its own attributes.
pub const COMMON_ATTRIBUTES: &[AttributeDocumentation] = &[
    AttributeDocumentation::optional("enabled", "true or false", "Whether anything is sent. Default: true."),
    AttributeDocumentation::optional(
        "actions",
        "a list of strings",
        "What it is told of: raise, update, acknowledge, close, reopen, comment.",
    ),
    AttributeDocumentation::optional("rate", "a string", "At most so many deliveries in a time: \"30/m\"."),
    AttributeDocumentation::optional("timeout", "a duration", "How long one try may take. Default: 10s."),
    AttributeDocumentation::optional(
        "give_up_after",
        "a duration",
        "How long a delivery is tried before it goes to the dead letters. Default: 24h.",
    ),
];

/// What outputs may use of the world.
#[derive(Clone)]
pub struct OutputContext {
    /// What every client of a service may use.
    pub service: ServiceContext,
    /// The process's standard output, which only the binary has.
    pub stdout: Arc<Mutex<dyn Write + Send>>,
}

impl Deref for OutputContext {
    type Target = ServiceContext;

    fn deref(&self) -> &ServiceContext {
        &self.service
    }
}

impl fmt::Debug for OutputContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputContext").field("service", &self.service).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl OutputContext {
    /// In the temporary folder, with an empty environment, and standard output thrown away.
    pub(crate) fn for_tests() -> Self {
        let service = ServiceContext {
            environment: Arc::new(Environment::default().in_folder(std::env::temp_dir())),
            clock: Arc::new(egret_model::SystemClock),
            timeout: std::time::Duration::from_secs(5),
        };
        Self { service, stdout: Arc::new(Mutex::new(std::io::sink())) }
    }
}
