//! For tests: every generator's example is read, and says all that can be said.

use egret_config::{Configuration, Diagnostics, Environment};
use egret_http::HTTP_ATTRIBUTES;
use egret_http::aws::{ENDPOINT, IDENTITY_ATTRIBUTES, REGION};

use crate::definition::{GENERATOR_BLOCK, GeneratorDefinition};
use crate::host::ROOT;
use crate::registry::{GeneratorType, generator_types};
use crate::testing::context;

#[test]
fn examples_are_read_and_use_every_attribute() {
    for generator_type in generator_types() {
        check(generator_type);
    }
}

#[test]
fn documentation_shows_a_document() {
    for generator_type in generator_types() {
        let shown: Vec<&str> = generator_type.documents.split("```json\n").skip(1).collect();
        assert!(!shown.is_empty(), "{} shows no document", generator_type.name);
        for text in shown {
            let text = text.split("```").next().unwrap();
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
            parsed.unwrap_or_else(|error| panic!("{}: {error}: {text}", generator_type.name));
        }
    }
}

fn check(generator_type: &GeneratorType) {
    let example = generator_type.example;
    // Variables that it names are set.
    let named = example.split("env(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let environment = Environment::new(named.map(|name| (name, "value")));
    let mut diagnostics = Diagnostics::new();
    let configuration =
        Configuration::parse("egret.hcl", example, &[GENERATOR_BLOCK], &environment, &mut diagnostics);
    let context = context(&std::env::temp_dir());
    let definitions = GeneratorDefinition::read_all(&configuration, &context, &mut diagnostics);
    let name = generator_type.name;
    assert!(diagnostics.is_empty(), "{name}: {}", diagnostics.render(false));
    assert_eq!(definitions.len(), 1, "{name}");
    let block = configuration.blocks_of("generator").next().unwrap();
    // What all clients of a service or all generators of a host have need not be in each.
    let shared = [HTTP_ATTRIBUTES, IDENTITY_ATTRIBUTES, &[REGION, ENDPOINT, ROOT]].concat();
    for attribute in generator_type.attributes().filter(|attribute| !shared.contains(attribute)) {
        // What excludes something else is there as a comment.
        let is_comment = example.contains(&format!("# {} =", attribute.name));
        let is_there = is_comment
            || block.attribute(attribute.name).is_some()
            || block.blocks_of(attribute.name).next().is_some();
        assert!(is_there, "the example of {name} does not use `{}`", attribute.name);
    }
}
