//! The contract of a format: how bytes become records.

use std::fmt;
use std::sync::Arc;

use chrono_tz::Tz;
use egret_model::Timestamp;

use crate::block::Block;
use crate::plan::RecordPlan;
use crate::rows::RowBuilder;

/// How bytes become records. One module a format.
pub trait Format: Send + Sync + fmt::Debug {
    /// The type's name in configuration: `jsonl`.
    fn kind(&self) -> &'static str;

    /// Whether decoding may start in the middle of an object.
    fn framing(&self) -> Framing;

    /// The fields of every record, where the format knows them before it sees data: the names in a regular
    /// expression, the variables of an nginx log format.
    fn fields(&self) -> Option<Vec<String>> {
        None
    }

    /// A decoder for one object, which puts fields where `plan` says.
    fn decoder(&self, plan: &Arc<RecordPlan>, object: &ObjectContext) -> Box<dyn Decoder>;
}

/// Whether decoding may start in the middle of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A record is a line and needs nothing before it: resuming seeks.
    Lines,
    /// Records need what comes before them (a header, the document around them): resuming decodes from the
    /// start and leaves out the rows that are already stored.
    Stateful,
}

/// What a decoder may know of the object besides its bytes.
#[derive(Debug, Clone)]
pub struct ObjectContext {
    /// When the object was last modified: the year for timestamps that lack one.
    pub modified: Timestamp,
    /// The zone for timestamps that lack one.
    pub timezone: Tz,
}

/// Decodes one object, block by block.
pub trait Decoder: Send {
    /// Decodes the whole records at the start of `block` into `rows`, and says how many bytes they took.
    /// What is left comes again at the start of the next block, with more bytes behind it; if the block is
    /// the last there is no next one.
    ///
    /// Never fails: what is no record is put into quarantine by [`RowBuilder::quarantine`].
    fn decode(&mut self, block: &Block, rows: &mut RowBuilder<'_>) -> usize;
}
