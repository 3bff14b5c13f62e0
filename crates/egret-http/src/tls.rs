//! TLS as every client does it: always verified, against the system's certificates and those the user adds.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_config::{AttributeDocumentation, BlockReader};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use crate::context::ServiceContext;

/// The attributes of every client that speaks TLS.
pub const CA_FILE: AttributeDocumentation = AttributeDocumentation::optional(
    "ca_file",
    "a string",
    "A PEM file with certificates to trust beside the system's.",
);
/// See [`CA_FILE`].
pub const CLIENT_CERTIFICATE: AttributeDocumentation = AttributeDocumentation::optional(
    "client_certificate",
    "a string",
    "A PEM file with the certificate to show to the server.",
);
/// See [`CA_FILE`].
pub const CLIENT_KEY: AttributeDocumentation =
    AttributeDocumentation::optional("client_key", "a string", "A PEM file with its key.");

/// Whom to trust, and who to be.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    ca_file: Option<PathBuf>,
    client: Option<(PathBuf, PathBuf)>,
}

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read certificates from {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: pem::Error,
    },
    /// The certificate and the key cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// There is nothing to trust.
    #[error("there are no certificates to trust: install ca-certificates, or name a `ca_file`")]
    NoRoots,
}

impl Tls {
    /// Reads `ca_file`, `client_certificate` and `client_key`.
    pub fn decode(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<Self> {
        let ca_file = reader.optional_or("ca_file", None::<String>);
        let certificate = reader.optional_or("client_certificate", None::<String>);
        let key = reader.optional_or("client_key", None::<String>);
        let place = |path: String| context.folder().join(path);
        let client = match (certificate?, key?) {
            (Some(certificate), Some(key)) => Some((place(certificate), place(key))),
            (None, None) => None,
            _ => {
                let location = reader.location().clone();
                reader
                    .diagnostics()
                    .error(&location, "`client_certificate` and `client_key` go together: name both or none");
                return None;
            }
        };
        Some(Self { ca_file: ca_file?.map(place), client })
    }

    /// Reads `ca_file` alone, for clients that show no certificate.
    pub fn decode_trust(reader: &mut BlockReader<'_>, context: &ServiceContext) -> Option<Self> {
        let ca_file = reader.optional_or("ca_file", None::<String>)?;
        Some(Self { ca_file: ca_file.map(|path| context.folder().join(path)), client: None })
    }

    /// The file with the certificates that the user adds, for clients that read it themselves.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_deref()
    }

    /// What rustls needs.
    ///
    /// # Errors
    /// If a file cannot be read or used.
    pub fn client_config(&self) -> Result<ClientConfig, TlsError> {
        let builder = builder()?.with_root_certificates(self.roots()?);
        Ok(match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let wrong = |error| TlsError::File { path: key.clone(), error };
                let private = PrivateKeyDer::from_pem_file(key).map_err(wrong)?;
                builder.with_client_auth_cert(certificates(certificate)?, private)?
            }
        })
    }

    /// What rustls needs where no TLS is spoken; to load the system's certificates takes a while.
    pub(crate) fn trusting_nobody() -> Result<ClientConfig, TlsError> {
        Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
    }

    fn roots(&self) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        // What the system cannot load is no reason to refuse the rest.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = &self.ca_file {
            for certificate in certificates(path)? {
                roots.add(certificate)?;
            }
        }
        if roots.is_empty() { Err(TlsError::NoRoots) } else { Ok(roots) }
    }

    /// The certificates that the user adds, for clients with a TLS of their own.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn added_roots(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        self.ca_file.as_deref().map_or(Ok(Vec::new()), certificates)
    }
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |error| TlsError::File { path: path.to_owned(), error };
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect();
    match found.map_err(wrong)? {
        none if none.is_empty() => Err(wrong(pem::Error::Io(io::Error::other("it has none")))),
        some => Ok(some),
    }
}
