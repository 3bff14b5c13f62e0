//! Whether detections look at anything: tables that do not exist, channels that nothing has.

use egret_config::{Diagnostic, Diagnostics, Level};
use egret_model::suggest;

use crate::definition::{DetectionDefinition, Target};
use crate::detector::Detector;

/// A detection on a channel that cannot be compiled for a table on that channel.
#[derive(Debug, Clone)]
pub struct Inapplicable {
    /// Which.
    pub detection_id: String,
    /// For which table.
    pub table: String,
    /// Why, most often a column that the table lacks.
    pub mistakes: Diagnostics,
}

/// Says which of `definitions` look at nothing, once the detectors of all tables and channels were compiled.
///
/// A table that is not among `tables` is an error. A detection on a channel that applies to no table is an
/// error if it was meant for some (the mistakes of the first are given), and a warning if nothing is on the
/// channel. One that applies to some but not to all of its tables is a warning.
pub fn check_targets<'a>(
    definitions: &[DetectionDefinition],
    tables: impl IntoIterator<Item = &'a str> + Clone,
    detectors: &[&Detector],
) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for definition in definitions.iter().filter(|definition| definition.enabled) {
        match &definition.target.value {
            Target::Table(name) => {
                if !tables.clone().into_iter().any(|table| table == name) {
                    diagnostics.push(unknown_table(definition, name, tables.clone()));
                }
            }
            Target::Channel(_) => check_channel(definition, detectors, &mut diagnostics),
            // Whoever made it has looked up tables that are there.
            Target::LogSource(_) => {}
        }
    }
    diagnostics
}

fn unknown_table<'a>(
    definition: &DetectionDefinition,
    name: &str,
    tables: impl IntoIterator<Item = &'a str> + Clone,
) -> Diagnostic {
    let hint = match suggest::nearest(name, tables.clone()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            let mut names: Vec<&str> = tables.into_iter().collect();
            names.sort_unstable();
            format!("the tables are {}", names.join(", "))
        }
    };
    Diagnostic::error(format!("there is no table `{name}`")).at(&definition.target.location).hint(hint)
}

fn check_channel(definition: &DetectionDefinition, detectors: &[&Detector], diagnostics: &mut Diagnostics) {
    let id = &definition.id.value;
    let applies = detectors.iter().any(|detector| detector.definitions().any(|known| known.id.value == *id));
    let mut left_out = detectors
        .iter()
        .flat_map(|detector| detector.inapplicable())
        .filter(|left_out| left_out.detection_id == *id);
    if applies {
        for left_out in left_out {
            diagnostics.push(not_on(left_out, definition));
        }
        return;
    }
    match left_out.next() {
        Some(first) => diagnostics.extend(first.mistakes.clone()),
        None => diagnostics.push(
            Diagnostic::warning("no table or partition is on this channel, so the detection never runs")
                .at(&definition.target.location)
                .hint("`egret table list` shows the channels"),
        ),
    }
}

fn not_on(left_out: &Inapplicable, definition: &DetectionDefinition) -> Diagnostic {
    let message = format!("detection `{}` does not run on table `{}`", left_out.detection_id, left_out.table);
    let reasons: Vec<&str> = left_out
        .mistakes
        .iter()
        .filter(|mistake| mistake.level == Level::Error)
        .map(|mistake| mistake.message.as_str())
        .collect();
    Diagnostic::warning(message)
        .at(&definition.target.location)
        .note(reasons.join("; "))
        .hint("name the table instead of a channel, or narrow the pattern")
}

#[cfg(test)]
mod tests;
