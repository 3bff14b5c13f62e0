//! Servers with certificates of all kinds.

use std::sync::Arc;

use egret_peer::{Authority, HttpPeer, PostgresPeer};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384,
    PKCS_ED25519, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, version};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::testing::{documents_of, mistakes, taken_of};

fn block(hosts: &[String], more: &str) -> String {
    format!("generator \"tls_certificate\" \"t\" {{\n hosts = {hosts:?}\n {more}\n}}")
}

async fn one(host: String, more: &str) -> Json {
    let (documents, taken) = taken_of(&block(&[host], more)).await.unwrap();
    assert_eq!(taken.failed().len(), 0, "{:?}", taken.failed());
    serde_json::from_str(documents[0].split_once(' ').unwrap().1).unwrap()
}

/// The port of a server that shows these certificates.
async fn serve(
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> u16 {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}

fn params(names: &[&str], years: [i32; 2]) -> CertificateParams {
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(years[0], 1, 1);
    params.not_after = date_time_ymd(years[1], 1, 1);
    params.distinguished_name.push(DnType::CommonName, "a\nb");
    params.serial_number = Some(vec![1, 2, 0xff].into());
    params
}

#[tokio::test]
async fn a_trusted_certificate_is_described() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, false).await.unwrap();
    let more = format!("ca_file = \"{}\"", authority.ca_file().display());
    let host = format!("localhost:{}", peer.port());
    let found = one(host.clone(), &more).await;
    let expected = json!({
        "host": host, "server_name": "localhost", "protocol": "TLSv1.3", "trusted": true, "problem": null,
        "valid_for_name": true, "expires": "later", "chain": found["chain"],
    });
    assert_eq!(found, expected);
    let own = &found["chain"][0];
    assert_eq!(
        (&own["names"], &own["key"], &own["key_bits"]),
        (&json!(["localhost"]), &json!("ECDSA P-256"), &json!(256))
    );
    assert_eq!((&own["signature"], &own["is_ca"]), (&json!("ecdsa-with-SHA256"), &json!(false)));
    assert_eq!(own["sha256"].as_str().map(str::len), Some(64));
    // The same server again is the same state.
    assert_eq!(one(host, &more).await, found);
    // For another name, and without the authority.
    let other = one(format!("127.0.0.1:{}", peer.port()), &more).await;
    assert_eq!((&other["trusted"], &other["valid_for_name"]), (&json!(true), &json!(false)));
    let unknown = one(format!("127.0.0.1:{}", peer.port()), "server_name = \"localhost\"").await;
    assert_eq!((&unknown["problem"], &unknown["valid_for_name"]), (&json!("unknown issuer"), &json!(true)));
}

#[tokio::test]
async fn what_nobody_would_trust_is_looked_at() {
    let versions = [&version::TLS12];
    // Its own authority, expired, with names of all kinds.
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    let names = ["localhost", "*.example.org", "192.0.2.1", "2001:db8::1"];
    let expired = params(&names, [2000, 2001]).self_signed(&key).unwrap();
    let port = serve(vec![expired.der().clone()], &key, &versions).await;
    let found = one(format!("localhost:{port}"), "").await;
    assert_eq!(
        (&found["protocol"], &found["trusted"], &found["expires"], &found["valid_for_name"]),
        (&json!("TLSv1.2"), &json!(false), &json!("expired"), &json!(true))
    );
    assert!(["expired", "unknown issuer"].contains(&found["problem"].as_str().unwrap()), "{found}");
    let own = &found["chain"][0];
    assert_eq!(own["subject"], own["issuer"]);
    assert!(own["subject"].as_str().unwrap().contains("a\\nb"), "{own}");
    assert_eq!(
        (&own["names"], &own["serial"], &own["not_before"], &own["not_after"]),
        (
            &json!(["*.example.org", "192.0.2.1", "2001:db8::1", "localhost"]),
            &json!("0102ff"),
            &json!("2000-01-01T00:00:00Z"),
            &json!("2001-01-01T00:00:00Z")
        )
    );
    assert_eq!((&own["key"], &own["signature"]), (&json!("Ed25519"), &json!("ed25519")));
    // A chain that is not valid yet, of an authority that is trusted.
    let folder = tempfile::tempdir().unwrap();
    let mut authority = params(&[], [2000, 2200]);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let future = params(&["localhost"], [2150, 2160]).signed_by(&key, &authority).unwrap();
    let port = serve(vec![future.der().clone(), authority.der().clone()], &key, &versions).await;
    let more = format!("ca_file = \"{}\"", folder.path().join("ca.pem").display());
    let found = one(format!("localhost:{port}"), &more).await;
    assert_eq!((&found["problem"], &found["expires"]), (&json!("not valid yet"), &json!("later")));
    assert_eq!(found["chain"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        (&found["chain"][0]["key"], &found["chain"][1]["is_ca"]),
        (&json!("ECDSA P-384"), &json!(true))
    );
}

#[tokio::test]
async fn a_server_that_wants_a_certificate_is_looked_at() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, true).await.unwrap();
    let found = one(format!("localhost:{}", peer.port()), "").await;
    assert_eq!(found["chain"][0]["names"], json!(["localhost"]));
}

#[tokio::test]
async fn a_host_that_does_not_answer_fails_alone() {
    let authority = Authority::new().unwrap();
    let peer = HttpPeer::start_tls(&authority, false).await.unwrap();
    let plain = HttpPeer::start().await.unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let ports = [peer.port(), plain.port(), silent.local_addr().unwrap().port(), closed.port()];
    let hosts = ports.map(|port| format!("localhost:{port}"));
    let more = "request_timeout = \"500ms\"";
    let (documents, taken) = taken_of(&block(&hosts, more)).await.unwrap();
    assert_eq!(documents.len(), 1);
    let mut failed: Vec<&str> = taken.failed().iter().map(|failed| failed.part.as_str()).collect();
    failed.sort_unstable();
    let mut expected: Vec<&str> = hosts[1..].iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(failed, expected);
    for (host, why) in [(1, "corrupt message"), (2, "did not answer in time"), (3, "Connection refused")] {
        let failed = taken.failed().iter().find(|failed| failed.part == hosts[host]).unwrap();
        assert!(failed.message.contains(why), "{}", failed.message);
    }
    let error = documents_of(&block(&hosts[3..], "")).await.unwrap_err();
    assert!(matches!(error, GenerateError::Retry { .. }), "{error}");
}

/// A server that says these lines, each after it was told something, and then begins TLS or goes on with what is left.
async fn talk(lines: &'static [&'static str], authority: &Authority) -> u16 {
    let acceptor = TlsAcceptor::from(authority.server(false).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            for (index, line) in lines.iter().enumerate() {
                if index > 0 && stream.read_line(&mut String::new()).await.is_err() {
                    break;
                }
                let _ = stream.write_all(line.as_bytes()).await;
            }
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}

#[tokio::test]
async fn tls_begins_in_other_protocols() {
    let authority = Authority::new().unwrap();
    let smtp: &[&str] = &["220-a\r\n220 b\r\n", "250-a\r\n250 STARTTLS\r\n", "220 go\r\n"];
    let imap: &[&str] = &["* OK ready\r\n", "* CAPABILITY IMAP4rev1\r\negret OK go\r\n"];
    for (protocol, lines) in [("smtp", smtp), ("imap", imap)] {
        let port = talk(lines, &authority).await;
        let found = one(format!("localhost:{port}"), &format!("starttls = \"{protocol}\"")).await;
        assert_eq!(found["chain"][0]["names"], json!(["localhost"]), "{protocol}");
    }
    for (protocol, lines, why) in [
        ("smtp", &["554 go\u{1b} away\r\n"][..], "it says: 554 go\\u{1b} away"),
        ("smtp", &["220 a\r\n", "250 a\r\n", "454 no TLS today\r\n"], "it says: 454 no TLS today"),
        ("imap", &["* BYE\r\n"], "it says: * BYE"),
        ("imap", &["* OK\r\n", "egret NO\r\n"], "it says: egret NO"),
        ("postgres", &["x"], "it is no PostgreSQL"),
    ] {
        let port = talk(lines, &authority).await;
        let more = format!("starttls = \"{protocol}\"");
        let error = documents_of(&block(&[format!("localhost:{port}")], &more)).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let peer = PostgresPeer::start_tls(&authority).unwrap();
    let more = format!("starttls = \"postgres\"\n ca_file = \"{}\"", authority.ca_file().display());
    let found = one(format!("localhost:{}", peer.port()), &more).await;
    assert_eq!((&found["trusted"], &found["valid_for_name"]), (&json!(true), &json!(true)));
    let peer = PostgresPeer::start().unwrap();
    let error = documents_of(&block(&[format!("localhost:{}", peer.port())], "starttls = \"postgres\""))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("it has no TLS"), "{error}");
}

#[test]
fn mistakes_are_told() {
    for (block, expected) in [
        ("hosts = []", "`hosts` names no host"),
        ("hosts = [\"https://a.example/\"]", "`https://a.example/` is no host"),
        ("hosts = [\"a.example\"]\n server_name = \"a b\"", "`a b` cannot be the name of a server"),
        ("hosts = [\"a.example\"]\n starttls = \"pop3\"", "TLS does not begin in `pop3`"),
    ] {
        let shown = mistakes(&format!("generator \"tls_certificate\" \"t\" {{\n {block}\n}}"));
        assert!(shown.contains(expected), "{shown}");
    }
}
