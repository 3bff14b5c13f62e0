//! The list of generator types, with their documentation.

use std::sync::Arc;

use egret_config::{AttributeDocumentation, BlockReader};

use crate::generator::{Generator, GeneratorContext};
use crate::generators::{
    authorized_keys, aws_acm, aws_ec2, aws_iam, aws_s3, cron_jobs, dns_records, docker_containers, exec,
    file, file_integrity, github, http_headers, http_json, kernel_modules, lake, linux_users,
    listening_ports, mounts, packages, slack, sql, suid_files, systemd_units, tls_certificate,
};
use crate::shape::{DocumentPath, Shape};

/// One type of generator.
#[derive(Debug)]
pub struct GeneratorType {
    /// Its name: `generator "aws_iam" "prod" { … }`.
    pub name: &'static str,
    /// What its state is, in a sentence.
    pub description: &'static str,
    /// The channel of its changes, unless its block says otherwise.
    pub channel: &'static str,
    /// The fields that tell its documents from each other, unless its block says otherwise. None: those that look like it.
    pub key: &'static [&'static str],
    /// JSONPaths of what does not count in its documents, beside what its block says.
    pub ignore: &'static [&'static str],
    /// JSONPaths of lists whose order matters.
    pub ordered: &'static [&'static str],
    /// What can be configured beside what all generators have, the required first.
    pub attributes: &'static [&'static [AttributeDocumentation]],
    /// A block that uses every attribute.
    pub example: &'static str,
    /// What its documents are: Markdown, with one as an example.
    pub documents: &'static str,
    /// What Egret must be allowed to do, and how to set that up: Markdown.
    pub permissions: &'static str,
    /// Makes the generator that a block describes; `None` after a mistake, which was reported.
    pub decode: fn(&mut BlockReader<'_>, &GeneratorContext) -> Option<Arc<dyn Generator>>,
}

impl GeneratorType {
    /// What can be configured beside what all generators have.
    pub fn attributes(&self) -> impl Iterator<Item = &'static AttributeDocumentation> {
        self.attributes.iter().copied().flatten()
    }

    /// What its documents are like, before a block says more.
    pub fn shape(&self) -> Shape {
        let paths = |texts: &[&str]| {
            texts.iter().filter_map(|text| DocumentPath::parse(text).ok()).collect::<Vec<_>>()
        };
        Shape { ignore: paths(self.ignore), ordered: paths(self.ordered), ..Shape::default() }
    }
}

/// All generator types, by name. To add one, write its module and name it here.
pub fn generator_types() -> &'static [GeneratorType] {
    &[
        authorized_keys::GENERATOR_TYPE,
        aws_acm::GENERATOR_TYPE,
        aws_ec2::GENERATOR_TYPE,
        aws_iam::GENERATOR_TYPE,
        aws_s3::GENERATOR_TYPE,
        cron_jobs::GENERATOR_TYPE,
        dns_records::GENERATOR_TYPE,
        docker_containers::GENERATOR_TYPE,
        exec::GENERATOR_TYPE,
        file::GENERATOR_TYPE,
        file_integrity::GENERATOR_TYPE,
        github::GENERATOR_TYPE,
        http_headers::GENERATOR_TYPE,
        http_json::GENERATOR_TYPE,
        kernel_modules::GENERATOR_TYPE,
        lake::GENERATOR_TYPE,
        linux_users::GENERATOR_TYPE,
        listening_ports::GENERATOR_TYPE,
        mounts::GENERATOR_TYPE,
        packages::GENERATOR_TYPE,
        slack::GENERATOR_TYPE,
        sql::GENERATOR_TYPE,
        suid_files::GENERATOR_TYPE,
        systemd_units::GENERATOR_TYPE,
        tls_certificate::GENERATOR_TYPE,
    ]
}

/// What every generator may have beside its own attributes.
pub const COMMON_ATTRIBUTES: &[AttributeDocumentation] = &[
    AttributeDocumentation::optional("enabled", "true or false", "Whether it runs. Default: true."),
    AttributeDocumentation::optional(
        "channel",
        "a string",
        "The channel of its changes. Default: its type's.",
    ),
    AttributeDocumentation::optional(
        "every",
        "a duration",
        "How often it runs with `--watch` and `--due`. Default: 1h.",
    ),
    AttributeDocumentation::optional(
        "key",
        "a list of strings",
        "The fields that tell its documents from each other; dots lead into objects. Default: its type's, else a field \
         that is called like it: id, arn, uuid, key, name.",
    ),
    AttributeDocumentation::optional(
        "ignore",
        "a list of strings",
        "JSONPaths (RFC 9535) of what does not count: times of last use, counters.",
    ),
    AttributeDocumentation::optional(
        "ordered",
        "a list of strings",
        "JSONPaths of lists whose order matters. All others are sets.",
    ),
    AttributeDocumentation::optional(
        "identity",
        "a map of strings",
        "JSONPaths of lists of objects, each with the field that tells the objects apart. Default: a field that is called \
         like it.",
    ),
    AttributeDocumentation::optional(
        "max_shrink",
        "a number",
        "If more than this share of the objects is gone at once, the run is held back and told as suspicious; \
         `egret state run NAME --accept` takes it. From 0 to 1; 1 takes everything. Default: 0.5.",
    ),
    AttributeDocumentation::optional(
        "max_objects",
        "a number",
        "A run that gives more objects is refused, and the state before stays. Default: 10000000.",
    ),
    AttributeDocumentation::optional(
        "first_run",
        "a string",
        "What the first state is: a \"baseline\" without findings, or all \"changes\". Default: \"baseline\".",
    ),
    AttributeDocumentation::optional("timeout", "a duration", "How long a run may take. Default: 10m."),
    AttributeDocumentation::optional(
        "request_timeout",
        "a duration",
        "How long one request may take. Default: 30s.",
    ),
    AttributeDocumentation::optional(
        "retries",
        "a number",
        "How often a run that failed is tried again. Default: 2.",
    ),
    AttributeDocumentation::optional(
        "jitter",
        "a duration",
        "With `--watch` it starts up to so much later, by its name, so that not all start at once. Default: a tenth of \
         `every`.",
    ),
    AttributeDocumentation::optional("keep", "a duration", "How long its states are kept. Default: 90d."),
];
