//! For tests: AWS as moto plays it, with a place in between where single answers are changed.

use std::sync::Arc;
use std::time::Duration;

use egret_config::Environment;
use egret_http::aws::AwsIdentity;
use egret_http::header::HeaderMap;
use egret_http::{HttpRequest, Method, ServiceContext};
use egret_model::SystemClock;
use egret_peer::Moto;
use serde_json::Value as Json;

use super::*;
use crate::generators::peer::{Asked, Peer, Reply};
use crate::testing::{definition, listed};

/// The account that moto knows callers without another one to have.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A server that plays AWS, and who asks it.
#[derive(Debug)]
pub(crate) struct World {
    pub peer: Peer,
    context: GeneratorContext,
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Run {
    /// Key and canonical form of each document, sorted.
    pub listed: Vec<String>,
    /// The parts that failed: `part: why`.
    pub failed: Vec<String>,
    pub notes: Vec<String>,
}

impl World {
    /// One that answers so; what is to be forwarded goes to a moto of this test's.
    pub(crate) async fn with_moto(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let moto = tokio::task::spawn_blocking(Moto::shared).await.unwrap();
        let url = moto.unwrap_or_else(|problem| panic!("{problem}")).url();
        Self::start(Some(url), answer).await
    }

    /// One without a server behind it.
    pub(crate) async fn scripted(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, answer).await
    }

    async fn start(behind: Option<String>, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let peer = Peer::start(behind, answer).await;
        let environment =
            Environment::new([("AWS_ENDPOINT_URL", peer.url())]).in_folder(std::env::temp_dir());
        let service = ServiceContext {
            environment: Arc::new(environment),
            clock: Arc::new(SystemClock),
            timeout: Duration::from_secs(30),
        };
        Self { peer, context: GeneratorContext { service, run_timeout: Duration::from_secs(60), lake: None } }
    }

    /// Runs the generator `kind` with these attributes.
    pub(crate) async fn run(&self, kind: &str, attributes: &str) -> Result<Run, GenerateError> {
        let block = format!(
            "generator \"{kind}\" \"test\" {{\n access_key = \"AKIDEXAMPLE\"\n secret_key = \"s3cr3t\"\n {attributes}\n}}"
        );
        let definition = definition(&block, &self.context);
        let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
        definition.generator.generate(&mut documents).await?;
        let failed = documents.failed().iter().map(|failed| format!("{}: {}", failed.part, failed.message));
        let mut failed: Vec<String> = failed.collect();
        failed.sort();
        let notes = documents.notes().to_vec();
        let run = Run { listed: listed(&mut documents), failed, notes };
        assert!(!format!("{run:?}").contains("s3cr3t"), "{run:?}");
        Ok(run)
    }

    /// An action of the query protocol at moto, in the own account or in another.
    pub(crate) async fn act(
        &self,
        service: &str,
        place: Place<'_>,
        action: &str,
        fields: &[(&str, &str)],
    ) -> Element {
        let mut form = egret_http::Url::parse("http://x/").unwrap();
        let version = match service {
            "ec2" => "2016-11-15",
            _ => "2010-05-08",
        };
        form.query_pairs_mut()
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(fields);
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let answer = self.send(service, place, Method::POST, "/", &headers, form.query().unwrap()).await;
        Element::parse(answer.as_bytes()).unwrap()
    }

    /// An operation of the JSON protocol.
    pub(crate) async fn operate(&self, service: &str, place: Place<'_>, target: &str, body: &Json) -> Json {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let answer = self.send(service, place, Method::POST, "/", &headers, &body.to_string()).await;
        serde_json::from_str(&answer).unwrap_or_default()
    }

    /// Any request.
    pub(crate) async fn send(
        &self,
        service: &str,
        place: Place<'_>,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: &str,
    ) -> String {
        let identity = self.identity();
        let identity = match place.account {
            Some(account) => identity.assuming(format!("arn:aws:iam::{account}:role/egret"), None),
            None => identity,
        };
        let aws = Aws::new(&identity, service, place.region, None).unwrap();
        let url = aws.endpoint().join(path).unwrap();
        let mut request =
            HttpRequest { method, url, headers: HeaderMap::new(), body: body.to_owned().into() };
        for (name, value) in headers {
            request.headers.insert(*name, value.parse().unwrap());
        }
        let answer = aws
            .call_within(request, 32 << 20, aws.deadline())
            .await
            .unwrap_or_else(|error| panic!("{path} {body}: {error}"));
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    fn identity(&self) -> AwsIdentity {
        let block = "generator \"x\" \"x\" {\n access_key = \"AKIDEXAMPLE\"\n secret_key = \"s3cr3t\"\n}";
        let (mut diagnostics, environment) = (Diagnostics::new(), Environment::default());
        let kinds = [crate::GENERATOR_BLOCK];
        let configuration =
            egret_config::Configuration::parse("egret.hcl", block, &kinds, &environment, &mut diagnostics);
        let block = configuration.blocks_of("generator").next().unwrap();
        AwsIdentity::decode(&mut BlockReader::new(block, &mut diagnostics), &self.context.service).unwrap()
    }
}

/// Where something happens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub region: &'a str,
    pub account: Option<&'a str>,
}

/// The own account.
pub(crate) const HERE: Place<'static> = Place { region: "eu-west-1", account: None };

/// An error as the query protocol says it.
pub(crate) fn refused(status: u16, code: &str) -> Reply {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>as documented</Message></Error></ErrorResponse>"
    );
    Reply::text(status, body)
}

/// A document, by its key.
#[track_caller]
pub(crate) fn found(run: &Run, key: &str) -> Json {
    let start = format!("{key} {{");
    let line = run.listed.iter().find(|line| line.starts_with(&start));
    let line = line.unwrap_or_else(|| panic!("there is no {key}: {:#?}", run.listed));
    serde_json::from_str(&line[key.len()..]).unwrap()
}
