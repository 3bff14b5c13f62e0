//! What a command prints, as it comes: documents, and lines that tell of the run.

use std::collections::BTreeSet;

use egret_http::{said, shorten};
use serde_json::Value as Json;

use crate::documents::Documents;
use crate::generator::GenerateError;
use crate::generators::hidden::Hidden;
use crate::generators::json_stream::{JsonStream, Piece};
use crate::generators::selection::Selection;

/// A larger value is refused: it has to be held while documents are looked for in it.
const MAX_VALUE_BYTES: usize = 64 << 20;

/// A longer line of plain text is refused.
const MAX_LINE_BYTES: usize = 1 << 20;

/// So many parts, failures and notes are taken.
const MAX_TOLD: usize = 10_000;

/// The longest name of a part, and the longest text beside it.
const MAX_NAME: usize = 256;
const MAX_TEXT: usize = 1000;

/// What a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Lines,
}

/// Takes what a command prints.
pub(super) struct Output<'o> {
    kind: Kind,
    taking: Taking<'o>,
}

enum Kind {
    Json(JsonStream),
    Lines { line: Vec<u8>, number: u64, is_too_long: bool },
}

struct Taking<'o> {
    select: &'o Selection,
    hidden: &'o Hidden,
    documents: &'o mut Documents,
    part: String,
    /// Parts with something in them that is no JSON.
    wrong: BTreeSet<String>,
    first_wrong: Option<String>,
    told: usize,
}

impl<'o> Output<'o> {
    pub(super) fn new(
        format: Format,
        select: &'o Selection,
        hidden: &'o Hidden,
        documents: &'o mut Documents,
    ) -> Self {
        let kind = match format {
            Format::Json => Kind::Json(JsonStream::new(select.takes_items(), MAX_VALUE_BYTES)),
            Format::Lines => Kind::Lines { line: Vec::new(), number: 1, is_too_long: false },
        };
        let (part, wrong) = (String::new(), BTreeSet::new());
        Self { kind, taking: Taking { select, hidden, documents, part, wrong, first_wrong: None, told: 0 } }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// If a document cannot be kept, or the command tells too much of its run.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), GenerateError> {
        let taking = &mut self.taking;
        match &mut self.kind {
            Kind::Json(stream) => stream.feed(bytes, &mut |piece| taking.piece(piece)),
            Kind::Lines { line, number, is_too_long } => {
                for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
                    let is_end = piece.ends_with(b"\n");
                    if line.len() + piece.len() > MAX_LINE_BYTES {
                        *is_too_long = true;
                        line.clear();
                    } else if !*is_too_long {
                        line.extend_from_slice(piece);
                    }
                    if is_end {
                        taking.line(line, *number, *is_too_long)?;
                        line.clear();
                        (*number, *is_too_long) = (*number + 1, false);
                    }
                }
                Ok(())
            }
        }
    }

    /// There is no more.
    ///
    /// # Errors
    /// As [`Output::take`], and if there was nothing but what is wrong.
    pub(super) fn finish(self) -> Result<(), GenerateError> {
        let mut taking = self.taking;
        match self.kind {
            Kind::Json(stream) => stream.end(&mut |piece| taking.piece(piece))?,
            Kind::Lines { line, number, is_too_long } => taking.line(&line, number, is_too_long)?,
        }
        match taking.first_wrong {
            Some(wrong) if taking.documents.count() == 0 => Err(GenerateError::refused(wrong)),
            _ => Ok(()),
        }
    }
}

impl Taking<'_> {
    fn piece(&mut self, piece: Piece) -> Result<(), GenerateError> {
        let value = match piece {
            Piece::Value(value) => value,
            Piece::Wrong { line, why } => {
                self.wrong(format!("line {line} of the output is no JSON: {why}"));
                return Ok(());
            }
        };
        if let Some(told) = told_of_run(&value) {
            return self.tell(told);
        }
        for document in self.select.documents(value) {
            self.documents.push(document)?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], number: u64, is_too_long: bool) -> Result<(), GenerateError> {
        if is_too_long {
            self.wrong(format!("line {number} of the output is longer than {} MiB", MAX_LINE_BYTES >> 20));
            return Ok(());
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if text.trim().is_empty() { Ok(()) } else { self.documents.push(Json::from(text)) }
    }

    /// A line that tells of the run.
    fn tell(&mut self, told: &serde_json::Map<String, Json>) -> Result<(), GenerateError> {
        self.told += 1;
        if self.told > MAX_TOLD {
            let message = format!("the command tells more than {MAX_TOLD} parts, failures and notes");
            return Err(GenerateError::refused(message));
        }
        let text = |name: &str| told.get(name).and_then(Json::as_str);
        let why = text("why").map_or_else(|| "the command does not say why".to_owned(), |why| self.said(why));
        if let Some(part) = text("part") {
            self.part = shorten(part, MAX_NAME);
            self.documents.begin_part(self.part.as_str());
        } else if let Some(part) = text("fail") {
            self.documents.fail(shorten(part, MAX_NAME), why);
        } else if let Some(note) = text("note") {
            let note = self.said(note);
            self.documents.note(note);
        } else {
            let names: Vec<&str> = told.keys().map(String::as_str).collect();
            let names = said(&names.join(", "), MAX_NAME);
            self.wrong(format!("the command tells `{names}` of its run, which is none of part, fail, note"));
        }
        Ok(())
    }

    fn said(&self, text: &str) -> String {
        said(&self.hidden.hide(text), MAX_TEXT)
    }

    /// Something is not as it should be: once for each part, as its objects stay then anyway.
    fn wrong(&mut self, why: String) {
        if self.wrong.insert(self.part.clone()) {
            self.documents.fail(self.part.as_str(), &why);
        }
        self.first_wrong.get_or_insert(why);
    }
}

/// What a line tells of the run, if it is no document.
fn told_of_run(value: &Json) -> Option<&serde_json::Map<String, Json>> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("egret")?.as_object()
}
