//! Running a program over a batch of rows.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use crate::bits::Bits;
use crate::cell::Cell;
use crate::graph::{Node, NodeId};
use crate::memo::{Memo, NO_HITS, SetId, Sets};
use crate::prefilter::Haystack;
use crate::program::{CompiledRule, Document, Program, ProgramField, Relation};
use crate::relation;
use crate::scanner::Scratch;

/// Values remembered for longer than a batch take at most so much memory for each thread.
const MAX_MEMO_BYTES: usize = 32 << 20;

/// So many different sets of hits are remembered; where values are all different, that they were alike is no help.
const MAX_SETS: usize = 1 << 20;

/// Columns that every table has, made from the others, begin so.
const COMMON: &str = "tp_";

/// One evaluation of a rule in so many is timed.
const TIMED: u64 = 64;

/// If fewer than one in so many rows are candidates, looking at each is quicker than at all texts.
const FEW: u64 = 8;

/// No field found yet.
const NOT_FOUND: SetId = SetId::MAX;

/// The match of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Match {
    /// The row of the batch.
    pub row: usize,
    /// The rule, by its place among those that were compiled.
    pub rule: usize,
}

/// What running a rule took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RuleStatistics {
    /// Rows for which a test held that the rule needs.
    pub candidates: u64,
    /// Batches on which the rule was evaluated.
    pub evaluations: u64,
    /// Rows that match.
    pub hits: u64,
    /// Evaluations that were timed.
    timed: u64,
    /// What those took.
    timed_for: Duration,
}

impl RuleStatistics {
    /// The time of evaluating it, once the tests of fields are done: one evaluation in 64 is measured, and stands for
    /// the others.
    pub fn time(&self) -> Duration {
        let share = self.evaluations as f64 / self.timed.max(1) as f64;
        self.timed_for.mul_f64(share)
    }
}

impl AddAssign for RuleStatistics {
    fn add_assign(&mut self, other: Self) {
        self.candidates += other.candidates;
        self.evaluations += other.evaluations;
        self.hits += other.hits;
        self.timed += other.timed;
        self.timed_for += other.timed_for;
    }
}

/// What a thread needs to run a program: memory used again, values known from before, and statistics.
#[derive(Default)]
pub struct Memory {
    scratch: Scratch,
    hits: Vec<u32>,
    sets: Sets,
    /// For each field, and behind them for keywords.
    memos: Vec<Memo>,
    /// For each field, the set of predicates that hold for each row.
    found: Vec<Vec<SetId>>,
    /// For each row, the keywords that are in one of its values, where that was asked.
    keywords: Vec<SetId>,
    /// For each predicate that held for some row of the batch.
    holds: Vec<Option<Bits>>,
    held: Vec<u32>,
    values: Vec<Option<Bits>>,
    valued: Vec<NodeId>,
    statistics: Vec<RuleStatistics>,
}

impl Memory {
    /// For running `program`.
    pub fn new(program: &Program) -> Self {
        Self {
            memos: (0..=program.fields.len()).map(|_| Memo::default()).collect(),
            found: vec![Vec::new(); program.fields.len()],
            holds: vec![None; program.predicates.len()],
            values: vec![None; program.nodes.len()],
            statistics: vec![RuleStatistics::default(); program.rules.len()],
            ..Self::default()
        }
    }

    /// For each rule, what running it took so far.
    pub fn statistics(&self) -> &[RuleStatistics] {
        &self.statistics
    }

    fn begin_batch(&mut self) {
        let bytes: usize = self.memos.iter().map(Memo::bytes).sum();
        if bytes > MAX_MEMO_BYTES || self.sets.len() > MAX_SETS {
            self.memos.iter_mut().for_each(Memo::clear);
            self.sets = Sets::default();
        }
        for predicate in self.held.drain(..) {
            self.holds[predicate as usize] = None;
        }
        for node in self.valued.drain(..) {
            self.values[node as usize] = None;
        }
    }
}

impl Program {
    /// The matches among the rows of `batch`, by row.
    pub fn run(&self, batch: &RecordBatch, memory: &mut Memory) -> Vec<Match> {
        let mut matches = Vec::new();
        if self.is_empty() || batch.num_rows() == 0 {
            return matches;
        }
        memory.begin_batch();
        let mut run = Run { program: self, batch, rows: batch.num_rows(), haystack: None, memory };
        run.find_fields();
        for rule in run.candidates() {
            run.evaluate(rule as usize, &mut matches);
        }
        matches.sort_unstable();
        matches
    }
}

struct Run<'r> {
    program: &'r Program,
    batch: &'r RecordBatch,
    rows: usize,
    /// All texts, once they were asked for.
    haystack: Option<Haystack>,
    memory: &'r mut Memory,
}

impl<'r> Run<'r> {
    /// Finds the value of each field in each row, and which predicates hold for it.
    fn find_fields(&mut self) {
        for found in &mut self.memory.found {
            found.clear();
            found.resize(self.rows, NOT_FOUND);
        }
        self.memory.keywords.clear();
        self.memory.keywords.resize(self.rows, NOT_FOUND);
        if let Some((extra, others)) = self.program.documents.split_first() {
            self.find_in_document(extra);
            self.find_in_columns();
            others.iter().for_each(|document| self.find_in_document(document));
        }
        for (number, field) in self.program.fields.iter().enumerate() {
            field.scanner.examine(&Cell::Missing, &mut self.memory.scratch, &mut self.memory.hits);
            let missing = self.memory.sets.id(&self.memory.hits);
            let found = std::mem::take(&mut self.memory.found[number]);
            for (row, set) in found.iter().enumerate() {
                let set = if *set == NOT_FOUND { missing } else { *set };
                self.note(set, row);
            }
            self.memory.found[number] = found;
        }
    }

    /// Fields that JSON in a column has, where they were not found before.
    fn find_in_document(&mut self, document: &Document) {
        if document.members.is_empty() {
            return;
        }
        let Some(column) = column(self.batch, &document.column, &document.fields) else { return };
        let Some(texts) = texts(&column) else { return };
        let mut found: Vec<(usize, SetId)> = Vec::new();
        let mut nulls: Vec<usize> = Vec::new();
        let mut last: Option<&str> = None;
        for row in 0..self.rows {
            if texts.is_null(row) {
                continue;
            }
            let text = texts.value(row);
            // Records of one kind leave out the same fields: often it is the same text again.
            if last != Some(text) {
                last = Some(text);
                found.clear();
                nulls.clear();
                document.members.find(text, &mut |field, cell| match cell {
                    Cell::Null => nulls.push(field),
                    cell => self.add_found(&mut found, field, &cell),
                });
                // What is null in one place and a value in another is that value.
                for field in nulls.drain(..) {
                    if !found.iter().any(|(known, _)| *known == field) {
                        self.add_found(&mut found, field, &Cell::Null);
                    }
                }
            }
            for (field, set) in &found {
                let before = &mut self.memory.found[*field][row];
                if *before == NOT_FOUND {
                    *before = *set;
                }
            }
        }
    }

    /// Adds a value of a field. One inside a list has several: what holds for one of them holds.
    fn add_found(&mut self, found: &mut Vec<(usize, SetId)>, field: usize, cell: &Cell<'_>) {
        let set = self.examine(field, cell);
        match found.iter_mut().find(|(known, _)| *known == field) {
            Some((_, known)) => *known = self.memory.sets.union(*known, set),
            None => found.push((field, set)),
        }
    }

    fn find_in_columns(&mut self) {
        for (number, field) in self.program.fields.iter().enumerate() {
            let Some(place) = field.place.column.as_ref().filter(|place| !place.is_json) else { continue };
            let Some(values) = column(self.batch, &place.column, &place.fields) else { continue };
            if values.null_count() == self.rows {
                continue;
            }
            let mut found = std::mem::take(&mut self.memory.found[number]);
            match values.as_string_view_opt() {
                Some(texts) => self.examine_texts(number, texts, &mut found),
                None => {
                    for row in (0..self.rows).filter(|row| values.is_valid(*row)) {
                        if found[row] == NOT_FOUND {
                            found[row] = self.examine(number, &Cell::from_column(&values, row));
                        }
                    }
                }
            }
            self.memory.found[number] = found;
        }
    }

    /// The texts of a column; the common case, so without a detour.
    fn examine_texts(&mut self, field: usize, texts: &StringViewArray, found: &mut [SetId]) {
        let Memory { scratch, hits, sets, memos, .. } = &mut *self.memory;
        let scanner = &self.program.fields[field].scanner;
        let memo = &mut memos[field];
        for (row, found) in found.iter_mut().enumerate() {
            if *found != NOT_FOUND || texts.is_null(row) {
                continue;
            }
            let text = texts.value(row);
            *found = memo.get_or_examine(text, || {
                scanner.examine(&Cell::Text(text.into()), scratch, hits);
                sets.id(hits)
            });
        }
    }

    fn examine(&mut self, field: usize, cell: &Cell<'_>) -> SetId {
        let Memory { scratch, hits, sets, memos, .. } = &mut *self.memory;
        let ProgramField { scanner, .. } = &self.program.fields[field];
        let mut examine = || {
            scanner.examine(cell, scratch, hits);
            sets.id(hits)
        };
        match cell {
            Cell::Text(text) => memos[field].get_or_examine(text, examine),
            _ => examine(),
        }
    }

    /// The keywords of rules that are in some value of a row.
    fn keywords_of(&mut self, row: usize) -> SetId {
        let Some(scanner) = &self.program.keywords else { return NO_HITS };
        if self.memory.keywords[row] != NOT_FOUND {
            return self.memory.keywords[row];
        }
        let mut all = NO_HITS;
        for cell in self.program.every_cell(self.batch, row) {
            let Memory { scratch, hits, sets, memos, .. } = &mut *self.memory;
            let examine = || {
                scanner.examine_leaves(&cell, scratch, hits);
                sets.id(hits)
            };
            let set = match (&cell, memos.last_mut()) {
                (Cell::Text(text) | Cell::Nested(text), Some(memo)) => memo.get_or_examine(text, examine),
                _ => NO_HITS,
            };
            all = sets.union(all, set);
        }
        self.memory.keywords[row] = all;
        all
    }

    /// Notes that these predicates hold for a row.
    fn note(&mut self, set: SetId, row: usize) {
        if set == NO_HITS {
            return;
        }
        let Memory { sets, holds, held, .. } = &mut *self.memory;
        for predicate in sets.get(set) {
            let bits = holds[*predicate as usize].get_or_insert_with(|| {
                held.push(*predicate);
                Bits::none(self.rows)
            });
            bits.insert(row);
        }
    }

    /// The rules that may match.
    fn candidates(&self) -> Vec<u32> {
        let witnessed = self.memory.held.iter().flat_map(|held| &self.program.witnessed[*held as usize]);
        let mut rules: Vec<u32> = witnessed.chain(&self.program.unwitnessed).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    fn evaluate(&mut self, number: usize, matches: &mut Vec<Match>) {
        let program = self.program;
        let rule = &program.rules[number];
        let candidates = self.candidate_rows(rule.witnesses.as_deref());
        let is_timed = self.memory.statistics[number].evaluations.is_multiple_of(TIMED);
        let start = is_timed.then(Instant::now);
        let before = matches.len();
        let found = |row| Match { row, rule: number };
        if self.program.late[rule.root as usize] {
            let is_possible = candidates < self.rows as u64 / FEW || self.may_have_keyword(rule);
            let rows = if is_possible { Bits::all(self.rows) } else { Bits::none(self.rows) };
            matches.extend(self.within(rule.root, rows).iter().map(found));
        } else {
            self.value(rule.root);
            matches.extend(self.rows_of(rule.root).iter().map(found));
        }
        let statistics = &mut self.memory.statistics[number];
        statistics.candidates += candidates;
        statistics.evaluations += 1;
        statistics.hits += (matches.len() - before) as u64;
        if let Some(start) = start {
            statistics.timed += 1;
            statistics.timed_for += start.elapsed();
        }
    }

    /// Whether the keywords that a rule needs may be in the batch.
    fn may_have_keyword(&mut self, rule: &CompiledRule) -> bool {
        let (batch, columns) = (self.batch, &self.program.json_columns);
        rule.prefilter.as_ref().is_none_or(|prefilter| {
            prefilter.may_be_in(self.haystack.get_or_insert_with(|| Haystack::new(batch, columns)))
        })
    }

    fn candidate_rows(&self, witnesses: Option<&[u32]>) -> u64 {
        let mut holding = witnesses
            .into_iter()
            .flatten()
            .filter_map(|predicate| self.memory.holds[*predicate as usize].as_ref());
        let Some(first) = holding.next() else { return self.rows as u64 };
        match holding.next() {
            None => first.len() as u64,
            Some(second) => {
                let mut rows = first.clone();
                rows.unite(second);
                holding.for_each(|more| rows.unite(more));
                rows.len() as u64
            }
        }
    }

    /// Computes the rows for which a node holds, none of whose tests is late.
    fn value(&mut self, node: NodeId) {
        if self.memory.values[node as usize].is_some() {
            return;
        }
        let program = self.program;
        let rows = match &program.nodes[node as usize] {
            Node::Always(true) => Bits::all(self.rows),
            Node::Always(false) => Bits::none(self.rows),
            Node::Test(predicate) => {
                self.memory.holds[*predicate as usize].clone().unwrap_or_else(|| Bits::none(self.rows))
            }
            Node::Not(inner) => {
                self.value(*inner);
                let mut rows = self.rows_of(*inner).clone();
                rows.invert(self.rows);
                rows
            }
            Node::All(parts) => self.all(parts),
            Node::Any(parts) => {
                let mut rows = Bits::none(self.rows);
                for part in parts {
                    self.value(*part);
                    rows.unite(self.rows_of(*part));
                }
                rows
            }
            Node::AtLeast(count, parts) => {
                parts.iter().for_each(|part| self.value(*part));
                at_least(self.rows, *count, parts.iter().map(|part| self.rows_of(*part)))
            }
        };
        self.memory.values[node as usize] = Some(rows);
        self.memory.valued.push(node);
    }

    fn rows_of(&self, node: NodeId) -> &Bits {
        static NONE: Bits = Bits::new();
        self.memory.values[node as usize].as_ref().unwrap_or(&NONE)
    }

    fn all(&mut self, parts: &[NodeId]) -> Bits {
        // A test that holds for no row at all decides without a look at the others.
        let fails = |part: &NodeId| match &self.program.nodes[*part as usize] {
            Node::Test(predicate) => self.memory.holds[*predicate as usize].is_none(),
            _ => false,
        };
        if parts.iter().any(fails) {
            return Bits::none(self.rows);
        }
        let mut rows = Bits::all(self.rows);
        for part in parts {
            self.value(*part);
            rows.intersect(self.rows_of(*part));
            if rows.is_empty() {
                break;
            }
        }
        rows
    }

    /// Those of `rows` for which a node holds. Late tests look at each row anew: they come last, and only where all
    /// else holds.
    fn within(&mut self, node: NodeId, mut rows: Bits) -> Bits {
        let program = self.program;
        if !program.late[node as usize] {
            self.value(node);
            rows.intersect(self.rows_of(node));
            return rows;
        }
        match &program.nodes[node as usize] {
            Node::Always(_) => rows,
            Node::Test(predicate) => self.late_test(*predicate, &rows),
            Node::Not(inner) => {
                let holding = self.within(*inner, rows.clone());
                rows.remove(&holding);
                rows
            }
            Node::All(parts) => {
                let is_late = |part: &&NodeId| program.late[**part as usize];
                let early: Vec<NodeId> = parts.iter().filter(|part| !is_late(part)).copied().collect();
                rows.intersect(&self.all(&early));
                for part in parts.iter().filter(is_late) {
                    if rows.is_empty() {
                        break;
                    }
                    rows = self.within(*part, rows);
                }
                rows
            }
            Node::Any(parts) => {
                let mut any = Bits::none(self.rows);
                for part in parts {
                    any.unite(&self.within(*part, rows.clone()));
                }
                any
            }
            Node::AtLeast(count, parts) => {
                let parts: Vec<Bits> = parts.iter().map(|part| self.within(*part, rows.clone())).collect();
                at_least(self.rows, *count, parts.iter())
            }
        }
    }

    /// Those of `candidates` for which a keyword or a relation of two fields holds.
    fn late_test(&mut self, predicate: u32, candidates: &Bits) -> Bits {
        let program = self.program;
        let mut rows = Bits::none(self.rows);
        for row in candidates.iter() {
            let holds = match program.relations.get(&predicate) {
                Some(Relation { field, other, relation }) => {
                    let (field, other) =
                        (program.cell(self.batch, *field, row), program.cell(self.batch, *other, row));
                    relation::holds(relation, &field, &other)
                }
                None => {
                    let keywords = self.keywords_of(row);
                    self.memory.sets.get(keywords).binary_search(&predicate).is_ok()
                }
            };
            if holds {
                rows.insert(row);
            }
        }
        rows
    }
}

/// The rows that are in at least `count` of the sets.
fn at_least<'b>(rows: usize, count: usize, sets: impl Iterator<Item = &'b Bits>) -> Bits {
    let mut counts = vec![0_usize; rows];
    sets.flat_map(Bits::iter).for_each(|row| counts[row] += 1);
    let mut enough = Bits::none(rows);
    let holding = counts.iter().enumerate().filter(|(_, held)| **held >= count);
    holding.for_each(|(row, _)| enough.insert(row));
    enough
}

impl Program {
    /// The values of a row that came from the record.
    pub(crate) fn every_cell<'b>(
        &self,
        batch: &'b RecordBatch,
        row: usize,
    ) -> impl Iterator<Item = Cell<'b>> {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let from_record = columns.filter(|(field, _)| !field.name().starts_with(COMMON));
        from_record.map(move |(field, values)| match Cell::from_column(values, row) {
            Cell::Text(text) if self.json_columns.contains(field.name()) => Cell::Nested(text),
            cell => cell,
        })
    }
}

/// A column, or a field of a struct column, null where the struct is.
pub(crate) fn column(batch: &RecordBatch, name: &str, fields: &[String]) -> Option<ArrayRef> {
    let mut column = Arc::clone(batch.column_by_name(name)?);
    for field in fields {
        let outer = column.as_struct_opt()?;
        let inner = outer.column_by_name(field)?;
        column = match outer.nulls() {
            Some(nulls) if nulls.null_count() > 0 => {
                let data = inner.to_data().into_builder();
                let both = arrow::buffer::NullBuffer::union(Some(nulls), inner.nulls());
                arrow::array::make_array(data.nulls(both).build().ok()?)
            }
            _ => Arc::clone(inner),
        };
    }
    Some(column)
}

/// The texts of a column of text of any kind.
fn texts(column: &ArrayRef) -> Option<StringViewArray> {
    match column.data_type() {
        DataType::Utf8View => column.as_string_view_opt().cloned(),
        DataType::Utf8 | DataType::LargeUtf8 => {
            cast(column, &DataType::Utf8View).ok()?.as_string_view_opt().cloned()
        }
        _ => None,
    }
}
