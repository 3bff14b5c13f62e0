//! Detections over changes of state: checked, tested with states; and built-in ones that are switched on.

use serde_json::Value;

use crate::place::{Place, Said};

const ANALYZER: &str = r#"
detection "database_for_everybody" {
  table   = "change"
  channel = "host.listening_ports.**"
  where   = "operation = 'add' and object_after->>'address' = '0.0.0.0'"
  message = "port {object_after.port} is open"

  test "a database that was meant for this host" {
    expect    = true
    generator = "listening_ports"
    before    = [{ protocol = "tcp", address = "127.0.0.1", port = 5432, programs = [] }]
    after     = [{ protocol = "tcp", address = "0.0.0.0", port = 5432, programs = [] }]
    count     = 1
    keys      = ["tcp/0.0.0.0/5432"]
    message   = "port 5432 is open"
  }
  test "the same, which has another program" {
    expect    = false
    generator = "listening_ports"
    before    = [{ protocol = "tcp", address = "0.0.0.0", port = 5432, programs = [] }]
    after     = [{ protocol = "tcp", address = "0.0.0.0", port = 5432, programs = null }]
  }
}
"#;

fn lines(said: &Said) -> Vec<Value> {
    said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn states_are_compared_as_a_run_does() {
    let place = Place::empty();
    place.folder.write("egret.hcl", ANALYZER);
    let said = place.run(&["test", "-o", "ndjson"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(lines(&said)[0]["passed"], 2, "{said:?}");
    place.folder.write(
        "egret.hcl",
        ANALYZER.replace("listening_ports\"\n    before", "listening_port\"\n    before"),
    );
    let said = place.run(&["test", "-o", "ndjson"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("did you mean `listening_ports`?"), "{said:?}");
}

#[test]
fn a_channel_that_nothing_has_is_told() {
    let place = Place::empty();
    place.folder.write("egret.hcl", ANALYZER.replace("listening_ports.**", "listenning_ports"));
    let said = place.run(&["config", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("no rows of table `change` are on this channel"), "{said:?}");
    assert!(said.stderr.contains("did you mean `host.listening_ports`?"), "{said:?}");
    // Whatever the channel, the table has its columns.
    place.folder.write("egret.hcl", ANALYZER.replace("operation =", "operaton ="));
    let said = place.run(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("did you mean `operation`?"), "{said:?}");
}

#[test]
fn built_in_detections_run_once_they_are_switched_on() {
    let place = Place::empty();
    let rules = "rules \"ours\" {\n  built_in = [\"change/aws_iam\", \"web_*\"]\n  level = \"high\"\n}\n";
    place.folder.write("egret.hcl", rules);
    let said = place.run(&["rule", "list", "-o", "ndjson"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let listed = lines(&said);
    assert!(listed.iter().all(|rule| rule["from"] == "built-in"), "{said:?}");
    let state = |id: &str| listed.iter().find(|rule| rule["id"] == id).map(|rule| rule["state"].clone());
    assert_eq!(state("aws_iam_root_access_key_present"), Some("enabled".into()));
    assert_eq!(state("aws_iam_user_added"), Some("disabled".into()));
    assert_eq!(state("aws_s3_bucket_public"), None);
    let said = place.run(&["config", "check"]);
    assert!(said.code == Some(0) && !said.stderr.contains("warning"), "{said:?}");
    // Their own tests come along, and those of rules that do not run are skipped.
    let said = place.run(&["test", "-o", "ndjson"]);
    let summary = lines(&said).pop().unwrap();
    assert!(said.code == Some(0) && summary["passed"].as_u64() > Some(40), "{said:?}");
    place.folder.write("egret.hcl", rules.replace("web_*", "webs_*"));
    let said = place.run(&["config", "check"]);
    assert!(said.code == Some(0) && said.stderr.contains("no built-in detection is called"), "{said:?}");
}
