//! What the outputs to AWS share: who to be, where a service is, signed requests, and what answers mean.

mod answer;
mod credentials;
mod message;

use std::sync::Arc;

use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_model::Secret;
use reqsign_aws_v4::Credential;
use reqsign_core::Signer;
use reqwest::Url;
use reqwest::header::{HOST, HeaderValue};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::delivery::SendError;
use crate::http::{Address, Http, HttpRequest, HttpResponse, until};
use crate::registry::OutputContext;

pub(crate) use answer::{is_retried, judge};
pub(crate) use message::{attributes, is_fifo, message_text};

use credentials::Identity;

/// The attributes of every output to AWS, beside those for HTTP and TLS.
pub(crate) const REGION: AttributeDocumentation = AttributeDocumentation::optional(
    "region",
    "a string",
    "The region. Default: what the ARN or the URL names, else AWS_REGION.",
);
/// See [`REGION`].
pub(crate) const ENDPOINT: AttributeDocumentation = AttributeDocumentation::optional(
    "endpoint",
    "a string",
    "Where the service is, if not at AWS's public address: a VPC endpoint, or a server that speaks the protocol.",
);
/// See [`REGION`].
pub(crate) const ACCESS_KEY: AttributeDocumentation = AttributeDocumentation::optional(
    "access_key",
    "a string",
    "An access key. Default: the first that is found of environment variables, the default profile, a web identity \
     token, and the role of the container or of the machine.",
);
/// See [`REGION`].
pub(crate) const SECRET_KEY: AttributeDocumentation =
    AttributeDocumentation::optional("secret_key", "a string", "Its secret key.");
/// See [`REGION`].
pub(crate) const SESSION_TOKEN: AttributeDocumentation =
    AttributeDocumentation::optional("session_token", "a string", "Its session token, if it is temporary.");
/// See [`REGION`].
pub(crate) const PROFILE: AttributeDocumentation = AttributeDocumentation::optional(
    "profile",
    "a string",
    "A profile in ~/.aws/credentials or ~/.aws/config, in place of an access key.",
);
/// See [`REGION`].
pub(crate) const ROLE_ARN: AttributeDocumentation =
    AttributeDocumentation::optional("role_arn", "a string", "A role to assume with these credentials.");
/// See [`REGION`].
pub(crate) const EXTERNAL_ID: AttributeDocumentation = AttributeDocumentation::optional(
    "external_id",
    "a string",
    "The external id that the role asks for, if it does.",
);

/// A service of AWS in a region, and who to be there.
#[derive(Debug)]
pub(crate) struct Aws {
    http: Arc<Http>,
    signer: Signer<Credential>,
    endpoint: Url,
    is_custom: bool,
}

impl Aws {
    /// Reads the attributes that all outputs to AWS have. `known_region` is what another attribute names.
    pub(crate) fn decode(
        reader: &mut BlockReader<'_>,
        context: &OutputContext,
        service: &'static str,
        known_region: Option<&str>,
    ) -> Option<Self> {
        let http = Http::decode(reader, context);
        let region = reader.optional_or("region", None::<Located<String>>);
        let endpoint = reader.optional_or("endpoint", None::<Address>);
        let identity = Identity::decode(reader);
        let region = region.and_then(|region| read_region(region, known_region, reader, context));
        let (http, region) = (Arc::new(http?), region?);
        let custom = match endpoint? {
            Some(address) => Some(address.url().clone()),
            None => endpoint_of_environment(service, context),
        };
        let signer = identity?.signer(&http, service, &region);
        let is_custom = custom.is_some();
        let public = || Url::parse(&format!("https://{service}.{region}.{}", domain(&region))).ok();
        Some(Self { http, signer, endpoint: custom.or_else(public)?, is_custom })
    }

    /// The service's address.
    pub(crate) fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Whether the address is another than AWS's public one.
    pub(crate) fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// Signs and sends a request; every answer that is no success is a failure.
    ///
    /// # Errors
    /// If there are no credentials or there is no answer, or the answer says no.
    pub(crate) async fn call(
        &self,
        request: HttpRequest,
        deadline: Instant,
    ) -> Result<HttpResponse, SendError> {
        let place = request.url.host_str().unwrap_or_default().to_owned();
        let mut request = request;
        until(deadline, "a service that gives AWS credentials", self.sign(&mut request)).await?;
        let response = until(deadline, &place, self.http.call(request)).await?;
        judge(&place, response, self.http.context().clock.now())
    }

    /// When a try that begins now must be over.
    pub(crate) fn deadline(&self) -> Instant {
        self.http.deadline()
    }

    async fn sign(&self, request: &mut HttpRequest) -> Result<(), SendError> {
        let wrong = |error: &dyn std::fmt::Display| SendError::refused(format!("cannot sign: {error}"));
        let mut head = http::Request::new(()).into_parts().0;
        head.method = request.method.clone();
        head.uri = request.url.as_str().parse().map_err(|error: http::uri::InvalidUri| wrong(&error))?;
        head.headers = std::mem::take(&mut request.headers);
        let hash = HeaderValue::from_str(&hex(&Sha256::digest(&request.body)));
        head.headers.insert("x-amz-content-sha256", hash.map_err(|error| wrong(&error))?);
        self.signer.sign(&mut head, None).await.map_err(|error| {
            SendError::retry(format!(
                "there are no usable AWS credentials: {error}; name an `access_key`, a `profile` or a role, or give \
                 the machine one"
            ))
        })?;
        // The client writes the same from the URL.
        head.headers.remove(HOST);
        request.headers = head.headers;
        Ok(())
    }
}

/// The region that an ARN names.
pub(crate) fn region_of_arn(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

fn read_region(
    named: Option<Located<String>>,
    known: Option<&str>,
    reader: &mut BlockReader<'_>,
    context: &OutputContext,
) -> Option<String> {
    let location = named.as_ref().map_or_else(|| reader.location().clone(), |named| named.location.clone());
    let variables = &context.environment.variables;
    let variable =
        || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| variables.get(*name).cloned());
    let region = named.map(|named| named.value).or_else(|| known.map(str::to_owned)).or_else(variable);
    let problem = match &region {
        None => "it is not clear in which region the service is".to_owned(),
        // Part of a host's name.
        Some(region) if region.is_empty() || !region.bytes().all(is_of_region) => {
            format!("`{region}` is no region")
        }
        Some(_) => return region,
    };
    let mistake = Diagnostic::error(problem).at(&location);
    reader.diagnostics().push(mistake.hint("write region = \"eu-west-1\", or set AWS_REGION"));
    None
}

fn is_of_region(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// The variables that every client of AWS knows.
fn endpoint_of_environment(service: &str, context: &OutputContext) -> Option<Url> {
    let variables = &context.environment.variables;
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
    let text = variables.get(&own).or_else(|| variables.get("AWS_ENDPOINT_URL"))?;
    Url::parse(text).ok().filter(|url| url.has_host())
}

/// Where the services of a region are.
fn domain(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A secret that may be missing, for the one place that uses it.
fn exposed(secret: Option<&Secret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
