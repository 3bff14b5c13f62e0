//! At once = in pieces = killed and resumed, for the ways in which objects are read: lines, a document, a
//! file with a header.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where it fails")]

mod driver;

use egret_testkit::{Content, Settings, check_restarts};

use crate::driver::Driver;

/// Some records are this long, so that an object of few records is more than one chunk and one commit.
const LONG: usize = 90_000;

const DETECTION: &str = r#"
detection "alarm" {
  table    = "event"
  severity = "low"
  where    = "level = 'alarm'"
}

partition "event" "test" {
  source "file" {
    paths = ["unused"]
  }
}
"#;

fn table(format: &str) -> String {
    format!(
        r#"
table "event" {{
  format = {format}

  column "tp_timestamp" {{
    source = "time"
  }}
  column "level" {{
    type = "varchar"
  }}
  column "n" {{
    type = "bigint"
  }}

  map_fields = []
}}
{DETECTION}"#
    )
}

/// The values of record `row`, before the fake clock begins: time, level, number and a text that nobody asked for.
fn values(row: usize, length: usize) -> [String; 4] {
    let level = if row % 10 == 3 { "alarm" } else { "info" };
    let time = format!("2025-12-{:02}T10:{:02}:00Z", 1 + row % 3, row % 60);
    [time, level.to_owned(), row.to_string(), "x".repeat(length)]
}

fn json_record(row: usize, length: usize) -> String {
    let [time, level, n, text] = values(row, length);
    format!(r#"{{"time":"{time}","level":"{level}","n":{n},"text":"{text}"}}"#)
}

fn json_lines(rows: std::ops::Range<usize>, length: usize) -> String {
    let mut text = String::new();
    for row in rows {
        text.push_str(&json_record(row, length));
        text.push('\n');
        if row.is_multiple_of(7) {
            text.push_str("no record at all\n");
        }
    }
    text
}

fn document(rows: std::ops::Range<usize>, length: usize) -> String {
    let mut records: Vec<String> = rows.map(|row| json_record(row, length)).collect();
    records.insert(1, r#"{"level":"without a time"}"#.to_owned());
    format!(r#"{{"Version":1,"Records":[{}],"End":true}}"#, records.join(","))
}

fn csv(rows: std::ops::Range<usize>, length: usize) -> String {
    let mut text = "time,level,n,text\n".to_owned();
    for row in rows {
        let [time, level, n, mut long] = values(row, length);
        if row.is_multiple_of(5) {
            long.push('\n');
        }
        text.push_str(&format!("{time},{level},{n},\"{long}\"\n"));
        if row.is_multiple_of(7) {
            text.push_str("too,few\n");
        }
    }
    text
}

#[track_caller]
fn check(configuration: &str, contents: &[Content], expected_rows: usize) {
    let driver = Driver::new(configuration);
    driver.assert_stores(contents, expected_rows);
    check_restarts(&driver, contents, Settings { seed: 1, scenarios: 12 }).unwrap();
}

#[test]
fn lines() {
    let contents = [
        Content::growing("a.jsonl", json_lines(0..30, LONG)),
        Content::growing("b.jsonl", json_lines(30..50, 10)),
        Content::whole("c.jsonl", json_lines(50..60, 10).trim_end()),
    ];
    check(&table("format.jsonl.default"), &contents, 60);
}

/// More threads than objects: blocks are decoded side by side. One line is longer than two blocks.
#[test]
fn lines_of_one_object_on_several_threads() {
    let mut text = json_lines(0..15, LONG);
    text.push_str(&json_record(15, 2_500_000));
    text.push('\n');
    text.push_str(&json_lines(16..30, LONG));
    check(&table("format.jsonl.default"), &[Content::growing("a.jsonl", text)], 30);
}

#[test]
fn documents() {
    let contents = [
        Content::whole("a.json", document(0..30, LONG)),
        Content::whole("b.json", document(30..40, 10)),
        Content::whole("c.json", document(40..45, 10)),
    ];
    check(&table("format.json.records"), &contents, 45);
}

#[test]
fn a_file_with_a_header() {
    let contents = [
        Content::growing("a.csv", csv(0..30, LONG)),
        Content::growing("b.csv", csv(30..50, 10)),
        Content::whole("c.csv", csv(50..60, 10)),
    ];
    check(&table("format.delimited.default"), &contents, 60);
}
