//! `--from`, `--to` and `--overwrite` end with the same rows and findings.

use crate::place::{Place, Said, undisturbed};

const RANGE: [&str; 4] = ["--from", "2026-03-02", "--to", "2026-03-03T12:00:00Z"];

#[test]
fn a_range_and_then_the_rest_are_the_whole() {
    let place = Place::with_logs(3);
    let expected = undisturbed(&place);
    let lake = place.lake("range");
    lake.collect(&RANGE);
    let outside = "select count(*) from shop_event
        where tp_timestamp < timestamp '2026-03-02' or tp_timestamp >= timestamp '2026-03-03 12:00:00'";
    assert_eq!(lake.count(outside), 0);
    assert!(lake.count("select count(*) from shop_event") > 0);
    lake.collect(&RANGE);
    lake.assert_nothing_twice();
    // One that lies across the border of the first.
    lake.collect(&["--from", "2026-03-03"]);
    lake.assert_nothing_twice();
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

#[test]
fn a_file_that_grew_after_a_range_was_collected_is_whole_in_the_end() {
    let place = Place::with_logs(2);
    let events = place.folder.read("logs/shop/00.jsonl");
    let expected = undisturbed(&place);
    let lake = place.lake("grown");
    place.folder.write("logs/shop/00.jsonl", &events[..events.len() / 2]);
    lake.collect(&RANGE);
    place.folder.append("logs/shop/00.jsonl", &events[events.len() / 2..]);
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

#[test]
fn overwriting_leaves_the_same() {
    let place = Place::with_logs(3);
    let expected = undisturbed(&place);
    let lake = place.lake("overwritten");
    lake.collect(&[]);
    lake.collect(&["--overwrite"]);
    lake.assert_holds(&expected);
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

#[test]
fn overwriting_a_range_leaves_the_same() {
    let place = Place::with_logs(3);
    let expected = undisturbed(&place);
    let lake = place.lake("overwritten");
    lake.collect(&[]);
    lake.collect(&["--overwrite", "--from", "2026-03-02", "--to", "2026-03-03T12:00:00Z"]);
    lake.assert_holds(&expected);
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

#[test]
fn overwriting_a_range_of_a_file_that_grew_stores_nothing_twice() {
    let place = Place::with_logs(2);
    let events = place.folder.read("logs/shop/00.jsonl");
    let expected = undisturbed(&place);
    let lake = place.lake("overwritten");
    let half = events.iter().take(events.len() / 2).rposition(|byte| *byte == b'\n').unwrap() + 1;
    place.folder.write("logs/shop/00.jsonl", &events[..half]);
    lake.collect(&[]);
    place.folder.append("logs/shop/00.jsonl", &events[half..]);
    lake.collect(&[&["--overwrite"], &RANGE[..]].concat());
    lake.collect(&[]);
    lake.assert_holds(&expected);
}

#[test]
fn overwriting_what_cannot_be_read_changes_nothing() {
    let place = Place::with_logs(2);
    let expected = undisturbed(&place);
    let lake = place.lake("overwritten");
    lake.collect(&[]);
    let packed = place.folder.read("logs/cloudtrail/01.json.gz");
    place.folder.write("logs/cloudtrail/01.json.gz", &packed[..packed.len() / 2]);
    let said = Said::of(&mut lake.collecting(&["--overwrite"]));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("nothing was replaced: 1 files could not be read"), "{said:?}");
    lake.assert_holds(&expected);
}

/// The second file has the name of the first one, which is another by then.
#[test]
fn overwriting_after_a_rotation_stores_nothing_twice() {
    for range in [&[][..], &["--from", "2026-03-02T12:00:00Z"]] {
        let place = Place::with_logs(1);
        let events = place.folder.read("logs/shop/00.jsonl");
        let lake = place.lake("rotated");
        let half = events.iter().take(events.len() / 2).rposition(|byte| *byte == b'\n').unwrap() + 1;
        place.folder.write("logs/shop/00.jsonl", &events[..half]);
        lake.collect(&[]);
        let ids = "select tp_id from shop_event where n < 60 order by 1";
        let before = lake.query(ids);
        let folder = place.folder.join("logs/shop");
        std::fs::rename(folder.join("00.jsonl"), folder.join("00.jsonl.1")).unwrap();
        place.folder.write("logs/shop/00.jsonl", &events[half..]);
        lake.collect(&[&["--overwrite"], range].concat());
        lake.collect(&[]);
        assert_eq!(lake.query(ids), before, "the same rows have the same ids");
        assert_eq!(lake.count("select count(*) from shop_event"), 150, "{range:?}");
        assert_eq!(lake.count("select count(distinct n) from shop_event"), 150, "{range:?}");
        assert_eq!(lake.count("select count(*) from finding where detection_id = 'shop_alarm'"), 15);
    }
}
