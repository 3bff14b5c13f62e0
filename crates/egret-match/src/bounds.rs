//! What rows must be like for any rule to match: what a reader of files can use to leave some out.

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::{Subject, Test};
use crate::graph::{Node, NodeId};
use crate::program::Program;
use crate::text::{Part, TextPattern};

/// More values than this narrow nothing down.
const MAX_VALUES: usize = 256;

/// For columns, the integers that a row must have one of.
type Integers = BTreeMap<String, BTreeSet<i64>>;

impl Program {
    /// For each of these columns the integers of which a row must have one for any rule to match. A row that has null
    /// there may match too: its value may be elsewhere. Nothing is said of columns that some rule does not need.
    pub fn needed_integers(&self) -> Vec<(String, Vec<i64>)> {
        let mut needed: Option<Integers> = None;
        for rule in &self.rules {
            let own = self.integers(rule.root);
            needed = Some(match needed {
                None => own,
                Some(all) => either(all, own),
            });
        }
        let needed = needed.unwrap_or_default().into_iter().filter(|(_, values)| values.len() <= MAX_VALUES);
        needed.map(|(column, values)| (column, values.into_iter().collect())).collect()
    }

    /// What must hold where `node` does.
    fn integers(&self, node: NodeId) -> Integers {
        match &self.nodes[node as usize] {
            Node::Test(predicate) => self.integer_of(*predicate).into_iter().collect(),
            Node::All(parts) => {
                let mut all = Integers::new();
                for part in parts {
                    for (column, values) in self.integers(*part) {
                        // Both must hold; either alone is enough to know.
                        all.entry(column)
                            .and_modify(|known| known.retain(|value| values.contains(value)))
                            .or_insert(values);
                    }
                }
                all
            }
            Node::Any(parts) => {
                let mut parts = parts.iter().map(|part| self.integers(*part));
                let first = parts.next().unwrap_or_default();
                parts.fold(first, either)
            }
            Node::Always(_) | Node::AtLeast(..) | Node::Not(_) => Integers::new(),
        }
    }

    fn integer_of(&self, predicate: u32) -> Option<(String, BTreeSet<i64>)> {
        let predicate = &self.predicates[predicate as usize];
        let (Subject::Field(name), Test::Text(pattern)) = (&predicate.subject, &predicate.test) else {
            return None;
        };
        let field = *self.by_name.get(&**name)?;
        let place = self.fields[field].place.column.as_ref()?;
        let is_plain = place.fields.is_empty() && !place.is_json;
        Some((place.column.clone(), BTreeSet::from([integer(pattern)?]))).filter(|_| is_plain)
    }
}

/// The integer that a pattern is, if a column of integers would show it so.
fn integer(pattern: &TextPattern) -> Option<i64> {
    let [Part::Literal(text)] = pattern.parts() else { return None };
    let value: i64 = text.parse().ok()?;
    (value.to_string() == **text).then_some(value)
}

fn either(left: Integers, right: Integers) -> Integers {
    left.into_iter()
        .filter_map(|(column, mut values)| {
            values.extend(right.get(&column)?);
            Some((column, values))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::DataType;

    use super::*;
    use crate::condition::Condition;
    use crate::fields::FieldMap;

    fn needed(rules: &[Condition]) -> Vec<(String, Vec<i64>)> {
        let map = FieldMap::new::<&str>([]).with_column("id", &["EventID"], &DataType::Int64).with_column(
            "level",
            &["Level"],
            &DataType::Int64,
        );
        Program::compile(rules.iter().cloned().map(Arc::new), &map).0.needed_integers()
    }

    fn is(field: &str, text: &str) -> Condition {
        Condition::field(field, Test::Text(TextPattern::equals(text)))
    }

    #[test]
    fn what_every_rule_needs_is_known() {
        let one = Condition::All(vec![is("EventID", "1"), is("Image", "a"), is("Level", "4")]);
        let two = Condition::All(vec![
            Condition::Any(vec![is("EventID", "3"), is("EventID", "5")]),
            is("User", "b"),
        ]);
        assert_eq!(needed(&[one.clone(), two]), [("id".to_owned(), vec![1, 3, 5])]);
        assert_eq!(needed(&[one.clone(), is("Image", "b")]), []);
        assert_eq!(needed(&[one.clone(), is("EventID", "01")]), []);
        assert_eq!(needed(&[is("EventID", "1").negated()]), []);
        let both = Condition::All(vec![one, Condition::Any(vec![is("EventID", "1"), is("EventID", "2")])]);
        assert_eq!(needed(&[both])[0], ("id".to_owned(), vec![1]));
    }
}
