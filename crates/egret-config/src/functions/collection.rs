//! Functions over lists and maps.

use super::{Call, Function, Mistake, Outcome, integer, string, to_bool, to_text, wrong};
use crate::place::Located;
use crate::value::{Number, Value, ValueKind};

/// The longest list that `range` makes, as in Terraform.
const MAX_RANGE: usize = 1024;

pub(super) const FUNCTIONS: [Function; 29] = [
    Function::new("concat(lists...)", "one list with the items of all", concat),
    Function::new("length(value)", "how many items, keys or characters `value` has", length),
    Function::new("keys(map)", "the keys of `map`, sorted", |call| {
        Ok(call.make_list(sorted_entries(call.map(0)?).into_iter().map(|(key, _)| string(&key.value))))
    }),
    Function::new("values(map)", "the values of `map`, sorted by key", |call| {
        Ok(ValueKind::List(
            sorted_entries(call.map(0)?).into_iter().map(|(_, value)| value.clone()).collect(),
        ))
    }),
    Function::new("merge(maps...)", "one map with the entries of all; later ones win", merge),
    Function::new("lookup(map, key, default?)", "the value of `key` in `map`, or the default", lookup),
    Function::new("contains(list, value)", "whether `value` is in `list`", |call| {
        let wanted = call.value(1)?;
        Ok(ValueKind::Bool(call.list(0)?.iter().any(|item| item.same_as(wanted))))
    }),
    Function::new("index(list, value)", "the position of `value` in `list`, counted from 0", |call| {
        let wanted = call.value(1)?;
        let position = call.list(0)?.iter().position(|item| item.same_as(wanted));
        position.map(integer).ok_or_else(|| Mistake::new("the value is not in the list").at(1))
    }),
    Function::new("coalesce(values...)", "the first value that is neither null nor an empty text", coalesce),
    Function::new("coalescelist(lists...)", "the first list that is not empty", coalescelist),
    Function::new("compact(list)", "`list` without nulls and empty texts", |call| {
        let keep = |item: &&Value| item.kind != ValueKind::Null && item.as_str() != Some("");
        Ok(ValueKind::List(call.list(0)?.iter().filter(keep).cloned().collect()))
    }),
    Function::new("distinct(list)", "`list` with each value once", |call| {
        Ok(ValueKind::List(distinct(call.list(0)?)))
    }),
    Function::new("flatten(list)", "`list` with the items of the lists in it, at any depth", |call| {
        let mut flat = Vec::new();
        flatten(call.list(0)?, &mut flat);
        Ok(ValueKind::List(flat))
    }),
    Function::new("sort(list)", "`list` of texts in alphabetical order", |call| {
        let mut texts = call.texts(0)?;
        texts.sort();
        Ok(call.make_list(texts.into_iter().map(string)))
    }),
    Function::new("reverse(list)", "`list` backwards", |call| {
        Ok(ValueKind::List(call.list(0)?.iter().rev().cloned().collect()))
    }),
    Function::new("element(list, index)", "the item at `index`, starting over at the end", element),
    Function::new("slice(list, start, end)", "the items from `start` up to, not including, `end`", slice),
    Function::new("chunklist(list, size)", "`list` as lists of `size` items", chunklist),
    Function::new(
        "range(start, limit?, step?)",
        "numbers from `start` (or 0) up to, not including, `limit`",
        range,
    ),
    Function::new("one(list)", "the only item of `list`, or null if it is empty", |call| {
        match call.list(0)? {
            [] => Ok(ValueKind::Null),
            [only] => Ok(only.kind.clone()),
            more => Err(Mistake::new(format!("the list has {} items", more.len())).at(0)),
        }
    }),
    Function::new("alltrue(list)", "whether all items are true", |call| {
        Ok(ValueKind::Bool(truths(call)?.into_iter().all(|item| item)))
    }),
    Function::new("anytrue(list)", "whether an item is true", |call| {
        Ok(ValueKind::Bool(truths(call)?.into_iter().any(|item| item)))
    }),
    Function::new("zipmap(keys, values)", "a map of both lists, item by item", zipmap),
    Function::new("setunion(lists...)", "each value that is in any of the lists", |call| {
        let mut all = Vec::new();
        for index in 0..call.arguments.len() {
            all.extend_from_slice(call.list(index)?);
        }
        Ok(ValueKind::List(distinct(&all)))
    }),
    Function::new("setintersection(first, lists...)", "each value that is in all of the lists", |call| {
        let mut kept = distinct(call.list(0)?);
        for index in 1..call.arguments.len() {
            let other = call.list(index)?;
            kept.retain(|item| has(other, item));
        }
        Ok(ValueKind::List(kept))
    }),
    Function::new("setsubtract(list, without)", "each value of `list` that is not in `without`", |call| {
        let without = call.list(1)?;
        let mut kept = distinct(call.list(0)?);
        kept.retain(|item| !has(without, item));
        Ok(ValueKind::List(kept))
    }),
    Function::new("tolist(value)", "`value` as list", |call| Ok(ValueKind::List(call.list(0)?.to_vec()))),
    Function::new("toset(list)", "`list` with each value once", |call| {
        Ok(ValueKind::List(distinct(call.list(0)?)))
    }),
    Function::new("tomap(map)", "`map` as it is", |call| Ok(ValueKind::Map(call.map(0)?.to_vec()))),
];

fn has(list: &[Value], wanted: &Value) -> bool {
    list.iter().any(|item| item.same_as(wanted))
}

fn sorted_entries(entries: &[(Located<String>, Value)]) -> Vec<&(Located<String>, Value)> {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by(|left, right| left.0.value.cmp(&right.0.value));
    sorted
}

fn concat(call: &Call<'_>) -> Outcome {
    let mut all = Vec::new();
    for index in 0..call.arguments.len() {
        all.extend_from_slice(call.list(index)?);
    }
    Ok(ValueKind::List(all))
}

fn length(call: &Call<'_>) -> Outcome {
    let value = call.value(0)?;
    match &value.kind {
        ValueKind::String(text) => Ok(integer(text.chars().count())),
        ValueKind::List(items) => Ok(integer(items.len())),
        ValueKind::Map(entries) => Ok(integer(entries.len())),
        _ => Err(wrong(0, "a list, a map or a string", value)),
    }
}

fn merge(call: &Call<'_>) -> Outcome {
    let mut merged: Vec<(Located<String>, Value)> = Vec::new();
    for index in 0..call.arguments.len() {
        if !call.has(index) {
            continue;
        }
        for (key, value) in call.map(index)? {
            match merged.iter_mut().find(|(known, _)| known.value == key.value) {
                Some((_, known)) => *known = value.clone(),
                None => merged.push((key.clone(), value.clone())),
            }
        }
    }
    Ok(ValueKind::Map(merged))
}

fn lookup(call: &Call<'_>) -> Outcome {
    let key = call.text(1)?;
    let found = call.map(0)?.iter().find(|(known, _)| known.value == key);
    match (found, call.arguments.get(2)) {
        (Some((_, value)), _) => Ok(value.kind.clone()),
        (None, Some(default)) => Ok(default.kind.clone()),
        (None, None) => Err(Mistake::new(format!("there is no key `{key}`")).at(1).hint("give a default")),
    }
}

fn coalesce(call: &Call<'_>) -> Outcome {
    let usable = |value: &&Value| value.kind != ValueKind::Null && value.as_str() != Some("");
    let found = call.rest(0).iter().find(usable);
    found.map(|value| value.kind.clone()).ok_or_else(|| Mistake::new("all values are null or empty"))
}

fn coalescelist(call: &Call<'_>) -> Outcome {
    for index in 0..call.arguments.len() {
        let list = call.list(index)?;
        if !list.is_empty() {
            return Ok(ValueKind::List(list.to_vec()));
        }
    }
    Err(Mistake::new("all lists are empty"))
}

fn distinct(items: &[Value]) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for item in items {
        if !has(&distinct, item) {
            distinct.push(item.clone());
        }
    }
    distinct
}

/// The depth of values is bounded where they are made.
fn flatten(items: &[Value], flat: &mut Vec<Value>) {
    for item in items {
        match &item.kind {
            ValueKind::List(inner) => flatten(inner, flat),
            _ => flat.push(item.clone()),
        }
    }
}

fn element(call: &Call<'_>) -> Outcome {
    let (items, index) = (call.list(0)?, call.integer(1)?);
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    if length == 0 {
        return Err(Mistake::new("the list is empty").at(0));
    }
    let position = usize::try_from(index.rem_euclid(length)).unwrap_or_default();
    Ok(items[position].kind.clone())
}

fn slice(call: &Call<'_>) -> Outcome {
    let items = call.list(0)?;
    let bounds = (usize::try_from(call.integer(1)?), usize::try_from(call.integer(2)?));
    let (Ok(start), Ok(end)) = bounds else {
        return Err(Mistake::new("start and end are counted from 0").at(1));
    };
    match items.get(start..end) {
        Some(part) => Ok(ValueKind::List(part.to_vec())),
        None => {
            Err(Mistake::new(format!("{start} to {end} lies outside of a list of {}", items.len())).at(1))
        }
    }
}

fn chunklist(call: &Call<'_>) -> Outcome {
    let size = usize::try_from(call.integer(1)?).ok().filter(|size| *size > 0);
    let size = size.ok_or_else(|| Mistake::new("the size must be at least 1").at(1))?;
    Ok(call.make_list(call.list(0)?.chunks(size).map(|chunk| ValueKind::List(chunk.to_vec()))))
}

fn range(call: &Call<'_>) -> Outcome {
    let (start, limit) = match call.has(1) {
        true => (call.integer(0)?, call.integer(1)?),
        false => (0, call.integer(0)?),
    };
    let step = match call.has(2) {
        true => call.integer(2)?,
        false if limit < start => -1,
        false => 1,
    };
    if step == 0 && start != limit {
        return Err(Mistake::new("the step must not be 0").at(2));
    }
    let mut numbers = Vec::new();
    let mut next = start;
    while (step > 0 && next < limit) || (step < 0 && next > limit) {
        if numbers.len() == MAX_RANGE {
            return Err(Mistake::new(format!("more than {MAX_RANGE} numbers")));
        }
        numbers.push(ValueKind::Number(Number::Integer(next.into())));
        next = next.saturating_add(step);
    }
    Ok(call.make_list(numbers))
}

fn truths(call: &Call<'_>) -> Result<Vec<bool>, Mistake> {
    call.list(0)?
        .iter()
        .map(|item| to_bool(item).ok_or_else(|| wrong(0, "a list of booleans", item)))
        .collect()
}

fn zipmap(call: &Call<'_>) -> Outcome {
    let (keys, values) = (call.list(0)?, call.list(1)?);
    if keys.len() != values.len() {
        return Err(Mistake::new(format!("{} keys and {} values", keys.len(), values.len())));
    }
    let mut entries: Vec<(Located<String>, Value)> = Vec::new();
    for (key, value) in keys.iter().zip(values) {
        let text = to_text(key).ok_or_else(|| wrong(0, "a list of strings", key))?;
        if entries.iter().any(|(known, _)| known.value == text) {
            return Err(Mistake::new(format!("the key `{text}` is there twice")).at(0));
        }
        entries.push((Located::new(text.into_owned(), key.location.clone()), value.clone()));
    }
    Ok(ValueKind::Map(entries))
}
