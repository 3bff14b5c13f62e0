//! What the binary says: help, mistakes with the place and a hint, exit codes.

use std::process::Stdio;

use snapbox::{assert_data_eq, file, str};

use crate::logs::DETECTIONS;
use crate::place::{Place, Said};

#[test]
fn help_says_what_there_is() {
    let place = Place::empty();
    let said = place.run(&["--help"]);
    assert_eq!(said.code, Some(0));
    assert_data_eq!(said.stdout, file!["snapshots/help.txt"]);
    let said = place.run(&["colect"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("collect"), "{said:?}");
}

/// What `egret config check` says of a partition with something wrong in it.
fn check(partition: &str) -> Said {
    let place = Place::empty();
    place.folder.write("logs/a.log", "");
    place.folder.write("egret.hcl", partition);
    place.run(&["config", "check"])
}

#[test]
fn an_unknown_column_is_shown_where_it_stands() {
    let said = check(
        r#"
partition "nginx_access_log" "web" {
  source "file" {
    paths = ["logs"]
  }
}

detection "odd" {
  table    = "nginx_access_log"
  severity = "low"
  where    = "status >= 400 and request_url like '%.env'"
}
"#,
    );
    assert_eq!(said.code, Some(2));
    assert_data_eq!(
        said.stderr,
        str![[r#"
error: unknown column `request_url`
  --> egret.hcl:11:33
   |
11 |   where    = "status >= 400 and request_url like '%.env'"
   |                                 ^^^^^^^^^^^
   |
   = help: did you mean `request_uri`?

error: the configuration has 1 mistake

"#]]
    );
}

#[test]
fn a_mistake_hides_no_other() {
    let said = check(
        r#"
partition "nginx_access_log" "web" {
  tp_index = "nope"
  filter   = "status = 200 and"
  source "file" {
    paths = ["logs"]
  }
}

partition "nginx_access_log" "other" {
  source "file" {
    paths = ["logs"]
  }
}

detection "odd" {
  table    = "nginx_access_log"
  severity = "low"
  where    = "statis = 200"
}

table "nobody_has_it" {
  format = format.jsonl.default
  column "tp_timestamp" {
    source = "time"
  }
  column "a" {
    transform = "lowr(b)"
  }
}
"#,
    );
    assert_eq!(said.code, Some(2));
    for place in ["egret.hcl:3:", "egret.hcl:4:", "egret.hcl:19:", "egret.hcl:28:"] {
        assert!(said.stderr.contains(place), "{place}: {}", said.stderr);
    }
    assert!(said.stderr.contains("the configuration has 4 mistakes"), "{}", said.stderr);
}

#[test]
fn a_detection_on_a_channel_of_a_partition_is_tested() {
    let place = Place::empty();
    place.folder.write(
        "egret.hcl",
        r#"
partition "nginx_access_log" "web" {
  channel = "shop.web"
  source "file" {
    paths = ["logs"]
  }
}

detection "denied" {
  channel  = "shop.*"
  severity = "low"
  where    = "status = 403"
  test "denied" {
    record = "192.0.2.9 - - [17/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 403 1 \"-\" \"curl/8\""
    expect = true
  }
}
"#,
    );
    let said = place.run(&["test", "-o", "ndjson"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(r#""passed":1,"failed":0,"errored":0"#), "{said:?}");
}

#[test]
fn a_misspelt_attribute_is_shown_where_it_stands() {
    let said = check(
        r#"
partition "nginx_access_log" "web" {
  fliter = "status >= 400"
  source "file" {
    path = ["logs"]
  }
}
"#,
    );
    assert_eq!(said.code, Some(2));
    assert_data_eq!(
        said.stderr,
        str![[r#"
error: `partition` has no attribute `fliter`
 --> egret.hcl:3:3
  |
3 |   fliter = "status >= 400"
  |   ^^^^^^
  |
  = help: did you mean `filter`?

error: `source` needs the attribute `paths`
 --> egret.hcl:4:3
  |
4 |   source "file" {
  |   ^^^^^^^^^^^^^
  |
  = help: add `paths = …`, a list

error: `source` has no attribute `path`
 --> egret.hcl:5:5
  |
5 |     path = ["logs"]
  |     ^^^^
  |
  = help: did you mean `paths`?

error: the configuration has 3 mistakes

"#]]
    );
}

#[test]
fn an_unknown_table_is_named_with_the_nearest() {
    let place = Place::with_logs(1);
    let lake = place.lake("lake");
    lake.collect(&[]);
    let said = lake.run(&["query", "select count(*) from shop_evnt"]);
    assert_eq!(said.code, Some(2));
    assert_data_eq!(
        said.stderr,
        str![[r#"
  select count(*) from shop_evnt
                       ^^^^^^^^^

error: unknown table `shop_evnt`
hint: did you mean `shop_event`?

"#]]
    );
}

#[test]
fn without_a_configuration_it_says_how_to_get_one() {
    let place = Place::empty();
    let said = place.run(&["collect"]);
    assert_eq!(said.code, Some(2));
    assert_data_eq!(
        said.stderr,
        str![[r#"
error: there is no configuration, so there is nothing to collect
hint: `egret init` writes one to start from; `egret scan PATH` needs none

"#]]
    );
    let said = place.run(&["collect", "--config", "nowhere.hcl"]);
    assert_eq!(said.code, Some(2));
    assert_data_eq!(
        said.stderr,
        str![[r#"
error: there is no configuration at nowhere.hcl
hint: `egret init` writes one to start from

"#]]
    );
}

#[test]
fn what_init_writes_is_right() {
    let place = Place::empty();
    assert_eq!(place.run(&["init", "."]).code, Some(0));
    let said = place.run(&["config", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(place.run(&["init", "."]).code, Some(2), "what is there is not overwritten");
}

#[test]
fn completion_is_printed() {
    let said = Place::empty().run(&["completion", "bash"]);
    assert_eq!(said.code, Some(0));
    assert!(said.stdout.contains("complete -F _egret"), "{}", said.stdout);
}

#[test]
fn quarantined_records_fail_a_strict_run_only() {
    let place = Place::with_logs(1);
    assert_eq!(Said::of(&mut place.lake("lenient").collecting(&[])).code, Some(0));
    assert_eq!(Said::of(&mut place.lake("strict").collecting(&["--strict"])).code, Some(1));
}

#[test]
fn a_closed_pipe_is_no_error() {
    let place = Place::with_logs(2);
    let lake = place.lake("lake");
    lake.collect(&[]);
    // More than a pipe holds, so that writing goes on after the reader has gone.
    let sql = "select a.n, b.n from shop_event a, shop_event b";
    for format in ["ndjson", "csv"] {
        let mut command = lake.egret(&["query", sql, "-o", format]);
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(process.stdout.take());
        let said = Said::from(process.wait_with_output().unwrap());
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn a_field_that_the_table_does_not_know_is_told_once() {
    let place = Place::empty();
    place.folder.write(
        "egret.hcl",
        r#"
table "shop_event" {
  format     = format.jsonl.default
  map_fields = []
  column "tp_timestamp" {
    source = "time"
  }
  column "kind" {}
}

partition "shop_event" "main" {
  source "file" {
    paths = ["logs"]
  }
}
"#,
    );
    let collect = |name: &str, line: &str| {
        place.folder.write(format!("logs/{name}"), format!("{line}\n"));
        let said = place.run(&["collect", "--no-progress"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stderr
    };
    let told = "records have fields that the table has no column for, kept in `extra`: ";
    let line = r#"{"time":"2026-03-01T10:00:00Z","kind":"sale","colour":"red","size":2}"#;
    let first = collect("a.jsonl", line);
    assert!(first.contains(&format!("shop_event.main: {told}colour, size\n")), "{first}");
    let second = collect("b.jsonl", &line.replace("red", "blue"));
    assert!(!second.contains(told), "{second}");
    let third = collect("c.jsonl", &line.replace("size", "weight"));
    assert!(third.contains(&format!("{told}weight\n")), "{third}");
    let said =
        place.run(&["query", "select extra->>'weight' as weight from shop_event order by 1", "-o", "csv"]);
    assert_eq!(said.stdout.lines().nth(1), Some("2"), "{said:?}");
}

#[test]
fn a_range_without_any_time_and_a_snapshot_that_never_was_are_mistakes_of_the_command_line() {
    let place = Place::with_logs(1);
    let lake = place.lake("lake");
    lake.collect(&[]);
    for command in [&["query", "select 1"][..], &["finding", "list"], &["collect"], &["hunt", "*"]] {
        let said = lake.run(&[command, &["--from", "2024-02-02", "--to", "2024-02-01"]].concat());
        assert_eq!(said.code, Some(2), "{command:?}: {said:?}");
        assert_data_eq!(
            said.stderr,
            str![[r#"
error: no time is from 2024-02-02T00:00:00Z on and before 2024-02-01T00:00:00Z
hint: --from is the earlier one, --to the later

"#]]
        );
    }
    let said = lake.run(&["query", "select 1", "--at", "99"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("the lake has no snapshot 99; the oldest is 0"), "{said:?}");
}

#[test]
fn findings_are_listed_as_asked() {
    let place = Place::with_logs(1);
    let lake = place.lake("lake");
    lake.collect(&[]);
    let count = |arguments: &[&str]| {
        let said = lake.run(&[&["finding", "list", "-o", "ndjson"], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout.lines().count()
    };
    let all = count(&[]);
    assert_eq!(count(&["--detection", "*"]), all);
    // `_` and `%` stand for themselves.
    assert_eq!(count(&["--detection", "no%thing"]), 0);
    let (first, rest) = DETECTIONS[0].split_at(3);
    let one = count(&["--detection", DETECTIONS[0]]);
    assert!(one > 0 && one < all, "{one} of {all}");
    assert_eq!(count(&["--detection", &format!("{first}*{}", &rest[1..])]), one);
    assert_eq!((count(&["--severity", "informational"]), count(&["--severity", "critical"])), (all, 0));

    let said = lake.run(&["finding", "list", "--limit", "1", "-o", "ndjson"]);
    assert_eq!(
        (said.stdout.lines().count(), said.stderr.as_str()),
        (1, "the newest 1 findings; --limit shows more\n")
    );
}

#[test]
fn a_long_result_is_drawn_as_several_tables() {
    let place = Place::empty();
    let said = place.run(&["query", "select * from range(10001)", "-o", "table"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout.matches("┌").count(), 2, "one of 10,000 rows and one of the rest");
}

#[test]
fn a_scan_tells_of_records_that_it_cannot_read() {
    let place = Place::empty();
    place.folder.write("a.jsonl", "no record\nnor this\n");
    let said = place.run(&[
        "scan",
        "a.jsonl",
        "--table",
        "aws_cloudtrail_log",
        "--format",
        "jsonl",
        "--no-progress",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("a.jsonl: the record at byte 0: not valid JSON"), "{said:?}");
    assert!(said.stderr.contains("records that could not be read: 2"), "{said:?}");
}
