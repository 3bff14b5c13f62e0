//! The kernel's tables of sockets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The tables, in `/proc/net`.
pub(super) const TABLES: [(&str, Protocol); 6] = [
    ("tcp", Protocol::Tcp),
    ("tcp6", Protocol::Tcp),
    ("udp", Protocol::Udp),
    ("udp6", Protocol::Udp),
    ("udplite", Protocol::UdpLite),
    ("udplite6", Protocol::UdpLite),
];

/// A TCP socket that listens, and a datagram socket that is not bound to a peer.
const LISTEN: &str = "0A";
const UNCONNECTED: &str = "07";

/// What a port is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Protocol {
    Tcp,
    Udp,
    UdpLite,
}

impl Protocol {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::UdpLite => "udplite",
        }
    }
}

/// An open port, as one socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Socket {
    pub protocol: Protocol,
    pub address: IpAddr,
    pub port: u16,
    /// What it is called where processes hold it.
    pub inode: u64,
}

impl Socket {
    /// Reads a line; `None` if the socket is no open port.
    pub(super) fn parse(line: &str, protocol: Protocol) -> Result<Option<Self>, ()> {
        let fields: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, local, _, state, _, _, _, _, _, inode, ..] = fields[..] else {
            return if fields.is_empty() { Ok(None) } else { Err(()) };
        };
        let open = if protocol == Protocol::Tcp { LISTEN } else { UNCONNECTED };
        if state != open {
            return Ok(None);
        }
        let (address, port) = local.split_once(':').ok_or(())?;
        let address = read_address(address).ok_or(())?;
        let port = u16::from_str_radix(port, 16).map_err(|_| ())?;
        let inode = inode.parse().map_err(|_| ())?;
        // A socket that was not bound yet has no port.
        Ok((port != 0).then_some(Self { protocol, address, port, inode }))
    }
}

/// The kernel prints each four bytes of an address as a number of its own byte order.
fn read_address(hexadecimal: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = hexadecimal.get(at * 8..at * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    match hexadecimal.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(word(0)?))),
        32 => {
            let mut bytes = [0; 16];
            for (at, piece) in bytes.chunks_exact_mut(4).enumerate() {
                piece.copy_from_slice(&word(at)?);
            }
            Some(IpAddr::V6(Ipv6Addr::from(bytes)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_the_order_of_this_machine() {
        // As a machine with the little end first prints them.
        let read = |text: &str| {
            let swapped: String = if cfg!(target_endian = "little") {
                text.to_owned()
            } else {
                text.as_bytes()
                    .chunks(8)
                    .flat_map(|word| word.chunks(2).rev().flatten())
                    .map(|byte| char::from(*byte))
                    .collect()
            };
            read_address(&swapped).map(|address| address.to_string())
        };
        for (text, expected) in [
            ("0100007F", Some("127.0.0.1")),
            ("00000000", Some("0.0.0.0")),
            ("0A01A8C0", Some("192.168.1.10")),
            ("00000000000000000000000000000000", Some("::")),
            ("00000000000000000000000001000000", Some("::1")),
            ("B80D0120000000000000000001000000", Some("2001:db8::1")),
            ("0000000000000000FFFF00000100007F", Some("::ffff:127.0.0.1")),
            ("000080FE00000000FF2B5002ABCD38FE", Some("fe80::250:2bff:fe38:cdab")),
            ("123", None),
            ("0100007é", None),
            ("ZZZZZZZZ", None),
        ] {
            assert_eq!(read(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn only_open_ports_are_sockets_of_interest() {
        let line = |local: &str, state: &str| {
            format!(
                "   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000   101        0 20473 1 x"
            )
        };
        let port = |line: &str, protocol| {
            Socket::parse(line, protocol).map(|socket| socket.map(|socket| (socket.port, socket.inode)))
        };
        assert_eq!(port(&line("0100007F:0035", "0A"), Protocol::Tcp), Ok(Some((53, 20473))));
        assert_eq!(port(&line("0100007F:0035", "01"), Protocol::Tcp), Ok(None));
        assert_eq!(port(&line("0100007F:0035", "07"), Protocol::Udp), Ok(Some((53, 20473))));
        assert_eq!(port(&line("0100007F:0035", "01"), Protocol::Udp), Ok(None));
        assert_eq!(port(&line("00000000:0000", "07"), Protocol::Udp), Ok(None));
        assert_eq!(port("", Protocol::Tcp), Ok(None));
        assert_eq!(port("  1: short", Protocol::Tcp), Err(()));
        assert_eq!(port(&line("00:0035", "0A"), Protocol::Tcp), Err(()));
    }
}
