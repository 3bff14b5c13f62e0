//! Scanning: the same way without a lake. Rows are looked at and forgotten.

use std::sync::Arc;
use std::thread;

use egret_model::{Clock, Finding, Origin, SourceContext, SourceError};

use crate::budget::Budget;
use crate::collect::CollectOptions;
use crate::observer::{Observer, PartitionReport, StopSignal};
use crate::partition::PartitionPlan;
use crate::read::{ReadContext, block_pool};
use crate::workers::{Delivery, Job, read_all};

/// What a scan saw.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ScanReport {
    /// One for each plan, in their order.
    pub partitions: Vec<PartitionReport>,
    /// What did not work, for people.
    pub warnings: Vec<String>,
}

/// Reads everything that the plans' sources have and gives the findings to `found` as they are met.
///
/// # Errors
/// If a source cannot be listed at all.
pub fn scan(
    plans: &[PartitionPlan],
    clock: &Arc<dyn Clock>,
    options: &CollectOptions,
    observer: &dyn Observer,
    stop: &StopSignal,
    found: &mut dyn FnMut(Vec<Finding>),
) -> Result<ScanReport, SourceError> {
    let mut report = ScanReport::default();
    let mut jobs = Vec::new();
    for (partition, plan) in plans.iter().enumerate() {
        let context = SourceContext { clock: Arc::clone(clock), checkpoints: Arc::default() };
        let listing = plan.source.list(&context)?;
        report.warnings.extend(listing.failures.iter().map(ToString::to_string));
        let stored_bytes = listing.objects.iter().filter_map(|object| object.size).sum();
        observer.listed(&plan.path(), listing.objects.len() as u64, stored_bytes);
        report.partitions.push(PartitionReport {
            table: plan.table.clone(),
            partition: plan.name.clone(),
            failures: listing.failures.len() as u64,
            ..Default::default()
        });
        jobs.extend(listing.objects.into_iter().map(|object| Job {
            partition,
            // Nobody reads it again, so its last line counts whether it is whole or not.
            object: egret_model::Object { complete: true, ..object },
        }));
    }
    let budget = Budget::new(options.memory);
    let blocks = block_pool();
    let context = ReadContext {
        clock: &**clock,
        budget: &budget,
        blocks: &blocks,
        observer,
        stop,
        range: options.range,
        origin: Origin::Stream,
        decoders: 1,
    };
    thread::scope(|scope| {
        for delivery in read_all(scope, options.threads, context, plans, jobs) {
            report.take(delivery, found);
        }
    });
    report
        .partitions
        .iter_mut()
        .zip(plans)
        .for_each(|(partition, plan)| partition.note_rules(&plan.detector));
    Ok(report)
}

impl ScanReport {
    fn take(&mut self, delivery: Delivery<'_>, found: &mut dyn FnMut(Vec<Finding>)) {
        match delivery {
            Delivery::Chunk(chunk) => {
                let partition = &mut self.partitions[chunk.partition];
                if let (0, Some(first)) = (partition.quarantined, chunk.quarantined.first()) {
                    let (location, offset) = (&chunk.location, first.offset);
                    self.warnings.push(format!("{location}: the record at byte {offset}: {}", first.reason));
                }
                partition.count(&chunk);
                for warning in chunk.detection_warnings() {
                    // One is the same for each chunk.
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
                if !chunk.findings.is_empty() {
                    found(chunk.findings);
                }
            }
            Delivery::End(end) => {
                let partition = &mut self.partitions[end.partition];
                partition.files += 1;
                if let Some(failure) = end.failure {
                    partition.failures += 1;
                    self.warnings.push(format!("{}: {failure}", end.location));
                }
            }
        }
    }
}
