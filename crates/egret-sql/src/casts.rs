//! What casts and type names mean, where DuckDB means something else than the engine.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::{
    Between, BinaryExpr, Expr, ExprSchemable, Operator, ScalarUDF, binary_expr, cast, lit,
};
use datafusion::logical_expr_common::type_coercion::binary::BinaryTypeCoercer;
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};
use egret_model::ColumnType;

use crate::error::PlanProblem;
use crate::functions::{json, number, time, time_text};

/// Rewrites casts before types are made to fit.
#[derive(Debug)]
pub(crate) struct DialectCasts {
    json_text: Arc<ScalarUDF>,
    round_even: Arc<ScalarUDF>,
    integer_text: Arc<ScalarUDF>,
    timestamp_text: Arc<ScalarUDF>,
    arithmetic: Arc<ScalarUDF>,
}

impl DialectCasts {
    pub(crate) fn new(functions: &[Arc<ScalarUDF>]) -> Option<Self> {
        let find = |name: &str| functions.iter().find(|function| function.name() == name).cloned();
        Some(Self {
            json_text: find(json::EXTRACT_STRING)?,
            round_even: find(number::ROUND_EVEN)?,
            integer_text: find(number::INTEGER_TEXT)?,
            timestamp_text: find(time::TIMESTAMP_TEXT)?,
            arithmetic: find(number::ARITHMETIC)?,
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
        } else if from.is_string() && to.is_integer() {
            &self.integer_text
        } else if matches!(from, DataType::Timestamp(..)) && to.is_string() {
            &self.timestamp_text
        } else {
            return None;
        };
        Some(call(function, vec![value.clone()]))
    }

    /// `+`, `-` and `*` of integers: what is too large for their type is an error.
    fn checked(&self, binary: &BinaryExpr, schema: &DFSchema) -> Option<Expr> {
        let operator = match binary.op {
            Operator::Plus => '+',
            Operator::Minus => '-',
            Operator::Multiply => '*',
            _ => return None,
        };
        let left = binary.left.get_type(schema).ok()?;
        let right = binary.right.get_type(schema).ok()?;
        let (left_to, right_to) = BinaryTypeCoercer::new(&left, &binary.op, &right).get_input_types().ok()?;
        if left_to != right_to || !left_to.is_integer() {
            return None;
        }
        let right = fitted(&binary.right, &right, &right_to);
        match binary.left.as_ref() {
            // The next link of a chain.
            Expr::ScalarFunction(chain) if chain.func.name() == number::ARITHMETIC && left == left_to => {
                let mut args = chain.args.clone();
                let Expr::Literal(operators, _) = args.first()? else { return None };
                let operators = operators.try_as_str().flatten().unwrap_or_default();
                args[0] = lit(format!("{operators}{operator}"));
                args.push(right);
                Some(call(&self.arithmetic, args))
            }
            first => {
                let first = fitted(first, &left, &left_to);
                Some(call(&self.arithmetic, vec![lit(operator.to_string()), first, right]))
            }
        }
    }

    /// `-x` likewise, as `0 - x`.
    fn checked_negative(&self, value: &Expr, schema: &DFSchema) -> Option<Expr> {
        let data_type = value.get_type(schema).ok()?;
        if matches!(value, Expr::Literal(..)) || !data_type.is_signed_integer() {
            return None;
        }
        let zero = lit(ScalarValue::new_zero(&data_type).ok()?);
        Some(call(&self.arithmetic, vec![lit("-"), zero, value.clone()]))
    }

    /// `'at ' || time` and `concat('at ', time)`: times become text as they do in a cast.
    fn joined(&self, expr: &Expr, schema: &DFSchema) -> Option<Expr> {
        let as_text = |part: &Expr| match is_time(part, schema) {
            true => call(&self.timestamp_text, vec![part.clone()]),
            false => part.clone(),
        };
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                let is_text =
                    |side: &Expr| side.get_type(schema).is_ok_and(|data_type| !data_type.is_nested());
                let has_time = is_time(left, schema) || is_time(right, schema);
                (has_time && is_text(left) && is_text(right))
                    .then(|| binary_expr(as_text(left), Operator::StringConcat, as_text(right)))
            }
            Expr::ScalarFunction(ScalarFunction { func, args })
                if matches!(func.name(), "concat" | "concat_ws")
                    && args.iter().any(|part| is_time(part, schema)) =>
            {
                Some(call(func, args.iter().map(as_text).collect()))
            }
            _ => None,
        }
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
            Expr::BinaryExpr(binary) if is_arithmetic(binary.op) => self.checked(binary, schema),
            Expr::Negative(value) => self.checked_negative(value, schema),
            Expr::BinaryExpr(_) | Expr::ScalarFunction(_) => self.joined(&expr, schema),
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

fn is_arithmetic(operator: Operator) -> bool {
    matches!(operator, Operator::Plus | Operator::Minus | Operator::Multiply)
}

/// `expr`, cast if it is of another type.
fn fitted(expr: &Expr, from: &DataType, to: &DataType) -> Expr {
    if from == to { expr.clone() } else { cast(expr.clone(), to.clone()) }
}

fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args))
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
