//! Programs: the conditions of all rules of a table, compiled together.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use egret_model::schema::EXTRA;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::condition::{Condition, FieldRelation, Predicate, Subject, Test};
use crate::fields::{FieldMap, Place};
use crate::graph::{Graph, Node, NodeId};
use crate::json::Members;
use crate::prefilter::Prefilter;
use crate::scanner::{Scanner, ScannerBuilder};
use crate::witnesses::Rules;

/// The conditions of all rules of a table, compiled together. Shared by threads; each has its own
/// [`Memory`](crate::Memory).
pub struct Program {
    pub(crate) nodes: Vec<Node>,
    /// For each node, whether a test in it is late: a keyword, which is about the whole record, a relation of two
    /// fields, or a test of a field that is looked at late. Those are not known from looking at each value once.
    pub(crate) late: Vec<bool>,
    pub(crate) predicates: Vec<Predicate>,
    /// For each predicate, the field that decides it, if one does.
    pub(crate) field_of: Vec<Option<usize>>,
    pub(crate) relations: HashMap<u32, Relation>,
    pub(crate) fields: Vec<ProgramField>,
    /// The number of the field that a rule calls so.
    pub(crate) by_name: HashMap<Box<str>, usize>,
    /// The columns that hold fields as JSON: `extra` first.
    pub(crate) documents: Vec<Document>,
    /// All columns that hold JSON as text.
    pub(crate) json_columns: BTreeSet<String>,
    /// Tests of every value of the record.
    pub(crate) keywords: Option<Scanner>,
    pub(crate) rules: Vec<CompiledRule>,
    /// For each predicate, the rules that it is a witness of.
    pub(crate) witnessed: Vec<Vec<u32>>,
    /// Rules that may match where none of their predicates holds.
    pub(crate) unwitnessed: Vec<u32>,
}

/// A field that rules look at.
pub(crate) struct ProgramField {
    pub(crate) place: Place,
    /// Whether it is looked at only where a rule may match that needs it.
    pub(crate) is_late: bool,
    pub(crate) scanner: Scanner,
}

/// A column that holds fields as JSON text.
#[derive(Default)]
pub(crate) struct Document {
    /// The column, and the fields of structs on the way.
    pub(crate) column: String,
    pub(crate) fields: Vec<String>,
    pub(crate) members: Members,
}

/// A test that compares two fields.
pub(crate) struct Relation {
    pub(crate) field: usize,
    pub(crate) other: usize,
    pub(crate) relation: FieldRelation,
}

pub(crate) struct CompiledRule {
    pub(crate) root: NodeId,
    pub(crate) witnesses: Option<Vec<u32>>,
    /// For a rule that cannot match without a keyword.
    pub(crate) prefilter: Option<Prefilter>,
    pub(crate) condition: Arc<Condition>,
    /// The numbers of its predicates, in the order they are written.
    pub(crate) tests: Vec<u32>,
}

/// Why a rule cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// A regular expression is none.
    #[error("the regular expression `{regex}` cannot be used: {reason}")]
    Regex {
        /// It.
        regex: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There are more texts to look for than an automaton holds.
    #[error("there are too many texts to look for: {reason}")]
    TooLarge {
        /// What its library says.
        reason: String,
    },
}

impl Program {
    /// Compiles the conditions of rules, which are known by their place from then on, for a table whose fields are
    /// where `fields` says.
    ///
    /// # Errors
    /// For each rule that cannot be compiled, its place and why. The others are compiled all the same: such a rule
    /// matches nothing.
    pub fn compile(
        conditions: impl IntoIterator<Item = Arc<Condition>>,
        fields: &FieldMap,
    ) -> (Self, Vec<(usize, CompileError)>) {
        let mut compiler = Compiler::new(fields);
        for condition in conditions {
            compiler.add(condition);
        }
        compiler.finish()
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The columns that are looked at; `None` if all are, for keywords.
    pub fn columns(&self) -> Option<BTreeSet<&str>> {
        if self.keywords.is_some() {
            return None;
        }
        let columns =
            self.fields.iter().filter_map(|field| Some(field.place.column.as_ref()?.column.as_str()));
        Some(columns.chain(self.documents.iter().map(|document| document.column.as_str())).collect())
    }
}

struct Compiler<'f> {
    map: &'f FieldMap,
    graph: Graph,
    rules: Vec<CompiledRule>,
    errors: Vec<(usize, CompileError)>,
    by_place: HashMap<Place, usize>,
    by_name: HashMap<Box<str>, usize>,
    fields: Vec<(Place, ScannerBuilder)>,
    keywords: Option<ScannerBuilder>,
    relations: HashMap<u32, Relation>,
    /// Regular expressions that are none, by predicate.
    broken: HashMap<u32, CompileError>,
}

impl<'f> Compiler<'f> {
    fn new(map: &'f FieldMap) -> Self {
        Self {
            map,
            graph: Graph::default(),
            rules: Vec::new(),
            errors: Vec::new(),
            by_place: HashMap::new(),
            by_name: HashMap::new(),
            fields: Vec::new(),
            keywords: None,
            relations: HashMap::new(),
            broken: HashMap::new(),
        }
    }

    fn add(&mut self, condition: Arc<Condition>) {
        let known = self.graph.predicates.len();
        let root = self.graph.add(&condition);
        let tests =
            condition.predicates().into_iter().map(|predicate| self.graph.predicate(predicate)).collect();
        for predicate in known..self.graph.predicates.len() {
            self.add_predicate(predicate as u32);
        }
        let mut rule = CompiledRule { root, witnesses: None, prefilter: None, condition, tests };
        if let Some(error) = self.mistake_in(root) {
            self.errors.push((self.rules.len(), error));
            rule.root = self.graph.add(&Condition::Always(false));
            rule.condition = Arc::new(Condition::Always(false));
        }
        self.rules.push(rule);
    }

    fn add_predicate(&mut self, number: u32) {
        let predicate = self.graph.predicates[number as usize].clone();
        let added = match (&predicate.subject, &predicate.test) {
            (Subject::Field(name), Test::Field(relation)) => {
                let (field, other) = (self.field(name), self.field(&relation.other));
                self.relations.insert(number, Relation { field, other, relation: relation.clone() });
                Ok(())
            }
            (Subject::Field(name), test) => {
                let field = self.field(name);
                self.fields[field].1.add(number, test)
            }
            (Subject::AnyValue, test) => self.keywords.get_or_insert_default().add(number, test),
        };
        if let (Err(error), Test::Regex(regex)) = (added, &predicate.test) {
            let error = CompileError::Regex { regex: regex.to_string(), reason: error.to_string() };
            self.broken.insert(number, error);
        }
    }

    fn field(&mut self, name: &str) -> usize {
        if let Some(known) = self.by_name.get(name) {
            return *known;
        }
        let place = self.map.resolve(name);
        let field = *self.by_place.entry(place).or_insert_with_key(|place| {
            self.fields.push((place.clone(), ScannerBuilder::default()));
            self.fields.len() - 1
        });
        self.by_name.insert(name.into(), field);
        field
    }

    /// Why a part of this node cannot be compiled, if so.
    fn mistake_in(&self, node: NodeId) -> Option<CompileError> {
        if self.broken.is_empty() {
            return None;
        }
        match &self.graph.nodes[node as usize] {
            Node::Always(_) => None,
            Node::Test(predicate) => self.broken.get(predicate).cloned(),
            Node::All(parts) | Node::Any(parts) | Node::AtLeast(_, parts) => {
                parts.iter().find_map(|part| self.mistake_in(*part))
            }
            Node::Not(inner) => self.mistake_in(*inner),
        }
    }

    fn finish(mut self) -> (Program, Vec<(usize, CompileError)>) {
        let documents = documents(&self.fields);
        let field_of: Vec<Option<usize>> =
            self.graph.predicates.iter().map(|predicate| self.tested_field(predicate)).collect();
        let witnesses = Rules {
            graph: &self.graph,
            rules: self.rules.iter().map(|rule| (rule.root, rule.tests.as_slice())).collect(),
            field_of: field_of.clone(),
            fields: self.fields.len(),
        }
        .choose();
        let (places, builders): (Vec<Place>, Vec<ScannerBuilder>) =
            std::mem::take(&mut self.fields).into_iter().unzip();
        // Automata take most of the time.
        let built: Vec<_> = builders.into_par_iter().map(ScannerBuilder::finish).collect();
        let scanners: Vec<Scanner> = built.into_iter().map(|built| self.usable(built)).collect();
        let fields: Vec<ProgramField> = places
            .into_iter()
            .zip(scanners)
            .zip(witnesses.is_late)
            .map(|((place, scanner), is_late)| ProgramField { place, is_late, scanner })
            .collect();
        let keywords = self.keywords.take().map(|builder| self.usable(builder.finish()));
        for (rule, witnesses) in self.rules.iter_mut().zip(witnesses.of_rules) {
            rule.witnesses = witnesses;
            let keywords = self.graph.needed_keywords(rule.root).unwrap_or_default();
            let keywords = keywords.iter().map(|predicate| &self.graph.predicates[*predicate as usize]);
            rule.prefilter = Prefilter::new(keywords);
        }
        let mut witnessed = vec![Vec::new(); self.graph.predicates.len()];
        let mut unwitnessed = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            match &rule.witnesses {
                Some(witnesses) => {
                    witnesses.iter().for_each(|predicate| witnessed[*predicate as usize].push(number as u32));
                }
                None => unwitnessed.push(number as u32),
            }
        }
        let is_late = |number: usize| {
            self.graph.predicates[number].is_late()
                || field_of[number].is_some_and(|field| fields[field].is_late)
        };
        let late = late_nodes(&self.graph, is_late);
        let program = Program {
            late,
            nodes: self.graph.nodes,
            predicates: self.graph.predicates,
            field_of,
            relations: self.relations,
            fields,
            by_name: self.by_name,
            documents,
            json_columns: self.map.documents().clone(),
            keywords,
            rules: self.rules,
            witnessed,
            unwitnessed,
        };
        (program, self.errors)
    }

    /// The field that decides a predicate, if one does.
    fn tested_field(&self, predicate: &Predicate) -> Option<usize> {
        match &predicate.subject {
            Subject::Field(name) if !predicate.is_late() => self.by_name.get(&**name).copied(),
            _ => None,
        }
    }

    fn usable(&mut self, built: Result<Scanner, String>) -> Scanner {
        built.unwrap_or_else(|reason| {
            self.errors.push((self.rules.len(), CompileError::TooLarge { reason }));
            Scanner::default()
        })
    }
}

fn late_nodes(graph: &Graph, is_late_test: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut late: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    // Parts come before what they are part of.
    for node in &graph.nodes {
        let is_late = match node {
            Node::Always(_) => false,
            Node::Test(predicate) => is_late_test(*predicate as usize),
            Node::All(parts) | Node::Any(parts) | Node::AtLeast(_, parts) => {
                parts.iter().any(|part| late[*part as usize])
            }
            Node::Not(inner) => late[*inner as usize],
        };
        late.push(is_late);
    }
    late
}

/// The columns that hold these fields as JSON.
fn documents(fields: &[(Place, ScannerBuilder)]) -> Vec<Document> {
    let mut documents = vec![Document { column: EXTRA.to_owned(), ..Document::default() }];
    for (field, (place, _)) in fields.iter().enumerate() {
        for path in &place.extra {
            documents[0].members.add(path, field);
        }
        let Some(column) = place.column.as_ref().filter(|column| column.is_json) else { continue };
        let known = documents
            .iter()
            .position(|document| document.column == column.column && document.fields == column.fields);
        let at = known.unwrap_or_else(|| {
            let (column, fields) = (column.column.clone(), column.fields.clone());
            documents.push(Document { column, fields, members: Members::default() });
            documents.len() - 1
        });
        documents[at].members.add(&column.members, field);
    }
    documents
}
