//! Which predicates say that a rule may match, and which fields need no look before that.
//!
//! Each value of a field is examined for all rules together, which costs little where many rules look at it. But one
//! rule that looks for a word in long texts would make all of them pass an automaton. If the few rules that look at a
//! field have other witnesses that are rare, they look at the field themselves, where those hold.

use crate::graph::{Graph, NodeId};

/// A field is examined for all rows if more rules than this look at it.
const FEW_RULES: usize = 4;

/// A rule is looked at for at most so many of a thousand rows, roughly, to spare a look at one of its fields.
const RARE: u32 = 50;

/// By rule and by field.
pub(crate) struct Witnesses {
    /// For each rule, predicates of which at least one holds wherever it matches; `None` if it may match anywhere.
    pub(crate) of_rules: Vec<Option<Vec<u32>>>,
    /// For each field, whether it is looked at late: where a rule may match, and not before.
    pub(crate) is_late: Vec<bool>,
}

/// What the choice depends on.
pub(crate) struct Rules<'g> {
    pub(crate) graph: &'g Graph,
    /// For each rule, its condition and its predicates.
    pub(crate) rules: Vec<(NodeId, &'g [u32])>,
    /// For each predicate, the field that it tests, if it is one.
    pub(crate) field_of: Vec<Option<usize>>,
    pub(crate) fields: usize,
}

impl Rules<'_> {
    pub(crate) fn choose(&self) -> Witnesses {
        let roots = self.rules.iter().map(|(root, _)| *root);
        let of_rules = roots.map(|root| self.graph.witnesses(root, &|_| true)).collect();
        let mut witnesses = Witnesses { of_rules, is_late: vec![false; self.fields] };
        let mut users = self.users().into_iter().enumerate().collect::<Vec<_>>();
        users.retain(|(_, rules)| (1..=FEW_RULES).contains(&rules.len()));
        users.sort_by_key(|(_, rules)| rules.len());
        for (field, rules) in users {
            if let Some(others) = self.without(field, &rules, &witnesses.is_late) {
                witnesses.is_late[field] = true;
                rules
                    .into_iter()
                    .zip(others)
                    .for_each(|(rule, others)| witnesses.of_rules[rule] = Some(others));
            }
        }
        witnesses
    }

    /// For each field the rules that look at it.
    fn users(&self) -> Vec<Vec<usize>> {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.fields];
        for (rule, (_, predicates)) in self.rules.iter().enumerate() {
            for field in predicates.iter().filter_map(|predicate| self.field_of[*predicate as usize]) {
                if users[field].last() != Some(&rule) {
                    users[field].push(rule);
                }
            }
        }
        users
    }

    /// Witnesses for these rules that need neither `field` nor one of those that are late, if all of them are rare.
    fn without(&self, field: usize, rules: &[usize], is_late: &[bool]) -> Option<Vec<Vec<u32>>> {
        let is_wanted =
            |predicate: u32| self.field_of[predicate as usize].is_none_or(|of| of != field && !is_late[of]);
        let others = rules.iter().map(|rule| {
            let others = self.graph.witnesses(self.rules[*rule].0, &is_wanted)?;
            (self.graph.cost(&others) <= RARE).then_some(others)
        });
        others.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::condition::{Condition, Subject, Test};
    use crate::text::TextPattern;

    fn is_late(conditions: &[Condition], field: &str) -> bool {
        let mut graph = Graph::default();
        let roots: Vec<NodeId> = conditions.iter().map(|condition| graph.add(condition)).collect();
        let tests: Vec<Vec<u32>> = conditions
            .iter()
            .map(|condition| condition.predicates().into_iter().map(|test| graph.predicate(test)).collect())
            .collect();
        let is_field = |subject: &Subject| matches!(subject, Subject::Field(name) if **name == *field);
        let field_of =
            graph.predicates.iter().map(|test| Some(usize::from(!is_field(&test.subject)))).collect();
        let rules = roots.into_iter().zip(tests.iter().map(Vec::as_slice)).collect();
        let witnesses = Rules { graph: &graph, rules, field_of, fields: 2 }.choose();
        for (condition, witnesses) in conditions.iter().zip(&witnesses.of_rules) {
            assert!(witnesses.is_some(), "{condition:?}");
        }
        witnesses.is_late[0]
    }

    fn has(field: &str, text: &str) -> Condition {
        Condition::field(field, Test::Text(TextPattern::contains(text)))
    }

    #[test]
    fn a_field_that_few_rules_look_at_is_late_if_they_have_rare_witnesses() {
        let rare = |number: usize| {
            Condition::All(vec![
                has("Provider", &format!("MsiInstaller {number}")),
                has("Message", "AteraAgent"),
            ])
        };
        assert!(is_late(&[rare(0)], "Message"));
        assert!(is_late(&[rare(0), rare(1)], "Message"));
        assert!(!is_late(&(0..9).map(rare).collect::<Vec<_>>(), "Message"), "many rules look at it");
        let common = Condition::All(vec![has("Level", "4"), has("Message", "AteraAgent")]);
        assert!(!is_late(&[rare(0), common], "Message"), "the other test holds for too many rows");
        assert!(!is_late(&[rare(0), has("Message", "AteraAgent")], "Message"), "there is no other test");
        let either = Condition::Any(vec![has("Provider", "MsiInstaller"), has("Message", "AteraAgent")]);
        assert!(!is_late(&[either], "Message"), "it may match where the other test does not hold");
    }
}
