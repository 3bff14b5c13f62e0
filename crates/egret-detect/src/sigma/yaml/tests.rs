//! YAML: places, what scalars mean, and what is refused.

use egret_config::{Diagnostic, SourceFile};
use proptest::prelude::*;

use super::reader::{MAX_DEPTH, MAX_DOCUMENTS};
use super::*;

fn documents(text: &str) -> Vec<Result<Node, Box<Diagnostic>>> {
    parse(&SourceFile::new("a.yml", text))
}

fn only(text: &str) -> Node {
    documents(text).remove(0).unwrap()
}

fn mistake(text: &str) -> String {
    let mistake = documents(text).into_iter().find_map(Result::err).unwrap();
    format!("{} [{}] {}", mistake.location.unwrap(), mistake.message, mistake.hint.unwrap_or_default())
}

/// Every scalar with what stands at its place.
fn scalars(node: &Node, file: &Arc<SourceFile>, found: &mut Vec<(String, String)>) {
    match &node.kind {
        Kind::Scalar(scalar) => {
            found.push((scalar.text().to_owned(), node.location(file).text().to_owned()));
        }
        Kind::List(items) => items.iter().for_each(|item| scalars(item, file, found)),
        Kind::Map(entries) => entries.iter().for_each(|entry| {
            found.push((entry.key.text.clone(), entry.key.location(file).text().to_owned()));
            scalars(&entry.value, file, found);
        }),
    }
}

#[test]
fn places_are_true_for_any_text_before() {
    for start in ["", "\u{feff}", "# ä€😀\n", "\u{feff}# é\r\n\r\n", "--- # ß\n"] {
        for newline in ["\n", "\r\n"] {
            let text =
                "é: 'ü''x'\na b: \"q\\n\"\nlist:\n  - one\n  - {k: v}\nz: end # ö\n".replace('\n', newline);
            let file = SourceFile::new("a.yml", format!("{start}{text}"));
            let mut found = Vec::new();
            scalars(parse(&file)[0].as_ref().unwrap(), &file, &mut found);
            let places: Vec<&str> = found.iter().map(|(_, place)| place.as_str()).collect();
            let expected = ["é", "'ü''x'", "a b", "\"q\\n\"", "list", "one", "k", "v", "z", "end"];
            assert_eq!(places, expected, "{start:?} {newline:?}");
        }
    }
}

#[test]
fn a_place_inside_a_value_is_exact_where_it_can_be() {
    for (written, inner, expected) in [
        ("a: one two", "two", "two"),
        ("a: 'one two'", "two", "two"),
        ("a: 'it''s two'", "two", "two"),
        ("a: 'it''s two'", "s t", "s t"),
        ("a: \"one two\"", "two", "two"),
        ("a: one\n  two\n  three", "two three", "two\n  three"),
        ("a: >\n  one\n\n  two", "two", "two"),
        ("a: |\n  one\n  two é x\n", "é x", "é x"),
        ("a: \"o\\x6ee two\"", "two", "\"o\\x6ee two\""),
        ("a: \"one\\ttwo\"", "two", "\"one\\ttwo\""),
        ("a: !!str one two", "two", "!!str one two"),
    ] {
        let file = SourceFile::new("a.yml", written);
        let node = parse(&file).remove(0).unwrap();
        let value = &node.get("a").unwrap().value;
        let Kind::Scalar(scalar) = &value.kind else { panic!("no scalar") };
        let start = scalar.text().find(inner).unwrap();
        let place = place_inside(&file, &value.span, scalar.text(), start..start + inner.len());
        assert_eq!(place.text(), expected, "{written:?}");
        let end = scalar.text().len();
        let place = place_inside(&file, &value.span, scalar.text(), end..end);
        assert!(place.text().is_empty() || place.text() == value.location(&file).text(), "{written:?}");
    }
}

#[test]
fn scalars_mean_what_yaml_1_2_says() {
    let json = |text: &str| only(&format!("- {text}\n")).to_json()[0].to_string();
    for (text, expected) in [
        ("", "null"),
        ("~", "null"),
        ("NULL", "null"),
        ("true", "true"),
        ("FALSE", "false"),
        ("tRue", "\"tRue\""),
        ("yes", "\"yes\""),
        ("off", "\"off\""),
        ("1", "1"),
        ("'1'", "\"1\""),
        ("\"1\"", "\"1\""),
        ("!!str 1", "\"1\""),
        ("-0", "0"),
        ("+017", "17"),
        ("-007", "-7"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0x", "\"0x\""),
        ("0x+1", "\"0x+1\""),
        ("0xZZ", "\"0xZZ\""),
        ("1.5", "1.5"),
        ("1.", "1.0"),
        (".5", "0.5"),
        ("1e3", "1000.0"),
        ("1e999", "\"1e999\""),
        ("1e", "\"1e\""),
        ("e1", "\"e1\""),
        ("+", "\"+\""),
        (".", "\".\""),
        ("1-2", "\"1-2\""),
        ("1.2.3", "\"1.2.3\""),
        (".inf", "\".inf\""),
        (".nan", "\".nan\""),
        ("18446744073709551615", "18446744073709551615"),
        ("2024-01-31", "\"2024-01-31\""),
        ("12:30", "\"12:30\""),
    ] {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn aliases_stand_for_what_they_name() {
    let node = only("a: &x [1, {b: c}]\nd: *x\ne: &y z\nf: *y\n");
    assert_eq!(node.to_json().to_string(), r#"{"a":[1,{"b":"c"}],"d":[1,{"b":"c"}],"e":"z","f":"z"}"#);
    assert!(mistake("a: &x [*x]\n").contains("inside the value"));
    assert!(documents("a: &x 1\n---\nb: *x\n")[1].is_err());
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(mistake(&text).contains("repeat more than 1 MiB"));
    let mut text = "a0: &a0 x\n".to_owned();
    for level in 1..100 {
        text += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert!(mistake(&text).contains("deeper than 64 levels"));
}

#[test]
fn depth_and_documents_are_bounded() {
    let nested = |depth: usize| format!("{}x{}\n", "[".repeat(depth), "]".repeat(depth));
    assert!(documents(&nested(MAX_DEPTH))[0].is_ok());
    assert!(mistake(&nested(MAX_DEPTH + 1)).contains("deeper than 64 levels"));
    for deep in ["[", "{", "- ", "? ", "{a: ", "[a, "] {
        assert!(documents(&deep.repeat(100_000))[0].is_err(), "{deep}");
    }
    let documents = documents(&"x\n---\n".repeat(MAX_DOCUMENTS + 10));
    assert_eq!(documents.len(), MAX_DOCUMENTS + 1);
    assert!(documents[MAX_DOCUMENTS].as_ref().unwrap_err().message.contains("more than 1000 documents"));
}

#[test]
fn names_are_unique() {
    assert!(mistake("a: 1\nb: 2\na: 3\n").starts_with("a.yml:3:1 [`a` is here twice]"));
    let many: String = (0..100).map(|number| format!("k{number}: 1\n")).collect();
    assert!(mistake(&format!("{many}k50: 2\n")).starts_with("a.yml:101:1 [`k50` is here twice]"));
    assert!(documents(&many)[0].is_ok());
}

#[test]
fn reading_goes_on_after_a_mistake() {
    let documents = documents("a: 1\n---\nb: [\n---\nc: 'x\n  --- y\n---\nd: 4\n---\n'e\n---more: 1\n");
    let outcome: Vec<String> = documents
        .iter()
        .map(|document| match document {
            Ok(node) => node.to_json().to_string(),
            Err(mistake) => mistake.location.as_ref().unwrap().to_string(),
        })
        .collect();
    assert_eq!(outcome[0], r#"{"a":1}"#);
    assert_eq!(outcome[3], r#"{"d":4}"#);
    assert_eq!(outcome.len(), 5, "{outcome:?}");
}

proptest! {
    #[test]
    fn no_text_is_a_crash(text in "([a-c]: |- |\\PC|[\n\r\t'\"|>&*{}\\[\\]%!?#\\\\-]){0,40}") {
        let file = SourceFile::new("a.yml", text);
        for document in parse(&file).into_iter().flatten() {
            document.to_json();
            let mut found = Vec::new();
            scalars(&document, &file, &mut found);
        }
    }

    #[test]
    fn a_place_is_inside_the_value(value in "[ab \né'*]{1,12}", from in 0_usize..12, length in 0_usize..6) {
        let written = format!("a: '{}'", value.replace('\'', "''").replace('\n', "\n\n "));
        let file = SourceFile::new("a.yml", written);
        if let Some(Ok(node)) = parse(&file).into_iter().next() {
            let node = &node.get("a").unwrap().value;
            let Kind::Scalar(scalar) = &node.kind else { panic!("no scalar") };
            let boundaries: Vec<usize> = scalar.text().char_indices().map(|(index, _)| index).collect();
            let at = |index: usize| boundaries.get(index).copied().unwrap_or(scalar.text().len());
            let inner = at(from)..at(from + length);
            let place = place_inside(&file, &node.span, scalar.text(), inner.clone());
            let whole = node.location(&file);
            prop_assert!(place.span.start >= whole.span.start && place.span.end <= whole.span.end);
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let found = words(&place.text().replace("''", "'"));
            prop_assert_eq!(found, words(&scalar.text()[inner]), "{:?}", file.text);
        }
    }
}
