//! Functions over numbers.

use std::sync::Arc;

use arrow::array::{AsArray, Float64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};

use super::definition::{Function, column};

/// Rounds halves to the even neighbour, as casts of doubles to integers do.
pub(crate) const ROUND_EVEN: &str = "round_even";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new(ROUND_EVEN, Signature::any(1, Volatility::Immutable), round_even_returns, round_even)]
}

fn round_even_returns(_: &ReturnFieldArgs) -> Result<FieldRef> {
    Ok(Arc::new(Field::new(ROUND_EVEN, DataType::Float64, true)))
}

fn round_even(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let numbers = cast(&column(args, 0)?, &DataType::Float64)?;
    let rounded: Float64Array = numbers.as_primitive::<Float64Type>().unary(f64::round_ties_even);
    Ok(ColumnarValue::Array(Arc::new(rounded)))
}
