//! Functions over JSON text. Text that is not JSON has no values: they give null where DuckDB fails.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, ListBuilder, StringViewArray, StringViewBuilder, UInt64Array,
};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};

use super::definition::{Function, all_constant, column, text_column};
use crate::describe::type_name;
use crate::error::PlanProblem;
use crate::json::{self, Step};

/// `->`
pub(crate) const EXTRACT: &str = "json_extract";
/// `->>`
pub(crate) const EXTRACT_STRING: &str = "json_extract_string";

/// The mark of fields that hold JSON, which other Arrow software knows as well.
const EXTENSION_NAME_KEY: &str = "ARROW:extension:name";
const JSON_EXTENSION: &str = "arrow.json";

/// Whether a field is marked as holding JSON.
pub(crate) fn is_json(field: &Field) -> bool {
    field.metadata().get(EXTENSION_NAME_KEY).is_some_and(|name| name == JSON_EXTENSION)
}

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let any = || Signature::variadic_any(Volatility::Immutable);
    vec![
        Function::new(EXTRACT, any(), extract_returns, extract).with_aliases(&["json_extract_path"]),
        Function::new(EXTRACT_STRING, any(), extract_string_returns, extract_string)
            .with_aliases(&["json_extract_path_text"]),
        Function::new("json_exists", any(), exists_returns, exists),
        Function::new("json_type", any(), type_returns, type_of),
        Function::new("json_array_length", any(), length_returns, array_length),
        Function::new("json_keys", any(), keys_returns, keys),
        Function::new("json_valid", any(), valid_returns, valid),
        Function::new("json", any(), json_returns, to_json_text),
    ]
}

/// A field that is marked as holding JSON.
pub(crate) fn json_field(name: &str) -> Field {
    let mark = HashMap::from([(EXTENSION_NAME_KEY.to_owned(), JSON_EXTENSION.to_owned())]);
    Field::new(name, DataType::Utf8View, true).with_metadata(mark)
}

fn list_of(element: Field) -> DataType {
    DataType::List(Arc::new(element.with_name("element")))
}

fn extract_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    if constant_path_leads_to_many(EXTRACT, args, 2)? {
        return Ok(Arc::new(Field::new(EXTRACT, list_of(json_field("element")), true)));
    }
    Ok(Arc::new(json_field(EXTRACT)))
}

fn extract_string_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    let many = constant_path_leads_to_many(EXTRACT_STRING, args, 1)?;
    let data_type =
        if many { list_of(Field::new("element", DataType::Utf8View, true)) } else { DataType::Utf8View };
    Ok(Arc::new(Field::new(EXTRACT_STRING, data_type, true)))
}

fn exists_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json_exists", args, 2)?;
    Ok(Arc::new(Field::new("json_exists", DataType::Boolean, true)))
}

fn type_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json_type", args, 1)?;
    Ok(Arc::new(Field::new("json_type", DataType::Utf8View, true)))
}

fn length_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json_array_length", args, 1)?;
    Ok(Arc::new(Field::new("json_array_length", DataType::UInt64, true)))
}

fn keys_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json_keys", args, 1)?;
    let element = Field::new("element", DataType::Utf8View, true);
    Ok(Arc::new(Field::new("json_keys", list_of(element), true)))
}

fn valid_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json_valid", args, 1)?;
    Ok(Arc::new(Field::new("json_valid", DataType::Boolean, true)))
}

fn json_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    constant_path_leads_to_many("json", args, 1)?;
    Ok(Arc::new(json_field("json")))
}

/// Checks the arguments of a call; true if its constant path leads to a list of values.
fn constant_path_leads_to_many(name: &str, args: &ReturnFieldArgs, at_least: usize) -> Result<bool> {
    let Some(document) = args.arg_fields.first().filter(|_| args.arg_fields.len() >= at_least) else {
        let message = format!("`{name}` needs {at_least} arguments, not {}", args.arg_fields.len());
        return Err(PlanProblem::new(message, Some(name), None).into());
    };
    check_is_text(name, document)?;
    let mut many = false;
    for (index, field) in args.arg_fields.iter().enumerate().skip(1) {
        let is_step =
            field.data_type().is_string() || field.data_type().is_integer() || field.data_type().is_null();
        if !is_step {
            let message = format!("a JSON path is text or a number, not {}", field.data_type());
            return Err(PlanProblem::new(message, None, None).into());
        }
        if let Some(Some(constant)) = args.scalar_arguments.get(index) {
            many |= constant_steps(constant)?.is_some_and(|steps| json::leads_to_many(&steps));
        }
    }
    Ok(many)
}

fn check_is_text(name: &str, field: &Field) -> Result<()> {
    let data_type = field.data_type();
    if data_type.is_string() || data_type.is_null() {
        return Ok(());
    }
    let sign = match name {
        EXTRACT => "->",
        EXTRACT_STRING => "->>",
        other => other,
    };
    let hint = match data_type {
        DataType::Struct(_) => Some(format!("its fields are reached with a dot: `{}.field`", field.name())),
        DataType::List(_) | DataType::LargeList(_) => {
            Some(format!("its elements are reached by number from 1: `{}[1]`", field.name()))
        }
        _ => None,
    };
    let kind = type_name(field);
    let message = format!("`{sign}` reads JSON text, and `{}` is {kind}", field.name());
    Err(PlanProblem::new(message, Some(field.name()), hint).into())
}

/// The steps that a constant argument stands for; `None` if it is null.
fn constant_steps(constant: &ScalarValue) -> Result<Option<Vec<Step>>> {
    if let Some(text) = constant.try_as_str() {
        return text.map(parse_path).transpose();
    }
    if constant.is_null() {
        return Ok(None);
    }
    match constant.cast_to(&DataType::Int64)? {
        ScalarValue::Int64(Some(index)) => Ok(Some(vec![Step::Index(index)])),
        _ => Ok(None),
    }
}

fn parse_path(text: &str) -> Result<Vec<Step>> {
    json::parse_path(text).map_err(|message| {
        let hint = "write it like `$.user.groups[0]`, or a plain key like `user`";
        PlanProblem::new(message, None, Some(hint.to_owned())).into()
    })
}

/// Where the path of a call comes from.
enum Path {
    Constant(Vec<Step>),
    Null,
    /// One path a row.
    Column(ArrayRef),
}

fn path_of(args: &ScalarFunctionArgs) -> Result<Path> {
    let mut steps = Vec::new();
    for (index, arg) in args.args.iter().enumerate().skip(1) {
        let ColumnarValue::Scalar(constant) = arg else {
            if args.args.len() > 2 {
                return datafusion::common::exec_err!("only one JSON path may be a column");
            }
            return Ok(Path::Column(column(args, index)?));
        };
        match constant_steps(constant)? {
            Some(more) => steps.extend(more),
            None => return Ok(Path::Null),
        }
    }
    Ok(Path::Constant(steps))
}

/// Calls `take` with the document and the steps of each row; `None` for a row without one of them.
fn for_each_row(args: &ScalarFunctionArgs, mut take: impl FnMut(Option<(&str, &[Step])>)) -> Result<()> {
    let documents = text_column(args, 0)?;
    match path_of(args)? {
        Path::Constant(steps) => {
            documents.iter().for_each(|json| take(json.map(|json| (json, steps.as_slice()))))
        }
        Path::Null => documents.iter().for_each(|_| take(None)),
        Path::Column(paths) => {
            for (row, json) in documents.iter().enumerate() {
                let steps = if paths.is_null(row) { None } else { steps_at(&paths, row)? };
                take(json.zip(steps.as_deref()));
            }
        }
    }
    Ok(())
}

fn steps_at(paths: &ArrayRef, row: usize) -> Result<Option<Vec<Step>>> {
    if let Some(indexes) = paths.as_primitive_opt::<Int64Type>() {
        return Ok(Some(vec![Step::Index(indexes.value(row))]));
    }
    constant_steps(&ScalarValue::try_from_array(paths, row)?)
}

fn extract(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    if let DataType::List(element) = args.return_type() {
        return extract_lists(args, Arc::clone(element), |value, list| {
            list.append_value(json::to_compact(value));
        });
    }
    let mut values = StringViewBuilder::with_capacity(args.number_rows);
    for_each_row(args, |row| {
        values.append_option(row.and_then(|(json, steps)| json::find(json, steps)).map(json::to_compact));
    })?;
    finish(args, Arc::new(values.finish()))
}

fn extract_string(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    if let DataType::List(element) = args.return_type() {
        return extract_lists(args, Arc::clone(element), |value, list| {
            list.append_option(json::to_text(value));
        });
    }
    let mut values = StringViewBuilder::with_capacity(args.number_rows);
    for_each_row(args, |row| {
        values.append_option(row.and_then(|(json, steps)| json::find(json, steps)).and_then(json::to_text));
    })?;
    finish(args, Arc::new(values.finish()))
}

fn extract_lists(
    args: &ScalarFunctionArgs,
    element: FieldRef,
    append: impl Fn(&str, &mut StringViewBuilder),
) -> Result<ColumnarValue> {
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(element);
    for_each_row(args, |row| {
        let Some((json, steps)) = row else { return lists.append_null() };
        for value in json::find_all(json, steps) {
            append(value, lists.values());
        }
        lists.append(true);
    })?;
    finish(args, Arc::new(lists.finish()))
}

fn exists(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let mut values = Vec::with_capacity(args.number_rows);
    for_each_row(args, |row| values.push(row.map(|(json, steps)| json::find(json, steps).is_some())))?;
    finish(args, Arc::new(BooleanArray::from(values)))
}

fn type_of(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let mut values = StringViewBuilder::with_capacity(args.number_rows);
    for_each_row(args, |row| {
        let value = row.and_then(|(json, steps)| json::find(json, steps));
        values.append_option(value.and_then(json::type_name));
    })?;
    finish(args, Arc::new(values.finish()))
}

fn array_length(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let mut values = Vec::with_capacity(args.number_rows);
    for_each_row(args, |row| {
        let value = row.and_then(|(json, steps)| json::find(json, steps));
        // As in DuckDB, what is no array has length 0.
        let length = |value: &str| match value.starts_with('[') {
            true => json::children(value).map_or(0, |children| children.len() as u64),
            false => 0,
        };
        values.push(value.map(length));
    })?;
    finish(args, Arc::new(UInt64Array::from(values)))
}

fn keys(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let element = Arc::new(Field::new("element", DataType::Utf8View, true));
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(element);
    for_each_row(args, |row| {
        let Some(value) = row.and_then(|(json, steps)| json::find(json, steps)) else {
            return lists.append_null();
        };
        for key in json::keys(value).unwrap_or_default() {
            lists.values().append_value(key);
        }
        lists.append(true);
    })?;
    finish(args, Arc::new(lists.finish()))
}

fn valid(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let documents = text_column(args, 0)?;
    let values: BooleanArray =
        documents.iter().map(|json| json.map(|json| json::type_name(json).is_some())).collect();
    finish(args, Arc::new(values))
}

fn to_json_text(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let documents = text_column(args, 0)?;
    let values: StringViewArray = documents
        .iter()
        .map(|json| {
            json.filter(|json| json::type_name(json).is_some()).map(|json| json::to_compact(json.trim()))
        })
        .collect();
    finish(args, Arc::new(values))
}

/// A constant if all arguments are, else a column.
fn finish(args: &ScalarFunctionArgs, values: ArrayRef) -> Result<ColumnarValue> {
    if all_constant(args) && values.len() == 1 {
        return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&values, 0)?));
    }
    Ok(ColumnarValue::Array(values))
}
