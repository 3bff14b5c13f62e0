//! Sessions: SQL over registered tables, within a budget of memory, reading only.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, ScalarUDF};
use datafusion::physical_plan::{displayable, execute_stream};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::{DescribeAlias, Query, Statement};
use egret_model::{Clock, Expression, Lookups};

use crate::describe::{describe, table_list};
use crate::dialect::{for_planner, parse_statement};
use crate::error::{SqlError, hint_for_name};
use crate::functions::given::GivenFunction;
use crate::functions::lookup::Lookup;
use crate::names::resolve_statement;
use crate::output::{OutputNames, make_unique, wildcard_probe};
use crate::result::QueryResult;
use crate::rewrite::rewrite;
use crate::state::{build_state, dialect_config};

/// The catalog in which tables without a catalog's name are looked up.
pub const CATALOG: &str = "egret";

/// The schema in which tables without a schema's name are looked up.
pub const SCHEMA: &str = "main";

/// What a session may use.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// Bytes of memory for all queries of the session together; sorting and grouping spill to disk beyond.
    pub memory_bytes: usize,
    /// How many parts of a query run at the same time.
    pub threads: usize,
    /// Where to spill; the system's temporary folder if not given.
    pub spill_dir: Option<PathBuf>,
    /// What `now()` says.
    pub clock: Arc<dyn Clock>,
    /// What `lookup` asks.
    pub lookups: Arc<Lookups>,
}

/// Runs queries over the tables registered in its context.
pub struct Session {
    context: SessionContext,
    clock: Arc<dyn Clock>,
}

/// A statement, ready to be planned or answered.
enum Prepared {
    Query(Query, OutputNames),
    /// `describe select …`
    DescribeQuery(Query),
    /// `describe t`
    DescribeTable(TableReference),
    ShowTables,
    Explain {
        analyze: bool,
        query: Query,
    },
}

impl Session {
    /// A session without tables.
    ///
    /// # Errors
    /// If the folder to spill to cannot be used.
    pub fn new(options: SessionOptions) -> Result<Self, SqlError> {
        let mode = match options.spill_dir {
            Some(folder) => DiskManagerMode::Directories(vec![folder]),
            None => DiskManagerMode::OsTmpDirectory,
        };
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(options.memory_bytes)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
            .build_arc()
            .map_err(|error| SqlError::from_engine("", &error))?;
        let config = dialect_config()
            .with_target_partitions(options.threads.max(1))
            .with_information_schema(true)
            .with_default_catalog_and_schema(CATALOG, SCHEMA);
        let lookup = Lookup::in_queries(options.lookups);
        let context = SessionContext::new_with_state(build_state(config, runtime, lookup));
        Ok(Self { context, clock: options.clock })
    }

    /// The engine, for `egret-lake` to register its catalog under [`CATALOG`].
    pub fn context(&self) -> &SessionContext {
        &self.context
    }

    /// Adds a table of rows in memory.
    ///
    /// # Errors
    /// If the batches do not have `schema`, or a table of that name is there.
    pub fn register_batches(
        &self,
        name: &str,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
    ) -> Result<(), SqlError> {
        let from_engine = |error: DataFusionError| SqlError::from_engine("", &error);
        let table = MemTable::try_new(schema, vec![batches]).map_err(from_engine)?;
        self.context.register_table(TableReference::bare(name), Arc::new(table)).map_err(from_engine)?;
        Ok(())
    }

    /// Adds a function called `name`, which is `expression` over its columns: queries give them in the order of
    /// [`Expression::columns`].
    pub fn register_function(&self, name: &str, expression: Arc<dyn Expression>) {
        self.context.register_udf(ScalarUDF::new_from_impl(GivenFunction::new(name, expression)));
    }

    /// Starts a query. Its rows come as they are computed; dropping the result stops it.
    ///
    /// # Errors
    /// If the SQL is wrong, or does anything but read.
    pub async fn query(&self, sql: &str) -> Result<QueryResult, SqlError> {
        let from_engine = |error: DataFusionError| SqlError::from_engine(sql, &error);
        let state = self.state();
        match self.prepare(sql, &state).await? {
            Prepared::Query(query, names) => {
                let plan = plan(&state, query).await.map_err(from_engine)?;
                let physical = state.create_physical_plan(&plan).await.map_err(from_engine)?;
                let stream = execute_stream(physical, state.task_ctx()).map_err(from_engine)?;
                // The optimizer may have chosen another kind of text than the plan said.
                Ok(QueryResult::of_stream(sql, names.restore(&stream.schema()), stream))
            }
            Prepared::DescribeQuery(query) => {
                let plan = plan(&state, query).await.map_err(from_engine)?;
                let rows = describe(plan.schema().as_arrow()).map_err(|error| from_engine(error.into()))?;
                Ok(QueryResult::of_batch(sql, rows))
            }
            Prepared::DescribeTable(table) => {
                let schema = self.table(&table).await.map_err(from_engine)?.schema();
                let rows = describe(&schema).map_err(|error| from_engine(error.into()))?;
                Ok(QueryResult::of_batch(sql, rows))
            }
            Prepared::ShowTables => {
                let rows = table_list(self.table_names()).map_err(|error| from_engine(error.into()))?;
                Ok(QueryResult::of_batch(sql, rows))
            }
            Prepared::Explain { analyze, query } => self.explain_query(sql, &state, query, analyze).await,
        }
    }

    /// How a query would run: one line a step, with the files that each scan reads.
    ///
    /// # Errors
    /// If the SQL is wrong, or is no query.
    pub async fn explain(&self, sql: &str) -> Result<String, SqlError> {
        let from_engine = |error: DataFusionError| SqlError::from_engine(sql, &error);
        let state = self.state();
        let query = match self.prepare(sql, &state).await? {
            Prepared::Query(query, _) | Prepared::Explain { query, .. } | Prepared::DescribeQuery(query) => {
                query
            }
            Prepared::DescribeTable(_) | Prepared::ShowTables => {
                return Err(SqlError::new("only a query can be explained"));
            }
        };
        let plan = plan(&state, query).await.map_err(from_engine)?;
        let physical = state.create_physical_plan(&plan).await.map_err(from_engine)?;
        Ok(displayable(physical.as_ref()).indent(false).to_string())
    }

    /// The names of the tables that queries see, sorted.
    pub fn table_names(&self) -> Vec<String> {
        let catalog = self.context.catalog(CATALOG);
        let schema = catalog.and_then(|catalog| catalog.schema(SCHEMA));
        let mut names = schema.map(|schema| schema.table_names()).unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The engine's state for one query, with our clock.
    fn state(&self) -> SessionState {
        let mut state = self.context.state();
        state.execution_props_mut().query_execution_start_time = self.clock.now().to_datetime();
        state
    }

    /// Parses, refuses what does not read, checks all names, and rewrites what the engine would not take.
    async fn prepare(&self, sql: &str, state: &SessionState) -> Result<Prepared, SqlError> {
        let mut statement = parse_statement(sql)?;
        refuse_writes(sql, &statement)?;
        rewrite(&mut statement);
        let spellings = self.check_tables(sql, state, &statement).await?;
        resolve_statement(sql, &mut statement, &spellings, state)?;
        match statement {
            Statement::Query(query) => self.prepare_query(state, *query).await,
            Statement::Explain { describe_alias, analyze, statement, .. } => match *statement {
                Statement::Query(query) => {
                    let Prepared::Query(query, _) = self.prepare_query(state, *query).await? else {
                        return Err(not_a_query());
                    };
                    Ok(match describe_alias {
                        DescribeAlias::Explain => Prepared::Explain { analyze, query },
                        _ => Prepared::DescribeQuery(query),
                    })
                }
                _ => Err(not_a_query()),
            },
            Statement::ExplainTable { table_name, .. } => {
                let parts: Vec<String> =
                    table_name.0.iter().filter_map(|part| part.as_ident()).map(spelled).collect();
                Ok(Prepared::DescribeTable(TableReference::parse_str_normalized(&parts.join("."), true)))
            }
            Statement::ShowTables { .. } => Ok(Prepared::ShowTables),
            _ => Err(not_a_query()),
        }
    }

    async fn prepare_query(&self, state: &SessionState, mut query: Query) -> Result<Prepared, SqlError> {
        let wildcard = match wildcard_probe(&query) {
            None => Vec::new(),
            // If the probe cannot be planned, the query cannot either, and says better why.
            Some(mut probe) => {
                make_unique(&mut probe, &[]);
                let planned = plan(state, probe).await;
                planned.map(|plan| field_names(&plan)).unwrap_or_default()
            }
        };
        let names = make_unique(&mut query, &wildcard);
        Ok(Prepared::Query(query, names))
    }

    /// Finds the tables of a statement, and how their columns are spelled where case matters.
    async fn check_tables(
        &self,
        sql: &str,
        state: &SessionState,
        statement: &Statement,
    ) -> Result<HashMap<String, String>, SqlError> {
        let mut spellings = HashMap::new();
        let references = state
            .resolve_table_references(&for_planner(statement.clone()))
            .map_err(|error| SqlError::from_engine(sql, &error))?;
        for reference in references {
            if state.table_functions().contains_key(reference.table()) {
                continue;
            }
            match self.table(&reference).await {
                Ok(table) => {
                    for field in table.schema().fields() {
                        let lower = field.name().to_lowercase();
                        if lower != *field.name() {
                            spellings.insert(lower, field.name().clone());
                        }
                    }
                }
                Err(_) if !self.is_known(state, &reference) => {
                    let names = self.table_names();
                    let valid = names.iter().map(String::as_str);
                    let hint = hint_for_name(reference.table(), valid, "the tables are")
                        .unwrap_or_else(|| "there are no tables yet".to_owned());
                    return Err(SqlError::new(format!("unknown table `{reference}`"))
                        .with_hint(hint)
                        .at_word(sql, reference.table()));
                }
                Err(error) => return Err(SqlError::from_engine(sql, &error)),
            }
        }
        Ok(spellings)
    }

    fn is_known(&self, state: &SessionState, reference: &TableReference) -> bool {
        let schema = state.schema_for_ref(reference.clone());
        schema.is_ok_and(|schema| schema.table_exist(reference.table()))
    }

    async fn table(&self, reference: &TableReference) -> Result<Arc<dyn TableProvider>, DataFusionError> {
        self.context.table_provider(reference.clone()).await
    }

    async fn explain_query(
        &self,
        sql: &str,
        state: &SessionState,
        query: Query,
        analyze: bool,
    ) -> Result<QueryResult, SqlError> {
        let from_engine = |error: DataFusionError| SqlError::from_engine(sql, &error);
        let explained = Statement::Explain {
            describe_alias: DescribeAlias::Explain,
            analyze,
            verbose: false,
            query_plan: false,
            estimate: false,
            statement: Box::new(Statement::Query(Box::new(query))),
            format: None,
            options: None,
        };
        let plan = state.statement_to_plan(for_planner(explained)).await.map_err(from_engine)?;
        let schema = Arc::clone(plan.schema().inner());
        let physical = state.create_physical_plan(&plan).await.map_err(from_engine)?;
        let stream = execute_stream(physical, state.task_ctx()).map_err(from_engine)?;
        Ok(QueryResult::of_stream(sql, schema, stream))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("tables", &self.table_names()).finish_non_exhaustive()
    }
}

async fn plan(state: &SessionState, query: Query) -> Result<LogicalPlan, DataFusionError> {
    state.statement_to_plan(for_planner(Statement::Query(Box::new(query)))).await
}

fn field_names(plan: &LogicalPlan) -> Vec<String> {
    plan.schema().fields().iter().map(|field| field.name().clone()).collect()
}

fn spelled(ident: &datafusion::sql::sqlparser::ast::Ident) -> String {
    ident.to_string()
}

fn not_a_query() -> SqlError {
    SqlError::new("only queries are run")
        .with_hint("write `select …`, `from …`, `describe …` or `show tables`")
}

/// Refuses all but reading, by what the statement is, before anything else is looked at.
fn refuse_writes(sql: &str, statement: &Statement) -> Result<(), SqlError> {
    match statement {
        Statement::Query(_) | Statement::ExplainTable { .. } | Statement::ShowTables { .. } => Ok(()),
        Statement::Explain { statement, .. } => refuse_writes(sql, statement),
        other => {
            let words = other.to_string();
            let verb = words.split_whitespace().next().unwrap_or_default().to_uppercase();
            Err(SqlError::new(format!("`{verb}` is refused: queries only read"))
                .with_hint(
                    "rows come in with `egret collect`; here only `select`, `describe` and `show tables` run",
                )
                .at_word(sql, &verb))
        }
    }
}
