//! What people hear of a run: trouble on stderr and as an alert, which is closed when the generator works again.

use egret_alert::{AlertError, AlertSettings, Trouble, end_trouble, tell_trouble};
use egret_model::alert::Remark;
use egret_model::{Severity, Timestamp};
use egret_state::RunOutcome;
use egret_store::Store;
use serde_json::{Map, Value, json};

use super::run::RunReport;
use crate::output::{printable, style};

/// The channel of alerts about generators.
const CHANNEL: &str = "egret.generator";

/// A kind of trouble that a generator can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It gave no state.
    Failed,
    /// It gave so little that it is not believed.
    HeldBack,
    /// Parts of its state could not be looked at.
    Incomplete,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Failed, Self::HeldBack, Self::Incomplete];

    /// What a run had.
    fn of(run: &RunReport) -> Option<Self> {
        match run.outcome {
            RunOutcome::Failed => Some(Self::Failed),
            RunOutcome::HeldBack => Some(Self::HeldBack),
            _ if run.failed_parts > 0 => Some(Self::Incomplete),
            _ => None,
        }
    }

    /// What its alerts have for a detection.
    fn detection(self) -> &'static str {
        match self {
            Self::Failed => "egret.generator_failed",
            Self::HeldBack => "egret.generator_held_back",
            Self::Incomplete => "egret.generator_incomplete",
        }
    }

    fn severity(self) -> Severity {
        match self {
            Self::Failed | Self::HeldBack => Severity::High,
            Self::Incomplete => Severity::Medium,
        }
    }

    fn title(self, generator: &str) -> String {
        match self {
            Self::Failed => format!("Generator {generator} fails"),
            Self::HeldBack => format!("Generator {generator} gives suspiciously little"),
            Self::Incomplete => format!("Generator {generator} cannot look at everything"),
        }
    }

    fn description(self, generator: &str) -> String {
        match self {
            Self::Failed => {
                "Its last good state stays, so changes since then are not seen. This alert is closed when it \
                works again."
                    .to_owned()
            }
            Self::HeldBack => format!(
                "Either much is gone at once, or it does not see what it saw. The state before stays, and nothing is told \
                 as removed. If it is right, take it: egret state run {generator} --accept"
            ),
            Self::Incomplete => {
                "What could not be looked at stays as it was seen last, and changes there are not seen. \
                This alert is closed when all can be looked at again."
                    .to_owned()
            }
        }
    }
}

/// Raises the alert of what is wrong with a run, and closes those of what is not any more.
pub async fn alert_of_run(
    run: &RunReport,
    settings: &AlertSettings,
    store: &Store,
    now: Timestamp,
) -> Result<(), AlertError> {
    let now_wrong = Kind::of(run);
    for kind in Kind::ALL {
        if now_wrong == Some(kind) {
            tell_of(kind, run, settings, store, now).await?;
        } else if ends(kind, now_wrong) {
            let remark =
                Remark { by: "egret".to_owned(), at: now, text: "the generator works again".to_owned() };
            end_trouble(store, settings, [kind.detection(), &run.generator], remark).await?;
        }
    }
    Ok(())
}

/// A run that gave nothing says nothing about what was wrong before.
fn ends(kind: Kind, now_wrong: Option<Kind>) -> bool {
    match now_wrong {
        // What is incomplete is believed, or it would be held back.
        None | Some(Kind::Incomplete) => true,
        Some(Kind::HeldBack) => kind == Kind::Failed,
        Some(Kind::Failed) => false,
    }
}

async fn tell_of(
    kind: Kind,
    run: &RunReport,
    settings: &AlertSettings,
    store: &Store,
    now: Timestamp,
) -> Result<(), AlertError> {
    let generator = run.generator.as_str();
    let why = run.notes.join("\n");
    let message = |count: u64| match count {
        1 => why.clone(),
        count => format!("{why} ({count} runs)"),
    };
    let trouble = Trouble {
        detection: kind.detection(),
        subject: generator,
        channel: CHANNEL,
        severity: kind.severity(),
        title: &kind.title(generator),
        description: &kind.description(generator),
        message: &message,
        count: 1,
        merged_by: &object(json!({ "generator": generator })),
        event: &object(
            json!({ "generator": generator, "type": run.kind, "channel": run.channel, "run": run.run }),
        ),
        not_to: None,
    };
    tell_trouble(store, settings, trouble, now).await
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// Says on stderr what is wrong with a run, or worth knowing.
pub fn print_run(run: &RunReport) {
    let label = match Kind::of(run) {
        Some(Kind::Failed) => style::error("failed:"),
        Some(Kind::HeldBack) => style::error("held back:"),
        Some(Kind::Incomplete) => style::warning("incomplete:"),
        None => style::hint("note:"),
    };
    for note in &run.notes {
        eprintln!("{label} {}.{}: {}", run.kind, run.generator, printable(note));
    }
}
