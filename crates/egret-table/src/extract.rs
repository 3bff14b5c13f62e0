//! Patterns over free text: the first that matches a row fills columns from its named groups.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringViewArray};
use arrow::compute::kernels::zip::zip;
use chrono_tz::Tz;
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_model::{ColumnType, Expression, suggest};
use regex::{CaptureLocations, Regex, RegexSet};

use crate::coerce::coerce;
use crate::definition::TableDefinition;
use crate::extract_definition::{Condition, ExtractDefinition, PatternDefinition};
use crate::views::{TextSource, ViewBuilder};

/// A text and the patterns over it.
#[derive(Debug)]
pub(crate) struct CompiledExtract {
    /// The name of the column that holds the text.
    column: String,
    /// The decoded column that holds the text, if it is no column of the table.
    input: Option<String>,
    when: Option<CompiledCondition>,
    /// All patterns at once, to find out which one matches.
    set: RegexSet,
    patterns: Vec<CompiledPattern>,
}

#[derive(Debug)]
enum CompiledCondition {
    Sql(Arc<dyn Expression>),
    OneOf(Vec<(String, Vec<String>)>),
}

#[derive(Debug)]
struct CompiledPattern {
    regex: Regex,
    /// Group numbers and the columns that they fill.
    groups: Vec<(usize, String)>,
    set: Vec<(String, String)>,
}

impl CompiledExtract {
    /// Compiles an `extract` of `definition`; `when` is its condition if that is SQL. `None` after a mistake.
    pub(crate) fn new(
        definition: &TableDefinition,
        extract: &ExtractDefinition,
        when: Option<Arc<dyn Expression>>,
        input: Option<String>,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let names = ColumnNames { definition };
        let condition = match &extract.when {
            Some(Condition::OneOf(columns)) => {
                let columns = columns
                    .iter()
                    .map(|(column, values)| Some((names.find(column, "", diagnostics)?, values.clone())));
                Some(CompiledCondition::OneOf(columns.collect::<Option<_>>()?))
            }
            _ => when.map(CompiledCondition::Sql),
        };
        let patterns: Vec<Option<CompiledPattern>> =
            extract.patterns.iter().map(|pattern| names.pattern(pattern, diagnostics)).collect();
        let patterns: Vec<CompiledPattern> = patterns.into_iter().collect::<Option<_>>()?;
        let set = RegexSet::new(patterns.iter().map(|pattern| pattern.regex.as_str()));
        let set = match set {
            Ok(set) => set,
            Err(error) => {
                let mistake = Diagnostic::error(format!("the patterns together are too large: {error}"));
                let hint = "spread them over several `extract` blocks";
                diagnostics.push(mistake.at(&extract.text.location).hint(hint));
                return None;
            }
        };
        let column = extract.text.value.clone();
        let own = definition.columns.iter().find(|own| own.name.value.eq_ignore_ascii_case(&column));
        let column = own.map_or(column, |own| own.name.value.clone());
        Some(Self { column, input, when: condition, set, patterns })
    }

    /// The columns that this extract may fill.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().flat_map(|pattern| {
            let groups = pattern.groups.iter().map(|(_, column)| column.as_str());
            groups.chain(pattern.set.iter().map(|(column, _)| column.as_str()))
        })
    }

    /// The rows that it is for.
    fn wanted(&self, rows: &RecordBatch) -> Option<BooleanArray> {
        match &self.when {
            None => None,
            // A condition that has no value is not met.
            Some(CompiledCondition::Sql(expression)) => Some(
                expression.matches(rows).unwrap_or_else(|_| BooleanArray::from(vec![false; rows.num_rows()])),
            ),
            Some(CompiledCondition::OneOf(columns)) => {
                let texts: Vec<Option<&StringViewArray>> = columns
                    .iter()
                    .map(|(column, _)| rows.column_by_name(column)?.as_string_view_opt())
                    .collect();
                let met = |row: usize| {
                    columns.iter().zip(&texts).all(|((_, values), texts)| {
                        texts.is_some_and(|texts| {
                            texts.is_valid(row) && values.iter().any(|value| value == texts.value(row))
                        })
                    })
                };
                Some((0..rows.num_rows()).map(|row| Some(met(row))).collect())
            }
        }
    }
}

/// Looks up names of columns in a table.
struct ColumnNames<'a> {
    definition: &'a TableDefinition,
}

impl ColumnNames<'_> {
    fn find(&self, name: &Located<String>, what: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let columns = || self.definition.columns.iter().map(|column| column.name.value.as_str());
        if let Some(found) = columns().find(|column| column.eq_ignore_ascii_case(&name.value)) {
            return Some(found.to_owned());
        }
        let hint = match suggest::nearest(&name.value, columns()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: `column \"{}\" {{ … }}`", name.value),
        };
        let message =
            format!("{what}`{}` is no column of table `{}`", name.value, self.definition.name.value);
        diagnostics.push(Diagnostic::error(message).at(&name.location).hint(hint));
        None
    }

    /// The column that a pattern fills, which must be of a plain type.
    fn target(&self, name: &Located<String>, what: &str, diagnostics: &mut Diagnostics) -> Option<String> {
        let found = self.find(name, what, diagnostics)?;
        let column = self.definition.columns.iter().find(|column| column.name.value == found)?;
        match &column.column_type {
            Some(column_type @ (ColumnType::Struct(_) | ColumnType::List(_) | ColumnType::Blob)) => {
                let mistake = Diagnostic::error(format!("a pattern cannot fill `{found}`, a {column_type}"));
                diagnostics
                    .push(mistake.at(&name.location).hint("it fills text, numbers, times and truth values"));
                None
            }
            _ => Some(found),
        }
    }

    fn pattern(&self, pattern: &PatternDefinition, diagnostics: &mut Diagnostics) -> Option<CompiledPattern> {
        let written = &pattern.pattern;
        // The whole text must match: what follows a pattern would else be the attacker's to choose.
        let regex = match Regex::new(&format!("^(?:{})$", written.value)) {
            Ok(regex) => regex,
            Err(error) => {
                diagnostics.push(wrong_regex(written, &error));
                return None;
            }
        };
        let mut groups = Some(Vec::new());
        for (index, name) in regex.capture_names().enumerate() {
            let Some(name) = name else { continue };
            let place = written.value.find(&format!("<{name}>")).map(|at| at + 1..at + 1 + name.len());
            let location = place.map_or_else(|| written.location.clone(), |place| written.inside(place));
            let column = self.target(&Located::new(name.to_owned(), location), "the group ", diagnostics);
            match (column, &mut groups) {
                (Some(column), Some(groups)) => groups.push((index, column)),
                _ => groups = None,
            }
        }
        let set: Vec<Option<(String, String)>> = pattern
            .set
            .iter()
            .map(|(column, value)| Some((self.target(column, "", diagnostics)?, value.value.clone())))
            .collect();
        Some(CompiledPattern { regex, groups: groups?, set: set.into_iter().collect::<Option<_>>()? })
    }
}

fn wrong_regex(written: &Located<String>, error: &regex::Error) -> Diagnostic {
    let message = match error {
        // The last line says what is wrong, those before show where, in the pattern as it was extended.
        regex::Error::Syntax(text) => {
            let last = text.lines().last().unwrap_or_default();
            format!("not a regular expression: {}", last.trim_start_matches("error: "))
        }
        _ => "the regular expression is too large".to_owned(),
    };
    Diagnostic::error(message)
        .at(&written.location)
        .hint("groups are written `(?<column>…)`; there is no look-around and no back-reference")
}

/// Runs `extracts` over the columns that are there so far, and gives each column that was filled; the text in
/// a column that has values already stays. Also says how many values did not fit their column.
pub(crate) fn extract_columns(
    extracts: &[CompiledExtract],
    decoded: &RecordBatch,
    rows: &RecordBatch,
    type_of: impl Fn(&str) -> ColumnType,
    timezone: Tz,
) -> (Vec<(String, ArrayRef)>, u64) {
    let mut targets: Vec<Target> = Vec::new();
    for column in extracts.iter().flat_map(CompiledExtract::columns) {
        if !targets.iter().any(|target| target.column == column) {
            targets.push(Target {
                column,
                texts: ViewBuilder::with_capacity(rows.num_rows()),
                filled: false,
            });
        }
    }
    let mut prepared: Vec<Prepared<'_>> =
        extracts.iter().filter_map(|extract| Prepared::new(extract, decoded, rows, &mut targets)).collect();
    for row in 0..rows.num_rows() {
        for target in &mut targets {
            target.filled = false;
        }
        for prepared in &mut prepared {
            if prepared.fill(row, &mut targets) {
                break;
            }
        }
        for target in &mut targets {
            if !target.filled {
                target.texts.push_null();
            }
        }
    }
    let mut misfits = 0;
    let mut columns = Vec::new();
    for target in targets {
        let texts: ArrayRef = Arc::new(target.texts.finish());
        if texts.null_count() == texts.len() {
            continue;
        }
        let coerced = coerce(&texts, &type_of(target.column), timezone);
        misfits += coerced.misfits;
        columns.push((target.column.to_owned(), under(rows.column_by_name(target.column), coerced.array)));
    }
    (columns, misfits)
}

/// `extracted` where `present` has no value.
fn under(present: Option<&ArrayRef>, extracted: ArrayRef) -> ArrayRef {
    let Some(present) = present.filter(|present| present.data_type() == extracted.data_type()) else {
        return extracted;
    };
    let valid = BooleanArray::new(
        match present.logical_nulls() {
            Some(nulls) => nulls.into_inner(),
            None => return Arc::clone(present),
        },
        None,
    );
    zip(&valid, present, &extracted).unwrap_or(extracted)
}

/// A column that is being filled.
struct Target<'a> {
    column: &'a str,
    texts: ViewBuilder,
    filled: bool,
}

/// An extract with its text in one batch.
struct Prepared<'a> {
    extract: &'a CompiledExtract,
    texts: &'a StringViewArray,
    wanted: Option<BooleanArray>,
    /// For each target where the text's buffers are in it.
    sources: Vec<TextSource<'a>>,
    /// For each pattern the targets of its groups and of what it sets.
    groups: Vec<Vec<(usize, usize)>>,
    sets: Vec<Vec<(usize, &'a str)>>,
    locations: Vec<CaptureLocations>,
}

impl<'a> Prepared<'a> {
    /// `None` if no row of the batch has the text.
    fn new(
        extract: &'a CompiledExtract,
        decoded: &'a RecordBatch,
        rows: &'a RecordBatch,
        targets: &mut [Target<'_>],
    ) -> Option<Self> {
        let column = match &extract.input {
            Some(input) => decoded.column_by_name(input),
            None => rows.column_by_name(&extract.column),
        };
        let texts = column?.as_string_view_opt()?;
        let position = |targets: &[Target<'_>], column: &str| {
            targets.iter().position(|target| target.column == column).unwrap_or_default()
        };
        let mut groups = Vec::new();
        let mut sets = Vec::new();
        for pattern in &extract.patterns {
            groups.push(
                pattern.groups.iter().map(|(group, column)| (*group, position(targets, column))).collect(),
            );
            sets.push(
                pattern
                    .set
                    .iter()
                    .map(|(column, value)| (position(targets, column), value.as_str()))
                    .collect(),
            );
        }
        Some(Self {
            extract,
            texts,
            wanted: extract.wanted(rows),
            sources: targets.iter_mut().map(|target| target.texts.source(texts)).collect(),
            groups,
            sets,
            locations: extract.patterns.iter().map(|pattern| pattern.regex.capture_locations()).collect(),
        })
    }

    /// Fills the targets for `row`, if one of the patterns matches.
    fn fill(&mut self, row: usize, targets: &mut [Target<'_>]) -> bool {
        let wanted = self.wanted.as_ref().is_none_or(|wanted| wanted.value(row));
        if !wanted || self.texts.is_null(row) {
            return false;
        }
        let text = self.texts.value(row);
        let Some(first) = self.extract.set.matches(text).iter().next() else { return false };
        let locations = &mut self.locations[first];
        if self.extract.patterns[first].regex.captures_read(locations, text).is_none() {
            return false;
        }
        for (group, target) in &self.groups[first] {
            let Some((start, end)) = locations.get(*group).filter(|(start, end)| start < end) else {
                continue;
            };
            let filled = std::mem::replace(&mut targets[*target].filled, true);
            if !filled {
                targets[*target].texts.push_part(self.sources[*target], row, start..end);
            }
        }
        for (target, value) in &self.sets[first] {
            if !std::mem::replace(&mut targets[*target].filled, true) {
                targets[*target].texts.push_text(value);
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
