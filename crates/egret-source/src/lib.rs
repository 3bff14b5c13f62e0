//! Sources: where bytes come from. Files, folders, globs and standard input.
//!
//! One module a source, each with the struct of its configuration; [`source_types`] is the visible list of
//! them. A source knows nothing of what the bytes mean.

pub mod file;

mod registry;
mod surroundings;

pub use file::FileSource;
pub use registry::{SourceType, decode_source, source_types};
pub use surroundings::{StandardInput, Surroundings};
