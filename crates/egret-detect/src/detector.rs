//! Detectors: all detections of one table, compiled, and evaluated on batches of its rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use egret_config::{Diagnostic, Diagnostics};
use egret_model::finding::{list_at, text_at};
use egret_model::id::finding_id;
use egret_model::{
    EvaluateError, Expression, ExpressionCompiler, Finding, Observables, Origin, TableSchema, Timestamp,
};

use crate::definition::{DetectionDefinition, Target};
use crate::event::event_json;
use crate::message::Message;
use crate::row_json::JsonRows;
use crate::targets::Inapplicable;

/// What findings of this front end say as `detection_kind`.
const KIND: &str = "sql";

/// The detections that apply to one table on one channel.
#[derive(Debug)]
pub struct Detector {
    table: TableSchema,
    rules: Vec<Rule>,
    inapplicable: Vec<Inapplicable>,
    hash_columns: Vec<String>,
}

/// One compiled detection, with what its findings say.
#[derive(Debug)]
struct Rule {
    definition: DetectionDefinition,
    version: String,
    condition: Arc<dyn Expression>,
    message: Option<Message>,
}

/// What detections may know besides the rows.
#[derive(Debug, Clone, Copy)]
pub struct DetectContext<'a> {
    /// The channel of the rows.
    pub channel: &'a str,
    /// The table of the rows.
    pub table: &'a str,
    /// The partition of the rows, for those that do not say it themselves.
    pub partition: &'a str,
    /// Why the rows are looked at.
    pub origin: Origin,
    /// The present.
    pub now: Timestamp,
}

/// What came of a batch.
#[derive(Debug, Default)]
pub struct Detected {
    /// The matches: by row, and for one row in the order of the definitions.
    pub findings: Vec<Finding>,
    /// The detections that could not be decided on some rows. The others were, and all on the other rows.
    pub failures: Vec<Failure>,
}

/// A detection that has no answer for some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Which.
    pub detection_id: String,
    /// For how many rows.
    pub rows: u64,
    /// Why, on the first of them.
    pub error: EvaluateError,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "detection {}: {} rows not decided: {}", self.detection_id, self.rows, self.error)
    }
}

impl Detector {
    /// Compiles those of `definitions` that are enabled and look at `table` or `channel`.
    ///
    /// A detection on a channel whose columns this table lacks is left out and told by
    /// [`Detector::inapplicable`], since a pattern may cover tables of several kinds;
    /// [`check_targets`](crate::check_targets) says whether it applies anywhere.
    ///
    /// # Errors
    /// All mistakes in detections that name this table.
    pub fn compile(
        definitions: &[DetectionDefinition],
        table: &TableSchema,
        channel: &str,
        compiler: &dyn ExpressionCompiler,
    ) -> Result<Self, Diagnostics> {
        let (detector, diagnostics) = Self::compile_valid(definitions, table, channel, compiler);
        match diagnostics.has_errors() {
            true => Err(diagnostics),
            false => Ok(detector),
        }
    }

    /// As [`Detector::compile`]; detections with a mistake are left out and reported beside the rest.
    pub fn compile_valid(
        definitions: &[DetectionDefinition],
        table: &TableSchema,
        channel: &str,
        compiler: &dyn ExpressionCompiler,
    ) -> (Self, Diagnostics) {
        let mut detector =
            Self { table: table.clone(), rules: vec![], inapplicable: vec![], hash_columns: vec![] };
        let mut diagnostics = Diagnostics::new();
        let schema = table.to_arrow();
        for definition in definitions {
            if !definition.enabled || !definition.target.value.covers(&table.name, channel) {
                continue;
            }
            let mut mistakes = Diagnostics::new();
            let rule = compile_rule(definition, table, &schema, compiler, &mut mistakes);
            if let Some(rule) = rule {
                detector.rules.push(rule);
                continue;
            }
            match definition.target.value {
                Target::Table(_) => diagnostics.extend(mistakes),
                Target::Channel(_) => detector.inapplicable.push(Inapplicable {
                    detection_id: definition.id.value.clone(),
                    table: table.name.clone(),
                    mistakes,
                }),
            }
        }
        (detector, diagnostics)
    }

    /// Names the columns that hold hashes of files, which no common column collects.
    pub fn with_hash_columns<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.hash_columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Whether there is nothing to detect.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The compiled detections, in the order of their definitions.
    pub fn definitions(&self) -> impl Iterator<Item = &DetectionDefinition> {
        self.rules.iter().map(|rule| &rule.definition)
    }

    /// The columns that a detection reads, if it is one of these.
    pub fn columns(&self, detection_id: &str) -> Option<&[String]> {
        let rule = self.rules.iter().find(|rule| rule.definition.id.value == detection_id)?;
        Some(rule.condition.columns())
    }

    /// The detections on channels that cannot be compiled for this table.
    pub fn inapplicable(&self) -> &[Inapplicable] {
        &self.inapplicable
    }

    /// Evaluates all detections on `rows`. Only rows that match cost more than the expressions.
    pub fn detect(&self, rows: &RecordBatch, context: &DetectContext<'_>) -> Detected {
        let mut detected = Detected::default();
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for (rule_index, rule) in self.rules.iter().enumerate() {
            let matched = match rule.condition.matches(rows) {
                Ok(mask) => matching_rows(&mask),
                Err(error) => {
                    let (matched, failed) = match_around_failures(rule.condition.as_ref(), rows);
                    let detection_id = rule.definition.id.value.clone();
                    detected.failures.push(Failure { detection_id, rows: failed, error });
                    matched
                }
            };
            hits.extend(matched.into_iter().map(|row| (row, rule_index)));
        }
        if hits.is_empty() {
            return detected;
        }
        hits.sort_unstable();
        let json = JsonRows::new(rows).with_types(&self.table).without_nulls();
        for hits_of_row in hits.chunk_by(|left, right| left.0 == right.0) {
            let evidence = self.evidence(rows, &json, hits_of_row[0].0, context);
            for (row, rule) in hits_of_row {
                detected.findings.push(self.rules[*rule].finding(rows, *row, &evidence, context));
            }
        }
        detected
    }

    fn evidence(
        &self,
        rows: &RecordBatch,
        json: &JsonRows<'_>,
        row: usize,
        context: &DetectContext<'_>,
    ) -> Evidence {
        let partition = text_at(rows, "tp_partition", row);
        let event_id = text_at(rows, "tp_id", row);
        let hashes = self.hash_columns.iter().map(|column| text_at(rows, column, row));
        Evidence {
            time: event_time(rows, row).unwrap_or(context.now),
            event_ids: if event_id.is_empty() { vec![] } else { vec![event_id] },
            partition: if partition.is_empty() { context.partition.to_owned() } else { partition },
            source_location: text_at(rows, "tp_source_location", row),
            observables: Observables {
                ips: list_at(rows, "tp_ips", row),
                domains: list_at(rows, "tp_domains", row),
                emails: list_at(rows, "tp_emails", row),
                usernames: list_at(rows, "tp_usernames", row),
                akas: list_at(rows, "tp_akas", row),
                hashes: hashes.filter(|hash| !hash.is_empty()).collect(),
            },
            event: event_json(json, row),
        }
    }
}

fn compile_rule(
    definition: &DetectionDefinition,
    table: &TableSchema,
    schema: &SchemaRef,
    compiler: &dyn ExpressionCompiler,
    diagnostics: &mut Diagnostics,
) -> Option<Rule> {
    let condition = compile_condition(definition, schema, compiler, diagnostics);
    let message = match &definition.message {
        Some(template) => template.bind(table, diagnostics).map(Some),
        None => Some(None),
    };
    Some(Rule {
        condition: condition?,
        message: message?,
        version: definition.version(),
        definition: definition.clone(),
    })
}

fn compile_condition(
    definition: &DetectionDefinition,
    schema: &SchemaRef,
    compiler: &dyn ExpressionCompiler,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn Expression>> {
    let condition = &definition.condition;
    let expression = match compiler.compile(&condition.value, schema) {
        Ok(expression) => expression,
        Err(error) => {
            diagnostics.push(Diagnostic::in_sql(condition, error));
            return None;
        }
    };
    if *expression.data_type() == DataType::Boolean {
        return Some(expression);
    }
    let given = word_for(expression.data_type());
    let message = format!("`where` must be true or false for each row, but it gives {given}");
    let mistake = Diagnostic::error(message).at(&condition.location).hint("compare it with something");
    diagnostics.push(mistake);
    None
}

fn word_for(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => "text",
        DataType::Date32 | DataType::Date64 => "a date",
        DataType::Timestamp(..) => "a time",
        DataType::Struct(_) => "a struct",
        DataType::Null => "null",
        numeric if numeric.is_numeric() => "a number",
        nested if nested.is_nested() => "a list",
        _ => "something else",
    }
}

fn matching_rows(mask: &BooleanArray) -> Vec<usize> {
    mask.values().set_indices().collect()
}

/// The rows that match when some have no answer, and how many those are. Halves the rows until the failing
/// ones stand alone, so that a row is decided alike whatever it is batched with.
fn match_around_failures(condition: &dyn Expression, rows: &RecordBatch) -> (Vec<usize>, u64) {
    let mut matched = Vec::new();
    let mut failed = 0;
    let mut pieces = vec![(0, rows.num_rows())];
    while let Some((start, length)) = pieces.pop() {
        match condition.matches(&rows.slice(start, length)) {
            Ok(mask) => matched.extend(mask.values().set_indices().map(|row| start + row)),
            Err(_) if length <= 1 => failed += length as u64,
            Err(_) => {
                let half = length / 2;
                pieces.push((start + half, length - half));
                pieces.push((start, half));
            }
        }
    }
    (matched, failed)
}

/// What all findings of one row share.
struct Evidence {
    time: Timestamp,
    event_ids: Vec<String>,
    partition: String,
    source_location: String,
    observables: Observables,
    event: String,
}

fn event_time(rows: &RecordBatch, row: usize) -> Option<Timestamp> {
    let column = rows.column_by_name("tp_timestamp")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    column.is_valid(row).then(|| Timestamp::from_micros(column.value(row)))
}

impl Rule {
    fn finding(
        &self,
        rows: &RecordBatch,
        row: usize,
        evidence: &Evidence,
        context: &DetectContext<'_>,
    ) -> Finding {
        let definition = &self.definition;
        let detection_id = definition.id.value.clone();
        let id = match evidence.event_ids.as_slice() {
            // A row without an id is only known by what it holds.
            [] => finding_id(&detection_id, [evidence.event.as_str()]),
            event_ids => finding_id(&detection_id, event_ids.iter().map(String::as_str)),
        };
        Finding {
            finding_id: id.to_string(),
            time: evidence.time,
            detected_at: context.now,
            detection_id,
            detection_kind: KIND.to_owned(),
            detection_version: self.version.clone(),
            title: definition.title.clone(),
            message: match &self.message {
                Some(message) => message.render(rows, row),
                None => definition.title.clone(),
            },
            description: definition.description.clone(),
            severity: definition.severity,
            tags: definition.tags.clone(),
            channel: context.channel.to_owned(),
            table: context.table.to_owned(),
            partition: evidence.partition.clone(),
            origin: context.origin,
            observables: evidence.observables.clone(),
            event_ids: evidence.event_ids.clone(),
            event: evidence.event.clone(),
            source_location: evidence.source_location.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
