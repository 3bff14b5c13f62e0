//! Why a rule matched a row: which of its named parts held, and which tests in them, on which values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, RecordBatch};
use egret_model::Evidence;
use egret_model::schema::EXTRA;

use crate::cell::Cell;
use crate::condition::{Condition, Predicate, Subject};
use crate::program::Program;
use crate::relation;
use crate::run::{column, texts};
use crate::scanner::Scratch;

/// Of a value at most so many characters are shown.
const MAX_VALUE_CHARACTERS: usize = 1_024;

impl Program {
    /// The tests that make the rule at this place match a row, in the order they are written. Those under a `not`
    /// are not among them.
    pub fn explain(&self, rule: usize, batch: &RecordBatch, row: usize) -> Vec<Evidence> {
        let Some(rule) = self.rules.get(rule) else { return Vec::new() };
        let mut explainer = Explainer {
            program: self,
            batch,
            row,
            tests: &rule.tests,
            next: 0,
            found: vec![],
            known: HashMap::new(),
        };
        explainer.holds(&rule.condition, None);
        explainer.found
    }

    /// The value that a field which a rule calls `name` has in a row, for people; `None` if the row lacks it.
    pub fn value(&self, name: &str, batch: &RecordBatch, row: usize) -> Option<String> {
        match self.cell(batch, *self.by_name.get(name)?, row) {
            Cell::Missing => None,
            cell => Some(shortened(&cell.to_string())),
        }
    }

    /// The value of the field of this number in a row.
    pub(crate) fn cell(&self, batch: &RecordBatch, field: usize, row: usize) -> Cell<'static> {
        let place = self.fields[field].place.column.as_ref();
        let in_column = match place.filter(|place| !place.is_json) {
            Some(place) => column(batch, &place.column, &place.fields)
                .map(|values| Cell::from_column(&values, row).into_owned()),
            None => self.member(batch, field, row, |column| column != EXTRA),
        };
        let in_extra = || self.member(batch, field, row, |column| column == EXTRA);
        match in_column.unwrap_or(Cell::Missing) {
            Cell::Missing => in_extra().unwrap_or(Cell::Missing),
            // Text that looks like a list or an object: if it was one, it is in `extra` as what it is.
            Cell::Text(text) if text.starts_with(['[', '{']) => in_extra().unwrap_or(Cell::Text(text)),
            cell => cell,
        }
    }

    /// A field inside a column that holds JSON.
    fn member(
        &self,
        batch: &RecordBatch,
        field: usize,
        row: usize,
        wanted: impl Fn(&str) -> bool,
    ) -> Option<Cell<'static>> {
        let mut cells: Vec<Cell<'static>> = Vec::new();
        for document in self.documents.iter().filter(|document| wanted(&document.column)) {
            let Some(values) = column(batch, &document.column, &document.fields) else { continue };
            let Some(texts) = texts(&values.slice(row, 1)).filter(|texts| texts.is_valid(0)) else {
                continue;
            };
            document.members.find(texts.value(0), &mut |found, cell| {
                if found == field {
                    cells.push(cell.into_owned());
                }
            });
        }
        match cells.len() {
            0 | 1 => cells.pop(),
            _ => Some(Cell::list(cells)),
        }
    }
}

struct Explainer<'e> {
    program: &'e Program,
    batch: &'e RecordBatch,
    row: usize,
    /// The numbers of the rule's predicates, in the order they are written.
    tests: &'e [u32],
    next: usize,
    found: Vec<Evidence>,
    known: HashMap<usize, (Cell<'static>, Vec<u32>)>,
}

impl Explainer<'_> {
    /// Whether `condition` holds; then the evidence for it stays.
    fn holds(&mut self, condition: &Condition, selection: Option<&Arc<str>>) -> bool {
        let before = self.found.len();
        let holds = match condition {
            Condition::Always(always) => *always,
            Condition::Test(predicate) => self.test_holds(predicate, selection),
            Condition::Named(name, inner) => self.holds(inner, Some(name)),
            Condition::All(parts) => self.count(parts, selection) == parts.len(),
            Condition::Any(parts) => self.count(parts, selection) > 0,
            Condition::AtLeast(count, parts) => self.count(parts, selection) >= *count,
            Condition::Not(inner) => {
                let holds = !self.holds(inner, selection);
                self.found.truncate(before);
                holds
            }
        };
        if !holds {
            self.found.truncate(before);
        }
        holds
    }

    /// How many of `parts` hold. All are looked at: each knows its tests by counting.
    fn count(&mut self, parts: &[Condition], selection: Option<&Arc<str>>) -> usize {
        parts.iter().filter(|part| self.holds(part, selection)).count()
    }

    fn test_holds(&mut self, predicate: &Predicate, selection: Option<&Arc<str>>) -> bool {
        let Some(number) = self.tests.get(self.next).copied() else { return false };
        self.next += 1;
        let value = match &predicate.subject {
            Subject::AnyValue => self.keyword_value(number),
            Subject::Field(name) => self.field_value(number, name),
        };
        let Some(value) = value else { return false };
        let field = match &predicate.subject {
            Subject::Field(name) => Some(name.to_string()),
            Subject::AnyValue => None,
        };
        let test = predicate.test.to_string();
        let selection = selection.map(|name| name.to_string());
        self.found.push(Evidence { selection, field, value: shortened(&value), test });
        true
    }

    /// The value of the field called `name`, if the predicate holds for it.
    fn field_value(&mut self, number: u32, name: &str) -> Option<String> {
        if let Some(relation) = self.program.relations.get(&number) {
            let cell = self.program.cell(self.batch, relation.field, self.row);
            let other = self.program.cell(self.batch, relation.other, self.row);
            return relation::holds(&relation.relation, &cell, &other).then(|| cell.to_string());
        }
        let field = *self.program.by_name.get(name)?;
        let (cell, hits) = self.known.entry(field).or_insert_with(|| {
            let cell = self.program.cell(self.batch, field, self.row);
            let mut hits = Vec::new();
            self.program.fields[field].scanner.examine(&cell, &mut Scratch::default(), &mut hits);
            (cell, hits)
        });
        hits.binary_search(&number).is_ok().then(|| cell.to_string())
    }

    /// The first value of the record for which the predicate holds.
    fn keyword_value(&self, number: u32) -> Option<String> {
        let scanner = self.program.keywords.as_ref()?;
        let (mut scratch, mut hits, mut found) = (Scratch::default(), Vec::new(), None);
        for cell in self.program.every_cell(self.batch, self.row) {
            cell.each_leaf(&mut |text| {
                scanner.examine(&Cell::Text(text.into()), &mut scratch, &mut hits);
                if found.is_none() && hits.binary_search(&number).is_ok() {
                    found = Some(text.to_owned());
                }
            });
        }
        found
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}
