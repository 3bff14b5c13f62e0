//! Functions over text. Places count characters from 1; negative ones count from the end.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, ListBuilder, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, Signature, Volatility};
use regex::{Regex, RegexBuilder};

use super::definition::{Function, column, constant_text, text_column};
use crate::describe::type_name;
use crate::error::PlanProblem;

/// `substring`, and `text[2:3]`
pub(crate) const SUBSTRING: &str = "substr";
/// `~`
pub(crate) const FULL_MATCH: &str = "regexp_full_match";

/// All functions of this file.
pub(super) fn functions() -> Vec<Function> {
    let any = |count: usize| Signature::any(count, Volatility::Immutable);
    let some = || Signature::variadic_any(Volatility::Immutable);
    vec![
        Function::new(SUBSTRING, some(), text_returns, substring).with_aliases(&["substring"]),
        Function::new("strlen", any(1), number_returns, byte_length),
        Function::new("string_split", any(2), list_returns, string_split).with_aliases(&[
            "str_split",
            "split",
            "string_to_array",
            "string_to_list",
        ]),
        Function::new("regexp_matches", some(), match_returns, regexp_matches).with_aliases(&["regexp_like"]),
        Function::new(FULL_MATCH, some(), match_returns, regexp_full_match),
        Function::new("regexp_extract", some(), extract_returns, regexp_extract),
        Function::new("regexp_extract_all", some(), extract_all_returns, regexp_extract_all),
    ]
}

fn text_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check(args, DataType::Utf8View)
}

fn number_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check(args, DataType::Int64)
}

fn truth_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check(args, DataType::Boolean)
}

fn list_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check(args, DataType::List(Arc::new(list_element())))
}

fn list_element() -> Field {
    Field::new("element", DataType::Utf8View, true)
}

fn check(args: &ReturnFieldArgs, data_type: DataType) -> Result<FieldRef> {
    let Some(text) = args.arg_fields.first() else {
        return Err(PlanProblem::new("a function over text needs the text", None, None).into());
    };
    if !text.data_type().is_string() && !text.data_type().is_null() {
        let hint = format!("cast it first: `{}::varchar`", text.name());
        let message = format!("text is needed here, and `{}` is {}", text.name(), type_name(text));
        return Err(PlanProblem::new(message, Some(text.name()), Some(hint)).into());
    }
    Ok(Arc::new(Field::new("text", data_type, true)))
}

fn match_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_pattern(args)?;
    truth_returns(args)
}

fn extract_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_pattern(args)?;
    text_returns(args)
}

fn extract_all_returns(args: &ReturnFieldArgs) -> Result<FieldRef> {
    check_pattern(args)?;
    list_returns(args)
}

/// A constant pattern that is none is a mistake to be told before any row is seen.
fn check_pattern(args: &ReturnFieldArgs) -> Result<()> {
    if args.arg_fields.len() < 2 {
        return Err(PlanProblem::new("a regular expression is missing", None, None).into());
    }
    if let Some(Some(Some(pattern))) = args.scalar_arguments[1].map(ScalarValue::try_as_str) {
        compile(pattern, "", false)?;
    }
    Ok(())
}

fn numbers(args: &ScalarFunctionArgs, index: usize) -> Result<Int64Array> {
    let numbers = cast(&column(args, index)?, &DataType::Int64)?;
    Ok(numbers.as_primitive::<Int64Type>().clone())
}

fn substring(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    if !(2..=3).contains(&args.args.len()) {
        return Err(PlanProblem::new(
            "`substring` takes a text, a start and a length",
            Some("substring"),
            None,
        )
        .into());
    }
    let texts = text_column(args, 0)?;
    let starts = numbers(args, 1)?;
    let lengths = if args.args.len() == 3 { Some(numbers(args, 2)?) } else { None };
    let mut parts = StringViewBuilder::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let length_is_null = lengths.as_ref().is_some_and(|lengths| lengths.is_null(row));
        let Some(text) = text.filter(|_| starts.is_valid(row) && !length_is_null) else {
            parts.append_null();
            continue;
        };
        let length = lengths.as_ref().map_or(i64::from(u32::MAX), |lengths| lengths.value(row));
        parts.append_value(part_of(text, starts.value(row), length));
    }
    Ok(ColumnarValue::Array(Arc::new(parts.finish())))
}

/// `length` characters of `text` from `start`; a negative length goes to the left.
fn part_of(text: &str, start: i64, length: i64) -> &str {
    let count = text.chars().count() as i64;
    // There is no place 0: it is one before the first, and takes one of the length.
    let length = if start == 0 { length - 1 } else { length };
    let from = match start {
        1.. => (start - 1).min(count),
        0 => 0,
        _ => count.saturating_add(start),
    };
    let (from, to) = match length {
        0.. => (from, from.saturating_add(length)),
        _ => (from.saturating_add(length), from),
    };
    let (from, to) = (from.clamp(0, count), to.clamp(0, count));
    let offset =
        |place: i64| text.char_indices().nth(place as usize).map_or(text.len(), |(offset, _)| offset);
    &text[offset(from)..offset(to)]
}

fn byte_length(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let lengths: Int64Array =
        text_column(args, 0)?.iter().map(|text| text.map(|text| text.len() as i64)).collect();
    Ok(ColumnarValue::Array(Arc::new(lengths)))
}

fn string_split(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let (texts, separators) = (text_column(args, 0)?, text_column(args, 1)?);
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(list_element());
    for (text, separator) in texts.iter().zip(separators.iter()) {
        let Some(text) = text else {
            lists.append_null();
            continue;
        };
        match separator {
            None => lists.values().append_value(text),
            Some("") => text.chars().for_each(|c| lists.values().append_value(c.encode_utf8(&mut [0; 4]))),
            Some(separator) => text.split(separator).for_each(|part| lists.values().append_value(part)),
        }
        lists.append(true);
    }
    Ok(ColumnarValue::Array(Arc::new(lists.finish())))
}

/// Calls `take` with each text and its pattern; `None` if one of them is null.
fn for_each_match(
    args: &ScalarFunctionArgs,
    options: &str,
    is_full: bool,
    mut take: impl FnMut(Option<(&str, &Regex)>),
) -> Result<()> {
    let texts = text_column(args, 0)?;
    if let Some(constant) = constant_text(args, 1) {
        let regex = constant.map(|pattern| compiled(pattern, options, is_full)).transpose()?;
        texts.iter().for_each(|text| take(text.zip(regex.as_deref())));
        return Ok(());
    }
    let patterns = text_column(args, 1)?;
    for (text, pattern) in texts.iter().zip(patterns.iter()) {
        let regex = pattern.map(|pattern| compiled(pattern, options, is_full)).transpose()?;
        take(text.zip(regex.as_deref()));
    }
    Ok(())
}

/// So many compiled patterns are kept by each thread.
const MAX_COMPILED: usize = 256;

thread_local! {
    /// What was compiled, by pattern, options, and whether it is to match the whole text.
    static COMPILED: RefCell<HashMap<(String, String, bool), Rc<Regex>>> = RefCell::default();
}

/// The pattern, compiled now or for an earlier batch: compiling it takes as long as matching thousands of texts.
fn compiled(pattern: &str, options: &str, is_full: bool) -> Result<Rc<Regex>> {
    let key = (pattern.to_owned(), options.to_owned(), is_full);
    COMPILED.with_borrow_mut(|compiled| {
        if let Some(regex) = compiled.get(&key) {
            // Not a copy of the expression itself, which would begin with an empty cache.
            return Ok(Rc::clone(regex));
        }
        let regex = Rc::new(compile(pattern, options, is_full)?);
        if compiled.len() >= MAX_COMPILED {
            // Patterns out of a column: there may be any number of them.
            compiled.clear();
        }
        compiled.insert(key, Rc::clone(&regex));
        Ok(regex)
    })
}

fn compile(pattern: &str, options: &str, is_full: bool) -> Result<Regex> {
    let anchored = if is_full { format!("^(?:{pattern})$") } else { pattern.to_owned() };
    let regex = RegexBuilder::new(&anchored)
        .case_insensitive(options.contains('i'))
        .dot_matches_new_line(options.contains('s'))
        .multi_line(options.contains('m') && !is_full)
        .build();
    regex.map_err(|error| {
        // The last line of the message says what is wrong, those before draw the place.
        let reason = error.to_string().lines().last().unwrap_or_default().replace("error: ", "");
        PlanProblem::new(format!("`{pattern}` is not a regular expression: {reason}"), None, None).into()
    })
}

/// The constant options of a call, such as `i`.
fn options(args: &ScalarFunctionArgs, index: usize) -> Result<&str> {
    if args.args.len() <= index {
        return Ok("");
    }
    match constant_text(args, index) {
        Some(options) => Ok(options.unwrap_or_default()),
        None => Err(PlanProblem::new("options of a regular expression are constant text", None, None).into()),
    }
}

fn regexp_matches(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    matches(args, false)
}

fn regexp_full_match(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    matches(args, true)
}

fn matches(args: &ScalarFunctionArgs, is_full: bool) -> Result<ColumnarValue> {
    let mut found = Vec::with_capacity(args.number_rows);
    for_each_match(args, options(args, 2)?, is_full, |row| {
        found.push(row.map(|(text, regex)| regex.is_match(text)))
    })?;
    Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
}

/// Which group of the pattern a call asks for: 0 is all of it.
fn group(args: &ScalarFunctionArgs) -> Result<usize> {
    let Some(argument) = args.args.get(2) else { return Ok(0) };
    let group = match argument {
        ColumnarValue::Scalar(constant) => match constant.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(number) => number.and_then(|number| usize::try_from(number).ok()),
            _ => None,
        },
        ColumnarValue::Array(_) => None,
    };
    group.ok_or_else(|| {
        PlanProblem::new("the group of a regular expression is a constant number", None, None).into()
    })
}

/// The first match; empty text if there is none.
fn regexp_extract(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let group = group(args)?;
    let mut found = StringViewBuilder::with_capacity(args.number_rows);
    for_each_match(args, options(args, 3)?, false, |row| {
        let first = row.map(|(text, regex)| {
            let captures = regex.captures(text);
            captures.and_then(|captures| captures.get(group)).map_or("", |part| part.as_str())
        });
        found.append_option(first);
    })?;
    Ok(ColumnarValue::Array(Arc::new(found.finish())))
}

fn regexp_extract_all(args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
    let group = group(args)?;
    let mut lists = ListBuilder::new(StringViewBuilder::new()).with_field(list_element());
    for_each_match(args, options(args, 3)?, false, |row| {
        let Some((text, regex)) = row else { return lists.append_null() };
        for captures in regex.captures_iter(text) {
            lists.values().append_value(captures.get(group).map_or("", |part| part.as_str()));
        }
        lists.append(true);
    })?;
    Ok(ColumnarValue::Array(Arc::new(lists.finish())))
}
