//! Random rules over random records: the program must find what a look at each record, rule by rule, finds.
//! `PROPTEST_CASES=4000` looks longer.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

use std::sync::Arc;

use egret_match::{Condition, Match, Memory, Program, Test, TextPattern};
use egret_testkit::oracle::{Oracle, batch, condition, field_map, record};
use proptest::prelude::*;
use serde_json::Value;

/// What the program finds in `records`, cut into batches of `size`.
fn found(rules: &[Condition], records: &[Value], size: usize) -> Vec<Match> {
    let (program, errors) = Program::compile(rules.iter().cloned().map(Arc::new), &field_map());
    assert!(errors.is_empty(), "{errors:?}");
    let mut memory = Memory::new(&program);
    let mut all = Vec::new();
    for (number, part) in records.chunks(size).enumerate() {
        let matches = program.run(&batch(part), &mut memory);
        all.extend(matches.into_iter().map(|found| Match { row: found.row + number * size, ..found }));
    }
    all
}

fn expected(rules: &[Condition], records: &[Value]) -> Vec<Match> {
    let rules: Vec<Oracle> = rules.iter().map(Oracle::new).collect();
    let mut all = Vec::new();
    for (row, record) in records.iter().enumerate() {
        let matching = rules.iter().enumerate().filter(|(_, rule)| rule.matches(record));
        all.extend(matching.map(|(rule, _)| Match { row, rule }));
    }
    all
}

proptest! {
    #[test]
    fn the_program_finds_what_the_oracle_finds(
        rules in prop::collection::vec(condition(), 1..12),
        records in prop::collection::vec(record(), 1..40),
        size in 1_usize..50,
    ) {
        prop_assert_eq!(found(&rules, &records, size), expected(&rules, &records));
    }

    /// Few rules, each with a test that holds rarely: all other fields are looked at late.
    #[test]
    fn fields_that_are_looked_at_late_are_found_too(
        rules in prop::collection::vec(condition(), 1..4),
        records in prop::collection::vec((record(), any::<bool>()), 1..40),
    ) {
        const PROVIDER: &str = "a provider that is rare";
        let is_rare = Condition::field("ProviderName", Test::Text(TextPattern::contains(PROVIDER)));
        let rules: Vec<Condition> =
            rules.into_iter().map(|rule| Condition::All(vec![is_rare.clone(), rule])).collect();
        let records: Vec<Value> = records
            .into_iter()
            .map(|(mut record, is_rare)| {
                record["ProviderName"] = Value::from(if is_rare { PROVIDER } else { "another" });
                record
            })
            .collect();
        prop_assert_eq!(found(&rules, &records, 20), expected(&rules, &records));
    }

    #[test]
    fn an_explanation_is_there_for_every_match_and_names_what_holds(
        rule in condition(),
        records in prop::collection::vec(record(), 1..20),
    ) {
        let rules = [rule];
        let oracle = Oracle::new(&rules[0]);
        let (program, _) = Program::compile(rules.iter().cloned().map(Arc::new), &field_map());
        let rows = batch(&records);
        for (row, record) in records.iter().enumerate() {
            let evidence = program.explain(0, &rows, row);
            if !oracle.matches(record) {
                prop_assert!(evidence.is_empty(), "{evidence:?}");
            }
            let holding = oracle.predicates(record);
            let tests: Vec<String> =
                rules[0].predicates().iter().map(|predicate| predicate.test.to_string()).collect();
            for told in evidence {
                let holds = tests.iter().zip(&holding).any(|(test, holds)| *test == told.test && *holds);
                prop_assert!(holds, "{told:?} is told of {record}");
            }
        }
    }
}
