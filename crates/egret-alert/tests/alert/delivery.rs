//! The queue against a real server: order, repetition, patience, dead letters.

use std::collections::HashMap;
use std::time::Duration;

use egret_alert::DeliverUntil;
use egret_model::alert::Remark;
use egret_model::{Clock as _, Finding};
use egret_peer::{Answer, HttpPeer};
use egret_store::{DeliveryFilter, DeliveryState};

use crate::support::{World, finding};

fn configuration(peer: &HttpPeer, more: &str) -> String {
    format!(
        r#"
        output "webhook" "hook" {{
          url     = "{}"
          timeout = "1s"
          {more}
        }}
        output "file" "all" {{ path = "all.jsonl" }}
        route {{ to = [output.webhook.hook, output.file.all] }}
        "#,
        peer.url("/secret")
    )
}

/// Findings of as many alerts.
fn findings(count: i64) -> Vec<Finding> {
    (0..count).map(|number| finding(&format!("d{number}"), number)).collect()
}

fn lines(world: &World) -> usize {
    std::fs::read_to_string(world.folder.join("all.jsonl")).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn one_that_is_down_holds_back_nobody() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::status(503));
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(50)).await;
    world.take_in().await;
    let report = world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!(lines(&world), 50);
    let hook = report.outputs.iter().find(|output| output.output == "webhook.hook").unwrap();
    assert_eq!((hook.delivered, hook.pending), (0, 50));
    assert!(hook.error.as_ref().unwrap().contains("503"), "{hook:?}");
    assert!(peer.requests().len() < 50, "an output that is down is not asked for each of its queue");
    // It comes back: everything arrives there once, and nowhere else again.
    peer.always(Answer::status(200));
    let before = peer.requests().len();
    world.wait(3600);
    world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!((peer.requests().len() - before, lines(&world)), (50, 50));
    world.wait(3600);
    assert!(world.deliver(DeliverUntil::TriedOnce).await.outputs.is_empty());
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([Answer::status(429).with_header("retry-after", "600")]);
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(1)).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    for (seconds, requests) in [(590, 1), (11, 2)] {
        world.wait(seconds);
        world.deliver(DeliverUntil::TriedOnce).await;
        assert_eq!(peer.requests().len(), requests);
    }
}

#[tokio::test]
async fn what_is_refused_is_a_dead_letter_and_an_alert_elsewhere() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::status(400));
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(2)).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!(peer.requests().len(), 2, "nothing is tried again that can never succeed");
    // The two alerts, and the one about them.
    assert_eq!(lines(&world), 3);
    let about: Vec<_> = world
        .alerts()
        .await
        .into_iter()
        .filter(|alert| alert.detection_id == "egret.delivery_failed")
        .collect();
    assert_eq!(
        (about.len(), about[0].count, about[0].outputs.as_slice()),
        (1, 2, &["file.all".to_owned()][..])
    );
    assert!(about[0].message.contains("400") && !about[0].message.contains("secret"), "{}", about[0].message);
    // Somebody mends the output and sends them again.
    peer.always(Answer::status(200));
    let mut change = world.store.change().await.unwrap();
    assert_eq!(change.revive(None, world.clock.now()).await.unwrap(), 2);
    change.commit().await.unwrap();
    world.deliver(DeliverUntil::TriedOnce).await;
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
    assert!(world.store.deliveries(&filter).await.unwrap().is_empty());
}

#[tokio::test]
async fn patience_ends() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::status(500));
    let world = World::new(&configuration(&peer, "give_up_after = \"1h\"")).await;
    world.find(&findings(1)).await;
    world.take_in().await;
    for _ in 0..20 {
        world.deliver(DeliverUntil::TriedOnce).await;
        world.wait(600);
    }
    let filter = DeliveryFilter { state: Some(DeliveryState::Dead), ..DeliveryFilter::default() };
    let dead = world.store.deliveries(&filter).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].error.as_ref().unwrap().contains("tried"), "{dead:?}");
    assert!(dead[0].attempts < 10);
}

#[tokio::test]
async fn what_happens_to_an_alert_is_told_in_order() {
    let peer = HttpPeer::start().await.unwrap();
    // The first is answered too late, and tried again before the second is sent.
    peer.script([Answer::Late(Duration::from_secs(3))]);
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(1)).await;
    world.take_in().await;
    let id = world.alerts().await.remove(0).alert_id;
    let remark = |text: &str| Remark { by: "ada".into(), at: world.clock.now(), text: text.into() };
    egret_alert::lifecycle::acknowledge(&world.store, &world.settings, &id, remark("")).await.unwrap();
    egret_alert::lifecycle::comment(&world.store, &world.settings, &id, remark("hm")).await.unwrap();
    egret_alert::lifecycle::close(&world.store, &world.settings, &id, remark("a drill")).await.unwrap();
    for _ in 0..2 {
        world.deliver(DeliverUntil::TriedOnce).await;
        world.wait(60);
    }
    let told: Vec<(String, u64)> = peer
        .requests()
        .iter()
        .map(|request| {
            let json = request.json();
            (json["action"].as_str().unwrap().to_owned(), json["alert"]["revision"].as_u64().unwrap())
        })
        .collect();
    let expected = [("raise", 1), ("raise", 1), ("acknowledge", 2), ("comment", 3), ("close", 4)];
    assert_eq!(told, expected.map(|(action, revision)| (action.to_owned(), revision)));
    // Each revision as it was then, though the alert has gone on.
    assert_eq!(peer.requests()[1].json()["alert"]["status"], "open");
    let ids: Vec<String> =
        peer.requests().iter().map(|request| request.header("idempotency-key").to_owned()).collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 4);
}

#[tokio::test]
async fn four_outputs_with_failures_get_each_alert_once() {
    let mut peers = Vec::new();
    let mut text = String::new();
    for name in ["a", "b", "c", "d"] {
        let peer = HttpPeer::start().await.unwrap();
        text.push_str(&format!("output \"webhook\" \"{name}\" {{\n url = \"{}\"\n}}\n", peer.url("/")));
        peers.push(peer);
    }
    text.push_str("route { to = [output.webhook.a, output.webhook.b, output.webhook.c, output.webhook.d] }");
    peers[1].script((0..3).map(|_| Answer::status(503)));
    peers[2].script([Answer::Reset, Answer::status(200), Answer::status(429)]);
    peers[3].script((0..7).map(|_| Answer::Reset));
    let world = World::new(&text).await;
    world.find(&findings(5)).await;
    world.take_in().await;
    for _ in 0..12 {
        world.deliver(DeliverUntil::TriedOnce).await;
        world.wait(3600);
    }
    for (number, peer) in peers.iter().enumerate() {
        // By id, and how often it was taken: a server that answered counts it.
        let mut seen: HashMap<String, u32> = HashMap::new();
        for request in peer.requests() {
            *seen.entry(request.header("idempotency-key").to_owned()).or_default() += 1;
        }
        assert_eq!(seen.len(), 5, "output {number}");
    }
    assert_eq!(peers[0].requests().len(), 5);
}

#[tokio::test]
async fn a_rate_is_kept() {
    let peer = HttpPeer::start().await.unwrap();
    let world = World::new(&configuration(&peer, "rate = \"3/m\"")).await;
    world.find(&findings(7)).await;
    world.take_in().await;
    // Who tries once does not wait for it, and who comes next goes on from there.
    for (waited, requests) in [(0, 3), (0, 3), (19, 3), (1, 4), (39, 5), (1, 6)] {
        world.wait(waited);
        let report = world.deliver(DeliverUntil::TriedOnce).await;
        let hook = report.outputs.iter().find(|output| output.output == "webhook.hook").unwrap();
        assert_eq!((peer.requests().len(), hook.pending), (requests, 7 - requests as u64), "{hook:?}");
        assert_eq!(hook.error.as_deref(), Some("its rate allows no more at present"));
    }
    // Who waits for an empty queue waits for it.
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(peer.requests().len(), 6);
        world.wait(20);
    };
    tokio::join!(world.deliver(DeliverUntil::Empty), meanwhile);
    assert_eq!((peer.requests().len(), lines(&world)), (7, 7));
}

/// A service that asks for patience is left alone by the next process as well, also with what was not tried yet.
#[tokio::test]
async fn patience_that_was_asked_for_outlives_the_process() {
    let peer = HttpPeer::start().await.unwrap();
    peer.script([Answer::status(429).with_header("retry-after", "600")]);
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(1)).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    world.find(&[finding("other", 0)]).await;
    world.take_in().await;
    for (waited, requests) in [(0, 1), (599, 1), (2, 3)] {
        world.wait(waited);
        let report = world.deliver(DeliverUntil::TriedOnce).await;
        assert_eq!(peer.requests().len(), requests, "{report:?}");
        if requests == 1 {
            let hook = report.outputs.iter().find(|output| output.output == "webhook.hook").unwrap();
            assert_eq!(hook.pending, 2);
            assert_eq!(hook.error.as_deref(), Some("it asked for patience until 2026-03-01T12:10:00Z"));
        }
    }
}

#[tokio::test]
async fn a_route_may_say_it_otherwise() {
    let peer = HttpPeer::start().await.unwrap();
    let text = format!(
        r#"
        output "webhook" "hook" {{
          url = "{}"
          template {{
            body = "{{\"by\": \"output\", \"title\": \"{{{{ alert.title }}}}\"}}"
          }}
        }}
        route {{
          name = "special"
          detection = "d0"
          to = [output.webhook.hook]
          template {{
            body = "{{\"by\": \"route\"}}"
          }}
        }}
        route {{ to = [output.webhook.hook] }}
        "#,
        peer.url("/")
    );
    let world = World::new(&text).await;
    world.find(&findings(2)).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    let said = || {
        let mut said: Vec<String> =
            peer.requests().iter().map(|request| request.json()["by"].as_str().unwrap().to_owned()).collect();
        said.sort();
        said
    };
    assert_eq!(said(), ["output", "route"]);
    // What comes later goes the same way.
    world.find(&[finding("d0", 60)]).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!(said(), ["output", "route", "route"]);
}

#[tokio::test]
async fn only_one_process_delivers_to_an_output() {
    let peer = HttpPeer::start().await.unwrap();
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(3)).await;
    world.take_in().await;
    let _lock = world.store.try_lock("deliver-webhook.hook").unwrap().unwrap();
    let report = world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!((peer.requests().len(), lines(&world)), (0, 3));
    let hook = report.outputs.iter().find(|output| output.output == "webhook.hook").unwrap();
    assert_eq!((hook.pending, hook.error.as_deref()), (3, Some("another process is delivering there")));
}

/// A wrong token must not cost the whole queue.
#[tokio::test]
async fn one_that_refuses_everything_is_as_good_as_down() {
    let peer = HttpPeer::start().await.unwrap();
    peer.always(Answer::status(401));
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&findings(200)).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    let filter = |state| DeliveryFilter { state: Some(state), ..DeliveryFilter::default() };
    let dead = world.store.deliveries(&filter(DeliveryState::Dead)).await.unwrap().len();
    let pending = world.store.deliveries(&filter(DeliveryState::Pending)).await.unwrap().len();
    assert!((8..100).contains(&dead) && dead + pending == 200, "{dead} dead, {pending} pending");
    assert!(world.alerts().await.iter().any(|alert| alert.detection_id == "egret.delivery_failed"));
}

/// An update that is replaced while it is being sent is not confused with the one that replaced it.
#[tokio::test]
async fn what_is_replaced_while_it_is_sent_is_another_delivery() {
    let peer = HttpPeer::start().await.unwrap();
    let world = World::new(&configuration(&peer, "")).await;
    world.find(&[finding("d", 0)]).await;
    world.take_in().await;
    world.deliver(DeliverUntil::TriedOnce).await;
    world.find(&[finding("d", 1)]).await;
    world.take_in().await;
    peer.script([Answer::Late(Duration::from_millis(600))]);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        world.find(&[finding("d", 2)]).await;
        world.take_in().await;
    };
    tokio::join!(world.deliver(DeliverUntil::TriedOnce), meanwhile);
    world.wait(60);
    world.deliver(DeliverUntil::TriedOnce).await;
    assert_eq!(peer.last().json()["alert"]["count"], 3);
    let filter = DeliveryFilter { state: Some(DeliveryState::Pending), ..DeliveryFilter::default() };
    assert!(world.store.deliveries(&filter).await.unwrap().is_empty());
}
