//! `tls_certificate`: the certificates that servers show, and whether anybody would trust them.

mod certificate;
mod look;
mod starttls;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::{CA_FILE, CallError, ServiceContext, Tls};
use futures_util::StreamExt as _;
use rustls::RootCertStore;
use rustls::pki_types::{ServerName, UnixTime};
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::generators::network_target::NetworkTarget;
use crate::registry::GeneratorType;

use look::{Shown, look};
use starttls::StartTls;

/// So many hosts are looked at at once.
const CONCURRENCY: usize = 16;

/// The generator type `tls_certificate`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "tls_certificate",
    description: "The certificates that servers show, how soon they expire, and whether anybody would trust them.",
    channel: "network.tls_certificate",
    key: &["host"],
    ignore: &[],
    ordered: &["$.chain"],
    attributes: &[&[
        AttributeDocumentation::required(
            "hosts",
            "a list of strings",
            "The servers: `host`, `host:port`, `[2001:db8::1]:port`. Without a port it is 443, or that of `starttls`.",
        ),
        AttributeDocumentation::optional(
            "server_name",
            "a string",
            "The name that the servers are asked for and that their certificates have to be for. Default: the host.",
        ),
        AttributeDocumentation::optional(
            "starttls",
            "a string",
            "How TLS begins where it is not there from the start: \"smtp\", \"imap\" or \"postgres\".",
        ),
        CA_FILE,
    ]],
    example: r#"generator "tls_certificate" "mail" {
  hosts       = ["mx1.example.org", "mx2.example.org:587"]
  server_name = "mail.example.org"
  starttls    = "smtp"
  ca_file     = "company.pem"
}
"#,
    documents: "One document a host, with the `chain` in the order in which it is shown, the server's own certificate \
        first:\n\n\
        ```json\n{\"host\": \"www.example.org:443\", \"server_name\": \"www.example.org\", \"protocol\": \"TLSv1.3\", \
        \"trusted\": true, \"problem\": null, \"valid_for_name\": true, \"expires\": \"later\", \"chain\": [{\"subject\": \
        \"CN=www.example.org\", \"issuer\": \"C=US, O=Let's Encrypt, CN=R11\", \"serial\": \"03a1\", \"names\": \
        [\"www.example.org\"], \"not_before\": \"2024-01-01T00:00:00Z\", \"not_after\": \"2024-03-31T00:00:00Z\", \
        \"expires\": \"later\", \"sha256\": \"9f86d0…\", \"key\": \"ECDSA P-256\", \"key_bits\": 256, \
        \"signature\": \"sha256WithRSAEncryption\", \"is_ca\": false}]}\n```\n\n\
        `expires` says how soon, in steps that change seldom: `expired`, `3 days`, `14 days`, `30 days` (within as many days, \
        each), or `later`; that of the document is of the first certificate to expire. `trusted` is whether the chain leads \
        to a certificate that this system, or the `ca_file`, trusts, and `problem` why it does not: `expired`, `not valid \
        yet`, `unknown issuer`, and the like. The name is a matter of its own: `valid_for_name`. `protocol` is null for a \
        server that showed its certificate and then wanted one of ours.\n\n\
        Each host is a part: one that does not answer, or speaks no TLS 1.2 or 1.3, fails alone.",
    permissions: "To open connections to the hosts. Nothing is sent to them but the beginning of TLS.",
    decode: |reader, context| {
        let hosts = reader.required::<Located<Vec<Located<String>>>>("hosts");
        let server_name = reader.optional_or("server_name", None::<Located<String>>);
        let starttls = reader.optional_or("starttls", None::<Located<String>>);
        let tls = Tls::decode_trust(reader, &context.service);
        let starttls = starttls.and_then(|starttls| StartTls::read(starttls, reader));
        let server_name = server_name.and_then(|name| read_name(name, reader));
        let port = starttls.flatten().map_or(443, StartTls::port);
        let targets = hosts.and_then(|hosts| read_targets(&hosts, port, reader));
        Some(Arc::new(Certificates {
            targets: targets?,
            server_name: server_name?,
            starttls: starttls?,
            tls: tls?,
            service: context.service.clone(),
        }))
    },
};

fn read_name(
    name: Option<Located<String>>,
    reader: &mut BlockReader<'_>,
) -> Option<Option<ServerName<'static>>> {
    let Some(name) = name else { return Some(None) };
    let parsed = ServerName::try_from(name.value.clone()).ok();
    if parsed.is_none() {
        let message = format!("`{}` cannot be the name of a server", name.value);
        reader.diagnostics().error(&name.location, message);
    }
    parsed.map(Some)
}

fn read_targets(
    hosts: &Located<Vec<Located<String>>>,
    port: u16,
    reader: &mut BlockReader<'_>,
) -> Option<Vec<NetworkTarget>> {
    if hosts.value.is_empty() {
        let mistake = Diagnostic::error("`hosts` names no host").at(&hosts.location);
        reader
            .diagnostics()
            .push(mistake.hint("write the servers: [\"www.example.org\", \"mail.example.org:993\"]"));
        return None;
    }
    let read = hosts.value.iter().map(|host| {
        let target = NetworkTarget::parse(&host.value, port);
        if target.is_none() {
            let mistake = Diagnostic::error(format!("`{}` is no host", host.value)).at(&host.location);
            reader.diagnostics().push(
                mistake.hint("write a name or an address, with a port if need be: \"mail.example.org:993\""),
            );
        }
        target
    });
    let targets: Vec<_> = read.collect();
    let mut targets: Vec<NetworkTarget> = targets.into_iter().collect::<Option<_>>()?;
    targets.sort();
    targets.dedup();
    Some(targets)
}

#[derive(Debug)]
struct Certificates {
    targets: Vec<NetworkTarget>,
    server_name: Option<ServerName<'static>>,
    starttls: Option<StartTls>,
    tls: Tls,
    service: ServiceContext,
}

#[async_trait]
impl Generator for Certificates {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let roots = self.roots()?;
        let now = self.service.clock.now();
        let looks = self.targets.iter().cloned().map(|target| self.look_at(target));
        // In their order, so that of several failures always the first is told.
        let mut looks = futures_util::stream::iter(looks).buffered(CONCURRENCY);
        let (mut problem, mut is_anything_there) = (None, false);
        for target in &self.targets {
            let Some(looked) = looks.next().await else { break };
            documents.begin_part(target.name());
            let described = looked
                .and_then(|shown| self.describe(target, &shown, &roots, now).map_err(CallError::refused));
            match described {
                Ok(document) => {
                    is_anything_there = true;
                    documents.push(document)?;
                }
                Err(error) => {
                    documents.fail(target.name(), &error);
                    problem.get_or_insert(error);
                }
            }
        }
        match problem {
            Some(problem) if !is_anything_there => Err(problem),
            _ => Ok(()),
        }
    }
}

impl Certificates {
    async fn look_at(&self, target: NetworkTarget) -> Result<Shown, CallError> {
        let looking = look(&target, self.name_of(&target)?, self.starttls);
        let late = |_| Err(CallError::retry(format!("{} did not answer in time", target.name())));
        tokio::time::timeout(self.service.timeout, looking).await.unwrap_or_else(late)
    }

    fn name_of(&self, target: &NetworkTarget) -> Result<ServerName<'static>, CallError> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(target.host.clone())
                .map_err(|_| CallError::refused(format!("{} cannot be the name of a server", target.host))),
        }
    }

    /// Whom to trust. A system that trusts nobody is looked from all the same.
    fn roots(&self) -> Result<RootCertStore, GenerateError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let added = self.tls.added_roots().map_err(|error| GenerateError::refused(error.to_string()))?;
        for certificate in added {
            roots.add(certificate).map_err(|error| GenerateError::refused(format!("`ca_file`: {error}")))?;
        }
        Ok(roots)
    }

    fn describe(
        &self,
        target: &NetworkTarget,
        shown: &Shown,
        roots: &RootCertStore,
        now: egret_model::Timestamp,
    ) -> Result<serde_json::Value, String> {
        let name = self.name_of(target).map_err(|error| error.to_string())?;
        let since = Duration::from_micros(u64::try_from(now.micros()).unwrap_or(0));
        let judged = shown.judge(&name, roots, UnixTime::since_unix_epoch(since));
        let chain: Vec<_> =
            shown.chain.iter().map(|certificate| certificate::describe(certificate, now)).collect();
        let first = shown.chain.iter().filter_map(|certificate| certificate::not_after(certificate)).min();
        Ok(json!({
            "host": target.name(),
            "server_name": name.to_str(),
            "protocol": shown.protocol,
            "trusted": judged.problem.is_none(),
            "problem": judged.problem,
            "valid_for_name": judged.is_for_name,
            "expires": first.map(|first| certificate::expires(first, now)),
            "chain": chain,
        }))
    }
}

#[cfg(test)]
mod tests;
