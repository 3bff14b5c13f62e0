//! YAML as nodes that know where they stand and how they were written.

use std::ops::Range;
use std::sync::Arc;

use egret_config::{Location, SourceFile};

mod place;
mod reader;
mod scalar;

pub(super) use place::place_inside;
pub(super) use reader::parse;
pub(super) use scalar::{Number, Resolved, Scalar};

/// A value and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// The value.
    pub kind: Kind,
    /// Its bytes in the file; of a list or map those of its first part, which is what a message points at.
    pub span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// Text, a number, truth or nothing.
    Scalar(Scalar),
    /// Several.
    List(Vec<Node>),
    /// Names and values, in the order written; no name twice.
    Map(Vec<Entry>),
}

/// A name in a map and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The name.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A name in a map.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// What it says.
    pub text: String,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

impl Node {
    /// Where it is.
    pub fn location(&self, file: &Arc<SourceFile>) -> Location {
        Location::new(file, self.span.clone())
    }

    /// Whether it says nothing: `null`, `~`, or no value at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.resolve() == Resolved::Null)
    }

    /// Whether it says nothing, or is text without a letter in it.
    pub fn is_blank(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.text().trim().is_empty()) || self.is_null()
    }

    /// What kind of value it is, in words for messages.
    pub fn description(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.resolve().description(),
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// The value of `name`, if this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Map(entries) => find(entries, name),
            Kind::Scalar(_) | Kind::List(_) => None,
        }
    }

    /// It as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.kind {
            Kind::Scalar(scalar) => scalar.to_json(),
            Kind::List(items) => items.iter().map(Self::to_json).collect(),
            Kind::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|entry| (entry.key.text.clone(), entry.value.to_json())).collect(),
            ),
        }
    }

    /// What a copy of it takes, and how deep it is nested.
    fn measure(&self) -> Size {
        let below = match &self.kind {
            Kind::Scalar(scalar) => Size { bytes: scalar.text().len(), depth: 0 },
            Kind::List(items) => items.iter().map(Self::measure).fold(Size::default(), Size::beside),
            Kind::Map(entries) => entries.iter().map(Entry::measure).fold(Size::default(), Size::beside),
        };
        Size { bytes: below.bytes + size_of::<Self>(), depth: below.depth + 1 }
    }
}

/// The value of `name` among `entries`.
pub(super) fn find<'a>(entries: &'a [Entry], name: &str) -> Option<&'a Entry> {
    entries.iter().find(|entry| entry.key.text == name)
}

impl Entry {
    /// What a copy of it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.measure().bytes
    }

    fn measure(&self) -> Size {
        let value = self.value.measure();
        Size { bytes: value.bytes + self.key.text.len() + size_of::<Key>(), ..value }
    }
}

impl Key {
    /// Where it is.
    pub fn location(&self, file: &Arc<SourceFile>) -> Location {
        Location::new(file, self.span.clone())
    }

    /// Where the bytes `inner` of it are.
    pub fn place(&self, file: &Arc<SourceFile>, inner: Range<usize>) -> Location {
        place_inside(file, &self.span, &self.text, inner)
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    bytes: usize,
    depth: usize,
}

impl Size {
    fn beside(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, depth: self.depth.max(other.depth) }
    }
}

#[cfg(test)]
mod tests;
