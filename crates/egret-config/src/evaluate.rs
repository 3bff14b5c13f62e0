//! Expressions to values. Every mistake is reported at the sub-expression that has it.

mod collection;
mod operator;
mod template;
mod traversal;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::expr::{Conditional, Expression, FuncCall};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::Environment;
use crate::functions::{self, Call};
use crate::place::{Location, SourceFile};
use crate::syntax;
use crate::value::{Number, Value, ValueKind};

/// Expressions may nest this deep, locals within locals included.
const MAX_DEPTH: usize = 256;

/// One configuration may make values of so many bytes in all: locals that double each other must end.
const MAX_WEIGHT: usize = 64 << 20;

/// What evaluating an expression counts for besides its value: loops within loops must end.
const STEP_WEIGHT: usize = 64;

/// Evaluates expressions. Lives as long as one configuration is read.
pub(crate) struct Evaluator<'a> {
    environment: &'a Environment,
    diagnostics: &'a mut Diagnostics,
    file: Arc<SourceFile>,
    locals: BTreeMap<String, Local<'a>>,
    /// The variables of `for`, innermost last.
    variables: Vec<(String, Value)>,
    depth: usize,
    weight: usize,
}

/// A named value of `locals`.
struct Local<'a> {
    location: Location,
    expression: &'a Expression,
    state: LocalState,
}

#[derive(Clone)]
enum LocalState {
    Waiting,
    Evaluating,
    /// `None` if it has a mistake, which was reported.
    Done(Option<Value>),
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(environment: &'a Environment, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            environment,
            diagnostics,
            file: SourceFile::new(PathBuf::new(), ""),
            locals: BTreeMap::new(),
            variables: Vec::new(),
            depth: 0,
            weight: 0,
        }
    }

    /// The expressions that follow stand in `file`.
    pub(crate) fn enter_file(&mut self, file: &Arc<SourceFile>) {
        self.file = Arc::clone(file);
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Makes `local.name` known; evaluated when first used.
    pub(crate) fn declare_local(&mut self, name: &str, location: Location, expression: &'a Expression) {
        if let Some(first) = self.locals.get(name) {
            let mistake = Diagnostic::error(format!("`local.{name}` is set twice"))
                .note(format!("the first is at {}", first.location))
                .at(&location)
                .hint("give it another name or remove one of them");
            self.report(mistake);
            return;
        }
        self.locals.insert(name.to_owned(), Local { location, expression, state: LocalState::Waiting });
    }

    /// Evaluates all locals, so that the mistakes of unused ones are reported too.
    pub(crate) fn evaluate_locals(&mut self) {
        let names: Vec<(String, Location)> =
            self.locals.iter().map(|(name, local)| (name.clone(), local.location.clone())).collect();
        for (name, location) in names {
            self.local(&name, &location);
        }
    }

    /// The value of `local.name`, used at `used_at`.
    fn local(&mut self, name: &str, used_at: &Location) -> Option<Value> {
        let Some(local) = self.locals.get_mut(name) else {
            let names: Vec<&str> = self.locals.keys().map(String::as_str).collect();
            let hint = crate::decode::valid_names(name, &names, "local");
            self.report(Diagnostic::error(format!("there is no `local.{name}`")).at(used_at).hint(hint));
            return None;
        };
        match local.state.clone() {
            LocalState::Done(value) => return value,
            LocalState::Evaluating => {
                let message = format!("`local.{name}` is made of itself");
                self.report(Diagnostic::error(message).at(used_at));
                return None;
            }
            LocalState::Waiting => {}
        }
        local.state = LocalState::Evaluating;
        let expression = local.expression;
        let home = Arc::clone(&local.location.file);
        let outer_file = std::mem::replace(&mut self.file, home);
        let outer_variables = std::mem::take(&mut self.variables);
        let value = self.evaluate(expression);
        self.file = outer_file;
        self.variables = outer_variables;
        if let Some(local) = self.locals.get_mut(name) {
            local.state = LocalState::Done(value.clone());
        }
        value
    }

    /// The value of `expression`; `None` if it has a mistake, which was reported.
    pub(crate) fn evaluate(&mut self, expression: &Expression) -> Option<Value> {
        let location = self.place(expression.span());
        if self.depth >= MAX_DEPTH {
            self.report(Diagnostic::error("the expression is nested too deep").at(&location));
            return None;
        }
        self.spend(STEP_WEIGHT, &location)?;
        self.depth += 1;
        let value = self.evaluate_at(expression, location);
        self.depth -= 1;
        value
    }

    fn evaluate_at(&mut self, expression: &Expression, location: Location) -> Option<Value> {
        let kind = match expression {
            Expression::Null(_) => ValueKind::Null,
            Expression::Bool(value) => ValueKind::Bool(*value.value()),
            Expression::Number(number) => ValueKind::Number(to_number(number.value())?),
            Expression::String(text) => ValueKind::String(syntax::string_value(&location, text.value())),
            Expression::Array(array) => return self.list(array, location),
            Expression::Object(object) => return self.map(object, location),
            Expression::ForExpr(for_expression) => return self.for_expression(for_expression, location),
            Expression::StringTemplate(template) => return self.quoted_template(template, location),
            Expression::HeredocTemplate(heredoc) => return self.heredoc(heredoc, location),
            Expression::Parenthesis(inner) => return self.evaluate(inner.inner()),
            Expression::Variable(name) => return self.variable(name.as_str(), location),
            Expression::Conditional(conditional) => return self.conditional(conditional, location),
            Expression::FuncCall(call) => return self.call(call, location),
            Expression::Traversal(traversal) => return self.traversal(traversal, location),
            Expression::UnaryOp(operation) => return self.unary(operation, location),
            Expression::BinaryOp(operation) => return self.binary(operation, location),
        };
        Some(Value::new(kind, location))
    }

    fn conditional(&mut self, conditional: &Conditional, location: Location) -> Option<Value> {
        let condition = self.evaluate(&conditional.cond_expr)?;
        let chosen = match self.truth(&condition)? {
            true => &conditional.true_expr,
            false => &conditional.false_expr,
        };
        let mut value = self.evaluate(chosen)?;
        value.from_outside |= condition.holds_outside();
        if value.from_outside {
            value.location = location;
        }
        Some(value)
    }

    fn call(&mut self, call: &FuncCall, location: Location) -> Option<Value> {
        let name_place = self.place(call.name.name.span());
        let arguments = self.arguments(call);
        let name = call.name.name.as_str();
        let Some(function) = functions::find(name).filter(|_| !call.name.is_namespaced()) else {
            let hint = functions::hint_for(name);
            self.report(
                Diagnostic::error(format!("there is no function `{name}`")).at(&name_place).hint(hint),
            );
            return None;
        };
        let arguments = arguments?;
        let from_outside = function.reads_outside || arguments.iter().any(Value::holds_outside);
        let call = Call::new(&arguments, self.environment, &location);
        match function.run(&call) {
            Ok(kind) => self.weigh(Value { kind, location, from_outside }),
            Err(mistake) => {
                let at = mistake.argument.and_then(|index| arguments.get(index));
                let place = at.map_or(&location, |argument| &argument.location);
                let diagnostic = Diagnostic::error(format!("{name}: {}", mistake.message)).at(place);
                self.report(diagnostic.hint_if(mistake.hint));
                None
            }
        }
    }

    /// The arguments of a call; all are evaluated before the first mistake counts.
    fn arguments(&mut self, call: &FuncCall) -> Option<Vec<Value>> {
        let evaluated: Vec<Option<Value>> =
            call.args.iter().map(|argument| self.evaluate(argument)).collect();
        let mut arguments: Vec<Value> = evaluated.into_iter().collect::<Option<_>>()?;
        if !call.args.expand_final() {
            return Some(arguments);
        }
        let last = arguments.pop()?;
        let ValueKind::List(items) = last.kind else {
            self.report(last.wrong_type("a list before `...`"));
            return None;
        };
        for mut item in items {
            item.from_outside |= last.from_outside;
            arguments.push(item);
        }
        Some(arguments)
    }

    /// A condition's outcome.
    fn truth(&mut self, value: &Value) -> Option<bool> {
        let truth = functions::to_bool(value);
        if truth.is_none() {
            self.report(value.wrong_type("true or false"));
        }
        truth
    }

    /// `value`, unless all values together have become too large.
    fn weigh(&mut self, value: Value) -> Option<Value> {
        self.spend(weight(&value), &value.location)?;
        Some(value)
    }

    /// Counts `weight` more bytes. The mistake is reported once, where the limit was passed.
    fn spend(&mut self, weight: usize, location: &Location) -> Option<()> {
        let before = self.weight;
        self.weight = before.saturating_add(weight);
        if self.weight <= MAX_WEIGHT {
            return Some(());
        }
        if before <= MAX_WEIGHT {
            let message = format!("the values of this configuration take more than {} MiB", MAX_WEIGHT >> 20);
            self.report(Diagnostic::error(message).at(location));
        }
        None
    }

    fn place(&self, span: Option<std::ops::Range<usize>>) -> Location {
        Location::new(&self.file, span.unwrap_or_default())
    }
}

/// About how many bytes a value takes.
fn weight(value: &Value) -> usize {
    let inside = match &value.kind {
        ValueKind::String(text) => text.len(),
        ValueKind::List(items) => items.iter().map(weight).sum(),
        ValueKind::Map(entries) => entries.iter().map(|(key, value)| key.value.len() + weight(value)).sum(),
        _ => 0,
    };
    inside + size_of::<Value>()
}

/// The parser's number, which is finite.
fn to_number(number: &hcl_edit::Number) -> Option<Number> {
    if let Some(integer) = number.as_i64() {
        return Some(Number::Integer(integer.into()));
    }
    if let Some(integer) = number.as_u64() {
        return Some(Number::Integer(integer.into()));
    }
    number.as_f64().map(Number::Float)
}

#[cfg(test)]
mod tests;
