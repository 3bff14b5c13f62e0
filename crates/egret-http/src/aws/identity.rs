//! Who to be: keys of the configuration, a profile, the variables and services that give credentials, assumed roles.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use egret_config::{BlockReader, Diagnostic};
use egret_model::Secret;
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, Credential, DefaultCredentialProvider, RequestSigner,
    StaticCredentialProvider,
};
use reqsign_core::{Context, Error, HttpSend, ProvideCredential, Signer, StaticEnv};
use reqsign_file_read_tokio::TokioFileRead;
use reqwest::Url;
use url::Host;

use super::endpoint::endpoint_of_environment;
use crate::client::{Http, HttpRequest};
use crate::context::ServiceContext;

/// The name of sessions of assumed roles, which CloudTrail shows.
const SESSION: &str = "egret";

/// On a machine without a metadata service nobody answers.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

/// Who to be at AWS, and the client to ask with. It is good for any number of services and regions: what is copied of
/// it shares its credentials, which are asked for once, when they are first needed, and again before they expire.
#[derive(Debug, Clone)]
pub struct AwsIdentity {
    http: Arc<Http>,
    source: Source,
    signer: Arc<OnceLock<Signer<Credential>>>,
}

/// Where credentials come from.
#[derive(Debug, Clone)]
enum Source {
    /// From the configuration.
    Keys { access: Secret, secret: Secret, session_token: Option<Secret> },
    /// From a profile.
    Profile(String),
    /// From where every client of AWS looks.
    Found,
    /// A role that somebody else assumes.
    Role { by: Box<AwsIdentity>, role: String, external_id: Option<Secret> },
}

impl AwsIdentity {
    /// Reads who to be, and what [`Http::decode`] reads; `None` after a mistake, which was reported.
    pub fn decode(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<Self> {
        let http = Http::decode(reader, context);
        let access_key = reader.optional_or("access_key", None::<Secret>);
        let secret_key = reader.optional_or("secret_key", None::<Secret>);
        let session_token = reader.optional_or("session_token", None::<Secret>);
        let profile = reader.optional_or("profile", None::<String>);
        let role_arn = reader.optional_or("role_arn", None::<String>);
        let external_id = reader.optional_or("external_id", None::<Secret>);
        let source = match (access_key?, secret_key?, session_token?, profile?) {
            (Some(access), Some(secret), session_token, None) => {
                Source::Keys { access, secret, session_token }
            }
            (None, None, None, Some(profile)) => Source::Profile(profile),
            (None, None, None, None) => Source::Found,
            _ => {
                return unclear(
                    reader,
                    "name an `access_key` with its `secret_key`, or a `profile`, or neither",
                );
            }
        };
        let identity = Self { http: Arc::new(http?), source, signer: Arc::default() };
        match (role_arn?, external_id?) {
            (Some(role), external_id) => Some(identity.assuming(role, external_id)),
            (None, None) => Some(identity),
            _ => unclear(reader, "an `external_id` goes with a `role_arn`"),
        }
    }

    /// The identity that this one gets by assuming a role, such as one in another account.
    pub fn assuming(&self, role_arn: impl Into<String>, external_id: Option<Secret>) -> Self {
        let source = Source::Role { by: Box::new(self.clone()), role: role_arn.into(), external_id };
        Self { http: Arc::clone(&self.http), source, signer: Arc::default() }
    }

    /// The client that is asked with.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// What signs requests to a service. Roles are assumed in the region that is first asked for: what comes of it is
    /// good for all of them.
    pub(super) fn signer(&self, service: &str, region: &str) -> Signer<Credential> {
        let signer = self.signer.get_or_init(|| self.make_signer(region)).clone();
        signer.with_request_signer(RequestSigner::new(service, region).with_standard_session_token())
    }

    /// The signer whose credentials all others share.
    fn make_signer(&self, region: &str) -> Signer<Credential> {
        let context = reqsign_context(&self.http);
        match &self.source {
            Source::Keys { access, secret, session_token } => {
                let mut keys = StaticCredentialProvider::new(access.expose(), secret.expose());
                if let Some(token) = session_token {
                    keys = keys.with_session_token(token.expose());
                }
                signer(context, keys, region)
            }
            Source::Profile(profile) => {
                let found = DefaultCredentialProvider::builder().no_env().no_web_identity().no_ecs();
                signer(context, found.no_imds().with_profile(profile).build(), region)
            }
            Source::Found => signer(context, DefaultCredentialProvider::builder().build(), region),
            Source::Role { by, role, external_id } => {
                let mut assumed = AssumeRoleCredentialProvider::new(role.clone(), by.signer("sts", region))
                    .with_role_session_name(SESSION.to_owned())
                    .with_region(region.to_owned())
                    .with_regional_sts_endpoint();
                if let Some(external_id) = external_id {
                    assumed = assumed.with_external_id(external_id.expose().to_owned());
                }
                signer(context, assumed, region)
            }
        }
    }
}

/// For no service yet.
fn signer(
    context: Context,
    credentials: impl ProvideCredential<Credential = Credential>,
    region: &str,
) -> Signer<Credential> {
    Signer::new(context, credentials, RequestSigner::new("sts", region))
}

fn unclear<T>(reader: &mut BlockReader<'_>, hint: &str) -> Option<T> {
    let mistake = Diagnostic::error("it is not clear who to be").at(reader.location());
    reader.diagnostics().push(mistake.hint(hint));
    None
}

/// The world as the search for credentials sees it: our variables, our HTTP client.
fn reqsign_context(http: &Arc<Http>) -> Context {
    let environment = &http.context().environment;
    let variables = environment.variables.iter().map(|(name, value)| (name.clone(), value.clone()));
    Context::new()
        .with_file_read(TokioFileRead)
        .with_env(StaticEnv { home_dir: environment.home.clone(), envs: variables.collect() })
        .with_http_send(CredentialHttp {
            direct: http.without_proxy(),
            security_token_service: endpoint_of_environment("sts", http.context()),
            http: Arc::clone(http),
        })
}

/// What asks the services that give credentials.
#[derive(Debug)]
struct CredentialHttp {
    http: Arc<Http>,
    /// For the metadata of machines and containers, which no proxy reaches.
    direct: Http,
    /// Where roles are assumed, if not at AWS's public address.
    security_token_service: Option<Url>,
}

impl HttpSend for CredentialHttp {
    async fn http_send(&self, request: http::Request<Bytes>) -> reqsign_core::Result<http::Response<Bytes>> {
        let (head, body) = request.into_parts();
        let mut url = Url::parse(&head.uri.to_string()).map_err(|error| {
            Error::request_invalid("the address of a credentials service is wrong").with_source(error)
        })?;
        let is_sts = url.host_str().is_some_and(|host| host.starts_with("sts."));
        if let Some(other) = self.security_token_service.as_ref().filter(|_| is_sts) {
            // The signature is for the public name, which stays in the header `host`.
            let mut place = other.clone();
            place.set_path(url.path());
            place.set_query(url.query());
            url = place;
        }
        let is_metadata = !is_sts && is_metadata(&url);
        let request = HttpRequest { method: head.method, url, headers: head.headers, body };
        let answer = if is_metadata {
            let answer = tokio::time::timeout(METADATA_TIMEOUT, self.direct.call(request)).await;
            answer.map_err(|_| Error::unexpected("the metadata service did not answer in time"))?
        } else {
            self.http.call(request).await
        };
        let answer = answer.map_err(|error| Error::unexpected(error.to_string()).set_retryable(true))?;
        let mut response = http::Response::new(answer.body);
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// Whether the place is beside this machine: link-local, or the machine itself.
fn is_metadata(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local() || address.is_loopback(),
        Some(Host::Ipv6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
