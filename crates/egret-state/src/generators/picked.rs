//! The members of an answer that count.

use serde_json::{Map, Value as Json};

/// The members with these names that are said, as they are.
pub(crate) fn picked(said: &Json, names: &[&str]) -> Map<String, Json> {
    let member = |name: &&str| {
        let value = said.get(*name).filter(|value| !value.is_null())?;
        Some(((*name).to_owned(), value.clone()))
    };
    names.iter().filter_map(member).collect()
}
