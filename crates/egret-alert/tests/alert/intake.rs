//! Merging, suppressing and routing of findings that are in a lake.

use egret_lake::CompactOptions;
use egret_model::alert::Remark;
use egret_model::{AlertStatus, Clock as _, Finding, Origin, Severity, TimeRange};
use egret_store::{DeliveryFilter, Store};

use crate::support::{World, finding};

/// Two outputs that nobody listens at.
const OUTPUTS: &str = r#"
output "file" "all" { path = "all.jsonl" }
output "file" "soc" { path = "soc.jsonl" }
"#;

fn with(text: &str) -> String {
    format!("{OUTPUTS}\n{text}")
}

async fn queued(store: &Store) -> Vec<String> {
    let deliveries = store.deliveries(&DeliveryFilter::default()).await.unwrap();
    deliveries.iter().map(|delivery| format!("{} {}", delivery.action, delivery.output)).collect()
}

#[tokio::test]
async fn findings_of_a_key_within_the_window_are_one_alert() {
    let world = World::new(&with("route { to = [output.file.all] }")).await;
    world.find(&[finding("d", 0), finding("d", 60), finding("d", 3600), finding("other", 10)]).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.raised, report.queued), (4, 3, 3));
    let alerts = world.alerts().await;
    let counts: Vec<(&str, u64)> =
        alerts.iter().map(|alert| (alert.detection_id.as_str(), alert.count)).collect();
    assert_eq!(counts, [("d", 2), ("other", 1), ("d", 1)]);
    assert_eq!(alerts[0].common["user"], "root");
    assert_eq!(alerts[0].outputs, ["file.all"]);
    assert_eq!(alerts[0].status, AlertStatus::Open);
}

#[tokio::test]
async fn findings_that_come_later_update_the_alert() {
    let mut world = World::new(&with("route { to = [output.file.all] }")).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    for seconds in [60, 120] {
        world.find(&[finding("d", seconds)]).await;
        assert_eq!(world.take_in().await.updated, 1);
    }
    let alerts = world.alerts().await;
    assert_eq!((alerts.len(), alerts[0].count, alerts[0].revision), (1, 3, 3));
    // The second update says all that the first would have said.
    assert_eq!(queued(&world.store).await, ["raise file.all", "update file.all"]);
    world.configure(&with("alerts { updates = false }\nroute { to = [output.file.all] }"));
    world.find(&[finding("d", 180)]).await;
    world.take_in().await;
    assert_eq!(queued(&world.store).await.len(), 2);
}

#[tokio::test]
async fn nothing_is_counted_twice() {
    let world = World::new(&with("route { to = [output.file.all] }")).await;
    let findings: Vec<Finding> = (0..20).map(|second| finding("d", second)).collect();
    world.find(&findings[..10]).await;
    world.take_in().await;
    // The same findings once more, as after `--overwrite`, with new ones between them.
    world.find(&findings).await;
    assert_eq!(world.take_in().await.findings, 10);
    assert_eq!(world.take_in().await.findings, 0);
    assert_eq!(world.alerts().await[0].count, 20);
    // Compaction writes all rows anew.
    world.lake.compact(&CompactOptions { now: true, ..CompactOptions::default() }).await.unwrap();
    assert_eq!(world.take_in().await.findings, 0);
}

#[tokio::test]
async fn two_processes_take_each_finding_once() {
    let world = World::new(&with("route { to = [output.file.all] }")).await;
    for second in 0..30 {
        world.find(&[finding("d", second)]).await;
    }
    let (one, other) = tokio::join!(world.take_in(), world.take_in());
    assert_eq!(one.findings + other.findings, 30);
    assert_eq!(world.alerts().await[0].count, 30);
}

#[tokio::test]
async fn a_lake_made_anew_beside_an_old_store_is_read_from_its_start() {
    let mut world = World::new(&with("route { to = [output.file.all] }")).await;
    for second in 0..5 {
        world.find(&[finding("d", second)]).await;
    }
    world.take_in().await;
    let another = World::new(&with("")).await;
    another.find(&[finding("d", 0), finding("d", 100)]).await;
    world.lake = another.lake.clone();
    assert_eq!(world.take_in().await.findings, 1);
}

#[tokio::test]
async fn expiry_keeps_what_was_not_read() {
    let world = World::new(&with("route { to = [output.file.all] }")).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    world.find(&[finding("d", 1)]).await;
    world.lake.delete_rows("finding", "prod", &TimeRange::default()).await.unwrap();
    let follower = egret_alert::Intake::follower(&world.store, &world.lake).await.unwrap();
    let options = CompactOptions { now: true, follower: Some(follower), ..CompactOptions::default() };
    world.lake.compact(&options).await.unwrap();
    assert_eq!(world.take_in().await.findings, 1);
    let follower = egret_alert::Intake::follower(&world.store, &world.lake).await.unwrap();
    let options = CompactOptions { now: true, follower: Some(follower), ..CompactOptions::default() };
    assert!(world.lake.compact(&options).await.unwrap().deleted > 0);
}

#[tokio::test]
async fn keys_are_expressions_over_the_finding() {
    let text = r#"
        alerts { dedup = ["event->>'user'", "tp_partition"] }
        route { to = [output.file.all] }
    "#;
    let world = World::new(&with(text)).await;
    let of =
        |user: &str, second| Finding { event: format!("{{\"user\":\"{user}\"}}"), ..finding("d", second) };
    world.find(&[of("ada", 0), of("bob", 1), of("ada", 2)]).await;
    world.take_in().await;
    let alerts = world.alerts().await;
    assert_eq!(alerts.len(), 2);
    assert_eq!((alerts[0].count, alerts[1].count), (2, 1));
    assert_eq!(alerts[0].merged_by["event->>'user'"], "ada");
    assert_eq!(alerts[0].merged_by["tp_partition"], "prod");
}

#[tokio::test]
async fn a_threshold_holds_back_until_it_is_reached() {
    let text = "alerts { threshold = 3 }\nroute { to = [output.file.all] }";
    let world = World::new(&with(text)).await;
    world.find(&[finding("d", 0), finding("d", 1)]).await;
    assert_eq!(world.take_in().await.raised, 0);
    assert_eq!(world.alerts().await[0].status, AlertStatus::Gathering);
    world.find(&[finding("d", 2)]).await;
    assert_eq!(world.take_in().await.raised, 1);
    let alerts = world.alerts().await;
    assert_eq!((alerts[0].status, alerts[0].count), (AlertStatus::Open, 3));
    assert_eq!(queued(&world.store).await, ["raise file.all"]);
}

#[tokio::test]
async fn a_closed_alert_stays_closed_unless_asked() {
    let mut world = World::new(&with("route { to = [output.file.all] }")).await;
    let close = async |world: &World, id: &str| {
        let remark = Remark { by: "ada".into(), at: world.clock.now(), text: "a drill".into() };
        egret_alert::lifecycle::close(&world.store, &world.settings, id, remark).await.unwrap()
    };
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    let first = world.alerts().await.remove(0).alert_id;
    close(&world, &first).await;
    world.find(&[finding("d", 1)]).await;
    assert_eq!(world.take_in().await.raised, 1);
    let alerts = world.alerts().await;
    assert_eq!(
        (alerts.len(), alerts[0].status, alerts[1].status),
        (2, AlertStatus::Closed, AlertStatus::Open)
    );
    world.configure(&with("alerts { reopen = true }\nroute { to = [output.file.all] }"));
    close(&world, &alerts[1].alert_id).await;
    world.find(&[finding("d", 2)]).await;
    assert_eq!(world.take_in().await.reopened, 1);
    let history = world.store.audit_of(&format!("alert:{}", alerts[1].alert_id)).await.unwrap();
    let actions: Vec<&str> = history.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["raised", "closed", "reopened"]);
}

#[tokio::test]
async fn suppressed_findings_are_counted_and_become_no_alert() {
    let text = r#"
        suppress "scanner" {
          where  = "event->>'user' = 'root' and tp_partition = 'prod'"
          until  = "2026-03-01T10:00:30Z"
          reason = "the scanner of the week"
        }
        suppress "maintenance" {
          channel = "aws.**"
          every {
            days = ["sun"]
            at   = "11:00"
            for  = "30m"
          }
          reason = "patches"
        }
        route { to = [output.file.all] }
    "#;
    let world = World::new(&with(text)).await;
    // The first of March 2026 is a Sunday.
    world.find(&[finding("d", 0), finding("d", 60), finding("d", 3600 + 60), finding("d", 2 * 3600)]).await;
    let report = world.take_in().await;
    assert_eq!((report.suppressed, report.raised), (2, 2));
    let counts = world.store.suppressions().await.unwrap();
    let counts: Vec<(&str, u64)> = counts.iter().map(|count| (count.name.as_str(), count.findings)).collect();
    assert_eq!(counts, [("maintenance", 1), ("scanner", 1)]);
    assert_eq!(world.take_in().await.suppressed, 0);
}

#[tokio::test]
async fn an_override_changes_the_severity_before_routing() {
    let text = r#"
        override "noise" {
          detection = "d"
          severity  = "low"
        }
        route {
          severity = ">= medium"
          to       = [output.file.soc]
        }
        route {
          default = true
          to      = [output.file.all]
        }
    "#;
    let world = World::new(&with(text)).await;
    world.find(&[finding("d", 0), finding("e", 0)]).await;
    world.take_in().await;
    let alerts = world.alerts().await;
    assert_eq!(
        (alerts[0].severity, alerts[0].outputs.as_slice()),
        (Severity::Low, &["file.all".to_owned()][..])
    );
    assert_eq!(alerts[1].outputs, ["file.soc"]);
}

#[tokio::test]
async fn findings_of_hunts_are_delivered_only_if_asked() {
    let hunted = |second| Finding { origin: Origin::Hunt, ..finding("d", second) };
    let mut world = World::new(&with("route { to = [output.file.all] }")).await;
    world.find(&[hunted(0)]).await;
    assert_eq!(world.take_in().await.hunted, 1);
    assert!(world.alerts().await.is_empty());
    world.configure(&with("alerts { hunts = true }\nroute { to = [output.file.all] }"));
    world.find(&[hunted(1)]).await;
    assert_eq!(world.take_in().await.raised, 1);
}

#[tokio::test]
async fn routes_are_asked_in_order() {
    let text = r#"
        detection "own" {
          table = "t"
          where = "true"
          alert { outputs = [output.file.soc] }
        }
        route {
          where    = "event->>'n' = '7'"
          to       = [output.file.soc]
          continue = true
        }
        route {
          channel   = "aws.*"
          detection = "d*"
          tags      = ["attack.t10*"]
          to        = [output.file.all]
        }
        route { to = [output.file.soc] }
    "#;
    let world = World::new(&with(text)).await;
    world.find(&[finding("d7", 7), finding("d", 8), finding("x", 9), finding("own", 10)]).await;
    world.take_in().await;
    let alerts = world.alerts().await;
    let to = |detection: &str| {
        alerts.iter().find(|alert| alert.detection_id == detection).unwrap().outputs.join(" ")
    };
    assert_eq!(to("d7"), "file.soc file.all");
    assert_eq!(to("d"), "file.all");
    assert_eq!(to("x"), "file.soc");
    assert_eq!(to("own"), "file.soc");
}

/// Collected in one go or in pieces: the finding that raises decides the way.
#[tokio::test]
async fn the_finding_that_raises_is_routed() {
    let text = r#"
        route {
          where = "event->>'user' = 'root'"
          to    = [output.file.soc]
        }
        route { to = [output.file.all] }
    "#;
    let bob = || Finding { event: "{\"user\":\"bob\"}".into(), ..finding("d", 60) };
    for in_pieces in [false, true] {
        let world = World::new(&with(text)).await;
        if in_pieces {
            world.find(&[finding("d", 0)]).await;
            world.take_in().await;
            world.find(&[bob()]).await;
        } else {
            world.find(&[finding("d", 0), bob()]).await;
        }
        world.take_in().await;
        assert_eq!(world.alerts().await[0].outputs, ["file.soc"], "in pieces: {in_pieces}");
    }
}

#[tokio::test]
async fn an_alert_that_gets_worse_is_told_to_those_who_must_know() {
    let text = r#"
        route {
          severity = ">= critical"
          to       = [output.file.soc]
          continue = true
        }
        route { to = [output.file.all] }
    "#;
    let world = World::new(&with(text)).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    world.find(&[Finding { severity: Severity::Critical, ..finding("d", 60) }]).await;
    world.take_in().await;
    assert_eq!(world.alerts().await[0].outputs, ["file.all", "file.soc"]);
    assert_eq!(queued(&world.store).await, ["raise file.all", "update file.all", "raise file.soc"]);
}

/// One finding for which an expression has no value stops nobody.
#[tokio::test]
async fn an_expression_that_fails_for_one_finding_is_about_that_one() {
    let text = r#"
        alerts { dedup = ["cast(event->>'user' as bigint)"] }
        suppress "many" {
          where  = "cast(event->>'user' as bigint) > 10"
          reason = "numbers"
        }
        route { to = [output.file.all] }
    "#;
    let world = World::new(&with(text)).await;
    let of =
        |user: &str, second| Finding { event: format!("{{\"user\":\"{user}\"}}"), ..finding("d", second) };
    world.find(&[of("1", 0), of("abc", 1), of("99", 2)]).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.suppressed, report.raised), (3, 1, 2));
}

#[tokio::test]
async fn what_a_hunt_found_first_is_an_alert_when_the_stream_finds_it() {
    let world = World::new(&with("route { to = [output.file.all] }")).await;
    world.find(&[Finding { origin: Origin::Hunt, ..finding("d", 0) }]).await;
    world.take_in().await;
    world.find(&[finding("d", 0)]).await;
    assert_eq!(world.take_in().await.raised, 1);
}

#[tokio::test]
async fn what_was_not_raised_cannot_be_acknowledged() {
    let world = World::new(&with("alerts { threshold = 2 }\nroute { to = [output.file.all] }")).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    let id = world.alerts().await.remove(0).alert_id;
    let remark = Remark { by: "ada".into(), at: world.clock.now(), text: String::new() };
    let error =
        egret_alert::lifecycle::acknowledge(&world.store, &world.settings, &id, remark).await.unwrap_err();
    assert!(error.to_string().contains("it was not raised"), "{error}");
}

/// The key of one detection never waits for another's window.
#[tokio::test]
async fn a_slow_window_delays_nobody() {
    let text = r#"
        detection "slow" {
          table = "t"
          where = "true"
          alert {
            window    = "30d"
            threshold = 100
          }
        }
        route { to = [output.file.all] }
    "#;
    let world = World::new(&with(text)).await;
    world.find(&[finding("slow", 0), finding("quick", 1)]).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.raised), (2, 1));
}
