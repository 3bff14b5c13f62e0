//! Looks at the certificates of a server. The one place with a client that does not refuse any: it sends nothing.

use std::sync::{Arc, Mutex, PoisonError};

use egret_http::{CallError, escape_line};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, ProtocolVersion, RootCertStore,
    SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::generators::network_target::NetworkTarget;

use super::starttls::StartTls;

/// What a server showed.
#[derive(Debug)]
pub(super) struct Shown {
    /// The certificates, the server's own first.
    pub chain: Vec<CertificateDer<'static>>,
    /// The version that both agreed on, if they came so far.
    pub protocol: Option<&'static str>,
}

/// What a client would think of it.
#[derive(Debug)]
pub(super) struct Judged {
    /// Why it would not trust the chain.
    pub problem: Option<String>,
    /// Whether the certificate is for the name.
    pub is_for_name: bool,
}

/// Connects to a server and looks at what it shows.
pub(super) async fn look(
    target: &NetworkTarget,
    name: ServerName<'static>,
    starttls: Option<StartTls>,
) -> Result<Shown, CallError> {
    let place = target.name();
    let failed = |error: &dyn std::fmt::Display| {
        CallError::retry(format!("cannot look at {place}: {}", escape_line(&error.to_string())))
    };
    let provider = Arc::new(ring::default_provider());
    let seen = Arc::new(Seen { chain: Mutex::default(), provider: Arc::clone(&provider) });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&seen) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let mut stream =
        TcpStream::connect((target.host.as_str(), target.port)).await.map_err(|error| failed(&error))?;
    if let Some(starttls) = starttls {
        starttls.ask(&mut stream).await.map_err(|error| failed(&error))?;
    }
    let connected = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
    let chain = std::mem::take(&mut *seen.chain.lock().unwrap_or_else(PoisonError::into_inner));
    match connected {
        Ok(stream) => {
            let protocol = match stream.get_ref().1.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => Some("TLSv1.2"),
                Some(ProtocolVersion::TLSv1_3) => Some("TLSv1.3"),
                _ => None,
            };
            Ok(Shown { chain, protocol })
        }
        // It showed its own, proved that it has the key, and wanted something more of us.
        Err(_) if !chain.is_empty() => Ok(Shown { chain, protocol: None }),
        Err(error) => Err(failed(&error)),
    }
}

impl Shown {
    /// What a client that trusts `roots` would think of it.
    pub(super) fn judge(&self, name: &ServerName<'_>, roots: &RootCertStore, now: UnixTime) -> Judged {
        let Some((own, others)) = self.chain.split_first() else {
            return Judged { problem: Some("no certificate".to_owned()), is_for_name: false };
        };
        let parsed = match ParsedCertificate::try_from(own) {
            Ok(parsed) => parsed,
            Err(error) => return Judged { problem: Some(problem(&error)), is_for_name: false },
        };
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        let chain = verify_server_cert_signed_by_trust_anchor(&parsed, roots, others, now, algorithms);
        Judged {
            problem: chain.err().map(|error| problem(&error)),
            is_for_name: verify_server_name(&parsed, name).is_ok(),
        }
    }
}

/// Why a chain is not trusted, in words that stay the same as long as the reason does.
fn problem(error: &Error) -> String {
    let Error::InvalidCertificate(error) = error else { return "the certificate is broken".to_owned() };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "not valid yet".to_owned()
        }
        CertificateError::UnknownIssuer => "unknown issuer".to_owned(),
        CertificateError::BadEncoding => "the certificate is broken".to_owned(),
        CertificateError::BadSignature => "a signature is wrong".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "not for servers".to_owned()
        }
        CertificateError::UnhandledCriticalExtension => "an unknown critical extension".to_owned(),
        CertificateError::Revoked => "revoked".to_owned(),
        // What is behind them says no moment, only what the certificate is.
        CertificateError::Other(other) => escape_line(&other.to_string()),
        _ if error.to_string().to_ascii_lowercase().contains("signature") => {
            "a signature that nobody trusts any more".to_owned()
        }
        _ => "not acceptable".to_owned(),
    }
}

/// Remembers the chain. It takes any, and looks only whether the server has the key to it.
#[derive(Debug)]
struct Seen {
    chain: Mutex<Vec<CertificateDer<'static>>>,
    provider: Arc<CryptoProvider>,
}

impl Seen {
    /// A server that has not the key shows somebody else's certificates.
    fn keep(&self, proof: Result<HandshakeSignatureValid, Error>) -> Result<HandshakeSignatureValid, Error> {
        if proof.is_err() {
            self.chain.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        proof
    }
}

impl ServerCertVerifier for Seen {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let all = std::iter::once(end_entity).chain(intermediates);
        let chain = all.map(|certificate| certificate.clone().into_owned()).collect();
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.keep(verify_tls12_signature(message, certificate, signature, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        self.keep(verify_tls13_signature(message, certificate, signature, algorithms))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
