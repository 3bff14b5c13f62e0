//! Sweeping, once a day: states that are too old are let go of.

use std::time::Duration;

use egret_lake::Lake;
use egret_pipeline::state::ObjectState;
use egret_state::{BlobId, CHANGE_TABLE, STATE_OBJECT, StatePosition, StateStore, sweep};
use egret_store::Store;

use crate::failure::Failure;
use crate::output::{printable, style};
use crate::project::Project;

/// On which day was swept last, in the store of alerts.
const POSITION: &str = "state_sweep";

/// Sweeps, unless that was done today.
pub async fn sweep_daily(
    project: &Project,
    lake: &Lake,
    states: &dyn StateStore,
    alerts: &Store,
) -> Result<(), Failure> {
    let now = project.clock.now();
    let today = i64::from(now.days());
    let mut change = alerts.change().await?;
    if change.position(POSITION).await? >= today {
        return Ok(());
    }
    // Noted before it is done: several processes do not all do it.
    change.set_position(POSITION, today).await?;
    change.commit().await?;
    let keep: Vec<(&str, Duration)> =
        project.generators.iter().map(|generator| (generator.name.value.as_str(), generator.keep)).collect();
    let protected = roots_that_count(lake, states).await?;
    let swept = sweep(states, &keep, &protected, now).await?;
    tracing::info!(runs = swept.runs, blobs = swept.blobs, "swept states");
    for damage in &swept.damaged {
        eprintln!("{} in the store of states: {}", style::warning("damaged:"), printable(damage));
    }
    Ok(())
}

/// The states that the lake says count now, of every generator that ever ran.
async fn roots_that_count(lake: &Lake, states: &dyn StateStore) -> Result<Vec<BlobId>, Failure> {
    let mut roots = Vec::new();
    for generator in states.generators().await? {
        let checkpoints = lake.checkpoints(&format!("{CHANGE_TABLE}.{generator}")).await?;
        let state = checkpoints.get(STATE_OBJECT).map(|checkpoint| ObjectState::of(checkpoint).source);
        roots.extend(state.and_then(|state| StatePosition::parse(&state)?.run.root));
    }
    Ok(roots)
}
