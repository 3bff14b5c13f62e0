//! A definition to a mapper: the record plan, and what is left to do with columns.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::compute::can_cast_types;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use egret_config::{Diagnostic, Diagnostics, Located};
use egret_format::{PlanColumn, PlanParts, RecordPlan};
use egret_model::channel::wildcard_matches;
use egret_model::schema::common_columns;
use egret_model::{Column, ColumnType, Expression, ExpressionCompiler, TableSchema};

use crate::collect::{Collector, compile_observables};
use crate::context::PartitionContext;
use crate::definition::{ColumnDefinition, ColumnValue, TableDefinition};
use crate::extract::CompiledExtract;
use crate::mapper::{Step, StepValue, TableMapper};
use crate::names::possible_columns;
use crate::observable::ObservableKind;
use crate::transform::Transform;

impl TableDefinition {
    /// Compiles the table for a partition.
    ///
    /// # Errors
    /// Every mistake that only shows now, with its place: SQL, patterns, types, a missing `tp_timestamp`.
    pub fn compile(
        &self,
        compiler: &dyn ExpressionCompiler,
        context: PartitionContext,
    ) -> Result<TableMapper, Diagnostics> {
        let mut compilation = Compilation {
            definition: self,
            compiler,
            context: &context,
            diagnostics: Diagnostics::new(),
            plan: PlanBuilder::new(self),
        };
        let steps = compilation.steps();
        let schema = compilation.schema(&steps);
        let arrow_schema = schema.to_arrow();
        let extracts = compilation.extracts(&arrow_schema);
        let collector = compilation.collector();
        let index = context.index.as_ref().and_then(|sql| compilation.expression(sql, &arrow_schema));
        compilation.check_timestamp();
        let plan = compilation.record_plan();
        let Compilation { diagnostics, plan: builder, .. } = compilation;
        match plan {
            Some(plan) if !diagnostics.has_errors() => Ok(TableMapper {
                channel: context.channel.unwrap_or_else(|| schema.channel.clone()),
                schema,
                arrow_schema,
                plan: Arc::new(plan),
                planned: builder.names(),
                steps,
                extracts,
                collector,
                index,
                partition: context.partition,
                timezone: context.timezone,
            }),
            _ => Err(diagnostics),
        }
    }

    /// The table's schema, as far as it can be told without compiling: the type of a transformed column that
    /// declares none is shown as `varchar`.
    pub fn schema(&self) -> TableSchema {
        let types =
            self.columns.iter().map(|column| column.column_type.clone().unwrap_or(ColumnType::Varchar));
        self.schema_with(types)
    }

    /// The column called `name`, if patterns fill it: then it is a source like a field.
    fn extracted_column(&self, name: &str) -> Option<String> {
        let is_named = |word: &str| word.eq_ignore_ascii_case(name);
        let mut patterns = self.extracts.iter().flat_map(|extract| &extract.patterns);
        let fills = patterns.any(|pattern| {
            pattern.set.iter().any(|(column, _)| is_named(&column.value)) || pattern.groups().any(is_named)
        });
        let column = self.columns.iter().find(|column| is_named(&column.name.value)).filter(|_| fills)?;
        Some(column.name.value.clone())
    }

    fn schema_with(&self, types: impl Iterator<Item = ColumnType>) -> TableSchema {
        let mut common = common_columns();
        let mut columns = Vec::new();
        for (definition, column_type) in self.columns.iter().zip(types) {
            let name = &definition.name.value;
            let described = definition.description.clone();
            match common.iter_mut().find(|common| common.name.eq_ignore_ascii_case(name)) {
                Some(common) => {
                    common.description = described.unwrap_or_else(|| common.description.clone());
                    common.sources = definition.sources();
                }
                None => {
                    let column = Column::new(name, column_type, described.unwrap_or_default());
                    columns.push(column.with_sources(definition.sources()));
                }
            }
        }
        columns.extend(common);
        TableSchema {
            name: self.name.value.clone(),
            description: self.description.clone().unwrap_or_default(),
            channel: self.channel(),
            columns,
            roots: self.roots(),
        }
    }

    fn roots(&self) -> Vec<String> {
        self.roots.iter().flatten().map(|root| root.value.clone()).collect()
    }
}

impl ColumnDefinition {
    /// The fields it is filled from; none if it is computed.
    fn sources(&self) -> Vec<String> {
        match &self.value {
            None => vec![self.name.value.clone()],
            Some(ColumnValue::Fields(fields)) => fields.iter().map(|field| field.value.clone()).collect(),
            Some(ColumnValue::Transform(_)) => Vec::new(),
        }
    }
}

/// One table being compiled.
struct Compilation<'a> {
    definition: &'a TableDefinition,
    compiler: &'a dyn ExpressionCompiler,
    context: &'a PartitionContext,
    diagnostics: Diagnostics,
    plan: PlanBuilder,
}

impl<'a> Compilation<'a> {
    /// What fills each column of the definition, in its order.
    fn steps(&mut self) -> Vec<Step> {
        let definition = self.definition;
        // Columns filled straight from the record first, so that the others can share them.
        let mut steps: Vec<Option<Step>> = Vec::new();
        for column in &definition.columns {
            let sources = column.sources();
            steps.push((!sources.is_empty()).then(|| self.field_step(column, sources)));
        }
        for (column, step) in definition.columns.iter().zip(&mut steps) {
            if let Some(ColumnValue::Transform(sql)) = &column.value {
                *step = self.transform_step(column, sql);
            }
        }
        steps.into_iter().flatten().collect()
    }

    fn null_if(&self, column: &ColumnDefinition) -> Vec<String> {
        column.null_if.clone().or_else(|| self.definition.null_if.clone()).unwrap_or_default()
    }

    fn field_step(&mut self, column: &ColumnDefinition, sources: Vec<String>) -> Step {
        let column_type = declared_type(column);
        let name = &column.name.value;
        if let [field] = sources.as_slice()
            && let Some(other) = self.definition.extracted_column(field).filter(|other| other != name)
        {
            return Step::new(column, column_type, StepValue::Column(other));
        }
        // What a list column is mapped to is collected with the observables and not kept itself.
        let keeps = ObservableKind::of_column(&name.to_lowercase()).is_none();
        let null_if = self.null_if(column);
        let planned = match keeps {
            true => self.plan.column(name, &column_type, sources, null_if),
            false => self.plan.input(&column_type, sources, null_if),
        };
        Step::new(column, column_type, StepValue::Planned(planned))
    }

    fn transform_step(&mut self, column: &ColumnDefinition, sql: &Located<String>) -> Option<Step> {
        let mut fields = match &self.context.format_fields {
            Some(fields) => fields.clone(),
            None => possible_columns(&sql.value),
        };
        fields.sort();
        fields.dedup();
        let text = |name: &String| Field::new(name, DataType::Utf8View, true);
        let schema = Arc::new(Schema::new(fields.iter().map(text).collect::<Vec<_>>()));
        let expression = self.expression(sql, &schema)?;
        let given = expression.data_type().clone();
        let column_type = column.column_type.clone().or_else(|| common_type(&column.name.value));
        let column_type = column_type.unwrap_or_else(|| column_type_of(&given));
        let target = column_type.to_arrow();
        if given != DataType::Null && !can_cast_types(&given, &target) {
            let mistake =
                Diagnostic::error(format!("the transform gives {given}, which is no {column_type}"))
                    .at(&sql.location)
                    .hint("cast it, or change the column's `type`");
            self.diagnostics.push(mistake);
            return None;
        }
        let null_if = self.null_if(column);
        let map_fields = self.map_fields();
        let inputs = expression
            .columns()
            .iter()
            .map(|field| (field.clone(), self.plan.text_input(field, null_if.clone(), &map_fields)))
            .collect();
        Some(Step::new(column, column_type, StepValue::Computed(Transform { expression, inputs })))
    }

    fn map_fields(&self) -> Vec<String> {
        self.definition.map_fields.clone().unwrap_or_else(|| vec!["*".to_owned()])
    }

    fn schema(&self, steps: &[Step]) -> TableSchema {
        let type_of = |column: &ColumnDefinition| {
            let step = steps.iter().find(|step| step.name.eq_ignore_ascii_case(&column.name.value));
            step.map_or(ColumnType::Varchar, |step| step.column_type.clone())
        };
        self.definition.schema_with(self.definition.columns.iter().map(type_of))
    }

    /// Compiles SQL; a mistake is reported at its place inside the string.
    fn expression(&mut self, sql: &Located<String>, schema: &SchemaRef) -> Option<Arc<dyn Expression>> {
        match self.compiler.compile(&sql.value, schema) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.diagnostics.push(Diagnostic::in_sql(sql, error));
                None
            }
        }
    }

    fn extracts(&mut self, schema: &SchemaRef) -> Vec<CompiledExtract> {
        let mut compiled = Vec::new();
        for extract in &self.definition.extracts {
            let when = match &extract.when {
                Some(crate::extract_definition::Condition::Sql(sql)) => match self.expression(sql, schema) {
                    Some(expression) if *expression.data_type() == DataType::Boolean => Some(expression),
                    Some(expression) => {
                        let given = expression.data_type();
                        let mistake = Diagnostic::error(format!("`when` gives {given}, not true or false"));
                        self.diagnostics.push(mistake.at(&sql.location).hint("write a comparison"));
                        continue;
                    }
                    None => continue,
                },
                _ => None,
            };
            let map_fields = self.map_fields();
            let text = extract.text.value.as_str();
            let own =
                self.definition.columns.iter().find(|column| column.name.value.eq_ignore_ascii_case(text));
            let input = match own {
                Some(_) => None,
                None => Some(self.plan.text_input(text, Vec::new(), &map_fields)),
            };
            compiled.extend(CompiledExtract::new(
                self.definition,
                extract,
                when,
                input,
                &mut self.diagnostics,
            ));
        }
        compiled
    }

    fn collector(&mut self) -> Collector {
        let mut sources = Vec::new();
        for column in &self.definition.columns {
            compile_observables(column, &declared_type(column), &mut sources, &mut self.diagnostics);
        }
        Collector { sources }
    }

    fn check_timestamp(&mut self) {
        let name = &self.definition.name;
        let mapped = self.definition.columns.iter().any(|column| is_named(column, "tp_timestamp"));
        if !mapped {
            let message = format!("table `{}` does not say when its events happened", name.value);
            let hint = "add `column \"tp_timestamp\" { source = \"…\" }` with the field that holds the time";
            self.diagnostics.push(Diagnostic::error(message).at(&name.location).hint(hint));
        }
    }

    fn record_plan(&mut self) -> Option<RecordPlan> {
        let mut reserved: Vec<String> = common_columns().into_iter().map(|column| column.name).collect();
        reserved.extend(self.definition.columns.iter().map(|column| column.name.value.clone()));
        let map_fields = self.map_fields();
        let roots = self.definition.roots();
        let PlanBuilder { kept, inputs, .. } = &self.plan;
        let parts =
            PlanParts { columns: kept, inputs, roots: &roots, map_fields: &map_fields, reserved: &reserved };
        match RecordPlan::from_parts(parts, self.context.timezone) {
            Ok(plan) => Some(plan.with_mapped_fields(self.definition.mapped_fields.clone())),
            Err(error) => {
                let egret_format::PlanError::NestedList { column, .. } = &error;
                let written = self.definition.columns.iter().find(|candidate| is_named(candidate, column));
                let place = written.map_or(&self.definition.name.location, |column| &column.name.location);
                self.diagnostics.push(Diagnostic::error(error.to_string()).at(place));
                None
            }
        }
    }
}

fn is_named(column: &ColumnDefinition, name: &str) -> bool {
    column.name.value.eq_ignore_ascii_case(name)
}

fn declared_type(column: &ColumnDefinition) -> ColumnType {
    let declared = column.column_type.clone().or_else(|| common_type(&column.name.value));
    declared.unwrap_or(ColumnType::Varchar)
}

fn common_type(name: &str) -> Option<ColumnType> {
    let common = common_columns().into_iter().find(|common| common.name.eq_ignore_ascii_case(name));
    common.map(|common| common.column_type)
}

/// The column type whose Arrow type is nearest to what an expression gives.
fn column_type_of(data_type: &DataType) -> ColumnType {
    let exact = ColumnType::PLAIN.into_iter().map(|(_, plain)| plain);
    let exact = exact.filter(|plain| *plain != ColumnType::Json).find(|plain| plain.to_arrow() == *data_type);
    match data_type {
        DataType::Timestamp(_, _) => ColumnType::Timestamp,
        DataType::Decimal128(_, _) | DataType::Decimal256(_, _) => ColumnType::Double,
        DataType::Date64 => ColumnType::Date,
        DataType::List(element) => ColumnType::List(Box::new(column_type_of(element.data_type()))),
        _ => exact.unwrap_or(ColumnType::Varchar),
    }
}

/// The columns of a record plan; two that would hold the same are one.
struct PlanBuilder {
    kept: Vec<PlanColumn>,
    inputs: Vec<PlanColumn>,
    /// Names in lower case that a mapped field must not take.
    declared: HashSet<String>,
}

impl PlanBuilder {
    fn new(definition: &TableDefinition) -> Self {
        let mut declared: HashSet<String> = common_columns().into_iter().map(|column| column.name).collect();
        declared.extend(definition.columns.iter().map(|column| column.name.value.to_lowercase()));
        Self { kept: Vec::new(), inputs: Vec::new(), declared }
    }

    /// A column of the table; gives the name under which it is decoded.
    fn column(
        &mut self,
        name: &str,
        column_type: &ColumnType,
        sources: Vec<String>,
        null_if: Vec<String>,
    ) -> String {
        if let Some(same) = find(&self.kept, column_type, &sources, &null_if) {
            return same.to_owned();
        }
        let name = name.to_owned();
        self.kept.push(PlanColumn { name: name.clone(), column_type: column_type.clone(), sources, null_if });
        name
    }

    /// A column that others are made of and that is left out then.
    fn input(&mut self, column_type: &ColumnType, sources: Vec<String>, null_if: Vec<String>) -> String {
        let same = find(&self.kept, column_type, &sources, &null_if)
            .or_else(|| find(&self.inputs, column_type, &sources, &null_if));
        if let Some(same) = same {
            return same.to_owned();
        }
        // No field and no column has such a name.
        let name = format!("\0{}", self.inputs.len());
        let column_type = column_type.clone();
        self.inputs.push(PlanColumn { name: name.clone(), column_type, sources, null_if });
        name
    }

    /// A field as text. One that would become a mapped column stays one.
    fn text_input(&mut self, field: &str, null_if: Vec<String>, map_fields: &[String]) -> String {
        let mapped = map_fields.iter().any(|pattern| wildcard_matches(pattern, field))
            && !field.contains('.')
            && !self.declared.contains(&field.to_lowercase())
            && null_if.is_empty();
        let sources = vec![field.to_owned()];
        match mapped {
            true => self.column(field, &ColumnType::Varchar, sources, null_if),
            false => self.input(&ColumnType::Varchar, sources, null_if),
        }
    }

    /// The names of all columns that are no mapped fields.
    fn names(&self) -> HashSet<String> {
        let kept = self.kept.iter().filter(|column| self.declared.contains(&column.name.to_lowercase()));
        kept.chain(&self.inputs).map(|column| column.name.clone()).collect()
    }
}

fn find<'p>(
    columns: &'p [PlanColumn],
    column_type: &ColumnType,
    sources: &[String],
    null_if: &[String],
) -> Option<&'p str> {
    let same = |column: &&PlanColumn| {
        column.column_type == *column_type && column.sources == sources && column.null_if == null_if
    };
    columns.iter().find(same).map(|column| column.name.as_str())
}
