//! Sources from configuration text.

use std::collections::HashMap;

use egret_config::{BlockKind, Configuration, Environment};
use egret_model::{SourceContext, SystemClock};
use egret_testkit::TemporaryFolder;

use super::*;

fn decode(path: &std::path::Path, text: &str) -> (Option<Arc<dyn Source>>, Diagnostics) {
    let kinds = [BlockKind::new("source", &["type"])];
    let mut diagnostics = Diagnostics::new();
    let environment = Environment::default();
    let configuration =
        Configuration::parse(path.display().to_string(), text, &kinds, &environment, &mut diagnostics);
    let surroundings = Surroundings::new("/nowhere").with_home(Some("/home/u".into()));
    let source = configuration
        .blocks_of("source")
        .next()
        .and_then(|block| decode_source(block, &surroundings, &mut diagnostics));
    (source, diagnostics)
}

#[test]
fn every_example_is_accepted_and_uses_every_attribute() {
    for source_type in source_types() {
        let (source, diagnostics) = decode("egret.hcl".as_ref(), source_type.example);
        assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
        assert_eq!(source.unwrap().kind(), source_type.name);
        for attribute in source_type.attributes {
            assert!(source_type.example.contains(&format!("\n  {} ", attribute.name)), "{}", attribute.name);
        }
    }
}

#[test]
fn mistakes_are_shown_at_their_place_with_a_hint() {
    for (text, expected) in [
        ("source \"flie\" {}", vec!["there is no source type `flie`", "did you mean `file`?"]),
        ("source \"kafka\" {}", vec!["there is no source type `kafka`", "the source types are `file`"]),
        ("source \"file\" {}", vec!["needs the attribute `paths`"]),
        ("source \"file\" { paths = [] }", vec!["`paths` is empty"]),
        (
            "source \"file\" {\n  paths = [\"[a\", \"\"]\n  exclude = [\"{\"]\n  file_layout = `%{YAER}/x`\n  path = 1\n}",
            vec![
                "\"[a\" is not a valid glob",
                "\"\" is no path",
                "\"{\" is not a valid glob",
                "there is no pattern `YAER`",
                "did you mean `YEAR`?",
                "has no attribute `path`",
                "did you mean `paths`?",
            ],
        ),
    ] {
        let (source, diagnostics) = decode("egret.hcl".as_ref(), text);
        let report = diagnostics.render(false);
        assert!(source.is_none(), "{text}");
        for part in expected {
            assert!(report.contains(part), "{part:?} is not in\n{report}");
        }
    }
}

#[test]
fn a_configured_source_finds_what_is_meant() {
    let folder = TemporaryFolder::new();
    for name in
        ["logs/20260201/web/a.log", "logs/20260201/b.log.gz", "logs/latest/c.log", "logs/20260201/old/d.log"]
    {
        folder.write(name, name);
    }
    let text = r#"source "file" {
  paths       = ["logs"]
  exclude     = ["old"]
  file_layout = `%{DAYFOLDER:day}/(%{WORD:host}/)?%{DATA}.log(.gz)?`
  patterns    = { DAYFOLDER = "[0-9]{8}" }
}"#;
    let (source, diagnostics) = decode(&folder.join("egret.hcl"), text);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let source = source.unwrap();
    assert_eq!(source.name(), "logs");
    let context = SourceContext { clock: Arc::new(SystemClock), checkpoints: Arc::new(HashMap::new()) };
    let listing = source.list(&context).unwrap();
    let names: Vec<_> =
        listing.objects.iter().map(|object| object.name.rsplit('/').next().unwrap()).collect();
    assert_eq!((names, listing.failures.len()), (vec!["b.log.gz", "a.log"], 0));

    let (source, _) = decode(
        &folder.join("egret.hcl"),
        "source \"file\" {\n  paths = [\"logs\"]\n  file_layout = `%{YEAR}/%{DATA}`\n}",
    );
    let failures = source.unwrap().list(&context).unwrap().failures;
    let report = failures[0].to_string();
    assert!(report.contains("the layout `%{YEAR}/%{DATA}` below"), "{report}");
    assert!(report.contains("holds 4 other files, such as 20260201/b.log.gz"), "{report}");
}
