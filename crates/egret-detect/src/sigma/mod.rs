//! Sigma: rule files in YAML, read with all they say, their detections lowered to conditions of the matcher.
//!
//! [`SigmaFile::parse`] gives one [`SigmaDocument`] for each rule in a file: a [`SigmaRule`], or why there is none.
//! What is read is the specification 2.1. Where it leaves something open, and pySigma does not decide it:
//!
//! - No test of a field that a record lacks holds, so `not` and `neq` do.
//! - Numbers are compared as text, so that `1` matches 1 and "1"; one that can be written in several ways, such as
//!   `0x17`, also as it is written. Fractions are compared as numbers.
//! - Keywords are looked for in every value of a record, anywhere in it.
//! - Regular expressions are searched for; `re|startswith` and `re|endswith` hold them to the start and end.
//! - The byte order mark of `utf16` is two bytes under Base64, and else the character U+FEFF.
//! - Placeholders are replaced before all else, wherever `expand` stands. Their values are text with wildcards, also
//!   in a regular expression.
//! - `1 of name` without a `*` means that selection alone. A name with `_` before it is only meant if the pattern
//!   begins with one.
//! - In a file with `action: global`, what a rule says itself counts.
//!
//! Mistakes in the parts that decide nothing (dates, tags, …) are warnings, and the part is left out.
//!
//! Invariant: what a file may become is bounded before it does, whatever is in it (`limits`).

mod limits;
mod yaml;

mod actions;
mod document;
mod file;
mod metadata;
mod rule;

mod detection;
mod expression;
mod modifier;
mod placeholder;
mod selection;
mod value;

mod show;

pub use detection::{SigmaDetection, SigmaField};
pub use file::{MAX_FILE_BYTES, MissingPlaceholder, NotYet, Rejection, SigmaDocument, SigmaFile};
pub use placeholder::Placeholders;
pub use rule::{LogSource, Related, RelatedKind, SigmaRule, Status};
pub use show::ShownCondition;

#[cfg(test)]
mod tests;
