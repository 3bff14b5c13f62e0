//! For tests of generators of this host.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;

use crate::registry::GeneratorType;
use crate::testing::documents_of;

/// A block of this type for the host in a folder.
pub(crate) fn block(kind: &str, root: &Path, more: &str) -> String {
    format!("generator \"{kind}\" \"test\" {{\n  root = \"{}\"\n{more}\n}}", root.display())
}

/// What a generator gives of the host in a folder: documents and notes. They have what the documentation shows.
#[track_caller]
pub(crate) fn of(kind: &'static GeneratorType, root: &Path, more: &str) -> (Vec<String>, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (documents, notes) = runtime.block_on(documents_of(&block(kind.name, root, more))).unwrap();
    check_members(kind, &documents);
    (documents, notes)
}

/// What a generator says instead of giving a state.
#[track_caller]
pub(crate) fn refusal(kind: &GeneratorType, root: &Path, more: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(documents_of(&block(kind.name, root, more))).unwrap_err().to_string()
}

/// What a generator gives of the machine that the test runs on: the same twice.
#[track_caller]
pub(crate) fn of_this_machine(kind: &'static GeneratorType, more: &str) -> Vec<String> {
    let (first, _) = of(kind, Path::new("/"), more);
    let (second, _) = of(kind, Path::new("/"), more);
    assert_eq!(first, second);
    first
}

/// Each document has the members of one that the documentation shows.
#[track_caller]
fn check_members(kind: &GeneratorType, documents: &[String]) {
    let members = |text: &str| -> BTreeSet<String> {
        let document: Json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        document.as_object().unwrap().keys().cloned().collect()
    };
    let blocks = kind.documents.split("```json\n").skip(1);
    let shown: Vec<_> = blocks.map(|block| members(block.split("```").next().unwrap())).collect();
    for line in documents {
        // The key is before the document, and may have anything in it.
        let text = line
            .match_indices(" {")
            .map(|(at, _)| &line[at + 1..])
            .find(|text| serde_json::from_str::<Json>(text).is_ok());
        let found = members(text.unwrap());
        assert!(shown.contains(&found), "{} does not document {found:?}", kind.name);
    }
}
