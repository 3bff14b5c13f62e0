//! The built-in detections decide all their tests as said, and apply wherever they should.

use egret_config::Diagnostics;
use egret_detect::{Detector, RuleTester, TestSummary, builtin, check_targets};
use egret_model::Clock;
use egret_table::Tables;

use super::{FixedClock, compiler};

#[test]
fn all_tests_pass() {
    let mut diagnostics = Diagnostics::new();
    let definitions = builtin::definitions(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let (tables, compiler) = (Tables::builtin(), compiler());
    let mut tester = RuleTester::new(&tables, &|_, _| None, &compiler, FixedClock.now());
    let mut summary = TestSummary::default();
    let mut wrong = Vec::new();
    for definition in &definitions {
        let results = tester.run(definition);
        summary.add(&results);
        let bad = results.into_iter().filter(|result| !result.reason.is_empty());
        wrong.extend(bad.map(|result| serde_json::to_string(&result).unwrap()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(summary.is_success() && summary.passed > 100 && summary.rules > 30, "{summary:?}");
}

#[test]
fn every_detection_applies_to_its_tables() {
    let mut diagnostics = Diagnostics::new();
    let definitions = builtin::definitions(&mut diagnostics);
    let (tables, compiler) = (Tables::builtin(), compiler());
    let mut detectors = Vec::new();
    for table in tables.iter() {
        let detector = Detector::compile(&definitions, &table.schema(), &table.channel(), &compiler);
        detectors.push(detector.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false))));
    }
    let detectors: Vec<&Detector> = detectors.iter().collect();
    let targets = check_targets(&definitions, tables.names(), &detectors);
    assert!(targets.is_empty(), "{}", targets.render(false));
}
