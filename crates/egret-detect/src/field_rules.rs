//! Rules made of tests of fields, all of a table as one program.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder, RecordBatch};
use arrow::datatypes::DataType;
use egret_match::{CompileError, Condition, FieldMap, Memory, Program, RuleStatistics, Subject};
use egret_model::schema::EXTRA;
use egret_model::{ColumnType, EvaluateError, Evidence, Expression, TableSchema};

/// The field rules of a table.
pub(crate) struct FieldRules {
    program: Program,
    /// For each rule of the program, the place of its detection.
    detections: Vec<usize>,
    conditions: Vec<Arc<Condition>>,
    /// One for each thread that has looked at rows, while it does not.
    memories: Mutex<Vec<Memory>>,
}

impl FieldRules {
    /// Compiles conditions, each with the place of its detection. Those that cannot be compiled match nothing.
    pub(crate) fn compile(
        rules: Vec<(usize, Arc<Condition>)>,
        table: &TableSchema,
    ) -> (Self, Vec<(usize, CompileError)>) {
        let (detections, conditions): (Vec<usize>, Vec<Arc<Condition>>) = rules.into_iter().unzip();
        let (program, errors) = Program::compile(conditions.iter().cloned(), &field_map(table));
        let errors = errors
            .into_iter()
            .filter_map(|(rule, error)| Some((*detections.get(rule).or(detections.last())?, error)))
            .collect();
        (Self { program, detections, conditions, memories: Mutex::default() }, errors)
    }

    /// The rows that match, with the places of detections.
    pub(crate) fn hits(&self, rows: &RecordBatch) -> Vec<(usize, usize)> {
        if self.program.is_empty() {
            return Vec::new();
        }
        let free = self.lock().pop();
        let mut memory = free.unwrap_or_else(|| Memory::new(&self.program));
        let matches = self.program.run(rows, &mut memory);
        self.lock().push(memory);
        matches.into_iter().map(|found| (found.row, self.detections[found.rule])).collect()
    }

    /// Whether any of the rules matches, as an expression over those of `columns` that are looked at; `None` if there
    /// are no rules.
    pub(crate) fn expression(self: &Arc<Self>, columns: &[String]) -> Option<Arc<dyn Expression>> {
        if self.program.is_empty() {
            return None;
        }
        let read = self.program.columns();
        let is_read = |column: &&String| read.as_ref().is_none_or(|read| read.contains(column.as_str()));
        let columns = columns.iter().filter(is_read).cloned().collect();
        Some(Arc::new(AnyRule { rules: Arc::clone(self), columns }))
    }

    /// See [`Program::needed_integers`].
    pub(crate) fn needed_integers(&self) -> Vec<(String, Vec<i64>)> {
        self.program.needed_integers()
    }

    /// Why a rule of the program matches a row.
    pub(crate) fn explain(&self, rule: usize, rows: &RecordBatch, row: usize) -> Vec<Evidence> {
        self.program.explain(rule, rows, row)
    }

    /// The fields that a rule looks at, each with its value in a row.
    pub(crate) fn values(
        &self,
        rule: usize,
        rows: &RecordBatch,
        row: usize,
    ) -> Vec<(String, Option<String>)> {
        let mut values: Vec<(String, Option<String>)> = Vec::new();
        for predicate in self.conditions[rule].predicates() {
            if let Subject::Field(name) = &predicate.subject
                && !values.iter().any(|(known, _)| **known == **name)
            {
                values.push((name.to_string(), self.program.value(name, rows, row)));
            }
        }
        values
    }

    /// For each detection, what its rule took so far, in all threads.
    pub(crate) fn statistics(&self) -> Vec<(usize, RuleStatistics)> {
        let mut sums: Vec<(usize, RuleStatistics)> =
            self.detections.iter().map(|detection| (*detection, RuleStatistics::default())).collect();
        for memory in self.lock().iter() {
            for ((_, sum), one) in sums.iter_mut().zip(memory.statistics()) {
                *sum += *one;
            }
        }
        sums
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Memory>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether any of the rules matches a row, as an expression over some columns.
#[derive(Debug)]
struct AnyRule {
    rules: Arc<FieldRules>,
    columns: Vec<String>,
}

impl Expression for AnyRule {
    fn sql(&self) -> &str {
        "any rule matches"
    }

    fn data_type(&self) -> &DataType {
        &DataType::Boolean
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, EvaluateError> {
        let mut matching = BooleanBufferBuilder::new(rows.num_rows());
        matching.append_n(rows.num_rows(), false);
        for (row, _) in self.rules.hits(rows) {
            matching.set_bit(row, true);
        }
        Ok(Arc::new(BooleanArray::new(matching.finish(), None)))
    }
}

/// Says no more than how many rules there are: their automata are of no use to people.
impl std::fmt::Debug for FieldRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FieldRules").field("rules", &self.detections.len()).finish_non_exhaustive()
    }
}

/// Where the fields that rules name are in the rows of `table`.
fn field_map(table: &TableSchema) -> FieldMap {
    let mut map = FieldMap::new(&table.roots);
    for column in table.columns.iter().filter(|column| column.name != EXTRA) {
        // What is computed is known by its name alone.
        let own_name = [column.name.clone()];
        let sources = if column.sources.is_empty() { &own_name[..] } else { &column.sources };
        map = match &column.column_type {
            ColumnType::Json => map.with_json_column(&column.name, sources),
            other => map.with_column(&column.name, sources, &other.to_arrow()),
        };
    }
    map
}
