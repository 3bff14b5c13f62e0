//! The conditions of all rules as one graph: what several rules say alike is there once, and is evaluated once.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::condition::{Condition, Predicate, Subject, Test};
use crate::text::Part;

/// A node's number.
pub(crate) type NodeId = u32;

/// A condition whose parts are nodes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Node {
    Always(bool),
    /// The predicate of this number.
    Test(u32),
    All(Vec<NodeId>),
    Any(Vec<NodeId>),
    AtLeast(usize, Vec<NodeId>),
    Not(NodeId),
}

/// The graph while it grows. Parts come before what they are part of.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    pub(crate) predicates: Vec<Predicate>,
    by_node: HashMap<Node, NodeId>,
    by_predicate: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// For each predicate, how often it was asked for.
    uses: Vec<u32>,
}

/// How often a predicate holds, roughly, as a share of a thousand rows. A guess from its text: short texts are
/// everywhere, and so is not much of what is no ASCII.
fn commonness(predicate: &Predicate) -> u32 {
    match &predicate.test {
        Test::Text(pattern) => match pattern.parts().iter().map(rarity).max().unwrap_or(0) {
            0 => 900,
            1 => 500,
            2..=3 => 100,
            4..=7 => 10,
            _ => 2,
        },
        Test::Regex(_) | Test::Cidr(_) | Test::Number(..) => 20,
        Test::Boolean(_) | Test::Field(_) | Test::Time(..) => 400,
        Test::Exists | Test::Null => 900,
    }
}

/// The characters of a literal; one that is no ASCII counts as many.
fn rarity(part: &Part) -> usize {
    match part {
        Part::Literal(text) if text.is_ascii() => text.len(),
        Part::Literal(text) => 8 * text.chars().count(),
        _ => 0,
    }
}

impl Graph {
    /// The node that means `condition`.
    pub(crate) fn add(&mut self, condition: &Condition) -> NodeId {
        let node = match condition {
            Condition::Always(always) => Node::Always(*always),
            Condition::Test(predicate) => Node::Test(self.predicate(predicate)),
            Condition::Named(_, inner) => return self.add(inner),
            Condition::Not(inner) => {
                let inner = self.add(inner);
                match self.nodes[inner as usize] {
                    Node::Not(same) => return same,
                    Node::Always(always) => Node::Always(!always),
                    _ => Node::Not(inner),
                }
            }
            Condition::All(parts) => return self.all(parts),
            Condition::Any(parts) => return self.any(parts),
            Condition::AtLeast(0, _) => Node::Always(true),
            Condition::AtLeast(1, parts) => return self.any(parts),
            Condition::AtLeast(count, parts) if *count > parts.len() => Node::Always(false),
            Condition::AtLeast(count, parts) => {
                Node::AtLeast(*count, parts.iter().map(|part| self.add(part)).collect())
            }
        };
        self.intern(node)
    }

    fn all(&mut self, parts: &[Condition]) -> NodeId {
        let mut inner = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.add(part);
            match &self.nodes[part as usize] {
                Node::Always(true) => {}
                Node::Always(false) => return part,
                Node::All(parts) => inner.extend_from_slice(parts),
                _ => inner.push(part),
            }
        }
        self.joined(inner, true, Node::All)
    }

    fn any(&mut self, parts: &[Condition]) -> NodeId {
        let mut inner = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.add(part);
            match &self.nodes[part as usize] {
                Node::Always(false) => {}
                Node::Always(true) => return part,
                Node::Any(parts) => inner.extend_from_slice(parts),
                _ => inner.push(part),
            }
        }
        self.joined(inner, false, Node::Any)
    }

    fn joined(&mut self, mut parts: Vec<NodeId>, of_none: bool, join: fn(Vec<NodeId>) -> Node) -> NodeId {
        parts.sort_by_key(|part| (self.order(*part), *part));
        parts.dedup();
        match parts.as_slice() {
            [] => self.intern(Node::Always(of_none)),
            [only] => *only,
            _ => self.intern(join(parts)),
        }
    }

    /// Cheap parts come first: one that holds for no row spares the others.
    fn order(&self, node: NodeId) -> u32 {
        match &self.nodes[node as usize] {
            Node::Always(_) => 0,
            Node::Test(predicate) => match &self.predicates[*predicate as usize].test {
                Test::Field(_) => 4_000,
                _ => commonness(&self.predicates[*predicate as usize]),
            },
            Node::Any(_) | Node::All(_) | Node::AtLeast(..) => 2_000,
            Node::Not(_) => 3_000,
        }
    }

    fn intern(&mut self, node: Node) -> NodeId {
        if let Some(known) = self.by_node.get(&node) {
            return *known;
        }
        let id = self.nodes.len() as NodeId;
        self.nodes.push(node.clone());
        self.by_node.insert(node, id);
        id
    }

    /// The number of `predicate`.
    pub(crate) fn predicate(&mut self, predicate: &Predicate) -> u32 {
        let Self { predicates, by_predicate, hasher, uses, .. } = self;
        let hash = |predicate: &Predicate| hasher.hash_one(Written(predicate));
        let is_same = |number: &u32| Written(&predicates[*number as usize]) == Written(predicate);
        let known = by_predicate.find(hash(predicate), is_same).copied();
        let number = known.unwrap_or_else(|| {
            let number = predicates.len() as u32;
            predicates.push(predicate.clone());
            uses.push(0);
            by_predicate.insert_unique(hash(predicate), number, |number| hash(&predicates[*number as usize]));
            number
        });
        uses[number as usize] += 1;
        number
    }

    /// Predicates of which at least one holds wherever `node` does; `None` if it may hold where none does. Only those
    /// that are `wanted` are asked for, and those that hold rarely are preferred.
    pub(crate) fn witnesses(&self, node: NodeId, wanted: &dyn Fn(u32) -> bool) -> Option<Vec<u32>> {
        self.needed(node, &|number| {
            let predicate = &self.predicates[number as usize];
            // Where a field is null a rule would be looked at nearly always.
            predicate.test != Test::Null && !predicate.is_late() && wanted(number)
        })
    }

    /// As [`Graph::witnesses`], of tests of every value.
    pub(crate) fn needed_keywords(&self, node: NodeId) -> Option<Vec<u32>> {
        self.needed(node, &|number| self.predicates[number as usize].subject == Subject::AnyValue)
    }

    fn needed(&self, node: NodeId, counts: &dyn Fn(u32) -> bool) -> Option<Vec<u32>> {
        match &self.nodes[node as usize] {
            Node::Always(true) | Node::Not(_) => None,
            Node::Always(false) => Some(Vec::new()),
            Node::Test(predicate) => counts(*predicate).then(|| vec![*predicate]),
            Node::All(parts) => {
                let candidates = parts.iter().filter_map(|part| self.needed(*part, counts));
                candidates.min_by_key(|needed| self.cost(needed))
            }
            Node::Any(parts) | Node::AtLeast(_, parts) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.needed(*part, counts)?);
                }
                all.sort_unstable();
                all.dedup();
                Some(all)
            }
        }
    }

    /// For how many of a thousand rows one of them holds, roughly. What many rules test, such as the kind of an event,
    /// many rows have.
    pub(crate) fn cost(&self, witnesses: &[u32]) -> u32 {
        let cost = |predicate: &u32| {
            let number = *predicate as usize;
            commonness(&self.predicates[number]).max(self.uses[number].min(1_000))
        };
        witnesses.iter().map(cost).sum()
    }
}

/// A predicate as it is written, so that a number that is none is the same as itself.
struct Written<'p>(&'p Predicate);

impl PartialEq for Written<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0.test, &other.0.test) {
            (Test::Number(comparison, number), Test::Number(other_comparison, other_number)) => {
                self.0.subject == other.0.subject
                    && comparison == other_comparison
                    && number.to_bits() == other_number.to_bits()
            }
            _ => self.0 == other.0,
        }
    }
}

impl Hash for Written<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Predicate { subject, test } = self.0;
        subject.hash(state);
        std::mem::discriminant(test).hash(state);
        match test {
            Test::Exists | Test::Null => {}
            Test::Text(pattern) => pattern.hash(state),
            Test::Regex(source) => source.hash(state),
            Test::Cidr(network) => network.hash(state),
            Test::Number(comparison, number) => (comparison, number.to_bits()).hash(state),
            Test::Boolean(truth) => truth.hash(state),
            Test::Field(relation) => relation.hash(state),
            Test::Time(part, comparison, number) => (part, comparison, number).hash(state),
        }
    }
}
