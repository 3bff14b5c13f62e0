//! Rules of files as detections.

use std::path::Path;

use egret_config::{Configuration, Diagnostics};

use super::*;

fn sources() -> LogSources {
    let mut diagnostics = Diagnostics::new();
    let sources = LogSources::new(&Configuration::default(), &mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    sources
}

fn library(text: &str) -> RuleLibrary {
    let mut library = RuleLibrary::default();
    let has_table = |table: &str| table == "windows_event_log";
    let context = RuleContext { sources: &sources(), has_table: &has_table };
    let file = SigmaFile::parse(Path::new("rule.yml"), text.to_owned(), &Placeholders::new());
    file.documents.into_iter().for_each(|document| library.add(document, &context));
    library
}

const RULE: &str = "
title: Whoami
id: 0a1b2c3d-0000-4000-8000-000000000001
logsource:
  product: windows
  category: process_creation
detection:
  selection:
    Image|endswith: '\\whoami.exe'
  condition: selection
level: high
tags: [attack.t1033]
";

#[test]
fn a_rule_is_a_detection_of_the_tables_with_its_log_source() {
    let library = library(RULE);
    let [detection] = library.detections.as_slice() else { panic!("{:?}", library.unused) };
    assert_eq!(detection.id.value, "0a1b2c3d-0000-4000-8000-000000000001");
    assert_eq!((detection.severity, detection.title.as_str()), (Severity::High, "Whoami"));
    assert!(detection.target.value.covers("windows_event_log", "any"));
    let Rule::Fields(rule) = &detection.rule else { panic!("{:?}", detection.rule) };
    let shown = sigma::ShownCondition(&rule.conditions["windows_event_log"]).to_string();
    // The security log calls the image otherwise.
    assert!(shown.contains("Image = '*\\\\whoami.exe'"), "{shown}");
    assert!(shown.contains("NewProcessName = '*\\\\whoami.exe'"), "{shown}");
    assert!(shown.contains("EventID = '4688'"), "{shown}");
}

#[test]
fn rules_that_do_not_run_say_why() {
    let no_table = library(&RULE.replace("product: windows", "product: macos"));
    let reasons = |library: &RuleLibrary| -> Vec<String> {
        library.unused.iter().map(|unused| unused.reason.to_string()).collect()
    };
    assert_eq!(reasons(&no_table), ["no table has the log source product macos, category process_creation"]);
    let placeholder =
        library(&RULE.replace("Image|endswith: '\\whoami.exe'", "User|expand: '%Administrators%'"));
    assert_eq!(reasons(&placeholder), ["placeholder %Administrators% has no values"]);
    let correlation = library("title: Many\ncorrelation:\n  type: event_count\n");
    assert_eq!(correlation.unused.len(), 1, "{:?}", correlation.unused);
}
