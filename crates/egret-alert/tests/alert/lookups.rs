//! What detections remember of findings: written with the finding, once, and forgotten in time.

use std::sync::Arc;

use egret_model::lookup::{MAX_KEY_BYTES, MAX_VALUE_BYTES};
use egret_model::{Clock as _, Finding, Origin, Timestamp};
use egret_testkit::FakeClock;

use crate::support::{START, World, finding, settings_of};

const DAY: u64 = 86_400;

/// A detection that remembers the number in the event, and what was said.
const REMEMBERS: &str = r#"
lookup "known" {
  keep   = "30d"
  values = { configured = "always" }
}
lookup "times" {}
detection "d" {
  table = "t"
  where = "true"
  remember {
    lookup = "known"
    key    = "event ->> 'n'"
    value  = "message"
  }
  remember {
    lookup = lookup.times
    key    = "event ->> 'user'"
  }
}
"#;

/// `key = value` for each entry.
async fn entries(world: &World, name: &str) -> Vec<String> {
    let entries = world.store.lookup(name, None).await.unwrap();
    entries.iter().map(|entry| format!("{} = {}", entry.key, entry.value)).collect()
}

fn saying(mut finding: Finding, event: &str) -> Finding {
    finding.event = event.to_owned();
    finding
}

#[tokio::test]
async fn findings_write_and_the_later_event_wins() {
    let world = World::new(REMEMBERS).await;
    world.find(&[finding("d", 60), finding("other", 5)]).await;
    world.take_in().await;
    world.find(&[finding("d", 0)]).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.not_remembered), (1, 0));
    assert_eq!(entries(&world, "known").await, ["0 = message 0", "60 = message 60"]);
    assert_eq!(entries(&world, "times").await, ["root = 2026-03-01T10:01:00Z"]);
}

/// A finding that is read again does not bring back what somebody removed.
#[tokio::test]
async fn a_finding_writes_once() {
    let world = World::new(REMEMBERS).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    let mut change = world.store.change().await.unwrap();
    assert!(change.remove_from_lookup("known", "0").await.unwrap());
    change.commit().await.unwrap();
    world.find(&[finding("d", 0), finding("d", 1)]).await;
    world.take_in().await;
    assert_eq!(entries(&world, "known").await, ["1 = message 1"]);
}

#[tokio::test]
async fn hunts_write_nothing_and_what_is_held_back_does() {
    let held_back = "suppress \"noise\" {\n where = \"message = 'message 2'\"\n reason = \"a scanner\"\n}\n\
                     staging { stage_for = \"48h\" }\n";
    let mut world = World::new(held_back).await;
    world.take_in().await;
    world.configure(&format!("{held_back}{REMEMBERS}"));
    let hunted = Finding { origin: Origin::Hunt, ..finding("d", 1) };
    world.find(&[hunted, finding("d", 2), finding("d", 3)]).await;
    let report = world.take_in().await;
    assert_eq!((report.hunted, report.suppressed, report.staged, report.raised), (1, 1, 1, 0));
    assert_eq!(entries(&world, "known").await, ["2 = message 2", "3 = message 3"]);
    // In the stream it is a finding like any other, though a hunt was first.
    world.find(&[finding("d", 1)]).await;
    world.take_in().await;
    assert_eq!(entries(&world, "known").await.len(), 3);
}

#[tokio::test]
async fn what_fails_is_null_or_is_too_long_stops_nobody() {
    let text =
        REMEMBERS.replace("event ->> 'n'", "case when (event ->> 'n')::int >= 0 then event ->> 'k' end");
    let world = World::new(&text).await;
    let long = |bytes: usize| "é".repeat(bytes / 2 + 1);
    let long_value = Finding { message: long(MAX_VALUE_BYTES), ..finding("d", 5) };
    world
        .find(&[
            saying(finding("d", 1), r#"{"n":"x","k":"fails"}"#),
            saying(finding("d", 2), r#"{"n":-1,"k":"null"}"#),
            saying(finding("d", 3), &format!(r#"{{"n":1,"k":"{}"}}"#, long(MAX_KEY_BYTES))),
            saying(finding("d", 4), r#"{"n":1,"k":"good"}"#),
            saying(long_value, r#"{"n":1,"k":"long"}"#),
        ])
        .await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.not_remembered), (5, 1));
    let entries = world.store.lookup("known", None).await.unwrap();
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["good", "long"]);
    assert_eq!(entries[1].value, "é".repeat(MAX_VALUE_BYTES / 2));
}

#[tokio::test]
async fn what_is_not_kept_goes_and_the_rest_stays() {
    let world = World::new(REMEMBERS).await;
    world.find(&[finding("d", 0), finding("d", DAY as i64)]).await;
    world.take_in().await;
    world.wait(30 * DAY);
    assert_eq!(world.take_in().await.forgotten_entries, 1);
    assert_eq!(entries(&world, "known").await, ["86400 = message 86400"]);
    world.wait(DAY);
    assert_eq!(world.take_in().await.forgotten_entries, 1);
    assert_eq!(entries(&world, "times").await.len(), 1);
}

/// Rows of the view: the configuration wins, and what is to be forgotten is not seen any more.
#[tokio::test]
async fn all_entries_are_seen_with_where_they_come_from() {
    let world = World::new(REMEMBERS).await;
    world.find(&[saying(finding("d", 0), r#"{"n":"configured"}"#), finding("d", 1)]).await;
    world.take_in().await;
    let rows = world.settings.lookups()[0].rows(Some(&world.store), world.clock.now()).await.unwrap();
    let shown: Vec<_> = rows.iter().map(|row| (&*row.key, &*row.value, row.at, row.source)).collect();
    let at = Timestamp::parse(START).unwrap().plus_micros(1_000_000);
    assert_eq!(
        shown,
        [("1", "message 1", Some(at), "remembered"), ("configured", "always", None, "configuration")]
    );
    world.wait(31 * DAY);
    let rows = world.settings.lookups()[0].rows(Some(&world.store), world.clock.now()).await.unwrap();
    assert_eq!(rows.len(), 1);
}

#[test]
fn mistakes_are_shown_where_they_are() {
    let clock = Arc::new(FakeClock::new(Timestamp::from_seconds(0)));
    for (from, to, expected) in [
        ("\"known\"\n    key", "\"knwon\"\n    key", ["there is no lookup `knwon`", "did you mean `known`?"]),
        ("lookup.times", "lookup.tmies", ["there is no lookup `tmies`", "did you mean `times`?"]),
        ("lookup.times", "output.times", ["expected a string with the name of a lookup", "egret.hcl:16"]),
        ("event ->> 'user'", "evnt ->> 'user'", ["evnt", "did you mean `event`?"]),
        ("    value  = \"message\"", "    values = \"message\"", ["has no attribute `values`", "`value`"]),
        ("\"30d\"", "\"soon\"", ["\"soon\" is not a duration", "egret.hcl:3"]),
        ("where = \"true\"", "where = \"true\"\n  message = 1", ["expected a string", "egret.hcl:10"]),
    ] {
        let text = REMEMBERS.replacen(from, to, 1);
        assert_ne!(text, REMEMBERS, "{from}");
        let (_, _, mistakes) = settings_of(&text, std::path::Path::new("/"), &clock);
        for part in expected {
            assert!(mistakes.contains(part), "{to}: {part}\n{mistakes}");
        }
    }
}
