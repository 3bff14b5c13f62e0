//! Whole files and selections: what is read, what is refused, and how long a large rule set takes.
//!
//! The cases are data in `tests/sigma`; what comes out of them is in `snapshots`.

use std::fmt::Write as _;

use egret_config::Diagnostics;
use proptest::prelude::*;

use super::*;

mod documents;
mod folder;

/// What a site would have.
fn placeholders() -> Placeholders {
    let mut placeholders = Placeholders::new();
    placeholders.insert("Servers", ["srv*", "db.example"]);
    placeholders.insert("Administrators", ["alice", "bo?"]);
    placeholders.insert("Networks", ["10.0.0.0/8", "192.168.0.0/16"]);
    placeholders
}

fn parse(text: &str) -> SigmaFile {
    SigmaFile::parse("rule.yml", text, &placeholders())
}

/// A rule with `selection` as its only one.
fn rule_with(selection: &str) -> String {
    let mut text =
        "title: T\nlogsource: {product: test}\ndetection:\n  condition: selection\n  selection:\n".to_owned();
    selection.lines().for_each(|line| text += &format!("    {line}\n"));
    text
}

/// What is wrong or odd, one a line: the message, the place, and the hint.
fn said(diagnostics: Diagnostics) -> String {
    let mut text = String::new();
    for diagnostic in diagnostics {
        let place = diagnostic.location.as_ref().map_or("", |location| location.text());
        let hint = diagnostic.hint.as_deref().unwrap_or("-");
        let place = place.replace('\n', "⏎");
        writeln!(text, "   {:?}: {} [{place}] {hint}", diagnostic.level, diagnostic.message).unwrap();
    }
    text
}

/// What becomes of the only document in `text`.
fn outcome(text: &str) -> String {
    let document = parse(text).documents.pop().unwrap();
    match document.outcome {
        Ok(rule) => {
            let condition = rule.detection.condition;
            format!("   {}\n{}", ShownCondition(&condition), said(document.warnings))
        }
        Err(rejection) => said(rejection.diagnostics()),
    }
}

/// Every block of `cases`, with what `show` says of it below.
fn table(cases: &str, show: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    for block in cases.split("\n\n").skip(1) {
        let block = block.trim_end_matches('\n');
        write!(text, "{block}\n{}\n", show(block)).unwrap();
    }
    text
}

fn selection(block: &str) -> String {
    outcome(&rule_with(block)).replace("selection{", "{")
}

#[test]
fn every_modifier() {
    insta::assert_snapshot!(table(include_str!("../../tests/sigma/modifiers.txt"), selection));
}

#[test]
fn every_value() {
    insta::assert_snapshot!(table(include_str!("../../tests/sigma/values.txt"), selection));
}

#[test]
fn every_mistake_in_a_selection() {
    insta::assert_snapshot!(table(include_str!("../../tests/sigma/mistakes.txt"), selection));
}

#[test]
fn every_mistake_in_a_file() {
    let mut text = String::new();
    for case in include_str!("../../tests/sigma/files.txt").split("=== ").skip(1) {
        let (name, file) = case.split_once('\n').unwrap();
        writeln!(text, "=== {name}").unwrap();
        for document in parse(file).documents {
            match document.outcome {
                Ok(_) => text += &document.warnings.render(false),
                Err(rejection) => text += &rejection.diagnostics().render(false),
            }
        }
    }
    insta::assert_snapshot!(text);
}

/// What must take neither long nor much.
#[test]
fn what_a_file_becomes_is_bounded() {
    let too_large =
        |text: &str| assert!(outcome(text).contains("more than 100000 tests"), "{}", outcome(text));
    let dashes = "    - ' -a -b -c -d -e'\n".repeat(40);
    too_large(&rule_with(&format!("Image|windash:\n{dashes}")));
    let values: String = (0..2_000).map(|number| format!("    - v{number}\n")).collect();
    let text = rule_with(&format!("Image:\n{values}"));
    assert!(!outcome(&text).contains("Error"));
    let many = vec!["selection"; 51].join(" or ");
    too_large(&text.replace("condition: selection", &format!("condition: {many}")));
    let long = "x".repeat(500_000);
    too_large(&rule_with(&format!("Image|wide|base64offset|wide|base64offset: {long}")));
    let text = rule_with(&format!("Image|windash: '{long} -a -b -c -d'"));
    assert!(outcome(&text).contains("more than 33 values"), "{}", &outcome(&text)[..200]);
    let text = rule_with(&format!("Image|re: {}", "(".repeat(70_000)));
    assert!(outcome(&text).contains("longer than 64 KiB"));
    let text = rule_with("Image|wide|wide|wide: a");
    assert!(outcome(&text).contains("too often"), "{}", outcome(&text));
    let selections: String = (0..1_001).map(|number| format!("  s{number}: [k]\n")).collect();
    let text =
        format!("title: T\nlogsource: {{product: x}}\ndetection:\n  condition: 1 of them\n{selections}");
    assert!(outcome(&text).contains("more than 1000 selections"));
    let wrong: String = (0..1_000).map(|number| format!("A{number}|lt: x\n")).collect();
    assert_eq!(outcome(&rule_with(&wrong)).lines().count(), 100);
    let global = format!("action: global\nx: {}\n{}", "x".repeat(500_000), "---\ntitle: T\n".repeat(20));
    assert_eq!(
        outcome(&global),
        "   Error: `action` adds more than 4 MiB to the rules [title] split the file\n"
    );
    let name = "s".repeat(400_000);
    let text =
        rule_with(&format!("? {name}\n: k")).replace("condition: selection", &format!("condition: {name}"));
    assert!(outcome(&text).contains("there is no selection"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_is_a_crash(text in "([a-z]+:|[ ]{2}|- |\\PC|[\n\t'\"|>&*{}\\[\\]%\\\\-]){0,60}") {
        let file = parse(&text);
        for document in file.documents {
            if let Err(rejection) = document.outcome {
                rejection.diagnostics().render(false);
            }
        }
    }

    #[test]
    fn no_selection_is_a_crash(key in "[a-z]{0,2}(\\|(all|contains|re|i|wide|base64|base64offset|windash|cidr|lt|hour|expand|fieldref|neq|cased|exists|utf16|)){0,4}",
                               value in "\\PC{0,12}") {
        let quoted = value.replace('\'', "''");
        let text = rule_with(&format!("'{key}': '{quoted}'"));
        outcome(&text);
    }

    #[test]
    fn text_with_every_sign_escaped_is_itself(text in "[a-c*?\\\\é%]{0,12}") {
        let escaped = text.replace('\\', "\\\\").replace('*', "\\*").replace('?', "\\?");
        let document = parse(&rule_with(&format!("Image: '{escaped}'"))).documents.pop().unwrap();
        let rule = document.outcome.unwrap();
        let expected = egret_match::Condition::field("Image", egret_match::Test::Text(egret_match::TextPattern::equals(&text)));
        let egret_match::Condition::Named(_, condition) = rule.detection.condition else { panic!("not named") };
        prop_assert_eq!(*condition, expected);
    }
}
