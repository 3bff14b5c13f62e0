//! Functions of expressions, with Terraform's names and meaning. One module a family, one table a module.

mod collection;
mod encoding;
mod number;
mod outside;
mod regexp;
mod text;

use std::borrow::Cow;

use egret_model::suggest;

use crate::environment::Environment;
use crate::place::{Located, Location};
use crate::value::{Number, Value, ValueKind};

/// All families, in the order of the documentation.
const FAMILIES: [&[Function]; 6] = [
    &text::FUNCTIONS,
    &regexp::FUNCTIONS,
    &collection::FUNCTIONS,
    &number::FUNCTIONS,
    &encoding::FUNCTIONS,
    &outside::FUNCTIONS,
];

/// Signature and description of every function, for the reference documentation.
pub fn documentation() -> impl Iterator<Item = (&'static str, &'static str)> {
    FAMILIES.into_iter().flatten().map(|function| (function.signature, function.description))
}

/// What a function gives, or why it cannot.
type Outcome = Result<ValueKind, Mistake>;

/// One function.
pub(crate) struct Function {
    /// Its name and parameters: `replace(text, part, by)`. Optional ones have a `?`, repeated ones `...`.
    signature: &'static str,
    /// What it gives.
    description: &'static str,
    /// Whether its result comes from outside of the configuration and is not to be shown.
    pub reads_outside: bool,
    body: fn(&Call<'_>) -> Outcome,
}

impl Function {
    const fn new(signature: &'static str, description: &'static str, body: fn(&Call<'_>) -> Outcome) -> Self {
        Self { signature, description, reads_outside: false, body }
    }

    /// The same, with results from outside.
    const fn outside(mut self) -> Self {
        self.reads_outside = true;
        self
    }

    fn name(&self) -> &'static str {
        self.signature.split_once('(').map_or(self.signature, |(name, _)| name)
    }

    /// Calls it, if the number of arguments is right.
    pub(crate) fn run(&self, call: &Call<'_>) -> Outcome {
        let parameters = self.signature.split_once('(').map_or("", |(_, rest)| rest.trim_end_matches(')'));
        let parameters: Vec<&str> = parameters.split(", ").filter(|name| !name.is_empty()).collect();
        let needed = parameters.iter().filter(|name| !name.ends_with('?') && !name.ends_with("...")).count();
        let endless = parameters.last().is_some_and(|name| name.ends_with("..."));
        let given = call.arguments.len();
        if given < needed || (given > parameters.len() && !endless) {
            let arguments = if given == 1 { "argument" } else { "arguments" };
            let mistake = Mistake::new(format!("{given} {arguments} do not fit"));
            return Err(mistake.hint(format!("it is called as `{}`", self.signature)));
        }
        (self.body)(call)
    }
}

/// The function called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    FAMILIES.into_iter().flatten().find(|function| function.name() == name)
}

/// What to say about a function that is not there.
pub(crate) fn hint_for(name: &str) -> String {
    match suggest::nearest(name, FAMILIES.into_iter().flatten().map(Function::name)) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => {
            "the functions are Terraform's, such as `lower`, `replace`, `join`, `env` and `file`".to_owned()
        }
    }
}

/// Why a function has no result.
#[derive(Debug)]
pub(crate) struct Mistake {
    /// The argument it is about; else the call as a whole.
    pub argument: Option<usize>,
    pub message: String,
    pub hint: Option<String>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self { argument: None, message: message.into(), hint: None }
    }

    fn at(mut self, argument: usize) -> Self {
        self.argument = Some(argument);
        self
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// One call: the arguments and what a function may see besides.
pub(crate) struct Call<'a> {
    arguments: &'a [Value],
    environment: &'a Environment,
    location: &'a Location,
}

impl<'a> Call<'a> {
    pub(crate) fn new(arguments: &'a [Value], environment: &'a Environment, location: &'a Location) -> Self {
        Self { arguments, environment, location }
    }

    fn has(&self, index: usize) -> bool {
        self.arguments.get(index).is_some_and(|value| value.kind != ValueKind::Null)
    }

    fn value(&self, index: usize) -> Result<&'a Value, Mistake> {
        self.arguments.get(index).ok_or_else(|| Mistake::new(format!("argument {} is missing", index + 1)))
    }

    /// An argument as text; numbers and booleans are converted.
    fn text(&self, index: usize) -> Result<Cow<'a, str>, Mistake> {
        let value = self.value(index)?;
        to_text(value).ok_or_else(|| wrong(index, "a string", value))
    }

    /// An argument as number; a text of digits is converted.
    fn number(&self, index: usize) -> Result<Number, Mistake> {
        let value = self.value(index)?;
        to_number(value).ok_or_else(|| wrong(index, "a number", value))
    }

    /// An argument as whole number.
    fn integer(&self, index: usize) -> Result<i64, Mistake> {
        let small = match self.number(index)? {
            Number::Integer(integer) => i64::try_from(integer).ok(),
            Number::Float(_) => None,
        };
        small.ok_or_else(|| Mistake::new("expected a whole number").at(index))
    }

    fn list(&self, index: usize) -> Result<&'a [Value], Mistake> {
        let value = self.value(index)?;
        match &value.kind {
            ValueKind::List(items) => Ok(items),
            _ => Err(wrong(index, "a list", value)),
        }
    }

    /// A list of texts.
    fn texts(&self, index: usize) -> Result<Vec<Cow<'a, str>>, Mistake> {
        self.list(index)?
            .iter()
            .map(|item| to_text(item).ok_or_else(|| wrong(index, "a list of strings", item)))
            .collect()
    }

    fn map(&self, index: usize) -> Result<&'a [(Located<String>, Value)], Mistake> {
        let value = self.value(index)?;
        match &value.kind {
            ValueKind::Map(entries) => Ok(entries),
            _ => Err(wrong(index, "a map", value)),
        }
    }

    /// The arguments from `index` on; a single list stands for its items.
    fn rest(&self, index: usize) -> &'a [Value] {
        let rest = self.arguments.get(index..).unwrap_or_default();
        match rest {
            [Value { kind: ValueKind::List(items), .. }] => items,
            _ => rest,
        }
    }

    /// A value made by the function, for lists and maps.
    fn make(&self, kind: ValueKind) -> Value {
        Value::new(kind, self.location.clone())
    }

    fn make_list(&self, kinds: impl IntoIterator<Item = ValueKind>) -> ValueKind {
        ValueKind::List(kinds.into_iter().map(|kind| self.make(kind)).collect())
    }

    fn key(&self, name: impl Into<String>) -> Located<String> {
        Located::new(name.into(), self.location.clone())
    }
}

fn wrong(index: usize, expected: &str, found: &Value) -> Mistake {
    Mistake::new(format!("expected {expected}, found {}", found.describe())).at(index)
}

fn string(text: impl Into<String>) -> ValueKind {
    ValueKind::String(text.into())
}

fn integer(value: usize) -> ValueKind {
    // A length never exceeds what i128 holds.
    ValueKind::Number(Number::Integer(value as i128))
}

/// A value as text, as templates show it: strings, numbers and booleans have one.
pub(crate) fn to_text(value: &Value) -> Option<Cow<'_, str>> {
    match &value.kind {
        ValueKind::String(text) => Some(Cow::Borrowed(text)),
        ValueKind::Number(number) => Some(Cow::Owned(number.to_string())),
        ValueKind::Bool(bool) => Some(Cow::Borrowed(if *bool { "true" } else { "false" })),
        _ => None,
    }
}

/// A value as number: numbers, and texts that are one.
pub(crate) fn to_number(value: &Value) -> Option<Number> {
    match &value.kind {
        ValueKind::Number(number) => Some(*number),
        ValueKind::String(text) => match text.parse::<i128>() {
            Ok(integer) => Some(Number::Integer(integer)),
            Err(_) => text.parse::<f64>().ok().and_then(Number::from_f64),
        },
        _ => None,
    }
}

/// A value as boolean: booleans, and the texts `true` and `false`.
pub(crate) fn to_bool(value: &Value) -> Option<bool> {
    match &value.kind {
        ValueKind::Bool(bool) => Some(*bool),
        ValueKind::String(text) if text == "true" => Some(true),
        ValueKind::String(text) if text == "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
