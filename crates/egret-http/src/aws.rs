//! Clients of AWS: who to be, where a service is, signed requests, and what answers mean.
//!
//! A block that names one service reads all of it with [`Aws::decode`]. One that asks many reads an [`AwsIdentity`]
//! once, and makes an [`Aws`] for each service and region of it; all of them share its credentials.

mod answer;
mod endpoint;
mod identity;

use std::fmt;

use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use reqsign_aws_v4::Credential;
use reqsign_core::Signer;
use reqwest::Url;
use reqwest::header::{HOST, HeaderValue};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::address::Address;
use crate::client::{Http, HttpRequest, HttpResponse, MAX_ANSWER_BYTES, until};
use crate::context::ServiceContext;
use crate::error::CallError;

pub use answer::is_retried;
pub use endpoint::{is_region, region_of_arn, region_of_environment};
pub use identity::AwsIdentity;

use endpoint::{endpoint_of_environment, place};

/// What [`Aws::decode`] reads beside [`IDENTITY_ATTRIBUTES`] and [`HTTP_ATTRIBUTES`](crate::HTTP_ATTRIBUTES).
pub const PLACE_ATTRIBUTES: &[AttributeDocumentation] = &[REGION, ENDPOINT];

/// One of [`PLACE_ATTRIBUTES`].
pub const REGION: AttributeDocumentation = AttributeDocumentation::optional(
    "region",
    "a string",
    "The region. Default: what the ARN or the URL names, else AWS_REGION.",
);
/// One of [`PLACE_ATTRIBUTES`].
pub const ENDPOINT: AttributeDocumentation = AttributeDocumentation::optional(
    "endpoint",
    "a string",
    "Where the service is, if not at AWS's public address: a VPC endpoint, or a server that speaks the protocol.",
);

/// What [`AwsIdentity::decode`] reads beside [`HTTP_ATTRIBUTES`](crate::HTTP_ATTRIBUTES).
pub const IDENTITY_ATTRIBUTES: &[AttributeDocumentation] =
    &[ACCESS_KEY, SECRET_KEY, SESSION_TOKEN, PROFILE, ROLE_ARN, EXTERNAL_ID];

/// One of [`IDENTITY_ATTRIBUTES`].
pub const ACCESS_KEY: AttributeDocumentation = AttributeDocumentation::optional(
    "access_key",
    "a string",
    "An access key. Default: the first that is found of environment variables, the default profile, a web identity \
     token, and the role of the container or of the machine.",
);
/// One of [`IDENTITY_ATTRIBUTES`].
pub const SECRET_KEY: AttributeDocumentation =
    AttributeDocumentation::optional("secret_key", "a string", "Its secret key.");
/// One of [`IDENTITY_ATTRIBUTES`].
pub const SESSION_TOKEN: AttributeDocumentation =
    AttributeDocumentation::optional("session_token", "a string", "Its session token, if it is temporary.");
/// One of [`IDENTITY_ATTRIBUTES`].
pub const PROFILE: AttributeDocumentation = AttributeDocumentation::optional(
    "profile",
    "a string",
    "A profile in ~/.aws/credentials or ~/.aws/config, in place of an access key.",
);
/// One of [`IDENTITY_ATTRIBUTES`].
pub const ROLE_ARN: AttributeDocumentation =
    AttributeDocumentation::optional("role_arn", "a string", "A role to assume with these credentials.");
/// One of [`IDENTITY_ATTRIBUTES`].
pub const EXTERNAL_ID: AttributeDocumentation = AttributeDocumentation::optional(
    "external_id",
    "a string",
    "The external id that the role asks for, if it does.",
);

/// A service of AWS in a region, and who to be there.
#[derive(Debug)]
pub struct Aws {
    identity: AwsIdentity,
    signer: Signer<Credential>,
    region: String,
    endpoint: Url,
    is_custom: bool,
}

impl Aws {
    /// Reads where a service is and who to be there. `known_region` is what another attribute names.
    pub fn decode(
        reader: &mut BlockReader<'_>,
        context: &ServiceContext,
        service: &str,
        known_region: Option<&str>,
    ) -> Option<Self> {
        let identity = AwsIdentity::decode(reader, context);
        let region = reader.optional_or("region", None::<Located<String>>);
        let endpoint = reader.optional_or("endpoint", None::<Address>);
        let region = region.and_then(|region| read_region(region, known_region, reader, context));
        Self::new(&identity?, service, &region?, endpoint?.as_ref()).ok()
    }

    /// A service, by the name that its host begins with and that requests to it are signed for, as `identity`. It is at
    /// `endpoint`, else where the environment says (`AWS_ENDPOINT_URL_SERVICE`), else at AWS's public address. Services
    /// that are one for all regions, such as IAM, are where they are, whatever the region.
    ///
    /// # Errors
    /// If `region` cannot be one.
    pub fn new(
        identity: &AwsIdentity,
        service: &str,
        region: &str,
        endpoint: Option<&Address>,
    ) -> Result<Self, CallError> {
        if !is_region(region) {
            return Err(CallError::refused(format!("`{region}` is no region")));
        }
        let (public, signed_for) = place(service, region);
        let custom = endpoint.map(|address| address.url().clone());
        let custom = custom.or_else(|| endpoint_of_environment(service, identity.http().context()));
        let is_custom = custom.is_some();
        let public =
            || Url::parse(&public).map_err(|error| CallError::refused(format!("`{public}`: {error}")));
        let endpoint = custom.map_or_else(public, Ok)?;
        let signer = identity.signer(service, &signed_for);
        Ok(Self { identity: identity.clone(), signer, region: signed_for, endpoint, is_custom })
    }

    /// The service's address.
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// Whether the address is another than AWS's public one.
    pub fn is_custom(&self) -> bool {
        self.is_custom
    }

    /// The region that requests are signed for.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Signs and sends a request; every answer that is no success is a failure.
    ///
    /// # Errors
    /// If there are no credentials or there is no answer, or the answer says no.
    pub async fn call(&self, request: HttpRequest, deadline: Instant) -> Result<HttpResponse, CallError> {
        self.call_within(request, MAX_ANSWER_BYTES, deadline).await
    }

    /// As [`Aws::call`], for answers that may be larger than most; see [`Http::call_within`].
    ///
    /// # Errors
    /// If there are no credentials or there is no answer, or the answer says no.
    pub async fn call_within(
        &self,
        request: HttpRequest,
        max_bytes: usize,
        deadline: Instant,
    ) -> Result<HttpResponse, CallError> {
        let place = request.url.host_str().unwrap_or_default().to_owned();
        let mut request = request;
        until(deadline, "a service that gives AWS credentials", self.sign(&mut request)).await?;
        let response = until(deadline, &place, self.http().call_within(request, max_bytes)).await?;
        answer::judge(&place, response, self.http().context().clock.now())
    }

    /// When a try that begins now must be over.
    pub fn deadline(&self) -> Instant {
        self.http().deadline()
    }

    fn http(&self) -> &Http {
        self.identity.http()
    }

    async fn sign(&self, request: &mut HttpRequest) -> Result<(), CallError> {
        let wrong = |error: &dyn fmt::Display| CallError::refused(format!("cannot sign: {error}"));
        let mut head = http::Request::new(()).into_parts().0;
        head.method = request.method.clone();
        head.uri = request.url.as_str().parse().map_err(|error: http::uri::InvalidUri| wrong(&error))?;
        head.headers = std::mem::take(&mut request.headers);
        let hash = HeaderValue::from_str(&hex(&Sha256::digest(&request.body)));
        head.headers.insert("x-amz-content-sha256", hash.map_err(|error| wrong(&error))?);
        self.signer.sign(&mut head, None).await.map_err(|error| {
            CallError::retry(format!(
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

fn read_region(
    named: Option<Located<String>>,
    known: Option<&str>,
    reader: &mut BlockReader<'_>,
    context: &ServiceContext,
) -> Option<String> {
    let location = named.as_ref().map_or_else(|| reader.location().clone(), |named| named.location.clone());
    let region = named.map(|named| named.value).or_else(|| known.map(str::to_owned));
    let problem = match region.or_else(|| region_of_environment(context)) {
        None => "it is not clear in which region the service is".to_owned(),
        Some(region) if !is_region(&region) => format!("`{region}` is no region"),
        region => return region,
    };
    let mistake = Diagnostic::error(problem).at(&location);
    reader.diagnostics().push(mistake.hint("write region = \"eu-west-1\", or set AWS_REGION"));
    None
}

/// Bytes in lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
