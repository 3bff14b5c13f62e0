//! One object on several threads, where its records are lines: this thread reads blocks and cuts them where a line
//! ends, others decode them, and the chunks are handed over in order.

use std::collections::VecDeque;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};
use egret_format::{Block, Framing};

use super::{BLOCK_BYTES, Chunk, ObjectWork, RESERVED_BYTES, ReadError, Reader};
use crate::budget::Reservation;

/// Objects of fewer bytes are done before other threads have started.
const MIN_SPLIT_BYTES: u64 = 4 * BLOCK_BYTES as u64;

/// A block of whole lines, and where its chunk goes.
struct Task<'r> {
    block: Block,
    reservation: Reservation<'r>,
    reply: Sender<Result<Chunk<'r>, ReadError>>,
}

/// The chunks that are not handed over yet, in order.
type Pending<'r> = VecDeque<Receiver<Result<Chunk<'r>, ReadError>>>;

impl<'r> Reader<'r, '_> {
    /// Whether other threads may decode parts of the object. What an earlier run collected of a range of time needs a
    /// look at each part after the one before.
    pub(super) fn is_splittable(&self) -> bool {
        let work = &self.work;
        work.context.decoders > 1
            && work.plan.format.framing() == Framing::Lines
            && work.state.ranges.is_empty()
            && work.object.size.is_none_or(|size| size >= MIN_SPLIT_BYTES)
    }

    /// Reads to the end; says whether a last line was left for the next run.
    pub(super) fn run_split(
        &mut self,
        deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
    ) -> Result<bool, ReadError> {
        let decoders = self.work.context.decoders;
        // The threads look at this while the reader changes.
        let work = self.work.clone();
        thread::scope(|scope| {
            let (tasks, received) = bounded::<Task<'r>>(decoders);
            for _ in 0..decoders {
                let (tasks, work) = (received.clone(), &work);
                scope.spawn(move || work.decode_all(&tasks));
            }
            drop(received);
            let mut pending = Pending::new();
            let outcome = self.cut_blocks(&tasks, &mut pending, deliver);
            drop(tasks);
            // What was read before an error counts.
            let goes_on = deliver_all(&mut pending, deliver)?;
            Ok(outcome? && goes_on && self.end(deliver))
        })
    }

    /// Gives out all blocks; says whether the object was read to its end.
    fn cut_blocks(
        &mut self,
        tasks: &Sender<Task<'r>>,
        pending: &mut Pending<'r>,
        deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
    ) -> Result<bool, ReadError> {
        let context = self.work.context;
        loop {
            if context.stop.is_stopped() {
                return Ok(false);
            }
            if pending.len() >= 2 * context.decoders && !deliver_first(pending, deliver)? {
                return Ok(false);
            }
            // Chunks that are not handed over hold a part of the budget: nobody may wait for it behind them.
            let mut reservation = context.budget.try_reserve(RESERVED_BYTES);
            if reservation.is_none() {
                if !deliver_all(pending, deliver)? {
                    return Ok(false);
                }
                reservation = context.budget.reserve(RESERVED_BYTES);
            }
            let Some(reservation) = reservation else { return Ok(false) };
            let Some(block) = self.blocks.next_block()? else { return Ok(true) };
            match self.whole_lines(&block) {
                Some(lines) => {
                    self.blocks.consumed(&block, lines.bytes.len());
                    let (reply, chunk) = bounded(1);
                    pending.push_back(chunk);
                    if tasks.send(Task { block: lines, reservation, reply }).is_err() {
                        return Ok(false);
                    }
                }
                None => {
                    let goes_on = deliver_all(pending, deliver)?;
                    if !goes_on || !self.read_block(&block, reservation, deliver)? {
                        return Ok(false);
                    }
                }
            }
            self.report_read();
        }
    }

    /// The lines of a block that need nothing of what comes before or after; `None` if this thread must look at it,
    /// since a line is longer than a block.
    fn whole_lines(&mut self, block: &Block) -> Option<Block> {
        if std::mem::take(&mut self.in_long_line) {
            self.in_long_line = !block.bytes.contains(&b'\n');
            return None;
        }
        if block.last {
            return Some(block.clone());
        }
        match memchr::memrchr(b'\n', &block.bytes) {
            Some(end) => Some(block.until(block.offset + end as u64 + 1)),
            None => {
                self.in_long_line = true;
                None
            }
        }
    }
}

impl<'r> ObjectWork<'r, '_> {
    /// Decodes blocks as they come.
    fn decode_all(&self, tasks: &Receiver<Task<'r>>) {
        let mut decoder = self.decoder();
        for Task { block, reservation, reply } in tasks {
            let chunk = self.chunk(&mut *decoder, &block, Some(reservation)).map(|(chunk, _)| chunk);
            // Whoever does not wait for it any more has stopped.
            let _ = reply.send(chunk);
        }
    }
}

/// Hands over the first of the chunks; says whether to go on.
fn deliver_first<'r>(
    pending: &mut Pending<'r>,
    deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
) -> Result<bool, ReadError> {
    match pending.pop_front().map(|chunk| chunk.recv()) {
        Some(Ok(chunk)) => Ok(deliver(chunk?)),
        // A thread that ended early has panicked, and takes this one with it.
        Some(Err(_)) => Ok(false),
        None => Ok(true),
    }
}

fn deliver_all<'r>(
    pending: &mut Pending<'r>,
    deliver: &mut dyn FnMut(Chunk<'r>) -> bool,
) -> Result<bool, ReadError> {
    while !pending.is_empty() {
        if !deliver_first(pending, deliver)? {
            return Ok(false);
        }
    }
    Ok(true)
}
