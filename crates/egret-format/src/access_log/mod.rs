//! Access logs of web servers: `nginx_access_log` and `apache_access_log`, from the server's own format string.
//!
//! Both are a [`Layout`](layout::Layout): values with fixed text between them. Each server's module only reads its
//! own way to write one; cutting lines and putting values is the same for both.
//!
//! A value `-` means that there is none: the field is absent. Escapes as the servers write them (`\"`, `\x22`)
//! are resolved, unless that gives no UTF-8: then the value stays as written. The request line is split into
//! `request_method`, `request_uri` and `server_protocol`; one that is no request (a TLS handshake sent to the
//! plain port, say) is kept whole as `request`. What stands behind the layout's end goes to field `_rest`, so a
//! log with one more value than its layout says is still read.

mod apache;
mod directive;
mod layout;
mod nginx;
mod parser;
mod request;
mod strftime;
mod unescape;

pub use apache::ApacheAccessLogFormat;
pub use nginx::NginxAccessLogFormat;

pub(crate) use apache::APACHE_ACCESS_LOG;
pub(crate) use nginx::NGINX_ACCESS_LOG;

#[cfg(test)]
mod tests;
