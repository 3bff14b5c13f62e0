//! The list of source types, with their documentation, and which one a block means.

use std::sync::Arc;

use egret_config::{AttributeDocumentation, Block, Diagnostic, Diagnostics};
use egret_model::{Source, suggest};

use crate::file;
use crate::surroundings::Surroundings;

/// One type of source.
#[derive(Debug)]
pub struct SourceType {
    /// Its name: `source "file" { … }`.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub description: &'static str,
    /// What can be configured, the required first.
    pub attributes: &'static [AttributeDocumentation],
    /// A block that uses every attribute.
    pub example: &'static str,
    /// Makes the source that a block describes; `None` after a mistake, which was reported.
    pub decode: fn(&Block, &Surroundings, &mut Diagnostics) -> Option<Arc<dyn Source>>,
}

/// All source types. To add one, write its module and name it here.
pub fn source_types() -> &'static [SourceType] {
    &[file::SOURCE_TYPE]
}

/// The source that a block `source "TYPE" { … }` describes; `None` after a mistake, which was reported.
pub fn decode_source(
    block: &Block,
    surroundings: &Surroundings,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<dyn Source>> {
    let Some(label) = block.labels.first() else {
        let mistake = Diagnostic::error("`source` needs a label")
            .at(&block.location)
            .hint(format!("write `source \"file\" {{ … }}`; {}", all_types()));
        diagnostics.push(mistake);
        return None;
    };
    let kind = label.value.as_str();
    if let Some(source_type) = source_types().iter().find(|source_type| source_type.name == kind) {
        return (source_type.decode)(block, surroundings, diagnostics);
    }
    let nearest = suggest::nearest(kind, source_types().iter().map(|source_type| source_type.name));
    let hint = nearest.map_or_else(all_types, |name| format!("did you mean `{name}`?"));
    diagnostics
        .push(Diagnostic::error(format!("there is no source type `{kind}`")).at(&label.location).hint(hint));
    None
}

fn all_types() -> String {
    let names: Vec<String> =
        source_types().iter().map(|source_type| format!("`{}`", source_type.name)).collect();
    format!("the source types are {}", names.join(", "))
}

#[cfg(test)]
mod tests;
