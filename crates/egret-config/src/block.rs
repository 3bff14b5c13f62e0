//! Blocks: `kind "label" { attributes and blocks }`, evaluated and positioned.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::place::{Located, Location};
use crate::value::Value;

/// One block and what is in it.
#[derive(Debug)]
pub struct Block {
    /// What it is: `partition`.
    pub kind: Located<String>,
    /// Its labels: the table and the name of a partition.
    pub labels: Vec<Located<String>>,
    /// Its attributes in the order written; no name twice.
    pub attributes: Vec<Attribute>,
    /// The blocks in it, in the order written.
    pub blocks: Vec<Self>,
    /// Its header: kind and labels, without the braces.
    pub location: Location,
}

impl Block {
    /// The attribute called `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.value == name)
    }

    /// The blocks of a kind in it, in the order written.
    pub fn blocks_of(&self, kind: &str) -> impl Iterator<Item = &Self> {
        self.blocks.iter().filter(move |block| block.kind.value == kind)
    }

    /// The text of a label, or nothing if there are fewer.
    pub fn label(&self, index: usize) -> Option<&str> {
        self.labels.get(index).map(|label| label.value.as_str())
    }

    /// The way a reference names it: `format.regex.mine`.
    pub fn path(&self) -> String {
        let mut path = self.kind.value.clone();
        for label in &self.labels {
            path.push('.');
            path.push_str(&label.value);
        }
        path
    }
}

/// `name = expression`, evaluated.
#[derive(Debug)]
pub struct Attribute {
    /// Its name.
    pub name: Located<String>,
    /// The expression as written.
    pub expression: Location,
    /// What the expression gave; `None` if it has a mistake, which was reported.
    pub value: Option<Value>,
    /// Set once somebody reads it as a secret.
    read_as_secret: AtomicBool,
}

impl Attribute {
    /// An attribute whose expression gave `value`.
    pub fn new(name: Located<String>, expression: Location, value: Option<Value>) -> Self {
        Self { name, expression, value, read_as_secret: AtomicBool::new(false) }
    }

    /// Whether somebody has read it as a [`Secret`](egret_model::Secret), so that it must not be shown.
    pub fn is_secret(&self) -> bool {
        self.read_as_secret.load(Ordering::Relaxed)
    }

    pub(crate) fn mark_as_secret(&self) {
        self.read_as_secret.store(true, Ordering::Relaxed);
    }
}
