//! `egret route`: where alerts would go, and why.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use egret_alert::{AlertSettings, RouteSubject, RouteVerdict};
use egret_model::finding::FINDING_TABLE;
use egret_model::{Finding, Severity};
use serde_json::json;

use super::finding::find_one;
use super::{Outcome, block_on};
use crate::arguments::Global;
use crate::failure::Failure;
use crate::output::{OutputFormat, print_all, print_one, say};
use crate::project::Project;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say where a finding, or one like that, would go and why
    #[command(
        after_help = "Examples:\n  egret route test 3f2a\n  egret route test --channel aws.cloudtrail --severity high"
    )]
    Test(Test),
}

/// What to ask about.
#[derive(Debug, Args)]
pub struct Test {
    /// A finding's id, or the beginning of it
    finding: Option<String>,
    /// Without a finding: its channel
    #[arg(long, required_unless_present = "finding", conflicts_with = "finding")]
    channel: Option<String>,
    /// Without a finding: its severity
    #[arg(long, default_value = "medium")]
    severity: Severity,
    /// Without a finding: its detection
    #[arg(long, default_value = "")]
    detection: String,
    /// Without a finding: a tag of it; may be given several times
    #[arg(long)]
    tag: Vec<String>,
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    let Command::Test(options) = command;
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let finding = match &options.finding {
        Some(id) => Some(block_on(find_one(global, &project, id))?),
        None => None,
    };
    block_on(project.load_lookups())?;
    let verdicts = ask(&settings, options, finding.as_ref())?;
    let detection = finding.as_ref().map_or(options.detection.as_str(), |finding| &finding.detection_id);
    let own = settings.own_outputs(detection);
    let mut outputs: Vec<String> = Vec::new();
    let routed = verdicts.iter().filter(|verdict| verdict.matches).flat_map(|verdict| verdict.to.clone());
    for output in own.map_or_else(|| routed.collect(), <[String]>::to_vec) {
        if !outputs.contains(&output) {
            outputs.push(output);
        }
    }
    let format = OutputFormat::of_one(global.output);
    if format == OutputFormat::Table {
        print_all(&verdicts, format)?;
        if own.is_some() {
            say(&format!("the detection `{detection}` names its outputs itself"))?;
        }
        say(&match outputs.as_slice() {
            [] => "it would go nowhere".to_owned(),
            outputs => format!("it would go to {}", outputs.join(", ")),
        })?;
    } else {
        let object = json!({
            "outputs": outputs,
            "named_by_detection": own.is_some(),
            "routes": verdicts,
        });
        print_one(object, format)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(
    settings: &AlertSettings,
    options: &Test,
    finding: Option<&Finding>,
) -> Result<Vec<RouteVerdict>, Failure> {
    let Some(finding) = finding else {
        let subject = RouteSubject {
            channel: options.channel.as_deref().unwrap_or_default(),
            severity: options.severity,
            tags: &options.tag,
            detection_id: &options.detection,
        };
        return Ok(settings.route_verdicts(&subject, None));
    };
    let subject = RouteSubject {
        channel: &finding.channel,
        severity: settings.severity_of(finding)?,
        tags: &finding.tags,
        detection_id: &finding.detection_id,
    };
    let row = Finding::to_rows(std::slice::from_ref(finding))
        .map_err(|error| Failure::outside(format!("cannot read table {FINDING_TABLE}: {error}")))?;
    Ok(settings.route_verdicts(&subject, Some(&row)))
}
