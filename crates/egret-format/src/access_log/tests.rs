//! Tests of `access_log`: lines and what they become, odd ones, and configuration.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::decoder::Format;
use crate::registry::{formats_of, preset};
use crate::testing::{decode, plan};

const COMBINED: &str = r#"203.0.113.7 - alice [01/Feb/2024:10:00:00 +0000] "GET /a?b=1 HTTP/1.1" 200 612 "https://example.com/" "Mozilla/5.0 (X11)""#;

fn nginx(layout: &str) -> NginxAccessLogFormat {
    layout.parse().unwrap()
}

fn apache(layout: &str) -> ApacheAccessLogFormat {
    layout.parse().unwrap()
}

#[test]
fn nginx_lines_become_fields() {
    let combined = preset("nginx_access_log", "combined").unwrap();
    let timed =
        nginx("$remote_addr [$time_iso8601] ${request_time}s \"$request_uri\" $upstream_response_time");
    let head =
        |request: &str| format!("::1 - - [01/Feb/2024:10:00:00 +0000] \"{request}\" 400 0 \"-\" \"-\"");
    let odd = |fields: serde_json::Value| {
        let mut row = json!({"remote_addr": "::1", "time_local": "01/Feb/2024:10:00:00 +0000"});
        let object = row.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        object.extend(json!({"status": "400", "body_bytes_sent": "0"}).as_object().unwrap().clone());
        row
    };
    let cases: Vec<(&dyn Format, String, serde_json::Value)> = vec![
        (
            &*combined,
            COMBINED.to_owned(),
            json!({
            "remote_addr": "203.0.113.7", "remote_user": "alice", "time_local": "01/Feb/2024:10:00:00 +0000",
            "request_method": "GET", "request_uri": "/a?b=1", "server_protocol": "HTTP/1.1", "status": "200",
            "body_bytes_sent": "612", "http_referer": "https://example.com/", "http_user_agent": "Mozilla/5.0 (X11)"}),
        ),
        (&*combined, head(r"\x16\x03\x01\x00\xEE"), odd(json!({"request": r"\x16\x03\x01\x00\xEE"}))),
        (&*combined, head(r"\x16\x03\x01"), odd(json!({"request": "\u{16}\u{3}\u{1}"}))),
        (&*combined, head(""), odd(json!({"request": ""}))),
        (&*combined, head("-"), odd(json!({}))),
        (&*combined, head("GET /old"), odd(json!({"request_method": "GET", "request_uri": "/old"}))),
        (
            &*combined,
            head(r"GET /\x22q\x22 x HTTP/1.0"),
            odd(json!({
            "request_method": "GET", "request_uri": "/\"q\" x", "server_protocol": "HTTP/1.0"})),
        ),
        (
            &*combined,
            head(r#"GET /\"q HTTP/1.0"#),
            odd(json!({
            "request_method": "GET", "request_uri": "/\"q", "server_protocol": "HTTP/1.0"})),
        ),
        (
            &*combined,
            head(r#"GET /raw"quote HTTP/1.0"#),
            odd(json!({
            "request_method": "GET", "request_uri": "/raw\"quote", "server_protocol": "HTTP/1.0"})),
        ),
        (&*combined, format!("{} \"10.0.0.1\"", head("-")), odd(json!({}))),
        (
            &timed,
            "h [2024-02-01T10:00:00+01:00] 0.001s \"/x\" 0.1, 0.2".to_owned(),
            json!({
            "remote_addr": "h", "time_iso8601": "2024-02-01T10:00:00+01:00", "request_time": "0.001",
            "request_uri": "/x", "upstream_response_time": "0.1, 0.2"}),
        ),
    ];
    for (format, line, mut expected) in cases {
        if line.ends_with("10.0.0.1\"") {
            expected["_rest"] = json!(" \"10.0.0.1\"");
        }
        let outcome = decode(format, &plan(""), &line);
        assert_eq!(outcome.extras(), [expected], "{line} {:?}", outcome.reasons());
    }
}

#[test]
fn columns_get_typed_values() {
    let plan = plan(
        "remote_addr varchar, remote_user varchar, time_local varchar, request_method varchar, request_uri varchar, \
         server_protocol varchar, status integer, body_bytes_sent integer, http_referer varchar, http_user_agent varchar",
    );
    let combined = preset("nginx_access_log", "combined").unwrap();
    let outcome = decode(&*combined, &plan, format!("{COMBINED}\r\n\nnot a log line\n\0\0\n{COMBINED}"));
    assert_eq!(outcome.rows.len(), 2);
    assert_eq!(outcome.rows[0]["status"], 200);
    assert_eq!(outcome.rows[0].get("extra"), None, "every field has its column");
    assert_eq!(outcome.reasons()[0], "the line does not have the layout: no ` - ` after value 1");
    assert_eq!(outcome.quarantined.len(), 2);
}

#[test]
fn a_table_may_have_the_request_whole() {
    let combined = preset("nginx_access_log", "combined").unwrap();
    let fields = |columns: &str| {
        let row = decode(&*combined, &plan(columns), COMBINED).rows.remove(0);
        (
            row.get("request").cloned(),
            row.get("request_uri").cloned(),
            row["extra"].get("request_uri").cloned(),
        )
    };
    let (whole, uri) = (Some(json!("GET /a?b=1 HTTP/1.1")), Some(json!("/a?b=1")));
    assert_eq!(fields("request varchar"), (whole.clone(), None, None));
    assert_eq!(fields("request varchar, request_uri varchar"), (whole, uri.clone(), None));
    assert_eq!(fields("status integer"), (None, None, uri));
}

#[test]
fn apache_lines_become_fields() {
    let combined = preset("apache_access_log", "combined").unwrap();
    let plan = plan("timestamp timestamp, status integer, body_bytes_sent integer");
    let line = COMBINED.replace("612", "-").replace("+0000", "-0700");
    assert_eq!(
        decode(&*combined, &plan, line).rows,
        [json!({
        "timestamp": "2024-02-01T17:00:00", "status": 200,
        "extra": {"remote_addr": "203.0.113.7", "remote_user": "alice", "timestamp_offset": "-0700",
            "request_method": "GET", "request_uri": "/a?b=1", "server_protocol": "HTTP/1.1",
            "http_referer": "https://example.com/", "http_user_agent": "Mozilla/5.0 (X11)"}})]
    );
    for (layout, line, expected) in [
        (
            r#"%v:%p %h \"%m %U%q %H\" %D %{ms}T %T %X"#,
            r#"www:443 h "GET /a?b HTTP/2.0" 12 3 0 +"#,
            json!({
            "server_name": "www", "server_port": "443", "remote_addr": "h", "request_method": "GET",
            "request_uri": "/a", "query_string": "?b", "server_protocol": "HTTP/2.0", "request_time_us": "12",
            "request_time_ms": "3", "request_time": "0", "connection_status": "+"}),
        ),
        (
            "%{X-Forwarded-For}i %{Content-Type}o %{UNIQUE_ID}e %{sid}C %{SSL_PROTOCOL}x %P %{tid}P %f %R",
            "10.0.0.1 text/html u s TLSv1.3 7 8 /f cgi",
            json!({
            "http_x_forwarded_for": "10.0.0.1", "sent_http_content_type": "text/html", "env_unique_id": "u",
            "cookie_sid": "s", "ssl_protocol": "TLSv1.3", "pid": "7", "thread_id": "8", "filename": "/f",
            "handler": "cgi"}),
        ),
        (
            "%a %A %l %!200,304{User-agent}i %<s %>s %B %O %I %S %k 100%%",
            "a b c d 301 200 1 2 3 4 5 100%",
            json!({
            "remote_addr": "a", "local_addr": "b", "remote_logname": "c", "http_user_agent": "d", "status": "301",
            "status_2": "200", "body_bytes_sent": "1", "bytes_sent": "2", "bytes_received": "3",
            "bytes_transferred": "4", "keepalive_requests": "5"}),
        ),
        (
            "%h \"%r\"",
            r#"h "GET /\"a\" HTTP/1.1""#,
            json!({
            "remote_addr": "h", "request_method": "GET", "request_uri": "/\"a\"", "server_protocol": "HTTP/1.1"}),
        ),
    ] {
        let outcome = decode(&apache(layout), &crate::testing::plan(""), line);
        assert_eq!(outcome.extras(), [expected], "{layout} {:?}", outcome.reasons());
    }
}

#[test]
fn times_in_the_notation_of_strftime() {
    let plan = plan("timestamp timestamp");
    for (layout, line, expected) in [
        (
            "%h [%{%Y-%m-%d %H:%M:%S}t] %s",
            "h [2024-02-01 10:00:00] 200",
            json!({"timestamp": "2024-02-01T10:00:00"}),
        ),
        (
            "%{%Y-%m-%d %H:%M:%S %z}t %s",
            "2024-02-01 10:00:00 +0200 200",
            json!({
            "timestamp": "2024-02-01T08:00:00", "timestamp_offset": "+0200"}),
        ),
        (
            "%{%d/%b/%Y %T}t.%{msec_frac}t %{%z}t %s",
            "01/Feb/2024 10:00:00.250 -0100 200",
            json!({
            "timestamp": "2024-02-01T11:00:00.250", "timestamp_offset": "-0100"}),
        ),
        (
            "%{sec}t.%{usec_frac}t %s",
            "1706781600.000250 200",
            json!({"timestamp": "2024-02-01T10:00:00.000250"}),
        ),
        (
            "%{msec}t %s",
            "1706781600250 200",
            json!({
            "timestamp": "2024-02-01T10:00:00.250", "timestamp_text": "1706781600250"}),
        ),
        ("%{%Y}t %s", "what 200", json!({"timestamp_text": "what"})),
    ] {
        let outcome = decode(&apache(layout), &plan, line);
        let row = &outcome.rows[0];
        let extra = &row["extra"];
        assert_eq!(row.get("timestamp"), expected.get("timestamp"), "{layout} {row}");
        assert_eq!(extra.get("timestamp_offset"), expected.get("timestamp_offset"), "{layout} {row}");
        // A text that the column itself complains about is kept under the column's name.
        let text = extra.get("timestamp_text").or_else(|| extra.get("timestamp"));
        assert_eq!(text, expected.get("timestamp_text"), "{layout} {row}");
        assert_eq!(extra["status"], "200");
    }
}

#[test]
fn a_number_padded_with_a_space_is_a_number() {
    let plan = plan("timestamp timestamp");
    for (layout, time, expected) in [
        ("%{%Y %b %e %T}t %s", "2024 May  5 10:00:00", "2024-05-05T10:00:00"),
        ("%{%Y %b %e %T}t %s", "2024 May 15 10:00:00", "2024-05-15T10:00:00"),
        ("%{%Y %b %e %k:%M}t %s", "2024 May  5  9:30", "2024-05-05T09:30:00"),
        ("%{%Y %b %e %k:%M}t %s", "2024 May 15  9:30", "2024-05-15T09:30:00"),
        ("%{%e %b %Y %l:%M %p}t %s", " 5 May 2024  1:30 PM", "2024-05-05T13:30:00"),
        ("%{%e %b %Y %l:%M %p}t %s", "15 May 2024 10:30 PM", "2024-05-15T22:30:00"),
        ("%{%Y %b %e}t %{%k:%M}t %s", "2024 May  5  9:30", "2024-05-05T09:30:00"),
    ] {
        let outcome = decode(&apache(layout), &plan, format!("{time} 200"));
        let expected = json!({"timestamp": expected, "extra": {"status": "200"}});
        assert_eq!(outcome.rows, [expected], "{layout} {time} {:?}", outcome.reasons());
    }
}

#[test]
fn the_whole_directive_of_nginx_may_be_pasted() {
    let layout = r#"
        log_format main '$remote_addr - $remote_user [$time_local] "$request" '
                        '$status $body_bytes_sent "$http_referer" '
                        '"$http_user_agent" "$http_x_forwarded_for"';
    "#;
    let fields = nginx(layout).fields().unwrap();
    assert_eq!(fields[0..2], ["remote_addr", "remote_user"]);
    assert_eq!(fields.last().unwrap(), "http_x_forwarded_for");
    let line = format!("{COMBINED} \"10.0.0.1\"");
    assert_eq!(decode(&nginx(layout), &plan(""), line).extras()[0]["http_x_forwarded_for"], "10.0.0.1");
    let error = "log_format j escape=json '{\"a\":\"$a\"}';".parse::<NginxAccessLogFormat>().unwrap_err();
    assert!(error.to_string().contains("use a format `jsonl`"), "{error}");
}

#[test]
fn mistakes_point_into_the_layout() {
    for (kind, layout, marked, message) in [
        (
            "nginx_access_log",
            "$remote_addr$status",
            "$status",
            "nothing stands between `$remote_addr` and `$status`",
        ),
        ("nginx_access_log", "$status $ $x", "$", "without a variable"),
        ("nginx_access_log", "${status", "$", "without a variable"),
        ("nginx_access_log", "no variable", "no variable", "no value in it"),
        ("apache_access_log", "%h %Z %s", "%Z", "no directive `%Z`"),
        ("apache_access_log", "%h %{Referer %s", "%{Referer %s", "not closed"),
        ("apache_access_log", "%h é%é", "%é", "without a directive"),
        ("apache_access_log", "%h %{%Q}t %s", "%{%Q}t", "strftime"),
        ("apache_access_log", "%h %{%F %T %#z}t %s", "%{%F %T %#z}t", "strftime"),
        ("apache_access_log", "%h%s", "%s", "nothing stands between `%h` and `%s`"),
    ] {
        let (formats, diagnostics) =
            formats_of(&format!("format \"{kind}\" \"x\" {{\n layout = `{layout}`\n}}\n"));
        assert!(formats[0].is_none(), "{layout}");
        let mistake = diagnostics.iter().next().unwrap();
        assert!(mistake.message.contains(message) && mistake.hint.is_some(), "{}", mistake.message);
        assert_eq!(mistake.location.as_ref().unwrap().text(), marked, "{layout}");
    }
}

/// A value as nginx escapes it.
fn nginx_escape(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' | 0..0x20 | 0x7f.. => format!("\\x{byte:02X}"),
        plain => char::from(plain).to_string(),
    };
    value.bytes().map(escape).collect()
}

/// A value as Apache escapes it.
fn apache_escape(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b'\n' => "\\n".to_owned(),
        b'\t' => "\\t".to_owned(),
        0..0x20 | 0x7f.. => format!("\\x{byte:02x}"),
        plain => char::from(plain).to_string(),
    };
    value.bytes().map(escape).collect()
}

proptest! {
    #[test]
    fn rendered_fields_come_back(
        user in "[a-z]{1,8}", method in "[A-Z]{1,7}", uri in "/[^ ]{0,20}", agent in "[^-].{0,20}", status in 100_u32..600,
    ) {
        for (kind, escape) in [("nginx_access_log", nginx_escape as fn(&str) -> String), ("apache_access_log", apache_escape)] {
            let (agent_text, uri_text) = (escape(&agent), escape(&uri));
            let line = format!(
                "192.0.2.1 - {user} [01/Feb/2024:10:00:00 +0000] \"{method} {uri_text} HTTP/1.1\" {status} 0 \"-\" \"{agent_text}\""
            );
            let time = if kind.starts_with('n') { "time_local" } else { "timestamp" };
            let mut expected = json!({"remote_addr": "192.0.2.1", "remote_user": user});
            expected[time] = json!("01/Feb/2024:10:00:00 +0000");
            expected["request_method"] = json!(method);
            expected["request_uri"] = json!(uri);
            expected["server_protocol"] = json!("HTTP/1.1");
            expected["status"] = json!(status.to_string());
            expected["body_bytes_sent"] = json!("0");
            expected["http_user_agent"] = json!(agent);
            let combined = preset(kind, "combined").unwrap();
            prop_assert_eq!(decode(&*combined, &plan(""), line).extras(), [expected]);
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..150), text in "[ \\[\\]\"\\\\x2é:?-]{0,60}") {
        let times = apache("%{%d/%b/%Y %T}t.%{msec_frac}t %U%q \"%r\" %t");
        for format in [&*preset("nginx_access_log", "combined").unwrap(), &times] {
            decode(format, &plan("timestamp timestamp"), &bytes);
            decode(format, &plan("timestamp timestamp"), &text);
        }
    }

    #[test]
    fn no_layout_is_too_odd(layout in "[a%$ {}\\^!<>ctrUqé\"';]{0,20}") {
        let _ = layout.parse::<NginxAccessLogFormat>();
        let _ = layout.parse::<ApacheAccessLogFormat>();
        let _ = format!("log_format {layout}").parse::<NginxAccessLogFormat>();
    }
}
