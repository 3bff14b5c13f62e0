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

/// The detections of a `rules` block with these attributes, and what is said about it.
fn of_block(attributes: &str) -> (Vec<DetectionDefinition>, Diagnostics) {
    let text = format!("rules \"ours\" {{\n{attributes}\n}}\n");
    let mut diagnostics = Diagnostics::new();
    let environment = egret_config::Environment::default();
    let configuration = Configuration::parse("egret.hcl", &text, &[RULES], &environment, &mut diagnostics);
    let mut library = RuleLibrary::default();
    let context = RuleContext { sources: &sources(), has_table: &|_| true };
    for block in configuration.blocks_of(RULES.name) {
        if let Some(rules) = decode_block(block, &mut diagnostics) {
            library.add_block(&rules, Path::new("."), &context, &mut diagnostics);
        }
    }
    (library.detections, diagnostics)
}

#[test]
fn built_in_detections_are_switched_on_by_id_and_folder() {
    let (detections, diagnostics) = of_block(
        "built_in = [\"linux_ssh_*\", \"web_access/\", \"web_*\"]\nlevel = \"high\"\nexclude = [\"web_log4shell\"]",
    );
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let ids: Vec<&str> = detections.iter().map(|detection| detection.id.value.as_str()).collect();
    assert!(ids.contains(&"linux_ssh_root_login") && ids.contains(&"web_shell_access"), "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("linux_ssh_") || id.starts_with("web_")), "{ids:?}");
    let mut once = ids.clone();
    once.dedup();
    assert_eq!(ids, once);
    for detection in &detections {
        assert!(builtin::is_built_in(detection) && !detection.tests.is_empty());
        let runs = detection.severity >= Severity::High && detection.id.value != "web_log4shell";
        assert_eq!(detection.enabled, runs, "{}", detection.id.value);
    }
}

#[test]
fn a_pattern_that_names_no_built_in_detection_is_told() {
    let (detections, diagnostics) = of_block("built_in = [\"web_acces\", \"kubernetes\"]");
    assert!(detections.is_empty() && !diagnostics.has_errors());
    let shown = diagnostics.render(false);
    assert!(shown.contains("in `web_acces`") && shown.contains("did you mean `web_access`?"), "{shown}");
    assert!(shown.contains("the folders aws_cloudtrail_log, "), "{shown}");
    let (_, diagnostics) = of_block("level = \"high\"");
    let shown = diagnostics.render(false);
    assert!(shown.contains("error: `rules` needs the attribute `paths` or `built_in`"), "{shown}");
}
