//! The functions that DuckDB has and the engine lacks, or has with another meaning. One file a subject.

mod definition;
pub(crate) mod given;
pub(crate) mod ip;
pub(crate) mod json;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod number;
pub(crate) mod refused;
mod sum;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod time_text;

use std::sync::Arc;

use datafusion::functions::core::get_field;
use datafusion::functions::string::{ends_with, starts_with};
use datafusion::functions::unicode::strpos;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::array_agg::array_agg_udaf;
use datafusion::functions_aggregate::first_last::{first_value_udaf, last_value_udaf};
use datafusion::functions_aggregate::string_agg::string_agg_udaf;
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

use self::lookup::Lookup;

/// All functions of ours. One that has the name of a function of the engine replaces it.
pub(crate) fn all(lookup: Lookup) -> Vec<Arc<ScalarUDF>> {
    let groups = [
        json::functions(),
        ip::functions(),
        list::functions(),
        number::functions(),
        refused::functions(),
        text::functions(),
        time::functions(),
        time_text::functions(),
    ];
    let ours = groups.into_iter().flatten().map(|function| Arc::new(function.register()));
    let with_state = [ScalarUDF::new_from_impl(time::Now::new()), ScalarUDF::new_from_impl(lookup)];
    ours.chain(with_state.map(Arc::new)).chain(renamed()).collect()
}

/// Functions of the engine under DuckDB's other names for them.
fn renamed() -> Vec<Arc<ScalarUDF>> {
    let also = |function: Arc<ScalarUDF>, names: &[&'static str]| {
        Arc::new(function.as_ref().clone().with_aliases(names.iter().copied()))
    };
    vec![
        also(starts_with(), &["prefix"]),
        also(ends_with(), &["suffix"]),
        also(get_field(), &["struct_extract"]),
        also(strpos(), &["instr", "position"]),
    ]
}

/// Aggregates of ours, and those of the engine under DuckDB's other names for them.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    let also = |function: Arc<AggregateUDF>, names: &[&'static str]| {
        Arc::new(function.as_ref().clone().with_aliases(names.iter().copied()))
    };
    vec![
        Arc::new(AggregateUDF::new_from_impl(sum::IntegerSum::new())),
        also(array_agg_udaf(), &["list"]),
        also(string_agg_udaf(), &["group_concat", "listagg"]),
        also(approx_distinct_udaf(), &["approx_count_distinct"]),
        also(first_value_udaf(), &["first", "arbitrary"]),
        also(last_value_udaf(), &["last"]),
    ]
}
