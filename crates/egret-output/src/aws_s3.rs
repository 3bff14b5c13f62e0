//! `aws_s3`: an object in a bucket for each thing that happens to an alert.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use egret_config::{AttributeDocumentation, BlockReader, Diagnostic, Located};
use egret_http::aws::{self, Aws};
use egret_http::header::{HeaderMap, HeaderName, HeaderValue};
use egret_http::{HTTP_ATTRIBUTES, HttpRequest, Method, Url};
use egret_model::AlertAction;
use sha2::{Digest as _, Sha256};

use crate::dated::DatedName;
use crate::delivery::{Delivery, Letter, Output, Receipt, SendError, one_by_one};
use crate::escape::Escape;
use crate::registry::OutputType;
use crate::template::{check, render};

/// Bytes of a key.
const MAX_KEY_BYTES: usize = 1024;

/// One folder an hour, and the same key for the same delivery.
const KEY: &str =
    "alerts/dt=%Y-%m-%d-%H/{{ alert.detection_id }}/{{ alert.alert_id }}-{{ alert.revision }}.json";

/// The output type `aws_s3`.
pub const OUTPUT_TYPE: OutputType = OutputType {
    name: "aws_s3",
    description: "Puts the alert as an object into a bucket of Amazon S3, or of another store that speaks its protocol.",
    attributes: &[
        &[
            AttributeDocumentation::required("bucket", "a string", "The bucket."),
            AttributeDocumentation::optional(
                "key",
                "a template",
                "The object's key, with parts of the date when the alert changed. Default: \
             alerts/dt=%Y-%m-%d-%H/{{ alert.detection_id }}/{{ alert.alert_id }}-{{ alert.revision }}.json.",
            ),
            AttributeDocumentation::optional(
                "content_type",
                "a string",
                "The object's type. Default: application/json.",
            ),
            AttributeDocumentation::optional(
                "encryption",
                "a string",
                "How the store encrypts the object: AES256, aws:kms or aws:kms:dsse. Default: as the bucket says.",
            ),
            AttributeDocumentation::optional(
                "kms_key",
                "a string",
                "The key of KMS to encrypt with: its ARN or id.",
            ),
        ],
        aws::PLACE_ATTRIBUTES,
        aws::IDENTITY_ATTRIBUTES,
        HTTP_ATTRIBUTES,
    ],
    example: r#"output "aws_s3" "archive" {
  bucket       = "example-alerts"
  key          = "alerts/dt=%Y-%m-%d-%H/{{ alert.detection_id }}/{{ alert.alert_id }}-{{ alert.revision }}.json"
  content_type = "application/json"
  encryption   = "aws:kms"
  kms_key      = "arn:aws:kms:eu-west-1:123456789012:key/0123"
  region       = "eu-west-1"
  role_arn     = "arn:aws:iam::123456789012:role/egret-alerts"
  external_id  = env("EGRET_EXTERNAL_ID")
  # profile = "alerts"
  # or
  # access_key    = env("ALERTS_ACCESS_KEY")
  # secret_key    = env("ALERTS_SECRET_KEY")
  # session_token = env("ALERTS_SESSION_TOKEN")
  # endpoint           = "https://minio.example.org:9000"
  # proxy              = "http://proxy.example.org:3128"
  # ca_file            = "ca.pem"
  # client_certificate = "egret.pem"
  # client_key         = "egret.key"
}
"#,
    arrives: "One object for each thing that happens to an alert, acknowledgements and comments too: \
        `{\"delivery_id\", \"action\", \"by\", \"remark\", \"alert\": {…}}`, or what a `template` with a `body` says. \
        Nothing is shortened.\n\n\
        The key is the same whenever the delivery is tried again, so a repetition overwrites itself: a `key` of one's \
        own should have `{{ alert.alert_id }}` and `{{ alert.revision }}`, or `{{ delivery_id }}`, in it. In the values \
        of a key everything but letters, digits, `-`, `_` and single dots becomes `_`, and values end after 128 \
        characters: neither a rule's name nor a log can lead out of the prefix.\n\n\
        With `endpoint` the bucket is part of the path, as MinIO, Ceph and others have it.",
    permissions: "`s3:PutObject` on the bucket's prefix, such as `arn:aws:s3:::example-alerts/alerts/*`; with a key of \
        KMS also `kms:GenerateDataKey` on that key. For `role_arn`: `sts:AssumeRole` on the role, whose trust policy \
        names who may assume it and, if it is another account's, the external id.",
    decode: |reader, context| {
        let bucket = reader.required::<Located<String>>("bucket");
        let default = Located::new(KEY.to_owned(), reader.location().clone());
        let key = reader.optional_or("key", default);
        let headers = read_headers(reader);
        let service = Aws::decode(reader, context, "s3", None);
        let bucket = bucket.and_then(|bucket| read_bucket(bucket, reader));
        let key = key.and_then(|key| read_key(&key, reader));
        Some(Arc::new(S3 { service: service?, bucket: bucket?, key: key?, headers: headers? }))
    },
};

#[derive(Debug)]
struct S3 {
    service: Aws,
    bucket: String,
    key: DatedName,
    headers: HeaderMap,
}

fn read_bucket(bucket: Located<String>, reader: &mut BlockReader<'_>) -> Option<String> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let name = &bucket.value;
    if (3..=63).contains(&name.len()) && name.bytes().all(allowed) && !name.contains("..") {
        return Some(bucket.value);
    }
    let mistake = Diagnostic::error(format!("`{name}` cannot be the name of a bucket"));
    reader
        .diagnostics()
        .push(mistake.at(&bucket.location).hint("write the name alone, without s3:// and without a path"));
    None
}

fn read_key(key: &Located<String>, reader: &mut BlockReader<'_>) -> Option<DatedName> {
    let name = DatedName::read(key, reader.diagnostics())?;
    let template = Located::new(name.at(egret_model::Timestamp::from_seconds(0)), key.location.clone());
    check(&template, reader.diagnostics()).then_some(name)
}

fn read_headers(reader: &mut BlockReader<'_>) -> Option<HeaderMap> {
    let json = Located::new("application/json".to_owned(), reader.location().clone());
    let content_type = reader.optional_or("content_type", json);
    let encryption = reader.optional_or("encryption", None::<Located<String>>);
    let kms_key = reader.optional_or("kms_key", None::<Located<String>>);
    let (encryption, kms_key) = (encryption?, kms_key?);
    let known = ["AES256", "aws:kms", "aws:kms:dsse"];
    if let Some(wrong) = encryption.as_ref().filter(|encryption| !known.contains(&encryption.value.as_str()))
    {
        let mistake =
            Diagnostic::error(format!("`{}` is no way to encrypt", wrong.value)).at(&wrong.location);
        reader.diagnostics().push(mistake.hint(format!("the ways are {}", known.join(", "))));
        return None;
    }
    let is_kms = encryption.as_ref().is_some_and(|encryption| encryption.value.starts_with("aws:kms"));
    if let Some(key) = kms_key.as_ref().filter(|_| !is_kms) {
        reader.diagnostics().error(&key.location, "a `kms_key` goes with encryption = \"aws:kms\"");
        return None;
    }
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", Some(content_type?)),
        ("x-amz-server-side-encryption", encryption),
        ("x-amz-server-side-encryption-aws-kms-key-id", kms_key),
    ] {
        let Some(value) = value else { continue };
        let Ok(text) = HeaderValue::from_str(&value.value) else {
            reader.diagnostics().error(&value.location, "this cannot be the value of a header");
            return None;
        };
        headers.insert(HeaderName::from_static(name), text);
    }
    Some(headers)
}

#[async_trait]
impl Output for S3 {
    fn actions(&self) -> &'static [AlertAction] {
        &AlertAction::ALL
    }

    fn escape(&self) -> Escape {
        Escape::Json
    }

    fn concurrency(&self) -> usize {
        16
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<Receipt, SendError>> {
        one_by_one(letters, |letter| self.put(letter)).await
    }
}

impl S3 {
    async fn put(&self, letter: &Letter) -> Result<Receipt, SendError> {
        let url = self.url(&self.key(&letter.delivery)?)?;
        let body = Bytes::from(letter.payload_within(usize::MAX));
        let mut headers = self.headers.clone();
        // Buckets with a lock on objects ask for a checksum.
        let checksum = HeaderValue::from_str(&BASE64.encode(Sha256::digest(&body)));
        headers.extend(
            checksum.ok().map(|checksum| (HeaderName::from_static("x-amz-checksum-sha256"), checksum)),
        );
        let request = HttpRequest { method: Method::PUT, url, headers, body };
        self.service.call(request, self.service.deadline()).await?;
        Ok(Receipt::default())
    }

    fn key(&self, delivery: &Delivery) -> Result<String, SendError> {
        let template = self.key.at(delivery.alert.updated_at);
        let key = render(&template, delivery, Escape::ObjectKey).map_err(|error| {
            SendError::refused(format!("the key cannot be written: {error}; look at `key`"))
        })?;
        let key = plain_path(&key);
        if key.len() > MAX_KEY_BYTES {
            let problem =
                format!("the key has {} bytes, and may have {MAX_KEY_BYTES}; look at `key`", key.len());
            return Err(SendError::Refused { message: problem });
        }
        Ok(key)
    }

    /// The address of an object: the bucket is a part of the host at AWS, unless it has dots, which no certificate
    /// covers.
    fn url(&self, key: &str) -> Result<Url, SendError> {
        let mut url = self.service.endpoint().clone();
        let in_path = self.service.is_custom() || self.bucket.contains('.');
        let key = encoded(key);
        if in_path {
            let before = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{before}/{}/{key}", self.bucket));
        } else {
            let host = format!("{}.{}", self.bucket, url.host_str().unwrap_or_default());
            url.set_host(Some(&host))
                .map_err(|error| SendError::refused(format!("the bucket's address: {error}")))?;
            url.set_path(&key);
        }
        Ok(url)
    }
}

/// A path without parts that would be obeyed or lost: no empty one, no `.` and no `..`.
fn plain_path(key: &str) -> String {
    let plain = |part: &str| match part {
        "" | "." => "_".to_owned(),
        ".." => "__".to_owned(),
        part => part.to_owned(),
    };
    key.trim_start_matches('/').split('/').map(plain).collect::<Vec<_>>().join("/")
}

/// The key as it stands in a URL: every byte but the ones that never mean anything is escaped, once.
fn encoded(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + key.len() / 4);
    for byte in key.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                out.push(char::from(byte))
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests;
