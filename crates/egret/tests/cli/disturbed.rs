//! Two collectors at once, files that grow or fail in the middle, Ctrl-C, a full disk.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::logs;
use crate::place::{Lake, Place, Said, undisturbed};

#[test]
fn two_collectors_at_once_store_everything_once() {
    let place = Place::with_logs(6);
    let expected = undisturbed(&place);
    for round in 0..3 {
        let lake = place.lake(&format!("two{round}"));
        let start = || {
            let mut command = lake.collecting(&[]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [start(), start()];
        for one in both {
            let said = Said::from(one.wait_with_output().unwrap());
            match said.code {
                Some(0) => {}
                Some(1) => assert!(said.stderr.contains("is being collected by another process"), "{said:?}"),
                _ => panic!("{said:?}"),
            }
        }
        lake.assert_holds(&expected);
    }
}

#[test]
fn collecting_twice_stores_everything_once() {
    let place = Place::with_logs(3);
    let expected = undisturbed(&place);
    let lake = place.lake("twice");
    lake.collect(&[]);
    let said = lake.collect(&[]);
    assert!(said.stdout.contains("\"snapshot\": null"), "nothing is new, so nothing is committed: {said:?}");
    lake.assert_holds(&expected);
}

#[test]
fn a_dry_run_stores_nothing_at_all() {
    let place = Place::with_logs(2);
    let lake = place.lake("dry");
    let said = lake.collect(&["--dry-run"]);
    assert!(said.stdout.contains("\"rows\": 490"), "{said:?}");
    assert!(said.stderr.contains("16 records would be in quarantine"), "{said:?}");
    assert!(!lake.folder.exists(), "there was no lake, and there is none");
    let expected = undisturbed(&place);
    lake.collect(&[]);
    lake.collect(&["--dry-run"]);
    lake.assert_holds(&expected);
}

#[test]
fn a_file_that_grew_is_read_on() {
    let place = Place::with_logs(2);
    let log = place.folder.read("logs/nginx/access.log");
    let events = place.folder.read("logs/shop/00.jsonl");
    let expected = undisturbed(&place);
    let lake = place.lake("grown");
    // In the middle of a line, at the end of one, and just after the first byte of the next.
    let end_of_line = log.len() / 2 + log[log.len() / 2..].iter().position(|byte| *byte == b'\n').unwrap();
    let mut before = 0;
    for end in [log.len() / 4, end_of_line + 1, end_of_line + 2, log.len()] {
        if before == 0 {
            place.folder.write("logs/nginx/access.log", &log[..end]);
            place.folder.write("logs/shop/00.jsonl", &events[..events.len() / 2]);
        } else {
            // At once, since a line that nobody goes on with for a while counts as whole.
            if before == log.len() / 4 {
                place.folder.append("logs/shop/00.jsonl", &events[events.len() / 2..]);
            }
            place.folder.append("logs/nginx/access.log", &log[before..end]);
        }
        before = end;
        lake.collect(&[]);
    }
    lake.assert_holds(&expected);
}

#[test]
fn a_truncated_archive_is_stored_as_far_as_it_goes_and_completed_later() {
    let place = Place::with_logs(3);
    let archive = logs::gzip(logs::events(7, 30_000));
    place.folder.write("logs/shop/archive.jsonl.gz", &archive);
    let whole = place.folder.read("logs/cloudtrail/01.json.gz");
    let expected = undisturbed(&place);
    place.folder.write("logs/shop/archive.jsonl.gz", &archive[..archive.len() / 2]);
    place.folder.write("logs/cloudtrail/01.json.gz", &whole[..whole.len() / 2]);
    let lake = place.lake("truncated");
    let said = Said::of(&mut lake.collecting(&[]));
    assert_eq!(said.code, Some(1), "the work is incomplete: {said:?}");
    for name in ["archive.jsonl.gz", "01.json.gz"] {
        assert!(said.stderr.contains(name), "{name} is not named: {said:?}");
    }
    let stored = |name: &str, table: &str| {
        lake.count(&format!("select count(*) from {table} where tp_source_location like '%{name}'"))
    };
    assert!(stored("archive.jsonl.gz", "shop_event") > 5_000, "the first half has more");
    assert_eq!(stored("02.json.gz", "aws_cloudtrail_log"), 59, "the others are collected");
    lake.assert_nothing_twice();
    place.folder.write("logs/shop/archive.jsonl.gz", &archive);
    place.folder.write("logs/cloudtrail/01.json.gz", &whole);
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

/// Sends a signal, as a terminal would.
fn signal(name: &str, process: u32) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status().unwrap();
    assert!(status.success() || name != "INT");
}

#[test]
fn ctrl_c_stops_in_a_state_that_the_next_run_goes_on_from() {
    let place = Place::with_logs(12);
    let expected = undisturbed(&place);
    let mut interrupted = 0;
    for (round, millis) in [60, 150, 300, 500].into_iter().enumerate() {
        let lake = place.lake(&format!("interrupted{round}"));
        let mut command = lake.collecting(&[]);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wait_for_catalog(&lake);
        sleep(Duration::from_millis(millis));
        signal("INT", process.id());
        let said = Said::from(process.wait_with_output().unwrap());
        match said.code {
            Some(130) => interrupted += 1,
            Some(0) => {}
            _ => panic!("{said:?}"),
        }
        lake.assert_nothing_twice();
        lake.collect(&[]);
        lake.assert_holds(&expected);
    }
    assert!(interrupted > 0, "each was done before Ctrl-C came");
}

#[test]
fn ctrl_c_ends_a_scan_with_what_it_found() {
    let place = Place::empty();
    let mut command = place.egret(&["scan", "-", "--table", "nginx_access_log", "-o", "ndjson"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let (id, mut input) = (process.id(), process.stdin.take().unwrap());
    let lines: String = (0..500).map(|row| logs::access(row, 500)).collect();
    // Of so much not all is in the pipe: more than a block was read. The stream stays open, and idle.
    input.write_all(lines.repeat(40).as_bytes()).unwrap();
    signal("INT", id);
    let said = Said::from(process.wait_with_output().unwrap());
    drop(input);
    assert_eq!(said.code, Some(130), "{}", said.stderr);
    assert!(said.stderr.contains("showing what was found"), "{}", said.stderr);
    assert!(said.stdout.lines().next().is_some_and(|line| line.starts_with("{\"finding_id\"")));
}

/// Waits until the process has begun: before, Ctrl-C is nobody's to catch.
fn wait_for_catalog(lake: &Lake<'_>) {
    let start = Instant::now();
    while !lake.folder.join("catalog.sqlite").exists() {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing begins");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_disk_is_survived() {
    let place = Place::with_logs(6);
    place.folder.write("logs/shop/large.jsonl", logs::events(99, 20_000));
    let expected = undisturbed(&place);
    let mut failed = 0;
    for (round, kibibytes) in [8, 100, 150, 200, 300].into_iter().enumerate() {
        let lake = place.lake(&format!("full{round}"));
        // No file may become longer: as if the disk were full when it has that length. Without the trap the
        // signal would end the process.
        let limit = format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$@\"");
        let collecting = lake.collecting(&[]);
        let mut limited = Command::new("bash");
        limited.args(["-c", &limit, "bash"]).arg(collecting.get_program()).args(collecting.get_args());
        limited.current_dir(place.folder.path()).env("HOME", place.folder.path());
        let said = Said::of(&mut limited);
        match said.code {
            Some(3) => {
                failed += 1;
                assert!(said.stderr.contains("error:"), "{said:?}");
            }
            Some(0) => {}
            _ => panic!("{kibibytes} KiB: {said:?}"),
        }
        lake.assert_nothing_twice();
        lake.collect(&[]);
        lake.assert_holds(&expected);
    }
    assert!(failed >= 2, "the disk was full only {failed} times");
}

#[test]
fn a_wrong_checksum_is_reported_and_what_came_before_is_kept() {
    let place = Place::with_logs(1);
    let mut packed = place.folder.read("logs/cloudtrail/00.json.gz");
    // The last eight bytes are the checksum and the length.
    let checksum = packed.len() - 8;
    packed[checksum] ^= 1;
    place.folder.write("logs/cloudtrail/00.json.gz", &packed);
    let lake = place.lake("torn");
    let said = Said::of(&mut lake.collecting(&[]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("00.json.gz: cannot read on"), "{said:?}");
    assert_eq!(lake.count("select count(*) from aws_cloudtrail_log"), 59);
}

#[test]
fn what_was_collected_before_too_many_errors_can_be_looked_at() {
    let place = Place::with_logs(1);
    let lake = place.lake("strict");
    let said = Said::of(&mut lake.collecting(&["--max-errors", "1"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(lake.count("select count(*) from quarantine") > 1);
    lake.collect(&[]);
    lake.assert_holds(&undisturbed(&place));
}
