//! States: generators run twice with a change in between, and what became of it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use egret_testkit::{KillPlan, kill_at_random_moments};
use serde_json::{Value, json};

use crate::place::{Place, Said};

/// Where the alerts of a place are delivered to.
const ALERTS: &str = "alerts.jsonl";

impl Place {
    /// With a lake, an output, a route to it, and this.
    fn configured(more: &str) -> Self {
        let place = Self::empty();
        place.configure(more);
        place
    }

    fn configure(&self, more: &str) {
        let basis = format!(
            "lake {{ path = \"lake\" }}\noutput \"file\" \"alerts\" {{ path = \"{ALERTS}\" }}\n\
             route {{ to = [output.file.alerts] }}\n"
        );
        self.folder.write("egret.hcl", basis + more);
    }

    /// Runs the generators; gives the report, which must be there.
    #[track_caller]
    fn run_states(&self, arguments: &[&str], code: i32) -> Value {
        let said = self.run(&[&["state", "run"], arguments].concat());
        assert_eq!(said.code, Some(code), "{said:?}");
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// What was delivered so far.
    fn delivered(&self) -> String {
        String::from_utf8(self.folder.read(ALERTS)).unwrap()
    }

    #[track_caller]
    fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let said: Said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    fn changes(&self, columns: &str) -> Vec<Value> {
        self.rows(&["query", &format!("select {columns} from change order by tp_timestamp, key, path")])
    }
}

/// By generator, how its run ended and how many changes it told.
fn outcomes(report: &Value) -> BTreeMap<String, (String, u64)> {
    let runs = report["generators"].as_array().unwrap();
    let outcome = |run: &Value| {
        let text = |name: &str| run[name].as_str().unwrap().to_owned();
        (text("generator"), (text("outcome"), run["changes"].as_u64().unwrap()))
    };
    runs.iter().map(outcome).collect()
}

const HOST: &str = r#"
generator "linux_users" "users" { root = "host" }
generator "suid_files" "suid" { paths = ["PLACE/programs"] }
generator "listening_ports" "ports" {}
detection "anything" {
  table    = "change"
  where    = "operation = 'add' and path = ''"
  severity = "high"
  message  = "{key}"
  alert { dedup = ["event->>'key'"] }
}
"#;

#[test]
fn what_became_different_on_the_host_is_told_and_nothing_else() {
    let place = Place::empty();
    let programs = place.folder.path().display().to_string();
    place.configure(&HOST.replace("PLACE", &programs));
    place.folder.write("host/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    place.folder.write("host/etc/group", "root:x:0:\n");
    let program = place.folder.write("programs/tool", "#!/bin/sh\n");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();

    let first = place.run_states(&[], 0);
    assert!(outcomes(&first).values().all(|outcome| *outcome == ("baseline".to_owned(), 0)), "{first}");
    assert_eq!(first["alerts"]["raised"], 0);

    place.folder.append("host/etc/passwd", "eve:x:1001:1001::/home/eve:/bin/bash\n");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o4755)).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = port.local_addr().map(|address| (address.port(), port)).unwrap();
    let second = place.run_states(&[], 0);
    let came = outcomes(&second);
    assert_eq!(came["users"], ("changed".to_owned(), 1));
    assert_eq!(came["suid"], ("changed".to_owned(), 1));
    assert_eq!(came["ports"].0, "changed");

    // Others on this machine open ports too.
    let told = place.changes("generator, operation, key, path, object_after->>'name' as name");
    let of = |generator: &str| -> Vec<&Value> {
        told.iter().filter(|change| change["generator"] == generator).collect()
    };
    assert_eq!(of("users").len(), 1, "{told:?}");
    assert_eq!((&of("users")[0]["operation"], &of("users")[0]["name"]), (&json!("add"), &json!("eve")));
    let suid = json!({"generator": "suid", "operation": "add", "key": program.display().to_string(), "path": "",
        "name": null});
    assert_eq!(of("suid"), [&suid]);
    let key = format!("tcp/127.0.0.1/{}", port.0);
    let is_ours = |change: &&&Value| change["key"] == key.as_str();
    let ports = of("ports");
    assert_eq!(ports.iter().filter(is_ours).count(), 1, "{told:?}");

    let delivered = place.delivered();
    for message in ["user/eve", program.to_str().unwrap(), key.as_str()] {
        assert!(delivered.contains(message), "{message} is not in {delivered}");
    }
    let third = place.run_states(&["users", "suid"], 0);
    assert!(outcomes(&third).values().all(|outcome| *outcome == ("unchanged".to_owned(), 0)), "{third}");
    assert_eq!(third["alerts"]["raised"], 0);
}

/// So many people.
fn people(count: usize) -> String {
    let people: Vec<Value> =
        (0..count).map(|number| json!({"name": format!("p{number}"), "role": "reader"})).collect();
    json!(people).to_string()
}

const PEOPLE: &str = "generator \"file\" \"people\" { paths = [\"people.json\"] }\n";

#[test]
fn a_state_that_shrinks_is_held_back_until_somebody_takes_it() {
    let place = Place::configured(PEOPLE);
    place.folder.write("people.json", people(10));
    place.run_states(&[], 0);
    place.folder.write("people.json", people(2));
    let held = place.run_states(&[], 1);
    assert_eq!(outcomes(&held)["people"], ("held_back".to_owned(), 0));
    assert!(
        held["generators"][0]["notes"][0]
            .as_str()
            .unwrap()
            .contains("suspicious: 2 objects came where 10 were")
    );
    assert!(place.changes("key").is_empty());
    assert_eq!(place.rows(&["state", "show", "people"]).len(), 10);
    let alerts = place.rows(&["alert", "list", "--status", "open"]);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0]["detection_id"], "egret.generator_held_back");
    assert!(place.delivered().contains("--accept"));

    let taken = place.run_states(&["people", "--accept"], 0);
    assert_eq!(outcomes(&taken)["people"], ("changed".to_owned(), 8));
    assert_eq!(place.rows(&["state", "show", "people"]).len(), 2);
    assert!(place.rows(&["alert", "list", "--status", "open"]).is_empty());
}

#[test]
fn one_that_fails_disturbs_no_other_and_is_told_until_it_works_again() {
    let more = r#"generator "exec" "broken" {
  command = ["cat", "here.json"]
  key     = ["id"]
  retries = 0
}
"#;
    let place = Place::configured(&format!("{PEOPLE}{more}"));
    place.folder.write("people.json", people(3));
    let report = place.run_states(&[], 1);
    let came = outcomes(&report);
    assert_eq!(came["people"], ("baseline".to_owned(), 0));
    assert_eq!(came["broken"], ("failed".to_owned(), 0));
    place.run_states(&[], 1);
    let alerts = place.rows(&["alert", "list", "--status", "open"]);
    assert_eq!((alerts.len(), &alerts[0]["count"]), (1, &json!(2)), "{alerts:?}");
    assert_eq!(alerts[0]["detection_id"], "egret.generator_failed");
    assert!(alerts[0]["message"].as_str().unwrap().contains("here.json"), "{alerts:?}");

    place.folder.write("here.json", r#"[{"id": 1}]"#);
    let report = place.run_states(&[], 0);
    assert_eq!(outcomes(&report)["broken"], ("baseline".to_owned(), 0));
    assert!(place.rows(&["alert", "list", "--status", "open"]).is_empty());
    let runs = place.rows(&["state", "list", "broken"]);
    let ended: Vec<&str> = runs.iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(ended, ["baseline", "failed", "failed"]);
}

#[test]
fn states_are_kept_by_time() {
    let place = Place::configured(PEOPLE);
    place.folder.write("people.json", people(2));
    let first = place.run_states(&[], 0);
    place.folder.write("people.json", people(3).replace("reader", "owner"));
    place.run_states(&[], 0);
    let then = first["generators"][0]["started_at"].as_str().unwrap();
    let before = place.rows(&["state", "show", "people", "--at", then]);
    assert_eq!(before.len(), 2);
    assert_eq!(before[0]["object"]["role"], "reader");
    let now = place.rows(&["state", "show", "file", "--key", "p2"]);
    assert_eq!(now.len(), 1);
    assert_eq!(now[0]["object"], json!({"name": "p2", "role": "owner"}));

    let said = place.run(&["state", "show", "people", "--at", "2001-01-01"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("no state of people from 2001-01-01T00:00:00Z or before"), "{said:?}");
    let said = place.run(&["state", "show", "poeple"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("did you mean `people`?"), "{said:?}");
}

#[test]
fn what_became_different_is_shown_in_four_forms() {
    let place = Place::configured(PEOPLE);
    place.folder.write("people.json", people(3));
    let first = place.run_states(&[], 0);
    place.folder.write("people.json", people(3).replace(r#""p1","role":"reader""#, r#""p1","role":"owner""#));
    place.run_states(&[], 0);
    // What is the same again is not another state.
    place.run_states(&[], 0);
    let show = |arguments: &[&str]| {
        let said = place.run(&[&["state", "diff", "people"], arguments].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout
    };
    let unified = show(&[]);
    assert!(unified.contains("-  \"role\": \"reader\""), "{unified}");
    assert!(unified.contains("+  \"role\": \"owner\""), "{unified}");
    assert!(!unified.contains("p2") && !unified.contains('\u{1b}'), "{unified}");
    let coloured = show(&["--color", "always"]);
    assert!(coloured.contains("\u{1b}[31m-"), "{coloured}");
    for form in ["operations", "tree"] {
        let text = show(&["--format", form]);
        assert!(text.contains("role") && text.contains("owner") && !text.contains("p2"), "{text}");
    }
    let patched: Value = serde_json::from_str(&show(&["--format", "patch"])).unwrap();
    assert_eq!(patched["patch"], json!([{"op": "replace", "path": "/role", "value": "owner"}]));
    assert_eq!(patched["key"], "p1");

    let then = first["generators"][0]["started_at"].as_str().unwrap();
    assert_eq!(show(&["--from", then]), unified);
    assert_eq!(show(&["--key", "p2"]), "");
    // Forth and back is nothing together, and two changes one by one.
    place.folder.write("people.json", people(3));
    place.run_states(&[], 0);
    assert_eq!(show(&["--from", then]), "");
    let each = show(&["--from", then, "--each", "--format", "operations"]);
    let told: Vec<&str> = each.lines().filter(|line| line.contains("role")).collect();
    assert_eq!(told.len(), 2, "{each}");
    assert!(
        told[0].ends_with("\"reader\" -> \"owner\"") && told[1].ends_with("\"owner\" -> \"reader\""),
        "{each}"
    );

    let said = place.run(&["state", "diff", "people", "--to", then]);
    assert!(said.stderr.contains("no other state before"), "{said:?}");
}

#[test]
fn only_what_is_due_runs() {
    let place = Place::configured(PEOPLE);
    place.folder.write("people.json", people(2));
    let runs = |report: &Value| report["generators"].as_array().unwrap().len();
    assert_eq!(runs(&place.run_states(&["--due"], 0)), 1);
    assert_eq!(runs(&place.run_states(&["--due"], 0)), 0);
    assert_eq!(runs(&place.run_states(&[], 0)), 1);
}

#[test]
fn who_watches_sees_each_change_until_asked_to_stop() {
    let place = Place::configured(
        "generator \"file\" \"people\" {\n paths = [\"people.json\"]\n every = \"1s\"\n jitter = \"0s\"\n}\n\
         detection \"any\" {\n table = \"change\"\n where = \"true\"\n}\n",
    );
    place.folder.write("people.json", people(2));
    let mut watching = place.egret(&["state", "run", "--watch"]).stdout(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut runs = said.map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
    assert_eq!(runs.next().unwrap()["outcome"], "baseline");
    assert_eq!(runs.next().unwrap()["outcome"], "unchanged");
    place.folder.write("new.json", people(3));
    std::fs::rename(place.folder.join("new.json"), place.folder.join("people.json")).unwrap();
    let changed = runs.find(|run| run["outcome"] != "unchanged").unwrap();
    assert_eq!((&changed["outcome"], &changed["findings"]), (&json!("changed"), &json!(1)), "{changed}");
    // Alerts of a run are delivered before the next one is told.
    assert_eq!(runs.next().unwrap()["outcome"], "unchanged");
    assert_eq!(place.delivered().lines().count(), 1);
    let stopped = Command::new("kill").arg(watching.id().to_string()).status().unwrap();
    assert!(stopped.success());
    assert_eq!(watching.wait().unwrap().code(), Some(130));
}

#[test]
fn who_is_stopped_leaves_nothing_and_nobody_runs_a_generator_twice_at_once() {
    let place = Place::configured(
        "generator \"exec\" \"slow\" { command = [\"sh\", \"-c\", \"touch begun; sleep 60\"] }\n",
    );
    let mut running = place.egret(&["state", "run"]).spawn().unwrap();
    while !place.folder.join("begun").exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let other = place.run(&["state", "run"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("is being collected by another process"), "{other:?}");
    assert!(Command::new("kill").arg(running.id().to_string()).status().unwrap().success());
    assert_eq!(running.wait().unwrap().code(), Some(130));
    let listed = place.rows(&["state", "list"]);
    assert_eq!((listed.len(), &listed[0]["outcome"]), (1, &Value::Null), "{listed:?}");
    assert!(place.rows(&["alert", "list"]).is_empty());
}

/// What a statement does to a database of the lake's folder, as if time had passed.
fn alter(place: &Place, database: &str, statement: &str) {
    let python = std::env::var("EGRET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as c: print(c.execute(sys.argv[2]).fetchall())";
    let path = place.folder.join("lake").join(database);
    let done = Command::new(python).args(["-c", program]).arg(path).arg(statement).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn old_states_are_swept_and_the_one_that_counts_never_is() {
    let place = Place::configured(PEOPLE);
    for count in [400, 500, 600] {
        place.folder.write("people.json", people(count));
        place.run_states(&[], 0);
    }
    let runs = || place.rows(&["state", "list", "people"]).len();
    assert_eq!(runs(), 3);
    let year = 365_i64 * 24 * 3600 * 1_000_000;
    let age = || {
        alter(&place, "state.sqlite", &format!("update run set started_at = started_at - {year}"));
        alter(&place, "state.sqlite", "update blob set wanted_at = 0");
        alter(&place, "store.sqlite", "delete from position where name = 'state_sweep'");
    };
    age();
    // The lake still knows when the last one was. Of those of a year ago the newest stays, for `--at` of that time.
    place.run_states(&[], 0);
    assert_eq!(runs(), 3);
    assert_eq!(place.rows(&["state", "show", "people"]).len(), 600);

    // A process that died before it noted its run leaves it to the lake to say which state counts.
    alter(&place, "state.sqlite", "delete from run");
    age();
    place.configure(&PEOPLE.replace("\"people\"", "\"others\""));
    place.run_states(&[], 0);
    place.configure(PEOPLE);
    place.folder.write("people.json", people(601));
    let after = place.run_states(&[], 0);
    assert_eq!(outcomes(&after)["people"], ("changed".to_owned(), 1));
}

#[test]
fn the_rows_of_a_query_are_a_state() {
    let place = Place::configured(
        r#"
        table "login" {
          format = format.jsonl.default
          column "tp_timestamp" { source = "time" }
          column "who" { type = "varchar" }
          column "address" { type = "varchar" }
        }
        partition "login" "all" {
          source "file" { paths = ["logs"] }
        }
        generator "lake" "addresses" {
          query = "select distinct who, address from login"
          key   = ["who", "address"]
        }
        "#,
    );
    let login = |who: &str, address: &str| {
        json!({"time": "2026-03-01T10:00:00Z", "who": who, "address": address}).to_string() + "\n"
    };
    // Nothing was collected yet: no rows, and no mistake.
    let report = place.run_states(&[], 0);
    assert_eq!(outcomes(&report)["addresses"], ("baseline".to_owned(), 0));
    place.folder.write("logs/one.jsonl", login("ada", "198.51.100.1") + &login("ada", "198.51.100.1"));
    assert_eq!(place.run(&["collect"]).code, Some(0));
    let report = place.run_states(&[], 0);
    assert_eq!(outcomes(&report)["addresses"], ("changed".to_owned(), 1));
    assert_eq!(place.changes("operation, key"), [json!({"operation": "add", "key": "ada/198.51.100.1"})]);
}

#[test]
fn mistakes_are_said_before_anything_runs() {
    let place = Place::configured("generator \"fil\" \"people\" { paths = [\"people.json\"] }\n");
    let said = place.run(&["state", "run"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("did you mean `file`?"), "{said:?}");
    let place = Place::configured("");
    let said = place.run(&["state", "run"]);
    assert!(said.stderr.contains("no generator"), "{said:?}");
}

/// Rows of changes, put after each other on the first state, are the last state: none is lost and none is there twice,
/// whenever the process was killed.
#[test]
fn a_killed_run_loses_no_change_and_tells_none_twice() {
    const KILLS: u32 = 20;
    let place = Place::configured(&format!(
        "{PEOPLE}detection \"any\" {{\n table = \"change\"\n where = \"true\"\n}}\n"
    ));
    let state = |process: u32| -> BTreeMap<String, String> {
        let role = |number: u32| format!("r{}", if number % 7 == process % 7 { process } else { 0 });
        (process..process + 500).map(|number| (format!("p{number}"), role(number))).collect()
    };
    let write = |process: u32| {
        let people: Vec<Value> =
            state(process).iter().map(|(name, role)| json!({"name": name, "role": role})).collect();
        place.folder.write("people.json", json!(people).to_string());
    };
    write(0);
    place.run_states(&[], 0);
    let lake = place.folder.join("lake");
    let plan =
        KillPlan { longest_life: Duration::from_millis(400), watch: Some(lake), ..KillPlan::new(KILLS, 7) };
    let mut last = 0;
    let report = kill_at_random_moments(
        |process| {
            last = process;
            write(process);
            place.egret(&["state", "run", "--no-deliver"])
        },
        &plan,
    )
    .unwrap();
    assert!(report.killed * 2 > KILLS, "only {} were killed before they were done", report.killed);
    place.run_states(&[], 0);

    let mut replayed = state(0);
    for change in place.rows(&[
        "query",
        "select operation, key, path, before, after, object_after->>'role' as role from change order by run, key",
    ]) {
        let key = change["key"].as_str().unwrap().to_owned();
        match change["operation"].as_str().unwrap() {
            "add" => {
                let role = change["role"].as_str().unwrap().to_owned();
                assert_eq!(replayed.insert(key, role), None, "{change}");
            }
            "remove" => assert!(replayed.remove(&key).is_some(), "{change}"),
            _ => {
                let value = |name: &str| -> String {
                    serde_json::from_str(change[name].as_str().unwrap()).unwrap()
                };
                assert_eq!(replayed.insert(key, value("after")), Some(value("before")), "{change}");
            }
        }
    }
    assert_eq!(replayed, state(last));
    let counts = place.rows(&[
        "query",
        "select (select count(*) from change) as rows, (select count(*) from finding) as findings",
    ]);
    assert_eq!(counts[0]["rows"], counts[0]["findings"]);
}
