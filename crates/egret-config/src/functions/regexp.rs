//! Functions over regular expressions, and `replace`.

use regex::{Captures, Regex, RegexBuilder};

use super::{Call, Function, Mistake, Outcome, string};
use crate::value::ValueKind;

/// A compiled pattern may take so many bytes.
const MAX_PATTERN_BYTES: usize = 1 << 20;

pub(super) const FUNCTIONS: [Function; 3] = [
    Function::new("replace(text, part, by)", "`text` with `part` (or `/regex/`) replaced", replace),
    Function::new("regex(pattern, text)", "the first match: text, or its groups as list or map", first_match),
    Function::new("regexall(pattern, text)", "all matches as a list", all_matches),
];

fn replace(call: &Call<'_>) -> Outcome {
    let (text, part, by) = (call.text(0)?, call.text(1)?, call.text(2)?);
    let pattern = part.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'));
    Ok(string(match pattern {
        Some(pattern) => compile(pattern, 1)?.replace_all(&text, &*by).into_owned(),
        None => text.replace(&*part, &by),
    }))
}

fn first_match(call: &Call<'_>) -> Outcome {
    let regex = compile(&call.text(0)?, 0)?;
    let text = call.text(1)?;
    match regex.captures(&text) {
        Some(captures) => Ok(matched(call, &regex, &captures)),
        None => {
            Err(Mistake::new("the pattern does not match").at(1).hint("`regexall` gives an empty list then"))
        }
    }
}

fn all_matches(call: &Call<'_>) -> Outcome {
    let regex = compile(&call.text(0)?, 0)?;
    let text = call.text(1)?;
    Ok(call.make_list(regex.captures_iter(&text).map(|captures| matched(call, &regex, &captures))))
}

/// The whole match if there is no group, a map if groups have names, else a list.
fn matched(call: &Call<'_>, regex: &Regex, captures: &Captures<'_>) -> ValueKind {
    let group = |index: usize| captures.get(index).map_or(ValueKind::Null, |found| string(found.as_str()));
    if regex.captures_len() == 1 {
        return group(0);
    }
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    if names.iter().all(Option::is_none) {
        return call.make_list((1..names.len()).map(group));
    }
    let named = names.iter().enumerate().filter_map(|(index, name)| Some((index, (*name)?)));
    ValueKind::Map(named.map(|(index, name)| (call.key(name), call.make(group(index)))).collect())
}

fn compile(pattern: &str, argument: usize) -> Result<Regex, Mistake> {
    RegexBuilder::new(pattern).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| {
        let message = error.to_string();
        let reason = message.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Mistake::new(format!("not a regular expression: {reason}")).at(argument)
    })
}
