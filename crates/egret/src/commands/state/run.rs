//! `egret state run`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use egret_alert::{AlertSettings, DeliverUntil};
use egret_lake::Lake;
use egret_pipeline::StopSignal;
use egret_state::{GeneratorDefinition, RunOptions, StateStore};
use egret_store::Store;
use serde::Serialize;

use crate::alerting::{AlertReport, tell};
use crate::arguments::Global;
use crate::commands::{Outcome, runtime};
use crate::failure::{Failure, INCOMPLETE, INTERRUPTED, OUTSIDE};
use crate::interrupt::stop_on_ctrl_c;
use crate::output::{Objects, OutputFormat, print_one};
use crate::project::Project;
use crate::states::{
    Event, RunContext, RunProgress, RunReport, Runner, Schedule, alert_of_run, print_run, sweep_daily,
};

/// With `--watch`, what waits for an output is looked at so often.
const DELIVER_EVERY: Duration = Duration::from_secs(10);

/// What a table shows of runs.
const COLUMNS: &[&str] = &["generator", "type", "outcome", "objects", "changes", "findings", "seconds"];

/// Which generators, and how.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  egret state run\n  egret state run 'aws.**' --due\n  egret state run --watch\n  egret state run people --accept"
)]
pub struct Options {
    /// Generators by name or type, or a pattern of channels such as `aws.**` [default: all]
    names: Vec<String>,
    /// Only those whose time has come, for a cron job
    #[arg(long)]
    due: bool,
    /// Go on, each whenever its time has come
    #[arg(long, conflicts_with_all = ["due", "accept", "baseline"])]
    watch: bool,
    /// Believe what comes from those that are named, however little it is
    #[arg(long, requires = "names")]
    accept: bool,
    /// Take what comes from those that are named as a new baseline: nothing in it is a change
    #[arg(long, requires = "names")]
    baseline: bool,
    /// Run at most N at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: u16,
    /// Queue alerts, but deliver nothing: `egret alert deliver` does
    #[arg(long)]
    no_deliver: bool,
}

impl Options {
    fn schedule(&self) -> Schedule {
        match (self.watch, self.due) {
            (true, _) => Schedule::Watch,
            (_, true) => Schedule::Due,
            _ => Schedule::Once,
        }
    }
}

/// What the runs came to, as one object.
#[derive(Debug, Default, Serialize)]
struct Whole {
    generators: Vec<RunReport>,
    #[serde(flatten)]
    alerts: AlertReport,
}

/// Runs generators.
pub fn run(global: &Global, options: &Options) -> Outcome {
    let runtime = runtime()?;
    let stop = StopSignal::default();
    stop_on_ctrl_c(runtime.handle(), &stop, "what runs leaves no trace");
    let project = Project::load(global)?;
    // What is wrong anywhere is said before anything runs.
    project.plans(|_| false)?;
    let settings = project.alert_settings_with_warnings()?;
    let generators = wanted(&project, &options.names)?;
    let (lake, alerts, store) = runtime.block_on(async {
        let lake = project.create_lake().await?;
        let alerts = project.create_store().await?;
        project.load_lookups_of(&alerts).await?;
        Ok::<_, Failure>((lake, alerts, project.create_state_store().await?))
    })?;
    let progress = RunProgress::new(global);
    let runner = Runner {
        context: RunContext {
            project: &project,
            lake: &lake,
            store: &store,
            runtime: runtime.handle(),
            memory: global.memory / 2 / u64::from(options.jobs),
            options: RunOptions { accept: options.accept, baseline: options.baseline },
            observer: &progress,
            stop: &stop,
        },
        schedule: options.schedule(),
        jobs: usize::from(options.jobs),
    };
    let mut desk = Desk {
        project: &project,
        settings: &settings,
        lake: &lake,
        alerts: &alerts,
        states: &*store,
        stop: &stop,
        progress: &progress,
        until: (!options.no_deliver).then_some(DeliverUntil::TriedOnce),
        watches: options.watch,
        delivered_at: Instant::now(),
        whole: Whole::default(),
        is_incomplete: false,
        has_failed: false,
    };
    let outcome = runner.run(&generators, |event| runtime.block_on(desk.take(event)));
    progress.finish();
    outcome?;
    runtime.block_on(desk.finish(OutputFormat::of_one(global.output)))
}

/// The generators that are meant and enabled.
fn wanted<'p>(project: &'p Project, names: &[String]) -> Result<Vec<&'p GeneratorDefinition>, Failure> {
    if project.generators.is_empty() {
        return Err(Failure::usage("the configuration has no generator, so there is nothing to run")
            .hint("`egret generator list` shows the types, `egret generator show TYPE` how to write one"));
    }
    let mut generators = project.generators_named(names)?;
    generators.retain(|generator| generator.enabled);
    Ok(generators)
}

/// Where what happens is told on: as alerts, and to people.
struct Desk<'d> {
    project: &'d Project,
    settings: &'d AlertSettings,
    lake: &'d Lake,
    alerts: &'d Store,
    states: &'d dyn StateStore,
    stop: &'d StopSignal,
    progress: &'d RunProgress,
    until: Option<DeliverUntil>,
    watches: bool,
    delivered_at: Instant,
    whole: Whole,
    is_incomplete: bool,
    has_failed: bool,
}

impl Desk<'_> {
    /// Takes what happened.
    ///
    /// # Errors
    /// If nobody wants to read what is told.
    async fn take(&mut self, event: Event<'_>) -> Result<(), Failure> {
        match event {
            Event::Began(generator) => self.progress.begin(generator.address()),
            Event::Idle => {
                if self.watches && self.delivered_at.elapsed() > DELIVER_EVERY {
                    self.alert_while_watching().await;
                }
            }
            Event::Ended(generator, report) => {
                self.progress.end(&generator.address());
                match report {
                    Some(run) => self.take_run(*run).await?,
                    None => self.is_incomplete = true,
                }
            }
        }
        Ok(())
    }

    async fn take_run(&mut self, run: RunReport) -> Result<(), Failure> {
        self.progress.suspend(|| print_run(&run));
        let now = self.project.clock.now();
        let told = alert_of_run(&run, self.settings, self.alerts, now).await;
        self.bear(told.map_err(Failure::from));
        self.is_incomplete |= run.is_incomplete();
        if !self.watches {
            self.whole.generators.push(run);
            return Ok(());
        }
        self.progress.suspend(|| print_one(&run, OutputFormat::Ndjson))?;
        self.alert_while_watching().await;
        Ok(())
    }

    /// What goes wrong with alerts or old states stops no generator. It is told, and done again after the next run.
    fn bear(&mut self, outcome: Result<(), Failure>) {
        if let Err(failure) = outcome {
            self.progress.suspend(|| failure.report());
            self.has_failed = true;
        }
    }

    async fn alert_while_watching(&mut self) {
        let told = self.alert().await.map(|report| {
            self.progress.suspend(|| tell(&report));
        });
        self.bear(told);
        let swept = self.sweep().await;
        self.bear(swept);
        self.delivered_at = Instant::now();
    }

    /// Makes alerts of the findings, and delivers what is due.
    async fn alert(&self) -> Result<AlertReport, Failure> {
        self.project.alert(self.settings, self.alerts, self.lake, self.until, self.stop).await
    }

    async fn sweep(&self) -> Result<(), Failure> {
        sweep_daily(self.project, self.lake, self.states, self.alerts).await
    }

    /// Tells what the runs came to.
    async fn finish(mut self, format: OutputFormat) -> Outcome {
        if self.stop.is_stopped() {
            return Ok(ExitCode::from(INTERRUPTED));
        }
        let alerted = self.alert().await.map(|report| self.whole.alerts = report);
        self.whole.generators.sort_by(|one, other| one.generator.cmp(&other.generator));
        match format {
            OutputFormat::Table => {
                let mut runs = Objects::new(format).columns(COLUMNS);
                self.whole.generators.iter().try_for_each(|run| runs.push(run))?;
                runs.finish()?;
            }
            _ => print_one(&self.whole, format)?,
        }
        tell(&self.whole.alerts);
        self.bear(alerted);
        let swept = self.sweep().await;
        self.bear(swept);
        Ok(match (self.has_failed, self.is_incomplete) {
            (true, _) => ExitCode::from(OUTSIDE),
            (false, true) => ExitCode::from(INCOMPLETE),
            (false, false) => ExitCode::SUCCESS,
        })
    }
}
