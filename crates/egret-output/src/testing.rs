//! What the tests of outputs share: an alert with something in every part.

use egret_config::{Configuration, Diagnostics, Environment};
use egret_model::alert::{Difference, Remark};
use egret_model::{Alert, AlertAction, AlertStatus, Evidence, Observables, Severity, Timestamp};
use serde_json::json;

use crate::definition::{OUTPUT_BLOCK, OutputDefinition};
use crate::delivery::{Delivery, Letter};
use crate::escape::Escape;
use crate::message::Message;
use crate::registry::OutputContext;

/// An alert of three findings.
pub fn alert() -> Alert {
    let at = |seconds: i64| Timestamp::from_seconds(1_700_000_000 + seconds);
    let object = |value: serde_json::Value| value.as_object().cloned().unwrap_or_default();
    Alert {
        alert_id: "0123456789abcdef0123456789abcdef".into(),
        revision: 2,
        status: AlertStatus::Open,
        severity: Severity::High,
        title: "Root login".into(),
        message: "root logged in from 198.51.100.7".into(),
        description: "The root account should not be used.".into(),
        detection_id: "root_login".into(),
        detection_kind: "sql".into(),
        detection_version: "abc".into(),
        tags: vec!["attack.t1078".into()],
        references: vec!["https://example.org/runbook".into()],
        channel: "aws.cloudtrail".into(),
        table: "aws_cloudtrail_log".into(),
        partition: "prod".into(),
        count: 3,
        time_first: at(0),
        time_last: at(60),
        opened_at: at(61),
        updated_at: at(62),
        merged_by: object(json!({"channel": "aws.cloudtrail", "user": "root"})),
        common: object(json!({"event_name": "ConsoleLogin"})),
        differences: vec![Difference {
            finding_id: "f1".into(),
            time: at(0),
            values: object(json!({"source_ip": "198.51.100.7"})),
        }],
        observables: Observables {
            usernames: vec!["root".into()],
            ips: vec!["198.51.100.7".into()],
            ..Observables::default()
        },
        finding_ids: vec!["f1".into(), "f2".into(), "f3".into()],
        event: object(json!({"event_name": "ConsoleLogin", "source_ip": "198.51.100.7", "tp_id": "row-1"})),
        evidence: vec![Evidence {
            selection: Some("selection".into()),
            field: Some("event_name".into()),
            value: "ConsoleLogin".into(),
            test: "is ConsoleLogin".into(),
        }],
        source_location: "/logs/a.json".into(),
        outputs: vec!["webhook.test".into()],
        acknowledged: None,
        closed: None::<Remark>,
        comments: Vec::new(),
    }
}

/// Something that happened to it.
pub fn delivery(action: AlertAction) -> Delivery {
    let by_person = matches!(action, AlertAction::Acknowledge | AlertAction::Close | AlertAction::Comment);
    Delivery {
        delivery_id: "fedcba9876543210fedcba9876543210".into(),
        action,
        by: by_person.then(|| "ada".to_owned()),
        remark: by_person.then(|| "a drill".to_owned()),
        alert: alert(),
        reference: None,
    }
}

/// A letter about it, without templates.
pub fn letter(action: AlertAction, escape: Escape) -> Letter {
    let delivery = delivery(action);
    Letter { message: Message::of(&delivery, escape, &[]), delivery }
}

/// A letter about a monstrous alert.
pub fn monstrous_letter(action: AlertAction) -> Letter {
    let delivery = monstrous(action);
    Letter { message: Message::of(&delivery, Escape::Json, &[]), delivery }
}

/// The output that a block describes; the block must have no mistake.
pub fn output_of(block: &str) -> OutputDefinition {
    let (definition, mistakes) = read(block);
    definition.unwrap_or_else(|| panic!("{mistakes}"))
}

/// What is wrong with a block.
pub fn mistakes_of(block: &str) -> String {
    read(block).1
}

fn read(block: &str) -> (Option<OutputDefinition>, String) {
    let mut diagnostics = Diagnostics::new();
    let (none, context) = (Environment::default(), OutputContext::for_tests());
    let configuration = Configuration::parse("egret.hcl", block, &[OUTPUT_BLOCK], &none, &mut diagnostics);
    let first = configuration.blocks_of("output").next();
    let definition = first.and_then(|block| OutputDefinition::read(block, &context, &mut diagnostics));
    (definition, diagnostics.render(false))
}

/// What log lines try.
pub const HOSTILE: &str = "<!channel> <@U1> @everyone [x](http://evil.example) {code} h1. x <script>alert(1)</script> *b* \
    `c` #12 \u{1b}[31m\0\r\n> quoted\n# heading\n1. list\n===\n```\n{noformat}";

/// An alert with a name and a value that would like to be two fields.
pub fn two_faced(action: AlertAction) -> Delivery {
    let mut delivery = delivery(action);
    let merged_by = &mut delivery.alert.merged_by;
    merged_by.insert("user".into(), "bob\n\nSeverity: low".into());
    merged_by.insert("na\n\nme".into(), "value".into());
    delivery
}

/// An alert whose every text is hostile.
pub fn hostile(action: AlertAction) -> Delivery {
    let mut delivery = delivery(action);
    let alert = &mut delivery.alert;
    alert.title = HOSTILE.into();
    alert.message = HOSTILE.into();
    alert.description = HOSTILE.into();
    alert.evidence[0].value = HOSTILE.into();
    alert.observables.usernames = vec![HOSTILE.into()];
    alert.merged_by.insert("user".into(), HOSTILE.into());
    alert.event.insert("text".into(), HOSTILE.into());
    delivery.remark = delivery.remark.map(|_| HOSTILE.to_owned());
    delivery
}

/// An alert that is too large for every service: a title of 10,000 characters, 500 fields, an event of 200 KiB.
pub fn monstrous(action: AlertAction) -> Delivery {
    let mut delivery = hostile(action);
    let alert = &mut delivery.alert;
    alert.title = "ü*_<&\"\\\u{1}".repeat(1250);
    alert.message = "𝄞<[\u{1b}".repeat(10_000);
    alert.description = HOSTILE.repeat(500);
    alert.tags = (0..500).map(|number| format!("tag_{number}_{}", "x".repeat(500))).collect();
    alert.references = (0..500).map(|number| format!("https://example.org/{number}")).collect();
    for number in 0..500 {
        alert.merged_by.insert(format!("field_{number}"), HOSTILE.repeat(10).into());
        alert.event.insert(format!("field_{number}"), HOSTILE.repeat(3).into());
    }
    alert.event.insert("long".into(), "\u{1}\"\\".repeat(70_000).into());
    alert.detection_id = format!("../../etc/{HOSTILE}{}", "d".repeat(2_000));
    alert.common = alert.event.clone();
    alert.differences =
        vec![Difference { finding_id: "f1".into(), time: alert.time_first, values: alert.event.clone() }; 10];
    alert.observables.ips = (0..5_000).map(|number| format!("2001:db8::{number:x}")).collect();
    delivery.remark = delivery.remark.map(|_| HOSTILE.repeat(500));
    delivery
}
