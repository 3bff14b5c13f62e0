//! Development only: the other side of outputs, on loopback.
//!
//! [`HttpPeer`] records the requests that reach it and answers as it is told to: with any status, late, not at all, or
//! by cutting the connection; over TLS with a certificate of its own authority if it shall. [`Moto`] is the services of
//! AWS, [`SmtpPeer`] takes mails, [`RsyslogPeer`] syslog messages.

mod certificates;
mod http;
mod moto;
mod rsyslog;
mod signature;
mod smtp;

pub use certificates::{Authority, Identity};
pub use http::{Answer, HttpPeer, Recorded};
pub use moto::Moto;
pub use rsyslog::RsyslogPeer;
pub use smtp::{SmtpPeer, header as smtp_header};
