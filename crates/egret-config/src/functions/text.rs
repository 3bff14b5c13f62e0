//! Functions over text.

mod format;

use super::{Call, Function, Mistake, Outcome, integer, string, to_bool, to_number, to_text, wrong};
use crate::value::{Number, Value, ValueKind};

/// The longest text that `format` and `indent` pad to.
const MAX_PADDING: usize = 64 << 10;

pub(super) const FUNCTIONS: [Function; 24] = [
    Function::new("upper(text)", "`text` in upper case", |call| Ok(string(call.text(0)?.to_uppercase()))),
    Function::new("lower(text)", "`text` in lower case", |call| Ok(string(call.text(0)?.to_lowercase()))),
    Function::new("title(text)", "`text` with each word's first letter in upper case", title),
    Function::new("trim(text, characters)", "`text` without these characters at both ends", trim),
    Function::new("trimspace(text)", "`text` without white space at both ends", |call| {
        Ok(string(call.text(0)?.trim()))
    }),
    Function::new("trimprefix(text, prefix)", "`text` without `prefix` at its start", trimprefix),
    Function::new("trimsuffix(text, suffix)", "`text` without `suffix` at its end", trimsuffix),
    Function::new("chomp(text)", "`text` without line ends at its end", |call| {
        Ok(string(call.text(0)?.trim_end_matches(['\n', '\r'])))
    }),
    Function::new("indent(spaces, text)", "`text` with all lines but the first indented", indent),
    Function::new("split(separator, text)", "the parts of `text` between the separators, as a list", split),
    Function::new("join(separator, list...)", "the items of the lists with the separator between", join),
    Function::new("substr(text, offset, length)", "characters of `text`; a length of -1 means all", substr),
    Function::new("strrev(text)", "`text` backwards", |call| {
        Ok(string(call.text(0)?.chars().rev().collect::<String>()))
    }),
    Function::new("startswith(text, prefix)", "whether `text` starts with `prefix`", |call| {
        Ok(ValueKind::Bool(call.text(0)?.starts_with(&*call.text(1)?)))
    }),
    Function::new("endswith(text, suffix)", "whether `text` ends with `suffix`", |call| {
        Ok(ValueKind::Bool(call.text(0)?.ends_with(&*call.text(1)?)))
    }),
    Function::new("strcontains(text, part)", "whether `part` occurs in `text`", |call| {
        Ok(ValueKind::Bool(call.text(0)?.contains(&*call.text(1)?)))
    }),
    Function::new("strlen(text)", "the number of characters of `text`", |call| {
        Ok(integer(call.text(0)?.chars().count()))
    }),
    Function::new("format(format, values...)", "`format` with `%s`, `%d`, `%q`, … filled in", |call| {
        format::format(&call.text(0)?, call.arguments, 1).map(string)
    }),
    Function::new("formatlist(format, lists...)", "as `format`, once for each item of the lists", formatlist),
    Function::new("tostring(value)", "`value` as text", |call| match call.value(0)? {
        Value { kind: ValueKind::Null, .. } => Ok(ValueKind::Null),
        value => to_text(value).map(string).ok_or_else(|| wrong(0, "a plain value", value)),
    }),
    Function::new("tonumber(value)", "`value` as number", |call| match call.value(0)? {
        Value { kind: ValueKind::Null, .. } => Ok(ValueKind::Null),
        value => to_number(value).map(ValueKind::Number).ok_or_else(|| wrong(0, "a number", value)),
    }),
    Function::new("tobool(value)", "`value` as boolean", |call| match call.value(0)? {
        Value { kind: ValueKind::Null, .. } => Ok(ValueKind::Null),
        value => to_bool(value).map(ValueKind::Bool).ok_or_else(|| wrong(0, "true or false", value)),
    }),
    Function::new("parseint(text, base)", "`text` as whole number in base 2 to 36", parseint),
    Function::new("urlencode(text)", "`text` as part of a URL's query", |call| {
        Ok(string(urlencode(&call.text(0)?)))
    }),
];

fn title(call: &Call<'_>) -> Outcome {
    let mut after_letter = false;
    let mut titled = String::new();
    for c in call.text(0)?.chars() {
        match after_letter {
            true => titled.push(c),
            false => titled.extend(c.to_uppercase()),
        }
        after_letter = c.is_alphanumeric() || c == '_' || c == '\'';
    }
    Ok(string(titled))
}

fn trim(call: &Call<'_>) -> Outcome {
    let characters = call.text(1)?;
    Ok(string(call.text(0)?.trim_matches(|c| characters.contains(c))))
}

fn trimprefix(call: &Call<'_>) -> Outcome {
    let text = call.text(0)?;
    Ok(string(text.strip_prefix(&*call.text(1)?).unwrap_or(&text)))
}

fn trimsuffix(call: &Call<'_>) -> Outcome {
    let text = call.text(0)?;
    Ok(string(text.strip_suffix(&*call.text(1)?).unwrap_or(&text)))
}

fn indent(call: &Call<'_>) -> Outcome {
    let spaces = usize::try_from(call.integer(0)?).ok().filter(|spaces| *spaces <= MAX_PADDING);
    let spaces = spaces.ok_or_else(|| Mistake::new("expected a number of spaces").at(0))?;
    Ok(string(call.text(1)?.replace('\n', &format!("\n{}", " ".repeat(spaces)))))
}

fn split(call: &Call<'_>) -> Outcome {
    let (separator, text) = (call.text(0)?, call.text(1)?);
    if text.is_empty() {
        return Ok(ValueKind::List(Vec::new()));
    }
    if separator.is_empty() {
        return Ok(call.make_list(text.chars().map(|c| string(c.to_string()))));
    }
    Ok(call.make_list(text.split(&*separator).map(string)))
}

fn join(call: &Call<'_>) -> Outcome {
    let separator = call.text(0)?;
    let mut items = Vec::new();
    for index in 1..call.arguments.len() {
        items.extend(call.texts(index)?);
    }
    Ok(string(items.join(&separator)))
}

fn substr(call: &Call<'_>) -> Outcome {
    let text = call.text(0)?;
    let count = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let (offset, length) = (call.integer(1)?, call.integer(2)?);
    let start = if offset < 0 { count.saturating_add(offset) } else { offset };
    let (Ok(start), true) = (usize::try_from(start), length >= -1) else {
        return Err(Mistake::new("offset or length lies outside of the text"));
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(string(text.chars().skip(start).take(length).collect::<String>()))
}

fn formatlist(call: &Call<'_>) -> Outcome {
    let pattern = call.text(0)?;
    let mut length = None;
    for (index, argument) in call.arguments.iter().enumerate().skip(1) {
        let ValueKind::List(items) = &argument.kind else { continue };
        if length.is_some_and(|length| length != items.len()) {
            return Err(Mistake::new("the lists have different lengths").at(index));
        }
        length = Some(items.len());
    }
    let mut texts = Vec::new();
    for row in 0..length.unwrap_or(1) {
        let item = |argument: &Value| match &argument.kind {
            ValueKind::List(items) => items.get(row).cloned(),
            _ => Some(argument.clone()),
        };
        let arguments: Vec<Value> = call.arguments.iter().filter_map(item).collect();
        texts.push(string(format::format(&pattern, &arguments, 1)?));
    }
    Ok(call.make_list(texts))
}

fn parseint(call: &Call<'_>) -> Outcome {
    let base = u32::try_from(call.integer(1)?).ok().filter(|base| (2..=36).contains(base));
    let base = base.ok_or_else(|| Mistake::new("the base must be from 2 to 36").at(1))?;
    let parsed = i128::from_str_radix(&call.text(0)?, base);
    let message = format!("expected a whole number in base {base}");
    parsed.map(|number| ValueKind::Number(Number::Integer(number))).map_err(|_| Mistake::new(message).at(0))
}

fn urlencode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(byte.into()),
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
