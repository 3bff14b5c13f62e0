//! From the configuration to alerts: settings, store, and what a run of them takes.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egret_alert::{AlertSettings, DeliverUntil, Deliverer, Intake, IntakeReport, OutputReport};
use egret_config::Diagnostics;
use egret_lake::Lake;
use egret_output::{OUTPUT_BLOCK, OutputContext, OutputDefinition, ServiceContext};
use egret_pipeline::StopSignal;
use egret_store::Store;
use serde::Serialize;

use crate::failure::{Failure, OUTSIDE};
use crate::output::style;
use crate::project::{Project, environment};

/// The store's file in the lake's folder.
const STORE_FILE: &str = "store.sqlite";

/// What became of findings and of the deliveries that followed.
#[derive(Debug, Default, Serialize)]
pub struct AlertReport {
    /// Findings to alerts.
    pub alerts: IntakeReport,
    /// Alerts to outputs.
    pub deliveries: Vec<OutputReport>,
}

impl Project {
    /// What the configuration says about alerts; what is wrong goes to `diagnostics`.
    pub fn read_alert_settings(&self, diagnostics: &mut Diagnostics) -> AlertSettings {
        let context = output_context(self);
        let outputs = self.configuration.blocks_of(OUTPUT_BLOCK.name);
        let outputs: Vec<OutputDefinition> =
            outputs.filter_map(|block| OutputDefinition::read(block, &context, diagnostics)).collect();
        let (detections, compiler) = (&self.detections, &self.compiler);
        let lookups = &self.lookups;
        let settings =
            AlertSettings::read(&self.configuration, outputs, lookups, detections, compiler, diagnostics);
        settings.check_names(detections, diagnostics);
        settings
    }

    /// The same, if nothing is wrong with the configuration.
    pub fn alert_settings(&self) -> Result<AlertSettings, Failure> {
        self.checked_alert_settings().map(|(settings, _)| settings)
    }

    /// The same, and tells what may be wrong with what is said about alerts.
    pub fn alert_settings_with_warnings(&self) -> Result<AlertSettings, Failure> {
        let (settings, warnings) = self.checked_alert_settings()?;
        eprint!("{}", warnings.render(style::stderr_has_colour()));
        Ok(settings)
    }

    fn checked_alert_settings(&self) -> Result<(AlertSettings, Diagnostics), Failure> {
        let mut said = Diagnostics::new();
        let settings = self.read_alert_settings(&mut said);
        if self.diagnostics.has_errors() || said.has_errors() {
            let mut diagnostics = self.diagnostics.clone();
            diagnostics.extend(said);
            return Err(Failure::configuration(&diagnostics));
        }
        Ok((settings, said))
    }

    /// Opens the store, and makes it where there is none.
    pub async fn create_store(&self) -> Result<Store, Failure> {
        Ok(Store::open(&self.lake_folder().join(STORE_FILE)).await?)
    }

    /// Opens the store, unless there is none yet.
    pub async fn open_store(&self) -> Result<Option<Store>, Failure> {
        if !self.lake_folder().join(STORE_FILE).exists() {
            return Ok(None);
        }
        self.create_store().await.map(Some)
    }

    /// Opens the store that must be there.
    pub async fn existing_store(&self) -> Result<Store, Failure> {
        self.open_store().await?.ok_or_else(|| {
            Failure::usage(format!("there are no alerts in {}", self.lake_folder().display()))
                .hint("collect something first: `egret collect`")
        })
    }

    /// Makes alerts of the findings that are new, and delivers, unless `until` says to leave that. What is queued is
    /// delivered also if findings cannot be read. What they told lookups is known from then on: to the next round, of a
    /// process that goes on.
    pub async fn alert(
        &self,
        settings: &AlertSettings,
        store: &Store,
        lake: &Lake,
        until: Option<DeliverUntil>,
        stop: &StopSignal,
    ) -> Result<AlertReport, Failure> {
        let clock = &*self.clock;
        let intake = Intake { settings, detections: &self.detections, store, clock };
        let alerts = intake.run(lake).await;
        let loaded = self.load_lookups_of(store).await;
        let deliveries = match until {
            Some(until) => Deliverer { settings, store, clock, stop: stop.flag() }.run(until).await?.outputs,
            None => Vec::new(),
        };
        let alerts = alerts?;
        loaded?;
        Ok(AlertReport { alerts, deliveries })
    }
}

/// What outputs may use of the process.
fn output_context(project: &Project) -> OutputContext {
    let service = ServiceContext {
        environment: Arc::new(environment()),
        clock: Arc::clone(&project.clock),
        timeout: Duration::from_secs(10),
    };
    OutputContext { service, stdout: Arc::new(Mutex::new(io::stdout())) as Arc<Mutex<dyn Write + Send>> }
}

/// Tells people what became of alerts, and gives the exit code.
pub fn tell(report: &AlertReport) -> ExitCode {
    let alerts = &report.alerts;
    let counts = [(alerts.raised, "raised"), (alerts.updated, "updated"), (alerts.reopened, "reopened")];
    let told: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if !told.is_empty() {
        eprintln!("alerts: {}: egret alert list", told.join(", "));
    }
    if alerts.suppressed > 0 {
        eprintln!("{} suppressed", count_of(alerts.suppressed, "finding was", "findings were"));
    }
    if alerts.staged > 0 {
        let findings =
            count_of(alerts.staged, "finding of a staged detection", "findings of staged detections");
        eprintln!("{findings} became no alert");
    }
    if alerts.too_old > 0 {
        let findings = count_of(alerts.too_old, "finding of an event", "findings of events");
        eprintln!(
            "{findings} from before what is remembered (`keep` of `alerts`) became no alert: it may have been one already"
        );
    }
    if alerts.not_remembered > 0 {
        let entries = count_of(alerts.not_remembered, "entry of a lookup", "entries of lookups");
        eprintln!("{entries} could not be kept: too long, or one too many");
    }
    tell_deliveries(&report.deliveries)
}

/// `1 alert`, `2 alerts`.
pub fn count_of(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

/// Tells people what became of deliveries, and gives the exit code.
pub fn tell_deliveries(deliveries: &[OutputReport]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for output in deliveries {
        let error = output.error.as_deref().unwrap_or("it was not tried yet");
        if output.dead > 0 {
            code = ExitCode::from(OUTSIDE);
            let label = style::error("not delivered:");
            let deliveries = count_of(output.dead, "delivery", "deliveries");
            eprintln!("{label} {deliveries} to {} given up: {error}", output.output);
        }
        if output.pending > 0 {
            let label = style::warning("waiting:");
            let deliveries = count_of(output.pending, "delivery", "deliveries");
            eprintln!("{label} {deliveries} to {}: {error}", output.output);
        }
        if output.delivered > 0 {
            eprintln!("{} to {}", count_of(output.delivered, "delivery", "deliveries"), output.output);
        }
    }
    code
}
