//! The engine's settings, functions and planners: one recipe for expressions and for sessions.

use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::execution::config::SessionConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::registry::FunctionRegistry;

use crate::casts::{DialectCasts, DialectTypes};
use crate::functions;
use crate::functions::lookup::Lookup;
use crate::planner::DialectPlanner;

/// Settings that decide what a query means. What decides how it runs is the session's.
pub(crate) fn dialect_config() -> SessionConfig {
    let mut config = SessionConfig::new();
    let options = config.options_mut();
    // An unknown column says where it stands.
    options.sql_parser.collect_spans = true;
    // As in DuckDB, nulls come last, whichever way the rest is ordered.
    options.sql_parser.default_null_ordering = "nulls_last".to_owned();
    config
}

/// The engine with our functions and planners. Ours come last where names are registered, so that they
/// win, and first where planners are asked.
pub(crate) fn build_state(config: SessionConfig, runtime: Arc<RuntimeEnv>, lookup: Lookup) -> SessionState {
    let functions = functions::all(lookup);
    let planner = DialectPlanner::new(&functions).map(Arc::new);
    let casts = DialectCasts::new(&functions);
    let mut builder = SessionStateBuilder::new().with_config(config).with_runtime_env(runtime);
    if let Some(planner) = &planner {
        builder = builder.with_expr_planners(vec![Arc::clone(planner) as _]);
    }
    let mut builder = builder.with_default_features();
    builder.scalar_functions().get_or_insert_default().extend(functions);
    builder.aggregate_functions().get_or_insert_default().extend(functions::aggregates());
    let mut state = builder.with_type_planner(Arc::new(DialectTypes)).build();
    if let Some(casts) = casts {
        // The state takes every rewrite; there is no way for this to fail.
        let _ = state.register_function_rewrite(Arc::new(casts));
    }
    state
}
