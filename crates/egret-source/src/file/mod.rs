//! The source `file`: files, folders, globs and standard input.
//!
//! A listing has two halves. `discover` walks the file system and yields the files that are meant, with
//! what `stat` says of them; `recognise` holds them against the checkpoints of earlier runs and decides for
//! each whether it is unchanged, read on from where it stood, or new; `order` puts those into the order in which
//! they are read. `reader` reads what was chosen.

mod configuration;
mod discover;
mod encoding;
mod glob;
mod identity;
mod layout;
mod order;
mod patterns;
mod reader;
mod recognise;
mod source;

pub use configuration::{FileConfiguration, SOURCE_TYPE};
pub use glob::InvalidPath;
pub use source::FileSource;

#[cfg(test)]
mod tests;
