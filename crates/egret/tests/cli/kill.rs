//! `kill -9` at random moments: the next run ends with the same rows and findings.

use std::time::Duration;

use egret_testkit::{KillPlan, kill_at_random_moments};

use crate::logs;
use crate::place::{Lake, Place, undisturbed};

/// Kills in one lake. After these it is whole and compared, and the next lake begins: in a lake that is
/// nearly whole a kill shows little.
const KILLS_OF_A_LAKE: u32 = 10;

fn kills() -> u32 {
    match std::env::var("EGRET_TEST_KILLS") {
        Ok(number) => number.parse().expect("EGRET_TEST_KILLS is a number"),
        Err(_) => 50,
    }
}

fn plan(lake: &Lake<'_>, seed: u64, kills: u32) -> KillPlan {
    KillPlan {
        longest_life: Duration::from_millis(400),
        watch: Some(lake.folder.clone()),
        ..KillPlan::new(kills, seed)
    }
}

#[test]
fn a_killed_collect_loses_nothing_and_stores_nothing_twice() {
    let place = Place::with_logs(12);
    let log = place.folder.read("logs/nginx/access.log");
    let expected = undisturbed(&place);
    let rounds = kills().div_ceil(KILLS_OF_A_LAKE);
    let mut killed = 0;
    for round in 0..rounds {
        let lake = place.lake(&format!("killed{round}"));
        // Different sizes of commits, down to one for every chunk.
        let memory = ["4MiB", "6MiB", "24MiB"][round as usize % 3];
        let report = kill_at_random_moments(
            |process| {
                // The log grows meanwhile, and is cut anywhere.
                let end =
                    log.len() * process.min(KILLS_OF_A_LAKE + 1) as usize / (KILLS_OF_A_LAKE as usize + 1);
                let so_far = place.folder.read("logs/nginx/access.log").len().min(end);
                if process == 1 {
                    std::fs::write(place.folder.join("logs/nginx/access.log"), &log[..end]).unwrap();
                } else {
                    place.folder.append("logs/nginx/access.log", &log[so_far..end]);
                }
                lake.egret(&["collect", "--memory", memory])
            },
            &plan(&lake, u64::from(round), KILLS_OF_A_LAKE),
        );
        killed += report.unwrap().killed;
        lake.assert_holds(&expected);
    }
    assert!(killed * 2 > rounds * KILLS_OF_A_LAKE, "only {killed} were killed before they were done");
}

#[test]
fn a_killed_collect_of_a_range_is_completed_by_any_later_one() {
    let place = Place::with_logs(4);
    // Larger than one commit, so that a kill may come in the middle of an object.
    place.folder.write("logs/shop/large.jsonl", logs::events(99, 20_000));
    let expected = undisturbed(&place);
    let arguments = ["--from", "2026-03-02", "--to", "2026-03-03T12:00:00Z"];
    for round in 0..2 {
        let lake = place.lake(&format!("range{round}"));
        let report = kill_at_random_moments(
            |_| lake.collecting(&arguments),
            &plan(&lake, 100 + round, KILLS_OF_A_LAKE),
        );
        report.unwrap();
        lake.collect(&[]);
        lake.assert_holds(&expected);
    }
}

#[test]
fn a_killed_overwrite_leaves_what_was_there() {
    let place = Place::with_logs(4);
    let expected = undisturbed(&place);
    let lake = place.lake("again");
    lake.collect(&[]);
    kill_at_random_moments(|_| lake.collecting(&["--overwrite"]), &plan(&lake, 7, KILLS_OF_A_LAKE)).unwrap();
    lake.assert_holds(&expected);
}
