//! The built-in detections decide all their tests as said, and apply wherever they should.

use egret_config::Diagnostics;
use egret_detect::{
    ChangeRecords, Detector, Places, RuleTester, States, TestSummary, builtin, check_targets,
};
use egret_model::{Clock, TableSchema};
use egret_state::{CHANGE_TABLE, Rehearsal, generator_types};
use egret_table::Tables;

use super::{FixedClock, compiler};

#[test]
fn all_tests_pass() {
    let mut diagnostics = Diagnostics::new();
    let definitions = builtin::definitions(&mut diagnostics);
    assert!(diagnostics.is_empty(), "{}", diagnostics.render(false));
    let (tables, compiler) = (Tables::builtin(), compiler());
    let rehearsal = Rehearsal::new().unwrap();
    let compare = |states: &States| {
        let States { generator, channel, before, after } = states;
        let rehearsed = rehearsal.changes(generator, channel.as_deref(), before, after, FixedClock.now());
        let rehearsed = rehearsed.map_err(|error| error.to_string())?;
        Ok(ChangeRecords {
            table: CHANGE_TABLE.to_owned(),
            channel: rehearsed.channel,
            lines: rehearsed.lines,
        })
    };
    let mut tester =
        RuleTester::new(&tables, &|_, _| None, &compiler, FixedClock.now()).with_states(&compare);
    let mut summary = TestSummary::default();
    let mut wrong = Vec::new();
    for definition in &definitions {
        let results = tester.run(definition);
        summary.add(&results);
        let bad = results.into_iter().filter(|result| !result.reason.is_empty());
        wrong.extend(bad.map(|result| serde_json::to_string(&result).unwrap()));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(summary.is_success() && summary.passed > 350 && summary.rules > 100, "{summary:?}");
}

#[test]
fn every_detection_applies_to_its_tables() {
    let mut diagnostics = Diagnostics::new();
    let definitions = builtin::definitions(&mut diagnostics);
    let (tables, compiler) = (Tables::builtin(), compiler());
    let schemas: Vec<TableSchema> = tables.iter().map(|table| table.schema()).collect();
    let mut detectors = Vec::new();
    for table in &schemas {
        let detector = Detector::compile(&definitions, table, &table.channel, &compiler);
        detectors.push(detector.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false))));
    }
    let detectors: Vec<&Detector> = detectors.iter().collect();
    let channels: Vec<(String, String)> = generator_types()
        .iter()
        .map(|generator_type| (CHANGE_TABLE.to_owned(), generator_type.channel.to_owned()))
        .collect();
    let places = Places { tables: &schemas, channels: &channels, detectors: &detectors, compiler: &compiler };
    let targets = check_targets(&definitions, &places);
    assert!(targets.is_empty(), "{}", targets.render(false));
}
