//! The queue of deliveries: delivering, looking at it, giving up what waits.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use egret_alert::{AlertSettings, DeliverUntil, OutputReport, lifecycle};
use egret_model::Timestamp;
use egret_model::alert::Remark;
use egret_output::OutputDefinition;
use egret_store::{DeliveryFilter, DeliveryState, Store};
use serde_json::json;

use super::super::{Outcome, block_on, runtime, unknown};
use super::who;
use crate::alerting::{count_of, tell};
use crate::arguments::Global;
use crate::failure::{Failure, INTERRUPTED};
use crate::interrupt::stop_on_ctrl_c;
use crate::output::{Objects, OutputFormat, print_one, style};
use crate::project::Project;

/// How far to deliver.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret alert deliver --wait\n  egret alert deliver --dead --to slack.soc"
)]
pub struct Deliver {
    /// Go on until the queue is empty: everything is delivered or given up
    #[arg(long)]
    wait: bool,
    /// Queue dead letters again
    #[arg(long)]
    dead: bool,
    /// Of dead letters, only those to this output
    #[arg(long, value_name = "OUTPUT", requires = "dead")]
    to: Option<String>,
}

/// Which deliveries.
#[derive(Debug, Args)]
pub struct Queue {
    /// Only in this state [default: pending and dead]
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only to this output, as TYPE.NAME
    #[arg(long, value_name = "OUTPUT")]
    to: Option<String>,
    /// At most N
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// A state on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// To be made.
    Pending,
    /// Made.
    Delivered,
    /// Given up.
    Dead,
}

impl From<State> for DeliveryState {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Delivered => Self::Delivered,
            State::Dead => Self::Dead,
        }
    }
}

/// Which output, and why.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  egret alert drop slack.old --reason 'the channel is gone'")]
pub struct Drop {
    /// The output, as TYPE.NAME
    #[arg(value_name = "OUTPUT")]
    address: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who you are [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

pub(super) fn deliver(global: &Global, options: &Deliver) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let runtime = runtime()?;
    let stop = egret_pipeline::StopSignal::default();
    stop_on_ctrl_c(runtime.handle(), &stop, "finishing what is being sent");
    let report = runtime.block_on(async {
        let lake = project.existing_lake().await?;
        let store = project.create_store().await?;
        if options.dead {
            check_output(&store, &settings, options.to.as_deref()).await?;
            revive(&store, options, project.clock.now()).await?;
        }
        let until = if options.wait { DeliverUntil::Empty } else { DeliverUntil::TriedOnce };
        project.load_lookups_of(&store).await?;
        project.alert(&settings, &store, &lake, Some(until), &stop).await
    })?;
    print_one(&report, OutputFormat::of_one(global.output))?;
    let code = tell(&report);
    tell_of_unused(&settings, &report.deliveries);
    Ok(if stop.is_stopped() { ExitCode::from(INTERRUPTED) } else { code })
}

/// What waits for an output that nobody delivers to waits for ever.
fn tell_of_unused(settings: &AlertSettings, reports: &[OutputReport]) {
    for report in reports.iter().filter(|report| report.pending > 0) {
        let output = &report.output;
        let instead = match settings.output(output) {
            Some(definition) if definition.enabled => continue,
            Some(_) => "enable it again",
            None => "configure it again",
        };
        let label = style::hint("help:");
        eprintln!("{label} {instead}, or give up what waits: egret alert drop {output} --reason TEXT");
    }
}

pub(super) fn drop(global: &Global, options: &Drop) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let by = who(options.by.as_deref());
    let remark = Remark { by, at: project.clock.now(), text: options.reason.clone() };
    let dropped = block_on(async {
        let store = project.existing_store().await?;
        check_output(&store, &settings, Some(&options.address)).await?;
        Ok(lifecycle::drop_queued(&store, &options.address, remark).await?)
    })?;
    print_one(json!({"output": options.address, "dropped": dropped}), OutputFormat::of_one(global.output))?;
    Ok(ExitCode::SUCCESS)
}

/// An output that is neither configured nor in the queue is a typing error.
async fn check_output(store: &Store, settings: &AlertSettings, output: Option<&str>) -> Result<(), Failure> {
    let Some(output) = output else { return Ok(()) };
    let mut names: Vec<String> = settings.outputs().iter().map(OutputDefinition::address).collect();
    names.extend(store.queue_counts().await?.into_iter().map(|count| count.output));
    names.sort();
    names.dedup();
    if names.iter().any(|name| name == output) {
        return Ok(());
    }
    Err(unknown("output", output, names.iter().map(String::as_str)))
}

async fn revive(store: &Store, options: &Deliver, now: Timestamp) -> Result<(), Failure> {
    let mut change = store.change().await?;
    let revived = change.revive(options.to.as_deref(), now).await?;
    change.commit().await?;
    eprintln!("{} queued again", count_of(revived, "dead letter is", "dead letters are"));
    Ok(())
}

pub(super) fn queue(global: &Global, options: &Queue) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let states = match options.state {
        Some(state) => vec![DeliveryState::from(state)],
        None => vec![DeliveryState::Dead, DeliveryState::Pending],
    };
    let deliveries = block_on(async {
        let mut deliveries = Vec::new();
        if let Some(store) = project.open_store().await? {
            check_output(&store, &settings, options.to.as_deref()).await?;
            for state in states {
                let filter = DeliveryFilter {
                    output: options.to.clone(),
                    state: Some(state),
                    limit: Some(options.limit.saturating_add(1)),
                    ..DeliveryFilter::default()
                };
                deliveries.extend(store.deliveries(&filter).await?);
            }
        }
        Ok(deliveries)
    })?;
    let columns = &["state", "output", "action", "attempts", "due_at", "error", "alert_id"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    for delivery in deliveries.iter().take(options.limit) {
        objects.push(delivery)?;
    }
    objects.finish()?;
    if deliveries.len() > options.limit {
        eprintln!("the first {} deliveries; --limit shows more", options.limit);
    }
    Ok(ExitCode::SUCCESS)
}
