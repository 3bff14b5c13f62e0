//! How PostgreSQL is reached, for whoever reaches it: the generator `sql`, the store of states.

use std::net::IpAddr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// TLS whose other side is verified, unless the server is on this machine or the user asked for something else.
pub(crate) fn with_safe_tls(options: PgConnectOptions) -> PgConnectOptions {
    let is_here = options.get_socket().is_some()
        || options.get_host().starts_with('/')
        || is_loopback(options.get_host());
    let mode = match options.get_ssl_mode() {
        // TLS that is not verified is for whoever stands between.
        PgSslMode::Prefer | PgSslMode::Allow if is_here => PgSslMode::Prefer,
        PgSslMode::Disable => PgSslMode::Disable,
        PgSslMode::VerifyCa => PgSslMode::VerifyCa,
        _ => PgSslMode::VerifyFull,
    };
    options.ssl_mode(mode)
}

/// As people name it.
pub(crate) fn place_of(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("the database at {}", socket.display()),
        None => format!("the database at {}:{}", options.get_host(), options.get_port()),
    }
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
