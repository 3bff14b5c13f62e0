//! Sweeping, once a day: states that are too old are let go of.

use std::collections::BTreeSet;
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
    let protected = roots_that_count(project, lake, states).await?;
    let swept = sweep(states, &keep, &protected, now).await?;
    tracing::info!(runs = swept.runs, blobs = swept.blobs, "swept states");
    for damage in &swept.damaged {
        eprintln!("{} in the store of states: {}", style::warning("damaged:"), printable(damage));
    }
    Ok(())
}

/// The states that the lake says count now, of every generator that ever ran.
async fn roots_that_count(
    project: &Project,
    lake: &Lake,
    states: &dyn StateStore,
) -> Result<Vec<BlobId>, Failure> {
    let in_lake = lake.partitions().await?;
    let in_lake = in_lake.into_iter().filter(|partition| partition.table == CHANGE_TABLE);
    let configured = project.generators.iter().map(|generator| generator.name.value.clone());
    let mut generators: BTreeSet<String> = in_lake.map(|partition| partition.partition).collect();
    generators.extend(configured.chain(states.generators().await?));
    let mut roots = Vec::new();
    for generator in generators {
        let checkpoints = lake.checkpoints(&format!("{CHANGE_TABLE}.{generator}")).await?;
        let Some(checkpoint) = checkpoints.get(STATE_OBJECT) else { continue };
        let position = StatePosition::parse(&ObjectState::of(checkpoint).source);
        let position = position.ok_or_else(|| {
            Failure::outside(format!(
                "nothing is swept: the lake names a state of {generator} that cannot be read"
            ))
            .hint("a newer Egret may have written it: use that one")
        })?;
        roots.extend(position.run.root);
    }
    Ok(roots)
}
