//! What every `output` block may say, what is wrong with one, and that the examples of the documentation are true.

use std::time::Duration;

use egret_config::{Configuration, Diagnostics, Environment};
use egret_model::AlertAction;

use super::*;

fn read(text: &str) -> (Option<OutputDefinition>, String) {
    let mut diagnostics = Diagnostics::new();
    // Every variable that the text asks for is set.
    let names = text.split("env(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let value = |name: &str| if name.contains("URL") { "https://example.org/hunter2" } else { "hunter2" };
    let environment = Environment::new(names.map(|name| (name, value(name))));
    let configuration =
        Configuration::parse("egret.hcl", text, &[OUTPUT_BLOCK], &environment, &mut diagnostics);
    let block = configuration.blocks_of("output").next().unwrap();
    let definition = OutputDefinition::read(block, &OutputContext::for_tests(), &mut diagnostics);
    (definition, diagnostics.render(false))
}

#[test]
fn reads_pace_and_patience() {
    let (definition, mistakes) = read(
        r#"output "file" "all" {
             path = "alerts.jsonl"
             rate = "30/m"
             give_up_after = "2h"
             actions = ["raise", "close"]
           }"#,
    );
    let definition = definition.expect(&mistakes);
    assert_eq!(definition.address(), "file.all");
    assert_eq!(definition.rate.unwrap().period, Duration::from_secs(60));
    assert_eq!(definition.rate.unwrap().count.get(), 30);
    assert_eq!(definition.give_up_after, Duration::from_secs(7200));
    assert_eq!(definition.actions, [AlertAction::Raise, AlertAction::Close]);
}

#[test]
fn every_mistake_has_its_place_and_a_hint() {
    for (text, expected) in [
        ("output \"flie\" \"a\" {}", ["there is no output type `flie`", "did you mean `file`?"]),
        ("output \"file\" \"a\" {}", ["`output` needs the attribute `path`", "egret.hcl:1:1"]),
        (
            "output \"file\" \"a\" {\n path = \"x\"\n rate = \"often\"\n}",
            ["expected a string with a rate", "30/m"],
        ),
        (
            "output \"file\" \"a\" {\n path = \"x\"\n actions = [\"explode\"]\n}",
            ["`explode` is nothing that happens to an alert", "raise, update, acknowledge"],
        ),
        (
            "output \"file\" \"a\" {\n path = \"x\"\n pathh = \"y\"\n}",
            ["has no attribute `pathh`", "did you mean `path`?"],
        ),
    ] {
        let (_, mistakes) = read(text);
        for part in expected {
            assert!(mistakes.contains(part), "{text}: {mistakes}");
        }
    }
}

/// The documentation of an output is true: its example is read without a mistake, and uses what it documents.
#[test]
fn examples_are_read() {
    for output_type in output_types() {
        let (definition, mistakes) = read(output_type.example);
        assert!(definition.is_some() && mistakes.is_empty(), "{}: {mistakes}", output_type.name);
        for attribute in output_type.attributes() {
            assert!(
                output_type.example.contains(attribute.name),
                "{}: the example lacks {}",
                output_type.name,
                attribute.name
            );
        }
    }
}
