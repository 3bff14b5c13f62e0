//! Files and folders to one configuration: reading, merging, and which blocks there may be.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hcl_edit::Span;
use hcl_edit::structure::{Block as HclBlock, BlockLabel, Body, Structure};
use walkdir::{DirEntry, WalkDir};

use crate::block::{Attribute, Block};
use crate::decode::{header, valid_names};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::environment::Environment;
use crate::evaluate::Evaluator;
use crate::place::{Located, Location, SourceFile};
use crate::syntax;

/// The endings of configuration files in a folder.
pub(crate) const FILE_EXTENSIONS: [&str; 2] = ["hcl", "tpc"];

/// At most so many bytes of one file are read.
pub(crate) const MAX_FILE_BYTES: u64 = 16 << 20;

/// Folders are searched this deep.
const MAX_FOLDER_DEPTH: usize = 32;

/// The block of named values, which is read here and by nobody else.
const LOCALS: &str = "locals";

/// A kind of block that may stand at the top of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockKind {
    /// Its name: `partition`.
    pub name: &'static str,
    /// What its labels are: `table` and `name`. A block must have exactly these.
    pub labels: &'static [&'static str],
    /// Whether there may be several with the same labels.
    pub repeats: bool,
}

impl BlockKind {
    /// The kind `name` with these labels.
    pub const fn new(name: &'static str, labels: &'static [&'static str]) -> Self {
        Self { name, labels, repeats: false }
    }

    /// The kind `name` without labels, of which there may be any number, in an order that matters.
    pub const fn repeated(name: &'static str) -> Self {
        Self { name, labels: &[], repeats: true }
    }
}

/// Everything that was configured.
#[derive(Debug, Default)]
pub struct Configuration {
    /// The blocks of all files, in the order of files and within them.
    pub blocks: Vec<Block>,
    /// The files that were read, also those with mistakes.
    pub files: Vec<Arc<SourceFile>>,
}

impl Configuration {
    /// Reads `paths`: files, and of folders all files that end in `.hcl` or `.tpc` at any depth, by name,
    /// without hidden ones. Mistakes go to `diagnostics`; what has none is in the result.
    pub fn load(
        paths: &[impl AsRef<Path>],
        kinds: &[BlockKind],
        environment: &Environment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut seen = BTreeSet::new();
        let mut files = Vec::new();
        for path in paths {
            for path in find_files(path.as_ref(), diagnostics) {
                let canonical = path.canonicalize().unwrap_or_else(|_| path.clone());
                if seen.insert(canonical) {
                    files.extend(read_file(&path, diagnostics));
                }
            }
        }
        Self::assemble(files, kinds, environment, diagnostics)
    }

    /// Reads a text that is called `name` in messages.
    pub fn parse(
        name: impl Into<PathBuf>,
        text: impl Into<String>,
        kinds: &[BlockKind],
        environment: &Environment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        Self::parse_all([(name, text)], kinds, environment, diagnostics)
    }

    /// As [`Configuration::parse`], for several texts that are merged like the files of a folder.
    pub fn parse_all<N: Into<PathBuf>, T: Into<String>>(
        texts: impl IntoIterator<Item = (N, T)>,
        kinds: &[BlockKind],
        environment: &Environment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let files = texts.into_iter().map(|(name, text)| SourceFile::new(name, text)).collect();
        Self::assemble(files, kinds, environment, diagnostics)
    }

    /// The blocks of a kind, in the order of files and within them.
    pub fn blocks_of(&self, kind: &str) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.kind.value == kind)
    }

    fn assemble(
        files: Vec<Arc<SourceFile>>,
        kinds: &[BlockKind],
        environment: &Environment,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let bodies: Vec<Body> = files.iter().map(|file| syntax::parse(file, diagnostics)).collect();
        let mut evaluator = Evaluator::new(environment, diagnostics);
        for (file, body) in files.iter().zip(&bodies) {
            for block in body.blocks().filter(|block| block.ident.as_str() == LOCALS) {
                declare_locals(&mut evaluator, file, block);
            }
        }
        evaluator.evaluate_locals();
        let mut blocks = Vec::new();
        for (file, body) in files.iter().zip(&bodies) {
            evaluator.enter_file(file);
            for structure in body {
                blocks.extend(top_level_block(&mut evaluator, file, structure, kinds));
            }
        }
        report_duplicates(&mut blocks, kinds, diagnostics);
        Self { blocks, files }
    }
}

/// The configuration files that `path` means, sorted by name.
fn find_files(path: &Path, diagnostics: &mut Diagnostics) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let visible =
        |entry: &DirEntry| entry.depth() == 0 || !entry.file_name().to_string_lossy().starts_with('.');
    let mut files = Vec::new();
    let entries = WalkDir::new(path).follow_links(true).max_depth(MAX_FOLDER_DEPTH).sort_by_file_name();
    for entry in entries.into_iter().filter_entry(visible) {
        match entry {
            Ok(entry) if entry.file_type().is_file() && has_extension(entry.path()) => {
                files.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) => diagnostics.push(cannot_read(error.path().unwrap_or(path), &error)),
        }
    }
    files
}

fn has_extension(path: &Path) -> bool {
    path.extension().is_some_and(|extension| FILE_EXTENSIONS.iter().any(|known| extension == *known))
}

fn read_file(path: &Path, diagnostics: &mut Diagnostics) -> Option<Arc<SourceFile>> {
    match read_text(path) {
        Ok(text) => Some(SourceFile::new(path, text)),
        Err(error) => {
            diagnostics.push(cannot_read(path, &error));
            None
        }
    }
}

/// A file's text, if it is UTF-8 and not too large.
pub(crate) fn read_text(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotText(error.utf8_error().valid_up_to()))
}

/// Why a file has no text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("it is larger than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLarge,
    #[error("it is not UTF-8 at byte {0}")]
    NotText(usize),
}

fn cannot_read(path: &Path, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(format!("cannot read {}: {error}", path.display()))
}

fn declare_locals<'a>(evaluator: &mut Evaluator<'a>, file: &Arc<SourceFile>, block: &'a HclBlock) {
    for attribute in block.body.attributes() {
        let location = place(file, attribute.key.span());
        evaluator.declare_local(attribute.key.as_str(), location, &attribute.value);
    }
    for nested in block.body.blocks() {
        let mistake = Diagnostic::error("`locals` holds named values, no blocks")
            .at(&place(file, nested.ident.span()))
            .hint(format!("write `{} = {{ … }}`", nested.ident.as_str()));
        evaluator.report(mistake);
    }
    for label in &block.labels {
        evaluator.report(Diagnostic::error("`locals` takes no label").at(&place(file, label.span())));
    }
}

fn top_level_block(
    evaluator: &mut Evaluator<'_>,
    file: &Arc<SourceFile>,
    structure: &Structure,
    kinds: &[BlockKind],
) -> Option<Block> {
    let block = match structure {
        Structure::Block(block) => block,
        Structure::Attribute(attribute) => {
            let name = attribute.key.as_str();
            let mistake = Diagnostic::error(format!("`{name}` stands outside of any block"))
                .at(&place(file, attribute.key.span()))
                .hint(format!(
                    "put it into its block, or into `locals {{ … }}` and use it as `local.{name}`"
                ));
            evaluator.report(mistake);
            return None;
        }
    };
    let name = block.ident.as_str();
    if name == LOCALS {
        return None;
    }
    let block = build_block(evaluator, file, block);
    let Some(kind) = kinds.iter().find(|kind| kind.name == name) else {
        let names: Vec<&str> = kinds.iter().map(|kind| kind.name).chain([LOCALS]).collect();
        let mistake = Diagnostic::error(format!("there is no block `{name}`"))
            .at(&block.kind.location)
            .hint(valid_names(name, &names, "block"));
        evaluator.report(mistake);
        return None;
    };
    if block.labels.len() == kind.labels.len() {
        return Some(block);
    }
    let mistake = Diagnostic::error(wrong_label_count(kind, block.labels.len())).at(&block.location);
    evaluator.report(mistake.hint(format!("write {}", header_of(kind))));
    None
}

fn wrong_label_count(kind: &BlockKind, found: usize) -> String {
    let name = kind.name;
    let expected = match kind.labels {
        [] => "no label".to_owned(),
        [label] => format!("one label ({label})"),
        labels => format!("{} labels ({})", labels.len(), labels.join(" and ")),
    };
    format!("`{name}` takes {expected}, not {found}")
}

fn header_of(kind: &BlockKind) -> String {
    let mut text = header(kind.name, kind.labels.len());
    for label in kind.labels {
        text = text.replacen('…', &format!("<{label}>"), 1);
    }
    text
}

/// Evaluates `block` and those in it. The parser bounds the depth.
fn build_block(evaluator: &mut Evaluator<'_>, file: &Arc<SourceFile>, block: &HclBlock) -> Block {
    let kind = Located::new(block.ident.as_str().to_owned(), place(file, block.ident.span()));
    let labels: Vec<Located<String>> = block
        .labels
        .iter()
        .map(|label| {
            let location = place(file, label.span());
            let text = match label {
                BlockLabel::Ident(ident) => ident.as_str().to_owned(),
                BlockLabel::String(text) => syntax::string_value(&location, text.value()),
            };
            Located::new(text, location)
        })
        .collect();
    let end = labels.last().map_or(kind.location.span.end, |label| label.location.span.end);
    let location = Location::new(file, kind.location.span.start..end);
    let mut attributes = Vec::new();
    let mut blocks = Vec::new();
    for structure in &block.body {
        match structure {
            Structure::Attribute(attribute) => {
                let name = Located::new(attribute.key.as_str().to_owned(), place(file, attribute.key.span()));
                let value = evaluator.evaluate(&attribute.value);
                attributes.push(Attribute::new(name, place(file, attribute.value.span()), value));
            }
            Structure::Block(nested) => blocks.push(build_block(evaluator, file, nested)),
        }
    }
    Block { kind, labels, attributes, blocks, location }
}

/// Reports blocks of the same kind with the same labels, and keeps the first of them.
fn report_duplicates(blocks: &mut Vec<Block>, kinds: &[BlockKind], diagnostics: &mut Diagnostics) {
    let mut first_of: HashMap<Vec<String>, Location> = HashMap::new();
    let repeats = |block: &Block| kinds.iter().any(|kind| kind.repeats && kind.name == block.kind.value);
    blocks.retain(|block| {
        if repeats(block) {
            return true;
        }
        let mut key = vec![block.kind.value.clone()];
        key.extend(block.labels.iter().map(|label| label.value.clone()));
        let Some(first) = first_of.get(&key) else {
            first_of.insert(key, block.location.clone());
            return true;
        };
        let mistake = Diagnostic::error(format!("`{}` is there twice", block.path()))
            .at(&block.location)
            .note(format!("the first is at {first}"));
        let hint = match block.labels.is_empty() {
            true => "put both into one",
            false => "give it another name or remove one of them",
        };
        diagnostics.push(mistake.hint(hint));
        false
    });
}

/// A place the parser reported.
pub(crate) fn place(file: &Arc<SourceFile>, span: Option<std::ops::Range<usize>>) -> Location {
    Location::new(file, span.unwrap_or_default())
}

#[cfg(test)]
mod tests;
