//! What is wrong with blocks about alerts is shown at its place, with a hint.

use std::sync::Arc;

use egret_model::Timestamp;
use egret_testkit::FakeClock;

use crate::support::settings_of;

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let clock = Arc::new(FakeClock::new(Timestamp::from_seconds(0)));
    let output = "output \"file\" \"all\" {\n path = \"x\"\n}\n";
    for (text, expected) in [
        (
            "route { to = [output.file.al] }",
            ["there is no output `output.file.al`", "did you mean `output.file.all`?"],
        ),
        (
            "route {\n severity = \"=> high\"\n to = [output.file.all]\n}",
            ["`=>` compares nothing", "write >=, >, <=, < or ="],
        ),
        (
            "route {\n where = \"sevrity = 'high'\"\n to = [output.file.all]\n}",
            ["sevrity", "did you mean `severity`?"],
        ),
        ("suppress \"x\" { reason = \"y\" }", ["says of no finding that it is meant", "channel = \"*\""]),
        (
            "suppress \"x\" {\n channel = \"*\"\n until = \"soon\"\n reason = \"y\"\n}",
            ["`soon` is not a time", "2026-12-24"],
        ),
        ("suppress \"x\" { channel = \"*\" }", ["needs the attribute `reason`", "egret.hcl:4:1"]),
        ("alerts { dedup = [\"nothing\"] }", ["nothing", "egret.hcl:4"]),
        ("alerts { threshold = 0 }", ["at least 1", "egret.hcl:4"]),
        ("alerts { keep = \"1d\" }", ["`keep` is at least 7d", "egret.hcl:4"]),
        // One mistake hides no other.
        ("alerts {\n threshold = 0\n dedup = [\"nothing\"]\n}", ["at least 1", "nothing"]),
        ("staging { digest_at = \"noon\" }", ["`noon` is no time of day", "02:30"]),
        (
            "detection \"d\" {\n table = \"t\"\n where = \"true\"\n alert { outputs = [output.slack.soc] }\n}",
            ["there is no output `output.slack.soc`", "output.file.all"],
        ),
    ] {
        let (_, _, mistakes) = settings_of(&format!("{output}{text}"), std::path::Path::new("/"), &clock);
        for part in expected {
            assert!(mistakes.contains(part), "{text}\n{mistakes}");
        }
    }
}

/// An output with a mistake is there: nobody is told that it is not.
#[test]
fn a_mistake_is_told_once() {
    let clock = Arc::new(FakeClock::new(Timestamp::from_seconds(0)));
    let text = "output \"file\" \"all\" {\n pth = \"x\"\n}\nroute { to = [output.file.all] }";
    let (_, _, mistakes) = settings_of(text, std::path::Path::new("/"), &clock);
    assert!(
        mistakes.contains("has no attribute `pth`") && !mistakes.contains("there is no output"),
        "{mistakes}"
    );
}
