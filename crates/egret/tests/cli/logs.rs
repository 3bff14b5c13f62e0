//! Logs that the tests write themselves: a few files of three kinds, with bad records in each.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

/// The month of all logs.
const MONTH: &str = "2026-03-";

/// Compresses.
pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Row `row` of `rows` is evenly spread over the 1st to the 4th of March 2026.
fn time_of(row: usize, rows: usize) -> String {
    let second = row * 4 * 86_400 / rows;
    let (day, second) = (1 + second / 86_400, second % 86_400);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{MONTH}{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// One CloudTrail object. Every tenth event is by root, and one has no time.
pub fn cloudtrail(file: usize, rows: usize) -> String {
    let events: Vec<_> = (0..rows)
        .map(|row| {
            let kind = if row.is_multiple_of(10) { "Root" } else { "IAMUser" };
            let mut event = json!({
                "eventVersion": "1.09",
                "userIdentity": {"type": kind, "arn": format!("arn:aws:iam::123456789012:user/u{}", row % 7)},
                "eventTime": time_of(row, rows),
                "eventSource": "s3.amazonaws.com",
                "eventName": format!("GetObject{}", row % 5),
                "awsRegion": "eu-central-1",
                "sourceIPAddress": format!("198.51.100.{}", row % 250),
                "requestParameters": {"key": format!("{file}/{row}")},
                "eventID": format!("{file}-{row}"),
                "recipientAccountId": "123456789012",
            });
            if row == rows / 2 + 1 {
                event.as_object_mut().unwrap().remove("eventTime");
            }
            event
        })
        .collect();
    json!({ "Records": events }).to_string()
}

/// Lines of the user's own table. Every tenth is worth a finding, and two are none at all.
pub fn events(file: usize, rows: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        let level = if row % 10 == 3 { "alarm" } else { "info" };
        let event =
            json!({"time": time_of(row, rows), "level": level, "n": file * 10_000 + row, "who": "kim"});
        text.push_str(&event.to_string());
        text.push('\n');
        if row == rows / 3 {
            text.push_str("this is no JSON\n{\"level\": \"without a time\"}\n");
        }
    }
    text
}

/// One line of a web server's log; every tenth asks for a secret, and every fiftieth is no line of such a log.
pub fn access(row: usize, rows: usize) -> String {
    if row % 50 == 49 {
        return format!("upstream went away {row}\n");
    }
    let time = time_of(row, rows);
    let (day, clock) = (&time[8..10], &time[11..19]);
    let path = if row.is_multiple_of(10) { "/.env".to_owned() } else { format!("/page/{row}") };
    format!(
        "192.0.2.{} - - [{day}/Mar/2026:{clock} +0000] \"GET {path} HTTP/1.1\" 200 {row} \"-\" \"curl/8\"\n",
        row % 250
    )
}

/// The configuration over these logs, with a lake in the folder `lake`.
pub fn configuration(lake: &str) -> String {
    CONFIGURATION.replace("LAKE", lake)
}

const CONFIGURATION: &str = r#"
lake {
  path = "LAKE"
}

table "shop_event" {
  format = format.jsonl.default

  column "tp_timestamp" {
    source = "time"
  }
  column "level" {
    type = "varchar"
  }
  column "n" {
    type = "bigint"
  }
}

partition "aws_cloudtrail_log" "company" {
  source "file" {
    paths = ["logs/cloudtrail"]
  }
}

partition "shop_event" "shop" {
  source "file" {
    paths = ["logs/shop"]
  }
}

partition "nginx_access_log" "web" {
  source "file" {
    paths = ["logs/nginx"]
  }
}

detection "by_root" {
  table    = "aws_cloudtrail_log"
  severity = "high"
  where    = "user_identity.type = 'Root'"
  message  = "{event_name} from {source_ip_address}"
}

detection "shop_alarm" {
  table    = "shop_event"
  severity = "low"
  where    = "level = 'alarm'"
}

detection "search_for_secrets" {
  table    = "nginx_access_log"
  severity = "medium"
  where    = "request_uri = '/.env'"
}
"#;

/// The names of its detections.
pub const DETECTIONS: [&str; 3] = ["by_root", "shop_alarm", "search_for_secrets"];
