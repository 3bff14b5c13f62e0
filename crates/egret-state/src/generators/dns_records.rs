//! `dns_records`: what the DNS says of names.

mod record;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::{CallError, ServiceContext, escape_line};
use futures_util::StreamExt as _;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{Name, RecordType};
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::registry::GeneratorType;

/// So much is asked at once.
const CONCURRENCY: usize = 16;

/// How often a question is sent before it counts as not answered.
const ATTEMPTS: u32 = 2;

/// What is asked for unless the block says otherwise.
const TYPES: [RecordType; 7] = [
    RecordType::A,
    RecordType::AAAA,
    RecordType::CNAME,
    RecordType::MX,
    RecordType::NS,
    RecordType::TXT,
    RecordType::CAA,
];

/// What can be asked for.
const KNOWN: [&str; 14] =
    ["A", "AAAA", "CAA", "CNAME", "DNSKEY", "DS", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "TLSA", "TXT"];

/// The generator type `dns_records`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "dns_records",
    description: "What the DNS says of names.",
    channel: "network.dns_records",
    key: &["name", "type"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[
        AttributeDocumentation::required("names", "a list of strings", "The names, such as \"example.org\"."),
        AttributeDocumentation::optional(
            "types",
            "a list of strings",
            "What to ask for, of A, AAAA, CAA, CNAME, DNSKEY, DS, HTTPS, MX, NS, PTR, SOA, SRV, TLSA, TXT. Default: A, AAAA, \
             CAA, CNAME, MX, NS, TXT.",
        ),
        AttributeDocumentation::optional(
            "server",
            "a string",
            "The address of the server to ask, with a port if it is not 53. Default: the system's.",
        ),
    ]],
    example: r#"generator "dns_records" "own" {
  names  = ["example.org", "www.example.org", "_dmarc.example.org"]
  types  = ["A", "AAAA", "CNAME", "MX", "NS", "TXT", "CAA", "DS"]
  server = "192.0.2.53"
}
"#,
    documents: "One document a name and type:\n\n\
        ```json\n{\"name\": \"example.org\", \"type\": \"MX\", \"exists\": true, \"values\": [\"10 mx1.example.org\", \
        \"20 mx2.example.org\"]}\n```\n\n\
        ```json\n{\"name\": \"shop.example.org\", \"type\": \"CNAME\", \"exists\": true, \"dangling\": false, \"values\": \
        [\"example.shops.example.com\"]}\n```\n\n\
        `exists` is false if the DNS knows nothing of the name (NXDOMAIN). `dangling`, in documents of type `CNAME`, is true \
        for an alias that exists and whose target does not: whoever can have the target can have the name. A name that is there and has nothing of the type has no `values`. Names are in \
        lower case and without the last dot; times to live and the serial of a `SOA` are left out, as they change all \
        the time. Aliases are followed. Who answers with other addresses each time is better asked for its `CNAME` and \
        `NS` alone.\n\n\
        Each name and type is a part: one that is not answered, or with SERVFAIL or REFUSED, fails alone.",
    permissions: "To ask the server: UDP and TCP, port 53.",
    decode: |reader, context| {
        let names = reader.required::<Located<Vec<Located<String>>>>("names");
        let types = reader.optional_or("types", None::<Vec<Located<String>>>);
        let server = reader.optional_or("server", None::<Located<String>>);
        let names = names.and_then(|names| read_names(&names, reader));
        let types = types.and_then(|types| match types {
            Some(types) => read_types(&types, reader),
            None => Some(TYPES.to_vec()),
        });
        let server = server.and_then(|server| read_server(server, reader));
        Some(Arc::new(Records {
            names: names?,
            types: types?,
            server: server?,
            service: context.service.clone(),
        }))
    },
};

fn read_names(names: &Located<Vec<Located<String>>>, reader: &mut BlockReader<'_>) -> Option<Vec<Name>> {
    if names.value.is_empty() {
        let mistake = Diagnostic::error("`names` has no name").at(&names.location);
        reader.diagnostics().push(mistake.hint("write the names: [\"example.org\"]"));
        return None;
    }
    let read = names.value.iter().map(|name| {
        let parsed = Name::from_utf8(&name.value).ok().filter(|_| !name.value.is_empty());
        let Some(mut parsed) = parsed else {
            let message = format!("`{}` cannot be a name in the DNS", name.value);
            reader.diagnostics().error(&name.location, message);
            return None;
        };
        // Nothing is to be looked up in the domains of this machine.
        parsed.set_fqdn(true);
        Some(parsed.to_lowercase())
    });
    let read: Vec<_> = read.collect();
    let mut names: Vec<Name> = read.into_iter().collect::<Option<_>>()?;
    names.sort();
    names.dedup();
    Some(names)
}

fn read_types(types: &[Located<String>], reader: &mut BlockReader<'_>) -> Option<Vec<RecordType>> {
    let read = types.iter().map(|name| {
        let upper = name.value.to_ascii_uppercase();
        let found = KNOWN.contains(&upper.as_str()).then(|| upper.parse().ok()).flatten();
        if found.is_none() {
            let mistake =
                Diagnostic::error(format!("`{}` cannot be asked for", name.value)).at(&name.location);
            reader.diagnostics().push(mistake.hint(format!("the types are {}", KNOWN.join(", "))));
        }
        found
    });
    let read: Vec<Option<RecordType>> = read.collect();
    let mut types: Vec<RecordType> = read.into_iter().collect::<Option<_>>()?;
    types.sort_unstable();
    types.dedup();
    Some(types)
}

fn read_server(server: Option<Located<String>>, reader: &mut BlockReader<'_>) -> Option<Option<SocketAddr>> {
    let Some(server) = server else { return Some(None) };
    let text = &server.value;
    let found = text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53)));
    if found.is_none() {
        let mistake = Diagnostic::error(format!("`{text}` is no address of a server")).at(&server.location);
        reader
            .diagnostics()
            .push(mistake.hint("write \"192.0.2.53\", \"192.0.2.53:5353\" or \"[2001:db8::53]:5353\""));
    }
    found.map(Some)
}

#[derive(Debug)]
struct Records {
    names: Vec<Name>,
    types: Vec<RecordType>,
    server: Option<SocketAddr>,
    service: ServiceContext,
}

/// What the DNS says of a name and type; `None` if it does not know the name.
type Known = Result<Option<Vec<String>>, CallError>;

#[async_trait]
impl Generator for Records {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let resolver = self.resolver()?;
        let of_name = |name: &Name| self.types.iter().map(|kind| (name.clone(), *kind)).collect::<Vec<_>>();
        let questions: Vec<(Name, RecordType)> = self.names.iter().flat_map(of_name).collect();
        let asked = questions.clone().into_iter();
        let answers = asked.map(|(name, kind)| look(&resolver, name, kind, self.service.timeout));
        // In their order, so that of several failures always the first is told.
        let mut answers = futures_util::stream::iter(answers).buffered(CONCURRENCY);
        let (mut problem, mut is_anything_there) = (None, false);
        for (name, kind) in questions {
            let Some(answer) = answers.next().await else { break };
            let name = record::name_of(&name);
            let part = format!("{name}/{kind}");
            documents.begin_part(part.as_str());
            match answer {
                Ok((values, dangling)) => {
                    is_anything_there = true;
                    let exists = values.is_some();
                    let values = values.unwrap_or_default();
                    let mut document = json!({
                        "name": name, "type": kind.to_string(), "exists": exists, "values": values,
                    });
                    if let Some(dangling) = dangling {
                        document["dangling"] = dangling.into();
                    }
                    documents.push(document)?;
                }
                Err(error) => {
                    documents.fail(part, &error);
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

impl Records {
    /// A resolver for one run: it remembers nothing of the run before.
    fn resolver(&self) -> Result<TokioResolver, GenerateError> {
        let failed = |error: NetError| {
            GenerateError::refused(format!(
                "cannot ask the DNS: {error}; name a `server`, or see to /etc/resolv.conf"
            ))
        };
        let mut builder = match self.server {
            Some(server) => {
                let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
                    connection.port = server.port();
                    connection
                });
                let server = NameServerConfig::new(server.ip(), true, connections.to_vec());
                let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(failed)?,
        };
        let options: &mut ResolverOpts = builder.options_mut();
        options.timeout = self.service.timeout / (ATTEMPTS + 1);
        options.attempts = ATTEMPTS as usize;
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        options.edns0 = true;
        builder.build().map_err(failed)
    }
}

/// What the DNS says, and of an alias, whether it leads nowhere: it is there, and what it leads to is not.
async fn look(
    resolver: &TokioResolver,
    name: Name,
    kind: RecordType,
    timeout: Duration,
) -> Result<(Option<Vec<String>>, Option<bool>), CallError> {
    let values = ask(resolver, name.clone(), kind, timeout).await?;
    if kind != RecordType::CNAME {
        return Ok((values, None));
    }
    let is_alias = values.as_ref().is_some_and(|values| !values.is_empty());
    let is_dangling = is_alias && ask(resolver, name, RecordType::A, timeout).await?.is_none();
    Ok((values, Some(is_dangling)))
}

async fn ask(resolver: &TokioResolver, name: Name, kind: RecordType, timeout: Duration) -> Known {
    let place = format!("{} {kind}", record::name_of(&name));
    let silent = || CallError::retry(format!("{place}: no server answered in time"));
    let Ok(answer) = tokio::time::timeout(timeout, resolver.lookup(name, kind)).await else {
        return Err(silent());
    };
    let error = match answer {
        Ok(lookup) => {
            let answers = lookup.answers().iter().filter(|answer| answer.record_type() == kind);
            let mut values: Vec<String> = answers.map(|answer| record::value_of(&answer.data)).collect();
            values.sort_unstable();
            values.dedup();
            return Ok(Some(values));
        }
        Err(error) => error,
    };
    match &error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Ok(None),
            ResponseCode::NoError if none.ns.is_some() && none.soa.is_none() => {
                Err(CallError::refused(format!(
                    "{place}: the server only says whom else to ask; name a `server` that looks for others"
                )))
            }
            ResponseCode::NoError => Ok(Some(Vec::new())),
            code => Err(CallError::retry(format!("{place}: the server answered {code}"))),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => {
            Err(CallError::retry(format!("{place}: the server answered {code}")))
        }
        NetError::Timeout => Err(silent()),
        _ => Err(CallError::retry(format!("{place}: {}", escape_line(&error.to_string())))),
    }
}

#[cfg(test)]
mod tests;
