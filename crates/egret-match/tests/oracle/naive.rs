//! The oracle: one rule, one record, one test after the other, straight from the words of the algebra.

use egret_match::{
    Comparison, Condition, FieldRelation, Part, Predicate, Subject, Test, TextPattern, TextRelation,
};
use regex::Regex;
use serde_json::Value;

pub(crate) fn holds(condition: &Condition, record: &Value) -> bool {
    match condition {
        Condition::Always(always) => *always,
        Condition::Test(predicate) => test_holds(predicate, record),
        Condition::All(parts) => parts.iter().all(|part| holds(part, record)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, record)),
        Condition::AtLeast(count, parts) => parts.iter().filter(|part| holds(part, record)).count() >= *count,
        Condition::Not(inner) => !holds(inner, record),
        Condition::Named(_, inner) => holds(inner, record),
    }
}

pub(crate) fn test_holds(predicate: &Predicate, record: &Value) -> bool {
    let values = match &predicate.subject {
        Subject::AnyValue => {
            let mut leaves = Vec::new();
            leaves_of(record, &mut leaves);
            return leaves.iter().any(|leaf| value_holds(&predicate.test, leaf));
        }
        Subject::Field(name) => field(record, name),
    };
    match &predicate.test {
        Test::Exists => !values.is_empty(),
        Test::Null => values.iter().all(|value| value.is_null()),
        Test::Field(relation) => {
            let others: Vec<&Value> = field(record, &relation.other).into_iter().collect();
            let [other] = others.as_slice() else { return false };
            let (false, Some(other)) = (other.is_array() || other.is_object(), text(other)) else {
                return false;
            };
            elements(&values).iter().any(|value| is_related(relation, value, &other))
        }
        test => elements(&values).iter().any(|text| value_holds(test, text)),
    }
}

/// All values at the path `name`: a whole path may be one name, spaces do not count, lists are looked through.
fn field<'r>(record: &'r Value, name: &str) -> Vec<&'r Value> {
    let name: String = name.chars().filter(|c| !c.is_whitespace()).collect();
    let path: Vec<&str> = name.split('.').collect();
    let mut found = Vec::new();
    along(record, &path, &mut found);
    if path.len() > 1 {
        along(record, &[&name], &mut found);
    }
    found
}

fn along<'r>(value: &'r Value, path: &[&str], found: &mut Vec<&'r Value>) {
    let Some((first, rest)) = path.split_first() else {
        found.push(value);
        return;
    };
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name.replace(' ', "") == **first {
                    along(member, rest, found);
                }
            }
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
        Test::Text(pattern) => is_like(pattern, text),
        Test::Regex(regex) => Regex::new(regex).unwrap().is_match(text),
        Test::Cidr(network) => {
            text.parse::<std::net::IpAddr>().is_ok_and(|address| network.contains(&address.to_canonical()))
        }
        Test::Number(comparison, number) => text.trim().parse::<f64>().is_ok_and(|value| match comparison {
            Comparison::Equal => value == *number,
            Comparison::Less => value < *number,
            Comparison::LessOrEqual => value <= *number,
            Comparison::Greater => value > *number,
            Comparison::GreaterOrEqual => value >= *number,
        }),
        Test::Boolean(truth) => fold(text) == truth.to_string(),
        Test::Exists | Test::Null | Test::Field(_) | Test::Time(..) => false,
    }
}

/// By a regular expression, which says what a pattern means in another way than the matcher does.
fn is_like(pattern: &TextPattern, text: &str) -> bool {
    let fold = |text: &str| if pattern.is_cased() { text.to_owned() } else { fold(text) };
    let piece = |part: &Part| match part {
        Part::Literal(literal) => regex::escape(&fold(literal)),
        Part::AnyRun => ".*".to_owned(),
        Part::AnyCharacter => ".".to_owned(),
    };
    let regex: String = pattern.parts().iter().map(piece).collect();
    Regex::new(&format!("(?s)^(?:{regex})$")).unwrap().is_match(&fold(text))
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
