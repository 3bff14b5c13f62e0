//! From findings in a lake to alerts in a store and letters at outputs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where it fails")]

mod support;

mod configuration;
mod delivery;
mod forget;
mod intake;
mod lookups;
mod staging;
