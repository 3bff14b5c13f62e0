//! New and changed detections are watched before they deliver.

use egret_alert::set_stage;
use egret_model::{Clock as _, Finding};
use egret_store::Stage;

use crate::support::{World, finding};

fn configuration(detections: &[&str], staging: &str) -> String {
    let mut text = format!(
        "output \"file\" \"all\" {{ path = \"all.jsonl\" }}\nroute {{ to = [output.file.all] }}\n{staging}\n"
    );
    for id in detections {
        text.push_str(&format!("detection \"{id}\" {{\n table = \"t\"\n where = \"{id} = 1\"\n}}\n"));
    }
    text
}

const STAGING: &str = "staging {\n stage_for = \"24h\"\n stage_max_findings = 1\n digest_at = \"13:00\"\n}";

fn of(world: &World, id: &str, second: i64) -> Finding {
    let detection = world.detections.iter().find(|detection| detection.id.value == id).unwrap();
    Finding { detection_version: detection.version(), ..finding(id, second) }
}

async fn stage(world: &World, id: &str) -> (Stage, u64) {
    let stages = world.store.stages().await.unwrap();
    let newest = stages.iter().rev().find(|staged| staged.detection_id == id).unwrap();
    (newest.stage, newest.findings)
}

#[tokio::test]
async fn without_a_block_nothing_is_staged() {
    let world = World::new(&configuration(&["a"], "")).await;
    world.find(&[of(&world, "a", 0)]).await;
    assert_eq!(world.take_in().await.raised, 1);
    assert!(world.store.stages().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_empty_store_stages_nothing_and_what_comes_later_is_staged() {
    let mut world = World::new(&configuration(&["a"], STAGING)).await;
    world.find(&[of(&world, "a", 0)]).await;
    assert_eq!(world.take_in().await.raised, 1);
    world.configure(&configuration(&["a", "b"], STAGING));
    // Its first findings are in the lake before anybody has noticed that it is new.
    world.find(&[of(&world, "b", 1), of(&world, "b", 2), of(&world, "a", 7200)]).await;
    let report = world.take_in().await;
    assert_eq!((report.staged, report.raised), (2, 1));
    assert_eq!(stage(&world, "b").await, (Stage::Staged, 2));
    // Another process with the older configuration sees its findings, and does not deliver them either.
    world.configure(&configuration(&["a"], STAGING));
    let unknown = Finding { detection_version: "v9".into(), ..finding("c", 3) };
    world.find(&[unknown]).await;
    assert_eq!(world.take_in().await.staged, 1);
}

#[tokio::test]
async fn a_changed_detection_is_staged_again() {
    let mut world = World::new(&configuration(&["a"], STAGING)).await;
    world.take_in().await;
    world.configure(&configuration(&["a"], STAGING).replace("a = 1", "a = 2"));
    world.find(&[of(&world, "a", 0)]).await;
    assert_eq!(world.take_in().await.staged, 1);
    // The version that was staged is gone with the next change.
    world.configure(&configuration(&["a"], STAGING).replace("a = 1", "a = 3"));
    world.take_in().await;
    let staged: Vec<_> = world.store.stages().await.unwrap();
    assert_eq!(staged.iter().filter(|staged| staged.stage == Stage::Staged).count(), 1);
}

#[tokio::test]
async fn silent_ones_are_promoted_and_noisy_ones_are_not() {
    let mut world = World::new(&configuration(&["a"], STAGING)).await;
    world.take_in().await;
    world.configure(&configuration(&["a", "silent", "noisy"], STAGING));
    world.find(&[of(&world, "noisy", 0), of(&world, "noisy", 1)]).await;
    world.take_in().await;
    world.wait(23 * 3600);
    world.take_in().await;
    assert_eq!(stage(&world, "silent").await.0, Stage::Staged);
    world.wait(3600);
    world.take_in().await;
    assert_eq!(stage(&world, "silent").await.0, Stage::Live);
    assert_eq!(stage(&world, "noisy").await.0, Stage::Staged);
    let history = world.store.audit_of("detection:silent").await.unwrap();
    assert_eq!(history.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["staged", "promoted"]);
    // Without the block nothing is held back any more.
    world.configure(&configuration(&["a", "silent", "noisy"], ""));
    world.take_in().await;
    assert_eq!(stage(&world, "noisy").await.0, Stage::Live);
}

#[tokio::test]
async fn by_hand_it_stays_until_by_hand() {
    let world = World::new(&configuration(&["a"], "")).await;
    let version = world.detections[0].version();
    let set = async |stage| {
        set_stage(&world.store, "a", &version, stage, "ada", world.clock.now()).await.unwrap();
    };
    set(Stage::Staged).await;
    world.wait(400 * 86_400);
    world.find(&[of(&world, "a", 0)]).await;
    assert_eq!(world.take_in().await.staged, 1);
    // A new version of the rule stays staged with it.
    let changed = Finding { detection_version: "v2".into(), ..finding("a", 5) };
    world.find(&[changed]).await;
    assert_eq!(world.take_in().await.staged, 1);
    set(Stage::Live).await;
    world.find(&[of(&world, "a", 1)]).await;
    assert_eq!(world.take_in().await.raised, 1);
}

/// One that was staged by hand does not make everything else look new.
#[tokio::test]
async fn staging_one_by_hand_stages_no_other() {
    let world = World::new(&configuration(&["a", "b"], STAGING)).await;
    let version = world.detections[1].version();
    set_stage(&world.store, "b", &version, Stage::Staged, "ada", world.clock.now()).await.unwrap();
    world.find(&[of(&world, "a", 0), of(&world, "b", 1)]).await;
    let report = world.take_in().await;
    assert_eq!((report.raised, report.staged), (1, 1));
}

/// Whoever collects more rarely than detections are staged still counts what they found.
#[tokio::test]
async fn what_was_found_meanwhile_is_counted_before_anybody_is_promoted() {
    let mut world = World::new(&configuration(&["a"], STAGING)).await;
    world.take_in().await;
    world.configure(&configuration(&["a", "b"], STAGING));
    world.take_in().await;
    world.wait(30 * 3600);
    world.find(&[of(&world, "b", 0), of(&world, "b", 1), of(&world, "b", 2)]).await;
    assert_eq!(world.take_in().await.staged, 3);
    assert_eq!(stage(&world, "b").await.0, Stage::Staged);
}

#[tokio::test]
async fn the_digest_comes_once_a_day() {
    let mut world = World::new(&configuration(&["a"], STAGING)).await;
    world.take_in().await;
    world.configure(&configuration(&["a", "b"], STAGING));
    world.take_in().await;
    assert!(world.alerts().await.is_empty(), "it is twelve, and the digest is for one");
    world.wait(3600);
    world.take_in().await;
    world.take_in().await;
    let alerts = world.alerts().await;
    assert_eq!((alerts.len(), alerts[0].title.as_str()), (1, "1 detection is staged"));
    assert!(alerts[0].message.starts_with("b: 0 findings since "), "{}", alerts[0].message);
    assert_eq!(alerts[0].outputs, ["file.all"]);
}
