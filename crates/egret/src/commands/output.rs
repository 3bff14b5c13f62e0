//! `egret output`: where alerts go.

use std::process::ExitCode;

use clap::Subcommand;
use egret_model::alert::{Difference, Remark};
use egret_model::{Alert, AlertAction, AlertStatus, Observables, Severity, Timestamp, id};
use egret_output::{
    COMMON_ATTRIBUTES, Delivery, Letter, Message, OutputDefinition, OutputType, output_types,
};
use serde_json::{Value, json};

use super::{Outcome, attributes_of, block_on, unknown};
use crate::arguments::Global;
use crate::failure::{Failure, OUTSIDE};
use crate::output::{Objects, OutputFormat, print_all, print_one, say};
use crate::project::Project;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the types of outputs, and which are configured
    List,
    /// Show a type with its attributes, what arrives, and what it must be allowed
    Show {
        /// Its type
        name: String,
    },
    /// Send a sample alert to a configured output
    #[command(after_help = "Example:\n  egret output test slack.soc")]
    Test {
        /// Its name, or TYPE.NAME
        name: String,
    },
}

/// Does it.
pub fn run(global: &Global, command: &Command) -> Outcome {
    match command {
        Command::List => list(global),
        Command::Show { name } => {
            let names = output_types().iter().map(|output| output.name);
            let output = output_types().iter().find(|output| output.name == name);
            let Some(output) = output else { return Err(unknown("output type", name, names)) };
            show(output, OutputFormat::of_one(global.output))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Test { name } => test(global, name),
    }
}

fn list(global: &Global) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let columns = &["name", "description", "configured"];
    let mut objects = Objects::new(OutputFormat::of_many(global.output)).columns(columns);
    for output_type in output_types() {
        let of_type = settings.outputs().iter().filter(|output| output.kind == output_type.name);
        let names: Vec<&str> = of_type.map(|output| output.name.value.as_str()).collect();
        objects.push(json!({
            "name": output_type.name,
            "description": output_type.description,
            "configured": names,
        }))?;
    }
    objects.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn show(output: &OutputType, format: OutputFormat) -> Result<(), Failure> {
    let attributes = attributes_of(output.attributes().chain(COMMON_ATTRIBUTES));
    if format == OutputFormat::Table {
        say(&format!("{}: {}\n", output.name, output.description))?;
        print_all(attributes, format)?;
        return say(&format!(
            "\n{}\nWhat arrives\n\n{}\n\nPermissions\n\n{}",
            output.example, output.arrives, output.permissions
        ));
    }
    let object = json!({
        "name": output.name,
        "description": output.description,
        "attributes": attributes,
        "example": output.example,
        "arrives": output.arrives,
        "permissions": output.permissions,
    });
    print_one(object, format)
}

fn test(global: &Global, name: &str) -> Outcome {
    let project = Project::load(global)?;
    let settings = project.alert_settings()?;
    let is_meant = |output: &&OutputDefinition| output.name.value == name || output.address() == name;
    let meant: Vec<&OutputDefinition> = settings.outputs().iter().filter(is_meant).collect();
    let output = match meant.as_slice() {
        [output] => *output,
        [] => {
            let short = settings.outputs().iter().map(|output| output.name.value.clone());
            let names: Vec<String> =
                short.chain(settings.outputs().iter().map(OutputDefinition::address)).collect();
            return Err(unknown("output", name, names.iter().map(String::as_str)));
        }
        _ => {
            return Err(Failure::usage(format!("several outputs are called `{name}`"))
                .hint("write its type before it: slack.soc"));
        }
    };
    let delivery = sample(project.clock.now(), &output.address());
    let message = Message::of(&delivery, output.output.escape(), &[&output.templates]);
    let problem = message.problem.clone();
    let answer = block_on(async { Ok(output.output.send(&[Letter { delivery, message }]).await) })?;
    if let Some(problem) = problem {
        eprintln!("a template could not be used: {problem}");
    }
    match answer.into_iter().next() {
        Some(Ok(receipt)) => {
            let object = json!({"output": output.address(), "taken": true, "reference": receipt.reference});
            print_one(object, OutputFormat::of_one(global.output))?;
            Ok(ExitCode::SUCCESS)
        }
        Some(Err(error)) => {
            let object = json!({"output": output.address(), "taken": false, "error": error.to_string()});
            print_one(object, OutputFormat::of_one(global.output))?;
            Ok(ExitCode::from(OUTSIDE))
        }
        None => Err(Failure::outside(format!("{} did not answer", output.address()))),
    }
}

/// An alert that shows what an alert is like, and says that it is none.
fn sample(now: Timestamp, output: &str) -> Delivery {
    let object = |value: Value| value.as_object().cloned().unwrap_or_default();
    let alert_id = id::alert_id("egret.sample", output, &now.to_string()).to_string();
    let alert = Alert {
        revision: 1,
        status: AlertStatus::Open,
        severity: Severity::Informational,
        title: "A sample from Egret".to_owned(),
        message: "alice logged in from 192.0.2.10: a sample, nothing has happened".to_owned(),
        description: "`egret output test` sent this, to show that alerts arrive here.".to_owned(),
        detection_id: "egret.sample".to_owned(),
        detection_kind: "sql".to_owned(),
        detection_version: String::new(),
        tags: vec!["sample".to_owned()],
        references: Vec::new(),
        channel: "egret.sample".to_owned(),
        table: "sample".to_owned(),
        partition: "test".to_owned(),
        count: 2,
        time_first: now.plus_micros(-60_000_000),
        time_last: now,
        opened_at: now,
        updated_at: now,
        merged_by: object(json!({"channel": "egret.sample"})),
        common: object(json!({"user": "alice"})),
        differences: vec![Difference {
            finding_id: "sample".to_owned(),
            time: now,
            values: object(json!({"source_ip": "192.0.2.10"})),
        }],
        observables: Observables {
            usernames: vec!["alice".to_owned()],
            ips: vec!["192.0.2.10".to_owned()],
            ..Observables::default()
        },
        finding_ids: vec!["sample".to_owned()],
        event: object(json!({"user": "alice", "source_ip": "192.0.2.10"})),
        evidence: Vec::new(),
        source_location: String::new(),
        outputs: vec![output.to_owned()],
        acknowledged: None::<Remark>,
        closed: None,
        comments: Vec::new(),
        alert_id: alert_id.clone(),
    };
    Delivery {
        delivery_id: id::delivery_id(&alert_id, 1, output).to_string(),
        action: AlertAction::Raise,
        by: None,
        remark: None,
        alert,
        reference: None,
    }
}
