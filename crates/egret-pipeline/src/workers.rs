//! A fixed pool of threads that read objects and hand over chunks.

use std::thread::Scope;

use crossbeam_channel::{Receiver, bounded};
use egret_model::Object;

use crate::partition::PartitionPlan;
use crate::read::{Chunk, ObjectEnd, ReadContext, read_object};

/// An object to read, with the index of its partition's plan.
#[derive(Debug, Clone)]
pub struct Job {
    /// The index of the partition's plan.
    pub partition: usize,
    /// The object.
    pub object: Object,
}

/// What readers hand over. The chunks of one object come in order, before its end.
#[derive(Debug)]
pub enum Delivery<'b> {
    /// Rows.
    Chunk(Box<Chunk<'b>>),
    /// An object is done with.
    End(ObjectEnd),
}

/// Starts `threads` readers over `jobs`. The receiver ends when all jobs are done; when it is dropped, the
/// readers stop.
pub fn read_all<'scope, 'env: 'scope>(
    scope: &'scope Scope<'scope, 'env>,
    threads: usize,
    context: ReadContext<'env>,
    plans: &'env [PartitionPlan],
    jobs: Vec<Job>,
) -> Receiver<Delivery<'env>> {
    let threads = threads.max(1);
    // Where objects are fewer than threads, several threads decode one.
    let context = ReadContext { decoders: threads.div_ceil(jobs.len().max(1)), ..context };
    let (job_sender, job_receiver) = bounded(jobs.len().max(1));
    for job in jobs {
        // The channel holds them all, and its receiver is in scope.
        let _ = job_sender.send(job);
    }
    drop(job_sender);
    let (sender, receiver) = bounded(2 * threads);
    for _ in 0..threads {
        let jobs = job_receiver.clone();
        let sender = sender.clone();
        scope.spawn(move || {
            for job in jobs {
                if context.stop.is_stopped() {
                    return;
                }
                let plan = &plans[job.partition];
                let mut deliver = |chunk| sender.send(Delivery::Chunk(Box::new(chunk))).is_ok();
                let end = read_object(context, job.partition, plan, &job.object, &mut deliver);
                context.observer.object_done();
                if sender.send(Delivery::End(end)).is_err() {
                    return;
                }
            }
        });
    }
    receiver
}
