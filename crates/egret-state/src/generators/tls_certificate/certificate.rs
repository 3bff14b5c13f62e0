//! A certificate in words.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use egret_http::escape_line;
use egret_model::Timestamp;
use rustls::pki_types::CertificateDer;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{Oid, OidRegistry};
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use x509_parser::x509::SubjectPublicKeyInfo;

const DAY: i64 = 24 * 3600;

/// What a certificate says, as far as it can be read.
pub(super) fn describe(der: &CertificateDer<'_>, now: Timestamp) -> Json {
    let sha256 = hex(&Sha256::digest(der));
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return json!({"sha256": sha256, "problem": "it cannot be read"});
    };
    let validity = certificate.validity();
    let (key, key_bits) = key_of(certificate.public_key());
    json!({
        "subject": escape_line(&certificate.subject().to_string()),
        "issuer": escape_line(&certificate.issuer().to_string()),
        "serial": hex(certificate.raw_serial()),
        "names": names_of(&certificate),
        "not_before": moment(validity.not_before),
        "not_after": moment(validity.not_after),
        "expires": expires(validity.not_after.timestamp(), now),
        "sha256": sha256,
        "key": key,
        "key_bits": key_bits,
        "signature": name_of(&certificate.signature_algorithm.algorithm),
        "is_ca": certificate.is_ca(),
    })
}

/// When it ends, in seconds.
pub(super) fn not_after(der: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

/// How soon a certificate expires, in few words, so that they change seldom.
pub(super) fn expires(not_after: i64, now: Timestamp) -> &'static str {
    match not_after.saturating_sub(now.micros().div_euclid(1_000_000)) {
        left if left <= 0 => "expired",
        left if left <= 3 * DAY => "3 days",
        left if left <= 14 * DAY => "14 days",
        left if left <= 30 * DAY => "30 days",
        _ => "later",
    }
}

fn moment(time: ASN1Time) -> String {
    let moment = chrono::DateTime::from_timestamp(time.timestamp(), 0);
    moment.map_or_else(|| time.to_string(), |moment| moment.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn names_of(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter().map(|name| match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            (*name).to_owned()
        }
        GeneralName::IPAddress(bytes) => {
            address(bytes).map_or_else(|| hex(bytes), |address| address.to_string())
        }
        GeneralName::DirectoryName(name) => name.to_string(),
        other => other.to_string(),
    });
    names.map(|name| escape_line(&name)).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(bytes).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into())
}

/// The kind of a key and its size.
fn key_of(key: &SubjectPublicKeyInfo<'_>) -> (String, Option<usize>) {
    let algorithm = &key.algorithm.algorithm;
    match algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => {
            let bits = key.parsed().ok().map(|key| key.key_size()).filter(|bits| *bits > 0);
            ("RSA".to_owned(), bits)
        }
        "1.2.840.10045.2.1" => {
            let curve = key.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok());
            match curve.map(|curve| curve.to_id_string()).as_deref() {
                Some("1.2.840.10045.3.1.7") => ("ECDSA P-256".to_owned(), Some(256)),
                Some("1.3.132.0.34") => ("ECDSA P-384".to_owned(), Some(384)),
                Some("1.3.132.0.35") => ("ECDSA P-521".to_owned(), Some(521)),
                Some(other) => (format!("ECDSA {other}"), None),
                None => ("ECDSA".to_owned(), None),
            }
        }
        "1.3.101.112" => ("Ed25519".to_owned(), Some(256)),
        "1.3.101.113" => ("Ed448".to_owned(), Some(456)),
        _ => (name_of(algorithm), None),
    }
}

/// The name of an algorithm, or its number.
fn name_of(algorithm: &Oid<'_>) -> String {
    let registry = OidRegistry::default().with_crypto().with_x509();
    let known = registry.get(algorithm).map(|entry| entry.sn().to_owned());
    known.unwrap_or_else(|| algorithm.to_id_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_soon_they_expire() {
        let now = Timestamp::parse("2024-02-01T10:00:00Z").unwrap();
        let seconds = now.micros() / 1_000_000;
        for (left, expected) in [
            (-DAY, "expired"),
            (0, "expired"),
            (1, "3 days"),
            (3 * DAY, "3 days"),
            (3 * DAY + 1, "14 days"),
            (30 * DAY, "30 days"),
            (30 * DAY + 1, "later"),
        ] {
            assert_eq!(expires(seconds + left, now), expected, "{left}");
        }
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        let now = Timestamp::parse("2024-02-01T10:00:00Z").unwrap();
        for bytes in [&b""[..], b"\x30", b"\x30\x80\x00\x00", &[0xff; 100]] {
            let described = describe(&CertificateDer::from(bytes), now);
            assert_eq!(described["problem"], "it cannot be read", "{described}");
        }
    }
}
