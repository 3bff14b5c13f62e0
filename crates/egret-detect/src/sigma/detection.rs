//! The `detection` of a rule: its selections and conditions together.

use std::sync::Arc;

use egret_config::{Diagnostic, Located, Location};
use egret_match::Condition;

use super::expression::{self, Refusal, Selection};
use super::limits::{self, MAX_SELECTIONS};
use super::selection::{Lowering, single_or};
use super::yaml::{self, Entry, Kind, Node, Scalar};

/// What a rule looks for.
#[derive(Debug, Clone, PartialEq)]
pub struct SigmaDetection {
    /// What must hold for a record. A selection is named in it where it is used.
    pub condition: Condition,
    /// The conditions as written, of which one must hold.
    pub conditions: Vec<Located<String>>,
    /// The names of all selections, in the order written.
    pub selections: Vec<Located<Arc<str>>>,
    /// The fields that selections test, each once.
    pub fields: Vec<SigmaField>,
}

/// A field that a rule tests.
#[derive(Debug, Clone, PartialEq)]
pub struct SigmaField {
    /// Its name in conditions: without spaces, and with the names of the maps that it is in, joined by dots.
    pub name: Arc<str>,
    /// As the rule writes it, where it does so first.
    pub written: Located<String>,
}

/// Why a detection cannot be used, beside the mistakes that were noted.
pub(super) enum Unusable {
    /// It has mistakes.
    Mistakes,
    /// It aggregates, as in the first version of Sigma.
    Aggregation(Location),
}

/// Reads what `entry` says, the whole of `detection`.
pub(super) fn read(entry: &Entry, lowering: &mut Lowering<'_>) -> Result<SigmaDetection, Unusable> {
    let file = lowering.file;
    let Kind::Map(entries) = &entry.value.kind else {
        let message = format!("`detection` is a map, and this is {}", entry.value.description());
        let mistake = Diagnostic::error(message).at(&entry.value.location(file));
        lowering.report.push(mistake.hint("write selections and a `condition` in it"));
        return Err(Unusable::Mistakes);
    };
    if entries.len() > MAX_SELECTIONS {
        let mistake = Diagnostic::error(format!("the rule has more than {MAX_SELECTIONS} selections"));
        lowering
            .report
            .push(mistake.at(&entry.key.location(file)).hint("put values in lists, or split the rule"));
        return Err(Unusable::Mistakes);
    }
    let mut selections: Vec<Selection> =
        entries.iter().filter(|part| is_selection(part)).map(|part| read_selection(part, lowering)).collect();
    let conditions = conditions(entry, entries, lowering)?;
    let condition = read_conditions(&conditions, &mut selections, lowering)?;
    for unused in selections.iter().filter(|selection| !selection.used) {
        let warning = Diagnostic::warning(format!("no condition names the selection `{}`", unused.name));
        lowering.report.push(warning.at(&unused.location).hint("use it, or remove it"));
    }
    Ok(SigmaDetection {
        condition,
        conditions: conditions.into_iter().map(|written| written.located).collect(),
        selections: selections
            .into_iter()
            .map(|selection| Located::new(selection.name, selection.location))
            .collect(),
        fields: std::mem::take(&mut lowering.fields),
    })
}

/// `timeframe` belongs to the aggregations of the first version of Sigma, which a rule may have had once.
fn is_selection(part: &Entry) -> bool {
    let is_scalar = matches!(part.value.kind, Kind::Scalar(_));
    part.key.text != "condition" && !(part.key.text == "timeframe" && is_scalar)
}

fn read_selection(part: &Entry, lowering: &mut Lowering<'_>) -> Selection {
    let before = lowering.tests;
    // A rule with a mistake is not used, but its other mistakes are to be found.
    let condition = lowering.selection(&part.value).unwrap_or(Condition::Always(false));
    Selection {
        name: part.key.text.as_str().into(),
        location: part.key.location(lowering.file),
        condition,
        tests: lowering.tests - before,
        used: false,
    }
}

/// A condition, and the node that it was read from.
struct WrittenCondition<'a> {
    located: Located<String>,
    node: &'a Node,
}

fn conditions<'a>(
    detection: &Entry,
    entries: &'a [Entry],
    lowering: &mut Lowering<'_>,
) -> Result<Vec<WrittenCondition<'a>>, Unusable> {
    const HINT: &str = "write `condition: selection`, with the names of selections";
    let file = lowering.file;
    let Some(entry) = entries.iter().find(|entry| entry.key.text == "condition") else {
        let mistake = Diagnostic::error("`detection` has no `condition`").at(&detection.key.location(file));
        lowering.report.push(mistake.hint(HINT));
        return Err(Unusable::Mistakes);
    };
    let nodes = match &entry.value.kind {
        Kind::List(items) if !items.is_empty() => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    let mut conditions = Vec::with_capacity(nodes.len());
    for node in nodes {
        match text(node) {
            Some(scalar) => {
                let located = Located::new(scalar.text().trim().to_owned(), node.location(file));
                conditions.push(WrittenCondition { located, node });
            }
            None => {
                let message = format!("a condition is text, and this is {}", node.description());
                lowering.report.push(Diagnostic::error(message).at(&node.location(file)).hint(HINT));
            }
        }
    }
    match conditions.len() == nodes.len() {
        true => Ok(conditions),
        false => Err(Unusable::Mistakes),
    }
}

fn text(node: &Node) -> Option<&Scalar> {
    match &node.kind {
        Kind::Scalar(scalar) if !node.is_null() => Some(scalar),
        _ => None,
    }
}

fn read_conditions(
    conditions: &[WrittenCondition<'_>],
    selections: &mut [Selection],
    lowering: &mut Lowering<'_>,
) -> Result<Condition, Unusable> {
    let file = lowering.file;
    let mut lowered = Vec::with_capacity(conditions.len());
    for written in conditions {
        let Some(scalar) = text(written.node) else { continue };
        let place = |span| yaml::place_inside(file, &written.node.span, scalar.text(), span);
        match expression::lower(scalar.text(), selections, &mut lowering.budget) {
            Ok(condition) => lowered.push(condition),
            Err(Refusal::Mistake { message, hint, span }) => {
                lowering.report.push(Diagnostic::error(message).at(&place(span)).hint(hint));
            }
            Err(Refusal::Aggregation(span)) => return Err(Unusable::Aggregation(place(span))),
            Err(Refusal::TooLarge) => {
                lowering.report.push(limits::too_large(&written.located.location));
                return Err(Unusable::Mistakes);
            }
        }
    }
    match lowered.len() == conditions.len() {
        true => Ok(single_or(lowered, Condition::Any)),
        false => Err(Unusable::Mistakes),
    }
}
