//! Documents: everything that a rule says, and files with several.

use super::*;

#[test]
fn everything_that_a_rule_says_is_kept() {
    let file = parse(
        "\u{feff}# A comment with an é.\r
title: ' Everything '\r
id: 7a1c1f0e-0000-4000-8000-000000000001
name: everything
related:
    - {id: 7a1c1f0e-0000-4000-8000-000000000002, type: derived}
    - {id: 7a1c1f0e-0000-4000-8000-000000000003, type: Similar}
taxonomy: sigma
status: test
description: |
    Two
    lines.
license: Apache-2.0
author:
    - One
    - Other
references:
    - https://example.org/1
date: 2024-01-31
modified: 2024/02/29
tags: [attack.execution, attack.t1059]
logsource:
    category: process_creation
    product: windows
    service: sysmon
    definition: Turn it on
    vendor: {name: x, versions: [1, 2.5, true, null, 0x10]}
detection:
    sel:
        Threat Name: x
        Event: {Data: y}
    other:
        A|fieldref: B C
    condition:
        - sel
        - other and not sel
fields: [Image, Threat Name]
falsepositives: Unknown
level: Critical
scope: [server]
sigma-version: 3
extra: {a: [~, 'b']}
",
    );
    let document = &file.documents[0];
    assert_eq!(said(document.warnings.clone()), "");
    let mut rule = document.outcome.clone().unwrap();
    assert_eq!(
        ShownCondition(&rule.detection.condition).to_string(),
        "sel{ThreatName = 'x' and Event.Data = 'y'} or (other{A = field BC} and not sel{ThreatName = 'x' and Event.Data = 'y'})"
    );
    rule.detection.condition = egret_match::Condition::Always(true);
    insta::assert_debug_snapshot!(rule);
    assert_eq!((document.location.line(), document.title.as_deref()), (2, Some("Everything")));
}

#[test]
fn a_rule_needs_little() {
    let file = parse("title: T\nlogsource: {product: x}\ndetection: {a: [k], condition: a}\n");
    let rule = file.rules().next().unwrap();
    assert_eq!((rule.level, rule.status, rule.id.as_deref()), (None, None, None));
    assert_eq!(ShownCondition(&rule.detection.condition).to_string(), "a{any value = '*k*'}");
}

fn shown(file: &SigmaFile) -> Vec<String> {
    let show = |document: &SigmaDocument| match &document.outcome {
        Ok(rule) => format!(
            "{}:{} {} {}",
            document.location.line(),
            rule.title,
            rule.level.map_or("-", egret_model::Severity::as_str),
            ShownCondition(&rule.detection.condition)
        ),
        Err(rejection) => format!("{}: {rejection}", document.location.line()),
    };
    file.documents.iter().map(show).collect()
}

#[test]
fn several_documents_are_several_rules() {
    let rule = |name: &str| {
        format!("title: {name}\nlogsource: {{product: x}}\ndetection: {{a: [k], condition: a}}\n")
    };
    let text =
        format!("---\n{}---\n---\n{}...\n---\nx: [\n--- \n{}---\n", rule("One"), rule("Two"), rule("Three"));
    insta::assert_debug_snapshot!(shown(&parse(&text)));
    // The same with carriage returns, and with characters of several bytes before.
    let text = format!("# é😀\n{text}").replace('\n', "\r\n");
    assert_eq!(
        parse(&text).rules().map(|rule| rule.title.as_str()).collect::<Vec<_>>(),
        ["One", "Two", "Three"]
    );
    assert_eq!(parse(&text).rules().map(|rule| rule.location.line()).collect::<Vec<_>>(), [3, 8, 15]);
}

#[test]
fn old_files_add_to_all_that_follows() {
    let text = "action: global
title: Both
level: low
logsource: {product: windows}
detection:
    condition: 1 of them
---
detection:
    one: {A: 1}
---
level: high
detection:
    two: {A: 2}
    condition: two
---
action: repeat
detection:
    two: {B: 3}
---
action: global
level: medium
---
detection:
    three: {A: 3}
---
action: reset
---
title: Alone
logsource: {product: linux}
detection:
    four: [k]
    condition: four
";
    insta::assert_debug_snapshot!(shown(&parse(text)));
    assert!(parse("action: global\ntitle: T\n").documents.is_empty());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let rule = "title: T\nlogsource: {product: x}\ndetection: {a: [k], condition: a}\n";
    let text = format!("{rule}# {}\n", "x".repeat(MAX_FILE_BYTES));
    assert_eq!(shown(&parse(&text)), ["1: the file is larger than 1 MiB"]);
    assert_eq!(parse(&text[..MAX_FILE_BYTES]).rules().count(), 1);
}

#[test]
fn a_placeholder_without_values_has_its_own_reason() {
    let text = rule_with("User|expand: '%Servers%%Nobody%'");
    let document = parse(&text).documents.pop().unwrap();
    let Err(Rejection::MissingPlaceholders(missing)) = &document.outcome else {
        panic!("{:?}", document.outcome)
    };
    assert_eq!(missing[0].to_string(), "placeholder %Nobody% has no values");
    assert_eq!((missing.len(), missing[0].name.location.line()), (1, 6));
    assert_eq!(document.outcome.unwrap_err().to_string(), "placeholder %Nobody% has no values");
}
