//! Whether detections look at anything: tables that do not exist, channels that nothing has.

use egret_config::{Diagnostic, Diagnostics, Level, Located};
use egret_model::channel::ChannelPattern;
use egret_model::{ExpressionCompiler, TableSchema, suggest};

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

/// Where detections may look.
#[derive(Clone, Copy)]
pub struct Places<'a> {
    /// All tables, each with the channel of its definition.
    pub tables: &'a [TableSchema],
    /// The other channels that rows of a table may be on, each with the table: those of partitions and of generators.
    pub channels: &'a [(String, String)],
    /// The detectors of the tables and channels that were compiled.
    pub detectors: &'a [&'a Detector],
    /// Compiles the conditions of detections that no detector has.
    pub compiler: &'a dyn ExpressionCompiler,
}

/// Says which of `definitions` look at nothing, once the detectors of all tables and channels were compiled.
///
/// A table that does not exist is an error. A detection on a channel that applies to no table is an error if it was
/// meant for some (the mistakes of the first are given), and a warning if nothing is on the channel. One that applies to
/// some but not to all of its tables is a warning. One that names both is compiled for the table in any case, and a
/// warning if no rows of the table are on the channel.
pub fn check_targets(definitions: &[DetectionDefinition], places: &Places<'_>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for definition in definitions.iter().filter(|definition| definition.enabled) {
        match &definition.target.value {
            Target::Table(name) => {
                let name = Located::new(name.clone(), definition.target.location.clone());
                if places.table(&name.value).is_none() {
                    diagnostics.push(places.unknown_table(&name));
                }
            }
            Target::Channel(pattern) => check_channel(definition, pattern, places, &mut diagnostics),
            Target::OnChannel { table, pattern } => match places.table(&table.value) {
                Some(schema) => {
                    check_table_on_channel(definition, schema, pattern, places, &mut diagnostics);
                }
                None => diagnostics.push(places.unknown_table(table)),
            },
            // Whoever made it has looked up tables that are there.
            Target::LogSource(_) => {}
        }
    }
    diagnostics
}

impl<'a> Places<'a> {
    fn table(&self, name: &str) -> Option<&'a TableSchema> {
        self.tables.iter().find(|table| table.name == name)
    }

    fn unknown_table(&self, name: &Located<String>) -> Diagnostic {
        let names = || self.tables.iter().map(|table| table.name.as_str());
        let hint = match suggest::nearest(&name.value, names()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!("the tables are {}", listed(names())),
        };
        Diagnostic::error(format!("there is no table `{}`", name.value)).at(&name.location).hint(hint)
    }

    /// The channels that rows of a table may be on beside its own.
    fn channels_of(&self, table: &str) -> impl Iterator<Item = &'a str> {
        let of_table = self.channels.iter().filter(move |(name, _)| name == table);
        of_table.map(|(_, channel)| channel.as_str())
    }

    /// Whether a detector has the detection.
    fn applies(&self, definition: &DetectionDefinition) -> bool {
        let id = &definition.id.value;
        let mut detectors = self.detectors.iter();
        detectors.any(|detector| detector.definitions().any(|known| known.id.value == *id))
    }
}

fn check_channel(
    definition: &DetectionDefinition,
    pattern: &ChannelPattern,
    places: &Places<'_>,
    diagnostics: &mut Diagnostics,
) {
    let left_out = places.detectors.iter().flat_map(|detector| detector.inapplicable());
    let mut left_out = left_out.filter(|left_out| left_out.detection_id == definition.id.value);
    if places.applies(definition) {
        for left_out in left_out {
            diagnostics.push(not_on(left_out, definition));
        }
        return;
    }
    if let Some(first) = left_out.next() {
        diagnostics.extend(first.mistakes.clone());
        return;
    }
    // Nothing that is configured, but what could be.
    let known = places.channels.iter().find(|(_, channel)| pattern.matches(channel));
    match known.and_then(|(table, _)| places.table(table)) {
        Some(table) => diagnostics.extend(Detector::mistakes(definition, table, places.compiler)),
        None => diagnostics.push(
            Diagnostic::warning("no table or partition is on this channel, so the detection never runs")
                .at(&definition.target.location)
                .hint("`egret table list` shows the channels"),
        ),
    }
}

fn check_table_on_channel(
    definition: &DetectionDefinition,
    table: &TableSchema,
    pattern: &ChannelPattern,
    places: &Places<'_>,
    diagnostics: &mut Diagnostics,
) {
    if !places.applies(definition) {
        diagnostics.extend(Detector::mistakes(definition, table, places.compiler));
    }
    let channels = || places.channels_of(&table.name).chain([table.channel.as_str()]);
    if channels().any(|channel| pattern.matches(channel)) {
        return;
    }
    let hint = match suggest::nearest(&pattern.to_string(), channels()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the channels of table `{}` are {}", table.name, listed(channels())),
    };
    let message =
        format!("no rows of table `{}` are on this channel, so the detection never runs", table.name);
    diagnostics.push(Diagnostic::warning(message).at(&definition.target.location).hint(hint));
}

/// Names in order, each once.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
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
