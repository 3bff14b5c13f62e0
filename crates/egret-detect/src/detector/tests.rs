//! Compiling and evaluating, over a compiler of a very small language.

use egret_model::Severity;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::{SmallCompiler, decode, detections, login_table, rows, short_detections};

const CONTEXT: DetectContext<'_> = DetectContext {
    channel: "app.login",
    table: "login",
    partition: "prod",
    origin: Origin::Stream,
    now: Timestamp::from_seconds(1_800_000_000),
};

fn compile(text: &str) -> Detector {
    match Detector::compile(&short_detections(text), &login_table(), "app.login", &SmallCompiler) {
        Ok(detector) => detector,
        Err(mistakes) => panic!("{}", mistakes.render(false)),
    }
}

fn ids(detector: &Detector) -> Vec<&str> {
    detector.definitions().map(|definition| definition.id.value.as_str()).collect()
}

#[test]
fn a_finding_says_everything() {
    let detector = compile(
        r#"detection "root_login" {
          table       = "login"
          where       = "event_name = root"
          severity    = "high"
          description = "Why."
          tags        = ["attack.t1078"]
          message     = "{event_name} on port {port}"
        }"#,
    )
    .with_hash_columns(["tp_index"]);
    let object = json!({
        "event_name": "root", "port": 22, "details": "{\"a\":1}", "tp_id": "e1", "tp_index": "abc",
        "tp_timestamp": "2026-03-17T09:00:00Z", "tp_partition": "staging", "tp_source_location": "/logs/a",
        "tp_ips": ["10.0.0.1"], "tp_domains": ["example.org"], "tp_emails": ["a@example.org"],
        "tp_usernames": ["root"], "tp_akas": ["arn:x"],
    });
    let detected = detector.detect(&rows(&login_table(), &[json!({"event_name": "anna"}), object]), &CONTEXT);
    assert_eq!(detected.failures, []);
    let [finding] = &detected.findings[..] else { panic!("{detected:?}") };
    let observables = Observables {
        ips: vec!["10.0.0.1".into()],
        domains: vec!["example.org".into()],
        emails: vec!["a@example.org".into()],
        usernames: vec!["root".into()],
        akas: vec!["arn:x".into()],
        hashes: vec!["abc".into()],
    };
    let event = "{\"event_name\":\"root\",\"port\":22,\"details\":{\"a\":1},\"tp_id\":\"e1\",\
         \"tp_timestamp\":\"2026-03-17T09:00:00Z\",\"tp_partition\":\"staging\",\"tp_index\":\"abc\",\
         \"tp_source_location\":\"/logs/a\",\"tp_akas\":[\"arn:x\"],\"tp_ips\":[\"10.0.0.1\"],\
         \"tp_domains\":[\"example.org\"],\"tp_emails\":[\"a@example.org\"],\"tp_usernames\":[\"root\"]}";
    let expected = Finding {
        finding_id: finding_id("root_login", ["e1"]).to_string(),
        time: Timestamp::parse("2026-03-17T09:00:00Z").unwrap(),
        detected_at: CONTEXT.now,
        detection_id: "root_login".into(),
        detection_kind: "sql".into(),
        detection_version: detector.definitions().next().unwrap().version(),
        title: "Root login".into(),
        message: "root on port 22".into(),
        description: "Why.".into(),
        severity: Severity::High,
        tags: vec!["attack.t1078".into()],
        channel: "app.login".into(),
        table: "login".into(),
        partition: "staging".into(),
        origin: Origin::Stream,
        observables,
        event_ids: vec!["e1".into()],
        event: event.into(),
        evidence: vec![],
        source_location: "/logs/a".into(),
    };
    assert_eq!(*finding, expected);
}

#[test]
fn what_the_row_does_not_say_comes_from_the_context() {
    let detector = compile(r#"detection "d" { table = "login"; where = "event_name = root" }"#);
    let objects = [json!({"event_name": "root"}), json!({"event_name": "root", "port": 1})];
    let detected = detector.detect(&rows(&login_table(), &objects), &CONTEXT);
    let [first, second] = &detected.findings[..] else { panic!("{detected:?}") };
    assert_eq!((first.time, &*first.partition, &*first.message), (CONTEXT.now, "prod", "D"));
    assert_eq!(first.event_ids, Vec::<String>::new());
    assert_ne!(first.finding_id, second.finding_id, "rows without an id are told apart by what they hold");
}

#[test]
fn only_what_applies_is_compiled() {
    let detector = compile(
        r#"
        detection "table" { table = "login"; where = "event_name = a" }
        detection "other_table" { table = "logout"; where = "no such column" }
        detection "channel" { channel = "app.*"; where = "event_name = a" }
        detection "other_channel" { channel = "aws.*"; where = "no such column" }
        detection "disabled" { table = "login"; where = "nothing"; enabled = false }
        detection "needs_more" { channel = "*"; where = "no_such_column = a" }
        detection "says_more" { channel = "*"; where = "event_name = a"; message = "{no_such_column}" }
        "#,
    );
    assert_eq!(ids(&detector), ["table", "channel"]);
    let left_out: Vec<&str> =
        detector.inapplicable().iter().map(|left_out| &*left_out.detection_id).collect();
    assert_eq!(left_out, ["needs_more", "says_more"]);
    let rows = rows(&login_table(), &[json!({"event_name": "a"})]);
    assert_eq!(detector.seen("channel", &rows, 0), [("event_name".to_owned(), Some("\"a\"".to_owned()))]);
    assert_eq!(detector.seen("disabled", &rows, 0), []);
}

#[test]
fn mistakes_are_told_at_their_place() {
    let text = r#"
detection "column" {
  table   = "login"
  where   = "evnt_name = a"
  message = "{prot}"
}

detection "not_boolean" {
  table = "login"
  where = "port"
}

detection "good" {
  table = "login"
  where = "event_name = a"
}
"#;
    let definitions = detections(text);
    let mistakes = Detector::compile(&definitions, &login_table(), "app.login", &SmallCompiler).unwrap_err();
    insta::assert_snapshot!(mistakes.render(false));
    let (detector, _) = Detector::compile_valid(&definitions, &login_table(), "app.login", &SmallCompiler);
    assert_eq!(ids(&detector), ["good"]);
}

#[test]
fn one_that_fails_stops_nobody() {
    let detector = compile(
        r#"
        detection "fragile" { table = "login"; where = "event_name refuses bad" }
        detection "sound" { table = "login"; where = "event_name = bad" }
        "#,
    );
    let names = ["a", "bad", "b", "c", "bad", "d", "e"];
    let objects: Vec<Json> = names.iter().map(|name| json!({"event_name": name, "tp_id": name})).collect();
    let detected = detector.detect(&rows(&login_table(), &objects), &CONTEXT);
    let found: Vec<(&str, &str)> =
        detected.findings.iter().map(|finding| (&*finding.detection_id, &*finding.event_ids[0])).collect();
    let expected = [
        ("fragile", "a"),
        ("sound", "bad"),
        ("fragile", "b"),
        ("fragile", "c"),
        ("sound", "bad"),
        ("fragile", "d"),
        ("fragile", "e"),
    ];
    assert_eq!(found, expected);
    let [failure] = &detected.failures[..] else { panic!("{detected:?}") };
    assert_eq!((&*failure.detection_id, failure.rows), ("fragile", 2));
    assert_eq!(failure.error.to_string(), "`event_name refuses bad`: `bad` is refused");
}

#[test]
fn no_rows_give_nothing() {
    let detector = compile(r#"detection "d" { table = "login"; where = "event_name refuses x" }"#);
    let rows = RecordBatch::new_empty(login_table().to_arrow());
    let detected = detector.detect(&rows, &CONTEXT);
    assert!(detected.findings.is_empty() && detected.failures.is_empty());
    assert!(!detector.is_empty());
    let none: [DetectionDefinition; 0] = decode("").0.try_into().unwrap();
    assert!(Detector::compile(&none, &login_table(), "app.login", &SmallCompiler).unwrap().is_empty());
}

proptest! {
    /// However the rows are cut into batches, the findings are the same and as many rows have no answer.
    #[test]
    fn a_batch_gives_what_its_slices_give(
        names in prop::collection::vec(prop::sample::select(vec![Some("a"), Some("b"), Some("bad"), None]), 1..40),
        cuts in prop::collection::vec(0usize..40, 0..5),
    ) {
        let detector = compile(
            r#"
            detection "a" { table = "login"; where = "event_name = a"; message = "{event_name} {port}" }
            detection "fragile" { channel = "app.**"; where = "event_name refuses bad" }
            "#,
        );
        let objects: Vec<Json> = names
            .iter()
            .enumerate()
            .map(|(index, name)| json!({"event_name": name, "port": index, "tp_id": index.to_string()}))
            .collect();
        let batch = rows(&login_table(), &objects);
        let whole = detector.detect(&batch, &CONTEXT);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(names.len())).collect();
        cuts.extend([0, names.len()]);
        cuts.sort_unstable();
        let mut pieces = Detected::default();
        for pair in cuts.windows(2) {
            let detected = detector.detect(&batch.slice(pair[0], pair[1] - pair[0]), &CONTEXT);
            pieces.findings.extend(detected.findings);
            pieces.failures.extend(detected.failures);
        }
        prop_assert_eq!(whole.findings, pieces.findings);
        let failed = |failures: &[Failure]| failures.iter().map(|failure| failure.rows).sum::<u64>();
        prop_assert_eq!(failed(&whole.failures), failed(&pieces.failures));
        prop_assert_eq!(failed(&whole.failures), names.iter().filter(|name| **name == Some("bad")).count() as u64);
    }
}
