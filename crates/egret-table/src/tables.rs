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

    /// The tables for objects that were recognised as being written in the preset `format.KIND.PRESET`: the one
    /// called like the format first, then those that name this preset as their format.
    pub fn recognise(&self, kind: &str, preset: &str) -> impl Iterator<Item = &TableDefinition> {
        let own = self.get(kind).ok();
        let is_own =
            move |table: &&TableDefinition| own.is_some_and(|own| own.name.value == table.name.value);
        let reference = ["format".to_owned(), kind.to_owned(), preset.to_owned()];
        let of_preset = move |table: &&TableDefinition| match &table.format {
            Some(FormatChoice::Reference(choice)) => choice.path == reference,
            _ => false,
        };
        own.into_iter().chain(self.iter().filter(move |table| of_preset(table) && !is_own(table)))
    }
}

#[cfg(test)]
mod tests;
