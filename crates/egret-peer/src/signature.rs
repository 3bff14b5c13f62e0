//! Signatures of AWS (Signature Version 4), computed from what arrived by the text of AWS's documentation.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::http::Recorded;

impl Recorded {
    /// The signature that the header `authorization` should have if `secret` is the secret key; empty if that header is
    /// none of AWS's.
    pub fn aws_signature(&self, secret: &str) -> String {
        self.computed_signature(secret).unwrap_or_default()
    }

    /// A part of AWS's `authorization`: `Credential`, `SignedHeaders`, `Signature`; empty if it is not there.
    pub fn authorization_part(&self, name: &str) -> &str {
        let parts = self.header("authorization").split([' ', ',']);
        let mut values = parts.filter_map(|part| part.split_once('='));
        values.find(|(known, _)| *known == name).map(|(_, value)| value).unwrap_or_default()
    }

    fn computed_signature(&self, secret: &str) -> Option<String> {
        let signed = self.authorization_part("SignedHeaders");
        let (_, scope) = self.authorization_part("Credential").split_once('/')?;
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
        query.sort_unstable();
        let mut headers = String::new();
        for name in signed.split(';') {
            let value = self.header(name).split_whitespace().collect::<Vec<_>>().join(" ");
            let _ = writeln!(headers, "{name}:{value}");
        }
        let hash = hex(&Sha256::digest(&self.body));
        let canonical = format!("{}\n{path}\n{}\n{headers}\n{signed}\n{hash}", self.method, query.join("&"));
        let canonical = hex(&Sha256::digest(canonical.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{canonical}", self.header("x-amz-date"));
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in scope.split('/') {
            key = mac(&key, part)?;
        }
        Some(hex(&mac(&key, &to_sign)?))
    }
}

fn mac(key: &[u8], text: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use hyper::header::{HeaderMap, HeaderValue};

    use super::*;

    /// The example of the documentation: without it, tests with this would check themselves.
    #[test]
    fn the_example_of_the_documentation_is_right() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "iam.amazonaws.com"),
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("x-amz-date", "20150830T123600Z"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
                 SignedHeaders=content-type;host;x-amz-date, Signature=?",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let path = "/?Action=ListUsers&Version=2010-05-08".to_owned();
        let request = Recorded { method: "GET".into(), path, headers, body: Bytes::new() };
        let expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        assert_eq!(request.aws_signature("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), expected);
        assert_eq!(request.authorization_part("Signature"), "?");
    }
}
