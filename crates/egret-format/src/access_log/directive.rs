//! The %directives of Apache's `LogFormat`, and which field each becomes.

use super::layout::{TIMESTAMP, Token, Value};
use super::strftime;
use crate::layout_error::LayoutError;

/// One `%…` of a layout: `%{Referer}i`, `%>s`, `%!200,304b`.
struct Directive<'l> {
    /// What stands in braces.
    argument: Option<&'l str>,
    /// The letter, `^` and two letters for trailers.
    name: &'l str,
}

/// Cuts a layout at its directives.
pub(crate) fn tokens(layout: &str) -> Result<Vec<Token>, LayoutError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut text = String::new();
    let mut at = 0;
    while let Some(c) = layout[at..].chars().next() {
        let after = at + c.len_utf8();
        match (c, layout.as_bytes().get(after)) {
            ('\\', Some(escaped @ (b'"' | b'\\' | b't' | b'n'))) => {
                text.push(match escaped {
                    b't' => '\t',
                    b'n' => '\n',
                    plain => char::from(*plain),
                });
                at = after + 1;
            }
            ('%', Some(b'%')) => {
                text.push('%');
                at = after + 1;
            }
            ('%', _) => {
                let (directive, end) = read_directive(layout, at)?;
                let is_query = directive.name == "q" && text.is_empty();
                if let (true, Some(Token::Value(Value::Text(path), _))) = (is_query, tokens.last()) {
                    // `%U%q`: a query string starts with a question mark, and a path has none.
                    let value = Value::PathAndQuery(path.clone(), "query_string".to_owned());
                    tokens.pop();
                    tokens.push(Token::Value(value, at..end));
                    at = end;
                    continue;
                }
                let value = value_of(&directive, layout, at..end)?;
                if matches!(value, Value::CommonLogTime(_)) {
                    text.push('[');
                }
                push_text(&mut tokens, &mut text);
                if matches!(value, Value::CommonLogTime(_)) {
                    text.push(']');
                }
                tokens.push(Token::Value(value, at..end));
                at = end;
            }
            _ => {
                text.push(c);
                at = after;
            }
        }
    }
    push_text(&mut tokens, &mut text);
    Ok(tokens)
}

fn push_text(tokens: &mut Vec<Token>, text: &mut String) {
    if !text.is_empty() {
        tokens.push(Token::Text(std::mem::take(text)));
    }
}

/// Reads the directive whose `%` is at byte `at`, and says where it ends.
fn read_directive(layout: &str, at: usize) -> Result<(Directive<'_>, usize), LayoutError> {
    let wrong = |message: &str, end: usize| {
        let end = (end..=layout.len()).find(|end| layout.is_char_boundary(*end)).unwrap_or(layout.len());
        let hint = "directives are written like `%h`, `%>s` or `%{Referer}i`; a percent sign is `%%`";
        LayoutError::new(message, hint, at..end)
    };
    let is_modifier = |c: char| c.is_ascii_digit() || matches!(c, '!' | ',' | '<' | '>');
    let mut rest = layout[at + 1..].trim_start_matches(is_modifier);
    let mut argument = None;
    if let Some(braced) = rest.strip_prefix('{') {
        let Some(end) = braced.find('}') else {
            return Err(wrong("a brace that is not closed", layout.len()));
        };
        argument = Some(&braced[..end]);
        rest = braced[end + 1..].trim_start_matches(is_modifier);
    }
    let length = if rest.starts_with('^') { 3 } else { 1 };
    let start = layout.len() - rest.len();
    let Some(name) = rest.get(..length).filter(|name| name.ends_with(|c: char| c.is_ascii_alphabetic()))
    else {
        return Err(wrong("a `%` without a directive", start + 1));
    };
    Ok((Directive { argument, name }, start + length))
}

fn value_of(
    directive: &Directive<'_>,
    layout: &str,
    span: std::ops::Range<usize>,
) -> Result<Value, LayoutError> {
    let argument = directive.argument.unwrap_or("");
    let named = |prefix: &str| Value::Text(format!("{prefix}{}", field_name(argument)));
    let field = match (directive.name, argument) {
        ("r", _) => return Ok(Value::Request),
        ("t", _) => return time_value(argument, span),
        ("i" | "^ti", _) => return Ok(named("http_")),
        ("o" | "^to", _) => return Ok(named("sent_http_")),
        ("e", _) => return Ok(named("env_")),
        ("C", _) => return Ok(named("cookie_")),
        ("n", _) => return Ok(named("note_")),
        // What mod_ssl knows: `%{SSL_PROTOCOL}x`.
        ("x" | "c", _) => return Ok(named("")),
        ("a", "c") => "peer_addr",
        ("a" | "h", _) => "remote_addr",
        ("A", _) => "local_addr",
        ("b" | "B", _) => "body_bytes_sent",
        ("D", _) | ("T", "us") => "request_time_us",
        ("T", "ms") => "request_time_ms",
        ("T", _) => "request_time",
        ("f", _) => "filename",
        ("H", _) => "server_protocol",
        ("I", _) => "bytes_received",
        ("k", _) => "keepalive_requests",
        ("l", _) => "remote_logname",
        ("L", _) => "log_id",
        ("m", _) => "request_method",
        ("O", _) => "bytes_sent",
        ("p", "local") => "apache_port",
        ("p", "remote") => "client_port",
        ("p", _) => "server_port",
        ("P", "tid") => "thread_id",
        ("P", "hextid") => "hex_thread_id",
        ("P", _) => "pid",
        ("q", _) => "query_string",
        ("R", _) => "handler",
        ("s", _) => "status",
        ("S", _) => "bytes_transferred",
        ("u", _) => "remote_user",
        ("U", _) => "request_uri",
        ("v" | "V", _) => "server_name",
        ("X", _) => "connection_status",
        _ => {
            let message = format!("Apache has no directive `{}`", &layout[span.clone()]);
            let hint = "see https://httpd.apache.org/docs/current/mod/mod_log_config.html#formats";
            return Err(LayoutError::new(message, hint, span));
        }
    };
    Ok(Value::Text(field.to_owned()))
}

/// `%t` and `%{…}t`. The latter is in the notation of `strftime`, or one of a few words of Apache's own.
fn time_value(argument: &str, span: std::ops::Range<usize>) -> Result<Value, LayoutError> {
    let moment =
        argument.strip_prefix("begin:").or_else(|| argument.strip_prefix("end:")).unwrap_or(argument);
    let format = match moment {
        "" if argument.is_empty() => return Ok(Value::CommonLogTime(TIMESTAMP.to_owned())),
        // The column tells seconds, milli- and microseconds apart by their size.
        "" | "msec" | "usec" => return Ok(Value::Text(TIMESTAMP.to_owned())),
        "sec" => "%s",
        "msec_frac" => "%3f",
        "usec_frac" => "%6f",
        format => format,
    };
    if !strftime::is_valid(format) {
        let message = format!("`{format}` is no time in the notation of strftime");
        return Err(LayoutError::new(message, "write it like `%Y-%m-%d %H:%M:%S`", span));
    }
    Ok(Value::TimePart(format.to_owned()))
}

/// The name of a header as the name of a field: `User-Agent` is `user_agent`.
fn field_name(header: &str) -> String {
    header.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}
