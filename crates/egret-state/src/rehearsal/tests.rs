//! States that are compared.

use serde_json::json;

use super::*;

fn now() -> Timestamp {
    Timestamp::parse("2026-04-01T00:00:00Z").unwrap()
}

#[test]
fn what_is_told_is_what_a_run_would_tell() {
    let rehearsal = Rehearsal::new().unwrap();
    let module =
        |name: &str, state: &str| json!({"name": name, "size": 1, "state": state, "used_by": ["b", "a"]});
    let before = [module("one", "Live"), module("two", "Live")];
    let after = [module("two", "Unloading"), module("three", "Live")];
    let told = rehearsal.changes("kernel_modules", None, &before, &after, now()).unwrap();
    assert_eq!(told.channel, "host.kernel_modules");
    let lines = told.lines.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let mut told: Vec<Json> = lines.collect();
    told.sort_by_key(|line| line["key"].to_string());
    let [one, three, two] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((&one["operation"], &one["key"]), (&json!("remove"), &json!("one")));
    assert_eq!((&three["operation"], &three["first_seen"]), (&json!("add"), &json!("2026-04-01T00:00:00Z")));
    assert_eq!(
        (&two["path"], &two["before"], &two["after"]),
        (&json!("/state"), &json!("Live"), &json!("Unloading"))
    );
    assert_eq!(two["first_seen"], "2026-03-31T23:00:00Z");
    // Nothing of one comparison is left for the next.
    let again = rehearsal.changes("kernel_modules", Some("other"), &after, &after, now()).unwrap();
    assert_eq!(again, Rehearsed { channel: "other".into(), lines: String::new() });
}

#[test]
fn an_unknown_type_is_told() {
    let error = Rehearsal::new().unwrap().changes("aws_iamm", None, &[], &[], now()).unwrap_err();
    assert_eq!(error.to_string(), "there is no generator type `aws_iamm`; did you mean `aws_iam`?");
}
