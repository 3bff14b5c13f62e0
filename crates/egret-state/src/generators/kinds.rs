//! The attribute `kinds`: which kinds of documents a generator gives, of those that it can.

use egret_config::{BlockReader, Diagnostic, Located};
use egret_model::suggest;

/// Reads `kinds`; without it, they are `default`. `None` after a mistake, which was reported.
pub(crate) fn decode_kinds(
    reader: &mut BlockReader<'_>,
    known: &'static [&'static str],
    default: &'static [&'static str],
) -> Option<Vec<&'static str>> {
    let Some(named) = reader.optional_or("kinds", None::<Located<Vec<Located<String>>>>)? else {
        return Some(default.to_vec());
    };
    if named.value.is_empty() {
        let mistake = Diagnostic::error("`kinds` names nothing to look at").at(&named.location);
        reader.diagnostics().push(mistake.hint(format!("name some of {}", known.join(", "))));
        return None;
    }
    let mut kinds = Some(Vec::new());
    for name in named.value {
        if let Some(kind) = known.iter().find(|kind| **kind == name.value) {
            kinds.as_mut().into_iter().for_each(|kinds: &mut Vec<_>| kinds.push(*kind));
            continue;
        }
        let hint = suggest::nearest(&name.value, known.iter().copied()).map_or_else(
            || format!("the kinds are {}", known.join(", ")),
            |kind| format!("did you mean \"{kind}\"?"),
        );
        let mistake = Diagnostic::error(format!("there is no kind `{}` of documents", name.value));
        reader.diagnostics().push(mistake.at(&name.location).hint(hint));
        kinds = None;
    }
    kinds
}
