//! SQL expressions compiled to what runs over record batches.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use egret_model::lookup::LOOKUP;
use egret_model::{Clock, CompileError, EvaluateError, Expression, ExpressionCompiler, Lookups, Timestamp};

use crate::dialect::{parse_expression, without_alias};
use crate::error::{PlanProblem, SqlError};
use crate::functions::lookup::Lookup;
use crate::functions::number::ARITHMETIC;
use crate::names::resolve_expression;
use crate::rewrite::rewrite;
use crate::state::{build_state, dialect_config};

/// Compiles SQL expressions; made once and shared, since it holds all functions.
pub struct SqlCompiler {
    state: Arc<SessionState>,
    clock: Arc<dyn Clock>,
}

impl SqlCompiler {
    /// A compiler whose `now()` is what `clock` says when an expression is evaluated. It knows no lookup.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with_lookups(clock, Arc::default())
    }

    /// The same, whose expressions ask `lookups`: each time they are evaluated, as the entries are then.
    pub fn with_lookups(clock: Arc<dyn Clock>, lookups: Arc<Lookups>) -> Self {
        let config = dialect_config().with_create_default_catalog_and_schema(false);
        let state = build_state(config, Arc::new(RuntimeEnv::default()), Lookup::in_expressions(lookups));
        Self { state: Arc::new(state), clock }
    }

    fn compile_expression(&self, sql: &str, schema: &SchemaRef) -> Result<CompiledExpression, SqlError> {
        let mut parsed = parse_expression(sql)?;
        rewrite(&mut parsed);
        resolve_expression(sql, &mut parsed, schema, &self.state)?;
        let from_engine = |error: DataFusionError| SqlError::from_engine(sql, &error);
        let whole = DFSchema::try_from(schema.as_ref().clone()).map_err(from_engine)?;
        let planned = self
            .state
            .create_logical_expr_from_sql_expr(without_alias(parsed), &whole)
            .map_err(from_engine)?;
        refuse_chance(&planned)?;

        let columns: Vec<String> = used_columns(&planned, schema);
        let input = Arc::new(schema.project(&indices(schema, &columns)).map_err(|e| from_engine(e.into()))?);
        let input_names = DFSchema::try_from(input.as_ref().clone()).map_err(from_engine)?;
        let planner = ExpressionPlanner { state: Arc::clone(&self.state), input: input_names };
        let coerced = planner.coerce(planned).map_err(from_engine)?;
        let now = self.clock.now();
        let physical = planner.plan(&coerced, now).map_err(from_engine)?;
        let data_type = physical.data_type(&input).map_err(from_engine)?;
        let compiled = if depends_on_time(&coerced) {
            Plan::AtTime {
                planner,
                coerced,
                clock: Arc::clone(&self.clock),
                latest: Mutex::new((now, physical)),
            }
        } else {
            Plan::Fixed(physical)
        };
        Ok(CompiledExpression { sql: sql.to_owned(), data_type, columns, input, plan: compiled })
    }
}

impl fmt::Debug for SqlCompiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlCompiler").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl ExpressionCompiler for SqlCompiler {
    fn compile(&self, sql: &str, schema: &SchemaRef) -> Result<Arc<dyn Expression>, CompileError> {
        Ok(Arc::new(self.compile_expression(sql, schema)?))
    }
}

/// Plans over the columns that an expression reads.
struct ExpressionPlanner {
    state: Arc<SessionState>,
    input: DFSchema,
}

impl ExpressionPlanner {
    fn simplifier(&self, now: Option<Timestamp>) -> ExprSimplifier {
        let now: Option<DateTime<Utc>> = now.and_then(Timestamp::to_datetime);
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(self.input.clone()))
            .with_config_options(Arc::clone(self.state.config_options()))
            .with_query_execution_start_time(now)
            .build();
        ExprSimplifier::new(context)
    }

    /// Makes types fit, as a query's analyzer does.
    fn coerce(&self, mut expr: Expr) -> EngineResult<Expr> {
        for rewrite in self.state.analyzer().function_rewrites() {
            let options = self.state.config_options();
            expr = expr.transform_up(|part| rewrite.rewrite(part, &self.input, options))?.data;
        }
        self.simplifier(None).coerce(expr, &self.input)
    }

    /// Folds constants and `now()`, and makes what runs.
    fn plan(&self, coerced: &Expr, now: Timestamp) -> EngineResult<Arc<dyn PhysicalExpr>> {
        let simplified = self.simplifier(Some(now)).simplify(coerced.clone())?;
        refuse_impossible_constants(&simplified)?;
        let context = PhysicalPlanningContext::default();
        create_physical_expr(&simplified, &self.input, self.state.execution_props(), &context)
    }
}

enum Plan {
    /// Means the same at all times.
    Fixed(Arc<dyn PhysicalExpr>),
    /// Reads the time: planned again when the clock has moved.
    AtTime {
        planner: ExpressionPlanner,
        coerced: Expr,
        clock: Arc<dyn Clock>,
        latest: Mutex<(Timestamp, Arc<dyn PhysicalExpr>)>,
    },
}

impl Plan {
    fn current(&self) -> EngineResult<Arc<dyn PhysicalExpr>> {
        match self {
            Self::Fixed(physical) => Ok(Arc::clone(physical)),
            Self::AtTime { planner, coerced, clock, latest } => {
                let now = clock.now();
                let mut latest = latest.lock().unwrap_or_else(PoisonError::into_inner);
                if latest.0 != now {
                    *latest = (now, planner.plan(coerced, now)?);
                }
                Ok(Arc::clone(&latest.1))
            }
        }
    }
}

/// An expression that runs over record batches.
struct CompiledExpression {
    sql: String,
    data_type: DataType,
    columns: Vec<String>,
    /// The columns in the order that the plan reads them.
    input: SchemaRef,
    plan: Plan,
}

impl CompiledExpression {
    /// The columns of `rows` that the plan reads, in its order; nulls for those that are not there.
    fn project(&self, rows: &RecordBatch) -> EngineResult<RecordBatch> {
        let mut columns = Vec::with_capacity(self.columns.len());
        for field in self.input.fields() {
            let column = match rows.column_by_name(field.name()) {
                None => new_null_array(field.data_type(), rows.num_rows()),
                Some(column) if column.data_type() == field.data_type() => Arc::clone(column),
                Some(column) => arrow::compute::cast(column, field.data_type())?,
            };
            columns.push(column);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.input), columns, &options)?)
    }
}

impl fmt::Debug for CompiledExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompiledExpression")
            .field("sql", &self.sql)
            .field("data_type", &self.data_type)
            .field("columns", &self.columns)
            .finish_non_exhaustive()
    }
}

impl Expression for CompiledExpression {
    fn sql(&self) -> &str {
        &self.sql
    }

    fn data_type(&self) -> &DataType {
        &self.data_type
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn evaluate(&self, rows: &RecordBatch) -> Result<ArrayRef, EvaluateError> {
        let evaluated = self.plan.current().and_then(|physical| {
            let input = self.project(rows)?;
            physical.evaluate(&input)?.into_array(rows.num_rows())
        });
        evaluated.map_err(|error| {
            let message = SqlError::from_engine(&self.sql, &error).message;
            EvaluateError { sql: self.sql.clone(), message }
        })
    }
}

/// The columns that `expr` reads, in the order of `schema`.
fn used_columns(expr: &Expr, schema: &Schema) -> Vec<String> {
    let used = expr.column_refs();
    let names = schema.fields().iter().map(|field| field.name());
    names.filter(|name| used.iter().any(|column| column.name == **name)).cloned().collect()
}

fn indices(schema: &Schema, columns: &[String]) -> Vec<usize> {
    columns.iter().filter_map(|column| schema.index_of(column).ok()).collect()
}

/// A function of that kind in `expr`, but `lookup`: it is never folded, and gives the same throughout a run.
fn has_function(expr: &Expr, volatility: Volatility) -> Option<String> {
    let mut found = None;
    // The closure never fails.
    let _ = expr.apply(|part| {
        if let Expr::ScalarFunction(call) = part
            && call.func.signature().volatility == volatility
            && call.func.name() != LOOKUP
        {
            found = Some(call.func.name().to_owned());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    found
}

fn depends_on_time(expr: &Expr) -> bool {
    has_function(expr, Volatility::Stable).is_some()
}

/// The same rows must give the same findings, in the stream and over history. What a lookup gives may change from run to
/// run: whoever asks one wants that.
fn refuse_chance(expr: &Expr) -> Result<(), SqlError> {
    match has_function(expr, Volatility::Volatile) {
        None => Ok(()),
        Some(name) => Err(SqlError::new(format!("`{name}` gives another value each time"))
            .with_hint("an expression must mean the same whenever it is evaluated")),
    }
}

/// What is left of constants after folding cannot be computed, so it is told now and not at the first row.
fn refuse_impossible_constants(expr: &Expr) -> EngineResult<()> {
    expr.apply(|part| {
        if let Expr::Cast(cast) = part
            && let Expr::Literal(constant, _) = cast.expr.as_ref()
        {
            constant.cast_to(cast.field.data_type())?;
        }
        if let Expr::ScalarFunction(call) = part
            && call.func.name() == ARITHMETIC
            && call.args.iter().all(|arg| matches!(arg, Expr::Literal(..)))
        {
            let hint = "cast a side to a larger type, such as `::hugeint` or `::double`".to_owned();
            let message = "a constant is too large for its type of number";
            return Err(PlanProblem::new(message, None, Some(hint)).into());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}
