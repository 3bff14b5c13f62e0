//! Tests of `aws_vpc_flow_log`: lines and what they become, odd ones, and configuration.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::registry::formats_of;
use crate::testing::{decode, decode_after, plan};

const LINE: &str = "2 123456789010 eni-1235b8ca 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

fn default() -> VpcFlowLogFormat {
    DEFAULT.parse().unwrap()
}

#[test]
fn values_become_columns() {
    let plan = plan(
        "version integer, src_addr varchar, src_port integer, bytes bigint, start_time timestamp, end_time varchar",
    );
    let nodata = "2 123456789010 eni-1235b8ca - - - - - - - 1431280876 1431280934 - NODATA\r";
    let outcome = decode(&default(), &plan, format!("{LINE}\n{nodata}\n"));
    let extra = json!({
        "account_id": "123456789010", "interface_id": "eni-1235b8ca", "dst_addr": "172.31.16.21", "dst_port": "22",
        "protocol": "6", "packets": "20", "action": "ACCEPT", "log_status": "OK",
    });
    assert_eq!(
        outcome.rows,
        [
            json!({"version": 2, "src_addr": "172.31.16.139", "src_port": 20641, "bytes": 4249,
                "start_time": "2014-12-14T04:06:50", "end_time": "1418530070", "extra": extra}),
            json!({"version": 2, "start_time": "2015-05-10T18:01:16", "end_time": "1431280934",
                "extra": {"account_id": "123456789010", "interface_id": "eni-1235b8ca", "log_status": "NODATA"}}),
        ]
    );
    assert_eq!((outcome.misfits, outcome.quarantined.len()), (0, 0));
}

#[test]
fn a_header_names_what_follows() {
    let text = "action srcaddr pkt-srcaddr az-id\nACCEPT 10.0.0.1 - use1-az1\nREJECT 10.0.0.2 10.0.0.3 -\n";
    let expected = [
        json!({"action": "ACCEPT", "src_addr": "10.0.0.1", "az_id": "use1-az1"}),
        json!({"action": "REJECT", "src_addr": "10.0.0.2", "pkt_src_addr": "10.0.0.3"}),
    ];
    assert_eq!(decode(&default(), &plan(""), text).extras(), expected);
    let later = decode_after(&default(), &plan(""), text, 40);
    assert_eq!(later.extras(), expected[1..], "also when what is before is stored already");
}

#[test]
fn a_header_may_name_fields_that_nobody_knows_yet() {
    let text = "version srcaddr new-field dstaddr\n9 10.0.0.1 x 10.0.0.2\n9 10.0.0.3 - 10.0.0.4\n";
    let expected = [
        json!({"version": "9", "src_addr": "10.0.0.1", "new-field": "x", "dst_addr": "10.0.0.2"}),
        json!({"version": "9", "src_addr": "10.0.0.3", "dst_addr": "10.0.0.4"}),
    ];
    let outcome = decode(&default(), &plan(""), text);
    assert_eq!((outcome.extras(), outcome.reasons()), (expected.to_vec(), vec![]));
    assert_eq!(decode_after(&default(), &plan(""), text, 40).extras(), expected[1..]);
    let recognised = crate::registry::recognise(text.as_bytes()).unwrap();
    assert_eq!(recognised.kind, "aws_vpc_flow_log");

    // Words are no header, and later on only names are.
    for text in ["the version of the end", "2 3\nversion srcaddr new-field dstaddr"] {
        let outcome = decode(&default(), &plan(""), text);
        assert!(outcome.quarantined.len() == text.lines().count(), "{text}");
    }
}

#[test]
fn the_number_of_values_must_be_right() {
    let outcome = decode(&default(), &plan("version integer"), format!("{LINE} 1\n2 3\n{LINE}  \n \n"));
    assert_eq!(
        outcome.reasons(),
        ["expected 14 values, found 15", "expected 14 values, found 2", "expected 14 values, found 0"]
    );
    assert_eq!(outcome.rows.len(), 1);
    assert_eq!(outcome.rows[0]["version"], 2);
}

#[test]
fn layouts_are_written_in_several_ways() {
    let fields = ["version", "src_addr", "tcp_flags"];
    for layout in
        ["version srcaddr tcp-flags", " ${version}  ${srcaddr} ${tcp-flags}\n", "version src_addr tcp_flags"]
    {
        assert_eq!(layout.parse::<VpcFlowLogFormat>().unwrap().fields, fields, "{layout}");
    }
    let configured =
        |attribute: &str| formats_of(&format!("format \"aws_vpc_flow_log\" \"x\" {{\n{attribute}\n}}\n"));
    let (formats, _) = configured("fields = [\"version\", \"srcaddr\", \"tcp-flags\"]");
    assert_eq!(formats[0].as_ref().unwrap().fields().unwrap(), fields);
    let (formats, diagnostics) = configured("");
    assert_eq!(formats[0].as_ref().unwrap().fields().unwrap().len(), 14);
    assert!(diagnostics.is_empty());
    for (attribute, marked, message) in [
        ("layout = \"version srcadr\"", "srcadr", "no flow log field `srcadr`"),
        ("layout = \"version start version\"", "version", "twice"),
        ("layout = \"\"", "", "no fields"),
        ("fields = [\"version\", \"srcadr\"]", "srcadr", "no flow log field `srcadr`"),
        ("layout = \"version\"\n fields = [\"version\"]", "\"version\"", "say the same"),
        ("layout = 5", "5", "expected a string"),
    ] {
        let (formats, diagnostics) = configured(attribute);
        assert!(formats[0].is_none(), "{attribute}");
        let mistake = diagnostics.iter().next().unwrap();
        assert!(mistake.message.contains(message), "{}", mistake.message);
        assert_eq!(mistake.location.as_ref().unwrap().text(), marked, "{attribute}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "(version|start| |-|1|é|\n){0,40}") {
        decode(&default(), &plan("version integer, start_time timestamp"), bytes);
        decode(&default(), &plan("version integer, start_time timestamp"), text);
    }
}
