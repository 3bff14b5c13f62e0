//! A lake with findings, a store, and settings from a configuration.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use egret_alert::{
    ALERTS_BLOCK, AlertSettings, DeliverUntil, Deliverer, DeliveryReport, Intake, IntakeReport, LOOKUP_BLOCK,
    LookupDefinition, OVERRIDE_BLOCK, ROUTE_BLOCK, STAGING_BLOCK, SUPPRESS_BLOCK,
};
use egret_config::{Configuration, Diagnostics, Environment, decode_block};
use egret_detect::{DETECTION, DetectionDefinition};
use egret_lake::{Commit, Lake};
use egret_model::finding::{FINDING_TABLE, finding_schema};
use egret_model::{Alert, Clock, Finding, Observables, Origin, Severity, Timestamp};
use egret_output::{OUTPUT_BLOCK, OutputContext, OutputDefinition, ServiceContext};
use egret_sql::SqlCompiler;
use egret_store::{AlertFilter, Store};
use egret_testkit::{FakeClock, TemporaryLake};

/// When the first event happened.
pub const START: &str = "2026-03-01T10:00:00Z";

pub struct World {
    _place: TemporaryLake,
    pub lake: Lake,
    pub store: Store,
    pub clock: Arc<FakeClock>,
    pub folder: PathBuf,
    pub settings: AlertSettings,
    pub detections: Vec<DetectionDefinition>,
}

/// What a configuration says, and its mistakes as they are shown.
pub fn settings_of(
    text: &str,
    folder: &std::path::Path,
    clock: &Arc<FakeClock>,
) -> (AlertSettings, Vec<DetectionDefinition>, String) {
    let kinds = [
        ALERTS_BLOCK,
        STAGING_BLOCK,
        ROUTE_BLOCK,
        SUPPRESS_BLOCK,
        OVERRIDE_BLOCK,
        LOOKUP_BLOCK,
        OUTPUT_BLOCK,
        DETECTION,
    ];
    let environment = Environment::default().in_folder(folder);
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse("egret.hcl", text, &kinds, &environment, &mut diagnostics);
    let service = ServiceContext {
        environment: Arc::new(environment),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        timeout: Duration::from_secs(10),
    };
    let context = OutputContext { service, stdout: Arc::new(Mutex::new(std::io::sink())) };
    let outputs = configuration.blocks_of(OUTPUT_BLOCK.name);
    let outputs: Vec<OutputDefinition> =
        outputs.filter_map(|block| OutputDefinition::read(block, &context, &mut diagnostics)).collect();
    let detections: Vec<DetectionDefinition> = configuration
        .blocks_of(DETECTION.name)
        .filter_map(|block| decode_block(block, &mut diagnostics))
        .collect();
    let lookups = LookupDefinition::read_all(&configuration, &mut diagnostics);
    let compiler = SqlCompiler::new(Arc::clone(clock) as Arc<dyn Clock>);
    let settings =
        AlertSettings::read(&configuration, outputs, &lookups, &detections, &compiler, &mut diagnostics);
    (settings, detections, diagnostics.render(false))
}

impl World {
    pub async fn new(text: &str) -> Self {
        let place: TemporaryLake = TemporaryLake::new().await;
        let (lake, clock) = (place.lake.clone(), Arc::clone(&place.clock));
        clock.set(Timestamp::parse("2026-03-01T12:00:00Z").unwrap());
        let folder = place.folder.path();
        let store = Store::open(&folder.join("store.sqlite")).await.unwrap();
        let (settings, detections, mistakes) = settings_of(text, &folder, &clock);
        assert!(mistakes.is_empty(), "{mistakes}");
        Self { _place: place, lake, store, clock, folder, settings, detections }
    }

    /// Goes on with another configuration.
    pub fn configure(&mut self, text: &str) {
        let (settings, detections, mistakes) = settings_of(text, &self.folder, &self.clock);
        assert!(mistakes.is_empty(), "{mistakes}");
        (self.settings, self.detections) = (settings, detections);
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Commits findings.
    pub async fn find(&self, findings: &[Finding]) {
        commit(&self.lake, findings).await;
    }

    /// Makes alerts of what is new.
    pub async fn take_in(&self) -> IntakeReport {
        let intake = Intake {
            settings: &self.settings,
            detections: &self.detections,
            store: &self.store,
            clock: &*self.clock,
        };
        intake.run(&self.lake).await.unwrap()
    }

    pub async fn deliver(&self, until: DeliverUntil) -> DeliveryReport {
        let stop = AtomicBool::new(false);
        let deliverer =
            Deliverer { settings: &self.settings, store: &self.store, clock: &*self.clock, stop: &stop };
        deliverer.run(until).await.unwrap()
    }

    /// All alerts, the first event first.
    pub async fn alerts(&self) -> Vec<Alert> {
        let filter =
            AlertFilter { statuses: egret_model::AlertStatus::ALL.to_vec(), ..AlertFilter::default() };
        let mut alerts = self.store.alerts(&filter).await.unwrap();
        alerts.sort_by(|one, other| {
            (one.time_first, &one.detection_id, &one.alert_id).cmp(&(
                other.time_first,
                &other.detection_id,
                &other.alert_id,
            ))
        });
        alerts
    }
}

pub async fn commit(lake: &Lake, findings: &[Finding]) {
    let table = lake.ensure_table(&finding_schema()).await.unwrap();
    let rows = Finding::to_rows(findings).unwrap();
    let files = lake.write_files(&table, "prod", &[rows]).unwrap();
    lake.commit(&Commit { files, ..Commit::default() }).await.unwrap();
    assert_eq!(table.name(), FINDING_TABLE);
}

/// A finding of a detection, so many seconds after the first.
pub fn finding(detection: &str, seconds: i64) -> Finding {
    let time = Timestamp::parse(START).unwrap().plus_micros(seconds * 1_000_000);
    Finding {
        finding_id: egret_model::id::finding_id(detection, [seconds.to_string().as_str()]).to_string(),
        time,
        detected_at: time,
        detection_id: detection.to_owned(),
        detection_kind: "sql".into(),
        detection_version: "v1".into(),
        title: format!("Title of {detection}"),
        message: format!("message {seconds}"),
        description: String::new(),
        severity: Severity::Medium,
        tags: vec!["attack.t1078".into()],
        channel: "aws.cloudtrail".into(),
        table: "aws_cloudtrail_log".into(),
        partition: "prod".into(),
        origin: Origin::Stream,
        observables: Observables { usernames: vec!["root".into()], ..Observables::default() },
        event_ids: vec![seconds.to_string()],
        event: format!("{{\"user\":\"root\",\"n\":{seconds}}}"),
        evidence: Vec::new(),
        source_location: "/logs/a.json".into(),
    }
}
