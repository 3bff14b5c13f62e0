//! Conditions: what each means, what is wrong with others, and that nothing is lost on the way.

use std::fmt::Write as _;

use egret_config::SourceFile;
use egret_match::Test;
use proptest::prelude::*;

use super::*;
use crate::sigma::ShownCondition;

const NAMES: [&str; 6] =
    ["selection_a", "selection_b", "filter_main_1", "filter_main_2", "keywords", "_private"];

fn selections() -> Vec<Selection> {
    let file = SourceFile::new("rule.yml", "");
    let selection = |name: &&str| Selection {
        name: (*name).into(),
        location: Location::new(&file, 0..0),
        condition: Condition::field(name, Test::Exists),
        tests: 1,
        used: false,
    };
    NAMES.iter().map(selection).collect()
}

fn lowered(text: &str) -> Result<Condition, Refusal> {
    lower(text, &mut selections(), &mut Budget::new())
}

fn shown(text: &str) -> String {
    match lowered(text) {
        Ok(condition) => {
            let shown = ShownCondition(&condition).to_string();
            NAMES.iter().fold(shown, |shown, name| shown.replace(&format!("{name}{{{name} exists}}"), name))
        }
        Err(Refusal::Mistake { message, hint, span }) => {
            format!("{message} [{}..{} {}] {hint}", span.start, span.end, &text[span.clone()])
        }
        Err(Refusal::Aggregation(span)) => format!("aggregation [{}]", &text[span]),
        Err(Refusal::TooLarge) => "too many tests".to_owned(),
    }
}

#[test]
fn every_condition() {
    let mut text = String::new();
    for line in include_str!("../../../tests/sigma/conditions.txt").lines().skip(1) {
        writeln!(text, "{line}\n   {}", shown(line)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_empty_condition_ends_too_early() {
    for text in ["", "  ", "\n"] {
        assert!(shown(text).starts_with("the condition ends too early"), "{}", shown(text));
    }
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}keywords{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(shown(&nested(MAX_DEPTH)), "keywords");
    assert!(shown(&nested(MAX_DEPTH + 1)).starts_with("this is nested deeper than 64 levels"));
    assert!(shown(&nested(100_000)).starts_with("this is nested deeper than 64 levels"));
    assert!(shown(&format!("{}keywords", "not ".repeat(100_000))).starts_with("this is nested deeper"));
}

#[test]
fn selections_that_are_named_are_used() {
    let mut selections = selections();
    lower("1 of filter_* and not keywords", &mut selections, &mut Budget::new()).unwrap();
    let used: Vec<&str> =
        selections.iter().filter(|selection| selection.used).map(|selection| &*selection.name).collect();
    assert_eq!(used, ["filter_main_1", "filter_main_2", "keywords"]);
}

#[test]
fn names_are_matched_as_a_whole() {
    for (pattern, name, expected) in [
        ("a*", "abc", true),
        ("a*", "a", true),
        ("*c", "abc", true),
        ("*", "", true),
        ("a*a", "a", false),
        ("a*a", "aa", true),
        ("a*b*c", "abbc", true),
        ("a*b*bc", "abc", false),
        ("a", "ab", false),
        ("**", "x", true),
        ("", "", true),
    ] {
        assert_eq!(is_like(name, pattern), expected, "{pattern} {name}");
    }
}

/// A condition as it could be written.
#[derive(Debug, Clone)]
enum Written {
    Name(usize),
    Not(Box<Written>),
    And(Vec<Written>),
    Or(Vec<Written>),
}

fn written() -> impl Strategy<Value = Written> {
    let name = (0..NAMES.len()).prop_map(Written::Name);
    name.prop_recursive(5, 30, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| Written::Not(Box::new(inner))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Written::And),
            prop::collection::vec(inner, 2..4).prop_map(Written::Or),
        ]
    })
}

impl Written {
    /// It with no more parentheses than are needed.
    fn text(&self) -> String {
        let join = |parts: &[Self], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| part.inside(self)).collect();
            parts.join(word)
        };
        match self {
            Self::Name(index) => NAMES[*index].to_owned(),
            Self::Not(inner) => format!("not {}", inner.inside(self)),
            Self::And(parts) => join(parts, " and "),
            Self::Or(parts) => join(parts, " or "),
        }
    }

    fn inside(&self, outer: &Self) -> String {
        let needs_none =
            matches!((outer, self), (_, Self::Name(_) | Self::Not(_)) | (Self::Or(_), Self::And(_)));
        if needs_none { self.text() } else { format!("({})", self.text()) }
    }

    fn condition(&self) -> Condition {
        let all = |parts: &[Self]| parts.iter().map(Self::condition).collect();
        match self {
            Self::Name(index) => {
                let test = Condition::field(NAMES[*index], Test::Exists);
                Condition::Named(NAMES[*index].into(), Box::new(test))
            }
            Self::Not(inner) => inner.condition().negated(),
            Self::And(parts) => Condition::All(all(parts)),
            Self::Or(parts) => Condition::Any(all(parts)),
        }
    }
}

proptest! {
    #[test]
    fn a_condition_is_read_as_it_was_meant(written in written()) {
        prop_assert_eq!(lowered(&written.text()), Ok(written.condition()));
    }

    #[test]
    fn no_condition_is_a_crash(text in "(and|or|not|of|1|all|them|selection_a|keywords|\\(|\\)|\\*| |\\PC){0,20}") {
        shown(&text);
    }
}
