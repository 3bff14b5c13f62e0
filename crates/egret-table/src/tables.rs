//! All tables: the built-in ones and the user's.

use egret_config::{Configuration, Diagnostics, decode_block};
use egret_model::suggest;

use crate::builtin::{self, TABLE_BLOCK};
use crate::definition::{FormatChoice, TableDefinition};

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

    /// The table for objects that were recognised as being written in the preset `format.KIND.PRESET`: the one
    /// called like the format, else one that names this preset as its format.
    pub fn recognise(&self, kind: &str, preset: &str) -> Option<&TableDefinition> {
        let of_preset = |table: &&TableDefinition| match &table.format {
            Some(FormatChoice::Reference(reference)) => reference.path == ["format", kind, preset],
            _ => false,
        };
        self.get(kind).ok().or_else(|| self.iter().find(of_preset))
    }
}

#[cfg(test)]
mod tests;
