//! What casts and type names mean, where DuckDB means something else than the engine.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, binary_expr, lit,
};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};
use egret_model::ColumnType;

use crate::error::PlanProblem;
use crate::functions::{json, number, time, time_text};

/// Rewrites casts before types are made to fit.
#[derive(Debug)]
pub(crate) struct DialectCasts {
    json_text: Arc<ScalarUDF>,
    round_even: Arc<ScalarUDF>,
    timestamp_text: Arc<ScalarUDF>,
}

impl DialectCasts {
    pub(crate) fn new(functions: &[Arc<ScalarUDF>]) -> Option<Self> {
        let find = |name: &str| functions.iter().find(|function| function.name() == name).cloned();
        Some(Self {
            json_text: find(json::EXTRACT_STRING)?,
            round_even: find(number::ROUND_EVEN)?,
            timestamp_text: find(time::TIMESTAMP_TEXT)?,
        })
    }

    /// What is to be cast instead of `value`, if not itself.
    fn replaced(&self, value: &Expr, to: &DataType, schema: &DFSchema) -> Option<Expr> {
        let (_, field) = value.to_field(schema).ok()?;
        let from = field.data_type();
        let function = if json::is_json(&field) && !to.is_string() && !to.is_nested() {
            // The value, not its notation: `('"5"'::json)::int` is 5.
            &self.json_text
        } else if from.is_floating() && to.is_integer() {
            &self.round_even
        } else if matches!(from, DataType::Timestamp(..)) && to.is_string() {
            &self.timestamp_text
        } else {
            return None;
        };
        Some(Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), vec![value.clone()])))
    }
}

impl FunctionRewrite for DialectCasts {
    fn name(&self) -> &'static str {
        "dialect_casts"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let replaced = match &expr {
            Expr::Cast(cast) if matches!(cast.field.data_type(), DataType::Timestamp(..)) => {
                let to =
                    |time: Expr| Expr::Cast(Cast { expr: Box::new(time), field: Arc::clone(&cast.field) });
                as_time(&cast.expr)?.map(to)
            }
            Expr::Cast(Cast { expr: value, field }) => self
                .replaced(value, field.data_type(), schema)
                .map(|value| Expr::Cast(Cast { expr: Box::new(value), field: Arc::clone(field) })),
            Expr::BinaryExpr(binary) if is_comparison(binary.op) => compared_to_times(binary, schema)?,
            Expr::Between(between) if is_time(&between.expr, schema) => Some(Expr::Between(Between {
                low: Box::new(as_time(&between.low)?.unwrap_or_else(|| between.low.as_ref().clone())),
                high: Box::new(as_time(&between.high)?.unwrap_or_else(|| between.high.as_ref().clone())),
                ..between.clone()
            })),
            Expr::TryCast(TryCast { expr: value, field }) => self
                .replaced(value, field.data_type(), schema)
                .map(|value| Expr::TryCast(TryCast { expr: Box::new(value), field: Arc::clone(field) })),
            _ => None,
        };
        Ok(replaced.map_or_else(|| Transformed::no(expr), Transformed::yes))
    }
}

/// `time > '2024-02-01 10:00'`: the text is a time.
fn compared_to_times(binary: &BinaryExpr, schema: &DFSchema) -> Result<Option<Expr>> {
    let (left, right) = if is_time(&binary.left, schema) {
        (None, as_time(&binary.right)?)
    } else if is_time(&binary.right, schema) {
        (as_time(&binary.left)?, None)
    } else {
        return Ok(None);
    };
    if left.is_none() && right.is_none() {
        return Ok(None);
    }
    let left = left.unwrap_or_else(|| binary.left.as_ref().clone());
    let right = right.unwrap_or_else(|| binary.right.as_ref().clone());
    Ok(Some(binary_expr(left, binary.op, right)))
}

fn is_comparison(operator: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, NotEq};
    matches!(operator, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

fn is_time(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|data_type| matches!(data_type, DataType::Timestamp(..)))
}

/// A constant text as a time; `None` if `expr` is anything else.
fn as_time(expr: &Expr) -> Result<Option<Expr>> {
    let Expr::Literal(constant, _) = expr else { return Ok(None) };
    match constant.try_as_str() {
        Some(Some(text)) => Ok(Some(lit(time_text::parse_constant(text)?))),
        _ => Ok(None),
    }
}

/// Names of types that the engine reads otherwise or not at all.
#[derive(Debug)]
pub(crate) struct DialectTypes;

impl TypePlanner for DialectTypes {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        let data_type = match sql_type {
            // Microseconds in UTC; a zone adds nothing.
            SqlType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone | TimezoneInfo::Tz)
            | SqlType::Timestamp(_, TimezoneInfo::WithTimeZone)
            | SqlType::TimestampNtz(_)
            | SqlType::Datetime(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            SqlType::JSON | SqlType::JSONB => return Ok(Some(Arc::new(json::json_field("json")))),
            SqlType::HugeInt | SqlType::UHugeInt => DataType::Decimal128(38, 0),
            SqlType::UTinyInt => DataType::UInt8,
            SqlType::USmallInt => DataType::UInt16,
            SqlType::UBigInt => DataType::UInt64,
            SqlType::Custom(name, modifiers) if modifiers.is_empty() => match name
                .to_string()
                .parse::<ColumnType>()
            {
                Ok(column_type) => column_type.to_arrow(),
                Err(unknown) => {
                    let message = format!("unknown type `{name}`");
                    return Err(PlanProblem::new(message, Some(&name.to_string()), Some(unknown.hint)).into());
                }
            },
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("value", data_type, true))))
    }
}
