//! Functions over lists, and those that take a list or text.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Int64Array, ListArray, StringViewArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};

use super::definition::{Function, column, constant_text, text_column};
use crate::describe::type_name;
use crate::error::PlanProblem;

/// `x in list`
pub(crate) const LIST_CONTAINS: &str = "list_contains";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let any = |count: usize| Signature::any(count, Volatility::Immutable);
    vec![
        Function::new(LIST_CONTAINS, any(2), contains_returns, contains).with_aliases(&[
            "list_has",
            "array_contains",
            "array_has",
            "contains",
        ]),
        Function::new("length", any(1), length_returns, length).with_aliases(&[
            "len",
            "array_length",
            "list_length",
        ]),
    ]
}

fn contains_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let container = &args.arg_fields[0];
    let data_type = container.data_type();
    if !is_list(data_type) && !data_type.is_string() && !data_type.is_null() {
        let message =
            format!("a list is needed here, and `{}` is {}", container.name(), type_name(container));
        let hint = "write `x in (a, b)` for single values".to_owned();
        return Err(PlanProblem::new(message, Some(container.name()), Some(hint)).into());
    }
    Ok(Arc::new(Field::new(LIST_CONTAINS, DataType::Boolean, true)))
}

fn length_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let argument = &args.arg_fields[0];
    let data_type = argument.data_type();
    if !is_list(data_type) && !data_type.is_string() && !data_type.is_null() {
        let message =
            format!("`length` takes text or a list, and `{}` is {}", argument.name(), type_name(argument));
        return Err(PlanProblem::new(message, Some(argument.name()), None).into());
    }
    Ok(Arc::new(Field::new("length", DataType::Int64, true)))
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..))
}

/// Any kind of list as the usual one.
fn as_list(column: &ArrayRef) -> Result<ListArray> {
    let element = match column.data_type() {
        DataType::List(_) => return Ok(column.as_list::<i32>().clone()),
        DataType::LargeList(element) | DataType::FixedSizeList(element, _) => Arc::clone(element),
        other => return datafusion::common::internal_err!("{other} is no list"),
    };
    Ok(cast(column, &DataType::List(element))?.as_list::<i32>().clone())
}

/// Whether a list has a value, or a text another one. Null gives null; a null in the list is no value.
fn contains(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let container = column(args, 0)?;
    if container.data_type().is_null() {
        return Ok(ColumnarValue::Array(Arc::new(BooleanArray::new_null(args.number_rows))));
    }
    if !is_list(container.data_type()) {
        let texts = text_column(args, 0)?;
        let found = match constant_text(args, 1) {
            Some(Some(needle)) => arrow::compute::contains(&texts, &StringViewArray::new_scalar(needle))?,
            _ => arrow::compute::contains(&texts, &text_column(args, 1)?)?,
        };
        return Ok(ColumnarValue::Array(Arc::new(found)));
    }
    let lists = as_list(&container)?;
    let found = match &args.args[1] {
        ColumnarValue::Scalar(needle) => {
            contains_constant(&lists, &cast(&needle.to_array()?, &lists.value_type())?)?
        }
        ColumnarValue::Array(needles) => contains_each(&lists, &cast(needles, &lists.value_type())?)?,
    };
    Ok(ColumnarValue::Array(Arc::new(found)))
}

/// One value for all lists: compares all elements at once.
fn contains_constant(lists: &ListArray, needle: &ArrayRef) -> Result<BooleanArray> {
    if needle.is_null(0) {
        return Ok(BooleanArray::new_null(lists.len()));
    }
    let first = lists.value_offsets()[0] as usize;
    let last = lists.value_offsets()[lists.len()] as usize;
    let elements = lists.values().slice(first, last - first);
    let equal = equal_elements(&elements, needle)?;
    let mut found = BooleanBuilder::with_capacity(lists.len());
    for row in 0..lists.len() {
        if lists.is_null(row) {
            found.append_null();
            continue;
        }
        let from = lists.value_offsets()[row] as usize - first;
        let to = lists.value_offsets()[row + 1] as usize - first;
        found.append_value((from..to).any(|index| equal.is_valid(index) && equal.value(index)));
    }
    Ok(found.finish())
}

fn contains_each(lists: &ListArray, needles: &ArrayRef) -> Result<BooleanArray> {
    let mut found = BooleanBuilder::with_capacity(lists.len());
    for row in 0..lists.len() {
        if lists.is_null(row) || needles.is_null(row) {
            found.append_null();
            continue;
        }
        let equal = equal_elements(&lists.value(row), &needles.slice(row, 1))?;
        found.append_value(equal.iter().any(|is_equal| is_equal == Some(true)));
    }
    Ok(found.finish())
}

fn equal_elements(elements: &ArrayRef, needle: &ArrayRef) -> Result<BooleanArray> {
    if elements.data_type().is_nested() {
        // Nested values have no vectorised comparison.
        let needle = needle.slice(0, 1);
        return Ok((0..elements.len())
            .map(|index| Some(elements.slice(index, 1).as_ref() == needle.as_ref()))
            .collect());
    }
    Ok(arrow::compute::kernels::cmp::eq(elements, &arrow::array::Scalar::new(needle))?)
}

/// Characters of a text, or elements of a list.
fn length(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let column = column(args, 0)?;
    let lengths: Int64Array = if is_list(column.data_type()) {
        let lists = as_list(&column)?;
        (0..lists.len()).map(|row| lists.is_valid(row).then(|| i64::from(lists.value_length(row)))).collect()
    } else {
        let texts = text_column(args, 0)?;
        texts.iter().map(|text| text.map(|text| text.chars().count() as i64)).collect()
    };
    Ok(ColumnarValue::Array(Arc::new(lengths)))
}
