//! The queue: order, revisions as they were, and what a change that is dropped leaves behind.

use std::collections::BTreeMap;

use egret_model::{Alert, AlertStatus, Severity};

use super::*;
use crate::alerts::StoredAlert;
use crate::{AlertFilter, FindingOutcome, NewFinding};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

fn alert(id: &str, revision: u32) -> StoredAlert {
    let text = |text: &str| text.to_owned();
    let alert = Alert {
        alert_id: text(id),
        revision,
        status: AlertStatus::Open,
        severity: Severity::High,
        title: format!("revision {revision}"),
        message: String::new(),
        description: String::new(),
        detection_id: text("d"),
        detection_kind: text("sql"),
        detection_version: String::new(),
        tags: Vec::new(),
        references: Vec::new(),
        channel: text("c"),
        table: text("t"),
        partition: text("p"),
        count: 1,
        time_first: NOW,
        time_last: NOW,
        opened_at: NOW,
        updated_at: NOW,
        merged_by: serde_json::Map::new(),
        common: serde_json::Map::new(),
        differences: Vec::new(),
        observables: egret_model::Observables::default(),
        finding_ids: Vec::new(),
        event: serde_json::Map::new(),
        evidence: Vec::new(),
        source_location: String::new(),
        outputs: vec![text("o")],
        acknowledged: None,
        closed: None,
        comments: Vec::new(),
    };
    StoredAlert { alert, merge_key: text("k"), routes: BTreeMap::new() }
}

fn delivery(id: &str, revision: u32, action: AlertAction) -> NewDelivery {
    NewDelivery {
        alert_id: id.to_owned(),
        revision,
        output: "o".to_owned(),
        route: None,
        action,
        by: None,
        remark: None,
    }
}

async fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store.sqlite")).await.unwrap();
    (folder, store)
}

async fn put(store: &Store, id: &str, revision: u32, action: AlertAction) {
    let mut change = store.change().await.unwrap();
    change.put_alerts(&[&alert(id, revision)]).await.unwrap();
    change.queue(&[delivery(id, revision, action)], NOW).await.unwrap();
    change.commit().await.unwrap();
}

async fn due(store: &Store, now: Timestamp) -> Vec<DueDelivery> {
    store.due("o", now, 100).await.unwrap()
}

async fn settle(store: &Store, due: &DueDelivery, outcome: Outcome) {
    let mut change = store.change().await.unwrap();
    change.settle(&[(due, outcome)], NOW).await.unwrap();
    change.commit().await.unwrap();
}

#[tokio::test]
async fn of_an_alert_the_first_goes_first_as_it_was() {
    let (_folder, store) = store().await;
    for revision in 1..=3 {
        put(&store, "a", revision, AlertAction::Comment).await;
    }
    put(&store, "b", 1, AlertAction::Raise).await;
    for revision in 1..=3 {
        let found = due(&store, NOW).await;
        let of_a: Vec<_> = found.iter().filter(|due| due.alert.alert_id == "a").collect();
        assert_eq!(of_a.len(), 1);
        assert_eq!(
            (of_a[0].alert.revision, of_a[0].alert.title.clone()),
            (revision, format!("revision {revision}"))
        );
        assert_eq!(found.len(), 2);
        settle(&store, of_a[0], Outcome::Delivered(Some(format!("thread {revision}")))).await;
    }
    assert_eq!(due(&store, NOW).await.len(), 1);
    // What the service called it is there for what follows.
    put(&store, "a", 4, AlertAction::Close).await;
    let found = due(&store, NOW).await;
    let of_a = found.iter().find(|due| due.alert.alert_id == "a").unwrap();
    assert_eq!(of_a.reference.as_deref(), Some("thread 3"));
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alert_revision").fetch_one(&store.pool).await.unwrap();
    assert_eq!(kept, 0, "revisions that nobody needs are gone");
}

#[tokio::test]
async fn a_failure_waits_and_holds_back_its_alert_only() {
    let (_folder, store) = store().await;
    put(&store, "a", 1, AlertAction::Raise).await;
    put(&store, "a", 2, AlertAction::Close).await;
    put(&store, "b", 1, AlertAction::Raise).await;
    let later = NOW.plus_micros(5_000_000);
    let first = due(&store, NOW).await.remove(0);
    settle(&store, &first, Outcome::Later { due_at: later, error: "busy".into() }).await;
    let ids = |found: Vec<DueDelivery>| -> Vec<String> {
        found.into_iter().map(|due| format!("{}-{}", due.delivery.alert_id, due.delivery.revision)).collect()
    };
    assert_eq!(ids(due(&store, NOW).await), ["b-1"]);
    assert_eq!(ids(due(&store, later).await), ["b-1", "a-1"]);
    // A dead letter holds back nobody.
    let again = due(&store, later).await.into_iter().find(|due| due.delivery.alert_id == "a").unwrap();
    assert_eq!(again.attempts, 1);
    settle(&store, &again, Outcome::Dead { error: "gone".into() }).await;
    assert_eq!(ids(due(&store, later).await), ["a-2", "b-1"]);
    let counts = store.queue_counts().await.unwrap();
    assert_eq!((counts[0].pending, counts[0].dead, counts[0].error.as_deref()), (2, 1, Some("gone")));
}

#[tokio::test]
async fn what_is_queued_twice_is_there_once() {
    let (_folder, store) = store().await;
    put(&store, "a", 1, AlertAction::Raise).await;
    let mut change = store.change().await.unwrap();
    change.queue(&[delivery("a", 1, AlertAction::Raise)], NOW).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(due(&store, NOW).await.len(), 1);
}

#[tokio::test]
async fn a_newer_update_takes_the_place_of_one_that_nobody_tried() {
    let (_folder, store) = store().await;
    put(&store, "a", 1, AlertAction::Raise).await;
    for revision in 2..=4 {
        let mut change = store.change().await.unwrap();
        change.drop_untried_updates(&["a"]).await.unwrap();
        change.commit().await.unwrap();
        put(&store, "a", revision, AlertAction::Update).await;
    }
    let all = store.deliveries(&DeliveryFilter::default()).await.unwrap();
    assert_eq!(all.iter().map(|delivery| delivery.revision).collect::<Vec<_>>(), [1, 4]);
}

#[tokio::test]
async fn a_change_that_is_dropped_never_was() {
    let (_folder, store) = store().await;
    let mut change = store.change().await.unwrap();
    change.put_alerts(&[&alert("a", 1)]).await.unwrap();
    change.queue(&[delivery("a", 1, AlertAction::Raise)], NOW).await.unwrap();
    change.set_position("finding", 7).await.unwrap();
    drop(change);
    assert!(due(&store, NOW).await.is_empty());
    assert_eq!(store.position("finding").await.unwrap(), 0);
}

/// An alert with more findings than go at a time goes in several times, the alert itself at last; others stay.
#[tokio::test]
async fn what_goes_goes_in_bounded_pieces() {
    let (_folder, store) = store().await;
    for id in ["a", "b"] {
        put(&store, id, 1, AlertAction::Raise).await;
    }
    let first = due(&store, NOW).await.remove(0);
    settle(&store, &first, Outcome::Delivered(Some("thread".into()))).await;
    let mut closed = alert("a", 2);
    closed.alert.status = AlertStatus::Closed;
    let finding = |number: u32, outcome: FindingOutcome| NewFinding {
        finding_id: format!("{number:032x}"),
        outcome,
        day: i64::from(NOW.days()),
    };
    let mut findings: Vec<NewFinding> =
        (0..5).map(|number| finding(number, FindingOutcome::Alert("a".into()))).collect();
    findings.extend((5..8).map(|number| finding(number, FindingOutcome::Staged)));
    findings.push(finding(8, FindingOutcome::Alert("b".into())));
    let mut change = store.change().await.unwrap();
    change.put_alerts(&[&closed]).await.unwrap();
    change.add_findings(&findings).await.unwrap();
    change.commit().await.unwrap();

    let before = NOW.plus_micros(86_400_000_000);
    let mut gone = Vec::new();
    for _ in 0..4 {
        let mut change = store.change().await.unwrap();
        let thinned = change.thin(before, 2).await.unwrap();
        change.commit().await.unwrap();
        gone.push((thinned.findings, thinned.alerts));
    }
    assert_eq!(gone, [(4, 0), (3, 0), (1, 1), (0, 0)]);
    let left = store.alerts(&AlertFilter::default()).await.unwrap();
    assert_eq!(left.iter().map(|alert| alert.alert_id.as_str()).collect::<Vec<_>>(), ["b"]);
    assert_eq!(store.findings_of("b").await.unwrap(), [format!("{:032x}", 8)]);
    assert_eq!(store.deliveries(&DeliveryFilter::default()).await.unwrap().len(), 1);
}
