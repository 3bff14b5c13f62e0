//! The page as it looks, and what does not get into a terminal.

use egret_model::finding::Evidence;
use egret_model::{Observables, Severity, Timestamp};
use snapbox::{assert_data_eq, file};

use super::*;

const START: Timestamp = Timestamp::from_seconds(1_772_359_200);

fn at(seconds: i64) -> Timestamp {
    START.plus_micros(seconds * 1_000_000)
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn page() -> Page {
    let difference = |number: i64, address: &str| Difference {
        finding_id: format!("{number:032x}"),
        time: at(number * 60),
        values: object(
            json!({"source_ip_address": address, "request": {"key": format!("data/{number}.parquet")}, "tp_id": "x"}),
        ),
    };
    let remark =
        |by: &str, seconds: i64, text: &str| Remark { by: by.into(), at: at(seconds), text: text.into() };
    let alert = Alert {
        alert_id: "3f2a9c0d5be1477890aa1b2c3d4e5f60".into(),
        revision: 4,
        status: AlertStatus::Acknowledged,
        severity: Severity::High,
        title: "Objects of an archive were read from a new address".into(),
        message: "mallory read data/0.parquet\nfrom 198.51.100.7 \u{1b}[31mred\u{7} \u{202e}gnp.exe".into(),
        description:
            "Somebody reads what nobody reads in years. That may be an audit, a move to another store, or \
                      somebody who takes it away."
                .into(),
        detection_id: "archive_read".into(),
        detection_kind: "sql".into(),
        detection_version: String::new(),
        tags: strings(&["attack.t1530"]),
        references: strings(&["https://attack.mitre.org/techniques/T1530/"]),
        channel: "aws.cloudtrail".into(),
        table: "aws_cloudtrail_log".into(),
        partition: "prod".into(),
        count: 120,
        time_first: at(0),
        time_last: at(7140),
        opened_at: at(7200),
        updated_at: at(7300),
        merged_by: object(json!({"event->'user_identity'->>'user_name'": "mallory"})),
        common: object(json!({
            "event_name": "GetObject", "user_identity": {"type": "IAMUser", "user_name": "mallory"},
            "resources": ["arn:aws:s3:::archive"], "tp_table": "aws_cloudtrail_log",
            "user_agent": "a name that is so long that it does not fit into one line, not even into one of a wide terminal"
        })),
        differences: vec![difference(0, "198.51.100.7"), difference(1, "198.51.100.8")],
        observables: Observables {
            ips: (0..25).map(|number| format!("198.51.100.{number}")).collect(),
            usernames: strings(&["mallory"]),
            ..Observables::default()
        },
        finding_ids: Vec::new(),
        event: Map::new(),
        evidence: vec![
            Evidence {
                selection: Some("selection".into()),
                field: Some("eventName".into()),
                value: "GetObject".into(),
                test: "equals GetObject".into(),
            },
            Evidence {
                selection: None,
                field: None,
                value: "archive\u{0}".into(),
                test: "contains archive".into(),
            },
        ],
        source_location: String::new(),
        outputs: strings(&["slack.soc", "webhook.hook"]),
        acknowledged: Some(remark("ada", 7250, "")),
        closed: None,
        comments: vec![remark("ada", 7260, "asked the owner"), remark("bob", 7300, "no answer yet")],
    };
    let delivery = |output: &str, action: &str, state, attempts, error: Option<&str>| StoredDelivery {
        delivery_id: String::new(),
        alert_id: alert.alert_id.clone(),
        revision: 1,
        output: output.into(),
        action: action.into(),
        state,
        attempts,
        due_at: at(7400),
        created_at: at(7200),
        finished_at: (state != DeliveryState::Pending).then(|| at(7210)),
        error: error.map(str::to_owned),
    };
    let deliveries = vec![
        delivery("slack.soc", "raise", DeliveryState::Delivered, 1, None),
        delivery(
            "webhook.hook",
            "raise",
            DeliveryState::Dead,
            4,
            Some("HTTP 400: {\"error\":\"no such hook\"}"),
        ),
        delivery("slack.soc", "comment", DeliveryState::Pending, 2, Some("HTTP 503")),
    ];
    let entry = |by: &str, seconds: i64, action: &str, detail: &str| AuditEntry {
        at: at(seconds),
        by: by.into(),
        subject: String::new(),
        action: action.into(),
        detail: detail.into(),
    };
    let history = vec![
        entry("egret", 7200, "raised", "Objects of an archive were read from a new address"),
        entry("ada", 7250, "acknowledged", ""),
        entry("ada", 7260, "commented", "asked the owner"),
    ];
    let findings = (0..120).map(|number| format!("{number:032x}")).collect();
    Page { alert, findings, deliveries, history }
}

#[test]
fn it_is_readable() {
    assert_data_eq!(page().draw(80, false), file!["page.txt"]);
}

#[test]
fn it_keeps_to_the_width_and_foreign_text_commands_nothing() {
    for width in [40, 60, 100] {
        let text = page().draw(width, false);
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap();
        // Our own lines with an id and times are what they are.
        assert!(widest <= width.max(90), "{width}: {widest}\n{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
}

#[test]
fn colours_are_there_where_they_are_on() {
    let coloured = page().draw(80, true);
    assert!(
        coloured.contains("\u{1b}[31mhigh\u{1b}[0m") && coloured.contains("\\u{1b}[31mred"),
        "{coloured}"
    );
    let mut plain = coloured;
    for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[1;36m"] {
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, page().draw(80, false));
}
