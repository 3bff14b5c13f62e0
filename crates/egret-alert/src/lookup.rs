//! The blocks `lookup`: what is declared, and which entries there are.

use std::collections::BTreeMap;
use std::time::Duration;

use egret_config::{BlockKind, BlockReader, Configuration, Decode, Diagnostics, Located, decode_block};
use egret_model::lookup::LOOKUP;
use egret_model::{Lookups, Timestamp};
use egret_store::{LookupEntry, Store};
use serde::Serialize;

use crate::error::AlertError;
use crate::policy::micros;

/// `lookup "NAME" { … }`: a state that detections share.
pub const LOOKUP_BLOCK: BlockKind = BlockKind::new(LOOKUP, &["name"]);

/// What a `lookup` block says.
#[derive(Debug, Clone)]
pub struct LookupDefinition {
    /// Its name.
    pub name: Located<String>,
    /// How long what was remembered is kept after its event; for ever, if nothing is said.
    pub keep: Option<Duration>,
    /// Entries that are always there.
    pub values: BTreeMap<String, String>,
}

/// One entry of a lookup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookupRow {
    /// The lookup.
    pub name: String,
    /// What is looked up.
    pub key: String,
    /// What is known about it.
    pub value: String,
    /// When the event that wrote it happened, or somebody wrote it; none for what is configured.
    pub at: Option<Timestamp>,
    /// `configuration` or `remembered`.
    pub source: &'static str,
}

impl Decode for LookupDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let name = reader.located_label(0);
        let keep = reader.optional("keep");
        let values = reader.optional("values").unwrap_or_default();
        // One with a mistake is there nevertheless: nobody is told that it is not.
        Some(Self { name: name?, keep, values })
    }
}

impl LookupDefinition {
    /// All that a configuration declares.
    pub fn read_all(configuration: &Configuration, diagnostics: &mut Diagnostics) -> Vec<Self> {
        let blocks = configuration.blocks_of(LOOKUP_BLOCK.name);
        blocks.filter_map(|block| decode_block(block, diagnostics)).collect()
    }

    /// What expressions ask, with nothing remembered yet.
    pub fn lookups(definitions: &[Self]) -> Lookups {
        let configured = |one: &Self| (one.name.value.clone(), one.values.clone().into_iter().collect());
        Lookups::new(definitions.iter().map(configured))
    }

    /// Since when entries are kept.
    pub(crate) fn since(&self, now: Timestamp) -> Option<Timestamp> {
        self.keep.map(|keep| now.plus_micros(micros(keep).saturating_neg()))
    }

    /// What is remembered. What is to be forgotten is so at once, whenever it really goes.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remembered(&self, store: &Store, now: Timestamp) -> Result<Vec<LookupEntry>, AlertError> {
        Ok(store.lookup(&self.name.value, self.since(now)).await?)
    }

    /// What there is, sorted by key. Where the configuration and the store have the same key, the configuration wins.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn rows(&self, store: Option<&Store>, now: Timestamp) -> Result<Vec<LookupRow>, AlertError> {
        let row = |key: String, value: String, at, source| LookupRow {
            name: self.name.value.clone(),
            key,
            value,
            at,
            source,
        };
        let configured = self.values.clone().into_iter();
        let mut rows: Vec<LookupRow> =
            configured.map(|(key, value)| row(key, value, None, "configuration")).collect();
        if let Some(store) = store {
            let mut remembered = self.remembered(store, now).await?;
            remembered.retain(|entry| !self.values.contains_key(&entry.key));
            let remembered = remembered.into_iter();
            rows.extend(remembered.map(|entry| row(entry.key, entry.value, Some(entry.at), "remembered")));
        }
        rows.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(rows)
    }
}
