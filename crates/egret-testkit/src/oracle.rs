//! The oracle of the matcher: rules decided one by one on JSON records, straight from the words of the algebra; and
//! random rules and records to ask it about.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what tests use ends where it fails")]

mod generate;
mod naive;
mod rows;

pub use generate::{condition, record};
pub use naive::Oracle;
pub use rows::{batch, field_map};
