//! Tests of `syslog`: lines and what they become, odd ones, and configuration.

use chrono_tz::Tz;
use egret_model::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{decode, decode_object, plan};

#[test]
fn every_usual_form_is_read() {
    for (line, expected) in [
        (
            "Feb  1 10:00:00 web-1.example.com sshd[123]: Accepted publickey for root",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "web-1.example.com", "program": "sshd", "pid": "123",
            "message": "Accepted publickey for root"}),
        ),
        (
            "Feb 21 10:00:00 h sudo:   root : TTY=pts/0",
            json!({
            "timestamp": "2024-02-21T10:00:00Z", "host": "h", "program": "sudo", "message": "  root : TTY=pts/0"}),
        ),
        (
            "Feb 01 10:00:00 h postfix/smtpd[7]:",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "timestamp_text": "Feb 01 10:00:00", "host": "h",
            "program": "postfix/smtpd", "pid": "7"}),
        ),
        (
            "Feb 1 10:00:00 h systemd-logind[7]: ",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "timestamp_text": "Feb 1 10:00:00", "host": "h",
            "program": "systemd-logind", "pid": "7", "message": ""}),
        ),
        (
            "Feb  1 10:00:00 h last message repeated 2 times",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "h", "message": "last message repeated 2 times"}),
        ),
        (
            "Feb  1 10:00:00 h kernel: [1.5] usb 1-1: new",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "h", "program": "kernel", "message": "[1.5] usb 1-1: new"}),
        ),
        (
            "Feb  1 10:00:00 h [1.5] usb",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "h", "message": "[1.5] usb"}),
        ),
        (
            "Feb  1 10:00:00 su[9]: no host here",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "program": "su", "pid": "9", "message": "no host here"}),
        ),
        (
            "Feb  1 10:00:00 fe80::1 app[main 1]: x",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "fe80::1", "program": "app", "pid": "main 1", "message": "x"}),
        ),
        ("Feb  1 10:00:00", json!({"timestamp": "2024-02-01T10:00:00Z"})),
        ("Feb  1 10:00:00 h", json!({"timestamp": "2024-02-01T10:00:00Z", "host": "h"})),
        (
            "Feb  1 10:00:00.250 h a: b",
            json!({
            "timestamp": "2024-02-01T10:00:00.250Z", "timestamp_text": "Feb  1 10:00:00.250", "host": "h",
            "program": "a", "message": "b"}),
        ),
        (
            "<189>Feb  1 2023 10:00:00: %ASA-6-302013: Built",
            json!({
            "facility": "local7", "severity": "notice", "timestamp": "2023-02-01T10:00:00Z",
            "timestamp_text": "Feb  1 2023 10:00:00", "program": "%ASA-6-302013", "message": "Built"}),
        ),
        (
            "<34>Oct 11 22:14:15 mymachine su: 'su root' failed",
            json!({
            "facility": "auth", "severity": "crit", "timestamp": "2023-10-11T22:14:15Z", "host": "mymachine",
            "program": "su", "message": "'su root' failed"}),
        ),
        (
            "2024-02-01T10:00:00.123456+02:00 h sshd-session[5]: x",
            json!({
            "timestamp": "2024-02-01T08:00:00.123456Z", "timestamp_offset": "+02:00", "host": "h",
            "program": "sshd-session", "pid": "5", "message": "x"}),
        ),
        (
            "2024-02-01T10:00:00.100000+00:00 h a: x",
            json!({
            "timestamp": "2024-02-01T10:00:00.100Z", "timestamp_text": "2024-02-01T10:00:00.100000+00:00",
            "host": "h", "program": "a", "message": "x"}),
        ),
        (
            "2024-02-01T10:00:00Z h a: x",
            json!({
            "timestamp": "2024-02-01T10:00:00Z", "host": "h", "program": "a", "message": "x"}),
        ),
        (
            "<13>no header at all",
            json!({"facility": "user", "severity": "notice", "message": "no header at all"}),
        ),
    ] {
        let outcome = decode(&SyslogFormat, &plan(""), line);
        assert_eq!(outcome.extras(), [expected], "{line} {:?}", outcome.reasons());
    }
}

#[test]
fn rfc_5424_is_read_with_its_structured_data() {
    for (line, expected) in [
        (
            "<165>1 2003-10-11T22:14:15.003Z h.example.com evntslog - ID47 [e@1 iut=\"3\" a=\"x\\]\\\"\"][f] \u{feff}An event",
            json!({"facility": "local4", "severity": "notice", "version": "1", "timestamp": "2003-10-11T22:14:15.003Z",
            "host": "h.example.com", "program": "evntslog", "msgid": "ID47",
            "structured_data": "{\"e@1\":{\"iut\":\"3\",\"a\":\"x]\\\"\"},\"f\":{}}", "message": "An event"}),
        ),
        (
            "1 - h app 12 - - m",
            json!({"version": "1", "host": "h", "program": "app", "pid": "12", "message": "m"}),
        ),
        (
            "<14>1 2003-10-11T22:14:15+01:00 h - - - [o ip=\"1\" ip=\"2\" ip=\"3\"]",
            json!({
            "facility": "user", "severity": "info", "version": "1", "timestamp": "2003-10-11T21:14:15Z",
            "timestamp_offset": "+01:00", "host": "h", "structured_data": "{\"o\":{\"ip\":[\"1\",\"2\",\"3\"]}}"}),
        ),
        (
            "<14>1 2003-10-11T22:14:15Z h - - - [broken x",
            json!({
            "facility": "user", "severity": "info", "version": "1", "timestamp": "2003-10-11T22:14:15Z", "host": "h",
            "message": "[broken x"}),
        ),
        (
            "<14>1 2003-10-11T22:14:15Z",
            json!({
            "facility": "user", "severity": "info", "version": "1", "timestamp": "2003-10-11T22:14:15Z"}),
        ),
    ] {
        let outcome = decode(&SyslogFormat, &plan(""), line);
        assert_eq!(outcome.extras(), [expected], "{line} {:?}", outcome.reasons());
    }
}

#[test]
fn a_timestamp_column_takes_it_exactly() {
    let plan = plan("timestamp timestamp, pid integer, structured_data json");
    let text = "Feb  1 10:00:00 h a[1]: b\n<1>1 2024-02-01T10:00:00.5Z h a 1 - [x] -\n";
    let outcome = decode(&SyslogFormat, &plan, text);
    assert_eq!(outcome.misfits, 0);
    assert_eq!(outcome.rows[0]["timestamp"], "2024-02-01T10:00:00");
    assert_eq!(outcome.rows[0]["extra"], json!({"host": "h", "program": "a", "message": "b"}));
    assert_eq!(outcome.rows[1]["structured_data"], "{\"x\":{}}");
    assert_eq!(outcome.rows[1]["extra"]["timestamp_text"], "2024-02-01T10:00:00.5Z");
}

#[test]
fn the_year_comes_from_the_modification_time() {
    for (modified, timezone, written, expected) in [
        ("2024-01-02T00:00:00Z", Tz::UTC, "Dec 31 23:59:59", "2023-12-31T23:59:59Z"),
        ("2024-01-02T00:00:00Z", Tz::UTC, "Jan  2 23:59:59", "2024-01-02T23:59:59Z"),
        ("2024-01-02T00:00:00Z", Tz::UTC, "Jan  3 00:01:00", "2023-01-03T00:01:00Z"),
        ("2023-12-31T12:00:00Z", Tz::UTC, "Jan  1 11:00:00", "2024-01-01T11:00:00Z"),
        ("2027-06-01T00:00:00Z", Tz::UTC, "Feb 29 11:00:00", "2024-02-29T11:00:00Z"),
        ("2024-08-01T00:00:00Z", Tz::Europe__Berlin, "Jul  1 12:00:00", "2024-07-01T10:00:00Z"),
        ("2024-08-01T00:00:00Z", Tz::Europe__Berlin, "Jan  1 00:30:00", "2023-12-31T23:30:00Z"),
    ] {
        let object = ObjectContext { modified: Timestamp::parse(modified).unwrap(), timezone };
        let line = format!("{written} h a: b\n");
        let outcome = decode_object(&SyslogFormat, &plan(""), &object, line.repeat(2).as_bytes());
        let expected = json!({"timestamp": expected, "host": "h", "program": "a", "message": "b"});
        assert_eq!(outcome.extras(), [expected.clone(), expected], "{written}");
    }
    let berlin =
        ObjectContext { modified: Timestamp::parse("2024-08-01").unwrap(), timezone: Tz::Europe__Berlin };
    let outcome = decode_object(&SyslogFormat, &plan(""), &berlin, b"Mar 31 02:30:00 h a: b");
    assert_eq!(outcome.extras()[0]["timestamp_text"], "Mar 31 02:30:00", "an hour that never was");
}

#[test]
fn what_has_no_header_goes_to_quarantine() {
    let text = "Feb  1 10:00:00 h a: b\r\n\tat java.lang.Thread.run\n\n<999>x\nFeb 30 10:00:00 h a: b\n";
    let outcome = decode(&SyslogFormat, &plan("message varchar"), text);
    assert_eq!(outcome.rows.len(), 2);
    assert_eq!(outcome.rows[1]["extra"]["timestamp"], "Feb 30 10:00:00", "the column complains about it");
    assert_eq!(outcome.quarantined.len(), 2);
    assert!(outcome.reasons()[0].contains("found `\tat java.lang.Thread.run`"), "{}", outcome.reasons()[0]);
}

proptest! {
    #[test]
    fn rendered_lines_come_back(
        host in "[a-z][a-z0-9.-]{0,12}", program in "[a-z][a-z/_-]{0,9}", pid in proptest::option::of(0_u32..99_999),
        message in "[^\r\n]{1,30}", day in 1..28, second in 0..86_400,
    ) {
        let clock = format!("{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60);
        let tag = pid.map_or(program.clone(), |pid| format!("{program}[{pid}]"));
        let line = format!("Feb {day:>2} {clock} {host} {tag}: {message}");
        let mut expected = json!({
            "timestamp": format!("2024-02-{day:02}T{clock}Z"), "host": host, "program": program, "message": message,
        });
        if let Some(pid) = pid {
            expected["pid"] = json!(pid.to_string());
        }
        prop_assert_eq!(decode(&SyslogFormat, &plan(""), line).extras(), [expected]);
    }

    #[test]
    fn no_bytes_are_too_odd(
        bytes in proptest::collection::vec(any::<u8>(), 0..100),
        text in "(<1[0-9]{0,3}>)?(1 )?(Feb|[0-9T:-]{0,20})( {0,2}[0-9:.]{1,8}){0,3} [a-z:\\[\\]\"=\\\\é ]{0,40}",
    ) {
        decode(&SyslogFormat, &plan("timestamp timestamp"), bytes);
        decode(&SyslogFormat, &plan("timestamp timestamp"), text);
    }
}
