//! What clients of services share: HTTP, TLS, who to be at AWS and signed requests.
//!
//! A client reads what its block says with [`Http::decode`] (a proxy, certificates) or [`aws::Aws::decode`] (besides,
//! who to be and where), makes [`HttpRequest`]s, and gets [`HttpResponse`]s or a [`CallError`], which says whether the
//! same may go well later. Nothing here tries again, and nothing follows a redirect. What it may use of the world, a
//! [`ServiceContext`] gives it.

mod context;
mod error;
mod text;

mod address;
mod answer;
mod client;
mod tls;

pub mod aws;

pub use address::Address;
pub use answer::{judge, retry_after};
pub use client::{HTTP_ATTRIBUTES, Http, HttpRequest, HttpResponse, PROXY, until};
pub use context::ServiceContext;
pub use error::CallError;
pub use text::{escape_line, said, shorten, shorten_bytes};
pub use tls::{CA_FILE, CLIENT_CERTIFICATE, CLIENT_KEY, Tls, TlsError};

pub use reqwest::{Method, StatusCode, Url, header};

#[cfg(test)]
mod testing;
