//! What the tests of this crate share.

use egret_model::{Finding, Observables, Origin, Severity, Timestamp};

/// A finding of a detection, `seconds` after the first.
pub(crate) fn finding(detection: &str, seconds: i64) -> Finding {
    Finding {
        finding_id: format!("{detection}-{seconds}"),
        time: Timestamp::from_seconds(1_700_000_000 + seconds),
        detected_at: Timestamp::from_seconds(1_700_000_000 + seconds),
        detection_id: detection.to_owned(),
        detection_kind: "sql".into(),
        detection_version: "v1".into(),
        title: format!("Title of {detection}"),
        message: format!("message {seconds}"),
        description: String::new(),
        severity: Severity::Medium,
        tags: vec!["attack.t1078".into()],
        channel: "aws.cloudtrail".into(),
        table: "aws_cloudtrail_log".into(),
        partition: "prod".into(),
        origin: Origin::Stream,
        observables: Observables { usernames: vec!["root".into()], ..Observables::default() },
        event_ids: vec![format!("e{seconds}")],
        event: format!("{{\"user\":\"root\",\"n\":{seconds}}}"),
        evidence: Vec::new(),
        source_location: "/logs/a.json".into(),
    }
}
