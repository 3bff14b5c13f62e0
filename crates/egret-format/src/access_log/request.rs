//! The request line: `GET /path HTTP/1.1`.

/// The parts of a request line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RequestLine<'r> {
    pub(crate) method: &'r str,
    pub(crate) uri: &'r str,
    /// HTTP/0.9 has none.
    pub(crate) protocol: Option<&'r str>,
}

/// The longest method there is has 17 letters (`UPDATEREDIRECTREF`).
const MAX_METHOD: usize = 32;

/// Splits a request line, if it is one. The parts with a space between them are the line again.
pub(crate) fn split_request(line: &str) -> Option<RequestLine<'_>> {
    let bytes = line.as_bytes();
    let end = memchr::memchr(b' ', bytes)?;
    let (method, rest) = (&line[..end], &line[end + 1..]);
    let is_method = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_';
    if method.is_empty() || method.len() > MAX_METHOD || !method.bytes().all(is_method) || rest.is_empty() {
        return None;
    }
    match memchr::memrchr(b' ', rest.as_bytes()) {
        Some(space) if rest[space + 1..].starts_with("HTTP/") => {
            Some(RequestLine { method, uri: &rest[..space], protocol: Some(&rest[space + 1..]) })
        }
        _ => Some(RequestLine { method, uri: rest, protocol: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_line_has_two_or_three_parts() {
        for (line, expected) in [
            ("GET / HTTP/1.1", Some(("GET", "/", Some("HTTP/1.1")))),
            ("GET /a b HTTP/1.1", Some(("GET", "/a b", Some("HTTP/1.1")))),
            ("GET  HTTP/1.1", Some(("GET", "", Some("HTTP/1.1")))),
            ("GET /", Some(("GET", "/", None))),
            ("CCM_POST /x HTTP/2.0", Some(("CCM_POST", "/x", Some("HTTP/2.0")))),
            ("VERSION-CONTROL /x HTTP/1.1", Some(("VERSION-CONTROL", "/x", Some("HTTP/1.1")))),
            ("GET", None),
            ("GET ", None),
            ("", None),
            ("\u{16}\u{3}\u{1} x", None),
            ("{\"a\": 1}", None),
        ] {
            let parts = split_request(line).map(|request| (request.method, request.uri, request.protocol));
            assert_eq!(parts, expected, "{line}");
        }
    }
}
