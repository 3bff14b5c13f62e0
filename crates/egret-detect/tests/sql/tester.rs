//! What the rule tester says of cases that pass, fail and cannot be run.

use egret_detect::{ChangeRecords, RuleTester, States, TestSummary};
use egret_model::Clock;
use serde_json::json;

use super::{FixedClock, compiler, load};

/// Finds that each document of `after` was added, and is told the channel by the test, or `given`.
fn everything_is_new(states: &States) -> Result<ChangeRecords, String> {
    if states.generator != "things" {
        return Err(format!("there is no generator type `{}`", states.generator));
    }
    let lines = states.after.iter().map(|document| {
        let line = json!({
            "time": "2026-03-17T09:00:00Z", "operation": "add", "key": document["id"], "path": "", "path_text": "",
            "after": document, "object_after": document,
        });
        format!("{line}\n")
    });
    let channel = states.channel.clone().unwrap_or_else(|| "given".to_owned());
    Ok(ChangeRecords { table: "change".to_owned(), channel, lines: lines.collect() })
}

/// The results of all cases in `text`, one JSON object a line, and the summary last.
fn run(text: &str) -> String {
    let (tables, definitions) = load(text);
    let compiler = compiler();
    let tester = RuleTester::new(&tables, &|_, _| None, &compiler, FixedClock.now());
    let mut tester = tester.with_states(&everything_is_new);
    let mut summary = TestSummary::default();
    let mut lines = Vec::new();
    for definition in &definitions {
        let results = tester.run(definition);
        summary.add(&results);
        lines.extend(results.iter().map(|result| serde_json::to_string(result).unwrap()));
    }
    lines.push(serde_json::to_string(&summary).unwrap());
    lines.join("\n")
}

#[test]
fn cases_are_decided_by_the_way_of_a_record() {
    let text = r#"
detection "root_login" {
  table   = "linux_auth_log"
  where   = "event_type = 'login' and \"user\" = 'root'"
  message = "root from {source_ip}"

  test "passes" {
    expect  = true
    record  = "Mar 17 09:14:05 web-1 sshd[2017]: Accepted password for root from 203.0.113.66 port 55718 ssh2"
    message = "root from 203.0.113.66"
  }
  test "should have matched" {
    expect = true
    record = "Mar 17 09:14:05 web-1 sshd[2017]: Failed password for root from 203.0.113.66 port 55718 ssh2"
  }
  test "should not have matched" {
    expect = false
    record = "Mar 17 09:14:05 web-1 sshd[2017]: Accepted password for root from 203.0.113.66 port 55718 ssh2"
  }
  test "says something else" {
    expect  = true
    record  = "Mar 17 09:14:05 web-1 sshd[2017]: Accepted password for root from 203.0.113.66 port 55718 ssh2"
    message = "root from afar"
  }
  test "columns" {
    expect = true
    row    = { event_type = "login", user = "root" }
  }
  test "an unknown column" {
    expect = true
    row    = { event_typ = "login" }
  }
  test "columns of the wrong type" {
    expect = true
    row    = { pid = "many" }
  }
  test "no record" {
    expect = false
    record = ""
  }
}

detection "json" {
  table = "aws_cloudtrail_log"
  where = "request_parameters->>'userName' = 'ben' and user_identity.type = 'IAMUser'"

  test "passes" {
    expect = true
    event  = {
      eventTime         = "2026-03-17T09:00:00Z"
      requestParameters = { userName = "ben" }
      userIdentity      = { type = "IAMUser" }
    }
  }
  test "as columns" {
    expect = true
    row    = { request_parameters = { userName = "ben" }, user_identity = { type = "IAMUser" } }
  }
  test "no time" {
    expect = true
    event  = { eventName = "x" }
  }
}

detection "disabled" {
  table   = "aws_cloudtrail_log"
  where   = "event_name = 'x'"
  enabled = false

  test "not asked" {
    expect = true
    row    = { event_name = "x" }
  }
}
"#;
    insta::assert_snapshot!(run(text));
}

#[test]
fn states_are_decided_by_their_changes() {
    let text = r#"
detection "new_things" {
  table   = "change"
  channel = "given.**"
  where   = "operation = 'add' and object_after->>'color' = 'red'"
  message = "{key} is new"

  test "passes" {
    expect    = true
    generator = "things"
    after     = [{ id = "a", color = "red" }, { id = "b", color = "blue" }, { id = "c", color = "red" }]
    count     = 2
    keys      = ["c", "a"]
    message   = "c is new"
  }
  test "another number" {
    expect    = true
    generator = "things"
    after     = [{ id = "a", color = "red" }, { id = "c", color = "red" }]
    count     = 1
  }
  test "other keys" {
    expect    = true
    generator = "things"
    after     = [{ id = "a", color = "red" }]
    keys      = ["b"]
  }
  test "must not match" {
    expect    = false
    generator = "things"
    after     = [{ id = "a", color = "red" }]
  }
  test "the same state" {
    expect    = false
    generator = "things"
    before    = [{ id = "a" }]
  }
  test "another channel" {
    expect    = false
    generator = "things"
    channel   = "elsewhere"
    after     = [{ id = "a" }]
  }
  test "no such generator" {
    expect    = false
    generator = "thing"
  }
  test "columns, without a generator" {
    expect = true
    row    = { operation = "add", object_after = { color = "red" } }
    count  = 1
  }
}
"#;
    insta::assert_snapshot!(run(text));
}

#[test]
fn what_cannot_be_asked_says_why() {
    let text = r#"
table "note" {
  channel = "app.note"
  column "tp_timestamp" { source = "time" }
  column "text" { type = "varchar" }
}

table "memo" {
  channel = "app.memo"
  column "tp_timestamp" { source = "time" }
  column "text" { type = "varchar" }
}

detection "unknown_table" {
  table = "nots"
  where = "text = 'x'"
  test "t" {
    expect = true
    row    = { text = "x" }
  }
}

detection "on_a_channel" {
  channel = "app.*"
  where   = "text = 'x'"
  test "of several" {
    expect = true
    row    = { text = "x" }
  }
  test "of one" {
    expect = true
    table  = "memo"
    row    = { text = "x" }
  }
  test "of another" {
    expect = true
    table  = "aws_cloudtrail_log"
    row    = { event_name = "x" }
  }
}

detection "nowhere" {
  channel = "nothing.*"
  where   = "text = 'x'"
  test "t" {
    expect = true
    row    = { text = "x" }
  }
}

detection "no_format" {
  table = "note"
  where = "text = 'x'"
  test "t" {
    expect = true
    record = "x"
  }
}
"#;
    insta::assert_snapshot!(run(text));
}

/// The words of the SQL engine are not pinned here.
#[test]
fn sql_that_is_wrong_says_where_and_what_it_saw() {
    let text = r#"
table "note" {
  column "tp_timestamp" { source = "time" }
  column "text" { type = "varchar" }
}

detection "does_not_compile" {
  table = "note"
  where = "txt = 'x'"
  test "t" {
    expect = true
    row    = { text = "x" }
  }
}

detection "fails" {
  table = "note"
  where = "cast(text as integer) = 1"
  test "t" {
    expect = false
    row    = { text = "x" }
  }
}
"#;
    let results = run(text);
    let [compile, fails, summary] = results.lines().collect::<Vec<_>>()[..] else { panic!("{results}") };
    assert!(compile.contains("rules.hcl:9:12: ") && compile.contains("did you mean `text`?"), "{compile}");
    assert!(
        fails.contains("`cast(text as integer) = 1`: ") && fails.contains(r#"it saw text = \"x\""#),
        "{fails}"
    );
    assert!(summary.contains(r#""errored":2"#), "{summary}");
}
