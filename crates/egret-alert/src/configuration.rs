//! The blocks `alerts`, `staging`, `route`, `suppress` and `override`, and the outputs, checked together.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use egret_config::{
    BlockKind, BlockReader, Configuration, Decode, Diagnostic, Diagnostics, Located, Reference, decode_block,
};
use egret_detect::{AlertPolicy, DetectionDefinition};
use egret_model::{ExpressionCompiler, Finding, Severity, suggest};
use egret_output::{OUTPUT_BLOCK, OutputDefinition};

use crate::lookup::LookupDefinition;
use crate::policy::{Policy, PolicyCompiler, micros};
use crate::remember::{self, Remember};
use crate::route::{self, Route, RouteDefinition, RouteSubject, RouteVerdict};
use crate::suppress::{About, OverrideDefinition, SuppressDefinition, parse_time_of_day};

/// `alerts { … }`: how findings become alerts, for all detections.
pub const ALERTS_BLOCK: BlockKind = BlockKind::new("alerts", &[]);
/// `staging { … }`: new detections are watched before they deliver.
pub const STAGING_BLOCK: BlockKind = BlockKind::new("staging", &[]);
/// `route { … }`: which alerts go where.
pub const ROUTE_BLOCK: BlockKind = BlockKind::repeated("route");
/// `suppress "NAME" { … }`: findings that become no alerts.
pub const SUPPRESS_BLOCK: BlockKind = BlockKind::new("suppress", &["name"]);
/// `override "NAME" { … }`: findings that get another severity.
pub const OVERRIDE_BLOCK: BlockKind = BlockKind::new("override", &["name"]);

/// How long alerts are kept once they are done with, and the least that may be said.
const KEEP: Duration = Duration::from_secs(365 * 24 * 3600);
const LEAST_KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// A detection is watched so long.
const STAGE_FOR: Duration = Duration::from_secs(48 * 3600);

/// When the digest is made.
const DIGEST_AT: NaiveTime = NaiveTime::MIN;

/// Everything that the configuration says about alerts.
#[derive(Debug)]
pub struct AlertSettings {
    pub(crate) hunts: bool,
    /// How long alerts are kept, in microseconds.
    keep: i64,
    pub(crate) staging: Option<StagingSettings>,
    pub(crate) routes: Vec<Route>,
    pub(crate) suppressions: Vec<About<SuppressDefinition>>,
    pub(crate) overrides: Vec<About<OverrideDefinition>>,
    pub(crate) policies: HashMap<String, Arc<Policy>>,
    /// For detections that are not in the configuration any more.
    pub(crate) policy: Arc<Policy>,
    /// What findings write into lookups, by their detection.
    pub(crate) remember: HashMap<String, Vec<Remember>>,
    pub(crate) lookups: Vec<LookupDefinition>,
    outputs: Vec<OutputDefinition>,
}

/// What a `staging` block says.
#[derive(Debug, Clone)]
pub(crate) struct StagingSettings {
    pub stage_for: i64,
    pub stage_max_findings: u64,
    pub digest_at: NaiveTime,
    pub digest_to: Vec<Reference>,
    pub digest_outputs: Vec<String>,
}

impl Decode for StagingSettings {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let stage_for = reader.optional_or("stage_for", STAGE_FOR);
        let stage_max_findings = reader.optional_or("stage_max_findings", 0);
        let digest_at = reader.optional_or("digest_at", None::<Located<String>>);
        let digest_to = reader.optional_or("digest_to", Vec::new());
        let digest_at =
            digest_at.and_then(|text| text.map_or(Some(DIGEST_AT), |text| parse_time_of_day(&text, reader)));
        Some(Self {
            stage_for: micros(stage_for?),
            stage_max_findings: stage_max_findings?,
            digest_at: digest_at?,
            digest_to: digest_to?,
            digest_outputs: Vec::new(),
        })
    }
}

/// What an `alerts` block says.
struct AlertsDefinition {
    policy: AlertPolicy,
    hunts: bool,
    keep: Duration,
}

impl Decode for AlertsDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let hunts = reader.optional_or("hunts", false);
        let keep = reader.optional_or("keep", KEEP);
        let policy = AlertPolicy::decode(reader);
        let mut keep = keep?;
        if keep < LEAST_KEEP {
            let mistake = Diagnostic::error("`keep` is at least 7d").at(reader.location());
            let hint =
                "findings of events from before that time become no alerts once older ones are forgotten";
            reader.diagnostics().push(mistake.hint(hint));
            keep = LEAST_KEEP;
        }
        Some(Self { policy: policy?, hunts: hunts?, keep })
    }
}

impl AlertSettings {
    /// Reads and checks the blocks; what is wrong goes to `diagnostics`, and what is right is there nevertheless.
    pub fn read(
        configuration: &Configuration,
        outputs: Vec<OutputDefinition>,
        lookups: &[LookupDefinition],
        detections: &[DetectionDefinition],
        compiler: &dyn ExpressionCompiler,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut policies = PolicyCompiler::new(compiler);
        // One with a mistake is there nevertheless: its mistake was told.
        let declared: Vec<String> = configuration
            .blocks_of(OUTPUT_BLOCK.name)
            .map(|block| block.labels.iter().map(|label| label.value.as_str()).collect::<Vec<_>>().join("."))
            .collect();
        let mut output = |reference: &Reference, diagnostics: &mut Diagnostics| {
            find_output(&declared, reference, diagnostics)
        };
        let alerts = configuration
            .blocks_of(ALERTS_BLOCK.name)
            .next()
            .and_then(|block| decode_block::<AlertsDefinition>(block, diagnostics))
            .unwrap_or_else(|| AlertsDefinition { policy: AlertPolicy::default(), hunts: false, keep: KEEP });
        let staging = configuration
            .blocks_of(STAGING_BLOCK.name)
            .next()
            .and_then(|block| decode_block::<StagingSettings>(block, diagnostics))
            .map(|mut staging| {
                staging.digest_outputs =
                    staging.digest_to.iter().filter_map(|to| output(to, diagnostics)).collect();
                staging
            });
        let routes = read_routes(configuration, &mut policies, &mut output, diagnostics);
        let suppressions = read_about(
            configuration,
            SUPPRESS_BLOCK,
            diagnostics,
            |definition: SuppressDefinition, diagnostics| {
                let condition = compile(&definition.selector.condition, &mut policies, diagnostics)?;
                Some(About { definition, condition })
            },
        );
        let overrides = read_about(
            configuration,
            OVERRIDE_BLOCK,
            diagnostics,
            |definition: OverrideDefinition, diagnostics| {
                let condition = compile(&definition.selector.condition, &mut policies, diagnostics)?;
                Some(About { definition, condition })
            },
        );
        let fallback = policies.policy(alerts.policy.clone(), Vec::new(), &mut output, diagnostics);
        let fallback = Arc::new(fallback.unwrap_or_else(Policy::nothing));
        let mut by_detection = HashMap::new();
        for detection in detections.iter().filter(|detection| detection.enabled) {
            let id = &detection.id.value;
            if detection.alert == AlertPolicy::default() && detection.references.is_empty() {
                continue;
            }
            let said = detection.alert.clone().or(&alerts.policy);
            let policy = policies.policy(said, detection.references.clone(), &mut output, diagnostics);
            by_detection.extend(policy.map(|policy| (id.clone(), Arc::new(policy))));
        }
        let remember = remember::compile(detections, lookups, &mut policies, diagnostics);
        Self {
            hunts: alerts.hunts,
            keep: micros(alerts.keep),
            staging,
            routes,
            suppressions,
            overrides,
            policies: by_detection,
            policy: fallback,
            remember,
            lookups: lookups.to_vec(),
            outputs,
        }
    }

    /// The outputs.
    pub fn outputs(&self) -> &[OutputDefinition] {
        &self.outputs
    }

    /// The lookups.
    pub fn lookups(&self) -> &[LookupDefinition] {
        &self.lookups
    }

    /// The output `type.name`.
    pub fn output(&self, address: &str) -> Option<&OutputDefinition> {
        self.outputs.iter().find(|output| output.address() == address)
    }

    /// How the findings of a detection become alerts.
    pub(crate) fn policy_of(&self, detection_id: &str) -> &Arc<Policy> {
        self.policies.get(detection_id).unwrap_or(&self.policy)
    }

    /// How long alerts are kept once they are done with, in microseconds: no shorter than any of them takes findings.
    pub(crate) fn keep(&self) -> i64 {
        let policies = self.policies.values().chain([&self.policy]);
        policies.map(|policy| policy.window).fold(self.keep, i64::max)
    }

    /// Whether any detection is staged by itself.
    pub fn has_staging(&self) -> bool {
        self.staging.is_some()
    }

    /// The outputs that a detection names itself; `None` if the routes decide.
    pub fn own_outputs(&self, detection_id: &str) -> Option<&[String]> {
        self.policy_of(detection_id).outputs.as_deref()
    }

    /// How bad a finding is after the `override` blocks.
    ///
    /// # Errors
    /// Never in practice: only if the finding cannot be a row.
    pub fn severity_of(&self, finding: &Finding) -> Result<Severity, crate::AlertError> {
        let mut overridden = [finding.clone()];
        let rows = Finding::to_rows(&overridden)?;
        crate::conditions::override_severities(self, &mut overridden, &rows);
        Ok(overridden[0].severity)
    }

    /// What each route says about an alert, in order. `row` is the finding that raised it, as a row.
    pub fn route_verdicts(
        &self,
        subject: &RouteSubject<'_>,
        row: Option<&arrow::array::RecordBatch>,
    ) -> Vec<RouteVerdict> {
        match row.map(|row| route::conditions(&self.routes, row)) {
            Some(conditions) => route::verdicts(&self.routes, subject, route::in_row(&conditions, 0)),
            None => route::verdicts(&self.routes, subject, |_| None),
        }
    }

    /// The `suppress` blocks: name, reason, and until when.
    pub fn suppressions(&self) -> impl Iterator<Item = (&str, &str, Option<egret_model::Timestamp>)> {
        self.suppressions.iter().map(|about| {
            let definition = &about.definition;
            (definition.name.value.as_str(), definition.reason.as_str(), definition.until)
        })
    }
}

fn read_about<D: Decode, T>(
    configuration: &Configuration,
    kind: BlockKind,
    diagnostics: &mut Diagnostics,
    mut compile: impl FnMut(D, &mut Diagnostics) -> Option<T>,
) -> Vec<T> {
    let mut read = Vec::new();
    for block in configuration.blocks_of(kind.name) {
        let decoded = decode_block::<D>(block, diagnostics);
        read.extend(decoded.and_then(|definition| compile(definition, diagnostics)));
    }
    read
}

/// `None` after a mistake.
#[allow(clippy::option_option, reason = "no condition and a wrong one are two things")]
fn compile(
    condition: &Option<Located<String>>,
    policies: &mut PolicyCompiler<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Option<Arc<dyn egret_model::Expression>>> {
    match condition {
        None => Some(None),
        Some(sql) => policies.expression(sql, diagnostics).map(Some),
    }
}

fn read_routes(
    configuration: &Configuration,
    policies: &mut PolicyCompiler<'_>,
    output: &mut dyn FnMut(&Reference, &mut Diagnostics) -> Option<String>,
    diagnostics: &mut Diagnostics,
) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for block in configuration.blocks_of(ROUTE_BLOCK.name) {
        let Some(definition) = decode_block::<RouteDefinition>(block, diagnostics) else { continue };
        let to: Vec<String> =
            definition.to.iter().filter_map(|reference| output(reference, diagnostics)).collect();
        let Some(condition) = compile(&definition.condition, policies, diagnostics) else { continue };
        let key = definition.name.clone().unwrap_or_else(|| (routes.len() + 1).to_string());
        if let Some(other) = routes.iter().find(|route| route.key == key) {
            let mistake = Diagnostic::error(format!("there are two routes `{key}`")).at(&block.location);
            diagnostics.push(mistake.note(format!("the other is at {}", other.definition.location)));
        }
        routes.push(Route { key, definition, to, condition });
    }
    routes
}

/// The address of an output that is there.
fn find_output(outputs: &[String], reference: &Reference, diagnostics: &mut Diagnostics) -> Option<String> {
    let address = match reference.path.as_slice() {
        [kind, output, name] if kind == "output" => format!("{output}.{name}"),
        _ => reference.to_string(),
    };
    if outputs.contains(&address) {
        return Some(address);
    }
    let names: Vec<String> = outputs.iter().map(|output| format!("output.{output}")).collect();
    let written = reference.to_string();
    let hint = match suggest::nearest(&written, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.is_empty() => {
            "add a block `output \"TYPE\" \"NAME\" { … }`; `egret output list` shows the types".to_owned()
        }
        None => format!("the outputs are {}", names.join(", ")),
    };
    diagnostics.push(
        Diagnostic::error(format!("there is no output `{written}`")).at(&reference.location).hint(hint),
    );
    None
}
