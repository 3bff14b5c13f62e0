//! Random rules over random records: the program must find what a look at each record, rule by rule, finds.
//! `PROPTEST_CASES=4000` looks longer.

#![allow(clippy::unwrap_used, reason = "a failed test is what a panic is for")]

mod generate;
mod naive;
mod rows;

use egret_match::{Condition, Match, Memory, Program};
use proptest::prelude::*;
use serde_json::Value;

use crate::rows::{batch, field_map};

/// What the program finds in `records`, cut into batches of `size`.
fn found(rules: &[Condition], records: &[Value], size: usize) -> Vec<Match> {
    let (program, errors) = Program::compile(rules, &field_map());
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
    let mut all = Vec::new();
    for (row, record) in records.iter().enumerate() {
        let matching = rules.iter().enumerate().filter(|(_, rule)| naive::holds(rule, record));
        all.extend(matching.map(|(rule, _)| Match { row, rule }));
    }
    all
}

proptest! {
    #[test]
    fn the_program_finds_what_the_oracle_finds(
        rules in prop::collection::vec(generate::condition(), 1..12),
        records in prop::collection::vec(generate::record(), 1..40),
        size in 1_usize..50,
    ) {
        prop_assert_eq!(found(&rules, &records, size), expected(&rules, &records));
    }

    #[test]
    fn an_explanation_is_there_for_every_match_and_names_what_holds(
        rule in generate::condition(),
        records in prop::collection::vec(generate::record(), 1..20),
    ) {
        let rules = [rule];
        let (program, _) = Program::compile(&rules, &field_map());
        let rows = batch(&records);
        for (row, record) in records.iter().enumerate() {
            let evidence = program.explain(0, &rows, row);
            if !naive::holds(&rules[0], record) {
                prop_assert!(evidence.is_empty(), "{evidence:?}");
            }
            for test in rules[0].predicates() {
                let shown = test.test.to_string();
                let is_told = evidence.iter().any(|evidence| evidence.test == shown);
                let holds_somewhere = rules[0]
                    .predicates()
                    .into_iter()
                    .any(|other| other.test.to_string() == shown && naive::test_holds(other, record));
                prop_assert!(!is_told || holds_somewhere, "{shown} is told of {record}");
            }
        }
    }
}
