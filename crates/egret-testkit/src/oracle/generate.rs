//! Random conditions and records, of few words so that they meet.

use egret_match::{Comparison, Condition, FieldRelation, Part, Test, TextPattern, TextRelation};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Fields of records: columns of several kinds, parts of structs and of JSON, and what only `extra` has.
const FIELDS: [&str; 12] = [
    "name",
    "Name",
    "number",
    "flag",
    "user.type",
    "user.id",
    "params",
    "params.a",
    "params.b.c",
    "Threat Name",
    "other",
    "deep.er",
];

const WORDS: [&str; 20] = [
    "", "a", "A", "cmd", "CMD.exe", ".exe", "\\", "\\cmd", "ä", "Ä", "İ", "ß", "K", "k", "Σ", "ς", "*", "?",
    "7", "10.0.0.7",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(select(&WORDS[..]), 0..4).prop_map(|words| words.concat())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => text().prop_map(Value::String),
        2 => (-3_i64..10).prop_map(Value::from),
        1 => Just(json!(2.5)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Null),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(2, 8, 3, |inner| {
        prop_oneof![prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array), object(inner),]
    })
}

fn object(member: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let names = select(&["a", "b", "c", "type", "id", "er"][..]);
    prop::collection::vec((names, member), 0..3)
        .prop_map(|members| {
            members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
        })
        .prop_map(Value::Object)
}

/// A record: an object with some of the fields.
pub fn record() -> impl Strategy<Value = Value> {
    let names = select(
        &["name", "Name", "number", "flag", "user", "params", "Threat Name", "other", "deep", "deep.er"][..],
    );
    let member = names.prop_flat_map(|name| {
        let value = match name {
            "user" | "params" | "deep" => prop_oneof![4 => object(value()), 1 => value()].boxed(),
            _ => prop_oneof![4 => scalar(), 1 => value()].boxed(),
        };
        (Just(name.to_owned()), value)
    });
    prop::collection::vec(member, 0..8)
        .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>()))
}

fn pattern() -> impl Strategy<Value = TextPattern> {
    let part = prop_oneof![
        3 => select(&WORDS[..]).prop_map(|word| Part::Literal(word.into())),
        1 => Just(Part::AnyRun),
        1 => Just(Part::AnyCharacter),
    ];
    let shaped = (text(), 0..4).prop_map(|(text, shape)| match shape {
        0 => TextPattern::equals(&text),
        1 => TextPattern::contains(&text),
        2 => TextPattern::starts_with(&text),
        _ => TextPattern::ends_with(&text),
    });
    let free = prop::collection::vec(part, 0..5).prop_map(|parts| TextPattern::new(parts, false));
    (prop_oneof![3 => shaped, 2 => free], prop::bool::weighted(0.2))
        .prop_map(|(pattern, cased)| if cased { pattern.cased() } else { pattern })
}

fn comparison() -> impl Strategy<Value = Comparison> {
    select(
        &[
            Comparison::Equal,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater,
            Comparison::GreaterOrEqual,
        ][..],
    )
}

fn field_test() -> impl Strategy<Value = Test> {
    let relation = select(
        &[TextRelation::Equals, TextRelation::Contains, TextRelation::StartsWith, TextRelation::EndsWith][..],
    );
    prop_oneof![
        1 => Just(Test::Exists),
        1 => Just(Test::Null),
        6 => value_test(),
        1 => (select(&FIELDS[..]), relation, any::<bool>()).prop_map(|(other, relation, cased)| {
            Test::Field(FieldRelation { other: other.into(), relation, cased })
        }),
    ]
}

fn value_test() -> impl Strategy<Value = Test> {
    let regexes = select(
        &[
            "cmd",
            "(?i)CMD\\.exe$",
            "^a",
            "a|ä",
            "(?i)k",
            "\\d",
            "[^a]",
            "",
            "(?i)(cmd|\\.exe).*a",
            "ß{2}",
            "(cmd)+$",
        ][..],
    );
    let networks = select(&["10.0.0.0/8", "10.0.0.7/32", "0.0.0.0/0", "::/0"][..]);
    prop_oneof![
        8 => pattern().prop_map(Test::Text),
        2 => regexes.prop_map(|regex| Test::Regex(regex.into())),
        1 => networks.prop_map(|network| Test::Cidr(network.parse().unwrap())),
        2 => (comparison(), -3_i64..10).prop_map(|(comparison, number)| Test::Number(comparison, number as f64)),
        1 => any::<bool>().prop_map(Test::Boolean),
    ]
}

/// What a rule says.
pub fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        8 => (select(&FIELDS[..]), field_test()).prop_map(|(field, test)| Condition::field(field, test)),
        1 => value_test().prop_map(Condition::any_value),
        1 => any::<bool>().prop_map(Condition::Always),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            parts.clone().prop_map(Condition::All),
            parts.clone().prop_map(Condition::Any),
            (0_usize..4, parts).prop_map(|(count, parts)| Condition::AtLeast(count, parts)),
            inner.clone().prop_map(|inner| Condition::Not(Box::new(inner))),
            inner.prop_map(|inner| Condition::Named("selection".into(), Box::new(inner))),
        ]
    })
}
