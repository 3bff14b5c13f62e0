//! What a detection remembers of its findings, for itself and for others.

use egret_config::{BlockReader, Decode, Diagnostics, FromValue, Located, Value, ValueKind};
use egret_model::lookup::LOOKUP;

/// The block `remember { … }` in a detection.
pub const REMEMBER_BLOCK: &str = "remember";

/// An entry that each finding writes.
#[derive(Debug, Clone, PartialEq)]
pub struct RememberDefinition {
    /// The lookup that it is written into.
    pub lookup: Located<LookupName>,
    /// SQL over the columns of `finding`: its key.
    pub key: Located<String>,
    /// SQL over the same: its value. If it is not given, when the event happened.
    pub value: Option<Located<String>>,
}

/// The name of a lookup, as a text or as the reference `lookup.NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupName(pub String);

impl FromValue for LookupName {
    const EXPECTED: &'static str = "a string with the name of a lookup";

    fn from_value(value: &Value, diagnostics: &mut Diagnostics) -> Option<Self> {
        match &value.kind {
            ValueKind::Reference(path) if path.len() == 2 && path[0] == LOOKUP => Some(Self(path[1].clone())),
            _ => value.expect_text(Self::EXPECTED, diagnostics).map(|name| Self(name.to_owned())),
        }
    }
}

impl Decode for RememberDefinition {
    fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        let lookup = reader.required("lookup");
        let key = reader.required("key");
        let value = reader.optional_or("value", None);
        Some(Self { lookup: lookup?, key: key?, value: value? })
    }
}
