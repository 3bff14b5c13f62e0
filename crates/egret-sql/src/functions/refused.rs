//! A call that stands for a mistake, where the engine takes no error from a planner. It has no type, so that
//! planning ends with the mistake.

use arrow::datatypes::FieldRef;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};

use super::definition::Function;
use crate::error::PlanProblem;

/// The name of the call. It takes the message, the word and the hint.
pub(crate) const REFUSED: &str = "refused";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    vec![Function::new(REFUSED, Signature::any(3, Volatility::Immutable), returns, evaluate)]
}

fn returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let text = |index: usize| {
        args.scalar_arguments.get(index).copied().flatten().and_then(ScalarValue::try_as_str).flatten()
    };
    let hint = text(2).map(str::to_owned);
    Err(PlanProblem::new(text(0).unwrap_or("this is refused"), text(1), hint).into())
}

fn evaluate(_: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    datafusion::common::internal_err!("a refused call is never planned")
}
