//! What every built-in detection must have, beside deciding its tests as said.

use std::collections::BTreeSet;

use super::*;
use crate::definition::Target;

#[test]
fn every_detection_is_complete() {
    let mut diagnostics = Diagnostics::new();
    let definitions = definitions(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let mut ids = BTreeSet::new();
    for definition in &definitions {
        let id = &definition.id.value;
        assert!(ids.insert(id), "{id} is there twice");
        let path = &definition.id.location.file.path;
        assert_eq!(
            path.file_stem().unwrap().to_str(),
            Some(id.as_str()),
            "the file is called like the detection"
        );
        let table = match &definition.target.value {
            Target::Table(table) => Some(table),
            Target::OnChannel { table, .. } => Some(&table.value),
            Target::Channel(_) | Target::LogSource(_) => None,
        };
        let folder = path.components().nth(1).and_then(|folder| folder.as_os_str().to_str());
        assert!(table.is_none_or(|table| folder == Some(table)), "{id} lies in the folder of its table");
        assert!(definition.enabled, "{id}");
        assert!(definition.description.len() > 80, "{id} says why it matters");
        assert!(definition.message.is_some(), "{id} says what happened");
        assert!(!definition.falsepositives.is_empty(), "{id} says what else it may be");
        assert!(definition.references.iter().all(|reference| reference.starts_with("https://")), "{id}");
        assert!(
            definition.tags.iter().any(|tag| is_technique(tag)),
            "{id} names a technique: {:?}",
            definition.tags
        );
        for expect in [true, false] {
            let cases = definition.tests.iter().filter(|test| test.expect == expect).count();
            assert!(cases > 0, "{id} has no test that expects {expect}");
        }
    }
    assert!(ids.len() > 100, "{ids:?}");
}

/// `attack.t1078` or `attack.t1078.004`
fn is_technique(tag: &str) -> bool {
    let Some(number) = tag.strip_prefix("attack.t") else { return false };
    let (technique, sub) = number.split_once('.').unwrap_or((number, "000"));
    let digits =
        |text: &str, count: usize| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(technique, 4) && digits(sub, 3)
}

#[test]
fn tests_and_rules_are_all_there_is() {
    for (path, _) in sources() {
        assert!(path.ends_with(".hcl") || path.ends_with(".tests.jsonl") || path.ends_with(".md"), "{path}");
    }
}
