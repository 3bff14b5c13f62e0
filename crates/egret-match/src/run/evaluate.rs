//! Rules evaluated on sets of rows.

use std::time::Instant;

use super::{Match, Run};
use crate::bits::Bits;
use crate::graph::{Node, NodeId};
use crate::prefilter::Haystack;
use crate::program::{CompiledRule, Relation};
use crate::relation;

/// One evaluation of a rule in so many is timed.
const TIMED: u64 = 64;

/// If fewer than one in so many rows are candidates, looking at each is quicker than at all texts.
const FEW: u64 = 8;

impl<'r> Run<'r> {
    /// The rules that may match.
    pub(super) fn candidates(&self) -> Vec<u32> {
        let witnessed = self.memory.held.iter().flat_map(|held| &self.program.witnessed[*held as usize]);
        let mut rules: Vec<u32> = witnessed.chain(&self.program.unwitnessed).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    pub(super) fn evaluate(&mut self, number: usize, matches: &mut Vec<Match>) {
        let program = self.program;
        let rule = &program.rules[number];
        let candidates = self.candidate_rows(rule.witnesses.as_deref());
        let candidate_count = candidates.len() as u64;
        let is_timed = self.memory.statistics[number].evaluations.is_multiple_of(TIMED);
        let start = is_timed.then(Instant::now);
        let before = matches.len();
        let found = |row| Match { row, rule: number };
        if self.program.late[rule.root as usize] {
            if candidate_count < self.rows as u64 / FEW || self.may_have_keyword(rule) {
                matches.extend(self.within(rule.root, candidates).iter().map(found));
            }
        } else {
            self.value(rule.root);
            matches.extend(self.rows_of(rule.root).iter().map(found));
        }
        let statistics = &mut self.memory.statistics[number];
        statistics.candidates += candidate_count;
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

    /// The rows for which one of the witnesses holds; all, if the rule has none.
    fn candidate_rows(&self, witnesses: Option<&[u32]>) -> Bits {
        let Some(witnesses) = witnesses else { return Bits::all(self.rows) };
        let mut rows = Bits::none(self.rows);
        for witness in witnesses {
            if let Some(holding) = &self.memory.holds[*witness as usize] {
                rows.unite(holding);
            }
        }
        rows
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
            Node::Test(_) => return,
            Node::Not(inner) => {
                self.value(*inner);
                let mut rows = Bits::all(self.rows);
                rows.remove(self.rows_of(*inner));
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
        let rows = match &self.program.nodes[node as usize] {
            Node::Test(predicate) => &self.memory.holds[*predicate as usize],
            _ => &self.memory.values[node as usize],
        };
        rows.as_ref().unwrap_or(&NONE)
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

    /// Those of `candidates` for which a late test holds.
    fn late_test(&mut self, predicate: u32, candidates: &Bits) -> Bits {
        let program = self.program;
        let mut rows = Bits::none(self.rows);
        for row in candidates.iter() {
            let holds = match (program.relations.get(&predicate), program.field_of[predicate as usize]) {
                (Some(Relation { field, other, relation }), _) => {
                    let (field, other) =
                        (program.cell(self.batch, *field, row), program.cell(self.batch, *other, row));
                    relation::holds(relation, &field, &other)
                }
                (None, field) => {
                    let held = match field {
                        Some(field) => self.late_field(field, row),
                        None => self.keywords_of(row),
                    };
                    self.memory.sets.get(held).binary_search(&predicate).is_ok()
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
