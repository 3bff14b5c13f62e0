//! The value of each field in each row, and which tests hold for it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::{Memory, NOT_FOUND, Run};
use crate::bits::Bits;
use crate::cell::Cell;
use crate::memo::{NO_HITS, SetId};
use crate::program::{Document, Program, ProgramField};

/// Columns that every table has, made from the others, begin so.
const COMMON: &str = "tp_";

impl<'r> Run<'r> {
    /// Finds the value of each field in each row, and which predicates hold for it.
    pub(super) fn find_fields(&mut self) {
        for found in &mut self.memory.found {
            found.clear();
        }
        self.memory.keywords.clear();
        self.memory.keywords.resize(self.rows, NOT_FOUND);
        let nested = self.find_in_columns();
        if let Some((extra, others)) = self.program.documents.split_first() {
            others.iter().for_each(|document| self.find_in_document(document));
            self.find_in_document(extra);
        }
        // Text that only looks like a list or an object.
        for (field, row, set) in nested {
            let found = self.memory.found_in(field, row, self.rows);
            if *found == NOT_FOUND {
                *found = set;
            }
        }
        for (number, field) in self.program.fields.iter().enumerate().filter(|(_, field)| !field.is_late) {
            field.scanner.examine(&Cell::Missing, &mut self.memory.scratch, &mut self.memory.hits);
            let missing = self.memory.sets.id(&self.memory.hits);
            let found = std::mem::take(&mut self.memory.found[number]);
            if found.is_empty() {
                self.note_all(missing);
            }
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
                    _ if self.program.fields[field].is_late => {}
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
                let before = self.memory.found_in(*field, row, self.rows);
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

    /// Gives what would hold for texts that look like a list or an object: those are in `extra` as what they are.
    fn find_in_columns(&mut self) -> Vec<(usize, usize, SetId)> {
        let mut nested = Vec::new();
        for (number, field) in self.program.fields.iter().enumerate() {
            let place = field.place.column.as_ref().filter(|place| !place.is_json && !field.is_late);
            let Some(place) = place else { continue };
            let Some(values) = column(self.batch, &place.column, &place.fields) else { continue };
            if values.null_count() == self.rows {
                continue;
            }
            let mut found = std::mem::take(&mut self.memory.found[number]);
            found.resize(self.rows, NOT_FOUND);
            match values.as_string_view_opt() {
                Some(texts) => self.examine_texts(number, texts, &mut found, &mut nested),
                None => {
                    for row in (0..self.rows).filter(|row| values.is_valid(*row)) {
                        found[row] = self.examine(number, &Cell::from_column(&values, row));
                    }
                }
            }
            self.memory.found[number] = found;
        }
        nested
    }

    /// The texts of a column; the common case, so without a detour.
    fn examine_texts(
        &mut self,
        field: usize,
        texts: &StringViewArray,
        found: &mut [SetId],
        nested: &mut Vec<(usize, usize, SetId)>,
    ) {
        let Memory { scratch, hits, sets, memos, .. } = &mut *self.memory;
        let scanner = &self.program.fields[field].scanner;
        let memo = &mut memos[field];
        let mut last: Option<(&str, SetId)> = None;
        for (row, found) in found.iter_mut().enumerate() {
            if texts.is_null(row) {
                continue;
            }
            let text = texts.value(row);
            let set = match last {
                Some((same, set)) if same == text => set,
                _ => memo.get_or_examine(text, || {
                    scanner.examine(&Cell::Text(text.into()), scratch, hits);
                    sets.id(hits)
                }),
            };
            last = Some((text, set));
            if text.starts_with(['[', '{']) {
                nested.push((field, row, set));
            } else {
                *found = set;
            }
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

    /// The predicates that hold for a field, which is looked at late, in a row.
    pub(super) fn late_field(&mut self, field: usize, row: usize) -> SetId {
        let known = *self.memory.found_in(field, row, self.rows);
        if known != NOT_FOUND {
            return known;
        }
        let set = self.examine(field, &self.program.cell(self.batch, field, row));
        *self.memory.found_in(field, row, self.rows) = set;
        set
    }

    /// The keywords of rules that are in some value of a row.
    pub(super) fn keywords_of(&mut self, row: usize) -> SetId {
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

    /// Notes that these predicates hold for all rows.
    fn note_all(&mut self, set: SetId) {
        let Memory { sets, holds, held, .. } = &mut *self.memory;
        for predicate in sets.get(set) {
            held.push(*predicate);
            holds[*predicate as usize] = Some(Bits::all(self.rows));
        }
    }
}

impl Memory {
    /// Where the set of predicates is that hold for a field in a row.
    fn found_in(&mut self, field: usize, row: usize, rows: usize) -> &mut SetId {
        let found = &mut self.found[field];
        if found.is_empty() {
            found.resize(rows, NOT_FOUND);
        }
        &mut found[row]
    }
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
pub(crate) fn texts(column: &ArrayRef) -> Option<StringViewArray> {
    match column.data_type() {
        DataType::Utf8View => column.as_string_view_opt().cloned(),
        DataType::Utf8 | DataType::LargeUtf8 => {
            cast(column, &DataType::Utf8View).ok()?.as_string_view_opt().cloned()
        }
        _ => None,
    }
}
