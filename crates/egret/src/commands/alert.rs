//! `egret alert`: alerts, what people do with them, and their delivery.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use egret_alert::{AlertSettings, DeliverUntil, lifecycle};
use egret_model::alert::Remark;
use egret_model::time::parse_user_time;
use egret_model::{Alert, AlertStatus, Clock, Severity, SystemClock, Timestamp};
use egret_output::OutputDefinition;
use egret_store::{AlertFilter, DeliveryFilter, DeliveryState, Store};
use serde_json::{Value, json};

use super::{Outcome, block_on, runtime, unknown};
use crate::alerting::{count_of, tell};
use crate::arguments::Global;
use crate::failure::{Failure, INTERRUPTED};
use crate::interrupt::stop_on_ctrl_c;
use crate::output::{Objects, OutputFormat, print_one};
use crate::project::{Project, environment};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List alerts, the last changed first
    List(List),
    /// Show one with its findings, its deliveries and its history
    Show {
        /// Its id, or the beginning of it
        id: String,
    },
    /// Say that you look at it
    Ack(Change),
    /// Close it
    #[command(after_help = "Example:\n  egret alert close 3f2a --reason 'a drill'")]
    Close(Close),
    /// Say something about it
    Comment(Comment),
    /// Make alerts of new findings, and deliver what is due
    Deliver(Deliver),
    /// List deliveries: what waits, what was delivered, what was given up
    Queue(Queue),
    /// List what takes findings out, with how many it took
    Suppressions,
}

/// Which alerts.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret alert list --status open --severity high\n  egret alert list --from T-1d --output table"
)]
pub struct List {
    /// Only with this status; may be given several times [default: all that were raised]
    #[arg(long, value_enum)]
    status: Vec<Status>,
    /// Only alerts at least this severe
    #[arg(long)]
    severity: Option<Severity>,
    /// Only alerts of this detection, `*` for any characters
    #[arg(long)]
    detection: Option<String>,
    /// Only alerts that changed since then
    #[arg(long, value_name = "TIME", value_parser = user_time, allow_hyphen_values = true)]
    from: Option<Timestamp>,
    /// At most N
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

fn user_time(text: &str) -> Result<Timestamp, String> {
    parse_user_time(text, SystemClock.now())
}

/// A status on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// Fewer findings than its threshold asks for.
    Gathering,
    /// Nobody has said anything about it.
    Open,
    /// Somebody looks at it.
    Acknowledged,
    /// Dealt with.
    Closed,
}

impl From<Status> for AlertStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Gathering => Self::Gathering,
            Status::Open => Self::Open,
            Status::Acknowledged => Self::Acknowledged,
            Status::Closed => Self::Closed,
        }
    }
}

/// Which alert, and who changes it.
#[derive(Debug, Args)]
pub struct Change {
    /// Its id, or the beginning of it
    id: String,
    /// Who you are [default: the user of this system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Which alert, and why.
#[derive(Debug, Args)]
pub struct Close {
    /// Which, and who.
    #[command(flatten)]
    change: Change,
    /// Why: what it was
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Which alert, and what to say.
#[derive(Debug, Args)]
pub struct Comment {
    /// Which, and who.
    #[command(flatten)]
    change: Change,
    /// What to say
    text: String,
}

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

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List(options) => list(global, options),
        Command::Show { id } => show(global, id),
        Command::Ack(change) => apply(global, change, Kind::Acknowledge, ""),
        Command::Close(close) => apply(global, &close.change, Kind::Close, &close.reason),
        Command::Comment(comment) => apply(global, &comment.change, Kind::Comment, &comment.text),
        Command::Deliver(options) => deliver(global, options),
        Command::Queue(options) => queue(global, options),
        Command::Suppressions => suppressions(global),
    }
}

fn list(global: &Global, options: &List) -> Outcome {
    let project = Project::load(global)?;
    let filter = AlertFilter {
        statuses: options.status.iter().copied().map(AlertStatus::from).collect(),
        severity: options.severity,
        detection: options.detection.clone(),
        since: options.from,
        limit: Some(options.limit.saturating_add(1)),
    };
    let alerts = block_on(async {
        match project.open_store().await? {
            Some(store) => Ok(store.alerts(&filter).await?),
            None => Ok(Vec::new()),
        }
    })?;
    let columns = &["time_last", "severity", "status", "count", "title", "message", "alert_id"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    for alert in alerts.iter().take(options.limit) {
        objects.push(alert)?;
    }
    objects.finish()?;
    if alerts.len() > options.limit {
        eprintln!("the last changed {} alerts; --limit shows more", options.limit);
    }
    Ok(ExitCode::SUCCESS)
}

/// The one alert whose id begins so.
async fn find(store: &Store, id: &str) -> Result<Alert, Failure> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(format!("`{id}` is no id of an alert"))
            .hint("an id is 32 hexadecimal digits, or the first of them; `egret alert list` shows them"));
    }
    let mut found = store.alerts_beginning(&id.to_ascii_lowercase(), 2).await?;
    match (found.pop(), found.pop()) {
        (Some(alert), None) => Ok(alert),
        (None, _) => {
            Err(Failure::usage(format!("there is no alert `{id}`")).hint("`egret alert list` shows them"))
        }
        _ => Err(Failure::usage(format!("several alerts begin with `{id}`")).hint("write more of it")),
    }
}

fn show(global: &Global, id: &str) -> Outcome {
    let project = Project::load(global)?;
    let object = block_on(async {
        let store = project.existing_store().await?;
        let alert = find(&store, id).await?;
        let filter = DeliveryFilter { alert_id: Some(alert.alert_id.clone()), ..DeliveryFilter::default() };
        let deliveries = store.deliveries(&filter).await?;
        let history = store.audit_of(&format!("alert:{}", alert.alert_id)).await?;
        let findings = store.findings_of(&alert.alert_id).await?;
        let mut object = serde_json::to_value(&alert).unwrap_or_default();
        object["findings"] = json!(findings);
        object["deliveries"] = json!(deliveries);
        object["history"] = json!(history);
        Ok(object)
    })?;
    print_one(object, OutputFormat::of_one(global.output))?;
    Ok(ExitCode::SUCCESS)
}

#[derive(Clone, Copy)]
enum Kind {
    Acknowledge,
    Close,
    Comment,
}

fn apply(global: &Global, change: &Change, kind: Kind, text: &str) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let remark = Remark { by: who(change.by.as_deref()), at: project.clock.now(), text: text.to_owned() };
    let alert = block_on(async {
        let store = project.existing_store().await?;
        let id = find(&store, &change.id).await?.alert_id;
        Ok(match kind {
            Kind::Acknowledge => lifecycle::acknowledge(&store, &settings, &id, remark).await?,
            Kind::Close => lifecycle::close(&store, &settings, &id, remark).await?,
            Kind::Comment => lifecycle::comment(&store, &settings, &id, remark).await?,
        })
    })?;
    print_one(&alert, OutputFormat::of_one(global.output))?;
    Ok(ExitCode::SUCCESS)
}

/// Who says something: `by`, else the user of this system.
pub(super) fn who(by: Option<&str>) -> String {
    let variables = environment().variables;
    let user = by.map(str::to_owned).or_else(|| variables.get("USER").or(variables.get("LOGNAME")).cloned());
    user.unwrap_or_else(|| "unknown".to_owned())
}

fn deliver(global: &Global, options: &Deliver) -> Outcome {
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
        project.alert(&settings, &store, &lake, Some(until), &stop).await
    })?;
    print_one(&report, OutputFormat::of_one(global.output))?;
    let code = tell(&report);
    Ok(if stop.is_stopped() { ExitCode::from(INTERRUPTED) } else { code })
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

fn queue(global: &Global, options: &Queue) -> Outcome {
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

fn suppressions(global: &Global) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let counts = block_on(async {
        match project.open_store().await? {
            Some(store) => Ok(store.suppressions().await?),
            None => Ok(Vec::new()),
        }
    })?;
    let columns = &["name", "findings", "last_at", "until", "reason"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    let mut left = counts;
    for (name, reason, until) in settings.suppressions() {
        let at = left.iter().position(|count| count.name == name);
        let count = at.map(|at| left.remove(at));
        let (findings, last_at) = count.map_or((0, None), |count| (count.findings, Some(count.last_at)));
        objects.push(summary(name, findings, last_at, until, Some(reason)))?;
    }
    for count in left {
        objects.push(summary(&count.name, count.findings, Some(count.last_at), None, None))?;
    }
    objects.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn summary(
    name: &str,
    findings: u64,
    last_at: Option<Timestamp>,
    until: Option<Timestamp>,
    reason: Option<&str>,
) -> Value {
    json!({"name": name, "findings": findings, "last_at": last_at, "until": until, "reason": reason})
}
