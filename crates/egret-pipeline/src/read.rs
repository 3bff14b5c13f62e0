//! One object of a source, from its bytes to chunks of rows with their findings.

mod split;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and, filter_record_batch};
use arrow::datatypes::{Schema, TimestampMicrosecondType};
use egret_detect::{DetectContext, Failure};
use egret_format::{Block, BlockPool, Blocks, Decoder, Framing, ObjectContext, RowBuilder};
use egret_model::source::ObjectReader;
use egret_model::{
    Checkpoint, Clock, EvaluateError, Finding, Object, Origin, Quarantined, RecordIds, SourceError, TimeRange,
};
use egret_table::RowOrigin;

use crate::budget::{Budget, Reservation};
use crate::observer::{Observer, StopSignal};
use crate::partition::PartitionPlan;
use crate::state::{CollectedRange, ObjectState};

/// How much of an object is decoded at once: small enough to stay in the processor's cache, large enough for
/// columns to pay.
const BLOCK_BYTES: usize = 1 << 20;

/// What a block is reckoned to take before it is decoded.
const RESERVED_BYTES: u64 = 2 * BLOCK_BYTES as u64;

/// The memory that the readers of a run share for their blocks.
pub fn block_pool() -> Arc<BlockPool> {
    BlockPool::new(BLOCK_BYTES)
}

/// Rows of one block of an object, with everything that is committed with them.
#[derive(Debug)]
pub struct Chunk<'b> {
    /// Which partition, as the index of its plan.
    pub partition: usize,
    /// The object's canonical name.
    pub object: Arc<str>,
    /// Its path or URL.
    pub location: Arc<str>,
    /// The rows.
    pub rows: RecordBatch,
    /// What detections found in them.
    pub findings: Vec<Finding>,
    /// Records that did not become rows.
    pub quarantined: Vec<Quarantined>,
    /// The position after this chunk; `None` if it does not move.
    pub checkpoint: Option<Checkpoint>,
    /// Rows that the filter or the time range left out.
    pub filtered: u64,
    /// Values that did not fit their column.
    pub misfits: u64,
    /// Fields of its records that no column takes.
    pub unknown_fields: Vec<String>,
    /// Bytes of the object that it covers.
    pub bytes: u64,
    /// Detections that had no answer for some rows.
    pub detection_failures: Vec<Failure>,
    /// Its part of the budget.
    pub reservation: Option<Reservation<'b>>,
}

impl Chunk<'_> {
    /// What to say of the detections that had no answer for some rows.
    pub fn detection_warnings(&self) -> impl Iterator<Item = String> {
        self.detection_failures.iter().map(Failure::to_string)
    }
}

/// How reading an object ended.
#[derive(Debug)]
pub struct ObjectEnd {
    /// Which partition.
    pub partition: usize,
    /// The object's path or URL.
    pub location: Arc<str>,
    /// Why it could not be read to its end.
    pub failure: Option<ReadError>,
    /// Whether its last line was left for the next run.
    pub held_back: bool,
}

/// Why an object could not be read to its end. The position stays before what could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source could not open it.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its bytes could not be read: a broken archive, a disk that failed.
    #[error("cannot read on: {0}")]
    Bytes(#[from] std::io::Error),
    /// The partition's filter has no answer.
    #[error("the filter cannot be evaluated: {0}")]
    Filter(#[from] EvaluateError),
}

/// What all readers of a run share.
#[derive(Clone, Copy)]
pub struct ReadContext<'r> {
    /// The present.
    pub clock: &'r dyn Clock,
    /// Bytes in flight.
    pub budget: &'r Budget,
    /// The memory of blocks.
    pub blocks: &'r Arc<BlockPool>,
    /// Who watches.
    pub observer: &'r dyn Observer,
    /// Asks to stop.
    pub stop: &'r StopSignal,
    /// The range of event time that is wanted.
    pub range: TimeRange,
    /// How the findings come about.
    pub origin: Origin,
    /// How many threads decode one object, where its format lets them.
    pub decoders: usize,
}

/// Reads `object` to its end and gives each chunk to `deliver`, which says whether to go on.
pub fn read_object<'r>(
    context: ReadContext<'r>,
    index: usize,
    plan: &PartitionPlan,
    object: &Object,
    deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
) -> ObjectEnd {
    let mut end = ObjectEnd {
        partition: index,
        location: Arc::from(&*object.location),
        failure: None,
        held_back: false,
    };
    let opened = Reader::open(context, index, plan, object);
    match opened.and_then(|mut reader| reader.run(deliver)) {
        Ok(held_back) => end.held_back = held_back,
        Err(error) => end.failure = Some(error),
    }
    end
}

struct Reader<'r, 'p> {
    work: ObjectWork<'r, 'p>,
    blocks: Blocks<Box<dyn ObjectReader>>,
    decoder: Box<dyn Decoder>,
    /// Whether the next block may begin inside a line that is longer than a block.
    in_long_line: bool,
    stored_bytes: u64,
}

/// What all blocks of an object have in common.
#[derive(Clone)]
struct ObjectWork<'r, 'p> {
    context: ReadContext<'r>,
    index: usize,
    plan: &'p PartitionPlan,
    object: &'p Object,
    object_context: ObjectContext,
    state: ObjectState,
    origin: RowOrigin,
    name: Arc<str>,
    location: Arc<str>,
}

impl<'r, 'p> Reader<'r, 'p> {
    fn open(
        context: ReadContext<'r>,
        index: usize,
        plan: &'p PartitionPlan,
        object: &'p Object,
    ) -> Result<Self, ReadError> {
        let mut reader = plan.source.open(object)?;
        let start = match plan.format.framing() {
            // With the end of the line before: a position in the middle of an endless line begins no record.
            Framing::Lines => object.offset.saturating_sub(1),
            Framing::Stateful => 0,
        };
        if start > 0 {
            reader.skip(start)?;
        }
        let now = context.clock.now();
        let object_context =
            ObjectContext { modified: object.modified.unwrap_or(now), timezone: plan.timezone };
        let origin = RowOrigin {
            ids: RecordIds::new(&plan.table, &object.name),
            source_type: plan.source.kind().to_owned(),
            source_name: plan.source.name(),
            source_location: object.location.clone(),
            ingest_timestamp: now,
        };
        let state = plan.states.get(&object.name).cloned().unwrap_or_default();
        let work = ObjectWork {
            context,
            index,
            plan,
            object,
            object_context,
            state: ObjectState { source: object.state.clone(), ..state },
            origin,
            name: Arc::from(&*object.name),
            location: Arc::from(&*object.location),
        };
        Ok(Self {
            blocks: Blocks::new(reader, context.blocks, start, object.complete),
            decoder: work.decoder(),
            work,
            in_long_line: false,
            stored_bytes: 0,
        })
    }

    /// Reads to the end; says whether a last line was left for the next run.
    fn run(&mut self, deliver: &mut dyn FnMut(Chunk<'r>) -> bool) -> Result<bool, ReadError> {
        if self.is_splittable() {
            return self.run_split(deliver);
        }
        loop {
            if self.work.context.stop.is_stopped() {
                return Ok(false);
            }
            let Some(reservation) = self.work.context.budget.reserve(RESERVED_BYTES) else {
                return Ok(false);
            };
            let Some(block) = self.blocks.next_block()? else { break };
            let goes_on = self.read_block(&block, reservation, deliver)?;
            self.report_read();
            if !goes_on {
                return Ok(false);
            }
        }
        Ok(self.end(deliver))
    }

    /// Closes the object; says whether a last line was left for the next run.
    fn end(&self, deliver: &mut dyn FnMut(Chunk<'r>) -> bool) -> bool {
        let held_back = self.blocks.has_rest();
        deliver(self.work.last_chunk(self.blocks.offset(), !held_back));
        held_back
    }

    /// Gives a chunk for each part of the block to which the same collected ranges apply; mostly that is one.
    fn read_block(
        &mut self,
        block: &Block,
        reservation: Reservation<'r>,
        deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
    ) -> Result<bool, ReadError> {
        let mut reservation = Some(reservation);
        let mut done = 0;
        loop {
            let part = self.work.part(block, done);
            let is_cut = part.bytes.len() < block.bytes.len() - done;
            let (chunk, consumed) = self.work.chunk(&mut *self.decoder, &part, reservation.take())?;
            done += consumed;
            if is_cut && consumed == 0 {
                // No record ends where the range ended, so the object is not what it was then.
                self.work.state.ranges.retain(|range| range.until > part.offset + part.bytes.len() as u64);
            }
            if !is_cut {
                self.blocks.consumed(block, done);
            }
            if !deliver(chunk) {
                return Ok(false);
            }
            if !is_cut {
                return Ok(true);
            }
        }
    }

    fn report_read(&mut self) {
        let stored = self.blocks.reader().stored_bytes();
        self.work.context.observer.read(stored.saturating_sub(self.stored_bytes));
        self.stored_bytes = stored;
    }
}

impl<'r> ObjectWork<'r, '_> {
    fn decoder(&self) -> Box<dyn Decoder> {
        self.plan.format.decoder(self.plan.mapper.plan(), &self.object_context)
    }

    /// The part of the block from its byte `done` to where the next collected range ends.
    fn part(&self, block: &Block, done: usize) -> Block {
        let start = block.offset + done as u64;
        let end = block.offset + block.bytes.len() as u64;
        let next = self.state.ranges.iter().map(|range| range.until).filter(|until| *until > start).min();
        if done == 0 && next.is_none_or(|until| until >= end) {
            return block.clone();
        }
        let rest = Block::new(block.bytes.slice(done), start, block.last);
        match next {
            Some(until) if until < end => rest.until(until),
            _ => rest,
        }
    }

    /// What becomes of the block, and how many of its bytes are done with.
    fn chunk(
        &self,
        decoder: &mut dyn Decoder,
        block: &Block,
        mut reservation: Option<Reservation<'r>>,
    ) -> Result<(Chunk<'r>, usize), ReadError> {
        let covering = self.state.ranges.iter().filter(|range| block.offset < range.until);
        let known: Vec<TimeRange> = covering.map(CollectedRange::range).collect();
        let mut builder = RowBuilder::new(self.plan.mapper.plan(), block, self.object.offset);
        let consumed = decoder.decode(block, &mut builder).min(block.bytes.len());
        let decoded = builder.finish();
        let mapped = self.plan.mapper.map(decoded, block, &self.origin);
        let mapped_rows = mapped.rows.num_rows() as u64;
        let rows = self.wanted(mapped.rows, &known)?;
        let detected = self.plan.detector.detect(&rows, &self.detect_context());
        self.context.observer.rows(rows.num_rows() as u64, &detected.findings);
        // Views take 16 bytes a value beside the text, which stays in the block.
        let values = rows.num_rows() * rows.columns().iter().map(leaves).sum::<usize>();
        let quarantined: usize = mapped.quarantined.iter().map(quarantined_bytes).sum();
        let bytes = block.bytes.len() + values * size_of::<u128>() + quarantined;
        if let Some(reservation) = &mut reservation {
            reservation.resize(bytes as u64);
        }
        let chunk = Chunk {
            partition: self.index,
            object: Arc::clone(&self.name),
            location: Arc::clone(&self.location),
            filtered: mapped_rows - rows.num_rows() as u64,
            findings: detected.findings,
            quarantined: mapped.quarantined,
            checkpoint: Some(self.checkpoint(block.offset + consumed as u64, false)),
            misfits: mapped.misfits,
            unknown_fields: mapped.unknown_fields,
            bytes: consumed as u64,
            detection_failures: detected.failures,
            reservation,
            rows,
        };
        Ok((chunk, consumed))
    }

    /// The rows that are in the wanted range, are not stored already, and pass the filters.
    fn wanted(&self, rows: RecordBatch, known: &[TimeRange]) -> Result<RecordBatch, ReadError> {
        let range = self.context.range;
        let mut keep: Option<BooleanArray> = None;
        let times = rows
            .column_by_name("tp_timestamp")
            .and_then(|times| times.as_primitive_opt::<TimestampMicrosecondType>());
        if let (Some(times), true) = (times, !range.is_open() || !known.is_empty()) {
            let is_wanted = |micros: i64| {
                let time = egret_model::Timestamp::from_micros(micros);
                range.contains(time) && !known.iter().any(|known| known.contains(time))
            };
            keep = Some(times.values().iter().map(|micros| Some(is_wanted(*micros))).collect());
        }
        for filter in &self.plan.filters {
            let passes = filter.matches(&rows)?;
            keep = match keep {
                None => Some(passes),
                // Both are of the same length.
                Some(keep) => Some(and(&keep, &passes).unwrap_or(passes)),
            };
        }
        match keep {
            Some(keep) if keep.false_count() > 0 => Ok(filter_record_batch(&rows, &keep).unwrap_or(rows)),
            _ => Ok(rows),
        }
    }

    fn detect_context(&self) -> DetectContext<'_> {
        DetectContext {
            channel: &self.plan.channel,
            table: &self.plan.table,
            partition: &self.plan.name,
            origin: self.context.origin,
            now: self.context.clock.now(),
        }
    }

    /// The position once everything before `offset` is done with. While a time range is collected the position
    /// stays, and how far the range was collected moves.
    fn checkpoint(&self, offset: u64, finished: bool) -> Checkpoint {
        let mut state = self.state.clone();
        if self.context.range.is_open() {
            state.ranges.retain(|range| offset < range.until);
            let offset = offset.max(self.object.offset);
            return Checkpoint { object: self.object.name.clone(), offset, finished, state: state.to_text() };
        }
        let range = CollectedRange::new(self.context.range, offset);
        match state.ranges.iter_mut().find(|known| known.range() == self.context.range) {
            Some(known) => known.until = known.until.max(offset),
            None => state.ranges.push(range),
        }
        let object = self.object.name.clone();
        Checkpoint { object, offset: self.object.offset, finished: false, state: state.to_text() }
    }

    /// Closes the object at `offset`: it is finished, or this range of it is collected.
    fn last_chunk(&self, offset: u64, finished: bool) -> Chunk<'r> {
        let checkpoint = self.checkpoint(offset, finished);
        Chunk {
            partition: self.index,
            object: Arc::clone(&self.name),
            location: Arc::clone(&self.location),
            rows: RecordBatch::new_empty(Arc::new(Schema::empty())),
            findings: Vec::new(),
            quarantined: Vec::new(),
            checkpoint: Some(checkpoint),
            filtered: 0,
            misfits: 0,
            unknown_fields: Vec::new(),
            bytes: 0,
            detection_failures: Vec::new(),
            reservation: None,
        }
    }
}

/// What a quarantined record takes: short ones take much more than their bytes.
fn quarantined_bytes(record: &Quarantined) -> usize {
    size_of::<Quarantined>() + record.reason.capacity() + record.raw.as_ref().map_or(0, Vec::capacity)
}

/// How many columns without children a column is made of.
fn leaves(column: &ArrayRef) -> usize {
    match column.as_struct_opt() {
        Some(fields) => fields.columns().iter().map(leaves).sum(),
        None => 1,
    }
}
