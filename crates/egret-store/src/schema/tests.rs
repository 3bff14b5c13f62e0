//! A store of an older version has everything that it had.

use std::path::Path;

use egret_model::{AlertAction, Timestamp, id};
use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::*;
use crate::{
    AlertFilter, AuditEntry, DeliveryFilter, DeliveryState, FindingOutcome, LookupEntry, NewFinding, Store,
};

const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

/// What an Egret of the first version wrote: two alerts of a detection, news of them in each state, and findings of each
/// outcome.
async fn write_first_version(path: &Path) {
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    for statement in FIRST {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    let mut rows = vec![
        "PRAGMA user_version = 1".to_owned(),
        "INSERT INTO position VALUES ('finding of lake', 7)".to_owned(),
        format!("INSERT INTO finding VALUES ('{}', 'suppressed', 'scanner')", hash("f3")),
        format!("INSERT INTO finding VALUES ('{}', 'staged', '')", hash("f4")),
        format!("INSERT INTO finding VALUES ('{}', 'hunt', '')", hash("f5")),
        "INSERT INTO suppression VALUES ('scanner', 1, 1700000000000000)".to_owned(),
        "INSERT INTO audit VALUES (1, 1, 'ada', 'detection:d', 'promoted', 'by hand')".to_owned(),
    ];
    for (name, finding) in [("one", "f1"), ("two", "f2")] {
        let alert = hash(name);
        let body = body(&alert, 2);
        rows.push(format!(
            "INSERT INTO alert VALUES ('{alert}', '{}', 'd', 'open', 2, 'c', 10, 20, 30, 2, '{{\"slack.soc\":\"r\"}}', '{body}')",
            hash("key")
        ));
        rows.push(format!("INSERT INTO finding VALUES ('{}', 'alert', '{alert}')", hash(finding)));
        rows.push(format!("INSERT INTO alert_revision VALUES ('{alert}', 1, '{}')", self::body(&alert, 1)));
        rows.push(format!("INSERT INTO reference VALUES ('{alert}', 'slack.soc', 'thread of {name}')"));
        rows.push(format!("INSERT INTO audit VALUES (NULL, 2, 'egret', 'alert:{alert}', 'raised', 'T')"));
        for (revision, output, state) in
            [(1, "slack.soc", "delivered"), (1, "webhook.hook", "dead"), (2, "slack.soc", "pending")]
        {
            rows.push(format!(
                "INSERT INTO delivery VALUES (NULL, '{}', '{alert}', {revision}, '{output}', 'r', 'raise', 'ada', 'hm', \
                 '{state}', 3, 40, 50, 60, NULL, 'busy')",
                id::delivery_id(&alert, revision, output)
            ));
        }
    }
    for row in rows {
        sqlx::query(AssertSqlSafe(row)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
}

fn hash(text: &str) -> String {
    id::alert_id(text, "", "").to_string()
}

fn body(alert_id: &str, revision: u32) -> String {
    format!(
        r#"{{"alert_id":"{alert_id}","revision":{revision},"status":"open","severity":"medium","title":"T","message":"","description":"","detection_id":"d","detection_kind":"sql","detection_version":"","tags":[],"channel":"c","table":"t","partition":"p","count":1,"time_first":"2026-03-01T00:00:00Z","time_last":"2026-03-01T00:00:00Z","opened_at":"2026-03-01T00:00:00Z","updated_at":"2026-03-01T00:00:00Z","merged_by":{{}},"common":{{}},"differences":[],"observables":{{"ips":[],"domains":[],"emails":[],"usernames":[],"akas":[],"hashes":[]}},"finding_ids":[],"event":{{}},"evidence":[],"source_location":"","outputs":["slack.soc"]}}"#
    )
}

#[tokio::test]
async fn a_store_of_the_first_version_has_all_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    write_first_version(&path).await;
    let store = Store::open(&path).await.unwrap();
    let (one, two) = (hash("one"), hash("two"));

    let mut ids: Vec<String> = store
        .alerts(&AlertFilter::default())
        .await
        .unwrap()
        .into_iter()
        .map(|alert| alert.alert_id)
        .collect();
    ids.sort();
    let mut expected = [one.clone(), two.clone()];
    expected.sort();
    assert_eq!(ids, expected);
    assert_eq!(store.alerts_beginning(&one[..9], 2).await.unwrap()[0].alert_id, one);
    assert_eq!(store.findings_of(&one).await.unwrap(), [hash("f1")]);
    let audited = |by: &str, subject: String, action: &str, detail: &str| AuditEntry {
        at: Timestamp::from_micros(if by == "ada" { 1 } else { 2 }),
        by: by.into(),
        subject,
        action: action.into(),
        detail: detail.into(),
    };
    let subject = format!("alert:{one}");
    assert_eq!(store.audit_of(&subject).await.unwrap(), [audited("egret", subject, "raised", "T")]);
    let subject = "detection:d".to_owned();
    assert_eq!(store.audit_of(&subject).await.unwrap(), [audited("ada", subject, "promoted", "by hand")]);
    assert_eq!(store.position("finding of lake").await.unwrap(), 7);
    assert_eq!(store.suppressions().await.unwrap()[0].findings, 1);

    // The queue, with the alerts as they were and what services called them.
    let all = store.deliveries(&DeliveryFilter::default()).await.unwrap();
    assert_eq!(all.iter().map(|delivery| delivery.revision).collect::<Vec<_>>(), [1, 1, 2, 1, 1, 2]);
    assert_eq!(all[1].delivery_id, id::delivery_id(&one, 1, "webhook.hook").to_string());
    assert_eq!((all[1].state, all[1].error.as_deref()), (DeliveryState::Dead, Some("busy")));
    let due = store.due("slack.soc", NOW, 10).await.unwrap();
    assert_eq!(due.len(), 2);
    assert_eq!(
        (due[0].alert.revision, due[0].reference.as_deref(), due[0].delivery.action, due[0].attempts),
        (2, Some("thread of one"), AlertAction::Raise, 3)
    );
    let mut change = store.change().await.unwrap();
    assert_eq!(change.revive(Some("webhook.hook"), NOW).await.unwrap(), 2);
    change.commit().await.unwrap();
    assert_eq!(store.due("webhook.hook", NOW, 10).await.unwrap()[0].alert.revision, 1);

    // Each finding is known, but what a hunt found; and each alert is found by its key.
    let findings: Vec<String> = ["f1", "f2", "f3", "f4", "f5", "f6"].into_iter().map(hash).collect();
    let findings: Vec<&str> = findings.iter().map(String::as_str).collect();
    let mut change = store.change().await.unwrap();
    assert_eq!(change.known_findings(&findings).await.unwrap().len(), 4);
    let (since, until) = (Timestamp::from_micros(0), Timestamp::from_micros(99));
    assert_eq!(change.alerts_by_key(&[&hash("key")], since, until).await.unwrap().len(), 2);
    let more = NewFinding { finding_id: hash("f6"), outcome: FindingOutcome::Alert(two.clone()), day: 1 };
    change.add_findings(&[more]).await.unwrap();
    change.commit().await.unwrap();
    assert_eq!(store.findings_of(&two).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_store_of_the_second_version_remembers_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.sqlite");
    let url = format!("sqlite://{}?mode=rwc", path.display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let rows = ["PRAGMA user_version = 2", "INSERT INTO position VALUES ('finding of lake', 7)"];
    for statement in FIRST.iter().chain(SMALLER).chain(&rows) {
        sqlx::query(*statement).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.position("finding of lake").await.unwrap(), 7);
    let entry = LookupEntry { key: "ada".into(), value: "head of IT".into(), at: NOW };
    let mut change = store.change().await.unwrap();
    assert_eq!(change.put_lookup("known_admins", std::slice::from_ref(&entry), 10).await.unwrap(), 0);
    change.commit().await.unwrap();
    drop(store);
    let store = Store::open(&path).await.unwrap();
    assert_eq!(store.lookup("known_admins", None).await.unwrap(), [entry]);
}
