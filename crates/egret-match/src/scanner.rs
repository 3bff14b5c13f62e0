//! All tests of one field, examined together: one pass over a value says which of them hold.

use std::collections::{BTreeMap, HashMap};

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
    /// Finds the ends of the literals of all tests in a folded value.
    ends: Option<DoubleArrayAhoCorasick<u32>>,
    /// For each end, the literals that have it.
    literals: Vec<Vec<Literal>>,
    /// Tests that a literal alone does not decide.
    checks: Vec<(u32, ValueTest)>,
    /// Those of them that have no literal to wait for.
    unprompted: Vec<u32>,
}

/// Of a literal that is longer only so many bytes at its end are looked for; what is before them is compared. An
/// automaton of whole literals is several times as large, and takes several times as long to build.
const END_BYTES: usize = 12;

/// A text that tests look for.
struct Literal {
    text: Box<[u8]>,
    uses: Vec<Use>,
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
        let mut by_end: BTreeMap<Vec<u8>, Vec<Literal>> = BTreeMap::new();
        for (text, uses) in self.literals {
            let text = text.into_bytes();
            let end = text[text.len().saturating_sub(END_BYTES)..].to_vec();
            by_end.entry(end).or_default().push(Literal { text: text.into(), uses });
        }
        let numbered = by_end.keys().zip(0_u32..);
        let automaton = DoubleArrayAhoCorasick::with_values(numbered).map_err(|error| error.to_string())?;
        self.scanner.ends = Some(automaton);
        self.scanner.literals = by_end.into_values().collect();
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
        let mut room = (MIN_ROOM.max(2 * hits.len()), MIN_ROOM);
        if let Some(ends) = &self.ends {
            for found in ends.find_overlapping_iter(folded.as_str()) {
                let before = &folded.as_bytes()[..found.end()];
                let literals = &self.literals[found.value() as usize];
                for literal in literals.iter().filter(|literal| before.ends_with(&literal.text)) {
                    let is_start = before.len() == literal.text.len();
                    let is_end = before.len() == folded.len();
                    for found_use in &literal.uses {
                        match found_use {
                            Use::Anywhere(predicate) => hits.push(*predicate),
                            Use::AtStart(predicate) if is_start => hits.push(*predicate),
                            Use::AtEnd(predicate) if is_end => hits.push(*predicate),
                            Use::AtStart(_) | Use::AtEnd(_) => {}
                            Use::Check(check) => checks.push(*check),
                        }
                    }
                }
                compact(hits, &mut room.0);
                compact(checks, &mut room.1);
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

/// So many numbers are kept before it is worth looking which of them are there twice.
const MIN_ROOM: usize = 1_024;

/// A long text can hold a short literal a million times: once there are more numbers than there is room for, those that
/// are there twice go, and there is room for as many more as are left.
fn compact(numbers: &mut Vec<u32>, room: &mut usize) {
    if numbers.len() > *room {
        numbers.sort_unstable();
        numbers.dedup();
        *room = MIN_ROOM.max(2 * numbers.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(patterns: &[TextPattern], text: &str) -> Vec<u32> {
        let mut builder = ScannerBuilder::default();
        for (number, pattern) in (0..).zip(patterns) {
            builder.add(number, &Test::Text(pattern.clone())).unwrap();
        }
        let scanner = builder.finish().unwrap();
        let mut hits = Vec::new();
        scanner.examine(&Cell::Text(text.into()), &mut Scratch::default(), &mut hits);
        hits
    }

    #[test]
    fn literals_that_share_their_end_are_told_apart() {
        let patterns = [
            TextPattern::contains("\\WindowsPowerShell\\v1.0\\powershell.exe"),
            TextPattern::contains("\\PowerShell\\7\\pwsh\\v1.0\\powershell.exe"),
            TextPattern::contains("1.0\\powershell.exe"),
            TextPattern::contains("powershell.exe"),
            TextPattern::contains("é.exe"),
        ];
        let text = "\"C:\\Windows\\System32\\windowspowershell\\v1.0\\PowerShell.exe\" -File É.EXE";
        assert_eq!(hits(&patterns, text), [0, 2, 3, 4]);
        assert_eq!(hits(&patterns, "owershell.exe"), [0_u32; 0]);
    }
}
