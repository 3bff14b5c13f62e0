//! JSON: one value a line (`jsonl`), or a document with records in it (`json`).

mod cursor;
mod document;
mod lanes;
mod lines;
mod mend;
mod pairs;
mod record;
mod unescape;

pub use document::{JsonFormat, PathError};
pub use lines::JsonLinesFormat;

#[cfg(test)]
mod tests;
