//! Formats: bytes straight into the columns of a record plan.
//!
//! A [`RecordPlan`] says which of a record's fields become which columns. A [`Format`] makes a [`Decoder`] for
//! each object, which reads [`Block`]s of decompressed bytes and puts each field it meets straight into the
//! builders of a [`RowBuilder`]. Text is not copied: rows point into the block they were decoded from.
//!
//! Nothing is dropped on the way. A field that the plan does not know, an explicit null, and an original
//! that its column cannot give back go to `extra`; a record that is no record goes to quarantine.

pub mod access_log;
pub mod aws_vpc_flow_log;
pub mod block;
mod choices;
pub mod decoder;
pub mod delimited;
mod extra;
pub mod json;
pub mod kv;
mod layout_error;
pub mod lines;
mod mapped;
pub mod plan;
pub mod regex;
pub mod registry;
pub mod rows;
mod slot;
pub mod syslog;
#[cfg(test)]
mod testing;
pub mod time;
mod time_field;

pub use block::{Block, BlockPool, Blocks};
pub use decoder::{Decoder, Format, Framing, ObjectContext};
pub use layout_error::LayoutError;
pub use lines::{LineDecoder, LineParser, Reject};
pub use mapped::MappedFields;
pub use plan::{PlanColumn, PlanError, PlanParts, RecordPlan};
pub use registry::{FormatType, decode_format, first_records, preset, recognise};
pub use rows::{Decoded, RowBuilder, Span};
