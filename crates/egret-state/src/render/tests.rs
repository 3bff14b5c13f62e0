//! What is shown, as data: each folder in `tests/render` has a case. `EGRET_UPDATE_EXPECTED=1` writes what is shown; the
//! diff is the review.

use std::fs;
use std::path::{Path as File, PathBuf};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::change::Change;
use crate::differ::diff;
use crate::path::Path;
use crate::shape::{DocumentPath, Shape};
use crate::testing::document;

fn difference(key: &str, before: Option<Json>, after: Option<Json>, shape: &Shape) -> ObjectDifference {
    let [before, after] = [before, after].map(|document| document.map(|document| shape.canonical(document)));
    let changes = match (&before, &after) {
        (Some(before), Some(after)) => diff(before, after, shape),
        (Some(before), None) => vec![Change::remove(Path::default(), before)],
        (None, Some(after)) => vec![Change::add(Path::default(), after)],
        (None, None) => Vec::new(),
    };
    ObjectDifference { key: key.to_owned(), part: String::new(), before, after, changes }
}

/// Of a folder: `before.json` and `after.json`, one of which may be missing; `case.json`, if needed, with `key`, `part`, and
/// the lists whose order matters.
fn case(folder: &File) -> ObjectDifference {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    let json = |name: &str| read(name).map(|text| serde_json::from_str::<Json>(&text).unwrap());
    let about = json("case.json").unwrap_or_default();
    let ordered = about["ordered"].as_array().into_iter().flatten();
    let ordered = ordered.map(|path| DocumentPath::parse(path.as_str().unwrap()).unwrap()).collect();
    let shape = Shape { ordered, ..Shape::default() };
    let key = about["key"].as_str().unwrap_or("alice");
    let difference = difference(key, json("before.json"), json("after.json"), &shape);
    ObjectDifference { part: about["part"].as_str().unwrap_or_default().to_owned(), ..difference }
}

/// Lines as a pipe gets them, each behind the first letters of its role.
fn text(lines: &[DifferenceLine]) -> String {
    let line = |line: &DifferenceLine| format!("{}|{}\n", &format!("{:?}", line.role)[..2], line.text);
    lines.iter().map(line).collect()
}

#[test]
fn cases_are_shown_as_expected() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/render");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() > 5);
    for folder in folders {
        let case = case(&folder);
        for (name, lines) in
            [("unified", unified(&case)), ("operations", operations(&case)), ("tree", tree(&case))]
        {
            let file = folder.join(format!("{name}.txt"));
            let shown = text(&lines);
            if std::env::var_os("EGRET_UPDATE_EXPECTED").is_some() {
                fs::write(&file, &shown).unwrap();
            }
            assert_eq!(shown, fs::read_to_string(&file).unwrap(), "{}", file.display());
        }
    }
}

/// What `patch` makes of a text: lines of hunks are compared and taken over, what is between hunks is copied.
fn patched(before: &str, lines: &[DifferenceLine]) -> String {
    let old: Vec<&str> = before.lines().collect();
    let (mut at, mut new) = (0, Vec::new());
    for line in &lines[2..] {
        let rest = &line.text[1..];
        match &line.text[..1] {
            "@" => {
                let range = line.text.split(['-', ' ']).nth(2).unwrap();
                let (start, count) = range.split_once(',').unwrap_or((range, "1"));
                // A range without lines names the line before it.
                let start = start.parse::<usize>().unwrap() - usize::from(count != "0");
                new.extend(&old[at..start]);
                at = start;
            }
            "+" => new.push(rest),
            mark => {
                assert_eq!(rest, old[at]);
                new.extend((mark == " ").then_some(rest));
                at += 1;
            }
        }
    }
    new.extend(&old[at..]);
    new.into_iter().map(|line| format!("{line}\n")).collect()
}

fn steers(line: &DifferenceLine) -> bool {
    line.text.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c))
}

#[test]
fn nothing_from_outside_steers_a_terminal() {
    let odd = "\u{1b}]0;x\u{7}\r\n\u{9b}2J\u{202e}";
    let before = json!({"id": odd, odd: {"a": odd, "list": [{"id": odd, "on": 1}]}});
    let after = json!({"id": 1, odd: {"a": "", "list": [{"id": odd, "on": odd}], odd: [odd, {odd: odd}]}});
    let shape = Shape::default();
    for (before, after) in [
        (Some(before.clone()), Some(after.clone())),
        (None, Some(after.clone())),
        (Some(before), None),
        (Some(json!(odd)), Some(json!([odd]))),
    ] {
        let difference = difference(odd, before, after, &shape);
        let difference = ObjectDifference { part: odd.to_owned(), ..difference };
        for lines in [unified(&difference), operations(&difference), tree(&difference)] {
            assert!(!lines.is_empty() && !lines.iter().any(steers), "{lines:#?}");
        }
    }
}

#[test]
fn lines_outside_of_hunks_are_as_they_were() {
    let list =
        |odd: usize| -> Json { (0..60).map(|n| json!({"id": 100 + n, "on": n % 20 == odd})).collect() };
    let (before, after) = (list(3), list(4));
    let lines = unified(&difference("k", Some(before.clone()), Some(after.clone()), &Shape::default()));
    assert_eq!(lines.iter().filter(|line| line.text.starts_with("@@")).count(), 3, "{lines:#?}");
    let [before, after] =
        [before, after].map(|document| unified::pretty(&Shape::default().canonical(document)));
    assert_eq!(patched(&before, &lines), after);
}

proptest! {
    /// Applied to the text of the document before, the unified form gives the document after.
    #[test]
    fn unified_text_leads_from_one_to_the_other(before in document(), after in document()) {
        let shape = Shape::default();
        let shown = difference("k", Some(before), Some(after), &shape);
        let before = unified::pretty(shown.before.as_ref().unwrap());
        let after = patched(&before, &unified(&shown));
        prop_assert_eq!(serde_json::from_str::<Json>(&after).unwrap(), shown.after.unwrap());
    }

    /// Each change has a line of its kind in the list and in the tree.
    #[test]
    fn every_change_has_a_line(before in document(), after in document(), is_ordered: bool) {
        let ordered = if is_ordered { vec![DocumentPath::parse("$..*").unwrap()] } else { Vec::new() };
        let shape = Shape { ordered, ..Shape::default() };
        let shown = difference("k", Some(before), Some(after), &shape);
        let roles: Vec<LineRole> = shown.changes.iter().map(|change| change.operation.into()).collect();
        let list: Vec<LineRole> = operations(&shown).iter().map(|line| line.role).collect();
        prop_assert_eq!(&list, &roles);
        let tree = tree(&shown);
        for role in roles {
            prop_assert!(tree.iter().any(|line| line.role == role));
        }
    }
}
