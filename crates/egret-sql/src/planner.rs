//! What operators, dots and brackets mean, where that is not what the engine takes them to mean.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference};
use datafusion::error::Result;
use datafusion::functions::core::expr_fn::{get_field, nullif};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, RawFieldAccessExpr};
use datafusion::logical_expr::{
    Expr, ExprSchemable, GetFieldAccess, Operator, ScalarUDF, binary_expr, cast, lit, not, try_cast,
};
use datafusion::sql::sqlparser::ast::BinaryOperator;

use crate::describe::type_name;
use crate::error::{PlanProblem, hint_for_name};
use crate::functions::{json, refused, text, time};

/// Plans operators and dots. Holds the functions that operators stand for.
#[derive(Debug)]
pub(crate) struct DialectPlanner {
    extract: Arc<ScalarUDF>,
    extract_string: Arc<ScalarUDF>,
    full_match: Arc<ScalarUDF>,
    substring: Arc<ScalarUDF>,
    time_between: Arc<ScalarUDF>,
    interval_micros: Arc<ScalarUDF>,
    refused: Arc<ScalarUDF>,
}

impl DialectPlanner {
    pub(crate) fn new(functions: &[Arc<ScalarUDF>]) -> Option<Self> {
        let find = |name: &str| functions.iter().find(|function| function.name() == name).cloned();
        Some(Self {
            extract: find(json::EXTRACT)?,
            extract_string: find(json::EXTRACT_STRING)?,
            full_match: find(text::FULL_MATCH)?,
            substring: find(text::SUBSTRING)?,
            time_between: find(time::TIME_BETWEEN)?,
            interval_micros: find(time::INTERVAL_MICROS)?,
            refused: find(refused::REFUSED)?,
        })
    }

    /// `document -> path`. A chain of arrows with constant paths becomes one call.
    fn json_call(&self, function: &Arc<ScalarUDF>, document: Expr, path: Expr) -> Expr {
        let mut args = match document {
            Expr::ScalarFunction(inner) if self.is_constant_extract(&inner) => inner.args,
            document => vec![document],
        };
        let is_constant = matches!(path, Expr::Literal(..));
        if !is_constant && args.len() > 1 {
            let document = call(&self.extract, args);
            args = vec![document];
        }
        args.push(path);
        call(function, args)
    }

    fn is_constant_extract(&self, call: &ScalarFunction) -> bool {
        call.func.name() == json::EXTRACT && call.args[1..].iter().all(is_single_path)
    }

    /// The value of JSON as SQL text, ready to be cast.
    fn json_as_text(&self, value: Expr) -> Expr {
        call(&self.extract_string, vec![value])
    }

    /// Sums and differences of dates and times, where they differ from the engine's.
    fn time_arithmetic(
        &self,
        is_plus: bool,
        left: &Expr,
        right: &Expr,
        kinds: (DataType, DataType),
    ) -> Option<Expr> {
        let operator = if is_plus { Operator::Plus } else { Operator::Minus };
        let days = |side: &Expr| cast(cast(side.clone(), DataType::Int32), DataType::Int64);
        match kinds {
            // Days, as a number.
            (DataType::Date32, DataType::Date32) if !is_plus => {
                Some(binary_expr(days(left), operator, days(right)))
            }
            (DataType::Date32, number) if number.is_integer() => {
                let moved = binary_expr(days(left), operator, cast(right.clone(), DataType::Int64));
                Some(cast(cast(moved, DataType::Int32), DataType::Date32))
            }
            (DataType::Date32, interval) if time::is_interval(&interval) => {
                let midnight = cast(left.clone(), DataType::Timestamp(TimeUnit::Microsecond, None));
                Some(binary_expr(midnight, operator, right.clone()))
            }
            (DataType::Timestamp(..), DataType::Timestamp(..)) if !is_plus => {
                Some(call(&self.time_between, vec![left.clone(), right.clone()]))
            }
            _ => None,
        }
    }

    /// `column.name.name`
    fn nested_field(&self, column: Expr, field: &Field, names: &[String]) -> Result<Expr, PlanProblem> {
        let mut expr = column;
        let mut path = field.name().clone();
        let mut data_type = field.data_type().clone();
        for name in names {
            expr = self.field_of(expr, &data_type, &path, name)?;
            data_type = match &data_type {
                DataType::Struct(fields) => match find_field(fields, name) {
                    Some(field) => field.data_type().clone(),
                    None => DataType::Null,
                },
                _ => DataType::Utf8View,
            };
            path = format!("{path}.{name}");
        }
        Ok(expr)
    }

    /// `container.name`: a field of a struct, or a member of JSON.
    fn field_of(
        &self,
        container: Expr,
        data_type: &DataType,
        path: &str,
        name: &str,
    ) -> Result<Expr, PlanProblem> {
        match data_type {
            DataType::Struct(fields) => match find_field(fields, name) {
                Some(field) => Ok(get_field(container, field.name().as_str())),
                None => {
                    let names = fields.iter().map(|field| field.name().as_str());
                    let hint = hint_for_name(name, names, "its fields are");
                    Err(PlanProblem::new(format!("`{path}` has no field `{name}`"), Some(name), hint))
                }
            },
            text if text.is_string() => {
                let key = lit(ScalarValue::Utf8(Some(name.to_owned())));
                Ok(self.json_call(&self.extract, container, key))
            }
            other => {
                let hint = match other {
                    DataType::List(_) => format!("its elements are reached by number from 1: `{path}[1]`"),
                    _ => "only a struct and JSON text have fields".to_owned(),
                };
                let other = type_name(&Field::new("", other.clone(), true));
                let message = format!("`{path}` is {other}, which has no field `{name}`");
                Err(PlanProblem::new(message, Some(name), Some(hint)))
            }
        }
    }

    /// `text[start:stop]`
    fn part_of_text(&self, text: Expr, start: Expr, stop: Expr) -> Expr {
        let is_open = matches!(&stop, Expr::Literal(ScalarValue::Int64(Some(-1)), _))
            || matches!(&stop, Expr::Negative(inner) if **inner == lit(1_i64));
        if is_open {
            return call(&self.substring, vec![text, start]);
        }
        let length =
            binary_expr(binary_expr(stop, Operator::Minus, start.clone()), Operator::Plus, lit(1_i64));
        call(&self.substring, vec![text, start, length])
    }

    /// The two sides of a comparison: JSON beside a number, truth value or time becomes one.
    fn compared(&self, left: Expr, right: Expr, schema: &DFSchema) -> Result<(Expr, Expr)> {
        let (_, left_field) = left.to_field(schema)?;
        let (_, right_field) = right.to_field(schema)?;
        if time::is_interval(left_field.data_type()) && time::is_interval(right_field.data_type()) {
            let length = |side: Expr| call(&self.interval_micros, vec![side]);
            return Ok((length(left), length(right)));
        }
        let as_other = |value: Expr, other: &Field| {
            if other.data_type().is_string() || other.data_type().is_null() || json::is_json(other) {
                return value;
            }
            try_cast(self.json_as_text(value), other.data_type().clone())
        };
        Ok(match (json::is_json(&left_field), json::is_json(&right_field)) {
            (true, false) => (as_other(left, &right_field), right),
            (false, true) => (left, as_other(right, &left_field)),
            _ => (left, right),
        })
    }
}

fn call(function: &Arc<ScalarUDF>, args: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), args))
}

/// A constant path that does not lead to a list.
fn is_single_path(path: &Expr) -> bool {
    match path {
        Expr::Literal(constant, _) => match constant.try_as_str() {
            Some(Some(text)) => {
                crate::json::parse_path(text).is_ok_and(|steps| !crate::json::leads_to_many(&steps))
            }
            _ => true,
        },
        _ => false,
    }
}

impl ExprPlanner for DialectPlanner {
    fn plan_binary_op(&self, raw: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = raw;
        let planned = match op {
            BinaryOperator::Arrow => self.json_call(&self.extract, left, right),
            BinaryOperator::LongArrow => self.json_call(&self.extract_string, left, right),
            BinaryOperator::Divide if divides_numbers(&left, &right, schema)? => {
                let double = |side: Expr| cast(side, DataType::Float64);
                binary_expr(double(left), Operator::Divide, double(right))
            }
            // The whole text has to match, as in DuckDB.
            BinaryOperator::PGRegexMatch => call(&self.full_match, vec![left, right]),
            BinaryOperator::PGRegexNotMatch => not(call(&self.full_match, vec![left, right])),
            BinaryOperator::Plus | BinaryOperator::Minus => {
                let kinds = (left.get_type(schema)?, right.get_type(schema)?);
                let is_plus = op == BinaryOperator::Plus;
                match self.time_arithmetic(is_plus, &left, &right, kinds) {
                    Some(planned) => planned,
                    None => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
                }
            }
            // Division by zero gives null.
            BinaryOperator::DuckIntegerDivide => binary_expr(left, Operator::Divide, zero_as_null(right)),
            BinaryOperator::Modulo => binary_expr(left, Operator::Modulo, zero_as_null(right)),
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => {
                let (left, right) = self.compared(left, right, schema)?;
                return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }));
            }
            op => return Ok(PlannerResult::Original(RawBinaryExpr { op, left, right })),
        };
        Ok(PlannerResult::Planned(planned))
    }

    fn plan_substring(&self, args: Vec<Expr>) -> Result<PlannerResult<Vec<Expr>>> {
        Ok(PlannerResult::Planned(call(&self.substring, args)))
    }

    fn plan_field_access(
        &self,
        raw: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        let RawFieldAccessExpr { field_access, expr } = raw;
        let (_, field) = expr.to_field(schema)?;
        let is_text = field.data_type().is_string();
        let planned = match field_access {
            GetFieldAccess::NamedStructField { name } => {
                let name = name.try_as_str().flatten().unwrap_or_default();
                self.field_of(expr, field.data_type(), field.name(), name)?
            }
            GetFieldAccess::ListIndex { key } if json::is_json(&field) => {
                self.json_call(&self.extract, expr, *key)
            }
            GetFieldAccess::ListIndex { key } if is_text => {
                call(&self.substring, vec![expr, *key, lit(1_i64)])
            }
            GetFieldAccess::ListRange { start, stop, .. } if is_text => {
                self.part_of_text(expr, *start, *stop)
            }
            field_access => return Ok(PlannerResult::Original(RawFieldAccessExpr { field_access, expr })),
        };
        Ok(PlannerResult::Planned(planned))
    }

    fn plan_compound_identifier(
        &self,
        field: &Field,
        qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let column = Expr::Column(Column::from((qualifier, field)));
        match self.nested_field(column, field, nested_names) {
            Ok(expr) => Ok(PlannerResult::Planned(expr)),
            // An error would only make the engine ask its other planners, which know less.
            Err(problem) => Ok(PlannerResult::Planned(call(&self.refused, problem.to_arguments()))),
        }
    }
}

/// Whether `/` divides two numbers one of which is no float: DuckDB gives a double then.
fn divides_numbers(left: &Expr, right: &Expr, schema: &DFSchema) -> Result<bool> {
    let is_exact = |data_type: &DataType| {
        data_type.is_integer() || data_type.is_null() || matches!(data_type, DataType::Decimal128(..))
    };
    Ok(is_exact(&left.get_type(schema)?) && is_exact(&right.get_type(schema)?))
}

/// The field called `name`, whatever its case.
fn find_field<'f>(fields: &'f Fields, name: &str) -> Option<&'f Field> {
    let exact = fields.iter().find(|field| field.name() == name);
    let found = exact.or_else(|| fields.iter().find(|field| field.name().eq_ignore_ascii_case(name)));
    found.map(AsRef::as_ref)
}

fn zero_as_null(divisor: Expr) -> Expr {
    match &divisor {
        Expr::Literal(ScalarValue::Int64(Some(number)), _) if *number != 0 => divisor,
        _ => nullif(divisor, lit(0_i64)),
    }
}
