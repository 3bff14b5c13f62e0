//! Lookups: which there are, and their entries as expressions ask them.

use egret_alert::{LookupDefinition, LookupRow};
use egret_store::Store;

use crate::failure::Failure;
use crate::project::Project;

impl Project {
    /// Makes what is remembered known to expressions, for a run that begins.
    pub async fn load_lookups(&self) -> Result<(), Failure> {
        if self.lookups.is_empty() {
            return Ok(());
        }
        match self.open_store().await? {
            Some(store) => self.load_lookups_of(&store).await,
            None => Ok(()),
        }
    }

    /// The same from a store that is open.
    pub async fn load_lookups_of(&self, store: &Store) -> Result<(), Failure> {
        for lookup in &self.lookups {
            let remembered = lookup.remembered(store, self.clock.now()).await?;
            let entries = remembered.into_iter().map(|entry| (entry.key, entry.value)).collect();
            self.lookup_entries.remember(&lookup.name.value, entries);
        }
        Ok(())
    }

    /// All entries of these lookups.
    pub async fn lookup_rows(&self, lookups: &[LookupDefinition]) -> Result<Vec<LookupRow>, Failure> {
        let store = if lookups.is_empty() { None } else { self.open_store().await? };
        let mut rows = Vec::new();
        for lookup in lookups {
            rows.extend(lookup.rows(store.as_ref(), self.clock.now()).await?);
        }
        Ok(rows)
    }

    /// The lookup of that name.
    pub fn lookup_named(&self, name: &str) -> Result<&LookupDefinition, Failure> {
        let names = self.lookups.iter().map(|lookup| lookup.name.value.as_str());
        let found = self.lookups.iter().find(|lookup| lookup.name.value == name);
        found.ok_or_else(|| match self.lookups.is_empty() {
            true => Failure::usage(format!("there is no lookup `{name}`"))
                .hint(format!("the configuration has none: add a block `lookup \"{name}\" {{ … }}`")),
            false => crate::commands::unknown("lookup", name, names),
        })
    }
}
