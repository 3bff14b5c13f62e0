//! Every file in `errors/` has mistakes; the snapshot beside it is what the user is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use egret_config::{
    BlockKind, BlockReader, ByteSize, Configuration, Decode, Diagnostic, Diagnostics, Environment, Located,
    Reference, decode_block,
};
use egret_model::{Secret, Severity};

const KINDS: [BlockKind; 5] = [
    BlockKind::new("output", &["name"]),
    BlockKind::new("partition", &["table", "name"]),
    BlockKind::new("lake", &[]),
    BlockKind::new("sql", &["name"]),
    BlockKind::new("format", &["type", "name"]),
];

/// A block with an attribute of each type.
struct Output;

impl Decode for Output {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        reader.label(0);
        reader.required::<String>("url");
        reader.optional::<u64>("retries");
        reader.optional::<bool>("enabled");
        reader.optional::<Duration>("timeout");
        reader.optional::<ByteSize>("memory");
        reader.optional::<Severity>("severity");
        reader.optional::<Vec<String>>("tags");
        reader.optional::<Vec<u16>>("ports");
        reader.optional::<BTreeMap<String, Secret>>("settings");
        reader.optional::<Reference>("format");
        reader.decode_blocks::<Header>("header");
        reader.nested_block("proxy");
        Some(Self)
    }
}

struct Header;

impl Decode for Header {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.label(0);
        let value = reader.required::<String>("value");
        name.and(value).map(|_| Self)
    }
}

/// A block with a little language inside a string: the word `bad` is wrong in it.
struct Sql;

impl Decode for Sql {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        reader.label(0);
        let sql: Located<String> = reader.required("where")?;
        if let Some(at) = sql.value.find("bad") {
            let place = sql.inside(at..at + 3);
            reader.diagnostics().push(Diagnostic::error("no column `bad`").at(&place).label("not a column"));
        }
        Some(Self)
    }
}

fn check(name: &str, text: String) -> String {
    let environment = Environment::default();
    let mut diagnostics = Diagnostics::new();
    let configuration = Configuration::parse(name, text, &KINDS, &environment, &mut diagnostics);
    for block in configuration.blocks_of("output") {
        decode_block::<Output>(block, &mut diagnostics);
    }
    for block in configuration.blocks_of("sql") {
        decode_block::<Sql>(block, &mut diagnostics);
    }
    diagnostics.render(false)
}

#[test]
fn every_mistake_is_shown_at_its_place_with_a_hint() {
    let folder = egret_testkit::crate_folder().join("tests/errors");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(&folder);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "hcl") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let shown = check(&format!("{name}.hcl"), std::fs::read_to_string(&path).unwrap());
            settings.bind(|| insta::assert_snapshot!(name, shown));
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} files in {}", folder.display());
}
