//! Who to be: keys of the configuration, a profile, the variables and services that give credentials, an assumed role.

use std::sync::Arc;
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

use super::{endpoint_of_environment, exposed};
use crate::http::{Http, HttpRequest};
use crate::registry::OutputContext;

/// The name of sessions of assumed roles, which CloudTrail shows.
const SESSION: &str = "egret";

/// On a machine without a metadata service nobody answers.
const METADATA_TIMEOUT: Duration = Duration::from_secs(5);

/// What a block says of who to be.
#[derive(Debug)]
pub(super) struct Identity {
    keys: Option<(Secret, Secret, Option<Secret>)>,
    profile: Option<String>,
    role: Option<(String, Option<Secret>)>,
}

impl Identity {
    /// Reads the attributes; `None` after a mistake, which was reported.
    pub(super) fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let access_key = reader.optional_or("access_key", None::<Secret>);
        let secret_key = reader.optional_or("secret_key", None::<Secret>);
        let session_token = reader.optional_or("session_token", None::<Secret>);
        let profile = reader.optional_or("profile", None::<String>);
        let role_arn = reader.optional_or("role_arn", None::<String>);
        let external_id = reader.optional_or("external_id", None::<Secret>);
        let (keys, profile) = match (access_key?, secret_key?, session_token?, profile?) {
            (Some(access), Some(secret), token, None) => (Some((access, secret, token)), None),
            (None, None, None, profile) => (None, profile),
            _ => {
                return unclear(
                    reader,
                    "name an `access_key` with its `secret_key`, or a `profile`, or neither",
                );
            }
        };
        let role = match (role_arn?, external_id?) {
            (Some(role), external_id) => Some((role, external_id)),
            (None, None) => None,
            _ => return unclear(reader, "an `external_id` goes with a `role_arn`"),
        };
        Some(Self { keys, profile, role })
    }

    /// What signs requests to a service.
    pub(super) fn signer(&self, http: &Arc<Http>, service: &str, region: &str) -> Signer<Credential> {
        let context = reqsign_context(http);
        let service = RequestSigner::new(service, region).with_standard_session_token();
        if let Some((access, secret, token)) = &self.keys {
            let mut keys = StaticCredentialProvider::new(access.expose(), secret.expose());
            if let Some(token) = exposed(token.as_ref()) {
                keys = keys.with_session_token(&token);
            }
            return self.assuming(context, keys, service, region);
        }
        let mut found = DefaultCredentialProvider::builder();
        if let Some(profile) = &self.profile {
            found = found.no_env().no_web_identity().no_ecs().no_imds().with_profile(profile);
        }
        self.assuming(context, found.build(), service, region)
    }

    fn assuming(
        &self,
        context: Context,
        first: impl ProvideCredential<Credential = Credential>,
        service: RequestSigner,
        region: &str,
    ) -> Signer<Credential> {
        let Some((role, external_id)) = &self.role else { return Signer::new(context, first, service) };
        let asking = Signer::new(context.clone(), first, RequestSigner::new("sts", region));
        let mut assumed = AssumeRoleCredentialProvider::new(role.clone(), asking)
            .with_role_session_name(SESSION.to_owned())
            .with_region(region.to_owned())
            .with_regional_sts_endpoint();
        if let Some(external_id) = exposed(external_id.as_ref()) {
            assumed = assumed.with_external_id(external_id);
        }
        Signer::new(context, assumed, service)
    }
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
            security_token_service: sts_endpoint(http.context()),
            http: Arc::clone(http),
        })
}

fn sts_endpoint(context: &OutputContext) -> Option<Url> {
    endpoint_of_environment("sts", context)
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
