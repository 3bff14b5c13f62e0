//! All tables: the built-in ones and the user's.

use egret_config::{Configuration, Diagnostics, decode_block};
use egret_model::suggest;
use serde_json::Value;

use crate::builtin::{self, TABLE_BLOCK};
use crate::definition::{FormatChoice, TableDefinition};

/// The presets in which anything may be written.
const PLAIN_JSON: [(&str, &str); 2] = [("json", "default"), ("jsonl", "default")];

/// The tables that a configuration knows, by name.
#[derive(Debug, Clone)]
pub struct Tables {
    tables: Vec<TableDefinition>,
}

/// A name that no table has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no table `{name}`")]
pub struct UnknownTable {
    /// The name.
    pub name: String,
    /// The nearest name, or how to see all.
    pub hint: String,
}

impl Tables {
    /// The built-in tables, changed and added to by the `table` blocks of `configuration`.
    pub fn new(configuration: &Configuration, diagnostics: &mut Diagnostics) -> Self {
        let mut tables = builtin::definitions(diagnostics);
        for block in configuration.blocks_of(TABLE_BLOCK.name) {
            let Some(own) = decode_block::<TableDefinition>(block, diagnostics) else { continue };
            match tables.iter_mut().find(|table| table.name.value == own.name.value) {
                Some(builtin) => *builtin = own.extending(builtin),
                None => tables.push(own),
            }
        }
        tables.sort_by(|left, right| left.name.value.cmp(&right.name.value));
        Self { tables }
    }

    /// The built-in tables alone.
    pub fn builtin() -> Self {
        Self::new(&Configuration::default(), &mut Diagnostics::new())
    }

    /// The table called `name`.
    ///
    /// # Errors
    /// If there is none; the hint has the nearest name.
    pub fn get(&self, name: &str) -> Result<&TableDefinition, UnknownTable> {
        self.iter().find(|table| table.name.value == name).ok_or_else(|| {
            let hint = match suggest::nearest(name, self.names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let names: Vec<&str> = self.names().collect();
                    format!(
                        "the tables are {}; declare another with `table \"{name}\" {{ … }}`",
                        names.join(", ")
                    )
                }
            };
            UnknownTable { name: name.to_owned(), hint }
        })
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.tables.iter().map(|table| table.name.value.as_str())
    }

    /// All tables, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &TableDefinition> {
        self.tables.iter()
    }

    /// The tables for objects that were recognised as being written in the preset `format.KIND.PRESET` and start with
    /// `records`, JSON objects: those that recognise most of these records by their fields; else the one called like
    /// the format, and those that name this preset as their format. A table that says by which fields it is
    /// recognised is not recognised by its format, unless no record could be read and the format is no plain JSON,
    /// in which anything may be written.
    pub fn recognise(&self, kind: &str, preset: &str, records: &[Value]) -> Vec<&TableDefinition> {
        let by_fields = |table: &&TableDefinition| {
            records.iter().filter(|record| table.recognises(record)).count() * 2 > records.len()
        };
        let recognised: Vec<&TableDefinition> = self.iter().filter(by_fields).collect();
        if !recognised.is_empty() {
            return recognised;
        }
        let is_own = |table: &&TableDefinition| table.name.value == kind;
        let own = self.iter().filter(is_own);
        let reference = ["format".to_owned(), kind.to_owned(), preset.to_owned()];
        let is_telling = records.is_empty() && !PLAIN_JSON.contains(&(kind, preset));
        let of_preset = |table: &&TableDefinition| match &table.format {
            Some(FormatChoice::Reference(choice)) => {
                choice.path == reference && (table.recognise.is_none() || is_telling)
            }
            _ => false,
        };
        own.chain(self.iter().filter(|table| of_preset(table) && !is_own(table))).collect()
    }
}

#[cfg(test)]
mod tests;
