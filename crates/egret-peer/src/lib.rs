//! Development only: the other side of outputs, on loopback.
//!
//! [`HttpPeer`] records the requests that reach it and answers as it is told to: with any status, late, not at all, or
//! by cutting the connection; over TLS with a certificate of its own authority if it shall. [`Moto`] is the services of
//! AWS, [`SmtpPeer`] takes mails, [`RsyslogPeer`] syslog messages, [`PostgresPeer`] and [`MariaDbPeer`] are databases,
//! [`PodmanPeer`] is a daemon of containers.

mod certificates;
mod http;
mod mariadb;
mod moto;
mod podman;
mod postgres;
mod rsyslog;
mod server_process;
mod signature;
mod smtp;

pub use certificates::{Authority, Identity};
pub use http::{Answer, HttpPeer, Recorded};
pub use mariadb::MariaDbPeer;
pub use moto::Moto;
pub use podman::PodmanPeer;
pub use postgres::PostgresPeer;
pub use rsyslog::RsyslogPeer;
pub use smtp::{SmtpPeer, header as smtp_header};
