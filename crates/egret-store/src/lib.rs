//! The operational database.
