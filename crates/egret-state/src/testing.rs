//! For tests: a host's files in a folder, what a generator gives, key by key, and documents of any kind.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egret_config::{Configuration, Diagnostics, Environment};
use egret_http::ServiceContext;
use egret_model::SystemClock;
use proptest::prelude::*;
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::definition::{GENERATOR_BLOCK, GeneratorDefinition};
use crate::documents::{BUCKETS, Documents};
use crate::generator::{GenerateError, GeneratorContext};

/// A folder with these files, as a host's `/`.
pub(crate) fn root(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// In the folder `folder`, without a lake, with the process's PATH.
pub(crate) fn context(folder: &Path) -> GeneratorContext {
    let path = std::env::var("PATH").unwrap();
    let environment = Environment::new([("PATH", path)]).in_folder(folder);
    let service = ServiceContext {
        environment: Arc::new(environment),
        clock: Arc::new(SystemClock),
        timeout: Duration::from_secs(5),
    };
    GeneratorContext { service, run_timeout: Duration::from_secs(60), lake: None }
}

/// The generator of a block.
pub(crate) fn definition(block: &str, context: &GeneratorContext) -> GeneratorDefinition {
    let mut diagnostics = Diagnostics::new();
    let environment = Environment::default();
    let configuration =
        Configuration::parse("egret.hcl", block, &[GENERATOR_BLOCK], &environment, &mut diagnostics);
    let mut definitions = GeneratorDefinition::read_all(&configuration, context, &mut diagnostics);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render(false));
    definitions.pop().unwrap()
}

/// What is wrong with a block, as it is shown.
pub(crate) fn mistakes(block: &str) -> String {
    let mut diagnostics = Diagnostics::new();
    let environment = Environment::default();
    let configuration =
        Configuration::parse("egret.hcl", block, &[GENERATOR_BLOCK], &environment, &mut diagnostics);
    let folder = std::env::temp_dir();
    GeneratorDefinition::read_all(&configuration, &context(&folder), &mut diagnostics);
    diagnostics.render(false)
}

/// The documents of a block's generator, each as its key and its canonical form, sorted; and its notes.
pub(crate) async fn documents_of(block: &str) -> Result<(Vec<String>, Vec<String>), GenerateError> {
    let (documents, taken) = taken_of(block).await?;
    Ok((documents, taken.notes().to_vec()))
}

/// As [`documents_of`], with everything else that was said.
pub(crate) async fn taken_of(block: &str) -> Result<(Vec<String>, Documents), GenerateError> {
    let folder = std::env::temp_dir();
    let definition = definition(block, &context(&folder));
    let mut documents = Documents::new(definition.shape.clone(), definition.key.clone());
    definition.generator.generate(&mut documents).await?;
    Ok((listed(&mut documents), documents))
}

/// Key and canonical form of each document, sorted by key.
pub(crate) fn listed(documents: &mut Documents) -> Vec<String> {
    let taken = (0..BUCKETS).flat_map(|bucket| documents.take_bucket(bucket).unwrap());
    let mut lines: Vec<String> =
        taken.map(|fresh| format!("{} {}", fresh.key, String::from_utf8(fresh.bytes).unwrap())).collect();
    lines.sort();
    lines
}

/// Documents whose lists have objects with and without identity, scalars, and lists.
pub(crate) fn document() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0..5_i64).prop_map(Json::from),
        "[abc/~]{0,2}".prop_map(Json::from),
    ];
    scalar.prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec(("id|name|[abc]|a/b", inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}
