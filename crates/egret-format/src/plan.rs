//! Record plans: which of a record's fields become which columns.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono_tz::Tz;
use egret_model::ColumnType;
use hashbrown::HashMap;

use crate::mapped::MappedFields;

/// A column to be filled straight from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanColumn {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// The field it comes from: a name, or a path with dots through nested objects.
    pub source: String,
    /// Texts that mean null.
    pub null_if: Vec<String>,
}

/// Why a plan cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A list of anything but plain values.
    #[error("column `{column}` cannot be read as {column_type}: only lists of plain values can; use `json`")]
    NestedList {
        /// The column.
        column: String,
        /// Its type.
        column_type: ColumnType,
    },
}

/// Which of a record's fields become which columns, compiled for decoders.
#[derive(Debug)]
pub struct RecordPlan {
    pub(crate) slots: Vec<SlotPlan>,
    pub(crate) presences: usize,
    pub(crate) root: Node,
    pub(crate) numbers: usize,
    pub(crate) columns: Vec<(String, Shape)>,
    pub(crate) map_fields: Vec<String>,
    pub(crate) mapped: MappedFields,
    /// Names that a mapped field must not take, in lower case: SQL does not tell case apart.
    pub(crate) taken: HashSet<String>,
    /// The zone for timestamps that lack one.
    pub timezone: Tz,
    /// How many bytes a record took in the last block, 0 before the first.
    record_bytes: AtomicUsize,
}

/// One leaf: a builder of plain values or of a list of them.
#[derive(Debug, Clone)]
pub(crate) struct SlotPlan {
    pub(crate) column_type: ColumnType,
    pub(crate) null_if: Vec<String>,
    /// Whether the column stays, so that what it holds exactly needs no other place.
    pub(crate) keeps: bool,
}

/// How leaves make up a column.
#[derive(Debug)]
pub(crate) enum Shape {
    Leaf(usize),
    Struct { presence: usize, fields: Vec<(String, Self)> },
}

/// The fields that are known at one level of nesting.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) entries: Vec<Entry>,
    /// A number of its own among all nodes and entries of the plan.
    pub(crate) number: usize,
    by_name: HashMap<Box<str>, usize>,
}

/// A known field: the leaves that take its value, and what is known inside it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    /// A number of its own among all nodes and entries of the plan.
    pub(crate) number: usize,
    pub(crate) slots: Vec<usize>,
    pub(crate) presences: Vec<usize>,
    pub(crate) child: Option<Box<Node>>,
}

impl Node {
    /// The entry of the field called `name`.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    fn entry(&mut self, name: &str) -> &mut Entry {
        let index = match self.by_name.get(name) {
            Some(index) => *index,
            None => {
                let index = self.entries.len();
                let (slots, presences) = (vec![], vec![]);
                self.entries.push(Entry { name: name.into(), number: 0, slots, presences, child: None });
                self.by_name.insert(name.into(), index);
                index
            }
        };
        &mut self.entries[index]
    }

    /// Numbers this node, its entries and what is below them, from `next` on; gives the next free number.
    fn number_from(&mut self, next: usize) -> usize {
        self.number = next;
        let mut next = next + 1;
        for entry in &mut self.entries {
            entry.number = next;
            next += 1;
            if let Some(child) = &mut entry.child {
                next = child.number_from(next);
            }
        }
        next
    }
}

impl RecordPlan {
    /// Compiles the columns. `map_fields` are patterns (`*` for any run of characters) of the fields that
    /// become text columns of their own name without being declared; `reserved` are column names that such
    /// a field must not take.
    ///
    /// The fields of a struct column take the record's fields of the same name, whether those are written
    /// `user_name`, `userName` or `UserName`.
    ///
    /// # Errors
    /// If a type cannot be read from a record.
    pub fn new(
        columns: &[PlanColumn],
        map_fields: Vec<String>,
        reserved: &[String],
        timezone: Tz,
    ) -> Result<Self, PlanError> {
        Self::with_inputs(columns, &[], map_fields, reserved, timezone)
    }

    /// As [`RecordPlan::new`], with `inputs`: columns that somebody computes others from and then leaves out.
    /// They are decoded like `columns`, but a field that only inputs take also goes to `extra`.
    ///
    /// # Errors
    /// If a type cannot be read from a record.
    pub fn with_inputs(
        columns: &[PlanColumn],
        inputs: &[PlanColumn],
        map_fields: Vec<String>,
        reserved: &[String],
        timezone: Tz,
    ) -> Result<Self, PlanError> {
        let mut plan = Self {
            slots: Vec::new(),
            presences: 0,
            root: Node::default(),
            numbers: 0,
            columns: Vec::new(),
            map_fields,
            mapped: MappedFields::default(),
            taken: reserved.iter().map(|name| name.to_lowercase()).collect(),
            timezone,
            record_bytes: AtomicUsize::new(0),
        };
        let mut root = Node::default();
        let kept = columns.iter().map(|column| (column, true));
        for (column, keeps) in kept.chain(inputs.iter().map(|input| (input, false))) {
            plan.taken.insert(column.name.to_lowercase());
            let (column_type, null_if) = (column.column_type.clone(), column.null_if.clone());
            let leaf = SlotPlan { column_type, null_if, keeps };
            let shape = plan.add_shape(&column.name, leaf)?;
            let mut node = &mut root;
            let mut names = column.source.split('.').peekable();
            while let Some(name) = names.next() {
                let entry = node.entry(name);
                if names.peek().is_none() {
                    attach(entry, &shape);
                    break;
                }
                node = entry.child.get_or_insert_default();
            }
            if column.source.contains('.') {
                // A flat record may have the whole path as one name.
                attach(root.entry(&column.source), &shape);
            }
            plan.columns.push((column.name.clone(), shape));
        }
        plan.numbers = root.number_from(0);
        plan.root = root;
        Ok(plan)
    }

    /// With the mapped fields that all who fill the same table share.
    #[must_use]
    pub fn with_mapped_fields(self, mapped: MappedFields) -> Self {
        Self { mapped, ..self }
    }

    /// The fields that became columns without being declared.
    pub fn mapped_fields(&self) -> &MappedFields {
        &self.mapped
    }

    /// How many rows to expect of a block of `bytes`, some more than the last block had: memory for them is taken at
    /// once, since columns that grow are copied each time.
    pub(crate) fn expected_rows(&self, bytes: usize) -> usize {
        let rows = bytes.checked_div(self.record_bytes.load(Ordering::Relaxed)).unwrap_or(0);
        rows + rows / 8
    }

    /// Remembers that a block of `bytes` had so many rows.
    pub(crate) fn note_rows(&self, bytes: usize, rows: usize) {
        if let Some(record_bytes) = bytes.checked_div(rows) {
            self.record_bytes.store(record_bytes, Ordering::Relaxed);
        }
    }

    fn add_shape(&mut self, column: &str, leaf: SlotPlan) -> Result<Shape, PlanError> {
        let nested_list =
            || PlanError::NestedList { column: column.to_owned(), column_type: leaf.column_type.clone() };
        match &leaf.column_type {
            ColumnType::Struct(fields) => {
                let presence = self.presences;
                self.presences += 1;
                let mut shapes = Vec::with_capacity(fields.len());
                for (name, column_type) in fields {
                    let inner = SlotPlan { column_type: column_type.clone(), ..leaf.clone() };
                    shapes.push((name.clone(), self.add_shape(column, inner)?));
                }
                return Ok(Shape::Struct { presence, fields: shapes });
            }
            ColumnType::List(element) if matches!(**element, ColumnType::Struct(_) | ColumnType::List(_)) => {
                return Err(nested_list());
            }
            _ => {}
        }
        self.slots.push(leaf);
        Ok(Shape::Leaf(self.slots.len() - 1))
    }
}

fn attach(entry: &mut Entry, shape: &Shape) {
    match shape {
        Shape::Leaf(slot) => entry.slots.push(*slot),
        Shape::Struct { presence, fields } => {
            entry.presences.push(*presence);
            let child = entry.child.get_or_insert_default();
            for (name, field) in fields {
                for spelling in spellings(name) {
                    attach(child.entry(&spelling), field);
                }
            }
        }
    }
}

/// The ways in which vendors write the name of a struct's field.
fn spellings(name: &str) -> Vec<String> {
    let mut camel = String::with_capacity(name.len());
    let mut upper_next = false;
    for c in name.chars() {
        match c {
            '_' => upper_next = true,
            _ if upper_next => {
                camel.extend(c.to_uppercase());
                upper_next = false;
            }
            _ => camel.push(c),
        }
    }
    let mut first = camel.chars();
    let pascal: String = first.next().into_iter().flat_map(char::to_uppercase).chain(first).collect();
    let mut all = vec![name.to_owned()];
    for spelling in [camel, pascal] {
        if !all.contains(&spelling) {
            all.push(spelling);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn struct_fields_know_their_spellings() {
        assert_eq!(spellings("user_name"), ["user_name", "userName", "UserName"]);
        assert_eq!(spellings("arn"), ["arn", "Arn"]);
        assert_eq!(spellings("Arn"), ["Arn"]);
    }

    #[test]
    fn a_list_of_structs_is_refused() {
        let column = PlanColumn {
            name: "resources".into(),
            column_type: "struct(arn varchar)[]".parse().unwrap(),
            source: "resources".into(),
            null_if: vec![],
        };
        let error = RecordPlan::new(&[column], vec![], &[], Tz::UTC).unwrap_err();
        assert!(error.to_string().contains("use `json`"), "{error}");
    }
}
