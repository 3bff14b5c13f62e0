//! All tests of one field, examined together: one pass over a value says which of them hold.

use std::collections::HashMap;

use daachorse::DoubleArrayAhoCorasick;

use crate::cell::Cell;
use crate::condition::Test;
use crate::fold::{fold, fold_into};
use crate::literals::required_literals;
use crate::text::{Part, TextPattern};
use crate::value_test::ValueTest;

/// The tests of one field, each known by the number of its predicate.
#[derive(Default)]
pub(crate) struct Scanner {
    /// Hold if the record has the field.
    present: Vec<u32>,
    /// Hold if the field is missing or null.
    absent: Vec<u32>,
    /// Hold for any value.
    any: Vec<u32>,
    /// Hold for a value that folds to this.
    equals: HashMap<Box<str>, Vec<u32>>,
    /// Finds the literals of all tests in a folded value.
    literals: Option<DoubleArrayAhoCorasick<u32>>,
    /// What it means that a literal was found.
    uses: Vec<Vec<Use>>,
    /// Tests that a literal alone does not decide.
    checks: Vec<(u32, ValueTest)>,
    /// Those of them that have no literal to wait for.
    unprompted: Vec<u32>,
}

/// What it means that a literal was found in a value.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// A predicate holds.
    Anywhere(u32),
    /// A predicate holds if it is at the beginning.
    AtStart(u32),
    /// A predicate holds if it is at the end.
    AtEnd(u32),
    /// A check is worth its time.
    Check(u32),
}

/// Memory for examining values.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    folded: String,
    checks: Vec<u32>,
}

/// Collects the tests of one field.
#[derive(Default)]
pub(crate) struct ScannerBuilder {
    scanner: Scanner,
    literals: HashMap<String, Vec<Use>>,
}

impl ScannerBuilder {
    /// Adds the test of the predicate number `predicate`. Relations between fields are not for scanners.
    pub(crate) fn add(&mut self, predicate: u32, test: &Test) -> Result<(), regex::Error> {
        match test {
            Test::Exists => self.scanner.present.push(predicate),
            Test::Null => self.scanner.absent.push(predicate),
            Test::Text(pattern) if !pattern.is_cased() => self.add_pattern(predicate, pattern, test)?,
            Test::Text(pattern) => {
                self.add_check(predicate, test, longest_literal(pattern).map(|text| vec![text]))?
            }
            Test::Regex(source) => self.add_check(predicate, test, required_literals(source))?,
            Test::Field(_) => {}
            Test::Cidr(_) | Test::Number(..) | Test::Boolean(_) | Test::Time(..) => {
                self.add_check(predicate, test, None)?;
            }
        }
        Ok(())
    }

    fn add_pattern(
        &mut self,
        predicate: u32,
        pattern: &TextPattern,
        test: &Test,
    ) -> Result<(), regex::Error> {
        let (literal, found) = match pattern.parts() {
            [] => {
                self.add_equal("", predicate);
                return Ok(());
            }
            [Part::Literal(text)] => {
                self.add_equal(text, predicate);
                return Ok(());
            }
            [Part::AnyRun] => {
                self.scanner.any.push(predicate);
                return Ok(());
            }
            [Part::AnyRun, Part::Literal(text), Part::AnyRun] => (text, Use::Anywhere(predicate)),
            [Part::Literal(text), Part::AnyRun] => (text, Use::AtStart(predicate)),
            [Part::AnyRun, Part::Literal(text)] => (text, Use::AtEnd(predicate)),
            _ => return self.add_check(predicate, test, longest_literal(pattern).map(|text| vec![text])),
        };
        self.literals.entry(fold(literal)).or_default().push(found);
        Ok(())
    }

    fn add_equal(&mut self, text: &str, predicate: u32) {
        self.scanner.equals.entry(fold(text).into()).or_default().push(predicate);
    }

    fn add_check(
        &mut self,
        predicate: u32,
        test: &Test,
        literals: Option<Vec<String>>,
    ) -> Result<(), regex::Error> {
        let Some(value_test) = ValueTest::new(test)? else { return Ok(()) };
        let check = self.scanner.checks.len() as u32;
        self.scanner.checks.push((predicate, value_test));
        match literals {
            Some(literals) => {
                for literal in literals {
                    self.literals.entry(literal).or_default().push(Use::Check(check));
                }
            }
            None => self.scanner.unprompted.push(check),
        }
        Ok(())
    }

    /// The scanner. `Err` if there are more literals than an automaton can hold.
    pub(crate) fn finish(mut self) -> Result<Scanner, String> {
        if self.literals.is_empty() {
            return Ok(self.scanner);
        }
        let mut literals: Vec<(String, Vec<Use>)> = self.literals.into_iter().collect();
        literals.sort_unstable_by(|left, right| left.0.cmp(&right.0));
        let numbered = literals.iter().enumerate().map(|(number, (literal, _))| (literal, number as u32));
        let automaton = DoubleArrayAhoCorasick::with_values(numbered).map_err(|error| error.to_string())?;
        self.scanner.literals = Some(automaton);
        self.scanner.uses = literals.into_iter().map(|(_, uses)| uses).collect();
        Ok(self.scanner)
    }
}

/// The longest literal of a pattern, folded.
fn longest_literal(pattern: &TextPattern) -> Option<String> {
    let literals = pattern.parts().iter().filter_map(|part| match part {
        Part::Literal(text) => Some(text),
        _ => None,
    });
    literals.max_by_key(|text| text.len()).map(|text| fold(text))
}

impl Scanner {
    /// Puts the predicates that hold for `cell` into `hits`, sorted, each once. For a list those that hold for one of
    /// its elements.
    pub(crate) fn examine(&self, cell: &Cell<'_>, scratch: &mut Scratch, hits: &mut Vec<u32>) {
        hits.clear();
        match cell {
            Cell::Missing => hits.extend_from_slice(&self.absent),
            Cell::Null => hits.extend(self.absent.iter().chain(&self.present)),
            Cell::Text(text) => {
                hits.extend_from_slice(&self.present);
                self.examine_text(text, scratch, hits);
            }
            Cell::Nested(_) => {
                hits.extend_from_slice(&self.present);
                cell.each_value(&mut |text| self.examine_text(text, scratch, hits));
            }
        }
        hits.sort_unstable();
        hits.dedup();
    }

    /// As [`Scanner::examine`] for every text, number and truth value inside `cell`.
    pub(crate) fn examine_leaves(&self, cell: &Cell<'_>, scratch: &mut Scratch, hits: &mut Vec<u32>) {
        hits.clear();
        cell.each_leaf(&mut |text| self.examine_text(text, scratch, hits));
        hits.sort_unstable();
        hits.dedup();
    }

    fn examine_text(&self, text: &str, scratch: &mut Scratch, hits: &mut Vec<u32>) {
        let Scratch { folded, checks } = scratch;
        fold_into(text, folded);
        hits.extend_from_slice(&self.any);
        if let Some(equal) = self.equals.get(folded.as_str()) {
            hits.extend_from_slice(equal);
        }
        checks.clear();
        checks.extend_from_slice(&self.unprompted);
        if let Some(literals) = &self.literals {
            for found in literals.find_overlapping_iter(folded.as_str()) {
                for found_use in &self.uses[found.value() as usize] {
                    match found_use {
                        Use::Anywhere(predicate) => hits.push(*predicate),
                        Use::AtStart(predicate) if found.start() == 0 => hits.push(*predicate),
                        Use::AtEnd(predicate) if found.end() == folded.len() => hits.push(*predicate),
                        Use::AtStart(_) | Use::AtEnd(_) => {}
                        Use::Check(check) => checks.push(*check),
                    }
                }
                compact(hits);
            }
        }
        checks.sort_unstable();
        checks.dedup();
        for check in checks.iter() {
            let (predicate, test) = &self.checks[*check as usize];
            if test.holds(text, folded) {
                hits.push(*predicate);
            }
        }
    }
}

/// A long text can hold a short literal a million times.
fn compact(hits: &mut Vec<u32>) {
    if hits.len() == hits.capacity() && hits.len() > 1_024 {
        hits.sort_unstable();
        hits.dedup();
    }
}
