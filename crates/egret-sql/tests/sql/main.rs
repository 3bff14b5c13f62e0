//! All tests of the crate in one binary, since linking the engine is slow.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails may stop")]

mod agreement;
mod compiler;
mod errors;
mod events;
mod logic;
mod lookups;
mod session;
