//! The tables that are there without configuration: one folder each under `tables/`, embedded.

use egret_config::{BlockKind, Configuration, Diagnostics, Environment, decode_block};
use include_dir::{Dir, include_dir};

use crate::definition::TableDefinition;

static TABLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../tables");

/// The block that a table is written as.
pub const TABLE_BLOCK: BlockKind = BlockKind::new("table", &["name"]);

/// The HCL of each built-in table, by name.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLES.dirs().filter_map(|folder| {
        let name = folder.path().to_str()?;
        let file = folder.get_file(folder.path().join("table.hcl"))?;
        Some((name, file.contents_utf8()?))
    })
}

/// The built-in tables, in the order of their names. A mistake in one of them goes to `diagnostics`; a test sees
/// that there is none.
pub fn definitions(diagnostics: &mut Diagnostics) -> Vec<TableDefinition> {
    let texts = sources().map(|(name, text)| (format!("tables/{name}/table.hcl"), text));
    let kinds = [TABLE_BLOCK];
    let configuration = Configuration::parse_all(texts, &kinds, &Environment::default(), diagnostics);
    let tables = configuration.blocks_of(TABLE_BLOCK.name);
    let mut definitions: Vec<TableDefinition> =
        tables.filter_map(|block| decode_block(block, diagnostics)).collect();
    definitions.sort_by(|left, right| left.name.value.cmp(&right.name.value));
    definitions
}

#[cfg(test)]
mod tests;
