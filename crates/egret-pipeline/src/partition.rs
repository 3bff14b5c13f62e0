//! Partitions: a table, where its records come from, and what is to become of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use chrono_tz::Tz;
use egret_config::{
    Block, BlockKind, BlockReader, Configuration, Diagnostic, Diagnostics, Located, Reference,
};
use egret_detect::{DetectionDefinition, Detector};
use egret_format::{Format, decode_format};
use egret_model::{Expression, ExpressionCompiler, Source, suggest};
use egret_source::{Surroundings, decode_source};
use egret_table::{FormatChoice, PartitionContext, TableMapper, Tables};

use crate::state::ObjectState;

/// `partition "TABLE" "NAME" { … }`
pub const PARTITION_BLOCK: BlockKind = BlockKind::new("partition", &["table", "name"]);

/// `format "TYPE" "NAME" { … }`
pub const FORMAT_BLOCK: BlockKind = BlockKind::new("format", &["type", "name"]);

/// A partition as it is configured.
#[derive(Debug)]
pub struct PartitionDefinition {
    /// The table.
    pub table: Located<String>,
    /// Its name.
    pub name: Located<String>,
    /// Where the records come from.
    pub source: Arc<dyn Source>,
    /// How they are written, if not as the table says.
    pub format: Option<Reference>,
    /// SQL that a row must pass, all of it.
    pub filters: Vec<Located<String>>,
    /// SQL for `tp_index`.
    pub index: Option<Located<String>>,
    /// The zone of times that name none.
    pub timezone: Tz,
    /// The channel, if it is not the table's.
    pub channel: Option<String>,
    /// Whether it is collected.
    pub enabled: bool,
}

impl PartitionDefinition {
    /// Reads a `partition` block; `None` after a mistake, which was reported.
    pub fn read(block: &Block, surroundings: &Surroundings, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut reader = BlockReader::new(block, diagnostics);
        let table = reader.located_label(0);
        let name = reader.located_label(1);
        let index = reader.optional::<Located<String>>("tp_index");
        let timezone = reader.optional::<Located<String>>("timezone");
        let channel = reader.optional::<String>("channel");
        let enabled = reader.optional_or("enabled", true);
        let filters = read_filters(&mut reader);
        reader.required_block("source");
        reader.finish();
        let timezone = match timezone {
            // A wrong one was reported: go on, so that the partition's other mistakes are too.
            Some(timezone) => read_timezone(&timezone, diagnostics).unwrap_or(Tz::UTC),
            None => Tz::UTC,
        };
        let source_block = block.blocks_of("source").next()?;
        let format = BlockReader::new(source_block, diagnostics).optional::<Reference>("format");
        let source = decode_source(source_block, surroundings, diagnostics);
        Some(Self {
            table: table?,
            name: name?,
            source: source?,
            format,
            filters,
            index,
            timezone,
            channel,
            enabled: enabled.unwrap_or(true),
        })
    }

    /// One with nothing but a channel, whose records are written as the table says.
    pub fn of(
        table: Located<String>,
        name: Located<String>,
        channel: String,
        source: Arc<dyn Source>,
    ) -> Self {
        Self {
            table,
            name,
            source,
            format: None,
            filters: Vec::new(),
            index: None,
            timezone: Tz::UTC,
            channel: Some(channel),
            enabled: true,
        }
    }

    /// `table.name`
    pub fn path(&self) -> String {
        format!("{}.{}", self.table.value, self.name.value)
    }
}

/// `filter = "…"`, or any number of `filter { where = "…" }`. An empty one lets everything pass.
fn read_filters(reader: &mut BlockReader<'_>) -> Vec<Located<String>> {
    let mut filters = Vec::new();
    filters.extend(reader.optional::<Located<String>>("filter"));
    for block in reader.blocks("filter") {
        let mut filter = BlockReader::new(block, reader.diagnostics());
        filters.extend(filter.required::<Located<String>>("where"));
        filter.finish();
    }
    filters.retain(|filter| !filter.value.trim().is_empty());
    filters
}

fn read_timezone(timezone: &Located<String>, diagnostics: &mut Diagnostics) -> Option<Tz> {
    if let Ok(timezone) = timezone.value.parse() {
        return Some(timezone);
    }
    let nearest = suggest::nearest(&timezone.value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
    let hint = match nearest {
        Some(name) => format!("did you mean `{name}`?"),
        None => "write a name of the time zone database, such as `Europe/Berlin`".to_owned(),
    };
    let mistake = Diagnostic::error(format!("there is no time zone `{}`", timezone.value));
    diagnostics.push(mistake.at(&timezone.location).hint(hint));
    None
}

/// A partition, compiled: everything it takes to turn its source's bytes into rows and findings.
pub struct PartitionPlan {
    /// The table.
    pub table: String,
    /// Its name.
    pub name: String,
    /// The channel of its rows.
    pub channel: String,
    /// The zone of times that name none.
    pub timezone: Tz,
    /// Where the bytes come from.
    pub source: Arc<dyn Source>,
    /// How they become records.
    pub format: Arc<dyn Format>,
    /// How records become rows.
    pub mapper: TableMapper,
    /// What a row must pass.
    pub filters: Vec<Arc<dyn Expression>>,
    /// What is looked for in rows.
    pub detector: Detector,
    /// What earlier runs left about each object, by name.
    pub states: HashMap<String, ObjectState>,
}

impl PartitionPlan {
    /// `table.name`
    pub fn path(&self) -> String {
        format!("{}.{}", self.table, self.name)
    }
}

impl fmt::Debug for PartitionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionPlan({})", self.path())
    }
}

/// Compiles partitions: knows tables, formats and detections, and who compiles SQL.
#[derive(Clone, Copy)]
pub struct Planner<'c> {
    /// All tables.
    pub tables: &'c Tables,
    /// The configuration's formats.
    pub formats: &'c Formats,
    /// All detections.
    pub detections: &'c [DetectionDefinition],
    /// Compiles SQL.
    pub compiler: &'c dyn ExpressionCompiler,
}

impl Planner<'_> {
    /// Compiles a partition; `None` after a mistake, which was reported.
    pub fn plan(
        &self,
        partition: &PartitionDefinition,
        diagnostics: &mut Diagnostics,
    ) -> Option<PartitionPlan> {
        let table = match self.tables.get(&partition.table.value) {
            Ok(table) => table,
            Err(unknown) => {
                let mistake = Diagnostic::error(unknown.to_string()).at(&partition.table.location);
                diagnostics.push(mistake.hint(unknown.hint));
                return None;
            }
        };
        let own_format = partition.format.clone().map(FormatChoice::Reference);
        let Some(choice) = own_format.as_ref().or(table.format.as_ref()) else {
            let mistake = Diagnostic::error(format!(
                "nothing says how the records of `{}` are written",
                table.name.value
            ));
            diagnostics.push(
                mistake
                    .at(&partition.table.location)
                    .hint("add `format = format.TYPE.NAME` to the table or the source"),
            );
            return None;
        };
        let format = choice.resolve(|kind, name| self.formats.find(kind, name), diagnostics)?;
        let context = PartitionContext {
            partition: partition.name.value.clone(),
            index: partition.index.clone(),
            timezone: partition.timezone,
            channel: partition.channel.clone(),
            format_fields: format.fields(),
        };
        let Some(mapper) = report_all(table.compile(self.compiler, context.clone()), diagnostics) else {
            // What else is wrong is said as well, if the types of all columns are known all the same.
            let without_index = PartitionContext { index: None, ..context };
            let is_typed = || table.columns.iter().all(|column| column.column_type.is_some());
            match table.compile(self.compiler, without_index) {
                Ok(mapper) => drop(self.filters(partition, mapper.arrow_schema(), diagnostics)),
                Err(_) if is_typed() => {
                    self.filters(partition, &table.schema().to_arrow(), diagnostics);
                }
                Err(_) => {}
            }
            return None;
        };
        let filters = self.filters(partition, mapper.arrow_schema(), diagnostics);
        let channel = mapper.channel().to_owned();
        let (detector, mistakes) =
            Detector::compile_valid(self.detections, mapper.schema(), &channel, self.compiler);
        diagnostics.extend(mistakes);
        Some(PartitionPlan {
            table: partition.table.value.clone(),
            name: partition.name.value.clone(),
            channel,
            timezone: partition.timezone,
            source: Arc::clone(&partition.source),
            format,
            mapper,
            filters: filters?,
            detector,
            states: HashMap::new(),
        })
    }

    fn filters(
        &self,
        partition: &PartitionDefinition,
        schema: &SchemaRef,
        diagnostics: &mut Diagnostics,
    ) -> Option<Vec<Arc<dyn Expression>>> {
        let filters: Vec<_> =
            partition.filters.iter().map(|filter| self.filter(filter, schema, diagnostics)).collect();
        filters.into_iter().collect()
    }

    fn filter(
        &self,
        filter: &Located<String>,
        schema: &SchemaRef,
        diagnostics: &mut Diagnostics,
    ) -> Option<Arc<dyn Expression>> {
        let expression = match self.compiler.compile(&filter.value, schema) {
            Ok(expression) => expression,
            Err(error) => {
                diagnostics.push(Diagnostic::in_sql(filter, error));
                return None;
            }
        };
        if *expression.data_type() == DataType::Boolean {
            return Some(expression);
        }
        let message =
            format!("a filter is true or false for each row, but this gives {}", expression.data_type());
        let hint = "compare it with something: `status >= 400`";
        diagnostics.push(Diagnostic::error(message).at(&filter.location).hint(hint));
        None
    }
}

fn report_all<T>(result: Result<T, Diagnostics>, diagnostics: &mut Diagnostics) -> Option<T> {
    result.map_err(|mistakes| diagnostics.extend(mistakes)).ok()
}

/// The `format` blocks of a configuration, by type and name.
#[derive(Debug, Default)]
pub struct Formats(HashMap<(String, String), Arc<dyn Format>>);

impl Formats {
    /// Reads the `format` blocks.
    pub fn new(configuration: &Configuration, diagnostics: &mut Diagnostics) -> Self {
        let mut formats = HashMap::new();
        for block in configuration.blocks_of(FORMAT_BLOCK.name) {
            let (Some(kind), Some(name)) = (block.label(0), block.label(1)) else { continue };
            if let Some(format) = decode_format(kind, block, diagnostics) {
                formats.insert((kind.to_owned(), name.to_owned()), format);
            }
        }
        Self(formats)
    }

    /// The format `format.KIND.NAME`, unless it is a preset or does not exist.
    pub fn find(&self, kind: &str, name: &str) -> Option<Arc<dyn Format>> {
        self.0.get(&(kind.to_owned(), name.to_owned())).cloned()
    }

    /// Types and names of all, sorted.
    pub fn names(&self) -> Vec<(&str, &str)> {
        let mut names: Vec<(&str, &str)> = self.0.keys().map(|(kind, name)| (&**kind, &**name)).collect();
        names.sort_unstable();
        names
    }
}
