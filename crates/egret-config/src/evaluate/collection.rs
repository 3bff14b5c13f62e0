//! Lists, maps and `for` expressions.

use hcl_edit::Span;
use hcl_edit::expr::{Array, ForExpr, Object, ObjectKey};

use super::Evaluator;
use crate::diagnostic::Diagnostic;
use crate::functions::to_text;
use crate::place::{Located, Location};
use crate::value::{Number, Value, ValueKind};

type Entries = Vec<(Located<String>, Value)>;

impl Evaluator<'_> {
    pub(super) fn list(&mut self, array: &Array, location: Location) -> Option<Value> {
        let items: Vec<Option<Value>> = array.iter().map(|item| self.evaluate(item)).collect();
        let items = items.into_iter().collect::<Option<Vec<Value>>>()?;
        self.weigh(Value::new(ValueKind::List(items), location))
    }

    pub(super) fn map(&mut self, object: &Object, location: Location) -> Option<Value> {
        let mut entries = Some(Entries::new());
        for (key, value) in object {
            let key = match key {
                ObjectKey::Ident(name) => {
                    Some(Located::new(name.as_str().to_owned(), self.place(name.span())))
                }
                ObjectKey::Expression(expression) => {
                    self.evaluate(expression).and_then(|value| self.key(value))
                }
            };
            let value = self.evaluate(value.expr());
            match (key, value, &mut entries) {
                (Some(key), Some(value), Some(known)) => {
                    if !self.insert(known, key, value) {
                        entries = None;
                    }
                }
                _ => entries = None,
            }
        }
        self.weigh(Value::new(ValueKind::Map(entries?), location))
    }

    /// `[for x in list : …]`, `{for k, v in map : k => v if …}`
    pub(super) fn for_expression(&mut self, expression: &ForExpr, location: Location) -> Option<Value> {
        let collection = self.evaluate(&expression.intro.collection_expr)?;
        let mut from_outside = collection.holds_outside();
        let pairs = self.pairs(collection)?;
        let mut items = Vec::new();
        let mut entries = Entries::new();
        for (key, value) in pairs {
            let depth = self.variables.len();
            if let Some(name) = &expression.intro.key_var {
                self.variables.push((name.as_str().to_owned(), key));
            }
            self.variables.push((expression.intro.value_var.as_str().to_owned(), value));
            let round = self.for_round(expression, &mut items, &mut entries);
            self.variables.truncate(depth);
            // One mistake is enough: the next rounds would repeat it at the same place.
            round?;
        }
        let kind = match expression.key_expr {
            None => ValueKind::List(items),
            Some(_) => ValueKind::Map(entries),
        };
        let value = Value::new(kind, location);
        from_outside |= value.holds_outside();
        self.weigh(Value { from_outside, ..value })
    }

    fn for_round(
        &mut self,
        expression: &ForExpr,
        items: &mut Vec<Value>,
        entries: &mut Entries,
    ) -> Option<()> {
        if let Some(condition) = &expression.cond {
            let condition = self.evaluate(&condition.expr)?;
            if !self.truth(&condition)? {
                return Some(());
            }
        }
        let Some(key) = &expression.key_expr else {
            items.push(self.evaluate(&expression.value_expr)?);
            return Some(());
        };
        let key = self.evaluate(key)?;
        let key = self.key(key)?;
        let value = self.evaluate(&expression.value_expr)?;
        if !expression.grouping {
            return self.insert(entries, key, value).then_some(());
        }
        let group = entries.iter_mut().find(|(known, _)| known.value == key.value);
        match group.map(|(_, group)| &mut group.kind) {
            Some(ValueKind::List(items)) => items.push(value),
            _ => {
                let location = value.location.clone();
                entries.push((key, Value::new(ValueKind::List(vec![value]), location)));
            }
        }
        Some(())
    }

    /// What a `for` runs over: key (or index) and value.
    pub(super) fn pairs(&mut self, collection: Value) -> Option<Vec<(Value, Value)>> {
        let outside = collection.from_outside;
        let pair = |key: ValueKind, mut value: Value| {
            value.from_outside |= outside;
            let key = Value { kind: key, location: value.location.clone(), from_outside: outside };
            (key, value)
        };
        match collection.kind {
            ValueKind::List(items) => Some(
                (0..)
                    .zip(items)
                    .map(|(index, item)| pair(ValueKind::Number(Number::Integer(index)), item))
                    .collect(),
            ),
            ValueKind::Map(entries) => Some(
                entries.into_iter().map(|(key, value)| pair(ValueKind::String(key.value), value)).collect(),
            ),
            _ => {
                self.report(collection.wrong_type("a list or a map"));
                None
            }
        }
    }

    fn key(&mut self, value: Value) -> Option<Located<String>> {
        let Some(text) = to_text(&value) else {
            self.report(value.wrong_type("a string as key"));
            return None;
        };
        Some(Located::new(text.into_owned(), value.location))
    }

    /// Adds an entry; reports a key that is there.
    fn insert(&mut self, entries: &mut Entries, key: Located<String>, value: Value) -> bool {
        if let Some((first, _)) = entries.iter().find(|(known, _)| known.value == key.value) {
            let mistake = Diagnostic::error(format!("the key `{}` is there twice", key.value))
                .at(&key.location)
                .note(format!("the first is at {}", first.location));
            self.report(mistake);
            return false;
        }
        entries.push((key, value));
        true
    }
}
