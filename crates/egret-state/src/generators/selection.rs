//! The attribute `select`: which parts of a value are the documents.

use egret_config::{AttributeDocumentation, BlockReader, Located};
use serde_json::Value as Json;

use crate::definition::read_path;
use crate::shape::DocumentPath;

/// The attribute itself.
pub(crate) const SELECT: AttributeDocumentation = AttributeDocumentation::optional(
    "select",
    "a string",
    "A JSONPath (RFC 9535) whose results are the documents: \"$.items[*]\". Default: the items of a list, and anything \
     else as it is.",
);

/// Which parts of a value are the documents.
#[derive(Debug, Default)]
pub(crate) struct Selection(Option<DocumentPath>);

impl Selection {
    /// Reads `select`; `None` after a mistake, which was reported.
    pub(crate) fn decode(reader: &mut BlockReader<'_>) -> Option<Self> {
        match reader.optional_or("select", None::<Located<String>>)? {
            Some(path) => Some(Self(Some(read_path(&path, reader.diagnostics())?))),
            None => Some(Self(None)),
        }
    }

    /// Whether the items of a list are documents, so that nobody needs to have seen the whole list.
    pub(crate) fn takes_items(&self) -> bool {
        self.0.is_none()
    }

    /// The documents in `value`.
    pub(crate) fn documents(&self, value: Json) -> Vec<Json> {
        match (&self.0, value) {
            (Some(path), value) => path.values(&value).into_iter().cloned().collect(),
            (None, Json::Array(items)) => items,
            (None, value) => vec![value],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn items_are_documents_unless_a_path_says_otherwise() {
        let all = Selection::default();
        assert_eq!(all.documents(json!([1, {"a": 2}])), [json!(1), json!({"a": 2})]);
        assert_eq!(all.documents(json!({"a": []})), [json!({"a": []})]);
        let some = Selection(Some(DocumentPath::parse("$.a[*]").unwrap()));
        assert_eq!(some.documents(json!({"a": [1, [2]]})), [json!(1), json!([2])]);
        assert_eq!(some.documents(json!("a")), [Json::Null; 0]);
    }
}
