//! Record plans: which of a record's fields become which columns.

mod tree;

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono_tz::Tz;
use egret_model::ColumnType;

use crate::mapped::MappedFields;

use tree::ANY_NAME;
pub(crate) use tree::{Entry, Node, Place};

/// A column to be filled straight from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanColumn {
    /// The column's name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// The fields it may come from, the preferred one first: names, or paths with dots through nested objects.
    pub sources: Vec<String>,
    /// Texts that mean null.
    pub null_if: Vec<String>,
}

/// What a plan is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlanParts<'p> {
    /// The columns.
    pub columns: &'p [PlanColumn],
    /// Columns that somebody computes others from and then leaves out. They are decoded like the others, but a
    /// field that only these take also goes to `extra`.
    pub inputs: &'p [PlanColumn],
    /// Objects of the record whose members count as fields of the record itself, as paths with dots in which `*`
    /// is any one name. A field that is there and at the top is taken from the top; of those below several roots
    /// the one below the first counts. Instead of an object there may be a list of its members as pairs of name
    /// and value: `[{"@Name": "Image", "#text": "a.exe"}]`.
    pub roots: &'p [String],
    /// Patterns (`*` for any run of characters) of the fields at the top that become text columns of their own
    /// name without being declared.
    pub map_fields: &'p [String],
    /// The names of columns that such a field must not take.
    pub reserved: &'p [String],
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

impl RecordPlan {
    /// Compiles columns without roots; `map_fields` and `reserved` as in [`PlanParts`].
    ///
    /// # Errors
    /// If a type cannot be read from a record.
    pub fn new(
        columns: &[PlanColumn],
        map_fields: Vec<String>,
        reserved: &[String],
        timezone: Tz,
    ) -> Result<Self, PlanError> {
        let parts = PlanParts { columns, map_fields: &map_fields, reserved, ..PlanParts::default() };
        Self::from_parts(parts, timezone)
    }

    /// Compiles the parts. `timezone` is for timestamps that lack a zone.
    ///
    /// Of several sources of a column the first counts that the record has with a value that fits; the others stay
    /// in `extra`. The fields of a struct column take the record's fields of the same name, whether those are
    /// written `user_name`, `userName` or `UserName`.
    ///
    /// # Errors
    /// If a type cannot be read from a record.
    pub fn from_parts(parts: PlanParts<'_>, timezone: Tz) -> Result<Self, PlanError> {
        let mut plan = Self {
            slots: Vec::new(),
            presences: 0,
            root: Node::default(),
            numbers: 0,
            columns: Vec::new(),
            map_fields: parts.map_fields.to_vec(),
            mapped: MappedFields::default(),
            taken: parts.reserved.iter().map(|name| name.to_lowercase()).collect(),
            timezone,
            record_bytes: AtomicUsize::new(0),
        };
        for root in parts.roots {
            plan.root.object_at(root).is_root = true;
        }
        let mut has_choice: Vec<bool> = Vec::new();
        let kept = parts.columns.iter().map(|column| (column, true));
        for (column, keeps) in kept.chain(parts.inputs.iter().map(|input| (input, false))) {
            plan.taken.insert(column.name.to_lowercase());
            let (column_type, null_if) = (column.column_type.clone(), column.null_if.clone());
            let leaf = SlotPlan { column_type, null_if, keeps };
            let shape = plan.add_shape(&column.name, leaf)?;
            plan.add_places(column, &shape, parts.roots);
            has_choice.resize(plan.slots.len(), column.sources.len() > 1 || !parts.roots.is_empty());
            plan.columns.push((column.name.clone(), shape));
        }
        plan.root.find_opening(&has_choice);
        plan.numbers = plan.root.number_from(0);
        Ok(plan)
    }

    /// Puts a column everywhere in the tree where a record may have it.
    fn add_places(&mut self, column: &PlanColumn, shape: &Shape, roots: &[String]) {
        let mut rank = 0;
        let mut next_rank = || {
            rank += 1;
            u16::try_from(rank - 1).unwrap_or(u16::MAX)
        };
        for source in &column.sources {
            let rank = next_rank();
            self.root.entry_at(source).attach(shape, rank);
            if source.contains('.') {
                // A flat record may have the whole path as one name.
                self.root.entry(source).attach(shape, rank);
            }
        }
        let first_name = |path: &str| path.split_once('.').map(|(first, _)| first.to_owned());
        let begins_like_root = |source: &String| {
            let first = first_name(source);
            first.is_some() && roots.iter().any(|root| first_name(root) == first)
        };
        for root in roots {
            for source in &column.sources {
                let rank = next_rank();
                if begins_like_root(source) {
                    continue;
                }
                self.root.object_at(root).entry_at(source).attach(shape, rank);
                if !root.contains(ANY_NAME) {
                    self.root.entry(&format!("{root}.{source}")).attach(shape, rank);
                }
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_structs_is_refused() {
        let column = PlanColumn {
            name: "resources".into(),
            column_type: "struct(arn varchar)[]".parse().unwrap(),
            sources: vec!["resources".into()],
            null_if: vec![],
        };
        let error = RecordPlan::new(&[column], vec![], &[], Tz::UTC).unwrap_err();
        assert!(error.to_string().contains("use `json`"), "{error}");
    }
}
