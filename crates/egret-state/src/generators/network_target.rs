//! Hosts on the network, as blocks name them.

use std::net::{IpAddr, Ipv6Addr};

use rustls::pki_types::ServerName;

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct NetworkTarget {
    pub host: String,
    pub port: u16,
}

impl NetworkTarget {
    /// Reads `host`, `host:port`, `[2001:db8::1]:port` or an address alone. `None` if it is none of these.
    pub(crate) fn parse(text: &str, port: u16) -> Option<Self> {
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, after) = rest.split_once(']')?;
            host.parse::<Ipv6Addr>().ok()?;
            let port = if after.is_empty() { port } else { after.strip_prefix(':')?.parse().ok()? };
            (host, port)
        } else if text.parse::<IpAddr>().is_ok() {
            (text, port)
        } else {
            match text.split_once(':') {
                Some((host, port)) => (host, port.parse().ok()?),
                None => (text, port),
            }
        };
        ServerName::try_from(host).ok()?;
        (port > 0).then(|| Self { host: host.to_owned(), port })
    }

    /// As it is written.
    pub(crate) fn name(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read() {
        for (text, expected) in [
            ("a.example", Some("a.example:443")),
            ("a.example:8443", Some("a.example:8443")),
            ("192.0.2.1:1", Some("192.0.2.1:1")),
            ("2001:db8::1", Some("[2001:db8::1]:443")),
            ("[2001:db8::1]", Some("[2001:db8::1]:443")),
            ("[2001:db8::1]:25", Some("[2001:db8::1]:25")),
            ("", None),
            ("a.example:0", None),
            ("a.example:99999", None),
            ("https://a.example", None),
            ("a b", None),
            ("[a]:1", None),
        ] {
            assert_eq!(
                NetworkTarget::parse(text, 443).map(|target| target.name()).as_deref(),
                expected,
                "{text}"
            );
        }
    }
}
