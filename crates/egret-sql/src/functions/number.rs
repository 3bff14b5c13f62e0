//! Functions over numbers.

use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, StringViewBuilder};
use arrow::compute::cast;
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};
use datafusion::physical_expr_common::datum::apply;

use super::definition::{Function, column, constant_text, text_column};
use crate::error::PlanProblem;

/// Rounds halves to the even neighbour, as casts of doubles to integers do.
pub(crate) const ROUND_EVEN: &str = "round_even";
/// Text that is a number with a fraction, rounded: halves go away from zero, as casts of text to integers do.
pub(crate) const INTEGER_TEXT: &str = "integer_text";
/// `+`, `-` and `*` of integers, failing where a result does not fit: the operators as text, then the numbers that
/// they join, from left to right. One call stands for a whole chain, so that long ones are not deep.
pub(crate) const ARITHMETIC: &str = "integer_arithmetic";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let any = |count: usize| Signature::any(count, Volatility::Immutable);
    vec![
        Function::new(ROUND_EVEN, any(1), round_even_returns, round_even),
        Function::new(INTEGER_TEXT, any(1), integer_text_returns, integer_text),
        Function::new(
            ARITHMETIC,
            Signature::variadic_any(Volatility::Immutable),
            arithmetic_returns,
            arithmetic,
        ),
    ]
}

/// The numbers have one type, and so has the result.
fn arithmetic_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let Some((_, numbers)) = args.arg_fields.split_first().filter(|(_, numbers)| !numbers.is_empty()) else {
        return Err(PlanProblem::new("operators and numbers are needed here", Some(ARITHMETIC), None).into());
    };
    let nullable = numbers.iter().any(|field| field.is_nullable());
    Ok(Arc::new(Field::new("number", numbers[0].data_type().clone(), nullable)))
}

fn arithmetic(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let operators = constant_text(args, 0).flatten().unwrap_or_default();
    let mut result = args.args[1].clone();
    for (operator, number) in operators.chars().zip(&args.args[2..]) {
        let compute = match operator {
            '+' => numeric::add,
            '-' => numeric::sub,
            _ => numeric::mul,
        };
        result = apply(&result, number, compute)?;
    }
    Ok(result)
}

fn integer_text_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    Ok(Arc::new(Field::new(INTEGER_TEXT, DataType::Utf8View, true)))
}

fn integer_text(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let texts = text_column(args, 0)?;
    let may_be_rounded = |text: &str| text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if !texts.iter().flatten().any(may_be_rounded) {
        return Ok(ColumnarValue::Array(Arc::new(texts)));
    }
    let mut rounded = StringViewBuilder::with_capacity(texts.len());
    for text in &texts {
        match text.filter(|text| may_be_rounded(text)).and_then(round_text) {
            Some(number) => rounded.append_value(number),
            // What is no number is told by the cast.
            None => rounded.append_option(text),
        }
    }
    Ok(ColumnarValue::Array(Arc::new(rounded.finish())))
}

/// `2.5` as `3` and `1e2` as `100`; `None` if `text` is no such number.
fn round_text(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(['e', 'E']) {
        let number: f64 = text.parse().ok()?;
        return Some(format!("{:.0}", number.round()));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.')?;
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let is_up = fraction.bytes().next().is_some_and(|digit| digit >= b'5');
    Some(format!("{sign}{}", whole.checked_add(i128::from(is_up))?))
}

fn round_even_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    Ok(Arc::new(Field::new(ROUND_EVEN, DataType::Float64, true)))
}

fn round_even(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let numbers = cast(&column(args, 0)?, &DataType::Float64)?;
    let rounded: Float64Array = numbers.as_primitive::<Float64Type>().unary(f64::round_ties_even);
    Ok(ColumnarValue::Array(Arc::new(rounded)))
}
