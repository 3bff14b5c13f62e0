//! Selections: maps, lists and keywords lowered to conditions.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use egret_config::{Diagnostic, Located, SourceFile};
use egret_match::{Condition, Subject};

use super::detection::SigmaField;
use super::limits::{self, Budget, Report};
use super::modifier::{self, FieldKey, Modifier, Step};
use super::placeholder::Placeholders;
use super::value::{Applied, Problem, Value, apply, field_name};
use super::yaml::{self, Entry, Kind, Node, Scalar};

/// Lowers the selections of one rule, and collects what is wrong with them.
pub(super) struct Lowering<'a> {
    pub file: &'a Arc<SourceFile>,
    pub placeholders: &'a Placeholders,
    pub report: Report,
    /// Placeholders without values, where they are written.
    pub missing: Vec<Located<String>>,
    /// The fields that are tested, each once.
    pub fields: Vec<SigmaField>,
    known: HashMap<String, Arc<str>>,
    /// How many tests there were so far.
    pub tests: usize,
    /// What the rule may still become.
    pub budget: Budget,
}

impl<'a> Lowering<'a> {
    /// One for a rule in `file`, which may cost as much as `budget`.
    pub fn new(file: &'a Arc<SourceFile>, placeholders: &'a Placeholders, budget: Budget) -> Self {
        Self {
            file,
            placeholders,
            report: Report::default(),
            missing: Vec::new(),
            fields: Vec::new(),
            known: HashMap::new(),
            tests: 0,
            budget,
        }
    }

    /// What `node` says; nothing after a mistake, which was noted.
    pub fn selection(&mut self, node: &Node) -> Option<Condition> {
        match &node.kind {
            Kind::Map(entries) => self.map(entries, None, node),
            Kind::List(items) => {
                self.check_not_empty(items.is_empty(), node)?;
                any(items.iter().map(|item| self.list_item(item)).collect())
            }
            Kind::Scalar(scalar) => self.keyword(scalar, node),
        }
    }

    fn list_item(&mut self, item: &Node) -> Option<Condition> {
        match &item.kind {
            Kind::Map(entries) => self.map(entries, None, item),
            Kind::Scalar(scalar) => self.keyword(scalar, item),
            Kind::List(_) => self.list_in_list(item),
        }
    }

    fn keyword(&mut self, scalar: &Scalar, node: &Node) -> Option<Condition> {
        self.value(&Item::keyword(), scalar, node).ok()
    }

    /// All of `entries`. Those of a map below a field have `path`, its name.
    fn map(&mut self, entries: &[Entry], path: Option<&str>, node: &Node) -> Option<Condition> {
        self.check_not_empty(entries.is_empty(), node)?;
        all(entries.iter().map(|entry| self.item(entry, path)).collect())
    }

    fn item(&mut self, entry: &Entry, path: Option<&str>) -> Option<Condition> {
        let key = match FieldKey::parse(&entry.key.text) {
            Ok(key) => key,
            Err(mistake) => {
                let place = entry.key.place(self.file, mistake.span);
                return self.mistake(Diagnostic::error(mistake.message).at(&place).hint(mistake.hint));
            }
        };
        let field = self.field_path(entry, &key, path)?;
        let nodes = match &entry.value.kind {
            Kind::List(items) => items.as_slice(),
            Kind::Scalar(_) | Kind::Map(_) => std::slice::from_ref(&entry.value),
        };
        self.check_not_empty(nodes.is_empty(), &entry.value)?;
        if let Some(all) = key.all.clone().filter(|_| nodes.len() == 1) {
            self.all_of_one(entry, all);
        }
        let conditions = self.item_values(entry, &key, field.as_deref(), nodes);
        let condition = if key.all.is_some() { all(conditions) } else { any(conditions) };
        condition.map(|condition| if key.negated { condition.negated() } else { condition })
    }

    /// What each of `nodes`, the values behind `key`, says; nothing for one with a mistake.
    fn item_values(
        &mut self,
        entry: &Entry,
        key: &FieldKey<'_>,
        field: Option<&str>,
        nodes: &[Node],
    ) -> Vec<Option<Condition>> {
        let tests_values = nodes.iter().any(|node| matches!(node.kind, Kind::Scalar(_)));
        let subject = match field {
            Some(field) if tests_values => Subject::Field(self.field(field, key, entry)),
            _ => Subject::AnyValue,
        };
        let item = Item { subject, steps: &key.steps, expand: key.expand, entry: Some(entry) };
        let mut conditions = Vec::with_capacity(nodes.len());
        for node in nodes {
            conditions.push(match &node.kind {
                Kind::Scalar(scalar) => match self.value(&item, scalar, node) {
                    Ok(condition) => Some(condition),
                    Err(Stop::Value) => None,
                    Err(Stop::Item) => return vec![None],
                },
                Kind::Map(entries) => self.nested(entries, field, key, entry, node),
                Kind::List(_) => self.list_in_list(node),
            });
        }
        conditions
    }

    /// The path of the field, without spaces; nothing for keywords.
    fn field_path(
        &mut self,
        entry: &Entry,
        key: &FieldKey<'_>,
        path: Option<&str>,
    ) -> Option<Option<String>> {
        let name = field_name(key.field);
        if !name.is_empty() {
            return Some(Some(match path {
                Some(path) => format!("{path}.{name}"),
                None => name,
            }));
        }
        if path.is_none() && entry.key.text.contains('|') {
            return Some(None);
        }
        let place = entry.key.location(self.file);
        self.mistake(Diagnostic::error("there is no name of a field").at(&place).hint("write `field: value`"))
    }

    /// The map `entries` below a field: its names are parts of the field's path.
    fn nested(
        &mut self,
        entries: &[Entry],
        field: Option<&str>,
        key: &FieldKey<'_>,
        entry: &Entry,
        node: &Node,
    ) -> Option<Condition> {
        if field.is_none() || !key.steps.is_empty() || key.expand {
            let place = entry.key.location(self.file);
            let mistake = Diagnostic::error("modifiers stand before values, and this is a map").at(&place);
            return self.mistake(mistake.hint("put them behind the names in the map"));
        }
        self.map(entries, field, node)
    }

    /// Takes `scalar`, which is written at `node`, through the modifiers.
    fn value(&mut self, item: &Item<'_>, scalar: &Scalar, node: &Node) -> Result<Condition, Stop> {
        let mut values = self.first_values(item, scalar, node)?;
        for step in item.steps {
            let mut next = Vec::with_capacity(values.len());
            let mut bytes = 0;
            for value in values {
                let before = next.len();
                let most = self.budget.alternatives(value.bytes());
                match apply(step.modifier, item.name_of(step), value, most) {
                    Ok(Applied::One(value)) => next.push(value),
                    Ok(Applied::Several(values)) => next.extend(values),
                    Err(problem) => return Err(self.problem(problem, item, Some(step), scalar, node)),
                }
                bytes += next[before..].iter().map(Value::bytes).sum::<usize>();
                if !self.budget.allows(next.len(), bytes) {
                    return Err(self.too_large(node));
                }
            }
            values = next;
        }
        self.tests += values.len();
        let bytes = values.iter().map(Value::bytes).sum();
        self.budget.spend(values.len(), bytes).ok_or_else(|| self.too_large(node))?;
        let mut conditions = Vec::with_capacity(values.len());
        for value in values {
            if let Value::Field(relation) = &value {
                self.other_field(&relation.other, node);
            }
            match value.into_condition(&item.subject, item.is_exact()) {
                Ok(condition) => conditions.push(condition),
                Err(problem) => return Err(self.problem(problem, item, item.steps.last(), scalar, node)),
            }
        }
        Ok(single_or(conditions, Condition::Any))
    }

    /// What `scalar` says before any modifier: one value, or one for each of its placeholders' values.
    fn first_values(&mut self, item: &Item<'_>, scalar: &Scalar, node: &Node) -> Result<Vec<Value>, Stop> {
        let is_regex = modifier::is_regex(item.steps);
        if !item.expand {
            return Ok(vec![Value::read(scalar, is_regex)]);
        }
        let most = self.budget.alternatives(scalar.text().len());
        Value::expand(scalar, is_regex, self.placeholders, most)
            .map_err(|problem| self.problem(problem, item, None, scalar, node))
    }

    fn problem(
        &mut self,
        problem: Problem,
        item: &Item<'_>,
        step: Option<&Step>,
        scalar: &Scalar,
        node: &Node,
    ) -> Stop {
        let whole = node.location(self.file);
        let (message, hint, place, stop) = match problem {
            Problem::Value { message, hint, inside } => {
                let inside =
                    inside.map(|inside| yaml::place_inside(self.file, &node.span, scalar.text(), inside));
                (message, hint, inside.unwrap_or(whole), Stop::Value)
            }
            Problem::Modifier { message, hint } => {
                let modifier =
                    item.entry.zip(step).map(|(entry, step)| entry.key.place(self.file, step.span.clone()));
                (message, hint, modifier.unwrap_or(whole), Stop::Item)
            }
            Problem::Missing(names) => {
                self.missing.extend(names.into_iter().map(|name| Located::new(name, whole.clone())));
                return Stop::Value;
            }
        };
        self.report.push(Diagnostic::error(message).at(&place).hint(hint));
        stop
    }

    /// The name under which the field called `name` is tested.
    fn field(&mut self, name: &str, key: &FieldKey<'_>, entry: &Entry) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        let place = entry.key.location(self.file);
        self.new_field(name, Located::new(key.field.to_owned(), place))
    }

    /// Notes the field that another one is compared with.
    fn other_field(&mut self, name: &Arc<str>, node: &Node) {
        if !self.known.contains_key(&**name) {
            let place = node.location(self.file);
            self.new_field(name, Located::new(name.to_string(), place));
        }
    }

    fn new_field(&mut self, name: &str, written: Located<String>) -> Arc<str> {
        let shared: Arc<str> = name.into();
        self.known.insert(name.to_owned(), Arc::clone(&shared));
        self.fields.push(SigmaField { name: Arc::clone(&shared), written });
        shared
    }

    fn check_not_empty(&mut self, is_empty: bool, node: &Node) -> Option<()> {
        if !is_empty {
            return Some(());
        }
        let mistake = Diagnostic::error("there is nothing in this").at(&node.location(self.file));
        self.mistake(mistake.hint("write values, or `null` for a field that has none"))
    }

    fn list_in_list(&mut self, node: &Node) -> Option<Condition> {
        let mistake = Diagnostic::error("a list stands in a list here").at(&node.location(self.file));
        self.mistake(mistake.hint("put all values in one list"))
    }

    fn all_of_one(&mut self, entry: &Entry, all: Range<usize>) {
        let place = entry.key.place(self.file, all);
        let warning = Diagnostic::warning("`all` has no effect on a single value").at(&place);
        self.report.push(warning.hint("remove it, or write a list"));
    }

    fn too_large(&mut self, node: &Node) -> Stop {
        self.report.push(limits::too_large(&node.location(self.file)));
        Stop::Item
    }

    fn mistake<T>(&mut self, mistake: Diagnostic) -> Option<T> {
        self.report.push(mistake);
        None
    }
}

/// What values stand in.
struct Item<'a> {
    subject: Subject,
    steps: &'a [Step],
    /// Whether there are placeholders in them.
    expand: bool,
    /// Nothing for keywords in a list.
    entry: Option<&'a Entry>,
}

impl Item<'_> {
    /// What keywords in a list stand in.
    fn keyword() -> Self {
        Self { subject: Subject::AnyValue, steps: &[], expand: false, entry: None }
    }

    /// Whether the modifiers say where in a value the text is.
    fn is_exact(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.modifier, Modifier::Position(_)))
    }

    /// The modifier's name as written.
    fn name_of(&self, step: &Step) -> &str {
        self.entry.and_then(|entry| entry.key.text.get(step.span.clone())).unwrap_or_default().trim()
    }
}

/// How far a mistake reaches.
enum Stop {
    /// The other values of the item may have others.
    Value,
    /// They would have the same.
    Item,
}

fn all(conditions: Vec<Option<Condition>>) -> Option<Condition> {
    Some(single_or(conditions.into_iter().collect::<Option<_>>()?, Condition::All))
}

fn any(conditions: Vec<Option<Condition>>) -> Option<Condition> {
    Some(single_or(conditions.into_iter().collect::<Option<_>>()?, Condition::Any))
}

/// The only one of `conditions`, or `join` of them.
pub(super) fn single_or(
    mut conditions: Vec<Condition>,
    join: impl Fn(Vec<Condition>) -> Condition,
) -> Condition {
    match (conditions.len(), conditions.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            conditions.extend(last);
            join(conditions)
        }
    }
}
