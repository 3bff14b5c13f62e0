//! Tests beside a rule: `name.tests.jsonl` for the detections in `name.hcl`, one case a line.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egret_config::{Diagnostic, Diagnostics, Location, SourceFile};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::builtin;
use crate::definition::DetectionDefinition;
use crate::test_definition::{States, TestDefinition, TestInput};

/// What follows the name of the rule's file, without its own ending.
const ENDING: &str = "tests.jsonl";

/// At most so many bytes of tests are read for one file of rules.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// A line of a file of tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TestLine {
    name: String,
    expect: bool,
    event: Option<Json>,
    row: Option<Map<String, Json>>,
    generator: Option<String>,
    channel: Option<String>,
    before: Option<Vec<Json>>,
    after: Option<Vec<Json>>,
    rule: Option<String>,
    table: Option<String>,
    message: Option<String>,
    count: Option<u64>,
    keys: Option<Vec<String>>,
}

/// Whether `path` is called like a file of tests.
pub fn is_test_file(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(ENDING).is_some_and(|rule| rule.ends_with('.'))
}

/// The file of tests for the rules in the file `rules`.
pub fn tests_path(rules: &Path) -> PathBuf {
    rules.with_extension(ENDING)
}

/// Reads the files of tests that lie beside the files of `definitions` and adds their cases. Built-in ones have theirs.
pub fn attach_tests_beside(definitions: &mut [DetectionDefinition], diagnostics: &mut Diagnostics) {
    let own = definitions.iter().filter(|definition| !builtin::is_built_in(definition));
    let mut paths: Vec<PathBuf> =
        own.map(|definition| tests_path(&definition.id.location.file.path)).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        match read_text(&path) {
            Ok(text) => attach_tests(definitions, &SourceFile::new(path, text), diagnostics),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                diagnostics.push(Diagnostic::error(format!("cannot read {}: {error}", path.display())));
            }
        }
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let message = format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

/// Adds the cases in `file` to those of `definitions` that come from the file of rules beside it. Empty lines
/// are skipped; mistakes are reported with their line.
pub fn attach_tests(
    definitions: &mut [DetectionDefinition],
    file: &Arc<SourceFile>,
    diagnostics: &mut Diagnostics,
) {
    let mut owners: Vec<&mut DetectionDefinition> = definitions
        .iter_mut()
        .filter(|definition| tests_path(&definition.id.location.file.path) == file.path)
        .collect();
    let mut start = 0;
    for line in file.text.split_inclusive('\n') {
        let trimmed = line.trim_end();
        let location = Location::new(file, start..start + trimmed.len());
        start += line.len();
        if trimmed.trim_start().is_empty() {
            continue;
        }
        let Some((rule, test)) = read_line(trimmed, &location, diagnostics) else { continue };
        if let Some(owner) = find_owner(&mut owners, rule.as_deref(), &location, diagnostics) {
            owner.tests.push(test);
        }
    }
}

/// The rule that a line names, and its case; `None` after a mistake, which was reported.
fn read_line(
    line: &str,
    location: &Location,
    diagnostics: &mut Diagnostics,
) -> Option<(Option<String>, TestDefinition)> {
    const SHAPE: &str = "a line is {\"name\": \"…\", \"expect\": true, \"event\": {…}}, with the vendor's record as an \
                         object or as text; for changes it has \"generator\": \"…\", \"before\": […], \"after\": […]";
    let mut wrong = |message: String| {
        diagnostics.push(Diagnostic::error(message).at(location).hint(SHAPE));
        None
    };
    let line: TestLine = match serde_json::from_str(line) {
        Ok(line) => line,
        Err(error) => {
            // The place is shown, and its line is that of this text alone.
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
            return wrong(format!("this is no test: {message}"));
        }
    };
    let has_states = line.channel.is_some() || line.before.is_some() || line.after.is_some();
    let input = match (line.event, line.row, line.generator) {
        (Some(Json::Object(event)), None, None) if !has_states => TestInput::Event(event),
        (Some(Json::String(record)), None, None) if !has_states => TestInput::Record(record),
        (None, Some(row), None) if !has_states => TestInput::Row(row),
        (None, None, Some(generator)) => TestInput::States(States {
            generator,
            channel: line.channel,
            before: line.before.unwrap_or_default(),
            after: line.after.unwrap_or_default(),
        }),
        _ => {
            return wrong(
                "a test needs either `event`, an object or text, or `row`, an object, or `generator` with the \
                 states `before` and `after`"
                    .to_owned(),
            );
        }
    };
    let test = TestDefinition {
        name: line.name,
        location: Some(location.clone()),
        expect: line.expect,
        input,
        table: line.table,
        message: line.message,
        count: line.count,
        keys: line.keys,
    };
    Some((line.rule, test))
}

fn find_owner<'a>(
    owners: &'a mut [&mut DetectionDefinition],
    rule: Option<&str>,
    location: &Location,
    diagnostics: &mut Diagnostics,
) -> Option<&'a mut DetectionDefinition> {
    let names: Vec<String> = owners.iter().map(|owner| format!("`{}`", owner.id.value)).collect();
    let found = match rule {
        Some(rule) => owners.iter().position(|owner| owner.id.value == rule),
        None if owners.len() == 1 => Some(0),
        None => None,
    };
    if let Some(index) = found {
        return Some(&mut *owners[index]);
    }
    let mistake = match (rule, names.as_slice()) {
        (_, []) => Diagnostic::error("there is no rule for these tests")
            .hint("tests of the rules in `name.hcl` are in `name.tests.jsonl` beside it"),
        (Some(rule), _) => Diagnostic::error(format!("there is no rule `{rule}` in the file beside"))
            .hint(format!("its rules are {}", names.join(", "))),
        (None, _) => Diagnostic::error("the file beside has several rules")
            .hint(format!("say which is meant by \"rule\": {}", names.join(", "))),
    };
    diagnostics.push(mistake.at(location));
    None
}

#[cfg(test)]
mod tests;
