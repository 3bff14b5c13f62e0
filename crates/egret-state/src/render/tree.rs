//! A difference as a tree: of the document, what changed and what that is in. Marks are in the first column.

use serde_json::Value as Json;

use super::text::{happened, harmless, value};
use super::{DifferenceLine, LineRole, mark, name};
use crate::change::{Change, Operation};
use crate::difference::ObjectDifference;
use crate::path::{Path, Step};

/// The tree. What was added or removed is there with all that is in it.
pub fn tree(difference: &ObjectDifference) -> Vec<DifferenceLine> {
    let mut tree = Tree { lines: Vec::new() };
    let name = name(difference);
    // The differ goes through a document from its root down, so what is in one place comes together.
    let mut open: Option<&[Step]> = None;
    for change in &difference.changes {
        let Some((last, parents)) = change.path.steps().split_last() else {
            tree.change(0, &name, change);
            continue;
        };
        if open.is_none() {
            tree.line(LineRole::Heading, ' ', 0, &name);
        }
        let open_parents = open.unwrap_or_default();
        let common = parents.iter().zip(open_parents).take_while(|(one, other)| one == other).count();
        for (level, parent) in parents.iter().enumerate().skip(common) {
            tree.line(LineRole::Context, ' ', level + 1, &label(parent));
        }
        tree.change(parents.len() + 1, &label(last), change);
        open = Some(parents);
    }
    tree.lines
}

struct Tree {
    lines: Vec<DifferenceLine>,
}

impl Tree {
    fn change(&mut self, depth: usize, label: &str, change: &Change) {
        match (change.operation, &change.before, &change.after) {
            (Operation::Add, _, Some(value)) | (Operation::Remove, Some(value), _) => {
                self.value(change.operation, depth, label, value);
            }
            _ => self.said(change.operation, depth, label, &happened(change)),
        }
    }

    /// A value with all that is in it.
    fn value(&mut self, operation: Operation, depth: usize, name: &str, of: &Json) {
        match of {
            Json::Object(members) if !members.is_empty() => {
                self.line(operation.into(), mark(operation), depth, name);
                for (member, of) in members {
                    self.value(operation, depth + 1, &label(&Step::Member(member.clone())), of);
                }
            }
            Json::Array(items) if !items.is_empty() => {
                self.line(operation.into(), mark(operation), depth, name);
                for (index, of) in items.iter().enumerate() {
                    self.value(operation, depth + 1, &format!("[{index}]"), of);
                }
            }
            scalar => self.said(operation, depth, name, &value(scalar)),
        }
    }

    fn said(&mut self, operation: Operation, depth: usize, label: &str, what: &str) {
        self.line(operation.into(), mark(operation), depth, &format!("{label}: {what}"));
    }

    fn line(&mut self, role: LineRole, mark: char, depth: usize, text: &str) {
        self.lines
            .push(DifferenceLine::new(role, format!("{mark} {:indent$}{text}", "", indent = 2 * depth)));
    }
}

fn label(step: &Step) -> String {
    harmless(&Path::of_step(step).readable())
}
