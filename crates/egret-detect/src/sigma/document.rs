//! One document read as a rule.

use std::sync::Arc;

use egret_config::{Diagnostic, Diagnostics, Located, Location, SourceFile};

use super::detection::{self, SigmaDetection, Unusable};
use super::file::{MissingPlaceholder, NotYet, Rejection, SigmaDocument};
use super::limits::{self, Budget};
use super::metadata::{self, Metadata};
use super::placeholder::Placeholders;
use super::rule::{LogSource, SigmaRule};
use super::selection::Lowering;
use super::yaml::{self, Entry};

/// Reads `entries`, a document that begins at `location`. What a rule costs is taken from `budget`.
pub(super) fn read(
    entries: &[Entry],
    location: Location,
    placeholders: &Placeholders,
    budget: &mut Budget,
) -> SigmaDocument {
    let file = &Arc::clone(&location.file);
    let mut lowering = Lowering::new(file, placeholders, *budget);
    let metadata = metadata::read(entries, file, &mut lowering.report);
    let (title, id) = (metadata.title.clone(), metadata.id.clone());
    let outcome = match not_yet(entries, file) {
        Some(kind) => Err(Rejection::NotYet(kind)),
        None => read_rule(entries, metadata, &location, &mut lowering),
    };
    let warnings = match outcome {
        Ok(_) => {
            *budget = lowering.budget;
            lowering.report.take()
        }
        Err(_) => Diagnostics::new(),
    };
    SigmaDocument { location, title, id, warnings, outcome }
}

/// What the document is, if it is not a rule.
fn not_yet(entries: &[Entry], file: &Arc<SourceFile>) -> Option<Located<NotYet>> {
    let kinds = [("correlation", NotYet::Correlation), ("filter", NotYet::Filter)];
    kinds.into_iter().find_map(|(name, kind)| {
        let entry = yaml::find(entries, name)?;
        Some(Located::new(kind, entry.key.location(file)))
    })
}

fn read_rule(
    entries: &[Entry],
    metadata: Metadata,
    location: &Location,
    lowering: &mut Lowering<'_>,
) -> Result<SigmaRule, Rejection> {
    let mut detection = None;
    for name in ["title", "logsource", "detection"] {
        let entry = yaml::find(entries, name).filter(|entry| !entry.value.is_blank());
        match (name, entry) {
            (_, None) => lowering.report.push(lacks(name, entries, location)),
            ("detection", Some(entry)) => detection = read_detection(entry, lowering)?,
            _ => {}
        }
    }
    // A part that is not there was reported, here or by what read it.
    match (detection, &metadata.title, &metadata.logsource) {
        (Some(detection), Some(title), Some(logsource)) if !lowering.report.has_errors() => {
            if !lowering.missing.is_empty() {
                return Err(missing_placeholders(lowering));
            }
            let (title, logsource) = (title.clone(), logsource.clone());
            Ok(rule(location.clone(), title, logsource, detection, metadata))
        }
        _ => Err(Rejection::Mistakes(lowering.report.take())),
    }
}

fn read_detection(entry: &Entry, lowering: &mut Lowering<'_>) -> Result<Option<SigmaDetection>, Rejection> {
    match detection::read(entry, lowering) {
        Ok(detection) => Ok(Some(detection)),
        Err(Unusable::Mistakes) => Ok(None),
        Err(Unusable::Aggregation(place)) => Err(Rejection::NotYet(Located::new(NotYet::Aggregation, place))),
    }
}

fn rule(
    location: Location,
    title: String,
    logsource: Located<LogSource>,
    detection: SigmaDetection,
    metadata: Metadata,
) -> SigmaRule {
    SigmaRule {
        location,
        title,
        id: metadata.id,
        name: metadata.name,
        related: metadata.related,
        taxonomy: metadata.taxonomy,
        status: metadata.status,
        description: metadata.description,
        license: metadata.license,
        author: metadata.author,
        references: metadata.references,
        date: metadata.date,
        modified: metadata.modified,
        logsource,
        detection,
        fields: metadata.fields,
        falsepositives: metadata.falsepositives,
        level: metadata.level,
        tags: metadata.tags,
        scope: metadata.scope,
        custom: metadata.custom,
    }
}

/// The mistake of a rule without `name`, which every rule has.
fn lacks(name: &str, entries: &[Entry], location: &Location) -> Diagnostic {
    let names = entries.iter().map(|entry| entry.key.text.as_str()).filter(|known| *known != name);
    let mistake = Diagnostic::error(format!("the rule has no `{name}`"));
    match limits::nearest(name, names).and_then(|nearest| yaml::find(entries, nearest)) {
        Some(entry) => {
            mistake.at(&entry.key.location(&location.file)).hint(format!("did you mean `{name}` by this?"))
        }
        None => mistake.at(location).hint(format!("add `{name}: …`")),
    }
}

fn missing_placeholders(lowering: &mut Lowering<'_>) -> Rejection {
    let names = std::mem::take(&mut lowering.missing).into_iter();
    let missing =
        names.map(|name| MissingPlaceholder { hint: lowering.placeholders.hint(&name.value), name });
    Rejection::MissingPlaceholders(missing.collect())
}
