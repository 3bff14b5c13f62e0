//! Lookups: what a finding writes in one run, detections, queries and hunts read in the next.

use serde_json::{Value, json};

use crate::place::{Place, Said};

impl Place {
    /// What a command shows, one object a line.
    #[track_caller]
    fn shown(&self, arguments: &[&str]) -> Vec<Value> {
        let said: Said = self.run(&[arguments, &["-o", "ndjson"]].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs `command`, and gives the messages of the findings that were not there before it.
    #[track_caller]
    fn new_findings(&self, command: &[&str]) -> Vec<String> {
        let messages = || -> Vec<String> {
            let rows = self.shown(&["query", "select message from finding order by tp_timestamp, message"]);
            rows.iter().map(|row| row["message"].as_str().unwrap().to_owned()).collect()
        };
        let mut before = messages();
        let said = self.run(command);
        assert_eq!(said.code, Some(0), "{said:?}");
        let mut new = messages();
        new.retain(|message| match before.iter().position(|known| known == message) {
            Some(at) => {
                before.remove(at);
                false
            }
            None => true,
        });
        new
    }

    /// The people that the generator sees.
    fn people(&self, names: &[&str]) {
        let people: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
        self.folder.write("people.json", json!(people).to_string());
    }
}

const ADMINS: &str = r#"
lake { path = "lake" }
generator "file" "people" { paths = ["people.json"] }
lookup "known_admins" {
  keep   = "90d"
  values = { PREFIXada = "head of IT" }
}
detection "new_admin" {
  table    = "change"
  where    = "operation = 'add' and path = '' and lookup('known_admins', key) is null"
  severity = "high"
  message  = "{key} is new"
  remember {
    lookup = lookup.known_admins
    key    = "event ->> 'key'"
    value  = "message"
  }
}
"#;

#[test]
fn what_a_detection_told_once_it_never_tells_again() {
    let place = Place::empty();
    place.folder.write("egret.hcl", ADMINS.replace("PREFIX", ""));
    place.people(&["bob"]);
    assert!(place.new_findings(&["state", "run"]).is_empty());
    // The key of an object is the generator's to say.
    let key = place.shown(&["state", "show", "people"])[0]["key"].as_str().unwrap().to_owned();
    let prefix = key.strip_suffix("bob").unwrap();
    place.folder.write("egret.hcl", ADMINS.replace("PREFIX", prefix));

    place.people(&["bob", "ada", "eve"]);
    assert_eq!(place.new_findings(&["state", "run"]), [format!("{prefix}eve is new")]);
    place.people(&["bob"]);
    assert!(place.new_findings(&["state", "run", "people", "--accept"]).is_empty());
    place.people(&["bob", "ada", "eve", "joe"]);
    assert_eq!(place.new_findings(&["state", "run"]), [format!("{prefix}joe is new")]);

    let entries = place.shown(&["lookup", "show", "known_admins"]);
    let told: Vec<_> =
        entries.iter().map(|entry| (&entry["key"], &entry["value"], &entry["source"])).collect();
    let of = |name: &str| json!(format!("{prefix}{name}"));
    assert_eq!(
        told,
        [
            (&of("ada"), &json!("head of IT"), &json!("configuration")),
            (&of("eve"), &of("eve is new"), &json!("remembered")),
            (&of("joe"), &of("joe is new"), &json!("remembered")),
        ]
    );
    // Whoever is forgotten is news again.
    place.people(&["bob"]);
    place.new_findings(&["state", "run", "people", "--accept"]);
    let said = place.run(&["lookup", "forget", "known_admins", of("eve").as_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    place.people(&["bob", "ada", "eve", "joe"]);
    assert_eq!(place.new_findings(&["state", "run"]), [format!("{prefix}eve is new")]);
}

const VISITORS: &str = r#"
lake { path = "lake" }
partition "nginx_access_log" "web" {
  source "file" { paths = ["logs"] }
}
lookup "seen" {}
lookup "offices" { values = { "192.0.2.9" = "Berlin" } }
detection "new_visitor" {
  table   = "nginx_access_log"
  where   = "lookup('seen', remote_addr) is null and lookup('offices', remote_addr) is null"
  message = "{remote_addr}"
  remember {
    lookup = "seen"
    key    = "event ->> 'remote_addr'"
  }
}
"#;

fn request(host: u8, minute: u8) -> String {
    format!(
        "192.0.2.{host} - - [18/Mar/2026:10:{minute:02}:00 +0000] \"GET / HTTP/1.1\" 200 7 \"-\" \"curl/8\"\n"
    )
}

#[test]
fn logs_queries_hunts_and_people_share_a_lookup() {
    let place = Place::empty();
    place.folder.write("egret.hcl", VISITORS);
    place.folder.write("logs/access.log", request(1, 0) + &request(9, 1));
    assert_eq!(place.new_findings(&["collect"]), ["192.0.2.1"]);
    place.folder.append("logs/access.log", request(1, 2) + &request(2, 3));
    assert_eq!(place.new_findings(&["collect"]), ["192.0.2.2"]);
    let said = place.run(&["lookup", "set", "seen", "192.0.2.3", "a friend", "--by", "ada"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    place.folder.append("logs/access.log", request(3, 4) + &request(4, 5) + &request(2, 6));
    assert_eq!(place.new_findings(&["collect"]), ["192.0.2.4"]);

    let names = "select remote_addr, coalesce(lookup('seen', remote_addr), lookup('offices', remote_addr)) as known \
                 from nginx_access_log group by all order by 1";
    let known = place.shown(&["query", names]);
    let known: Vec<&Value> = known.iter().map(|row| &row["known"]).collect();
    assert_eq!(
        known,
        ["2026-03-18T10:00:00Z", "2026-03-18T10:03:00Z", "a friend", "2026-03-18T10:05:00Z", "Berlin"]
    );
    let view = "select name, key, source, at is null as is_timeless from lookup where key like '%9' or value = 'a friend' \
                order by key";
    assert_eq!(
        place.shown(&["query", view]),
        [
            json!({"name": "seen", "key": "192.0.2.3", "source": "remembered", "is_timeless": false}),
            json!({"name": "offices", "key": "192.0.2.9", "source": "configuration", "is_timeless": true}),
        ]
    );
    // A hunt sees what is known, and changes nothing of it.
    assert!(place.shown(&["hunt", "new_visitor", "--save"]).is_empty());
    for host in [1, 2, 4] {
        let said = place.run(&["lookup", "forget", "seen", &format!("192.0.2.{host}")]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    assert_eq!(place.shown(&["hunt", "new_visitor", "--save"]).len(), 5);
    assert!(place.new_findings(&["collect"]).is_empty());
    let list = place.shown(&["lookup", "list"]);
    assert_eq!((&list[0]["name"], &list[0]["remembered"]), (&json!("seen"), &json!(1)), "{list:?}");
}

#[test]
fn mistakes_have_hints() {
    let place = Place::empty();
    place.folder.write("egret.hcl", VISITORS);
    place.folder.write("logs/access.log", request(1, 0));
    let long = "x".repeat(1025);
    for (arguments, expected) in [
        (vec!["lookup", "show", "sen"], ["there is no lookup `sen`", "did you mean `seen`?"]),
        (
            vec!["lookup", "forget", "seen", "192.0.2.1"],
            ["does not remember `192.0.2.1`", "lookup show seen"],
        ),
        (vec!["lookup", "set", "offices", "192.0.2.9", "Bonn"], ["which always wins", "egret.hcl:7"]),
        (vec!["lookup", "set", "seen", &long, ""], ["the key has 1025 bytes", "may have 1024"]),
        (vec!["query", "select lookup('sen', 'x')"], ["there is no lookup `sen`", "did you mean `seen`?"]),
    ] {
        let said = place.run(&arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        for part in expected {
            assert!(said.stderr.contains(part), "{part} is not in {said:?}");
        }
    }
    place.folder.write(
        "egret.hcl",
        VISITORS.replace("lookup('seen'", "lookup('sene'").replace("lookup = \"seen\"", "lookup = \"ssen\""),
    );
    let said = place.run(&["config", "check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for part in
        ["there is no lookup `sene`", "there is no lookup `ssen`", "did you mean `seen`?", "2 mistakes"]
    {
        assert!(said.stderr.contains(part), "{part} is not in {}", said.stderr);
    }
    place.folder.write("egret.hcl", "lookup \"unused\" {}\n");
    let said = place.run(&["config", "check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("1 lookup"), "{said:?}");
}
