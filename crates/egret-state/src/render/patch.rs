//! Changes as programs want them: a patch of RFC 6902.

use serde_json::{Value as Json, json};

use crate::change::{Change, Operation};
use crate::path::Step;

/// The changes of one document as RFC 6902 has them, to be applied one after the other.
pub fn patch(changes: &[Change]) -> Vec<Json> {
    let mut operations = Vec::with_capacity(changes.len());
    let mut rest = changes;
    while let Some(first) = rest.first() {
        let list = list_of(first);
        let of_list =
            rest.iter().take_while(|change| list.is_some() && is_of_items(change) && list_of(change) == list);
        let count = of_list.count().max(1);
        let (group, after) = rest.split_at(count);
        rest = after;
        if group.iter().any(|change| change.operation == Operation::Move) {
            operations.extend(patch_list(group));
        } else {
            operations.extend(group.iter().map(operation));
        }
    }
    operations
}

/// What happens to the items of a list some of which move: everything is taken out from the end on, then put in from the
/// beginning on.
fn patch_list(changes: &[Change]) -> Vec<Json> {
    let source = |change: &Change| match change.operation {
        Operation::Remove => Some(change.path.clone()),
        Operation::Move => change.from.clone(),
        _ => None,
    };
    let mut out: Vec<_> = changes.iter().filter_map(source).collect();
    out.sort_by_key(|path| std::cmp::Reverse(last_index(path.steps())));
    let mut into: Vec<&Change> =
        changes.iter().filter(|change| change.operation != Operation::Remove).collect();
    into.sort_by_key(|change| last_index(change.path.steps()));
    let out = out.iter().map(|path| json!({"op": "remove", "path": path.pointer()}));
    let into =
        into.iter().map(|change| json!({"op": "add", "path": change.path.pointer(), "value": change.after}));
    out.chain(into).collect()
}

fn operation(change: &Change) -> Json {
    let path = change.path.pointer();
    match change.operation {
        Operation::Remove => json!({"op": "remove", "path": path}),
        Operation::Change => json!({"op": "replace", "path": path, "value": change.after}),
        Operation::Add | Operation::Move => json!({"op": "add", "path": path, "value": change.after}),
    }
}

/// Whether items come, go or move.
fn is_of_items(change: &Change) -> bool {
    change.operation != Operation::Change
}

/// The list that a change is about, if it is about an item.
fn list_of(change: &Change) -> Option<&[Step]> {
    match change.path.steps().split_last() {
        Some((Step::Item { .. }, list)) => Some(list),
        _ => None,
    }
}

fn last_index(steps: &[Step]) -> usize {
    match steps.last() {
        Some(Step::Item { index, .. }) => *index,
        _ => 0,
    }
}
