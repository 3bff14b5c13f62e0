//! One rule, one record, one test after the other.

use std::collections::HashMap;
use std::net::IpAddr;

use egret_match::{
    Comparison, Condition, FieldRelation, Part, Predicate, Subject, Test, TextPattern, TextRelation,
};
use regex::Regex;
use serde_json::Value;

/// A rule that is decided record by record. What a pattern means is said by a regular expression, which is another way
/// than the matcher's.
#[derive(Debug)]
pub struct Oracle {
    condition: Condition,
    /// For each predicate, the names of its field and of the one that it is compared with. The first that a record
    /// has counts.
    names: Vec<[Vec<FieldName>; 2]>,
    /// For each predicate, in the order they are written, what it is as a regular expression, and whether that is
    /// about the folded text.
    regexes: Vec<Option<(Regex, bool)>>,
}

impl Oracle {
    /// For this rule.
    pub fn new(condition: &Condition) -> Self {
        let regex = |predicate: &Predicate| match &predicate.test {
            Test::Text(pattern) => Some((pattern_regex(pattern), !pattern.is_cased())),
            Test::Regex(source) => Some((Regex::new(source).unwrap(), false)),
            _ => None,
        };
        let regexes = condition.predicates().into_iter().map(regex).collect();
        Self { condition: condition.clone(), names: names(condition, &HashMap::new()), regexes }
    }

    /// With other names of fields, the better ones first.
    #[must_use]
    pub fn with_aliases(self, aliases: &HashMap<String, Vec<String>>) -> Self {
        Self { names: names(&self.condition, aliases), ..self }
    }

    /// Whether the rule matches the record.
    pub fn matches(&self, record: &Value) -> bool {
        self.holds(&self.condition, record, &mut 0)
    }

    /// Which of the rule's predicates hold for the record, in the order they are written.
    pub fn predicates(&self, record: &Value) -> Vec<bool> {
        let predicates = self.condition.predicates().into_iter().enumerate();
        predicates.map(|(number, predicate)| self.test_holds(predicate, number, record)).collect()
    }

    /// `next` is the number of the next predicate: all are counted, also those that decide nothing.
    fn holds(&self, condition: &Condition, record: &Value, next: &mut usize) -> bool {
        match condition {
            Condition::Always(always) => *always,
            Condition::Test(predicate) => {
                *next += 1;
                self.test_holds(predicate, *next - 1, record)
            }
            Condition::All(parts) => {
                let mut all = true;
                for part in parts {
                    // One that fails decides; the others are only counted.
                    all = if all { self.holds(part, record, next) } else { skip(part, next) };
                }
                all
            }
            Condition::Any(parts) => parts.iter().filter(|part| self.holds(part, record, next)).count() > 0,
            Condition::AtLeast(count, parts) => {
                parts.iter().filter(|part| self.holds(part, record, next)).count() >= *count
            }
            Condition::Not(inner) => !self.holds(inner, record, next),
            Condition::Named(_, inner) => self.holds(inner, record, next),
        }
    }

    fn test_holds(&self, predicate: &Predicate, number: usize, record: &Value) -> bool {
        let regex = self.regexes[number].as_ref();
        let holds = |text: &str| match regex {
            Some((regex, true)) => regex.is_match(&fold(text)),
            Some((regex, false)) => regex.is_match(text),
            None => value_holds(&predicate.test, text),
        };
        let values = match &predicate.subject {
            Subject::AnyValue => {
                let mut leaves = Vec::new();
                leaves_of(record, &mut leaves);
                return leaves.iter().any(|leaf| holds(leaf));
            }
            Subject::Field(_) => field(record, &self.names[number][0]),
        };
        match &predicate.test {
            Test::Exists => !values.is_empty(),
            Test::Null => values.iter().all(|value| value.is_null()),
            Test::Field(relation) => {
                let others = field(record, &self.names[number][1]);
                let [other] = others.as_slice() else { return false };
                let (false, Some(other)) = (other.is_array() || other.is_object(), text(other)) else {
                    return false;
                };
                elements(&values).iter().any(|value| is_related(relation, value, &other))
            }
            _ => elements(&values).iter().any(|text| holds(text)),
        }
    }
}

/// Counts the predicates of a part; it does not hold.
fn skip(part: &Condition, next: &mut usize) -> bool {
    *next += part.predicates().len();
    false
}

fn pattern_regex(pattern: &TextPattern) -> Regex {
    let piece = |part: &Part| match part {
        Part::Literal(literal) if pattern.is_cased() => regex::escape(literal),
        Part::Literal(literal) => regex::escape(&fold(literal)),
        Part::AnyRun => ".*".to_owned(),
        Part::AnyCharacter => ".".to_owned(),
    };
    let pieces: String = pattern.parts().iter().map(piece).collect();
    Regex::new(&format!("(?s)^(?:{pieces})$")).unwrap()
}

/// The name of a field, without spaces.
#[derive(Debug)]
struct FieldName {
    whole: String,
    path: Vec<String>,
}

impl FieldName {
    fn new(name: &str) -> Self {
        let whole: String = name.chars().filter(|c| !c.is_whitespace()).collect();
        Self { path: whole.split('.').map(str::to_owned).collect(), whole }
    }
}

fn names(condition: &Condition, aliases: &HashMap<String, Vec<String>>) -> Vec<[Vec<FieldName>; 2]> {
    let names_of = |name: &str| {
        let others = aliases.get(name).into_iter().flatten().map(String::as_str);
        [name].into_iter().chain(others).map(FieldName::new).collect::<Vec<_>>()
    };
    let both = |predicate: &Predicate| {
        let own = match &predicate.subject {
            Subject::Field(name) => names_of(name),
            Subject::AnyValue => Vec::new(),
        };
        match &predicate.test {
            Test::Field(relation) => [own, names_of(&relation.other)],
            _ => [own, Vec::new()],
        }
    };
    condition.predicates().into_iter().map(both).collect()
}

/// All values of the first of these names that the record has: a whole path may be one name, spaces do not count, lists
/// are looked through.
fn field<'r>(record: &'r Value, names: &[FieldName]) -> Vec<&'r Value> {
    let mut found = Vec::new();
    for FieldName { whole, path } in names {
        along(record, path, &mut found);
        if path.len() > 1 {
            along(record, std::slice::from_ref(whole), &mut found);
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

fn along<'r>(value: &'r Value, path: &[String], found: &mut Vec<&'r Value>) {
    let Some((first, rest)) = path.split_first() else {
        found.push(value);
        return;
    };
    match value {
        Value::Object(members) => {
            if let Some(member) = members.get(first) {
                along(member, rest, found);
            }
            let spaced =
                members.iter().filter(|(name, _)| name.contains(' ') && name.replace(' ', "") == *first);
            spaced.for_each(|(_, member)| along(member, rest, found));
        }
        Value::Array(elements) => elements.iter().for_each(|element| along(element, path, found)),
        _ => {}
    }
}

fn elements(values: &[&Value]) -> Vec<String> {
    let mut texts = Vec::new();
    for value in values {
        match value {
            Value::Array(inner) => texts.extend(elements(&inner.iter().collect::<Vec<_>>())),
            other => texts.extend(text(other)),
        }
    }
    texts
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn leaves_of(value: &Value, leaves: &mut Vec<String>) {
    match value {
        Value::Array(elements) => elements.iter().for_each(|element| leaves_of(element, leaves)),
        Value::Object(members) => members.values().for_each(|member| leaves_of(member, leaves)),
        scalar => leaves.extend(text(scalar)),
    }
}

fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn value_holds(test: &Test, text: &str) -> bool {
    match test {
        Test::Cidr(network) => {
            text.parse::<IpAddr>().is_ok_and(|address| network.contains(&address.to_canonical()))
        }
        Test::Number(comparison, number) => text.trim().parse::<f64>().is_ok_and(|value| match comparison {
            Comparison::Equal => value == *number,
            Comparison::Less => value < *number,
            Comparison::LessOrEqual => value <= *number,
            Comparison::Greater => value > *number,
            Comparison::GreaterOrEqual => value >= *number,
        }),
        Test::Boolean(truth) => fold(text) == truth.to_string(),
        Test::Exists | Test::Null | Test::Text(_) | Test::Regex(_) | Test::Field(_) | Test::Time(..) => false,
    }
}

fn is_related(relation: &FieldRelation, text: &str, other: &str) -> bool {
    let fold = |text: &str| if relation.cased { text.to_owned() } else { fold(text) };
    let (text, other) = (fold(text), fold(other));
    match relation.relation {
        TextRelation::Equals => text == other,
        TextRelation::Contains => text.contains(&other),
        TextRelation::StartsWith => text.starts_with(&other),
        TextRelation::EndsWith => text.ends_with(&other),
    }
}
