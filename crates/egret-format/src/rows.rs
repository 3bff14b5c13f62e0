//! Rows: what a decoder fills, field by field, and what comes out of a block.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullBufferBuilder, RecordBatch, RecordBatchOptions, StructArray};
use arrow::buffer::{Buffer, NullBuffer};
use arrow::datatypes::{Field, Fields, Schema};
use base64::Engine;
use egret_model::channel::wildcard_matches;
use egret_model::schema::EXTRA;
use egret_model::{ColumnType, Quarantined, Stage};
use hashbrown::HashSet;

use crate::block::Block;
use crate::choices::{Choices, Verdict};
use crate::extra::ExtraWriter;
use crate::plan::{Entry, Node, Place, RecordPlan, Shape, SlotPlan};
use crate::slot::{Fit, Slot, Texts, Value, string_views};

/// So many names of fields that no column takes are noted.
const MAX_UNKNOWN_FIELDS: usize = 100;

/// The member of `extra` that holds a record, in base64, whose text was not valid UTF-8, or is none for a lone
/// surrogate that JSON allows and that no other member shows as it was written.
pub const INVALID_UTF8: &str = "_invalid_utf8";

/// Where a record lies in its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Its first byte in the decompressed object.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u32,
}

/// What was decoded from a block.
#[derive(Debug)]
pub struct Decoded {
    /// The columns of the plan that hold any value, those that mapped fields added, and `extra`.
    pub rows: RecordBatch,
    /// Where each row's record lies.
    pub spans: Vec<Span>,
    /// What was no record.
    pub quarantined: Vec<Quarantined>,
    /// Values that did not fit their column, which is null for want of another: the original is in `extra`.
    pub misfits: u64,
    /// The names of fields at the top of records that no column takes, in no order; not all of very many.
    pub unknown_fields: Vec<String>,
}

/// Builds the rows of one block.
///
/// A decoder calls [`RowBuilder::begin`], puts fields, puts them again as long as [`RowBuilder::wants_again`], and
/// then calls [`RowBuilder::end`] or [`RowBuilder::quarantine`]. A field is put by the [`FieldId`] that was made for
/// its name once, or by name.
#[derive(Debug)]
pub struct RowBuilder<'b> {
    plan: &'b RecordPlan,
    block: &'b Block,
    skip_before: u64,
    /// As many as the block may have.
    expected: usize,
    /// The builders of the plan's leaves, once a record has a value for them.
    slots: Vec<Option<Slot>>,
    choices: Choices,
    presences: Vec<(NullBufferBuilder, usize)>,
    mapped: Vec<(String, Slot)>,
    texts: Texts<'b>,
    extra: ExtraWriter,
    extra_views: Vec<u128>,
    extra_nulls: NullBufferBuilder,
    last_extra: (String, u128),
    spans: Vec<Span>,
    quarantined: Vec<Quarantined>,
    misfits: u64,
    unknown_fields: HashSet<Box<str>>,
    record: usize,
    /// By the number of a node or entry: the entry of the same node that came next in the last record.
    followers: Vec<usize>,
}

/// A field's place in the plan, found once for many records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldId {
    entry: Option<usize>,
    name: Box<str>,
}

impl FieldId {
    /// The place of the field called `name` in `plan`.
    pub fn new(plan: &RecordPlan, name: &str) -> Self {
        Self { entry: plan.root.index_of(name), name: name.into() }
    }
}

impl<'b> RowBuilder<'b> {
    /// Builds the rows of `block`; records that start before `skip_before` in the object are left out, since
    /// they are stored already.
    pub fn new(plan: &'b RecordPlan, block: &'b Block, skip_before: u64) -> Self {
        let expected = plan.expected_rows(block.bytes.len());
        Self {
            plan,
            block,
            skip_before,
            expected,
            slots: plan.slots.iter().map(|_| None).collect(),
            choices: Choices::new(plan.slots.len()),
            presences: (0..plan.presences).map(|_| (NullBufferBuilder::new(expected), 0)).collect(),
            mapped: Vec::new(),
            texts: Texts::new(&block.bytes),
            extra: ExtraWriter::default(),
            extra_views: Vec::with_capacity(expected),
            extra_nulls: NullBufferBuilder::new(expected),
            last_extra: (String::new(), 0),
            spans: Vec::with_capacity(expected),
            quarantined: Vec::new(),
            misfits: 0,
            unknown_fields: HashSet::new(),
            record: 0,
            followers: vec![0; plan.numbers],
        }
    }

    /// The rows so far.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are no rows so far.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// How many bytes at the start of the block come before the position where reading goes on.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.skip_before.saturating_sub(self.block.offset)
    }

    /// Begins the record at byte `at` of the block. Says whether it is wanted: one that is stored already
    /// is not, and the decoder goes on with the next.
    pub fn begin(&mut self, at: usize) -> bool {
        self.record = at;
        self.choices.begin();
        self.extra.clear();
        self.block.offset + at as u64 >= self.skip_before
    }

    /// Whether the record, all of whose fields have been put, must be put once more: a column has taken a value that
    /// was not the best of those in the record. What was put is forgotten then.
    pub fn wants_again(&mut self) -> bool {
        let rows = self.spans.len();
        let again =
            self.choices.settle(|slot| self.slots[slot].as_ref().is_some_and(|slot| slot.len() > rows));
        if again {
            self.begin_again();
        }
        again
    }

    /// Ends the record, which takes the bytes up to `to` of the block: it is a row now. Columns that it has no
    /// value for stay short.
    pub fn end(&mut self, to: usize) {
        self.end_extra();
        let rows = self.spans.len();
        self.misfits +=
            self.choices.misfits(|slot| self.slots[slot].as_ref().is_some_and(|slot| slot.len() > rows));
        let offset = self.block.offset + self.record as u64;
        self.spans.push(Span { offset, length: (to - self.record) as u32 });
    }

    fn end_extra(&mut self) {
        let Some(text) = self.extra.finish() else {
            self.extra_views.push(0);
            self.extra_nulls.append_null();
            return;
        };
        // Records of one kind miss the same fields: most often it is the same text again.
        if self.last_extra.0 != text {
            let view = self.texts.view(text.as_bytes());
            self.last_extra.0.clear();
            self.last_extra.0.push_str(text);
            self.last_extra.1 = view;
        }
        self.extra_views.push(self.last_extra.1);
        self.extra_nulls.append_non_null();
    }

    /// Puts the bytes from where the record began up to `to` into quarantine instead of a row.
    pub fn quarantine(&mut self, reason: impl Into<String>, to: usize) {
        self.abandon();
        let raw = &self.block.bytes[self.record..to];
        let offset = self.block.offset + self.record as u64;
        if offset >= self.skip_before {
            self.quarantined.push(Quarantined::new(Stage::Parse, reason, offset, raw));
        }
    }

    /// Forgets what was put since the record began: it will come again, with more bytes behind it.
    pub fn abandon(&mut self) {
        let rows = self.spans.len();
        self.slots.iter_mut().flatten().for_each(|slot| slot.truncate(rows));
        self.mapped.iter_mut().for_each(|(_, slot)| slot.truncate(rows));
        for (presence, len) in &mut self.presences {
            if *len > rows {
                presence.truncate(rows);
                *len = rows;
            }
        }
    }

    /// Forgets what was put since the record began: it is read once more, in another way.
    pub(crate) fn begin_again(&mut self) {
        self.abandon();
        self.choices.begin();
        self.extra.clear();
    }

    /// Puts a field of a format that knows only text.
    pub fn text(&mut self, field: &FieldId, text: &str) {
        let Some(entry) = field.entry else {
            self.unknown(&field.name, Value::Text(text));
            return;
        };
        let plan = self.plan;
        self.fill(&plan.root.entries[entry], Value::Text(text));
    }

    /// Puts a field of a format that knows only text, by its name.
    pub fn named_text(&mut self, name: &str, text: &str) {
        let plan = self.plan;
        match plan.root.find(name) {
            Some(entry) => self.fill(entry, Value::Text(text)),
            None => self.unknown(name, Value::Text(text)),
        }
    }

    /// Notes that the record's text was not valid UTF-8 and what its bytes were.
    pub fn invalid_utf8(&mut self, record: &[u8]) {
        let original = base64::engine::general_purpose::STANDARD.encode(record);
        self.extra.put_text(INVALID_UTF8, &original);
    }

    /// The entry of `node` that is expected to come next, where the field before it had the number `previous`: records
    /// of one kind have their fields in the same order.
    #[inline]
    pub(crate) fn expected<'n>(&self, node: &'n Node, previous: usize) -> Option<&'n Entry> {
        node.entries.get(self.followers[previous])
    }

    /// The entry of `node` called `name`, which is remembered as what follows the number `previous`.
    pub(crate) fn find<'n>(&mut self, node: &'n Node, previous: usize, name: &str) -> Option<&'n Entry> {
        let found = node.index_of(name)?;
        self.followers[previous] = found;
        node.entries.get(found)
    }

    pub(crate) fn plan(&self) -> &'b RecordPlan {
        self.plan
    }

    pub(crate) fn extra(&mut self) -> &mut ExtraWriter {
        &mut self.extra
    }

    /// Puts `value` into all leaves of an entry; keeps it in `extra` unless one of them can give it back.
    pub(crate) fn fill(&mut self, entry: &Entry, value: Value<'_>) {
        if self.fill_again(entry, value) != Fit::Exact {
            self.keep(&entry.name, value);
        }
    }

    /// Puts `value` into all leaves of an entry, where something else keeps the original.
    pub(crate) fn fill_again(&mut self, entry: &Entry, value: Value<'_>) -> Fit {
        let rows = self.spans.len();
        let mut fit = Fit::Failed;
        for place in &entry.places {
            let Place { slot: index, rank, is_only } = *place;
            let SlotPlan { column_type, null_if, keeps } = &self.plan.slots[index];
            let is_filled = self.slots[index].as_ref().is_some_and(|slot| slot.len() > rows);
            if let (false, Value::Text(text) | Value::String(text)) = (null_if.is_empty(), value)
                && null_if.iter().any(|null| null == text)
            {
                if *keeps && !is_filled {
                    fit = Fit::Exact;
                }
                continue;
            }
            let verdict = match is_only {
                true if is_filled => Verdict::Leave,
                true => Verdict::Take,
                false => self.choices.consider(index, rank, is_filled),
            };
            match verdict {
                Verdict::Take => {}
                Verdict::Try => {
                    self.try_better(*place, value);
                    continue;
                }
                // The record has it twice, or a better one is to come: it is kept.
                Verdict::Leave => continue,
            }
            let slot = self.slots[index].get_or_insert_with(|| Slot::new(column_type, self.expected));
            slot.pad(rows);
            match slot.put(value, &mut self.texts, self.plan.timezone) {
                Fit::Failed => {
                    slot.truncate(rows);
                    if *keeps {
                        self.choices.unfit(index);
                    }
                    continue;
                }
                Fit::Exact if *keeps => fit = Fit::Exact,
                Fit::Exact | Fit::Inexact => {}
            }
            if !is_only {
                self.choices.taken(index, rank);
            }
        }
        fit
    }

    /// Finds out whether a leaf that has a value of this record should have waited for this one.
    #[cold]
    fn try_better(&mut self, place: Place, value: Value<'_>) {
        let Some(slot) = &mut self.slots[place.slot] else { return };
        if slot.put(value, &mut self.texts, self.plan.timezone) != Fit::Failed {
            self.choices.prefer(place.slot, place.rank);
        }
        slot.truncate(self.spans.len() + 1);
    }

    /// The record has the object that these struct columns are made of.
    pub(crate) fn present(&mut self, presences: &[usize]) {
        let rows = self.spans.len();
        for index in presences {
            let (presence, len) = &mut self.presences[*index];
            if *len <= rows {
                presence.append_n_nulls(rows - *len);
                presence.append_non_null();
                *len = rows + 1;
            }
        }
    }

    /// Whether fields at the top of the record that the plan does not know may become columns.
    pub(crate) fn maps_fields(&self) -> bool {
        !self.plan.map_fields.is_empty()
    }

    /// A field at the top of the record that the plan does not know.
    pub(crate) fn unknown(&mut self, name: &str, value: Value<'_>) {
        if self.map_field(name, value) {
            return;
        }
        self.note_unknown(name);
        self.keep(name, value);
    }

    /// As [`RowBuilder::unknown`], for a text that is not quite what was `written`: that is kept in any case.
    pub(crate) fn unknown_mended(&mut self, name: &str, text: &str, written: &str) {
        if !self.map_field(name, Value::String(text)) {
            self.note_unknown(name);
        }
        self.extra.put_text(name, written);
    }

    pub(crate) fn note_unknown(&mut self, name: &str) {
        if !self.unknown_fields.contains(name) && self.unknown_fields.len() < MAX_UNKNOWN_FIELDS {
            self.unknown_fields.insert(name.into());
        }
    }

    fn keep(&mut self, name: &str, value: Value<'_>) {
        match value {
            Value::Text(text) | Value::String(text) => self.extra.put_text(name, text),
            Value::Json(json) => self.extra.put_json(name, json),
        }
    }

    /// Makes a text column of the field if `map_fields` says so.
    fn map_field(&mut self, name: &str, value: Value<'_>) -> bool {
        if !self.maps_fields() {
            return false;
        }
        let rows = self.spans.len();
        let at = self.mapped.iter().position(|(mapped, _)| mapped == name);
        let at = match at {
            Some(at) => at,
            None if self.may_map(name) => {
                self.mapped.push((name.to_owned(), Slot::new(&ColumnType::Varchar, self.expected)));
                self.mapped.len() - 1
            }
            None => return false,
        };
        let slot = &mut self.mapped[at].1;
        if slot.len() > rows {
            return false;
        }
        slot.pad(rows);
        // Every mapped column is text whatever the data, so that its type never depends on what came first.
        slot.put(value, &mut self.texts, self.plan.timezone) != Fit::Inexact
            || matches!(value, Value::Json(_))
    }

    fn may_map(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        !name.is_empty()
            && !self.plan.taken.contains(&lower)
            && !self.mapped.iter().any(|(mapped, _)| mapped.to_lowercase() == lower)
            && self.plan.map_fields.iter().any(|pattern| wildcard_matches(pattern, name))
            && self.plan.mapped.claim(name, &lower)
    }

    /// Everything decoded from the block.
    pub fn finish(self) -> Decoded {
        let buffers = self.texts.into_buffers(&self.block.bytes);
        let rows = self.spans.len();
        self.plan.note_rows(self.block.bytes.len(), rows);
        let mut parts = Parts { plan: self.plan, slots: self.slots, presences: Vec::new(), buffers, rows };
        for (mut presence, len) in self.presences {
            presence.append_n_nulls(rows - len);
            parts.presences.push(presence.finish());
        }
        let mut fields = Vec::new();
        let mut columns: Vec<ArrayRef> = Vec::new();
        for (name, shape) in &self.plan.columns {
            if let Some(column) = parts.column(shape) {
                fields.push(Field::new(name, column.data_type().clone(), true));
                columns.push(column);
            }
        }
        let Parts { buffers, .. } = parts;
        for (name, slot) in self.mapped {
            let column = slot.finish(rows, &buffers);
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let mut extra_nulls = self.extra_nulls;
        let extra = string_views(self.extra_views, &buffers, extra_nulls.finish());
        if extra.null_count() < rows {
            fields.push(Field::new(EXTRA, extra.data_type().clone(), true));
            columns.push(Arc::new(extra));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options);
        Decoded {
            // Every builder was given exactly one value a row.
            rows: batch.unwrap_or_else(|_| RecordBatch::new_empty(schema)),
            spans: self.spans,
            quarantined: self.quarantined,
            misfits: self.misfits,
            unknown_fields: self.unknown_fields.into_iter().map(String::from).collect(),
        }
    }
}

/// What the columns of a block are made of.
struct Parts<'p> {
    plan: &'p RecordPlan,
    slots: Vec<Option<Slot>>,
    /// For each struct column, which rows have it.
    presences: Vec<Option<NullBuffer>>,
    buffers: Arc<[Buffer]>,
    rows: usize,
}

impl Parts<'_> {
    /// The column of this shape; `None` if no record has a value for it.
    fn column(&mut self, shape: &Shape) -> Option<ArrayRef> {
        match shape {
            Shape::Leaf(index) if self.slots[*index].as_ref().is_none_or(Slot::is_all_null) => None,
            Shape::Struct { presence, .. }
                if self.presences[*presence]
                    .as_ref()
                    .is_some_and(|nulls| nulls.null_count() == nulls.len()) =>
            {
                None
            }
            _ => Some(self.array(shape)),
        }
    }

    /// The column of this shape, whatever it holds.
    fn array(&mut self, shape: &Shape) -> ArrayRef {
        match shape {
            Shape::Leaf(index) => {
                let column_type = &self.plan.slots[*index].column_type;
                let slot = self.slots[*index].take().unwrap_or_else(|| Slot::new(column_type, self.rows));
                slot.finish(self.rows, &self.buffers)
            }
            Shape::Struct { presence, fields } => {
                let nulls = self.presences[*presence].take();
                let (fields, arrays): (Vec<_>, Vec<_>) = fields
                    .iter()
                    .map(|(name, field)| {
                        let array = self.array(field);
                        (Field::new(name, array.data_type().clone(), true), array)
                    })
                    .unzip();
                Arc::new(StructArray::new(Fields::from(fields), arrays, nulls))
            }
        }
    }
}
