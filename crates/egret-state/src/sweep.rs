//! Sweeping: old runs are forgotten, and what no state needs any more is removed.
//!
//! Marked is what can be reached from the runs that are kept and from the checkpoints of the lake; removed is what is not
//! marked and was not wanted for a day. Runs may go on meanwhile, on other machines too. This is why they lose nothing:
//!
//! - What a run puts (each new object, all pages, the root) is wanted from then on. The day counts from when the sweep
//!   began, and the store looks at the time again when it removes. So it stays for a day, in which the run is committed.
//! - An object that did not change is in the new state without being put again: it is of the state before, which is what
//!   the checkpoint named when the run began. If the sweep knows that checkpoint, the object is marked. If the checkpoint
//!   was committed since, then the same holds for its state, back to one that the sweep knows: what was put in between was
//!   put less than a day ago. If another run was committed since, and the sweep knows the checkpoint of that one only, then
//!   this run is not committed any more; and still the state before is marked, because the newest one from a day ago is kept.
//!
//! Blobs, pages and marks are all in the order of their names, so they are merged as they are read, and memory is bounded by
//! the pages of all states that stand at one place.

mod marks;
mod sorted_ids;

use std::time::Duration;

use egret_model::Timestamp;

use crate::store::{BlobId, RunFilter, StateStore, StateStoreError};

use self::marks::Marks;

/// What was put is left alone so long; so are runs, whatever `keep` says.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// How long runs of generators are kept that are not configured any more.
const KEEP: Duration = Duration::from_secs(90 * 24 * 3600);

/// Blobs that are looked at together, and runs.
const BLOBS: usize = 4096;
const RUNS: u32 = 1024;

/// What a sweep came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Swept {
    /// Runs that were forgotten.
    pub runs: u64,
    /// Blobs that were removed.
    pub blobs: u64,
    /// Of states that are kept, what is missing or damaged: the first few, as people read it. If two sweeps run at once,
    /// it may be what the other one removed.
    pub damaged: Vec<String>,
}

/// Forgets the runs of each generator that are older than what `keep` says of it, and removes what no state needs any more.
///
/// The newest run that has a state is kept, and so is the one that was the newest when `keep` began, so that there is a
/// state for each time within it. Runs of generators that `keep` does not name are kept for 90 days. `protected` are the
/// roots that checkpoints of the lake name, of all generators that ever ran: they are read from the lake before this is
/// called.
///
/// # Errors
/// If the store fails, or has states of a newer version. What was removed by then was not needed.
pub async fn sweep(
    store: &dyn StateStore,
    keep: &[(&str, Duration)],
    protected: &[BlobId],
    now: Timestamp,
) -> Result<Swept, StateStoreError> {
    let mut swept = Swept::default();
    let mut roots = protected.to_vec();
    for generator in store.generators().await? {
        let keep = keep.iter().find(|(name, _)| *name == generator).map_or(KEEP, |(_, keep)| *keep);
        swept.runs += forget(store, &generator, earlier(now, keep.max(GRACE))).await?;
        add_roots(store, &generator, &mut roots).await?;
    }
    let before = earlier(now, GRACE);
    let mut marks = Marks::of(store, roots).await?;
    let mut after = None;
    loop {
        let old = store.old_blobs(after, before, BLOBS).await?;
        let Some(last) = old.last() else { break };
        after = Some(*last);
        let mut unmarked = Vec::new();
        for id in old {
            if !marks.has(id).await? {
                unmarked.push(id);
            }
        }
        if !unmarked.is_empty() {
            swept.blobs += store.remove(&unmarked, before).await?;
        }
    }
    swept.damaged = marks.into_damaged();
    Ok(swept)
}

/// Forgets what began before `before`, but for the state of that time.
async fn forget(store: &dyn StateStore, generator: &str, before: Timestamp) -> Result<u64, StateStoreError> {
    let filter = RunFilter {
        generator: Some(generator.to_owned()),
        until: Some(before),
        with_state: true,
        limit: Some(1),
        ..RunFilter::default()
    };
    let kept = store.runs(&filter).await?.pop();
    store.remove_runs(generator, before, kept.as_ref().map(|run| run.run.as_str())).await
}

/// Adds the roots of all runs of a generator, those of neighbours in time beside each other.
async fn add_roots(
    store: &dyn StateStore,
    generator: &str,
    roots: &mut Vec<BlobId>,
) -> Result<(), StateStoreError> {
    let (mut until, mut limit) = (None, RUNS);
    loop {
        let generator = Some(generator.to_owned());
        let filter = RunFilter { generator, until, limit: Some(limit), ..RunFilter::default() };
        let runs = store.runs(&filter).await?;
        for root in runs.iter().filter_map(|run| run.root) {
            if roots.last() != Some(&root) {
                roots.push(root);
            }
        }
        let Some((newest, oldest)) = runs.first().zip(runs.last()) else { return Ok(()) };
        if runs.len() < limit as usize {
            return Ok(());
        }
        // The next ones begin with what began at that time: there may be more of them.
        if newest.started_at == oldest.started_at {
            limit = limit.saturating_mul(2);
        }
        until = Some(oldest.started_at);
    }
}

fn earlier(now: Timestamp, duration: Duration) -> Timestamp {
    now.plus_micros(-i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
