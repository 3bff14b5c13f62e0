//! Conditions in SQL over findings: which of them a block is about.

use std::sync::Arc;

use arrow::array::{BooleanArray, RecordBatch};
use egret_model::{Expression, Finding};

use crate::configuration::AlertSettings;

/// Gives findings the severities that `override` blocks say, the last one that takes a finding.
pub(crate) fn override_severities(settings: &AlertSettings, findings: &mut [Finding], rows: &RecordBatch) {
    for about in &settings.overrides {
        let place = || format!("`where` of the override at {}", about.definition.location);
        let holds = mask(about.condition.as_ref(), rows, place);
        for (row, finding) in findings.iter_mut().enumerate() {
            if about.takes(finding, holds.as_ref().is_none_or(|mask| mask.value(row))) {
                finding.severity = about.definition.severity;
            }
        }
    }
}

/// For which rows a condition holds; `None` if there is no condition. One row for which it has no value stops nobody: it
/// does not hold for that row, and it is told.
pub(crate) fn mask(
    condition: Option<&Arc<dyn Expression>>,
    rows: &RecordBatch,
    place: impl Fn() -> String,
) -> Option<BooleanArray> {
    let condition = condition?;
    let error = match condition.matches(rows) {
        Ok(mask) => return Some(mask),
        Err(error) => error,
    };
    tracing::warn!(place = place(), %error, "it does not hold for the findings for which it fails");
    let in_row = |row: usize| {
        let holds = condition.matches(&rows.slice(row, 1));
        holds.is_ok_and(|holds| holds.value(0))
    };
    Some((0..rows.num_rows()).map(in_row).map(Some).collect())
}
