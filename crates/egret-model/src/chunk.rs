//! What flows: rows of one table with the position in the source that they cover.

use arrow::array::RecordBatch;

use crate::position::Checkpoint;
use crate::quarantine::Quarantined;

/// Rows of one table out of one object, and the position up to which they go.
///
/// Position and rows travel together and are committed together. Chunks of one object follow each other in
/// order; chunks of different objects come in any order.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// The rows: a part of the table's columns, each with the table's type.
    pub rows: RecordBatch,
    /// The records between the previous chunk's position and this one's that did not become rows.
    pub quarantined: Vec<Quarantined>,
    /// The position after this chunk.
    pub checkpoint: Checkpoint,
    /// Rows that the partition's filter or the time range left out.
    pub filtered: u64,
    /// Bytes of the decompressed object that this chunk covers.
    pub bytes: u64,
}
