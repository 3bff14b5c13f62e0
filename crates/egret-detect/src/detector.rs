//! Detectors: all detections of one table, compiled, and evaluated on batches of its rows.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_match::{Condition, RuleStatistics};
use egret_model::finding::{list_at, text_at};
use egret_model::id::finding_id;
use egret_model::{
    EvaluateError, Evidence, Expression, ExpressionCompiler, Finding, Observables, Origin, TableSchema,
    Timestamp,
};

use crate::definition::{DetectionDefinition, Rule, Target};
use crate::event::event_json;
use crate::field_rules::FieldRules;
use crate::message::Message;
use crate::row_json::{Cell, JsonRows};
use crate::targets::Inapplicable;

/// The detections that apply to one table on one channel.
#[derive(Debug)]
pub struct Detector {
    table: TableSchema,
    detections: Vec<Compiled>,
    fields: Arc<FieldRules>,
    inapplicable: Vec<Inapplicable>,
    hash_columns: Vec<String>,
}

/// One compiled detection, with what its findings say.
#[derive(Debug)]
struct Compiled {
    definition: DetectionDefinition,
    /// Known once a finding says it.
    version: OnceLock<String>,
    condition: CompiledCondition,
    message: Option<Message>,
}

/// What decides whether a row matches.
#[derive(Debug)]
enum CompiledCondition {
    Sql(Arc<dyn Expression>),
    /// The rule of this number in the program.
    Fields(usize),
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
        let mut compiler = DetectorCompiler::new(table, compiler);
        let mut diagnostics = Diagnostics::new();
        let wanted = definitions
            .iter()
            .filter(|definition| definition.enabled && definition.target.value.covers(&table.name, channel));
        for definition in wanted {
            compiler.add(definition, &mut diagnostics);
        }
        (compiler.finish(&mut diagnostics), diagnostics)
    }

    /// What is wrong with a definition on rows of `table`, whatever channel it means.
    pub(crate) fn mistakes(
        definition: &DetectionDefinition,
        table: &TableSchema,
        compiler: &dyn ExpressionCompiler,
    ) -> Diagnostics {
        let mut compiler = DetectorCompiler::new(table, compiler);
        let mut diagnostics = Diagnostics::new();
        compiler.add(definition, &mut diagnostics);
        let detector = compiler.finish(&mut diagnostics);
        for left_out in detector.inapplicable {
            diagnostics.extend(left_out.mistakes);
        }
        diagnostics
    }

    /// Names the columns that hold hashes of files, which no common column collects.
    pub fn with_hash_columns<N: Into<String>>(mut self, columns: impl IntoIterator<Item = N>) -> Self {
        self.hash_columns = columns.into_iter().map(Into::into).collect();
        self
    }

    /// Whether there is nothing to detect.
    pub fn is_empty(&self) -> bool {
        self.detections.is_empty()
    }

    /// The compiled detections, in the order of their definitions.
    pub fn definitions(&self) -> impl Iterator<Item = &DetectionDefinition> {
        self.detections.iter().map(|detection| &detection.definition)
    }

    /// What a detection sees of a row: the columns or fields that it reads, with their values; nothing for a
    /// detection that is not among these.
    pub(crate) fn seen(
        &self,
        detection_id: &str,
        rows: &RecordBatch,
        row: usize,
    ) -> Vec<(String, Option<String>)> {
        let found = self.detections.iter().find(|detection| detection.definition.id.value == detection_id);
        match found.map(|detection| &detection.condition) {
            Some(CompiledCondition::Sql(condition)) => condition
                .columns()
                .iter()
                .map(|column| (column.clone(), column_json(rows, column, row)))
                .collect(),
            Some(CompiledCondition::Fields(rule)) => self.fields.values(*rule, rows, row),
            None => Vec::new(),
        }
    }

    /// Whether any field rule matches a row, as an expression over those of `columns` that they look at; `None` if
    /// there are none.
    pub fn field_rules(&self, columns: &[String]) -> Option<Arc<dyn Expression>> {
        self.fields.expression(columns)
    }

    /// SQL that holds for all rows that a field rule can match, by which a reader can leave files out.
    pub fn field_rules_need(&self) -> String {
        let integers = self.fields.needed_integers().into_iter().filter(|(column, _)| {
            let known = self.table.columns.iter().find(|known| known.name == *column);
            known.is_some_and(|known| known.column_type.to_arrow().is_integer())
        });
        let condition = integers.map(|(column, values)| {
            let values: Vec<String> = values.iter().map(i64::to_string).collect();
            format!("(\"{column}\" in ({}) or \"{column}\" is null)", values.join(", "))
        });
        condition.reduce(|all, one| format!("{all} and {one}")).unwrap_or_else(|| "true".to_owned())
    }

    /// What each field rule took so far.
    pub fn statistics(&self) -> impl Iterator<Item = (&DetectionDefinition, RuleStatistics)> {
        let statistics = self.fields.statistics().into_iter();
        statistics.map(|(detection, statistics)| (&self.detections[detection].definition, statistics))
    }

    /// The detections on channels that cannot be compiled for this table.
    pub fn inapplicable(&self) -> &[Inapplicable] {
        &self.inapplicable
    }

    /// Evaluates all detections on `rows`. Only rows that match cost more than the expressions.
    pub fn detect(&self, rows: &RecordBatch, context: &DetectContext<'_>) -> Detected {
        let mut detected = Detected::default();
        let mut hits: Vec<(usize, usize)> = Vec::new();
        for (index, detection) in self.detections.iter().enumerate() {
            let CompiledCondition::Sql(condition) = &detection.condition else { continue };
            let matched = match condition.matches(rows) {
                Ok(mask) => matching_rows(&mask),
                Err(error) => {
                    let (matched, failed) = match_around_failures(condition.as_ref(), rows);
                    let detection_id = detection.definition.id.value.clone();
                    detected.failures.push(Failure { detection_id, rows: failed, error });
                    matched
                }
            };
            hits.extend(matched.into_iter().map(|row| (row, index)));
        }
        hits.extend(self.fields.hits(rows));
        if hits.is_empty() {
            return detected;
        }
        hits.sort_unstable();
        let json = JsonRows::new(rows).with_types(&self.table).without_nulls();
        for hits_of_row in hits.chunk_by(|left, right| left.0 == right.0) {
            let event = self.event(rows, &json, hits_of_row[0].0, context);
            for (row, index) in hits_of_row {
                let detection = &self.detections[*index];
                let evidence = match detection.condition {
                    CompiledCondition::Sql(_) => Vec::new(),
                    CompiledCondition::Fields(rule) => self.fields.explain(rule, rows, *row),
                };
                detected.findings.push(detection.finding(rows, *row, &event, evidence, context));
            }
        }
        detected
    }

    fn event(
        &self,
        rows: &RecordBatch,
        json: &JsonRows<'_>,
        row: usize,
        context: &DetectContext<'_>,
    ) -> Event {
        let partition = text_at(rows, "tp_partition", row);
        let event_id = text_at(rows, "tp_id", row);
        let hashes = self.hash_columns.iter().map(|column| text_at(rows, column, row));
        Event {
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
            json: event_json(json, row),
        }
    }
}

/// Compiles the detections of a table one after the other.
struct DetectorCompiler<'c> {
    table: &'c TableSchema,
    schema: SchemaRef,
    compiler: &'c dyn ExpressionCompiler,
    detections: Vec<Compiled>,
    /// The field rules, with the places of their detections.
    conditions: Vec<(usize, Arc<Condition>)>,
    inapplicable: Vec<Inapplicable>,
}

impl<'c> DetectorCompiler<'c> {
    fn new(table: &'c TableSchema, compiler: &'c dyn ExpressionCompiler) -> Self {
        let schema = table.to_arrow();
        Self { table, schema, compiler, detections: vec![], conditions: vec![], inapplicable: vec![] }
    }

    fn add(&mut self, definition: &DetectionDefinition, diagnostics: &mut Diagnostics) {
        let mut mistakes = Diagnostics::new();
        let condition = self.condition(definition, &mut mistakes);
        let message = match &definition.message {
            Some(template) => template.bind(self.table, &mut mistakes).map(Some),
            None => Some(None),
        };
        if let (Some(condition), Some(message)) = (condition, message) {
            let definition = definition.clone();
            self.detections.push(Compiled { definition, version: OnceLock::new(), condition, message });
            return;
        }
        match definition.target.value {
            Target::Table(_) | Target::OnChannel { .. } | Target::LogSource(_) => {
                diagnostics.extend(mistakes);
            }
            Target::Channel(_) => self.inapplicable.push(Inapplicable {
                detection_id: definition.id.value.clone(),
                table: self.table.name.clone(),
                mistakes,
            }),
        }
    }

    fn condition(
        &mut self,
        definition: &DetectionDefinition,
        diagnostics: &mut Diagnostics,
    ) -> Option<CompiledCondition> {
        match &definition.rule {
            Rule::Sql(condition) => {
                compile_sql(condition, &self.schema, self.compiler, diagnostics).map(CompiledCondition::Sql)
            }
            Rule::Fields(rule) => {
                self.conditions
                    .push((self.detections.len(), Arc::clone(rule.conditions.get(&self.table.name)?)));
                Some(CompiledCondition::Fields(self.conditions.len() - 1))
            }
        }
    }

    fn finish(self, diagnostics: &mut Diagnostics) -> Detector {
        let (fields, errors) = FieldRules::compile(self.conditions, self.table);
        for (detection, error) in errors {
            let id = &self.detections[detection].definition.id;
            diagnostics.push(Diagnostic::error(error.to_string()).at(&id.location));
        }
        Detector {
            table: self.table.clone(),
            detections: self.detections,
            fields: Arc::new(fields),
            inapplicable: self.inapplicable,
            hash_columns: Vec::new(),
        }
    }
}

fn compile_sql(
    condition: &Located<String>,
    schema: &SchemaRef,
    compiler: &dyn ExpressionCompiler,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn Expression>> {
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

/// The value of a column as JSON; `None` if it is null or not there.
fn column_json(rows: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let array = rows.column_by_name(column).filter(|array| array.is_valid(row))?;
    serde_json::to_string(&Cell::new(array.as_ref(), row).without_nulls()).ok()
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
struct Event {
    time: Timestamp,
    event_ids: Vec<String>,
    partition: String,
    source_location: String,
    observables: Observables,
    json: String,
}

fn event_time(rows: &RecordBatch, row: usize) -> Option<Timestamp> {
    let column = rows.column_by_name("tp_timestamp")?.as_primitive_opt::<TimestampMicrosecondType>()?;
    column.is_valid(row).then(|| Timestamp::from_micros(column.value(row)))
}

impl Compiled {
    fn finding(
        &self,
        rows: &RecordBatch,
        row: usize,
        event: &Event,
        evidence: Vec<Evidence>,
        context: &DetectContext<'_>,
    ) -> Finding {
        let definition = &self.definition;
        let detection_id = definition.id.value.clone();
        let id = match event.event_ids.as_slice() {
            // A row without an id is only known by what it holds.
            [] => finding_id(&detection_id, [event.json.as_str()]),
            event_ids => finding_id(&detection_id, event_ids.iter().map(String::as_str)),
        };
        Finding {
            finding_id: id.to_string(),
            time: event.time,
            detected_at: context.now,
            detection_id,
            detection_kind: definition.rule.language().to_owned(),
            detection_version: self.version.get_or_init(|| definition.version()).clone(),
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
            partition: event.partition.clone(),
            origin: context.origin,
            observables: event.observables.clone(),
            event_ids: event.event_ids.clone(),
            event: event.json.clone(),
            evidence,
            source_location: event.source_location.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
