//! Placeholders: `%Servers%` in the values of rules, and the values that a site has for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egret_config::{Diagnostic, Diagnostics, SourceFile};

use super::limits;
use super::value::{Pattern, Piece, Problem};
use super::yaml::{self, Kind, Node, Resolved};

/// The values that stand for `%name%` in rules: text with the wildcards of Sigma, such as `srv*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placeholders {
    values: BTreeMap<String, Vec<String>>,
}

impl Placeholders {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a file `name: [values]` in YAML or JSON, called `path`; the names and values of several documents are
    /// put together. What is wrong is left out and reported.
    pub fn parse(path: impl Into<PathBuf>, text: impl Into<String>, diagnostics: &mut Diagnostics) -> Self {
        let file = SourceFile::new(path, text);
        let mut placeholders = Self::new();
        if let Some(mistake) = super::file::too_large(&file) {
            diagnostics.push(mistake);
            return placeholders;
        }
        for document in yaml::parse(&file) {
            let node = match document {
                Ok(node) => node,
                Err(mistake) => {
                    diagnostics.push(*mistake);
                    continue;
                }
            };
            let Kind::Map(entries) = &node.kind else {
                if !node.is_null() {
                    let mistake = Diagnostic::error(format!("this is {}, not a map", node.description()));
                    diagnostics.push(mistake.at(&node.location(&file)).hint("write `name: [value, value]`"));
                }
                continue;
            };
            for entry in entries {
                match texts(&entry.value) {
                    Ok(values) => placeholders.insert(entry.key.text.trim_matches('%'), values),
                    Err(wrong) => {
                        let message = format!("a value of a placeholder is {}", wrong.description());
                        let place = wrong.location(&file);
                        diagnostics.push(Diagnostic::error(message).at(&place).hint("write text or numbers"));
                    }
                }
            }
        }
        placeholders
    }

    /// Adds `values` to those of `name`.
    pub fn insert(&mut self, name: &str, values: impl IntoIterator<Item = impl Into<String>>) {
        self.values.entry(name.to_owned()).or_default().extend(values.into_iter().map(Into::into));
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: Self) {
        for (name, values) in other.values {
            self.insert(&name, values);
        }
    }

    /// The values of `name`; none if nobody gave any.
    pub fn get(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The names that have values.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().filter(|(_, values)| !values.is_empty()).map(|(name, _)| name.as_str())
    }

    /// What to do about `name`, which has no values.
    pub(super) fn hint(&self, name: &str) -> String {
        match limits::nearest(name, self.names()) {
            Some(nearest) => format!("did you mean `%{nearest}%`?"),
            None => format!("give it values, as `{name}: [value, value]` in a file of placeholders"),
        }
    }
}

/// The texts in a list, or the only one; or what is no text.
fn texts(node: &Node) -> Result<Vec<String>, &Node> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let text = |item: &Node| match &item.kind {
        Kind::Scalar(scalar) if matches!(scalar.resolve(), Resolved::Text(_) | Resolved::Number(_)) => {
            Some(scalar.text().to_owned())
        }
        _ => None,
    };
    items.iter().map(|item| text(item).ok_or(item)).collect()
}

/// `text` as a pattern, with every value of every placeholder in it, at most `most` of them.
pub(super) fn expand(text: &str, placeholders: &Placeholders, most: usize) -> Result<Vec<Pattern>, Problem> {
    let append = |pattern: &mut Pattern, more: &Pattern| {
        more.pieces().iter().for_each(|piece| pattern.push(piece.clone()));
    };
    let mut patterns = vec![Pattern::default()];
    let mut missing = Vec::new();
    for part in parts(text) {
        match part {
            Part::Text(text) => {
                let more = Pattern::parse(&text);
                patterns.iter_mut().for_each(|pattern| append(pattern, &more));
            }
            Part::Placeholder(name) => match placeholders.get(name) {
                [] => missing.push(name.to_owned()),
                values => {
                    let values: Vec<Pattern> = values.iter().map(|value| Pattern::parse(value)).collect();
                    patterns = with_each(&patterns, &values, most, append)?;
                }
            },
        }
    }
    found_all(patterns, missing)
}

/// As [`expand`] for a regular expression, in which the values are still text with the wildcards of Sigma.
pub(super) fn expand_regex(
    source: &str,
    placeholders: &Placeholders,
    most: usize,
) -> Result<Vec<String>, Problem> {
    let append = |source: &mut String, more: &String| source.push_str(more);
    let mut sources = vec![String::new()];
    let mut missing = Vec::new();
    for part in parts(source) {
        match part {
            Part::Text(text) => sources.iter_mut().for_each(|source| append(source, &text)),
            Part::Placeholder(name) => match placeholders.get(name) {
                [] => missing.push(name.to_owned()),
                values => {
                    let values: Vec<String> = values.iter().map(|value| as_regex(value)).collect();
                    sources = with_each(&sources, &values, most, append)?;
                }
            },
        }
    }
    found_all(sources, missing)
}

fn found_all<T>(values: Vec<T>, missing: Vec<String>) -> Result<Vec<T>, Problem> {
    match missing.is_empty() {
        true => Ok(values),
        false => Err(Problem::Missing(missing)),
    }
}

/// Each of `starts` with each of `values` behind it.
fn with_each<T: Clone>(
    starts: &[T],
    values: &[T],
    most: usize,
    append: impl Fn(&mut T, &T),
) -> Result<Vec<T>, Problem> {
    if starts.len() * values.len() > most {
        let message = format!("the placeholders in this have more than {most} values together");
        return Err(Problem::value(message, "put fewer placeholders in one value"));
    }
    let both = |start: &T, value: &T| {
        let mut both = start.clone();
        append(&mut both, value);
        both
    };
    Ok(starts.iter().flat_map(|start| values.iter().map(move |value| both(start, value))).collect())
}

/// `value` with its wildcards as a part of a regular expression.
fn as_regex(value: &str) -> String {
    let pieces = Pattern::parse(value).into_pieces().into_iter();
    pieces
        .map(|piece| match piece {
            Piece::AnyRun => ".*".to_owned(),
            Piece::AnyCharacter => ".".to_owned(),
            Piece::Literal(bytes) => regex_syntax::escape(&String::from_utf8_lossy(&bytes)),
        })
        .collect()
}

/// A piece of a text with placeholders in it.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(String),
    Placeholder(&'a str),
}

/// `text` in pieces. A percent sign with a backslash before it is itself; two backslashes are none for it.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['%', '\\']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some(behind) = from.strip_prefix(r"\\") {
            plain.push_str(r"\\");
            rest = behind;
        } else if let Some(behind) = from.strip_prefix(r"\%") {
            plain.push('%');
            rest = behind;
        } else if let Some(name) = name_at_start(from) {
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Placeholder(name));
            rest = &from[name.len() + 2..];
        } else {
            plain.push_str(&from[..1]);
            rest = &from[1..];
        }
    }
    plain.push_str(rest);
    parts.push(Part::Text(plain));
    parts
}

/// The name between the two percent signs that `text` begins with.
fn name_at_start(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('%')?.split_once('%')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests;
