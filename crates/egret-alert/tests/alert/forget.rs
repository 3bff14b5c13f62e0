//! What is not kept for ever, and that nobody is told twice because of it.

use egret_alert::{DeliverUntil, lifecycle};
use egret_model::alert::Remark;
use egret_model::{Clock as _, Finding, Origin};
use egret_store::DeliveryFilter;

use crate::support::{World, finding};

const CONFIGURATION: &str = r#"
    alerts { keep = "30d" }
    suppress "noise" {
      detection = "noise"
      reason    = "a scanner"
    }
    output "file" "all" { path = "all.jsonl" }
    route { to = [output.file.all] }
"#;

const DAY: i64 = 86_400;

/// The same finding as another run over the same logs makes it.
fn again(mut finding: Finding, world: &World) -> Finding {
    finding.detected_at = world.clock.now();
    finding
}

async fn close(world: &World, detection: &str) {
    let alert = world.alerts().await.into_iter().find(|alert| alert.detection_id == detection).unwrap();
    let remark = Remark { by: "ada".into(), at: world.clock.now(), text: "a drill".into() };
    lifecycle::close(&world.store, &world.settings, &alert.alert_id, remark).await.unwrap();
}

async fn detections(world: &World) -> Vec<String> {
    world.alerts().await.into_iter().map(|alert| alert.detection_id).collect()
}

#[tokio::test]
async fn what_was_done_with_long_ago_goes_and_does_not_come_back() {
    let world = World::new(CONFIGURATION).await;
    let all = [finding("closed", 0), finding("open", 0), finding("noise", 0)];
    world.find(&all).await;
    world.take_in().await;
    close(&world, "closed").await;
    let closed_id =
        world.alerts().await.into_iter().find(|alert| alert.detection_id == "closed").unwrap().alert_id;
    world.deliver(DeliverUntil::TriedOnce).await;
    world.wait(29 * DAY as u64);
    assert_eq!(world.take_in().await.forgotten_alerts, 0);
    world.wait(2 * DAY as u64);
    let report = world.take_in().await;
    assert_eq!((report.forgotten_alerts, report.forgotten_findings), (1, 2));
    assert_eq!(detections(&world).await, ["open"]);
    let deliveries = world.store.deliveries(&DeliveryFilter::default()).await.unwrap();
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    assert!(world.store.audit_of(&format!("alert:{closed_id}")).await.unwrap().is_empty());

    // Another file has the same rows, as compaction makes it: nothing, and nothing to tell of.
    world.find(&all).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.too_old, report.raised), (0, 0, 0));
    // The logs are collected anew. What is known is known; of the others nobody can tell.
    let anew: Vec<Finding> = all.iter().map(|finding| again(finding.clone(), &world)).collect();
    world.find(&anew).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.too_old, report.raised), (0, 2, 0));
    assert_eq!(detections(&world).await, ["open"]);
    // What happens now is an alert.
    world.find(&[finding("closed", 31 * DAY)]).await;
    let report = world.take_in().await;
    assert_eq!((report.findings, report.raised), (1, 1));
    assert!(world.deliver(DeliverUntil::TriedOnce).await.outputs[0].delivered == 1);
}

/// Hunts go over history: nobody is told, as ever, and where somebody wants to be, not a second time.
#[tokio::test]
async fn a_hunt_does_not_bring_back_what_went() {
    let mut world = World::new(CONFIGURATION).await;
    world.find(&[finding("closed", 0)]).await;
    world.take_in().await;
    close(&world, "closed").await;
    world.deliver(DeliverUntil::TriedOnce).await;
    world.wait(31 * DAY as u64);
    assert_eq!(world.take_in().await.forgotten_alerts, 1);
    let hunted = Finding { origin: Origin::Hunt, ..again(finding("closed", 0), &world) };
    world.find(std::slice::from_ref(&hunted)).await;
    let report = world.take_in().await;
    assert_eq!((report.hunted, report.too_old, report.raised), (1, 0, 0));
    let told =
        CONFIGURATION.replace("alerts {", "alerts { \n hunts = true \n ").replace("\"30d\" }", "\"30d\"\n}");
    world.configure(&told);
    world.find(&[hunted]).await;
    let report = world.take_in().await;
    assert_eq!((report.too_old, report.raised), (1, 0));
}

/// Old logs that are collected for the first time make alerts: nothing was forgotten yet.
#[tokio::test]
async fn a_young_store_takes_old_logs() {
    let world = World::new(CONFIGURATION).await;
    world.find(&[again(finding("d", -400 * DAY), &world)]).await;
    let report = world.take_in().await;
    assert_eq!((report.raised, report.too_old), (1, 0));
}

#[tokio::test]
async fn an_alert_of_which_something_waits_stays() {
    let world = World::new(CONFIGURATION).await;
    world.find(&[finding("closed", 0)]).await;
    world.take_in().await;
    close(&world, "closed").await;
    world.wait(31 * DAY as u64);
    assert_eq!(world.take_in().await.forgotten_alerts, 0);
    world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!(world.take_in().await.forgotten_alerts, 1);
}

/// A clock that was years ahead costs what was done with, and nothing of what comes.
#[tokio::test]
async fn a_clock_that_was_wrong_for_a_while_keeps_nothing_from_becoming_an_alert() {
    let world = World::new(CONFIGURATION).await;
    world.find(&[finding("closed", 0)]).await;
    world.take_in().await;
    close(&world, "closed").await;
    world.deliver(DeliverUntil::TriedOnce).await;
    let now = world.clock.now();
    world.wait(4_000 * DAY as u64);
    assert_eq!(world.take_in().await.forgotten_alerts, 1);
    world.clock.set(now);
    world.find(&[finding("closed", DAY)]).await;
    assert_eq!(world.take_in().await.raised, 1);
}
