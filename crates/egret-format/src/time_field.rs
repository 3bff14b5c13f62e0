//! Puts times into rows so that a timestamp column takes them exactly and nothing of what was written is lost.

use egret_model::{ColumnType, Timestamp};

use crate::plan::RecordPlan;
use crate::rows::{FieldId, RowBuilder};
use crate::time::{ZonedTime, write_time};

/// A field that holds a time.
///
/// A timestamp column gets it as RFC 3339 in UTC, which it can give back. What is lost by that goes to a field of
/// its own, which is the same text in most records and so costs next to nothing: `<name>_offset`, the zone's
/// offset unless it is that of UTC. Where time and offset do not give back what was written, `<name>_text` has it.
///
/// If anything else than timestamp columns is made of the field, it is handed on as written.
#[derive(Debug)]
pub(crate) struct TimeField {
    field: FieldId,
    offset: FieldId,
    original: FieldId,
    converts: bool,
    utc: String,
}

impl TimeField {
    /// The field `name`, converted if only timestamp columns are made of it.
    pub(crate) fn new(plan: &RecordPlan, name: &str) -> Self {
        Self::with(plan, name, only_timestamps(plan, name))
    }

    /// The field `name`, converted whatever is made of it: for times that mean nothing as written.
    pub(crate) fn always_converted(plan: &RecordPlan, name: &str) -> Self {
        Self::with(plan, name, true)
    }

    fn with(plan: &RecordPlan, name: &str, converts: bool) -> Self {
        Self {
            field: FieldId::new(plan, name),
            offset: FieldId::new(plan, &format!("{name}_offset")),
            original: FieldId::new(plan, &format!("{name}_text")),
            converts,
            utc: String::new(),
        }
    }

    /// Puts what is written as `text`. `read` tells the time, or `None` if it is none: then the text is handed
    /// on for the column to complain about.
    pub(crate) fn put_zoned<'t>(
        &mut self,
        rows: &mut RowBuilder<'_>,
        text: &'t str,
        read: impl FnOnce(&'t str) -> Option<ZonedTime<'t>>,
    ) {
        let Some(zoned) = self.converts.then(|| read(text)).flatten() else {
            rows.text(&self.field, text);
            return;
        };
        self.put_utc(rows, zoned.time);
        if !zoned.is_exact {
            rows.text(&self.original, text);
        } else if !matches!(zoned.offset, "Z" | "+0000") {
            rows.text(&self.offset, zoned.offset);
        }
    }

    /// Puts what is written as `text`, in a form that has no zone of its own. `read` tells the time and whether
    /// it gives back the text.
    pub(crate) fn put_local(
        &mut self,
        rows: &mut RowBuilder<'_>,
        text: &str,
        read: impl FnOnce(&str) -> Option<(Timestamp, bool)>,
    ) {
        let Some((time, is_exact)) = self.converts.then(|| read(text)).flatten() else {
            rows.text(&self.field, text);
            return;
        };
        self.put_utc(rows, time);
        if !is_exact {
            rows.text(&self.original, text);
        }
    }

    fn put_utc(&mut self, rows: &mut RowBuilder<'_>, time: Timestamp) {
        self.utc.clear();
        write_time(&mut self.utc, time);
        rows.text(&self.field, &self.utc);
    }
}

/// Whether the field is made into columns, and all of them are timestamps.
fn only_timestamps(plan: &RecordPlan, name: &str) -> bool {
    let Some(entry) = plan.root.find(name) else { return false };
    let places = &entry.places;
    let is_timestamp = |slot: usize| plan.slots[slot].column_type == ColumnType::Timestamp;
    !places.is_empty() && places.iter().all(|place| is_timestamp(place.slot))
}
