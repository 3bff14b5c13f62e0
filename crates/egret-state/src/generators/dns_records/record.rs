//! Records as text, as zone files write them, without what changes all the time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use egret_http::escape_line;
use hickory_resolver::proto::rr::{Name, RData};

/// A name in lower case, without the last dot.
pub(super) fn name_of(name: &Name) -> String {
    let text = name.to_lowercase().to_ascii();
    match text.strip_suffix('.') {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => text,
    }
}

/// The value of a record.
pub(super) fn value_of(data: &RData) -> String {
    match data {
        RData::A(address) => address.to_string(),
        RData::AAAA(address) => address.to_string(),
        RData::CNAME(name) => name_of(name),
        RData::NS(name) => name_of(name),
        RData::PTR(name) => name_of(name),
        RData::MX(mx) => format!("{} {}", mx.preference, name_of(&mx.exchange)),
        RData::SRV(srv) => format!("{} {} {} {}", srv.priority, srv.weight, srv.port, name_of(&srv.target)),
        // The pieces have no meaning of their own.
        RData::TXT(text) => bytes(&text.txt_data.concat()),
        RData::CAA(caa) => format!("{} {} {}", caa.flags(), escape_line(&caa.tag), bytes(&caa.value)),
        // Without the serial.
        RData::SOA(soa) => format!(
            "{} {} {} {} {} {}",
            name_of(&soa.mname),
            name_of(&soa.rname),
            soa.refresh,
            soa.retry,
            soa.expire,
            soa.minimum
        ),
        RData::Unknown { code, rdata } => unknown(u16::from(*code), rdata.anything.as_ref()),
        other => escape_line(&other.to_string()),
    }
}

/// DS (43) and DNSKEY (48), of which the resolver knows the names alone, and everything as RFC 3597 writes it.
fn unknown(code: u16, data: &[u8]) -> String {
    match (code, data) {
        (43, [tag_high, tag_low, algorithm, digest, rest @ ..]) => {
            let tag = u16::from_be_bytes([*tag_high, *tag_low]);
            format!("{tag} {algorithm} {digest} {}", hex(rest))
        }
        (48, [flags_high, flags_low, protocol, algorithm, key @ ..]) => {
            let flags = u16::from_be_bytes([*flags_high, *flags_low]);
            format!("{flags} {protocol} {algorithm} {}", BASE64.encode(key))
        }
        _ => format!("\\# {} {}", data.len(), hex(data)),
    }
}

/// Bytes as text; what is no UTF-8 is written as its number.
fn bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&escape_line(chunk.valid()));
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
