//! `egret alert`: alerts, what people do with them, and their delivery.

mod page;
mod queue;

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use egret_alert::lifecycle;
use egret_model::alert::Remark;
use egret_model::time::parse_user_time;
use egret_model::{Alert, AlertStatus, Clock, Severity, SystemClock, Timestamp};
use egret_store::{AlertFilter, DeliveryFilter, Store};
use serde_json::{Value, json};

use self::page::Page;
use self::queue::{Deliver, Drop, Queue};
use super::{Outcome, block_on};
use crate::arguments::Global;
use crate::failure::Failure;
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
    /// Give up what waits for an output, for good
    Drop(Drop),
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

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List(options) => list(global, options),
        Command::Show { id } => show(global, id),
        Command::Ack(change) => apply(global, change, Kind::Acknowledge, ""),
        Command::Close(close) => apply(global, &close.change, Kind::Close, &close.reason),
        Command::Comment(comment) => apply(global, &comment.change, Kind::Comment, &comment.text),
        Command::Deliver(options) => queue::deliver(global, options),
        Command::Queue(options) => queue::queue(global, options),
        Command::Drop(options) => queue::drop(global, options),
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
    let page = block_on(async {
        let store = project.existing_store().await?;
        let alert = find(&store, id).await?;
        let filter = DeliveryFilter { alert_id: Some(alert.alert_id.clone()), ..DeliveryFilter::default() };
        let deliveries = store.deliveries(&filter).await?;
        let history = store.audit_of(&format!("alert:{}", alert.alert_id)).await?;
        let findings = store.findings_of(&alert.alert_id).await?;
        Ok(Page { alert, findings, deliveries, history })
    })?;
    match OutputFormat::of_one(global.output) {
        OutputFormat::Table => page.print()?,
        format => print_one(page.to_json(), format)?,
    }
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
