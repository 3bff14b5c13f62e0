//! Paths: `local.x`, variables of `for`, `a.b[0]`, splats, and references to other blocks.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, Traversal, TraversalOperator};

use super::Evaluator;
use crate::decode::valid_names;
use crate::diagnostic::Diagnostic;
use crate::place::Location;
use crate::value::{Number, Value, ValueKind};

/// The root of the names set by `locals`.
const LOCAL: &str = "local";

type Operators<'t> = &'t [hcl_edit::Decorated<TraversalOperator>];

impl Evaluator<'_> {
    /// A word: a variable of `for`, else a reference of one part.
    pub(super) fn variable(&mut self, name: &str, location: Location) -> Option<Value> {
        let found = self.variables.iter().rev().find(|(variable, _)| variable == name);
        match found.map(|(_, value)| value.clone()) {
            Some(value) => self.weigh(moved(value, &location)),
            None => Some(Value::new(ValueKind::Reference(vec![name.to_owned()]), location)),
        }
    }

    pub(super) fn traversal(&mut self, traversal: &Traversal, location: Location) -> Option<Value> {
        let mut operators = traversal.operators.as_slice();
        let root = match (&traversal.expr, operators.first().map(hcl_edit::Decorated::value)) {
            (Expression::Variable(root), Some(TraversalOperator::GetAttr(name)))
                if root.as_str() == LOCAL =>
            {
                operators = &operators[1..];
                let end = self.place(name.span()).span.end;
                let used_at = Location::new(&self.file, location.span.start..end);
                self.local(name.as_str(), &used_at)?
            }
            (root, _) => self.evaluate(root)?,
        };
        let value = self.follow(root, operators)?;
        self.weigh(moved(value, &location))
    }

    fn follow(&mut self, mut value: Value, mut operators: Operators<'_>) -> Option<Value> {
        while let Some((operator, rest)) = operators.split_first() {
            operators = rest;
            let at = self.place(operator.span());
            let from_outside = value.from_outside;
            value = match operator.value() {
                TraversalOperator::GetAttr(name) => {
                    let at = self.place(name.span());
                    self.get(value, name.as_str(), &at)?
                }
                TraversalOperator::LegacyIndex(index) => {
                    self.item(value, Number::Integer((*index.value()).into()), &at)?
                }
                TraversalOperator::Index(index) => self.index(value, index)?,
                TraversalOperator::FullSplat(_) => {
                    operators = &[];
                    self.splat(value, rest, at)?
                }
                TraversalOperator::AttrSplat(_) => {
                    let is_name = |operator: &hcl_edit::Decorated<TraversalOperator>| {
                        matches!(operator.value(), TraversalOperator::GetAttr(_))
                    };
                    let names = rest.iter().take_while(|operator| is_name(operator)).count();
                    operators = &rest[names..];
                    self.splat(value, &rest[..names], at)?
                }
            };
            value.from_outside |= from_outside;
        }
        Some(value)
    }

    /// `value.name`
    fn get(&mut self, value: Value, name: &str, at: &Location) -> Option<Value> {
        match value.kind {
            ValueKind::Map(entries) => {
                let names: Vec<String> = entries.iter().map(|(key, _)| key.value.clone()).collect();
                let found = entries.into_iter().find(|(key, _)| key.value == name);
                if found.is_none() {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    let hint = valid_names(name, &names, "key");
                    self.report(Diagnostic::error(format!("there is no key `{name}`")).at(at).hint(hint));
                }
                found.map(|(_, value)| value)
            }
            ValueKind::Reference(mut path) => {
                path.push(name.to_owned());
                Some(Value { kind: ValueKind::Reference(path), ..value })
            }
            _ => {
                let message = format!("cannot take `.{name}` of {}", value.describe());
                self.report(Diagnostic::error(message).at(at));
                None
            }
        }
    }

    /// `value[index]`
    fn index(&mut self, value: Value, index: &Expression) -> Option<Value> {
        let index = self.evaluate(index)?;
        match (&value.kind, &index.kind) {
            (ValueKind::Map(_) | ValueKind::Reference(_), ValueKind::String(name)) => {
                let mut value = self.get(value, name, &index.location)?;
                value.from_outside |= index.from_outside;
                Some(value)
            }
            (_, ValueKind::Number(number)) => self.item(value, *number, &index.location),
            _ => {
                let message = format!("cannot index {} by {}", value.describe(), index.describe());
                self.report(Diagnostic::error(message).at(&index.location));
                None
            }
        }
    }

    /// The item of a list at `index`, counted from 0.
    fn item(&mut self, value: Value, index: Number, at: &Location) -> Option<Value> {
        let ValueKind::List(items) = value.kind else {
            let message = format!("cannot index {} by a number", value.describe());
            self.report(Diagnostic::error(message).at(at));
            return None;
        };
        let length = items.len();
        let position = match index {
            Number::Integer(index) => usize::try_from(index).ok(),
            Number::Float(_) => None,
        };
        let item = position.and_then(|position| items.into_iter().nth(position));
        if item.is_none() {
            let message = format!("there is no item {index} in a list of {length}");
            self.report(Diagnostic::error(message).at(at).hint("items are counted from 0"));
        }
        item
    }

    /// `value[*].…`: the rest of the path, taken of each item. A single value counts as a list of one.
    fn splat(&mut self, value: Value, rest: Operators<'_>, at: Location) -> Option<Value> {
        let from_outside = value.from_outside;
        let items = match value.kind {
            ValueKind::List(items) => items,
            ValueKind::Null => Vec::new(),
            _ => vec![value],
        };
        let followed: Vec<Option<Value>> = items.into_iter().map(|item| self.follow(item, rest)).collect();
        let items = followed.into_iter().collect::<Option<Vec<Value>>>()?;
        Some(Value { kind: ValueKind::List(items), location: at, from_outside })
    }
}

/// `value` as the value of the expression at `location`. What is inside keeps its places.
fn moved(value: Value, location: &Location) -> Value {
    let from_outside = value.holds_outside();
    Value { kind: value.kind, location: location.clone(), from_outside }
}
