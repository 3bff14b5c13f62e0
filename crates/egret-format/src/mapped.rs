//! The fields that become columns without being declared, agreed upon by all who fill one table.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// No table gets more columns out of the names that records bring.
const MAX_MAPPED_FIELDS: usize = 1_000;

/// The columns of a table that fields were mapped to. Cheap to clone; all clones are one.
///
/// SQL does not tell `Foo` from `foo`: whichever comes first is the column, and the other stays in `extra`.
#[derive(Debug, Clone, Default)]
pub struct MappedFields(Arc<Mutex<HashMap<String, String>>>);

impl MappedFields {
    /// Notes columns that the table has already.
    pub fn note<'n>(&self, names: impl IntoIterator<Item = &'n str>) {
        let mut spellings = self.lock();
        for name in names {
            spellings.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
        }
    }

    /// Whether the field `name`, in lower case `lower`, is a column; it becomes one if there is room and no other
    /// spelling of it.
    pub(crate) fn claim(&self, name: &str, lower: &str) -> bool {
        let mut spellings = self.lock();
        if let Some(spelling) = spellings.get(lower) {
            return spelling == name;
        }
        let has_room = spellings.len() < MAX_MAPPED_FIELDS;
        if has_room {
            spellings.insert(lower.to_owned(), name.to_owned());
        }
        has_room
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_and_not_too_many() {
        let fields = MappedFields::default();
        fields.note(["Level"]);
        assert!(fields.claim("Foo", "foo") && fields.clone().claim("Foo", "foo"));
        assert!(!fields.claim("foo", "foo") && !fields.claim("level", "level"));
        let claimed = (0..2_000).filter(|number| fields.claim(&format!("f{number}"), &format!("f{number}")));
        assert_eq!(claimed.count(), MAX_MAPPED_FIELDS - 2);
    }
}
